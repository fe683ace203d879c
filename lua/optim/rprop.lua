-- optim.rprop: resilient propagation: a step size per parameter that follows the signs of the gradient only.
local step = require 'optim.step'

-- the buffers, under the names that they have in the state; `like` gives shape and type
local function buffers(state, like, first)
   -- a previous gradient of zero leaves the step sizes alone in the first iteration
   step.zeros(state, 'delta', like)
   step.zeros(state, 'sign', like)
   for _, key in ipairs { 'psign', 'nsign', 'zsign', 'dminmax' } do
      if not state[key] then state[key] = torch.ByteTensor(like:size()) end
   end
   if not torch.isTensor(state.stepsize) then state.stepsize = like.new():resizeAs(like):fill(first) end
   return state
end

local function multiply(t, mask, factor)
   if mask:max() > 0 then t:maskedCopy(mask, t:maskedSelect(mask):mul(factor)) end
end

-- Grows the step where the gradient kept its sign, shrinks it where the sign flipped, and keeps it within bounds.
local function adapt(s, dfdx, grow, shrink, largest, smallest)
   -- comparisons by the type of the gradient: torch.gt would go by the type of the byte mask
   local type = dfdx
   torch.cmul(s.sign, dfdx, s.delta)
   type.gt(s.psign, s.sign, 0)
   type.lt(s.nsign, s.sign, 0)
   type.eq(s.zsign, s.sign, 0)
   multiply(s.stepsize, s.psign, grow)
   multiply(s.stepsize, s.nsign, shrink)
   type.gt(s.dminmax, s.stepsize, largest)
   s.stepsize:maskedFill(s.dminmax, largest)
   type.lt(s.dminmax, s.stepsize, smallest)
   s.stepsize:maskedFill(s.dminmax, smallest)
   -- after a flip the parameter rests for one iteration
   dfdx:maskedFill(s.nsign, 0)
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
      adapt(s, dfdx, grow, shrink, largest, smallest)
      x:addcmul(-1, torch.sign(s.sign, dfdx), s.stepsize)
      s.delta:copy(dfdx)
   end
   return x, values
end
