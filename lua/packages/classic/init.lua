-- Package classic, which is two packages: named classes and modules of files (classic.class, classic.module; the one that
-- programs for Torch7 mean), and the object that others extend (classic:extend, of the file of that name for Lua).
local extended = require 'classic.extended'

-- without a `local`, as programs expect: they name it after one `require` anywhere
classic = setmetatable({ _callbacks = {} }, {
   __index = extended.Object, __call = extended.Object.__call, __tostring = extended.Object.__tostring,
})
extended.package(classic)

classic.events = setmetatable({
   CLASS_INIT = 1, CLASS_SET_ATTRIBUTE = 2, CLASS_DEFINE_METHOD = 3, MODULE_INIT = 4, MODULE_DECLARE_CLASS = 5,
   MODULE_DECLARE_SUBMODULE = 6, MODULE_DECLARE_FUNCTION = 7, CLASSIC_TORCH_ENABLED = 8, CLASS_REQUIRE_NAME_MISMATCH = 9,
}, { __index = function(_, name) error(tostring(name) .. ' is not a classic event', 2) end })

-- Has f called whenever the event happens: for a class its name, or the class, a name and a value; for a module likewise.
function classic.addCallback(event, f)
   if type(event) ~= 'number' or type(f) ~= 'function' then
      error('classic.addCallback: expected an event of classic.events and a function', 2)
   end
   local list = classic._callbacks[event] or {}
   classic._callbacks[event] = list
   list[#list + 1] = f
end

function classic._notify(event, ...)
   for _, f in ipairs(classic._callbacks[event] or {}) do f(...) end
end

local kinds = require 'classic.kinds'
local classes, modules = kinds.classes, kinds.modules

-- Whether a value is a class, an object of one, a module.
function classic.isClass(value) return classes[value] ~= nil end
function classic.isModule(value) return value ~= nil and modules[value] ~= nil end
function classic.isObject(value)
   if value == nil then error('classic.isObject: expected a value, got nil', 2) end
   if type(value) ~= 'table' or classic.isClass(value) then return false end
   local found, class = pcall(function() return type(value.class) == 'function' and value:class() end)
   return found and classic.isClass(class)
end

-- What follows a dot is not given the package.
local function check_name(function_name, name, what)
   if name == classic then
      error(string.format('classic.%s: called with a colon, expected classic.%s(name)', function_name, function_name), 3)
   elseif type(name) ~= 'string' then
      error(string.format('classic.%s: expected the name of the %s, got %s', function_name, what,
         name == nil and 'nothing: it is missing' or 'a ' .. type(name)), 3)
   end
end

-- A class, by name; made again with the same methods it is the same class. Gives its parent's methods too.
function classic.class(name, parent)
   check_name('class', name, 'class')
   if parent ~= nil and type(parent) ~= 'string' and not classic.isClass(parent) then
      error('classic.class: expected a class or its name as parent, got a ' .. type(parent), 2)
   end
   local known = kinds.registry[name]
   if known then return kinds.again(known) end
   if type(parent) == 'string' then parent = classic.getClass(parent) end
   local class = kinds.class(name, parent)
   kinds.registry[name] = class
   classic._notify(classic.events.CLASS_INIT, name)
   if parent then return class, class:super() end
   return class
end

function classic.module(name)
   check_name('module', name, 'module')
   return kinds.module(name)
end

-- The class of this name, which is required where it is not there yet.
function classic.getClass(name)
   check_name('getClass', name, 'class')
   if kinds.registry[name] then return kinds.registry[name] end
   local found, class = pcall(require, name)
   if not found then error(string.format("classic.getClass: no class '%s': %s", name, tostring(class)), 2) end
   if class == true then class = kinds.registry[name] end
   if not classic.isClass(class) then
      if torch and torch.typename(class) or type(class) == 'table' and getmetatable(class) then return class end
      error(string.format("classic.getClass: '%s' is there, but it is not a class", name), 2)
   end
   if class:name() ~= name then classic._notify(classic.events.CLASS_REQUIRE_NAME_MISMATCH, class:name(), name) end
   return class
end

function classic.deregisterClass(name)
   check_name('deregisterClass', name, 'class')
   kinds.registry[name] = nil
end
function classic.deregisterAllClasses()
   for name in pairs(kinds.registry) do kinds.registry[name] = nil end
end

-- From now on a name that the object does not have is an error, read or assigned.
function classic.strict(object, ...)
   if object == classic or select('#', ...) > 0 then
      error('classic.strict: called with a colon, expected classic.strict(object)', 2)
   elseif object == nil then
      error('classic.strict: the object is missing', 2)
   elseif not classic.isObject(object) then
      error('classic.strict: expected an object of a class of classic, got a ' .. type(object), 2)
   end
   kinds.strict(object)
end

-- Prints a module and what is in it.
function classic.list(object, level)
   level = level or 0
   local indent = ('  '):rep(level)
   print(indent .. tostring(object))
   if not classic.isModule(object) then return end
   for _, part in object:submodules() do classic.list(part, level + 1) end
   for _, class in object:classes() do classic.list(class, level + 1) end
   for name in object:functions() do print(string.format('%s  function<%s.%s>', indent, object:name(), name)) end
end

require 'rekindle.takes'(classic, 'classic.', { list = 'object:value level:number?' })

return classic
