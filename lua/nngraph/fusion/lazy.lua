-- Fields of modules that are made when they are read: `output` and `gradInput` of modules that a group computed in passing.
-- Such a module has a metatable of its own, as that of its class but for what is absent; whoever reads one of the fields,
-- or walks over all of them to write or copy the module, gets what the class would have left there.
local lazy = {}

-- The key of the field in which such a module has what makes it: a module keeps that alive, and through it the nodes of its
-- graph, as the graph itself may be gone when the field is read. Walking over the fields ends it first, so nobody meets it.
local MAKER = {}
-- The key of an output that is there, of a module that passes need not look at for it.
local WRITTEN = {}
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
      local output = key == 'output' and rawget(module, WRITTEN)
      if output then return output end
      lazy.make(module)
      return module[key]
   end
   -- a field that it did not have: one of those left out, a method of its own, or another way to compute
   function found.__newindex(module, key, value)
      local maker = rawget(module, MAKER)
      if ON_DEMAND[key] then maker.give() else maker.state.changed = true end
      class.__newindex(module, key, value)
   end
   function found.__pairs(module)
      lazy.make(module)
      return pairs(module)
   end
   debug.setmetatable(found, debug.getmetatable(class))
   metatables[class] = found
   return found
end

-- Lets a module make its fields when they are read: maker.make() is called, and has to call `plain` for the module, and
-- maker.give() before a program puts something of its own there. A method or setting that the module gets is told by
-- maker.state.changed. `output` is that of a module whose output passes write.
function lazy.set(module, class, maker, output)
   debug.setmetatable(module, metatable_of(class))
   rawset(module, MAKER, maker)
   rawset(module, WRITTEN, output)
   rawset(module, 'output', nil)
   rawset(module, 'gradInput', nil)
end

-- Makes a module as others of its class, with the output that passes wrote.
function lazy.plain(module, class)
   debug.setmetatable(module, class)
   local output = rawget(module, WRITTEN)
   if output then rawset(module, 'output', output) end
   rawset(module, MAKER, nil)
   rawset(module, WRITTEN, nil)
end

-- The output of a module, if it has one without being made.
function lazy.output(module) return rawget(module, 'output') or rawget(module, WRITTEN) end

-- Makes the fields of a module that others left out; nothing for other modules.
function lazy.make(module)
   local maker = rawget(module, MAKER)
   if maker then maker.make() end
end

return lazy
