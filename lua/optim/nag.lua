-- optim.nag: Nesterov's accelerated gradient, which evaluates the function where momentum is about to lead.
local step = require 'optim.step'

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
   if moving then
      velocity:mul(momentum)
      x:add(velocity)
   end
   local fx, dfdx = step.evaluate('nag', opfunc, x)
   step.penalise(dfdx, weightDecay, x)
   local count = state.evalCounter or 0
   local change = rates and step.scaled(state, rates, dfdx) or dfdx
   local stride = -step.decayed(rate, rateDecay, count)
   -- x already carries the momentum part of the velocity
   x:add(stride, change)
   velocity:add(stride, change)
   state.evalCounter = count + 1
   return x, { fx }
end
