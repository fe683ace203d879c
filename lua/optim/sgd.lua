-- optim.sgd: stochastic gradient descent with momentum, Nesterov momentum, weight decay and per-parameter rates.
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

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
   if weightDecay ~= 0 then decays = nil end
   local kept = decays and step.scratch(state, 'decayParameters', x)
   local count = state.evalCounter or 0
   local delta = rates and step.scratch(state, 'deltaParameters', dfdx)
   rate = step.decayed(rate, rateDecay, count)
   if momentum == 0 then
      if decays then
         steps.decayedSgd(x, dfdx, rate, decays, kept, rates, delta)
      else
         steps.sgd(x, dfdx, rate, weightDecay, rates, delta)
      end
   else
      -- the first gradient enters undamped
      local enter, flag = state.dfdx and 1 - dampening or 1, nesterov and true or false
      local average = step.zeros(state, 'dfdx', dfdx)
      if decays then
         steps.decayedMomentum(x, dfdx, average, rate, decays, kept, momentum, enter, flag, rates, delta)
      else
         steps.momentum(x, dfdx, average, rate, weightDecay, momentum, enter, flag, rates, delta)
      end
   end
   state.evalCounter = count + 1
   return x, { fx }
end
