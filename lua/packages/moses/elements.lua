-- What functions on tables ask of elements, for packages moses and underscore; `where` is the function's name in messages.
local brief = require('nn.expect').brief
local elements = {}

-- What compares elements: `<`, or a message about two that have no order.
function elements.order(where)
   return function(a, b)
      local kind = type(a)
      if kind == type(b) and (kind == 'number' or kind == 'string') then return a < b end
      local ok, less = pcall(function() return a < b end)
      if not ok then error(string.format('%s: elements that can be compared expected, got %s and %s', where, brief(a), brief(b))) end
      return less
   end
end

-- An element that has fields.
function elements.fields(where, v)
   if type(v) == 'table' or type(v) == 'userdata' then return v end
   error(string.format('%s: elements with fields expected, got %s', where, brief(v)))
end

return elements
