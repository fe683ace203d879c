-- Torch classes: a registry of names and metatables, inheritance, operators, and questions about types.
--
-- A class is its metatable: methods live in it, objects are tables (or userdata) that carry it. Lookup of a missing
-- method goes on in the parent through the metatable's own metatable, which is a proxy so that hooks (`__index__`)
-- defined after the fact are noticed and only then slow lookups down.
local torch = torch
local classes = {}          -- name -> metatable
local constructors = {}     -- name -> constructor table
local owner = {}            -- constructor table -> metatable
local cdata_types = {}      -- ctype id -> metatable
local rawmeta = debug.getmetatable
local native = require 'rekindle.native'

local function metatable_of(obj)
   if type(obj) == 'cdata' then return cdata_types[tonumber(require('ffi').typeof(obj))] end
   local mt = rawmeta(obj)
   if type(mt) == 'table' and rawget(mt, '__typename') then return mt end
end

local function typename(obj)
   local mt = metatable_of(obj)
   if mt then return mt.__typename end
end

function torch.typename(...)
   if select('#', ...) == 0 then error("bad argument #1 to 'typename' (value expected)", 2) end
   return typename((...))
end

function torch.type(obj) return typename(obj) or type(obj) end

function torch.getmetatable(name)
   if type(name) ~= 'string' then
      error("bad argument #1 to 'getmetatable' (string expected, got " .. type(name) .. ')', 2)
   end
   return classes[name]
end

function torch.getconstructortable(name) return constructors[name] end

-- parent of a metatable, or nil
local function parent_of(mt)
   local proxy = rawmeta(mt)
   return proxy and proxy.parent
end

function torch.isTypeOf(obj, spec)
   if type(spec) == 'table' then
      local mt = owner[spec] or metatable_of(spec)
      if not mt then error('isTypeOf: expected a class name or a constructor, got a table', 2) end
      spec = mt.__typename
      local own = metatable_of(obj) or owner[obj]
      while own do
         if own.__typename == spec then return true end
         own = parent_of(own)
      end
      return false
   elseif type(spec) ~= 'string' then
      error('isTypeOf: expected a class name or a constructor, got ' .. type(spec), 2)
   end
   local plain = not spec:find('[%^%$%(%)%%%[%]%*%+%-%?]')
   -- of a constructor, its class: getmetatable gives that too
   local mt = metatable_of(obj) or owner[obj]
   while mt do
      local name = mt.__typename
      if plain and name == spec or not plain and name:find(spec) then return true end
      mt = parent_of(mt)
   end
   return false
end

-- operators: the metamethod looks for the method with the same name and two more underscores
local words = { __add = 'addition', __sub = 'substraction', __mul = 'multiplication', __div = 'division',
   __mod = 'modulo', __pow = 'power', __concat = 'concat', __lt = 'less-than', __le = 'less-equal' }

local function method_of(obj, key)
   local mt = rawmeta(obj)
   if type(mt) == 'table' then return mt[key] end
end

local operators = {}
for event, word in pairs(words) do
   local key = event .. '__'
   operators[event] = function(a, b)
      -- the first operand decides when it has a metatable at all (strings have one, numbers have none)
      local f
      if rawmeta(a) ~= nil then f = method_of(a, key) else f = method_of(b, key) end
      if not f then
         error(string.format('both %s and %s have no %s operator', torch.type(a), torch.type(b), word), 2)
      end
      return f(a, b)
   end
end

function operators.__unm(a)
   local f = method_of(a, '__unm__')
   if not f then error(torch.type(a) .. ' has no negation operator', 2) end
   return f(a)
end

function operators.__call(a, ...)
   local f = method_of(a, '__call__')
   if not f then error(torch.type(a) .. ' has no call operator', 2) end
   return f(a, ...)
end

-- the interpreter gives the object twice, and so did Torch7
function operators.__len(a, b)
   local f = method_of(a, '__len__')
   if f then return f(a, b) end
   if type(a) == 'table' then return rawlen(a) end
   error(torch.type(a) .. ' has no length operator', 2)
end

function operators.__eq(a, b)
   local f = method_of(a, '__eq__')
   if f then return f(a, b) end
   return rawequal(a, b)
end

function operators.__tostring(a)
   local f = method_of(a, '__tostring__')
   if type(f) == 'function' then return f(a) end
   return f or torch.typename(a)
end

-- lookups; objects of classes with hooks take the slow ones
local function plain_index(mt) return function(_, k) return mt[k] end end

local function hooked_index(mt)
   return function(obj, k)
      local value, found = mt.__index__(obj, k)
      if found then return value end
      if value ~= nil and value ~= false then return value end
      return mt[k]
   end
end

local function plain_newindex(obj, k, v)
   if type(obj) ~= 'table' then error('cannot set a field of a ' .. torch.type(obj), 2) end
   rawset(obj, k, v)
end

local function hooked_newindex(mt)
   return function(obj, k, v)
      if not mt.__newindex__(obj, k, v) then plain_newindex(obj, k, v) end
   end
end

local children = setmetatable({}, { __mode = 'k' })

-- Lets a function of a class and its lookup give the lookup that objects of the classes to come take. The profiler
-- watches by it what is called; without it nothing is in the way.
local watch
function torch._watch(f) watch = f end
function torch._watched() return watch ~= nil end

local function refresh(mt)
   if not rawget(mt, '__native') then
      local index = mt.__index__ and hooked_index(mt) or plain_index(mt)
      mt.__index = watch and watch(mt, index) or index
      mt.__newindex = mt.__newindex__ and hooked_newindex(mt) or plain_newindex
   end
   for _, child in ipairs(children[mt] or {}) do refresh(child) end
end

local function link(mt, parent)
   local proxy = { parent = parent, __index = parent, __metatable = parent or false }
   function proxy.__newindex(t, k, v)
      rawset(t, k, v)
      if k == '__index__' or k == '__newindex__' then refresh(t) end
   end
   if parent then
      children[parent] = children[parent] or {}
      table.insert(children[parent], mt)
   end
   debug.setmetatable(mt, proxy)
end

-- where the constructor of a class goes: a table and its key there
local function home_of(name, module)
   local last = name:match('[^.]+$')
   if not last then error(string.format("'%s' cannot be the name of a class", name), 4) end
   if module then return module, last end
   local where = _G
   for part in name:sub(1, #name - #last):gmatch('[^.]+') do
      where = type(where) == 'table' and rawget(where, part)
   end
   if type(where) ~= 'table' then
      error(string.format('while creating metatable %s: bad argument #1 (%s is an invalid module name)', name,
         name:sub(1, #name - #last - 1)), 4)
   end
   return where, last
end

-- registers a metatable as a class; `call` makes objects, `factory` makes bare ones
local registry = debug.getregistry()
local function register(mt, name, parent, call, factory, module)
   -- first what can fail, so that the name is free again
   local home, last
   if call then home, last = home_of(name, module) end
   mt.__typename, mt.__version, mt.__metatable, mt.__factory = name, 1, mt, factory
   for event, f in pairs(operators) do
      if rawget(mt, event) == nil then mt[event] = f end
   end
   link(mt, parent)
   refresh(mt)
   classes[name] = mt
   -- C code finds classes there, and so do programs
   registry[name], registry[mt] = mt, name
   if call then
      local ctor = setmetatable({}, { __index = mt, __newindex = mt, __metatable = mt, __call = call })
      mt.__constructor = ctor
      constructors[name], owner[ctor] = ctor, mt
      if module then home[last] = ctor else rawset(home, last, ctor) end
   end
   return mt
end
torch._register = register

function torch.class(...)
   local n, name, parent, module = select('#', ...), ...
   if n == 2 and type(parent) == 'table' then parent, module = nil, parent end
   local fits = type(name) == 'string' and (parent == nil or type(parent) == 'string')
      and (module == nil or type(module) == 'table') and n <= 3
   if not fits then error('<class name> [<parent class name>] [<module table>] expected', 2) end
   if classes[name] then error(name .. ' has been already assigned a factory', 2) end
   local up = parent and classes[parent]
   if parent and not up then error('bad argument #2 (invalid parent class name ' .. parent .. ')', 2) end
   local mt = {}
   -- what Rust computes for this class; Lua may override it afterwards
   for k, f in pairs(native.classes[name] or {}) do mt[k] = f end
   local function create(...)
      local obj = setmetatable({}, mt)
      local init = mt.__init
      if init then init(obj, ...) end
      return obj
   end
   mt.new = create
   register(mt, name, up, function(_, ...) return create(...) end, function() return setmetatable({}, mt) end, module)
   return mt, up
end

-- Forgets a class, so that its name is free again; objects and subclasses keep it.
function torch._forget(name)
   local mt = classes[name]
   if not mt then return end
   local siblings = children[parent_of(mt) or false] or {}
   for i, other in ipairs(siblings) do
      if other == mt then
         table.remove(siblings, i)
         break
      end
   end
   classes[name], constructors[name], registry[name] = nil, nil, nil
end

local function optional(f, kinds, what, position)
   if f ~= nil and type(f) ~= kinds then
      error(string.format("bad argument #%d to 'newmetatable' (%s or nil expected)", position, what), 3)
   end
end

function torch.newmetatable(name, parent, constructor, destructor, factory, module)
   if type(name) ~= 'string' then
      local got = name == nil and 'no value' or type(name)
      error("bad argument #1 to 'newmetatable' (string expected, got " .. got .. ')', 2)
   end
   optional(parent, 'string', 'parent class name', 2)
   optional(constructor, 'function', 'constructor function', 3)
   optional(destructor, 'function', 'destructor function', 4)
   optional(factory, 'function', 'factory function', 5)
   optional(module, 'table', 'module table', 6)
   local up = parent and classes[parent]
   if parent and not up then error("bad argument #2 (invalid parent class name " .. parent .. ')', 2) end
   local mt = classes[name] or {}
   if classes[name] then return mt end
   if destructor then mt.__gc = destructor end
   mt.new = constructor
   return register(mt, name, up, constructor and function(_, ...) return constructor(...) end, factory, module)
end

function torch.factory(name)
   local mt = classes[name]
   return mt and rawget(mt, '__factory') or nil
end

function torch.setmetatable(obj, name)
   if type(obj) ~= 'table' then
      error("bad argument #1 to 'setmetatable' (table expected, got " .. type(obj) .. ')', 2)
   end
   local mt = classes[name]
   if not mt then error('unknown typename ' .. tostring(name), 2) end
   debug.setmetatable(obj, mt)
   return name
end

-- gives a name to a metatable that torch did not make, or to a type of cdata (by an example of it)
function torch.metatype(name, mt, example)
   if type(name) ~= 'string' or type(mt) ~= 'table' then
      error('metatype: expected a name, a metatable and perhaps a cdata, got ' .. type(name) .. ', ' .. type(mt), 2)
   end
   mt.__typename = name
   classes[name] = mt
   if example ~= nil then cdata_types[tonumber(require('ffi').typeof(example))] = mt end
end

function torch.version(obj)
   local mt = metatable_of(obj)
   return mt and mt.__version or nil
end

-- environments of functions, userdata, and of objects that are tables here but userdata in Torch7
local environments = setmetatable({}, { __mode = 'k' })
local function has_environment(name, f)
   local kind = type(f)
   if kind == 'function' or kind == 'userdata' or kind == 'table' and metatable_of(f) then return kind end
   error(string.format("bad argument #1 to '%s' (function or userdata expected, got %s)", name, kind), 3)
end

function torch.getenv(f)
   if has_environment('getenv', f) == 'table' then return environments[f] or _G end
   return debug.getfenv(f)
end

function torch.setenv(f, env)
   local kind = has_environment('setenv', f)
   if type(env) ~= 'table' then
      error("bad argument #2 to 'setenv' (table expected, got " .. type(env) .. ')', 2)
   end
   if kind == 'table' then
      environments[f] = env
      return f
   end
   return debug.setfenv(f, env)
end

function torch.isequal(a, b)
   if type(a) == 'userdata' and type(b) == 'userdata' then
      return torch.pointer(a) == torch.pointer(b)
   end
   -- numbers, strings and booleans have no identity
   local kind = type(a)
   return kind ~= 'number' and kind ~= 'string' and kind ~= 'boolean' and kind ~= 'nil' and rawequal(a, b)
end
