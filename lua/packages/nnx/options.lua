-- Options of nnx's classes: in their order, or by name in one table.
local expect = require 'nn.expect'

-- Puts them into the fields of an object. `wanted` is a list of { name, type, value where it is missing }; without such a value
-- an option may be missing, unless `true` stands at the end.
return function(self, class, given, wanted)
   local named = #given <= 1 and type(given[1]) == 'table' and not getmetatable(given[1])
   for i, option in ipairs(wanted) do
      local name, kind, default, demanded = unpack(option, 1, 4)
      local value
      if named then value = given[1][name] else value = given[i] end
      if value == nil then value = default end
      if value == nil and demanded then expect.fail(class, '%s expected, as %s', name, kind) end
      if value ~= nil and torch.type(value) ~= kind then
         expect.fail(class, '%s should be a %s, got %s', name, kind, expect.brief(value))
      end
      self[name] = value
   end
end
