-- optim.adam: steps scaled by running averages of the gradient and of its square (Kingma and Ba).
local step = require 'optim.step'

-- Options: learningRate (1e-3), learningRateDecay (0), beta1 (0.9), beta2 (0.999), epsilon (1e-8), weightDecay (0).
return function(opfunc, x, config, state)
   config, state = step.begin('adam', opfunc, x, config, state)
   local function option(key, default) return step.number('adam', config, key, default) end
   local rate, rateDecay = option('learningRate', 1e-3), option('learningRateDecay', 0)
   local beta1, beta2 = option('beta1', 0.9), option('beta2', 0.999)
   local epsilon, weightDecay = option('epsilon', 1e-8), option('weightDecay', 0)

   local fx, dfdx = step.evaluate('adam', opfunc, x)
   step.penalise(dfdx, weightDecay, x)
   local mean, square = step.zeros(state, 'm', dfdx), step.zeros(state, 'v', dfdx)
   mean:mul(beta1):add(1 - beta1, dfdx)
   square:mul(beta2):addcmul(1 - beta2, dfdx, dfdx)
   local scale = step.scratch(state, 'denom', dfdx):copy(square):sqrt():add(epsilon)

   local t = state.t or 0
   local now = step.decayed(rate, rateDecay, t)
   t = t + 1
   state.t = t
   -- both averages start at zero; this takes that bias out
   local correction = math.sqrt(1 - beta2 ^ t) / (1 - beta1 ^ t)
   x:addcdiv(-now * correction, mean, scale)
   return x, { fx }
end
