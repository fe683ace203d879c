-- What classes and modules of package classic are made of.
local kinds = {}

-- the parts of each class and module; classes by name
kinds.classes = setmetatable({}, { __mode = 'k' })
kinds.modules = setmetatable({}, { __mode = 'k' })
kinds.registry = {}
local classes, modules = kinds.classes, kinds.modules

local function notify(event, ...) classic._notify(classic.events[event], ...) end

-- ---- classes ----

local api = {}

local function parts(self, method)
   local p = classes[self]
   if not p then error(method .. ': expected a class; call it with a colon', 3) end
   return p
end

local function method_name(name, method)
   if type(name) ~= 'string' then
      error(string.format('%s: expected a string, the name of a method, got a %s', method, type(name)), 3)
   end
end

function api.name(self) return parts(self, 'name').name end
function api.parent(self) return parts(self, 'parent').parent end
function api.isClassOf(self, object)
   parts(self, 'isClassOf')
   return classic.isObject(object) and object:class() == self
end
function api.isSubclassOf(self, class)
   local at = self
   parts(self, 'isSubclassOf')
   while at and at ~= class do at = classes[at].parent end
   return at ~= nil
end

-- The parent's methods, called with a dot: super._init(self).
function api.super(self)
   local p = parts(self, 'super')
   if not p.parent then error(p.name .. ' has no parent', 2) end
   local up, proxy = classes[p.parent], {}
   for name, method in pairs(up.methods) do
      proxy[name] = function(first, ...)
         if first == proxy then error(string.format('Misuse of Super: not with a colon, but super.%s(self, ...)', name), 2) end
         return method(first, ...)
      end
   end
   return setmetatable(proxy, {
      __index = function(_, name)
         error(string.format("the parent class (%s) has no method '%s'", up.name, tostring(name)), 2)
      end,
      __newindex = function() error('methods cannot be defined via super', 2) end,
   })
end

-- The methods by their names: those without an underscore, and all that are there.
function api.methods(self)
   local list = {}
   for name, f in pairs(parts(self, 'methods').methods) do
      if name:sub(1, 1) ~= '_' then list[name] = f end
   end
   return list
end
function api.allMethods(self)
   local list = {}
   for name, f in pairs(parts(self, 'allMethods').methods) do list[name] = f end
   return list
end

function api.mustHave(self, name)
   method_name(name, 'mustHave')
   table.insert(parts(self, 'mustHave').required, name)
end
function api.final(self, name)
   local p = parts(self, 'final')
   method_name(name, 'final')
   if p.methods[name] == nil then
      error(string.format("final: no method '%s' has been declared yet in %s", name, p.name), 2)
   end
   p.final[name] = true
end
function api.methodIsFinal(self, name) return parts(self, 'methodIsFinal').final[name] == true end

-- what a class takes over from another one
local function inherit(p, other)
   for _, name in ipairs(other.required) do table.insert(p.required, name) end
   for name in pairs(other.final) do p.final[name] = true end
   for name, f in pairs(other.methods) do rawset(p.methods, name, f) end
end

-- Takes the methods of another class, none of which may be there.
function api.include(self, other)
   local p = parts(self, 'include')
   if type(other) == 'string' then other = classic.getClass(other) end
   if not classes[other] then error('include: expected a class or the name of one', 2) end
   for name in pairs(classes[other].methods) do
      if rawget(p.methods, name) ~= nil then
         error(string.format("method conflict: %s has %s() already, included from %s", p.name, name, other:name()), 2)
      end
   end
   inherit(p, classes[other])
end

local function missing(p)
   for _, name in ipairs(p.required) do
      if p.methods[name] == nil then return name end
   end
end
function api.abstract(self) return missing(parts(self, 'abstract')) ~= nil end

function api.instantiate(self, ...)
   local p = parts(self, 'instantiate')
   local name = missing(p)
   if name then
      error(string.format('%s cannot be instantiated: %s() is marked as mustHave and is not implemented', p.name, name), 2)
   end
   local object = kinds.create(self, p)
   if p.methods._init then p.methods._init(object, ...) end
   return object
end

function api.hash(self)
   local list = {}
   for name, f in pairs(parts(self, 'hash').methods) do list[#list + 1] = name .. string.dump(f) end
   table.sort(list)
   return table.concat(list)
end

-- An object, without its constructor. classic.torch puts another function in this place.
function kinds.create(_, p)
   local mt = p.metatable
   if not mt then
      mt = {}
      for name, f in pairs(p.methods) do
         if name:find '^__' then mt[name] = f end
      end
      local own = p.methods.__index
      mt.__index = own and function(object, key)
         local method = p.methods[key]
         if method ~= nil then return method end
         return own(object, key)
      end or p.methods
      p.metatable = mt
   end
   return setmetatable({}, mt)
end

-- What a name of a class means: a static method, an attribute, a method of classes.
local function lookup(class, key)
   local p = classes[class]
   if key == 'static' then return p.static end
   local value = rawget(p.static, key)
   if value == nil then value = p.attributes[key] end
   if value == nil then value = api[key] end
   if value == nil then
      error(string.format("%s: '%s' is neither a static method, a class attribute, nor a global class method", p.name,
         tostring(key)), 2)
   end
   return value
end

local function define(class, key, value)
   local p = classes[class]
   if type(value) ~= 'function' then
      if key == 'static' or rawget(p.static, key) ~= nil or api[key] then
         error(string.format("A naming conflict was detected in %s: '%s' is a static method or a method of all classes, "
            .. 'and cannot be a class attribute', p.name, tostring(key)), 2)
      end
      p.attributes[key] = value
      notify('CLASS_SET_ATTRIBUTE', class, key, value)
      return
   end
   if key == '__init' or key == 'init' then error(p.name .. ': did you mean _init?', 2) end
   if p.final[key] and (p.parent and classes[p.parent].final[key] or rawget(p.methods, key) ~= nil) then
      error(string.format("method '%s' cannot be defined in class '%s': it is marked as final", key, p.name), 2)
   end
   p.methods[key], p.metatable = value, nil
   notify('CLASS_DEFINE_METHOD', class, key, value)
end

local class_mt = {
   __call = function(self, ...) return self:instantiate(...) end,
   __index = lookup,
   __newindex = define,
   __tostring = function(self) return 'classic.class<' .. classes[self].name .. '>' end,
}

local function new_static(p)
   return setmetatable({}, {
      __newindex = function(t, key, value)
         if key == 'static' then error(p.name .. ": a static method 'static' is forbidden", 2) end
         if p.attributes[key] ~= nil or api[key] then
            error(string.format("A naming conflict was detected in %s: '%s' cannot be a static method", p.name,
               tostring(key)), 2)
         end
         rawset(t, key, value)
      end,
   })
end

function kinds.class(name, parent)
   local class = {}
   local p = { name = name, parent = parent, required = {}, final = {}, attributes = {} }
   -- what every object knows
   p.methods = setmetatable({}, { __index = {
      class = function() return class end,
      classIs = function(_, other) return other == class end,
   } })
   p.static = new_static(p)
   classes[class] = p
   if parent then inherit(p, classes[parent]) end
   return setmetatable(class, class_mt)
end

-- The class once more, for code that is run a second time: methods have to be what they were.
function kinds.again(class)
   local p = classes[class]
   local same = setmetatable({}, {
      __call = function(_, ...) return class(...) end,
      __index = function(_, key) return class[key] end,
      __newindex = function(_, key, value)
         local old = p.methods[key]
         if type(value) ~= 'function' then
            class[key] = value
         elseif old == nil or string.dump(old) ~= string.dump(value) then
            error(string.format("You are defining a version of class %s which conflicts with the one that is there "
               .. "(method '%s')", p.name, tostring(key)), 2)
         end
      end,
      __tostring = function() return tostring(class) end,
   })
   classes[same] = p
   if p.parent then return same, class:super() end
   return same
end

-- objects that take no new names, which classic.torch asks for too
kinds.strict_objects = setmetatable({}, { __mode = 'k' })

function kinds.violation(object, key)
   error(string.format("Strictness violation: cannot access '%s' on object of type %s", tostring(key),
      object:class():name()), 3)
end

function kinds.strict(object)
   if kinds.strict_objects[object] then return end
   kinds.strict_objects[object] = true
   local old = getmetatable(object)
   if old.__typename then return end
   local mt, index = {}, old.__index
   for key, value in pairs(old) do mt[key] = value end
   mt.__index = function(t, key)
      local value
      if type(index) == 'function' then value = index(t, key) else value = index[key] end
      if value == nil then kinds.violation(t, key) end
      return value
   end
   mt.__newindex = function(t, key) kinds.violation(t, key) end
   setmetatable(object, mt)
end

-- ---- modules ----

local module_api = {}

-- submodule, class, moduleFunction: says that the module has such a part, which is required when it is first used
for method, words in pairs {
   submodule = { 'submodules', 'Submodule', 'MODULE_DECLARE_SUBMODULE' },
   class = { 'classes', 'Class', 'MODULE_DECLARE_CLASS' },
   moduleFunction = { 'functions', 'Module function', 'MODULE_DECLARE_FUNCTION' },
} do
   module_api[method] = function(self, name)
      local list = modules[self][words[1]]
      if type(name) ~= 'string' then error(words[2] .. ' name is missing or no string.', 2) end
      if list[name] then error(string.format('%s %s is declared already.', words[2], name), 2) end
      notify(words[3], self, name)
      list[name] = true
   end
   -- pairs of names and parts
   module_api[words[1]] = function(self)
      local list, name = modules[self][words[1]], nil
      return function()
         name = next(list, name)
         if name then return name, self[name] end
      end
   end
end
function module_api.name(self) return modules[self].name end
function module_api.list(self) return classic.list(self) end

local module_mt = {
   __tostring = function(self) return 'classic.module<' .. modules[self].name .. '>' end,
   __index = function(self, key)
      if module_api[key] then return module_api[key] end
      local m, value = modules[self], nil
      local full = m.name .. '.' .. tostring(key)
      if m.submodules[key] then
         value = require(full)
         if not classic.isModule(value) then error(full .. ' is not a module', 2) end
      elseif m.classes[key] then
         value = classic.getClass(full)
      elseif m.functions[key] then
         value = require(full)
      else
         error(string.format("Module %s does not contain '%s'.", m.name, tostring(key)), 2)
      end
      rawset(self, key, value)
      return value
   end,
   __newindex = function(self, key, value)
      local m = modules[self]
      if module_api[key] or m.submodules[key] or m.classes[key] or m.functions[key] then
         error(string.format("Module %s: '%s' is there already", m.name, tostring(key)), 2)
      end
      if type(value) == 'function' then m.functions[key] = true end
      rawset(self, key, value)
   end,
}

function kinds.module(name)
   notify('MODULE_INIT', name)
   local module = {}
   modules[module] = { name = name, submodules = {}, classes = {}, functions = {} }
   package.loaded[name] = setmetatable(module, module_mt)
   return module
end

return kinds
