-- Linear layers of sparse inputs: the forms of inputs, and which gradients are kept; Rust computes.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- A sample is a matrix (n x 2) of indices and values, a batch a table of samples, or in older programs a tensor
   -- (samples x n x 2).
   local SparseLinear, parent = define('SparseLinear', {
      options = { { 'inputSize', nil, 'number' }, { 'outputSize', nil, 'number' }, { 'doGradInput', false, 'boolean' } },
      setup = function(self)
         local inputs = expect.whole('SparseLinear', self.inputSize, 'the number of inputs', 1)
         local outputs = expect.whole('SparseLinear', self.outputSize, 'the number of outputs', 1)
         self.inputSize, self.outputSize = nil, nil
         self.weight, self.gradWeight = nn.utils.parameter(outputs, inputs)
         self.bias, self.gradBias = nn.utils.parameter(outputs)
         self.gradInput, self.weightDecay, self.numBackward = {}, 0, 0
         self:reset()
      end,
   })

   function SparseLinear:reset(deviation)
      nn.utils.draw(self, self.weight:size(2), deviation, self.weight, self.bias)
      self.bias:mul(1e-6)
   end

   -- The input as a table of samples, or a tensor of them; whether it is a batch, and whether it is such a tensor.
   function SparseLinear:reshapeInput(input)
      if torch.type(input) ~= 'table' then
         local batch = expect.tensor(self, input, 'input', 2, 3):dim() == 3
         return batch and input or { input }, batch, batch
      end
      if #input == 0 then expect.fail(self, 'a table of at least one sample expected, got an empty one') end
      for i, sample in ipairs(input) do expect.tensor(self, sample, string.format('input[%d]', i), 2) end
      return input, true, false
   end

   -- The samples, whether they are a tensor, and whether they are a batch.
   local function samplesOf(self, input)
      local samples, batch, tensor = self:reshapeInput(input)
      if torch.isTensor(samples) then return { expect.tensor(self, samples, 'input', 2, 3) }, tensor, batch end
      for i, sample in ipairs(expect.table(self, samples, 'input', 1)) do
         expect.tensor(self, sample, string.format('input[%d]', i), 2)
      end
      return samples, tensor, batch
   end

   function SparseLinear:updateOutput(input)
      local samples, _, several = samplesOf(self, input)
      self:combine(samples)
      if not several then self.output:resize(self.weight:size(1)) end
      return self.output
   end

   function SparseLinear:accGradParameters(input, gradOutput, scale)
      local samples = samplesOf(self, input)
      expect.tensor(self, gradOutput, 'gradOutput', 1, 2)
      self:accumulate(samples, gradOutput, scale or 1)
      self.lastInput, self.numBackward = {}, (self.numBackward or 0) + 1
      for i, sample in ipairs(samples) do self.lastInput[i] = sample:clone() end
   end

   -- All inputs have a gradient, so it is as large as a dense one: indices and gradients.
   function SparseLinear:updateGradInput(input, gradOutput)
      local samples, tensor = samplesOf(self, input)
      local inputs, outputs = self.weight:size(2), self.weight:size(1)
      expect.tensor(self, gradOutput, 'gradOutput', 1, 2)
      if not self.doGradInput then
         if not tensor then
            self.gradInput = {}
            return self.gradInput
         end
         if not torch.isTensor(self.gradInput) then self.gradInput = gradOutput.new() end
         return self.gradInput:resizeAs(samples[1]):zero()
      end
      local n = tensor and samples[1]:size(1) or #samples
      if gradOutput:nElement() ~= n * outputs then
         expect.fail(self, 'gradOutput of %d x %d elements expected, got %s', n, outputs, expect.brief(gradOutput))
      end
      local dense = gradOutput.new(n, inputs, 2)
      dense:select(3, 1):copy(torch.range(1, inputs):view(1, inputs):expand(n, inputs))
      dense:select(3, 2):copy(gradOutput:contiguous():view(n, outputs) * self.weight)
      if tensor then
         self.gradInput = dense
      else
         self.gradInput = {}
         for i = 1, n do self.gradInput[i] = dense[i]:clone() end
      end
      return self.gradInput
   end

   -- After one backward, only the columns of its input have gradients.
   local function last(self) return self.numBackward == 1 and self.lastInput end

   function SparseLinear:updateParameters(rate)
      if not last(self) then return parent.updateParameters(self, rate) end
      self:updateColumns(last(self), rate)
      self.bias:add(-rate, self.gradBias)
   end
   function SparseLinear:zeroGradParameters()
      if last(self) then
         self:zeroColumns(last(self))
         self.gradBias:zero()
      else
         parent.zeroGradParameters(self)
      end
      self.lastInput, self.numBackward = nil, 0
   end

   function SparseLinear:clearState()
      expect.fail(self, 'clearState is not possible for this class, as in Torch7')
   end
end

do
   -- Inputs are { keys, values } of one sample, tables of both, or { all keys, all values, sizes of the samples }.
   local IndexLinear = define('IndexLinear', {
      setup = function(self, inputSize, outputSize, doGradInput, keysOffset, weight, bias, normalize)
         self.normalize = normalize and 4 or 0
         expect.number('IndexLinear', keysOffset or 0, 'keysOffset')
         if not weight then
            expect.whole('IndexLinear', inputSize, 'the number of inputs', 1)
            expect.whole('IndexLinear', outputSize, 'the number of outputs', 1)
            weight = torch.Tensor(inputSize, outputSize + self.normalize):zero()
         end
         self.weight, self.bias = weight, bias or torch.Tensor(weight:size(2) - self.normalize):zero()
         self.inputSize, self.outputSize = weight:size(1), weight:size(2) - self.normalize
         self.gradWeight, self.gradBias = weight.new(), self.bias.new(self.outputSize):zero()
         self.doGradInput, self.offset = doGradInput or false, keysOffset and keysOffset - 1 or -1
         self.gradInput, self.weightDecay = {}, 0
         self.noKeysCopy = false
         self:zeroGradParameters()
      end,
   })

   function IndexLinear:reset(deviation)
      nn.utils.draw(self, self.weight:size(2), deviation, self.weight, self.bias)
      self.bias:mul(1e-6)
      if self.normalize > 0 then self.weight:narrow(2, 1, self.normalize):zero() end
   end

   function IndexLinear:longTensor(...)
      return torch.getconstructortable(torch._beside(self.weight, 'Long'))(...)
   end

   -- Keys and values that belong together.
   local function checked(self, keys, values)
      local class = torch._beside(self.weight, 'Long')
      if torch.typename(keys) ~= class then expect.fail(self, 'a %s of keys expected, got %s', class, torch.type(keys)) end
      expect.tensor(self, values, 'values', 1)
      if keys:dim() ~= 1 or keys:size(1) ~= values:size(1) then
         expect.fail(self, 'vectors of as many keys as values expected, got %s and %s', expect.brief(keys), expect.brief(values))
      end
      return keys, values
   end

   -- Tables of the samples' keys and values, or all keys, all values and the sizes of the samples: isFlat tells which,
   -- and noBatch whether the input is one sample.
   function IndexLinear:reshapeInput(input)
      if torch.type(input) ~= 'table' or #input < 2 or #input > 3 then
         expect.fail(self, 'a table of keys and values expected as input, got %s', expect.brief(input))
      end
      local keys, values, sizes = unpack(input)
      if torch.isTensor(keys) and torch.isTensor(values) then
         checked(self, keys, values)
         -- one sample may come with its size
         self.noBatch = not sizes or sizes == keys:size(1)
         self.isFlat = not self.noBatch
         if self.noBatch then return { keys }, { values } end
         local class = torch._beside(self.weight, 'Long')
         if torch.typename(sizes) ~= class then
            expect.fail(self, 'a %s of sizes expected, got %s', class, torch.type(sizes))
         end
         return keys, values, sizes
      end
      if torch.type(keys) ~= 'table' or torch.type(values) ~= 'table' or #keys ~= #values or #keys == 0 then
         expect.fail(self, 'tensors, or tables of as many tensors, expected as keys and values, got %s and %s',
            expect.brief(keys), expect.brief(values))
      end
      for i = 1, #keys do checked(self, keys[i], values[i]) end
      self.isFlat, self.noBatch = false, false
      return keys, values
   end

   -- All keys, all values, and the sizes of the samples, in the fields of these names.
   function IndexLinear:flattenInputs(input)
      local keys, values, sizes = self:reshapeInput(input)
      if not self.isFlat then
         local lengths = {}
         for i, entry in ipairs(expect.table(self, keys, 'keys', 1)) do
            checked(self, entry, expect.table(self, values, 'values', #keys)[i])
            lengths[i] = entry:size(1)
         end
         keys = #keys == 1 and keys[1] or torch.cat(keys, 1)
         values, sizes = #values == 1 and values[1] or torch.cat(values, 1), self:longTensor(lengths)
      end
      self.keys, self.values, self.sizes = keys, values, sizes
   end
   local function flat(self, input)
      self:flattenInputs(input)
      return self.keys, self.values, self.sizes
   end

   function IndexLinear:updateOutput(input)
      local keys, values, sizes = flat(self, input)
      self:combine(values, keys, sizes)
      if self.noBatch then self.output:resize(self.outputSize) end
      return self.output
   end

   -- Gradients of the weights are kept for each backward: the keys, and their gradients in the same order.
   local function gradientsOf(self, input, gradOutput, scale, into)
      local keys, values, sizes = flat(self, input)
      expect.tensor(self, gradOutput, 'gradOutput', 1, 2)
      if self.normalize > 0 then
         expect.forwardFirst(self, self.normalizedValues and self.normalizedValues:nElement() == values:nElement())
         values = self.normalizedValues
      end
      return self:gradients(values, gradOutput, keys, sizes, scale, into), keys, sizes
   end

   function IndexLinear:accGradParameters(input, gradOutput, scale)
      local gradients, keys, sizes = gradientsOf(self, input, gradOutput, scale or 1, self.weight.new())
      local running = self.running
      local at = running.counter
      running.keys[at] = self.noKeysCopy and keys or keys:clone()
      running.cumSumSizes[at], running.gradWeight[at] = sizes:cumsum(1), gradients
      running.counter = at + 1
   end

   local function joined(list, typename)
      local all = {}
      for i, tensor in ipairs(list) do all[i] = typename and tensor:type(typename) or tensor end
      return #all == 1 and all[1] or torch.cat(all, 1)
   end

   function IndexLinear:updateParameters(rate)
      expect.rate(self, rate)
      if self.running.counter > 1 then
         self.gradWeight = joined(self.running.gradWeight)
         self:step(self.gradWeight, joined(self.running.keys, torch._beside(self.weight, 'Long')), rate)
      end
      self.bias:add(-rate, self.gradBias)
   end

   function IndexLinear:accUpdateGradParameters(input, gradOutput, rate)
      local kept = self.gradBias
      self.gradBias = kept:clone():zero()
      local gradients, keys = gradientsOf(self, input, gradOutput, 1, self.weight.new())
      self:step(gradients, keys, rate)
      self.bias:add(-rate, self.gradBias)
      self.gradBias = kept
   end

   function IndexLinear:zeroGradParameters()
      self.gradBias:zero()
      self.running = { counter = 1, cumSumSizes = {}, keys = {}, gradWeight = {} }
   end

   function IndexLinear:parameters()
      return { self.weight, self.bias }, { self.running, self.gradBias }
   end

   -- Every input has a gradient: all keys, and the gradients of their values.
   function IndexLinear:updateGradInput(input, gradOutput)
      local _, _, sizes = flat(self, input)
      self.gradInput = {}
      if not self.doGradInput then
         if self.noBatch then
            expect.fail(self, 'the gradient of one sample takes a module made with doGradInput = true')
         end
         return self.gradInput
      end
      expect.tensor(self, gradOutput, 'gradOutput', 1, 2)
      local n, inputs = sizes:size(1), self.inputSize
      if gradOutput:nElement() ~= n * self.outputSize then
         expect.fail(self, 'gradOutput of %d x %d elements expected, got %s', n, self.outputSize, expect.brief(gradOutput))
      end
      local weight = self.weight:narrow(2, self.normalize + 1, self.outputSize)
      local values = gradOutput:contiguous():view(n, self.outputSize) * weight:t()
      local first = -self.offset
      local keys = self:longTensor():range(first, first + inputs - 1)
      if self.noBatch then
         self.gradInput = { keys, values:view(inputs) }
      elseif self.isFlat then
         self.gradInput = { keys:view(1, inputs):expand(n, inputs):contiguous(), values }
      else
         self.gradInput = { {}, {} }
         for i = 1, n do self.gradInput[1][i], self.gradInput[2][i] = keys:clone(), values[i] end
      end
      return self.gradInput
   end

   function IndexLinear:clearState()
      self.running = { counter = 1, cumSumSizes = {}, keys = {}, gradWeight = {} }
      self.gradInput = {}
      self.keys, self.values, self.sizes = nil, nil, nil
      nn.utils.clear(self, 'gradWeight', 'normalizedValues')
      return nn.utils.clear(self, 'output')
   end
end
