-- nn.Module: what every layer and container is.
local expect = require 'nn.expect'
local Module = torch.class('nn.Module')

function Module:__init()
   self.output, self.gradInput = torch.Tensor(), torch.Tensor()
   self._type = self.output:type()
end

------------------------------------------------------------------------------------------ forward and backward

function Module:updateOutput() return self.output end
function Module:updateGradInput() return self.gradInput end
function Module:accGradParameters() end

function Module:forward(input)
   expect.method(self, 'forward')
   return self:updateOutput(input)
end

-- The gradient of the input, then what is done with those of the parameters.
for name, accumulate in pairs { backward = 'accGradParameters', backwardUpdate = 'accUpdateGradParameters' } do
   Module[name] = function(self, input, gradOutput, by)
      expect.method(self, name)
      self:updateGradInput(input, gradOutput)
      if by == nil and name == 'backward' then by = 1 end
      self[accumulate](self, input, gradOutput, by)
      return self.gradInput
   end
end

function Module:accUpdateGradParameters(input, gradOutput, rate)
   local how = self.shared and 'sharedAccUpdateGradParameters' or 'defaultAccUpdateGradParameters'
   self[how](self, input, gradOutput, rate)
end

-- One step without touching the gradients: they accumulate straight into the parameters.
function Module:defaultAccUpdateGradParameters(input, gradOutput, rate)
   expect.rate(self, rate)
   local weight, bias = self.gradWeight, self.gradBias
   self.gradWeight, self.gradBias = self.weight, self.bias
   self:accGradParameters(input, gradOutput, -rate)
   self.gradWeight, self.gradBias = weight, bias
end

function Module:sharedAccUpdateGradParameters(input, gradOutput, rate)
   if not self:parameters() then return end
   self:zeroGradParameters()
   self:accGradParameters(input, gradOutput, 1)
   self:updateParameters(rate)
end

-- m(input) runs forward, m(input, gradOutput) backward too.
function Module:__call__(input, ...)
   self:forward(input)
   if (...) == nil then return self.output end
   self:backward(input, ...)
   return self.output, self.gradInput
end

------------------------------------------------------------------------------------------ parameters

function Module:parameters()
   expect.method(self, 'parameters')
   local values, grads = {}, {}
   if self.weight then values[1], grads[1] = self.weight, self.gradWeight end
   if self.bias then
      values[#values + 1] = self.bias
      grads[#values] = self.gradBias
   end
   if #values > 0 then return values, grads end
end

local function eachParameter(module, f)
   local values, grads = module:parameters()
   for i = 1, values and #values or 0 do f(values[i], grads[i]) end
end

function Module:zeroGradParameters()
   expect.method(self, 'zeroGradParameters')
   eachParameter(self, function(_, grad) grad:zero() end)
end

function Module:updateParameters(rate)
   expect.method(self, 'updateParameters')
   if type(rate) ~= 'number' then error('updateParameters: expected a learning rate, got ' .. torch.type(rate), 2) end
   eachParameter(self, function(value, grad) value:add(-rate, grad) end)
end

function Module:reset() end

function Module:share(other, ...)
   for _, name in ipairs { ... } do
      if self[name] ~= nil then
         if not torch.isTensor(self[name]) then
            expect.fail(self, 'share: only tensors can be shared, %s is %s', tostring(name), expect.brief(self[name]))
         end
         if type(other) ~= 'table' or not torch.isTensor(other[name]) then
            expect.fail(self, 'share: a module with a tensor %s expected, got %s', tostring(name), expect.brief(other))
         end
         self[name]:set(other[name])
         self.shared, other.shared = true, true
      end
   end
   return self
end

------------------------------------------------------------------------------------------ copies and files

-- Walks an object and its copy together and lets the named tensors of modules share their storage.
local function shareNamed(from, to, names, seen)
   if type(from) ~= 'table' or seen[from] then return end
   seen[from] = true
   local isModule, shared = torch.isTypeOf(from, 'nn.Module'), false
   for key, value in pairs(from) do
      if isModule and names[key] then
         if not torch.isTensor(value) then
            error('Shared parameters have to be Tensors, ' .. tostring(key) .. ' is a ' .. torch.type(value))
         end
         to[key]:set(value)
         shared = true
      else
         shareNamed(value, rawget(to, key), names, seen)
      end
   end
   if shared then from.shared, to.shared = true, true end
end

function Module:clone(...)
   local copy = nn.utils.written(self)
   if select('#', ...) > 0 then
      local names = {}
      for _, name in ipairs { ... } do names[name] = true end
      shareNamed(self, copy, names, {})
   end
   return copy
end

function Module:write(file)
   file:writeObject(nn.utils.fields(self))
end

function Module:read(file)
   for k, v in pairs(file:readObject()) do self[k] = v end
end

------------------------------------------------------------------------------------------ types

function Module:type(typename, cache)
   if not typename then return self._type end
   expect.machine(self, typename)
   cache = expect.cache(self, cache) or {}
   for key, value in pairs(self) do
      self[key] = nn.utils.recursiveType(value, typename, cache)
   end
   self._type = typename
   return self
end

for name, typename in pairs { float = 'torch.FloatTensor', double = 'torch.DoubleTensor', cuda = 'torch.CudaTensor' } do
   Module[name] = function(self, ...) return self:type(typename, ...) end
end

------------------------------------------------------------------------------------------ modes and walking

function Module:training() self.train = true end
function Module:evaluate() self.train = false end

function Module:apply(f)
   f(self)
   for _, m in ipairs(self.modules or {}) do m:apply(f) end
end

function Module:listModules()
   local list = {}
   Module.apply(self, function(m) list[#list + 1] = m end)
   return list
end

function Module:findModules(typename, container)
   local found, where = {}, {}
   local function visit(m, parent)
      if torch.typename(m) == typename then
         found[#found + 1] = m
         where[#found] = parent
      end
      for _, child in ipairs(m.modules or {}) do visit(child, m) end
   end
   visit(self, container or self)
   return found, where
end

function Module:replace(f)
   local result = f(self)
   for i, m in ipairs(self.modules or {}) do self.modules[i] = m:replace(f) end
   return result
end

require 'rekindle.takes'(Module, ':', { apply = 'f:function', replace = 'f:function', write = 'file:file', read = 'file:reader' })

local results = { 'output', 'gradInput' }
function Module:clearState() return nn.utils.clear(self, results) end

return Module
