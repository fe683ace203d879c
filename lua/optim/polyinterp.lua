-- optim.polyinterp: the minimum of the polynomial through points given as rows {x, f(x), f'(x)}.
local interpolate = require 'optim.interpolate'

-- Two points without bounds give the position of the cubic's minimum; more points, or bounds xmin and xmax, give the
-- position between the bounds and the polynomial's value there. A value or slope of nan is unknown.
return function(points, xmin, xmax)
   if not torch.isTensor(points) or points:dim() ~= 2 or points:size(2) ~= 3 then
      error('optim.polyinterp: argument 1 should be a matrix with one row {x, f, df/dx} per point, got '
         .. (torch.isTensor(points) and 'a tensor of size ' .. table.concat(points:size():totable(), 'x')
            or torch.type(points)), 2)
   end
   local list = {}
   for i, row in ipairs(points:totable()) do list[i] = { t = row[1], f = row[2], slope = row[3] } end
   if #list == 2 and not xmin and not xmax then return interpolate.cubic(list[1], list[2]) end
   return interpolate.polynomial(list, xmin, xmax)
end
