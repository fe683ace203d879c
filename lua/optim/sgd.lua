-- optim.sgd: stochastic gradient descent with momentum, Nesterov momentum, weight decay and per-parameter rates.
local step = require 'optim.step'

-- The direction to go: the gradient itself, or the running average of gradients (state.dfdx) that momentum keeps.
local function direction(state, dfdx, momentum, dampening, nesterov)
   if momentum == 0 then return dfdx end
   local average = state.dfdx
   if average then
      average:mul(momentum):add(1 - dampening, dfdx)
   else
      -- the first gradient enters undamped
      average = dfdx:clone()
      state.dfdx = average
   end
   if nesterov then return dfdx:add(momentum, average) end
   return average
end

-- Options: learningRate (1e-3), learningRateDecay (0), weightDecay (0), weightDecays, momentum (0),
-- dampening (= momentum), nesterov (false), learningRates. Gives x and {f(x)}, f before the step.
return function(opfunc, x, config, state)
   config, state = step.begin('sgd', opfunc, x, config, state)
   local function option(key, default) return step.number('sgd', config, key, default) end
   local momentum = option('momentum', 0)
   local dampening = option('dampening', momentum)
   local nesterov = config.nesterov
   if nesterov and not (momentum > 0 and dampening == 0) then
      error('optim.sgd: Nesterov momentum requires a momentum and zero dampening', 2)
   end
   local weightDecay = option('weightDecay', 0)
   local decays = step.perParameter('sgd', config, 'weightDecays', x)
   local rates = step.perParameter('sgd', config, 'learningRates', x)
   local rate, rateDecay = option('learningRate', 1e-3), option('learningRateDecay', 0)

   local fx, dfdx = step.evaluate('sgd', opfunc, x)
   if weightDecay ~= 0 then
      step.penalise(dfdx, weightDecay, x)
   elseif decays then
      dfdx:add(step.scratch(state, 'decayParameters', x):copy(decays):cmul(x))
   end
   local way = direction(state, dfdx, momentum, dampening, nesterov)
   if rates then way = step.scaled(state, rates, way) end
   local count = state.evalCounter or 0
   x:add(-step.decayed(rate, rateDecay, count), way)
   state.evalCounter = count + 1
   return x, { fx }
end
