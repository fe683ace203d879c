-- Package argcheck: what types are. Programs may put their own functions in their place.
local env = {}

-- the class of an object, or its Lua type
function env.type(object)
   return torch.type(object)
end

-- Whether an object is of a type: a name, that of a class which its class inherits from, or a pattern with `*`.
function env.istype(object, name)
   local kind = type(object)
   if kind == name then return true end
   local own = torch.typename(object)
   if own == nil then
      local mt = kind == 'table' and getmetatable(object)
      return type(mt) == 'table' and mt.__typename == name
   end
   if own == name then return true end
   if name:find('*', 1, true) then return own:find(name) ~= nil end
   local mt = torch.getmetatable(name)
   return mt ~= nil and torch.isTypeOf(object, name)
end

return env
