-- classic:extend(): classes that are extended from one object.
local extended = {}

local Object = {}
Object.__index = Object
extended.Object = Object

local package_table
-- The package stands for the object that it gives the methods of.
function extended.package(t) package_table = t end

local function plain(class) return class == package_table and Object or class end

function Object:new() end

function Object:extend()
   local parent, class = plain(self), {}
   for k, v in pairs(parent) do
      if k:find '^__' then class[k] = v end
   end
   class.__index, class.super = class, parent
   return setmetatable(class, parent)
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
   local mt, wanted = getmetatable(self), plain(class)
   while mt do
      if mt == wanted then return true end
      mt = getmetatable(mt)
   end
   return false
end

function Object:__tostring() return 'Object' end

function Object:__call(...)
   local object = setmetatable({}, plain(self))
   object:new(...)
   return object
end

return extended
