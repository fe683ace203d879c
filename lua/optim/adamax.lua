-- optim.adamax: Adam with the infinity norm: steps scaled by the largest recent gradient.
local step = require 'optim.step'

-- the two things whose maximum is taken, stacked: the decayed norm and the size of the new gradient
local function stacked(state, dfdx)
   if not state.max then
      local sizes = dfdx:size():totable()
      table.insert(sizes, 1, 2)
      state.max = dfdx.new(torch.LongStorage(sizes)):zero()
   end
   return state.max
end

-- Options: learningRate (0.002), beta1 (0.9), beta2 (0.999), epsilon (1e-38), weightDecay (0).
return function(opfunc, x, config, state)
   config, state = step.begin('adamax', opfunc, x, config, state)
   local function option(key, default) return step.number('adamax', config, key, default) end
   local rate = option('learningRate', 0.002)
   local beta1, beta2 = option('beta1', 0.9), option('beta2', 0.999)
   local epsilon, weightDecay = option('epsilon', 1e-38), option('weightDecay', 0)

   local fx, dfdx = step.evaluate('adamax', opfunc, x)
   step.penalise(dfdx, weightDecay, x)
   local mean, norm = step.zeros(state, 'm', dfdx), step.zeros(state, 'u', dfdx)
   mean:mul(beta1):add(1 - beta1, dfdx)
   local pair = stacked(state, dfdx)
   pair[1]:copy(norm):mul(beta2)
   pair[2]:copy(dfdx):abs():add(epsilon)
   torch.max(norm, pair, 1)

   local t = (state.t or 0) + 1
   state.t = t
   x:addcdiv(-rate / (1 - beta1 ^ t), mean, norm)
   return x, { fx }
end
