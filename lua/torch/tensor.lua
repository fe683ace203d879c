-- Methods of tensors that run user functions or make other tensors' views, and how tensors look as text.
local native = require 'rekindle.native'
local torch = torch

local function each_class(f)
   for i, name in ipairs(torch.tensor_types) do f(torch.getmetatable(name), name, native.elements[i].name) end
end

-- Calls visit(k) with every element's distance from the first one, in logical order. Distances are taken up front as
-- sizes and strides, so that a visitor which resizes the tensor cannot lead astray.
local function walk(x, visit)
   local n = x:dim()
   if n == 0 then return end
   local size, stride, index = {}, {}, {}
   for d = 1, n do size[d], stride[d], index[d] = x:size(d), x:stride(d), 0 end
   local inner, step, at = size[n], stride[n], 0
   while true do
      for i = 0, inner - 1 do visit(at + i * step) end
      local d = n - 1
      while d >= 1 do
         index[d] = index[d] + 1
         at = at + stride[d]
         if index[d] < size[d] then break end
         at = at - size[d] * stride[d]
         index[d] = 0
         d = d - 1
      end
      if d < 1 then return end
   end
end

-- reading and writing through the storage keeps every access checked
local function accessor(x)
   local storage, first = x:storage(), x:storageOffset()
   return storage, first
end

local function checked(name, f, ...)
   local class = torch.typename((...))
   if type(f) ~= 'function' then error(name .. ': expected a function, got ' .. type(f), 3) end
   local n
   for i = 1, select('#', ...) do
      local x = select(i, ...)
      if not torch.isTensor(x) then error(name .. ': expected a tensor, got ' .. torch.type(x), 3) end
      if class == torch._beside(x, 'Half') then error(class .. ' does not implement the ' .. name .. '() function', 3) end
      if torch.typename(x) ~= class then
         error(string.format('%s: expected a %s, got a %s', name, class, torch.typename(x)), 3)
      end
      if n and x:nElement() ~= n then
         error(string.format('%s: inconsistent tensor sizes, %d and %d elements', name, n, x:nElement()), 3)
      end
      n = x:nElement()
   end
end

local function store(name, storage, at, v, contiguous)
   if v == nil then return end
   if type(v) ~= 'number' then
      if v == false and contiguous then return end
      error(name .. ': the function should return a number or nothing, got ' .. type(v), 3)
   end
   storage[at] = v
end

local function offsets(x)
   local list, k = {}, 0
   walk(x, function(at) k = k + 1 list[k] = at end)
   return list
end

-- A view of the elements as a vector, where there can be one: compiled code reads and writes its elements in place. A
-- view of its own, since the functions given may change the tensor.
local function vector(x)
   if x:dim() == 1 then return x:narrow(1, 1, x:size(1)) end
   return x:isContiguous() and x:view(x:nElement())
end

local methods = {}

function methods:apply(f)
   checked('apply', f, self)
   if self:dim() == 0 then return self end
   local line = vector(self)
   if line then
      local contiguous = self:isContiguous()
      for i = 1, line:size(1) do
         local v = f(line[i])
         if v ~= nil then store('apply', line, i, v, contiguous) end
      end
      return self
   end
   local s, first = accessor(self)
   walk(self, function(at)
      at = first + at
      local v = f(s[at])
      if v ~= nil then store('apply', s, at, v, false) end
   end)
   return self
end

function methods:map(other, f)
   checked('map', f, self, other)
   if self:dim() == 0 then return self end
   local x, y = vector(self), vector(other)
   if x and y then
      for i = 1, x:size(1) do
         local v = f(x[i], y[i])
         if v ~= nil then store('map', x, i, v, true) end
      end
      return self
   end
   local s, first = accessor(self)
   local t, start = accessor(other)
   local places, k = offsets(other), 0
   walk(self, function(at)
      k, at = k + 1, first + at
      store('map', s, at, f(s[at], t[start + places[k]]), true)
   end)
   return self
end

function methods:map2(a, b, f)
   checked('map2', f, self, a, b)
   if self:dim() == 0 then return self end
   local x, y, z = vector(self), vector(a), vector(b)
   if x and y and z then
      for i = 1, x:size(1) do
         local v = f(x[i], y[i], z[i])
         if v ~= nil then store('map2', x, i, v, true) end
      end
      return self
   end
   local s, first = accessor(self)
   local t, u, start, begin = a:storage(), b:storage(), a:storageOffset(), b:storageOffset()
   local pa, pb, k = offsets(a), offsets(b), 0
   walk(self, function(at)
      k, at = k + 1, first + at
      store('map2', s, at, f(s[at], t[start + pa[k]], u[begin + pb[k]]), true)
   end)
   return self
end

function methods:type(name)
   if name == nil then return torch.typename(self) end
   if name == torch.typename(self) then return self end
   local class = torch.getconstructortable(name)
   if not class or not name:find('Tensor$') then
      error('type: expected the name of a tensor type, got ' .. tostring(name), 2)
   end
   local out = class()
   if self:dim() > 0 then out:resize(self:size()):copy(self) end
   return out
end

function methods:typeAs(other)
   if not torch.isTensor(other) then error('typeAs: expected a tensor, got ' .. torch.type(other), 2) end
   return self:type(other:type())
end

function methods:totable()
   local function level(x)
      local t = {}
      if x:dim() == 1 then
         for i = 1, x:size(1) do t[i] = x[i] end
      elseif x:dim() > 1 then
         for i = 1, x:size(1) do t[i] = level(x[i]) end
      end
      return t
   end
   return level(self)
end

methods.__tostring__ = native.functions.state.display
function methods:isTensor() return true end

for i, element in ipairs(native.element_types) do
   local class = torch.tensor_types[i]
   methods[element.name:lower()] = function(self) return self:type(class) end
end
function methods:real() return self:type(torch.getdefaulttensortype()) end

each_class(function(mt, name)
   for k, f in pairs(methods) do
      if rawget(mt, k) == nil then mt[k] = f end
   end
   local storage = torch.getmetatable((name:gsub('Tensor$', 'Storage')))
   storage.__tostring__ = methods.__tostring__
   storage.__eq__ = function(a, b) return torch.pointer(a) == torch.pointer(b) end
   storage.totable = function(self)
      local t = {}
      for i = 1, #self do t[i] = self[i] end
      return t
   end
end)

-- Names of types that a pattern matches, looked at once each: the question is asked at every pass of a model.
local function named(pattern)
   return setmetatable({}, { __index = function(known, name)
      local found = name:find(pattern) ~= nil
      known[name] = found
      return found
   end })
end

local tensors, storages = named '^torch%.%a+Tensor$', named '^torch%.%a+Storage$'

function torch.isTensor(x) return tensors[torch.typename(x) or ''] end
function torch.isStorage(x) return storages[torch.typename(x) or ''] end
function torch.totable(x)
   if not torch.isTensor(x) and not torch.isStorage(x) then
      error('totable: expected a tensor or a storage, got ' .. torch.type(x), 2)
   end
   return x:totable()
end

-- split and chunk may be given the table that is to hold the parts
local function into_table(name)
   local make = torch[name]
   torch[name] = function(first, ...)
      if type(first) ~= 'table' then return make(first, ...) end
      local parts = make(...)
      for k in pairs(first) do first[k] = nil end
      for i, part in ipairs(parts) do first[i] = part end
      return first
   end
end
into_table 'split'
into_table 'chunk'

-- ---- operators ----

-- torch.IntTensor.torch.abs(-7): functions of the package for numbers of this type
each_class(function(_, name, short)
   local class = torch.getconstructortable(name)
   if short == 'Half' then return end
   local functions = setmetatable({}, { __index = function(_, k)
      local f = torch[k]
      return f and function(...)
         if type((...)) == 'number' then
            local args, n = { ... }, select('#', ...)
            args[n + 1] = name
            return f(unpack(args, 1, n + 1))
         end
         return f(...)
      end
   end })
   rawset(class, 'torch', functions)
   torch.getmetatable(name).torch = functions
end)

local function number_or(x) return type(x) == 'number' or torch.isTensor(x) end
local function operand(name, ...)
   for i = 1, 2 do
      local x = select(i, ...)
      if not number_or(x) then
         error(string.format('%s: expected a number or a tensor, got %s', name, torch.type(x)), 3)
      end
   end
end

local operators = {}
function operators.__add__(a, b)
   operand('__add__', a, b)
   if type(a) == 'number' then return torch.add(b, a) end
   return torch.add(a, b)
end
function operators.__sub__(a, b)
   operand('__sub__', a, b)
   if type(a) == 'number' then return torch.mul(b, -1):add(a) end
   if type(b) == 'number' then return torch.add(a, -b) end
   return torch.add(a, -1, b)
end
function operators.__unm__(a) return torch.mul(a, -1) end
function operators.__mul__(a, b)
   operand('__mul__', a, b)
   if type(a) == 'number' then return torch.mul(b, a) end
   if type(b) == 'number' then return torch.mul(a, b) end
   local da, db = a:dim(), b:dim()
   if da == 1 and db == 1 then return a:dot(b) end
   if da == 2 and db == 1 then return torch.mv(a, b) end
   if da == 2 and db == 2 then return torch.mm(a, b) end
   error(string.format('multiplication between %dD and %dD tensors not yet supported', da, db), 2)
end
function operators.__div__(a, b)
   if not torch.isTensor(a) or type(b) ~= 'number' then
      error('__div__: expected a tensor divided by a number, got ' .. torch.type(a) .. ' / ' .. torch.type(b), 2)
   end
   return torch.div(a, b)
end
function operators.__mod__(a, b)
   if not torch.isTensor(a) or type(b) ~= 'number' then
      error('__mod__: expected a tensor and a number, got ' .. torch.type(a) .. ' % ' .. torch.type(b), 2)
   end
   return torch.remainder(a, b)
end
-- a string on the right that reads as a number is one
for name, f in pairs(operators) do
   operators[name] = function(a, b)
      if type(b) == 'string' then b = tonumber(b) or b end
      return f(a, b)
   end
end

each_class(function(mt, name, short)
   if short ~= 'Half' then
      for k, f in pairs(operators) do mt[k] = f end
   end
   -- methods that there are, and that refuse
   if short == 'Float' or short == 'Double' then
      for _, op in ipairs { 'bitand', 'bitor', 'bitxor', 'cbitand', 'cbitor', 'cbitxor' } do
         mt[op] = mt[op] or function() error(op .. ': expected a tensor of an integer type, got a ' .. name, 2) end
      end
   end
   mt.__len__ = function(x) return x:size() end
end)
