-- optim.adagrad: steps scaled by the root of the sum of all squared gradients so far.
local step = require 'optim.step'

-- Options: learningRate (1e-3), learningRateDecay (0), weightDecay (0).
return function(opfunc, x, config, state)
   config, state = step.begin('adagrad', opfunc, x, config, state)
   local rate = step.number('adagrad', config, 'learningRate', 1e-3)
   local rateDecay = step.number('adagrad', config, 'learningRateDecay', 0)
   local weightDecay = step.number('adagrad', config, 'weightDecay', 0)

   local fx, dfdx = step.evaluate('adagrad', opfunc, x)
   step.penalise(dfdx, weightDecay, x)
   local count = state.evalCounter or 0
   local total = step.zeros(state, 'paramVariance', dfdx):addcmul(1, dfdx, dfdx)
   -- the small number keeps parameters that never had a gradient where they are
   local scale = step.scratch(state, 'paramStd', dfdx):copy(total):sqrt():add(1e-10)
   x:addcdiv(-step.decayed(rate, rateDecay, count), dfdx, scale)
   state.evalCounter = count + 1
   return x, { fx }
end
