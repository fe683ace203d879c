-- optim.rprop: resilient propagation: a step size per parameter that follows the signs of the gradient only.
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

-- the buffers, under the names that they have in the state; `like` gives shape and type
local function buffers(state, like, first)
   -- a previous gradient of zero leaves the step sizes alone in the first iteration
   step.zeros(state, 'delta', like)
   step.zeros(state, 'sign', like)
   for _, key in ipairs { 'psign', 'nsign', 'zsign', 'dminmax' } do
      if not state[key] then state[key] = torch.getconstructortable(torch._beside(like, 'Byte'))(like:size()) end
   end
   if not torch.isTensor(state.stepsize) then state.stepsize = like.new():resizeAs(like):fill(first) end
   return state
end

-- Options: stepsize (0.1) at the start, etaplus (1.2), etaminus (0.5), stepsizemax (50), stepsizemin (1e-6),
-- niter (1) iterations per call. Gives x and a table with f before each iteration.
return function(opfunc, x, config, state)
   config, state = step.begin('rprop', opfunc, x, config, state)
   local function option(key, default) return step.number('rprop', config, key, default) end
   -- where one table is options and state, the tensor of step sizes has taken the place of the option
   local first = torch.isTensor(config.stepsize) and 0.1 or option('stepsize', 0.1)
   local grow, shrink = option('etaplus', 1.2), option('etaminus', 0.5)
   local largest, smallest = option('stepsizemax', 50), option('stepsizemin', 1e-6)
   local values = {}
   for i = 1, option('niter', 1) do
      local fx, dfdx = step.evaluate('rprop', opfunc, x)
      values[i] = fx
      local s = buffers(state, dfdx, first)
      -- steps grow where the gradient keeps its sign and shrink where it flips, after which the parameter rests once
      steps.rprop(x, dfdx, s.delta, s.sign, s.stepsize, s.psign, s.nsign, s.zsign, s.dminmax, grow, shrink, largest, smallest)
   end
   return x, values
end
