-- optim.nag: Nesterov's accelerated gradient, which evaluates the function where momentum is about to lead.
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

-- Options: learningRate (1e-3), learningRateDecay (0), weightDecay (0), momentum (0.9), learningRates.
-- state.dfdx is the velocity. Gives x and {f at the look-ahead point}.
return function(opfunc, x, config, state)
   config, state = step.begin('nag', opfunc, x, config, state)
   local function option(key, default) return step.number('nag', config, key, default) end
   local momentum = option('momentum', 0.9)
   if momentum <= 0 then
      error('optim.nag: Momentum must be positive for Nesterov Accelerated Gradient, got ' .. momentum, 2)
   end
   local rate, rateDecay = option('learningRate', 1e-3), option('learningRateDecay', 0)
   local weightDecay = option('weightDecay', 0)
   local rates = step.perParameter('nag', config, 'learningRates', x)

   local moving = state.dfdx ~= nil
   local velocity = step.zeros(state, 'dfdx', x)
   if moving then steps.lookAhead(x, velocity, momentum) end
   local fx, dfdx = step.evaluate('nag', opfunc, x)
   local count = state.evalCounter or 0
   local delta = rates and step.scratch(state, 'deltaParameters', dfdx)
   -- x already carries the momentum part of the velocity
   steps.nag(x, dfdx, velocity, step.decayed(rate, rateDecay, count), weightDecay, rates, delta)
   state.evalCounter = count + 1
   return x, { fx }
end
