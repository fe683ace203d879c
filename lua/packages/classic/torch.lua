-- classic.torch: objects of package classic in files of torch.save. They are then of the class torch.Object, whose file
-- form is one table: the fields, and the name of the class as `_class`. Methods __write and __read take part.
local classic = require 'classic'
local kinds = require 'classic.kinds'
local classes = kinds.classes

local Object = torch.getmetatable 'torch.Object'
if not Object then
   torch.class 'torch.Object'
   Object = torch.getmetatable 'torch.Object'
end

local function methods(object)
   local class = rawget(object, '_class')
   return class and classes[class].methods or {}
end

function Object:write(file)
   local own = methods(self).__write
   if own then
      file:writeObject { _class = self._class:name() }
      return own(self, file)
   end
   local fields = {}
   for k, v in pairs(self) do fields[k] = k == '_class' and v:name() or v end
   file:writeObject(fields)
end

function Object:read(file, version)
   local fields = file:readObject()
   local class = classic.getClass(fields._class)
   rawset(self, '_class', class)
   local own = methods(self).__read
   if own then
      own(self, file, version)
      return
   end
   for k, v in pairs(fields) do
      if k ~= '_class' then rawset(self, k, v) end
   end
end

local write, read = Object.write, Object.read
-- files ask for these first; the class's own are called from there
local hooks = { __read = read, __write = write }
local own = { read = read, write = write }

function Object:__index(key)
   if hooks[key] then return hooks[key] end
   local method = methods(self)[key]
   if method ~= nil then return method end
   if own[key] then return own[key] end
   local index = methods(self).__index
   if index then return index(self, key) end
   if kinds.strict_objects[self] then kinds.violation(self, key) end
end
function Object:__newindex(key, value)
   local set = methods(self).__newindex
   if set then return set(self, key, value) end
   if kinds.strict_objects[self] then kinds.violation(self, key) end
   rawset(self, key, value)
end
function Object:__tostring()
   local text = methods(self).__tostring
   return text and text(self) or '[object of class ' .. tostring(rawget(self, '_class')) .. ']'
end
for _, name in ipairs { '__call', '__add', '__sub', '__mul', '__div', '__pow', '__unm', '__concat' } do
   Object[name] = function(a, b, ...)
      local f = type(a) == 'table' and methods(a)[name] or type(b) == 'table' and methods(b)[name]
      if not f then error(string.format('%s has no %s', tostring(a), name), 2) end
      return f(a, b, ...)
   end
end
function Object.__eq(a, b)
   local same = methods(a).__eq
   if same then return same(a, b) end
   return rawequal(a, b)
end

function kinds.create(class)
   local object = setmetatable({}, Object)
   rawset(object, '_class', class)
   return object
end

classic._notify(classic.events.CLASSIC_TORCH_ENABLED)
return classic
