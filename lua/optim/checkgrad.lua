-- optim.checkgrad: compares a gradient with central differences.
local step = require 'optim.step'

-- the value as a number: a function may give it as a tensor, the same one each time
local function number(value)
   return torch.isTensor(value) and value:sum() or value
end

-- Gives the relative difference between the gradient of opfunc at x and its numerical estimate, then both. The
-- tensor x is moved while it works, entry by entry, and is afterwards what it was.
return function(opfunc, x, eps)
   step.begin('checkgrad', opfunc, x)
   eps = eps or 1e-7
   if type(eps) ~= 'number' then
      error('optim.checkgrad: the step should be a number, got ' .. require('nn.expect').brief(eps))
   end
   local _, dfdx = step.evaluate('checkgrad', opfunc, x)
   -- the function may give the same tensor each time
   local exact = dfdx:clone()
   local estimate = exact.new():resizeAs(exact):zero()
   local moving, slopes = x:view(-1), estimate:view(-1)
   for i = 1, moving:size(1) do
      local here = moving[i]
      moving[i] = moving[i] + eps
      local above = number((opfunc(x)))
      moving[i] = moving[i] - 2 * eps
      local below = number((opfunc(x)))
      moving[i] = here
      slopes[i] = (above - below) / (2 * eps)
   end
   local difference = torch.norm(exact - estimate) / torch.norm(exact + estimate)
   return difference, exact, estimate
end
