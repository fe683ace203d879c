-- Package class: objects of classes with one parent, known by their names.
local class = {}
local metatables = {}

local function create(mt, ...)
   local object = setmetatable({}, mt)
   local init = mt.__init
   if init then init(object, ...) end
   return object
end

-- the constructor table of a new class; methods that are set in it are the class's
function class.new(name, parent)
   if type(name) ~= 'string' then error('class: expected a name, got a ' .. type(name), 2) end
   if metatables[name] then error('class <' .. name .. '> already exists', 2) end
   local up = parent and metatables[parent]
   if parent and not up then error('parent class <' .. tostring(parent) .. '> does not exist', 2) end
   local mt = { __typename = name }
   mt.__index = mt
   if up then
      -- metamethods are looked for in the metatable itself
      for k, f in pairs(up) do
         if type(k) == 'string' and k:find '^__' and k ~= '__index' and k ~= '__typename' and k ~= '__init' then mt[k] = f end
      end
   end
   setmetatable(mt, { __index = up })
   mt.__factory = function() return setmetatable({}, mt) end
   mt.new = function(...) return create(mt, ...) end
   metatables[name] = mt
   local constructor = setmetatable({}, { __index = mt, __newindex = mt, __metatable = mt,
      __call = function(_, ...) return mt.new(...) end })
   return constructor, up
end

-- an object without its constructor having run
function class.factory(name)
   local mt = metatables[name]
   if not mt then error('unknown class <' .. tostring(name) .. '>', 2) end
   return setmetatable({}, mt)
end

function class.metatable(name) return metatables[name] end

function class.type(object)
   local mt = getmetatable(object)
   return type(mt) == 'table' and rawget(mt, '__typename') or torch.type(object)
end

-- whether an object is of a class, or of one that comes from it
function class.istype(object, name)
   if type(object) == name then return true end
   local mt = getmetatable(object)
   while type(mt) == 'table' do
      if rawget(mt, '__typename') == name then return true end
      local above = getmetatable(mt)
      mt = above and above.__index
   end
   return torch.isTypeOf(object, name)
end

return setmetatable(class, { __call = function(_, ...) return class.new(...) end })
