-- Modules whose output is the input looked at in another way, mostly without a copy.
local define = require 'nn.define'
local dimensions = require 'nn.dimensions'
local expect = require 'nn.expect'

-- A class from `look(into, self, input)`, which makes the tensor `into` a view of the input. The gradient goes back
-- through `back(into, self, gradOutput, input)`, by default as a view of the input's size.
local function viewing(name, spec)
   local class, parent = define(name, spec)
   local look = spec.look
   local back = spec.back or function(into, _, gradOutput, input) return into:view(gradOutput, input:size()) end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 1, math.huge)
      self.output = self.output or input.new()
      return look(self.output, self, input)
   end
   function class:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 1, math.huge)
      if not spec.grows then expect.gradElements(self, gradOutput, input) end
      self.gradInput = self.gradInput or self.output.new()
      return back(self.gradInput, self, gradOutput, input)
   end
   return class, parent
end

-- How many dimensions of a batch stand before those of a sample.
local function batchDims(self, input)
   if self.numInputDims then expect.place(self, self.numInputDims, 'the number of input dimensions') end
   return self.numInputDims and math.max(input:dim() - self.numInputDims, 0) or 0
end

local function setNumInputDims(self, n)
   self.numInputDims = n
   return self
end

do
   -- The results belong to other modules, so they are let go, not emptied.
   local Identity = define 'Identity'
   function Identity:updateOutput(input)
      self.output = input
      return input
   end
   function Identity:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput
      return gradOutput
   end
   function Identity:clearState() return nn.utils.letGo(self) end
end

do
   -- How many samples of these sizes the input holds; nil for one sample without a batch dimension.
   local function samples(self, input, sizes)
      local dims = input:dim()
      local own = self.numInputDims or dims
      local inner, outer, open = 1, 1, false
      for d = 1, dims do
         if d > dims - own then inner = inner * input:size(d) else outer = outer * input:size(d) end
      end
      if inner % self.numElements ~= 0 then
         expect.fail(self, 'an input of size %s cannot be seen as %s', dimensions.text(input:size()),
            table.concat(sizes, 'x'))
      end
      for _, n in ipairs(sizes) do open = open or n < 0 end
      local n = outer * (open and 1 or inner / self.numElements)
      if n > 1 or self.numInputDims and dims > self.numInputDims then return n end
   end

   local View = viewing('View', {
      setup = function(self, ...) self:resetSize(...) end,
      look = function(into, self, input)
         local sizes = self.size:totable()
         local n = samples(self, input, sizes)
         if n then return into:view(input, n, unpack(sizes)) end
         return into:view(input, self.size)
      end,
      text = function(self) return '(' .. dimensions.text(self.size, ', ') .. ')' end,
   })
   View.setNumInputDims = setNumInputDims

   -- One size may be open (-1). numElements counts what the others make.
   function View:resetSize(...)
      self.size = expect.sizes('View', ...)
      self.numElements = 1
      local open = 0
      for _, n in ipairs(self.size:totable()) do
         if n >= 0 then
            self.numElements = self.numElements * n
         elseif n == -1 and open == 0 then
            open = 1
         else
            expect.fail('View', 'sizes from 0 on, and at most one -1, expected, got %s', dimensions.text(self.size))
         end
      end
      return self
   end
end

do
   -- The tensor itself, or a copy in a row that is kept in a field.
   local function inRow(self, field, tensor)
      if tensor:isContiguous() then return tensor end
      self[field] = self[field] or tensor.new()
      return self[field]:resizeAs(tensor):copy(tensor)
   end

   -- Whether the whole input is one sample: as told, else where it has the right number of elements.
   local function isSample(self, input)
      if self.batchMode ~= nil then return not self.batchMode end
      return input:nElement() == self.nelement and input:size(1) ~= 1
   end

   viewing('Reshape', {
      setup = function(self, ...)
         local sizes = { ... }
         if type(sizes[#sizes]) == 'boolean' then self.batchMode = table.remove(sizes) end
         self.size = expect.sizes('Reshape', unpack(sizes))
         sizes, self.nelement = self.size:totable(), 1
         for _, n in ipairs(sizes) do self.nelement = self.nelement * n end
         self.batchsize = torch.LongStorage { 0, unpack(sizes) }
      end,
      look = function(into, self, input)
         input = inRow(self, '_input', input)
         local sample = isSample(self, input)
         if input:nElement() ~= (sample and 1 or input:size(1)) * self.nelement then
            expect.fail(self, 'an input of size %s cannot be seen as %s%s', dimensions.text(input:size()),
               sample and '' or 'a batch of ', dimensions.text(self.size))
         end
         if sample then return into:view(input, self.size) end
         self.batchsize[1] = input:size(1)
         return into:view(input, self.batchsize)
      end,
      back = function(into, self, gradOutput, input)
         return into:viewAs(inRow(self, '_gradOutput', gradOutput), input)
      end,
      scratch = { '_input', '_gradOutput' },
      text = function(self) return '(' .. dimensions.text(self.size) .. ')' end,
   })
end

do
   local Unsqueeze = viewing('Unsqueeze', {
      options = { { 'pos' }, { 'numInputDims' } },
      setup = function(self) expect.number('Unsqueeze', self.pos, 'the place of the new dimension') end,
      look = function(into, self, input)
         return nn.utils.addSingletonDimension(into, input, self:_getActualPosition(input))
      end,
      text = function(self) return '(dim ' .. self.pos .. ')' end,
   })
   Unsqueeze.setNumInputDims = setNumInputDims
   -- The place past the dimensions of a batch. The first input tells how many dimensions a sample has, if nobody else did.
   function Unsqueeze:_getActualPosition(input)
      local dims = expect.anyTensor(self, input, 'input'):dim()
      expect.place(self, self.pos, 'the place of the new dimension')
      self.numInputDims = expect.place(self, self.numInputDims or dims, 'the number of input dimensions')
      local place = self.pos + dims - self.numInputDims
      if dims < self.numInputDims then
         expect.fail(self, 'an input of %d dimensions or more expected, got %s', self.numInputDims, expect.brief(input))
      elseif place < 1 or place > dims + 1 then
         expect.fail(self, 'there is no place %d for a dimension in samples of %d dimensions', self.pos, self.numInputDims)
      end
      return place
   end
end

viewing('Squeeze', {
   options = { { 'dim' }, { 'numInputDims' } },
   look = function(into, self, input)
      local batch = batchDims(self, input)
      if input:nElement() == 1 then expect.fail(self, 'an input of more than one element expected') end
      if self.dim then expect.place(self, self.dim, 'the dimension') end
      if self.dim then return into:set(input:squeeze(self.dim + batch)) end
      local seen = input:squeeze()
      -- a batch of one stays a batch
      if batch > 0 and input:size(1) == 1 then return nn.utils.addSingletonDimension(into, seen, 1) end
      return into:set(seen)
   end,
   back = function(into, _, gradOutput, input)
      return into:view(gradOutput:contiguous(), input:size())
   end,
   text = function(self) return self.dim and '(dim ' .. tostring(self.dim) .. ')' or '' end,
}).setNumInputDims = setNumInputDims

do
   local function added(self, input)
      if self.ndim then expect.place(self, self.ndim, 'the number of input dimensions') end
      return self.dim + (self.ndim and input:dim() > self.ndim and 1 or 0)
   end
   viewing('Replicate', {
      options = { { 'nfeatures' }, { 'dim', 1 }, { 'ndim' } },
      setup = function(self)
         expect.whole('Replicate', self.nfeatures, 'the number of copies', 1)
         expect.whole('Replicate', self.dim, 'the dimension', 1)
      end,
      grows = true,
      look = function(into, self, input)
         local d, sizes, strides = added(self, input), input:size():totable(), input:stride():totable()
         if d > #sizes + 1 then
            expect.fail(self, 'an input of %d dimensions or more expected, got %d', d - 1, #sizes)
         end
         table.insert(sizes, d, self.nfeatures)
         table.insert(strides, d, 0)
         return into:set(input:storage(), input:storageOffset(), torch.LongStorage(sizes), torch.LongStorage(strides))
      end,
      back = function(into, self, gradOutput, input)
         local d = added(self, input)
         expect.gradOutput(self, gradOutput, self.output)
         expect.forwardFirst(self, gradOutput:nElement() == input:nElement() * self.nfeatures)
         into:sum(gradOutput, d)
         return into:set(into:select(d, 1))
      end,
   })
end

do
   -- Swaps pairs of dimensions, from the first pair to the last or backwards, into a field.
   local function swapped(self, field, tensor, backwards)
      local n, batch = #self.permutations, batchDims(self, tensor) == 1 and 1 or 0
      for i = 1, n do
         local pair = self.permutations[backwards and n - i + 1 or i]
         local d = math.max(pair[1], pair[2]) + batch
         if d > tensor:dim() or math.min(pair[1], pair[2]) + batch < 1 then
            expect.fail(self, 'dimensions %d and %d expected in the %s, got %s', pair[1] + batch, pair[2] + batch,
               backwards and 'gradOutput' or 'input', expect.brief(tensor))
         end
         tensor = tensor:transpose(pair[1] + batch, pair[2] + batch)
      end
      return self[field]:resizeAs(tensor):copy(tensor)
   end
   local Transpose = define('Transpose', {
      setup = function(self, ...)
         self.permutations = { ... }
         for _, pair in ipairs(self.permutations) do
            if type(pair) ~= 'table' or type(pair[1]) ~= 'number' or type(pair[2]) ~= 'number' then
               expect.fail('Transpose', 'pairs of dimensions expected, as in nn.Transpose({1, 2}), got %s', expect.brief(pair))
            end
         end
      end,
   })
   Transpose.setNumInputDims = setNumInputDims
   function Transpose:updateOutput(input) return swapped(self, 'output', expect.tensor(self, input, 'input'), false) end
   function Transpose:updateGradInput(_, gradOutput)
      return swapped(self, 'gradInput', expect.tensor(self, gradOutput, 'gradOutput'), true)
   end
end

do
   -- The last dimensions, as many as a sample has, as one.
   local function inRow(self, field, tensor)
      if tensor:isContiguous() then return tensor end
      self[field] = (self[field] or tensor.new()):resizeAs(tensor):copy(tensor)
      return self[field]
   end
   local function sizes(self, input)
      local list, count = {}, 1
      local first = input:dim() - self.nInputDim
      for d, n in ipairs(input:size():totable()) do
         if d <= first then list[d] = n else count = count * n end
      end
      list[first + 1] = count
      return torch.LongStorage(list)
   end
   viewing('Collapse', {
      options = { { 'nInputDim' } },
      setup = function(self) expect.whole('Collapse', self.nInputDim, 'the number of dimensions', 1) end,
      look = function(into, self, input)
         expect.tensor(self, input, 'input', self.nInputDim, math.huge)
         return into:view(inRow(self, '_input', input), sizes(self, input))
      end,
      back = function(into, self, gradOutput, input)
         expect.tensor(self, input, 'input', self.nInputDim, math.huge)
         expect.gradOutput(self, gradOutput, sizes(self, input))
         return into:view(inRow(self, '_gradOutput', gradOutput), input:size())
      end,
      scratch = { '_input', '_gradOutput' },
   })
end
