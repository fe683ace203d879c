-- Fields of modules that are made when they are read: `output` and `gradInput` of modules that a group computed in passing.
-- Such a module has a metatable of its own, as that of its class but for what is absent; whoever reads one of the fields,
-- or walks over all of them to write or copy the module, gets what the class would have left there.
local lazy = {}

-- module -> what is called with it first; without keeping either alive
local makers = setmetatable({}, { __mode = 'kv' })
local metatables = setmetatable({}, { __mode = 'k' })
local ON_DEMAND = { output = true, gradInput = true }

local function metatable_of(class)
   local found = metatables[class]
   if found then return found end
   found = {}
   for key, value in pairs(class) do
      if type(key) == 'string' and key:find('^__') then found[key] = value end
   end
   function found.__index(module, key)
      if not ON_DEMAND[key] then return class[key] end
      lazy.make(module)
      return module[key]
   end
   -- a field that it did not have: a method of its own, or another way to compute
   function found.__newindex(module, key, value)
      class.__newindex(module, key, value)
      local maker = makers[module]
      if maker and not ON_DEMAND[key] then maker.changed = true end
   end
   function found.__pairs(module)
      lazy.make(module)
      return pairs(module)
   end
   debug.setmetatable(found, debug.getmetatable(class))
   metatables[class] = found
   return found
end

-- Lets a module make its fields when they are read: maker.make() is called, and has to call `plain` for the module.
function lazy.set(module, class, maker)
   debug.setmetatable(module, metatable_of(class))
   makers[module] = maker
end

-- Makes a module as others of its class.
function lazy.plain(module, class)
   debug.setmetatable(module, class)
   makers[module] = nil
end

function lazy.make(module)
   local maker = makers[module]
   if maker then return maker.make() end
   -- what it belongs to is gone
   lazy.plain(module, torch.getmetatable(torch.typename(module)))
   for field in pairs(ON_DEMAND) do
      if rawget(module, field) == nil then module[field] = torch.Tensor() end
   end
end

return lazy
