-- Layers with a weight matrix. Rust computes Linear's updateOutput, updateGradInput and accGradParameters.
local define = require 'nn.define'
local expect = require 'nn.expect'
local asked = require 'nn.asked'

local Linear = define('Linear', {
   setup = function(self, inputSize, outputSize, bias)
      expect.count('Linear', inputSize, 'inputSize')
      expect.count('Linear', outputSize, 'outputSize')
      self.weight, self.gradWeight = nn.utils.parameter(outputSize, inputSize)
      if bias ~= false then self.bias, self.gradBias = nn.utils.parameter(outputSize) end
      self:reset()
   end,
   scratch = { 'addBuffer' },
   text = function(self)
      local sizes = string.format('(%d -> %d)', self.weight:size(2), self.weight:size(1))
      return sizes .. (self.bias and '' or ' without bias')
   end,
})

function Linear:noBias()
   self.bias, self.gradBias = nil, nil
   return self
end

function Linear:reset(deviation)
   nn.utils.draw(self, self.weight:size(2), deviation, self.weight, self.bias)
   return self
end

-- A vector of as many ones as the batch has rows.
function Linear:updateAddBuffer(input)
   expect.anyTensor(self, input, 'input', 1, math.huge)
   local ones, rows = self.addBuffer or input.new(), input:size(1)
   if ones:nElement() ~= rows then ones:resize(rows):fill(1) end
   self.addBuffer = ones
end

-- Sharing needs no detour through the gradients here.
Linear.sharedAccUpdateGradParameters = Linear.defaultAccUpdateGradParameters

do
   -- y_k = x1 W_k x2 + b_k for two vectors. The products of all entries of x1 with all of x2 make it one product of
   -- matrices, forwards and backwards.
   local Bilinear = define('Bilinear', {
      setup = function(self, inputSize1, inputSize2, outputSize, bias)
         expect.whole('Bilinear', inputSize1, 'inputSize1', 1)
         expect.whole('Bilinear', inputSize2, 'inputSize2', 1)
         expect.whole('Bilinear', outputSize, 'outputSize', 1)
         self.weight, self.gradWeight = nn.utils.parameter(outputSize, inputSize1, inputSize2)
         if bias ~= false then self.bias, self.gradBias = nn.utils.parameter(outputSize) end
         self.gradInput = { torch.Tensor(), torch.Tensor() }
         self:reset()
      end,
      scratch = { 'buff1', 'buff2' },
      text = function(self)
         local w = self.weight
         return string.format('(%dx%d -> %d) ', w:size(2), w:size(3), w:size(1)) .. (self.bias and '' or ' without bias')
      end,
   })

   function Bilinear:reset(deviation)
      if deviation and not (expect.number(self, deviation, 'the standard deviation') > 0) then
         expect.fail(self, 'a standard deviation above 0 expected, got %s', tostring(deviation))
      end
      nn.utils.draw(self, self.weight:size(2), deviation, self.weight, self.bias)
      return self
   end

   function Bilinear:__assertInput(input)
      local x, y = expect.tensors(self, input, 2, 2)
      local w = self.weight
      if x:size(1) ~= y:size(1) then
         expect.fail(self, 'two inputs with as many rows expected, got %d and %d', x:size(1), y:size(1))
      end
      for i, size in ipairs { w:size(2), w:size(3) } do
         if input[i]:size(2) ~= size then
            expect.fail(self, 'rows of %d expected as input[%d], got %d', size, i, input[i]:size(2))
         end
      end
   end
   function Bilinear:__assertInputGradOutput(input, gradOutput)
      local x = expect.tensors(self, input, 2, 2)
      expect.gradOutput(self, gradOutput, torch.LongStorage { x:size(1), self.weight:size(1) })
   end

   local assertInput = asked(Bilinear, '__assertInput')
   local assertInputGradOutput = asked(Bilinear, '__assertInputGradOutput')
   -- What is computed with, after a program's own look at it.
   local function check(self, input, ...)
      local backward = select('#', ...) > 0
      if backward then assertInputGradOutput(self, input, ...) else assertInput(self, input) end
      Bilinear.__assertInput(self, input)
      if backward then Bilinear.__assertInputGradOutput(self, input, ...) end
      local x, y, w = input[1], input[2], self.weight
      return x, y, x:size(1), w:view(w:size(1), -1)
   end
   local function scratch(self, field, like, ...)
      self[field] = (self[field] or like.new()):resize(...)
      return self[field]
   end
   -- row by row, every entry of x times every entry of y
   local function products(self, x, y, n)
      local p, q = x:size(2), y:size(2)
      local all = scratch(self, 'buff1', x, n, p, q)
      all:cmul(x:contiguous():view(n, p, 1):expand(n, p, q), y:contiguous():view(n, 1, q):expand(n, p, q))
      return all:view(n, p * q)
   end

   function Bilinear:updateOutput(input)
      local x, y, n, weight = check(self, input)
      local output = self.output:resize(n, weight:size(1)):mm(products(self, x, y, n), weight:t())
      if self.bias then output:add(self.bias:view(1, -1):expandAs(output)) end
      return output
   end
   function Bilinear:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local x, y, n, weight = check(self, input, gradOutput)
      local p, q = x:size(2), y:size(2)
      local through = scratch(self, 'buff2', x, n, p * q):mm(gradOutput, weight):view(n, p, q)
      if #self.gradInput < 2 then self.gradInput = { x.new(), x.new() } end
      local gx, gy = unpack(self.gradInput)
      gx:resize(n, p, 1):bmm(through, y:contiguous():view(n, q, 1)):resize(n, p)
      gy:resize(n, q, 1):bmm(through:transpose(2, 3), x:contiguous():view(n, p, 1)):resize(n, q)
      return self.gradInput
   end

   local function accumulate(self, input, gradOutput, scale, biasScale)
      local x, y, n, weight = check(self, input, gradOutput)
      self.gradWeight:view(weight:size()):addmm(scale, gradOutput:t(), products(self, x, y, n))
      if self.bias then self.gradBias:add(biasScale, gradOutput:sum(1):view(-1)) end
   end
   -- The scale goes to the bias alone, as in Torch7.
   function Bilinear:accGradParameters(input, gradOutput, scale)
      scale = expect.number(self, scale or 1, 'the scale')
      if scale < 0 then expect.fail(self, 'a scale from 0 on expected, got %s', tostring(scale)) end
      accumulate(self, input, gradOutput, 1, scale)
   end
   function Bilinear:defaultAccUpdateGradParameters(input, gradOutput, rate)
      expect.rate(self, rate)
      local gradWeight, gradBias = self.gradWeight, self.gradBias
      self.gradWeight, self.gradBias = self.weight, self.bias
      accumulate(self, input, gradOutput, -rate, -rate)
      self.gradWeight, self.gradBias = gradWeight, gradBias
   end
   Bilinear.sharedAccUpdateGradParameters = Bilinear.defaultAccUpdateGradParameters
end

do
   -- A linear layer of which only some outputs are computed, the partition. Its weight is the lookup table of a small
   -- network, as files have it.
   local expect = require 'nn.expect'
   local PartialLinear = define('PartialLinear', {
      setup = function(self, inputsize, outputsize, bias)
         self.inputsize = expect.whole('PartialLinear', inputsize, 'inputsize', 1)
         self.outputsize = expect.whole('PartialLinear', outputsize, 'outputsize', 1)
         local sides = nn.ParallelTable():add(nn.Identity()):add(nn.LookupTable(outputsize, inputsize))
         self.network = nn.Sequential():add(sides):add(nn.MM(false, true))
         if bias ~= false then self.bias, self.gradBias = nn.utils.parameter(1, outputsize) end
         if self.bias then self.bias:zero() end
         self.allcolumns = torch.range(1, outputsize)
         self:resetPartition()
      end,
      text = function(self)
         return string.format('(%d -> %d)', self.inputsize, self.outputsize) .. (self.bias and '' or ' without bias')
      end,
   })

   -- Only these outputs from now on; a tensor of numbers.
   function PartialLinear:setPartition(indices)
      expect.anyTensor(self, indices, 'the partition', 1)
      if indices:min() < 1 or indices:max() > self.outputsize then
         expect.fail(self, 'outputs from 1 to %d expected in the partition, got %d to %d', self.outputsize, indices:min(),
            indices:max())
      end
      self.partition = indices:type(self.allcolumns:type())
   end
   function PartialLinear:resetPartition() self.partition = self.allcolumns end

   local function table_(self) return self.network:get(1):get(2) end
   function PartialLinear:parameters()
      local rows = table_(self)
      return { rows.weight, self.bias }, { rows.gradWeight, self.gradBias }
   end

   local function pair(self, input)
      expect.tensor(self, input, 'input', 2)
      if input:size(2) ~= self.inputsize then
         expect.fail(self, 'rows of %d expected as input, got %d', self.inputsize, input:size(2))
      end
      return { input, self.partition }
   end
   local function checkGradOutput(self, input, gradOutput)
      expect.gradOutput(self, gradOutput, torch.LongStorage { input:size(1), self.partition:nElement() })
      expect.forwardFirst(self, self.output:isSameSizeAs(gradOutput))
   end

   function PartialLinear:updateOutput(input)
      self.output = self.network:updateOutput(pair(self, input))
      if self.bias then
         self.output:add(self.bias:index(2, self.partition:type(torch._beside(self.bias, 'Long'))):expandAs(self.output))
      end
      return self.output
   end
   function PartialLinear:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local both = pair(self, input)
      checkGradOutput(self, input, gradOutput)
      self.gradInput = self.network:updateGradInput(both, gradOutput)[1]
      return self.gradInput
   end
   -- Adds gradients to a bias, times a factor.
   local function addBias(self, into, gradOutput, scale)
      into:indexAdd(2, self.partition:type(torch._beside(self.bias, 'Long')), gradOutput:sum(1):mul(scale))
   end
   function PartialLinear:accGradParameters(input, gradOutput, scale)
      scale = scale or 1
      local both = pair(self, input)
      checkGradOutput(self, input, gradOutput)
      self.network:accGradParameters(both, gradOutput, scale)
      if self.bias then addBias(self, self.gradBias, gradOutput, scale) end
   end
   function PartialLinear:accUpdateGradParameters(input, gradOutput, rate)
      local both = pair(self, input)
      checkGradOutput(self, input, gradOutput)
      self.network:accUpdateGradParameters(both, gradOutput, rate)
      if self.bias then addBias(self, self.bias, gradOutput, -rate) end
   end
   PartialLinear.sharedAccUpdateGradParameters = PartialLinear.accUpdateGradParameters

   -- an error without a bias, as in Torch7
   function PartialLinear:zeroGradParameters()
      if not self.gradBias then expect.fail(self, 'without a bias there is no gradBias to clear') end
      self.network:zeroGradParameters()
      self.gradBias:zero()
   end
   function PartialLinear:updateParameters(rate)
      self.network:updateParameters(rate)
      if self.bias then self.bias:add(-rate, self.gradBias) end
   end
end
