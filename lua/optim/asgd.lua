-- optim.asgd: averaged stochastic gradient descent (Polyak and Ruppert's average of the iterates).
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

local defaults = { eta0 = 1e-4, lambda = 1e-4, alpha = 0.75, t0 = 1e6 }

-- Options: eta0, lambda, alpha, t0; averaging starts after t0 steps. Gives x, {f(x)} and the averaged parameters.
return function(opfunc, x, config, state)
   config, state = step.begin('asgd', opfunc, x, config, state)
   -- the defaults land in the options table: scripts read them back from there
   for key, value in pairs(defaults) do config[key] = step.number('asgd', config, key, value) end
   local eta = state.eta_t or config.eta0
   local weight = state.mu_t or 1
   local t = state.t or 0

   local fx, dfdx = step.evaluate('asgd', opfunc, x)
   local average, change = step.zeros(state, 'ax', x), step.zeros(state, 'tmp', x)
   steps.asgd(x, dfdx, average, change, 1 - config.lambda * eta, eta, weight)

   t = t + 1
   state.t = t
   state.eta_t = config.eta0 / (1 + config.lambda * config.eta0 * t) ^ config.alpha
   state.mu_t = 1 / math.max(1, t - config.t0)
   return x, { fx }, average
end
