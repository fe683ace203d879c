-- Modules that scale or shift everything alike, by constants or by parameters.
local define = require 'nn.define'
local expect = require 'nn.expect'

local inplace = { 'inplace', false, 'boolean' }

-- A class from two steps: `act(result, self, value)` makes the output in `result`, `back` the gradient from
-- gradOutput. In place, `undo(input, self)` gives the input its old values back.
local function constant(name, spec)
   local class = define(name, spec)
   local place = nn.utils.place
   function class:updateOutput(input)
      expect.tensor(self, input, 'input')
      return spec.act(place(self, 'output', input), self, input)
   end
   function class:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input')
      expect.gradElements(self, gradOutput, input)
      local gradient = spec.back(place(self, 'gradInput', gradOutput), self, gradOutput, input)
      if self.inplace and spec.undo then spec.undo(input, self) end
      return gradient
   end
   return class
end

local function copied(result, self, value) return self.inplace and result or result:copy(value) end
local function scaled(result, self, value) return result:mul(value, self.constant_scalar) end

constant('MulConstant', {
   options = { { 'constant_scalar', nil, 'number' }, inplace },
   setup = function(self) if not self.constant_scalar then expect.fail('MulConstant', 'a factor expected, got nothing') end end,
   act = scaled,
   back = scaled,
   undo = function(input, self) input:div(self.constant_scalar) end,
})

-- `by` times the constant, which may be a tensor that is repeated, added to `value`.
local function shifted(result, self, value, by)
   local c = self.constant_scalar
   if type(c) == 'number' then return result:add(value, by * c) end
   expect.anyTensor(self, c, 'the constant')
   -- a batch has one dimension more
   if value:dim() == c:dim() + 1 then c = c:view(1, unpack(c:size():totable())) end
   return result:add(value, by, c:expandAs(value))
end

constant('AddConstant', {
   options = { { 'constant_scalar' }, inplace },
   setup = function(self) if not self.constant_scalar then expect.fail('AddConstant', 'a number or tensor expected, got nothing') end end,
   act = function(result, self, value) return shifted(result, self, value, 1) end,
   back = copied,
   undo = function(input, self) shifted(input, self, input, -1) end,
})

constant('Power', {
   options = { { 'pow' } },
   setup = function(self) expect.number('Power', self.pow, 'the exponent') end,
   act = function(result, self, value) return result:pow(value, self.pow) end,
   back = function(result, self, gradOutput, input)
      return result:pow(input, self.pow - 1):cmul(gradOutput):mul(self.pow)
   end,
})

do
   local function scale(result, self, value) return result:mul(value, self.weight[1]) end
   local Mul = constant('Mul', {
      setup = function(self)
         self.weight, self.gradWeight = nn.utils.parameter(1)
         self:reset()
      end,
      act = scale,
      back = function(result, self, gradOutput, input) return scale(result:resizeAs(input), self, gradOutput) end,
   })
   function Mul:reset(deviation) nn.utils.draw(self, 1, deviation, self.weight) end
   function Mul:accGradParameters(input, gradOutput, by)
      expect.gradElements(self, gradOutput, input)
      self.gradWeight[1] = self.gradWeight[1] + (by or 1) * input:dot(gradOutput)
   end
end

do
   -- One row for a sample, or one for each of a batch.
   local function rows(tensor) return tensor:view(tensor:dim() == 1 and 1 or tensor:size(1), -1) end
   local Add = constant('Add', {
      setup = function(self, size, scalar)
         self.scalar = scalar
         if not scalar then expect.count('Add', size, 'inputSize') end
         self.bias, self.gradBias = nn.utils.parameter(scalar and 1 or size)
         self._ones = torch.Tensor { 1 }
         self:reset()
      end,
      act = function(result, self, value)
         if self.scalar then return result:add(value, self.bias[1]) end
         local n = self.bias:size(1)
         if value:dim() == 0 or value:nElement() % n ~= 0 or value:nElement() ~= n and value:nElement() ~= value:size(1) * n then
            expect.fail(self, 'samples of %d elements expected as input, got %s', n, expect.brief(value))
         end
         local matrix = rows(result:copy(value))
         matrix:add(self.bias:view(1, -1):expandAs(matrix))
         return result
      end,
      back = copied,
   })
   function Add:reset(deviation) nn.utils.draw(self, self.bias:size(1), deviation, self.bias) end
   function Add:accGradParameters(input, gradOutput, by)
      by = by or 1
      expect.gradElements(self, gradOutput, input)
      local n = self.bias:size(1)
      local size = gradOutput:dim() == 1 and 1 or gradOutput:size(1)
      if not self.scalar and gradOutput:nElement() ~= size * n then
         expect.fail(self, 'gradOutput of samples of %d elements expected, got %s', n, expect.brief(gradOutput))
      end
      if self.scalar then
         self.gradBias[1] = self.gradBias[1] + by * gradOutput:sum()
      else
         self.gradBias:add(by, rows(gradOutput:contiguous()):sum(1):view(-1))
      end
   end
end

do
   -- The same value for every input, for each sample if an input has more than nInputDim dimensions.
   local expect = require 'nn.expect'
   local Constant = define('Constant', {
      options = { { 'value' }, { 'nInputDim', nil, 'number' } },
      setup = function(self)
         local value = self.value
         if type(value) == 'number' then
            self.value = torch.Tensor { value }
         elseif torch.isTensor(value) then
            self.value = value:clone()
         else
            expect.fail('Constant', 'a number or a tensor expected, got %s', expect.brief(value))
         end
      end,
   })
   function Constant:updateOutput(input)
      expect.anyTensor(self, input, 'input')
      local value = self.value
      if not self.nInputDim or input:dim() <= self.nInputDim then
         return self.output:resize(value:size()):copy(value)
      end
      local sizes = value:size():totable()
      local one, all = { 1, unpack(sizes) }, { input:size(1), unpack(sizes) }
      return self.output:resize(torch.LongStorage(all)):copy(
         value:contiguous():view(torch.LongStorage(one)):expand(torch.LongStorage(all)))
   end
   function Constant:updateGradInput(input)
      if not self.gradInput then return end
      return self.gradInput:resize(expect.anyTensor(self, input, 'input'):size()):zero()
   end
end
