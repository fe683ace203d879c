-- The package torch: functions and tensor classes from Rust, put together with what is Lua.
local native = require 'rekindle.native'
local state = native.functions.state
torch = {}
local torch = torch
for name, f in pairs(native.functions.torch or {}) do torch[name] = f end
require 'torch.class'

-- storages and tensors: the metatable made by Rust becomes the class
local function adopt(name, methods, trace)
   local mt = native.metatables[name]
   for k, f in pairs(methods or {}) do mt[k] = f end
   local call = native.constructors[name].call
   if trace then call = trace(mt, call) end
   mt.new = native.constructors[name].new
   mt.__native = true
   torch._register(mt, name, nil, call, mt.new)
   return mt
end

torch.tensor_types, torch.storage_types = {}, {}
local traced = require 'torch.traced'
for number, short in ipairs(native.types) do
   local tensor, storage = 'torch.' .. short .. 'Tensor', 'torch.' .. short .. 'Storage'
   local mt = adopt(tensor, native.methods[tensor], function(mt, call) return traced(mt, native.numbers[number], call) end)
   local element, set = native.index, native.newindex
   mt.__index__ = function(x, k)
      local v = element(x, k)
      return v, v ~= nil
   end
   mt.__newindex__ = function(x, k, v) set(x, k, v) return true end
   local st = adopt(storage, native.storage_methods[storage])
   local get, put = native.storage_index, native.storage_newindex
   st.__index = function(s, k)
      local m = st[k]
      if m ~= nil then return m end
      return get(s, k)
   end
   st.__newindex = put
   st.__index__ = function(s, k)
      if type(k) == 'number' then return get(s, k), true end
      return nil, false
   end
   st.__newindex__ = function(s, k, v) put(s, k, v) return true end
   torch.tensor_types[#torch.tensor_types + 1] = tensor
   torch.storage_types[#torch.storage_types + 1] = storage
end

-- Types of other devices have their names in torch once the package is required that is about the device. Those of a
-- device by their elements: beside[metatable].Long
local hosts, beside = #native.element_types, {}
for first = 1, #native.types, hosts do
   local kin = {}
   for i = first, first + hosts - 1 do
      local name = torch.tensor_types[i]
      kin[native.elements[i].name] = name
      beside[torch.getmetatable(name)] = kin
      if first > 1 then
         rawset(torch, native.types[i] .. 'Tensor', nil)
         rawset(torch, native.types[i] .. 'Storage', nil)
      end
   end
end
-- The class of tensors with these elements on the device of a tensor: for indices, masks and the like.
function torch._beside(x, element) return beside[debug.getmetatable(x)][element] end
-- Gives a device's types their names.
function torch._open(device)
   for i = hosts + 1, #native.types do
      local short = native.types[i]
      if short:sub(1, #device) == device then
         for _, kind in ipairs { 'Tensor', 'Storage' } do
            torch[short .. kind] = torch.getconstructortable('torch.' .. short .. kind)
         end
      end
   end
end

local generator = native.metatables['torch.Generator']
generator.__native = true
generator.__index = generator
generator.new = state.generator
generator.__newindex = function(_, k)
   error('torch.Generator: a generator has no field ' .. tostring(k), 2)
end
function generator:write(file) file:writeObject(torch.getRNGState(self)) end
function generator:read(file) torch.setRNGState(self, file:readObject()) end
require 'rekindle.takes'(generator, ':', { write = 'file:file', read = 'file:reader' })
torch._register(generator, 'torch.Generator', nil, function() return state.generator() end, state.generator)

local function set_default(name)
   torch.Tensor = torch.getconstructortable(name)
   torch.Storage = torch.getconstructortable((name:gsub('Tensor$', 'Storage')))
end
function torch.setdefaulttensortype(name)
   local named = type(name) == 'string' and torch[name:match('^torch%.(%a+)$') or '']
   if not named or not state.setDefaultType(name) then
      error('setdefaulttensortype: expected torch.FloatTensor or torch.DoubleTensor, got ' .. tostring(name), 2)
   end
   set_default(name)
end
set_default(state.getdefaulttensortype())

for _, part in ipairs { 'torch.tensor', 'torch.cdata', 'torch.alias', 'torch.file', 'torch.util', 'torch.timer', 'torch.cmdline', 'torch.tester' } do
   if native.functions.embedded.has(part) then require(part) end
end
return torch
