-- optim.rmsprop: steps scaled by the root of a running average of squared gradients.
local step = require 'optim.step'

-- Options: learningRate (1e-2), alpha (0.99), epsilon (1e-8), initialMean (0), weightDecay (0).
return function(opfunc, x, config, state)
   config, state = step.begin('rmsprop', opfunc, x, config, state)
   local function option(key, default) return step.number('rmsprop', config, key, default) end
   local rate, alpha = option('learningRate', 1e-2), option('alpha', 0.99)
   local epsilon, weightDecay = option('epsilon', 1e-8), option('weightDecay', 0)
   local initial = option('initialMean', 0)

   local fx, dfdx = step.evaluate('rmsprop', opfunc, x)
   step.penalise(dfdx, weightDecay, x)
   if not state.m then step.scratch(state, 'm', dfdx):fill(initial) end
   state.m:mul(alpha):addcmul(1 - alpha, dfdx, dfdx)
   local scale = step.scratch(state, 'tmp', dfdx):copy(state.m):sqrt():add(epsilon)
   x:addcdiv(-rate, dfdx, scale)
   return x, { fx }
end
