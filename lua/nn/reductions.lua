-- Modules that reduce one dimension: sums, means, extremes.
local define = require 'nn.define'
local expect = require 'nn.expect'
local asked = require 'nn.asked'
local locate = require('nn.dimensions').locate

local dimension = { { 'dimension', 1 }, { 'nInputDims' } }

-- The dimension, counted from the start and past that of a batch: classes of programs call it, and may have another.
local function positive(self, input)
   expect.anyTensor(self, input, 'input')
   expect.place(self, self.dimension, 'the dimension')
   if self.nInputDims then expect.place(self, self.nInputDims, 'the number of input dimensions') end
   return locate(self.dimension, input:dim(), self.nInputDims)
end

local function place(self, input)
   expect.tensor(self, input, 'input')
   local d = self:_getPositiveDimension(input)
   if d < 1 or d > input:dim() then
      expect.fail(self, 'an input with dimension %d expected, got %s', d, expect.brief(input))
   end
   return d
end

-- Lets `field` look at the tensor without dimension `d`, which has size 1; the only dimension stays.
local function dropping(self, field, tensor, d)
   return self[field]:set(tensor:dim() > 1 and tensor:select(d, 1) or tensor)
end

do
   local Sum = define('Sum', {
      options = { dimension[1], dimension[2], { 'sizeAverage', false }, { 'squeeze', true, 'boolean' } },
   })
   Sum._getPositiveDimension = positive
   function Sum:updateOutput(input)
      local d = place(self, input)
      if not torch.isTensor(self.output) then self.output = input.new() end
      self.output:sum(input, d)
      if self.sizeAverage then self.output:div(input:size(d)) end
      return self.squeeze and dropping(self, 'output', self.output, d) or self.output
   end
   -- every summand gets the whole gradient, or its share
   function Sum:updateGradInput(input, gradOutput)
      local d, sizes = place(self, input), input:size()
      expect.tensor(self, gradOutput, 'gradOutput')
      if gradOutput:nElement() * input:size(d) ~= input:nElement() then
         expect.fail(self, 'gradOutput of %d elements expected, got %s', input:nElement() / input:size(d), expect.brief(gradOutput))
      end
      sizes[d] = 1
      local spread = gradOutput:contiguous():view(sizes):expandAs(input)
      return self.gradInput:mul(spread, self.sizeAverage and 1 / input:size(d) or 1)
   end

   local Mean, parent = torch.class('nn.Mean', 'nn.Sum')
   function Mean:__init(d, sampleDims) parent.__init(self, d, sampleDims, true) end
end

for name, extreme in pairs { Max = torch.max, Min = torch.min } do
   local class, parent = define(name, { options = dimension, scratch = { '_output', '_indices' } })
   class._getPositiveDimension = positive
   -- The tensors that a forward fills, where they are not there yet.
   function class:_lazyInit()
      self._output = self._output or self.output.new()
      self._indices = self._indices or torch.getconstructortable(torch._beside(self.output, 'Long'))()
   end
   local lazyInit = asked(class, '_lazyInit')
   function class:updateOutput(input)
      local d = place(self, input)
      self:_lazyInit()
      extreme(self._output, self._indices, input, d)
      return dropping(self, 'output', self._output, d)
   end
   -- only the extremes get a gradient
   function class:updateGradInput(input, gradOutput)
      local d = place(self, input)
      lazyInit(self)
      expect.tensor(self, gradOutput, 'gradOutput')
      local indices = self._indices
      expect.forwardFirst(self, indices and indices:dim() == input:dim() and
         indices:nElement() * input:size(d) == input:nElement())
      if gradOutput:nElement() ~= self._indices:nElement() then expect.gradOutput(self, gradOutput, self.output) end
      if input:dim() > 1 then gradOutput = nn.utils.addSingletonDimension(gradOutput, d) end
      return self.gradInput:resizeAs(input):zero():scatter(d, self._indices, gradOutput)
   end
   -- indices are of one type, whatever the module's
   function class:type(typename, ...)
      if typename then self._indices = nil end
      return parent.type(self, typename, ...)
   end
end
