-- Modules that reduce one dimension: sums, means, extremes.

-- A dimension counted from the start; negative ones count from the end, batches shift it by one.
local function place(dimension, nInputDims, input)
   local d = dimension
   if d < 0 then
      d = input:dim() + d + 1
   elseif nInputDims and input:dim() == nInputDims + 1 then
      d = d + 1
   end
   assert(input:dim() >= d, 'dimension exceeds input dimensions')
   return d
end

do
   local Sum, parent = torch.class('nn.Sum', 'nn.Module')
   function Sum:__init(dimension, nInputDims, sizeAverage, squeeze)
      parent.__init(self)
      self.dimension, self.nInputDims = dimension or 1, nInputDims
      self.sizeAverage = sizeAverage or false
      self.squeeze = squeeze == nil or squeeze
   end
   function Sum:updateOutput(input)
      local d = place(self.dimension, self.nInputDims, input)
      if type(self.output) == 'number' then self.output = input.new() end
      self.output:sum(input, d)
      if self.sizeAverage then self.output:div(input:size(d)) end
      if self.squeeze and self.output:dim() > 1 then self.output:set(self.output:select(d, 1)) end
      return self.output
   end
   function Sum:updateGradInput(input, gradOutput)
      local d = place(self.dimension, self.nInputDims, input)
      local sizes = input:size()
      sizes[d] = 1
      self.gradInput:resizeAs(input):copy(gradOutput:contiguous():view(sizes):expandAs(input))
      if self.sizeAverage then self.gradInput:div(input:size(d)) end
      return self.gradInput
   end

   local Mean, base = torch.class('nn.Mean', 'nn.Sum')
   function Mean:__init(dimension, nInputDims) base.__init(self, dimension, nInputDims, true) end
end

for name, extreme in pairs { Max = 'max', Min = 'min' } do
   local class, parent = torch.class('nn.' .. name, 'nn.Module')
   function class:__init(dimension, nInputDims)
      parent.__init(self)
      self.dimension, self.nInputDims = dimension or 1, nInputDims
   end
   function class:updateOutput(input)
      local d = place(self.dimension, self.nInputDims, input)
      self._output = self._output or self.output.new()
      self._indices = self._indices or torch.LongTensor()
      torch[extreme](self._output, self._indices, input, d)
      if input:dim() > 1 then self.output:set(self._output:select(d, 1)) else self.output:set(self._output) end
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      local d = place(self.dimension, self.nInputDims, input)
      local from = input:dim() > 1 and nn.utils.addSingletonDimension(gradOutput, d) or gradOutput
      self.gradInput:resizeAs(input):zero():scatter(d, self._indices, from)
      return self.gradInput
   end
   function class:type(typename, cache)
      self._indices = nil
      return parent.type(self, typename, cache)
   end
   function class:clearState()
      nn.utils.clear(self, '_indices', '_output')
      return parent.clearState(self)
   end
end

do
   local Narrow, parent = torch.class('nn.Narrow', 'nn.Module')
   function Narrow:__init(dimension, offset, length)
      parent.__init(self)
      self.dimension, self.index, self.length = dimension, offset, length or 1
      if not dimension or not offset then error('nn.Narrow: expected dimension, offset and perhaps a length') end
   end
   local function part(self, whole, input)
      local d = self.dimension < 0 and input:dim() + self.dimension + 1 or self.dimension
      local n = self.length < 0 and input:size(d) - self.index + self.length + 2 or self.length
      return whole:narrow(d, self.index, n)
   end
   function Narrow:updateOutput(input)
      self.output = self.output:typeAs(input)
      self.output:resizeAs(part(self, input, input)):copy(part(self, input, input))
      return self.output
   end
   function Narrow:updateGradInput(input, gradOutput)
      self.gradInput = self.gradInput:typeAs(input)
      self.gradInput:resizeAs(input):zero()
      part(self, self.gradInput, input):copy(gradOutput)
      return self.gradInput
   end
end

do
   local Unsqueeze, parent = torch.class('nn.Unsqueeze', 'nn.Module')
   function Unsqueeze:__init(pos, numInputDims)
      parent.__init(self)
      self.pos = pos or error('the position to insert singleton dimension not specified')
      self:setNumInputDims(numInputDims)
   end
   function Unsqueeze:setNumInputDims(n)
      self.numInputDims = n
      return self
   end
   function Unsqueeze:updateOutput(input)
      local shift = input:dim() - (self.numInputDims or input:dim())
      nn.utils.addSingletonDimension(self.output, input, self.pos + shift)
      return self.output
   end
   function Unsqueeze:updateGradInput(input, gradOutput)
      assert(input:nElement() == gradOutput:nElement(), 'nn.Unsqueeze: gradOutput differs from input in size')
      self.gradInput:view(gradOutput, input:size())
      return self.gradInput
   end
   function Unsqueeze:__tostring__() return torch.type(self) .. '(dim ' .. self.pos .. ')' end
end

do
   local Transpose, parent = torch.class('nn.Transpose', 'nn.Module')
   function Transpose:__init(...)
      parent.__init(self)
      self.permutations, self.numInputDims = { ... }, nil
   end
   function Transpose:setNumInputDims(n)
      self.numInputDims = n
      return self
   end
   -- Swaps the pairs in the given order of steps, copied into a field.
   local function swap(self, field, tensor, first, last, step)
      local shift = self.numInputDims and tensor:dim() == self.numInputDims + 1 and 1 or 0
      for i = first, last, step do
         local pair = self.permutations[i]
         tensor = tensor:transpose(pair[1] + shift, pair[2] + shift)
      end
      self[field]:resizeAs(tensor):copy(tensor)
      return self[field]
   end
   function Transpose:updateOutput(input) return swap(self, 'output', input, 1, #self.permutations, 1) end
   function Transpose:updateGradInput(_, gradOutput)
      return swap(self, 'gradInput', gradOutput, #self.permutations, 1, -1)
   end
end

do
   local Squeeze, parent = torch.class('nn.Squeeze', 'nn.Module')
   function Squeeze:__init(dim, numInputDims)
      parent.__init(self)
      self.dim = dim
      self:setNumInputDims(numInputDims)
   end
   function Squeeze:setNumInputDims(n)
      self.numInputDims = n
      return self
   end
   function Squeeze:updateOutput(input)
      assert(torch.isTensor(input), 'Squeeze only works on tensors')
      local shift = self.numInputDims and input:dim() > self.numInputDims and input:dim() - self.numInputDims or 0
      if self.dim then
         self.output:set(input:squeeze(self.dim + shift))
      else
         self.output:set(input:squeeze())
         if shift > 0 and input:size(1) == 1 then self.output:set(nn.utils.addSingletonDimension(self.output, 1)) end
      end
      return self.output
   end
   function Squeeze:updateGradInput(input, gradOutput)
      assert(torch.isTensor(gradOutput), 'Squeeze only works on tensors')
      self.gradInput:set(gradOutput:contiguous():view(input:size()))
      return self.gradInput
   end
   function Squeeze:__tostring__()
      return torch.type(self) .. (self.dim and '(dim ' .. self.dim .. ')' or '()')
   end
end

do
   local Replicate, parent = torch.class('nn.Replicate', 'nn.Module')
   function Replicate:__init(n, dim, ndim)
      parent.__init(self)
      self.nfeatures, self.dim, self.ndim = n, dim or 1, ndim
      assert(self.dim > 0, 'Can only replicate across positive integer dimensions.')
   end
   local function added(self, input)
      return self.dim + (self.ndim and input:dim() > self.ndim and 1 or 0)
   end
   function Replicate:updateOutput(input)
      local d = added(self, input)
      assert(d <= input:dim() + 1, 'Not enough input dimensions to replicate along dimension ' .. d .. '.')
      local sizes, strides = input:size():totable(), input:stride():totable()
      table.insert(sizes, d, self.nfeatures)
      table.insert(strides, d, 0)
      self.output:set(input:storage(), input:storageOffset(), torch.LongStorage(sizes), torch.LongStorage(strides))
      return self.output
   end
   function Replicate:updateGradInput(input, gradOutput)
      local d = added(self, input)
      self.gradInput:resizeAs(input):copy(gradOutput:sum(d):select(d, 1))
      return self.gradInput
   end
end
