-- Penlight: classes with inheritance, properties and metamethods.
local class

local reserved = { _init = true, _class_init = true, _base = true, _name = true, _handler = true, super = true }

-- calls the constructors that an object's class or its bases have
local function construct(c, object, ...)
   local init = rawget(c, '_init')
   if init then
      local base = rawget(c, '_base')
      -- super() is the nearest constructor above this one
      local above = base
      while above and not rawget(above, '_init') do above = rawget(above, '_base') end
      local before = rawget(object, 'super')
      if above then
         rawset(object, 'super', function(self, ...)
            construct(above, self, ...)
            rawset(self, 'super', nil)
         end)
      else
         rawset(object, 'super', nil)
      end
      local result = init(object, ...)
      rawset(object, 'super', before)
      return result
   end
   local base = rawget(c, '_base')
   if base then return construct(base, object, ...) end
end

local function is_a(object, c)
   if c == nil then return getmetatable(object) end
   local own = getmetatable(object)
   while own do
      if own == c then return true end
      own = rawget(own, '_base')
   end
   return false
end

local function class_of(c, object)
   if type(object) ~= 'table' or not rawget(object, 'is_a') and not getmetatable(object) then return false end
   return is_a(object, c)
end

local function cast(c, object)
   if type(object) ~= 'table' then error('cast: object should be a table, got ' .. require('nn.expect').brief(object)) end
   if type(c) ~= 'table' then error('cast: a class expected, got ' .. require('nn.expect').brief(c)) end
   return setmetatable(object, c)
end

local function shared_index(c, handler)
   return function(object, key)
      local value = c[key]
      if value ~= nil then return value end
      return handler(object, key)
   end
end

-- puts the methods of a base, or of a mixin, into a class
local function inherit(into, from)
   for k, v in pairs(from) do
      if not reserved[k] and rawget(into, k) == nil then into[k] = v end
   end
end

local function define(base, c_argument, c)
   c = c or {}
   local mt = {}
   if type(base) == 'table' and not rawget(base, '_class') then
      -- a table of methods becomes a class, perhaps with `_base` in it
      local methods = base
      base = rawget(methods, '_base')
      for k, v in pairs(methods) do
         if k ~= '_base' then c[k] = v end
      end
   elseif base ~= nil and type(base) ~= 'table' then
      error('must derive from a table type, got ' .. type(base))
   end
   if base then
      inherit(c, base)
      c._base = base
      mt.__index = rawget(base, '_handler')
   end
   c.__index = c

   mt.__call = function(self, ...)
      local object
      if rawget(c, '_create') then object = c._create(...) end
      object = object or {}
      setmetatable(object, c)
      local result = construct(c, object, ...)
      if result ~= nil then
         object = result
         setmetatable(object, c)
      end
      if rawget(c, '_post_init') then c._post_init(object) end
      return object
   end

   -- what objects do with names that no method has
   function c.catch(self, handler)
      if type(self) == 'function' then handler, self = self, c end
      if type(handler) ~= 'function' then
         error('catch: handler should be a function, got ' .. require('nn.expect').brief(handler))
      end
      local found = rawget(c, '__index')
      if found ~= handler then
         c._handler = handler
         c.__index = shared_index(c, handler)
      end
   end
   c.is_a, c.class_of, c.cast, c._class = is_a, class_of, cast, c
   if base and rawget(base, '_handler') then c:catch(base._handler) end
   setmetatable(c, mt)
   if base and rawget(base, '_class_init') then
      base._class_init(c, c_argument)
   end
   return c
end

local function properties_index(object, key)
   local c = getmetatable(object)
   local value = c[key]
   if value ~= nil then return value end
   local get = c['get_' .. key]
   if get then return get(object) end
   return rawget(object, '_' .. key)
end

local function properties_newindex(object, key, value)
   local c = getmetatable(object)
   local name = 'set_' .. tostring(key)
   local set = c[name]
   if set then set(object, value) return end
   rawset(object, key, value)
end

-- a base for classes whose fields are read and set through get_x and set_x
local properties = { _class = true }
function properties._class_init(c)
   c.__index, c.__newindex = properties_index, properties_newindex
   c._class_init = properties._class_init
end

local function named(name, where)
   return function(...)
      local c = define(...)
      c._name = name
      rawset(where, name, c)
      return c
   end
end

class = setmetatable({ properties = properties }, {
   __call = function(_, ...) return define(...) end,
   -- class.Name(Base) makes a global
   __index = function(_, name)
      if name == 'class' then return class end
      local env = getfenv(2)
      return named(name, env == nil and _G or env)
   end,
})
return class
