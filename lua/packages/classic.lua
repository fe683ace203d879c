-- Package classic: classes that are extended from one object.
local Object = {}
Object.__index = Object

function Object:new() end

function Object:extend()
   local class = {}
   for k, v in pairs(self) do
      if k:find '^__' then class[k] = v end
   end
   class.__index, class.super = class, self
   return setmetatable(class, self)
end

-- takes over the methods of other classes that this one lacks
function Object:implement(...)
   for _, class in ipairs { ... } do
      for k, v in pairs(class) do
         if self[k] == nil and type(v) == 'function' then self[k] = v end
      end
   end
end

function Object:is(class)
   local mt = getmetatable(self)
   while mt do
      if mt == class then return true end
      mt = getmetatable(mt)
   end
   return false
end

function Object:__tostring() return 'Object' end

function Object:__call(...)
   local object = setmetatable({}, self)
   object:new(...)
   return object
end

return Object
