-- Poolings made of tensor operations: p-norms of windows, and the k largest elements of a sequence.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- (sum x^p)^(1/p) over windows of planes (kW x kH, by default side by side). It has no parameters; its methods that
   -- change some do nothing.
   local LPPooling, parent = torch.class('nn.SpatialLPPooling', 'nn.Sequential')
   function LPPooling:__init(nInputPlane, pnorm, kW, kH, dW, dH)
      parent.__init(self)
      pnorm = expect.number('SpatialLPPooling', pnorm or 2, 'the power')
      expect.whole('SpatialLPPooling', kW, 'the width of the window', 1)
      expect.whole('SpatialLPPooling', kH, 'the height of the window', 1)
      self.nInputPlane, self.kW, self.kH, self.dW, self.dH = nInputPlane, kW, kH, dW or kW, dH or kH
      self:add(pnorm == 2 and nn.Square() or nn.Power(pnorm))
      self:add(nn.SpatialAveragePooling(kW, kH, self.dW, self.dH)):add(nn.MulConstant(kW * kH))
      self:add(pnorm == 2 and nn.Sqrt() or nn.Power(1 / pnorm))
   end
   expect.checked(LPPooling, parent, 3, 4)
   for _, method in ipairs {
      'reset', 'accGradParameters', 'accUpdateGradParameters', 'zeroGradParameters', 'updateParameters',
   } do
      LPPooling[method] = function() end
   end
end

do
   -- The same over neighbouring features: dimension 1 of a sample, 2 in a batch (batch_mode). Up to two more follow.
   local Pooling = define('FeatureLPPooling', {
      options = { { 'width' }, { 'stride' }, { 'power' }, { 'batch_mode', false } },
      setup = function(self)
         expect.whole('FeatureLPPooling', self.width, 'the width of the window', 2, 16)
         expect.whole('FeatureLPPooling', self.stride, 'the stride', 1, 4)
         expect.number('FeatureLPPooling', self.power, 'the power')
      end,
      scratch = { '_powers', '_slope' },
   })

   -- The input seen as windows, in one more dimension, and the dimension of the features.
   local function windows(self, input)
      local d = self.batch_mode and 2 or 1
      expect.tensor(self, input, 'input', d, d + 2)
      if input:size(d) < self.width then
         expect.fail(self, 'at least %d features expected in dimension %d, got %d', self.width, d, input:size(d))
      end
      return input:unfold(d, self.width, self.stride), d
   end

   function Pooling:updateOutput(input)
      local parts = windows(self, input)
      local p, powers = self.power, self._powers or input.new()
      self._powers = powers:resize(parts:size())
      if p == 1 then powers:copy(parts) elseif p == 2 then powers:cmul(parts, parts) else powers:pow(parts, p) end
      local sum = powers:sum(parts:dim())
      self.output:resize(sum:size()):copy(sum)
      -- the last dimension has size 1 now
      local sizes = sum:size():totable()
      sizes[#sizes] = nil
      self.output:resize(torch.LongStorage(sizes))
      if p == 2 then self.output:sqrt() elseif p ~= 1 then self.output:pow(1 / p) end
      return self.output
   end

   -- g (x / y)^(p-1), and 0 where y is 0
   function Pooling:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local parts, d = windows(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      local p, last, y = self.power, parts:dim(), self.output
      expect.forwardFirst(self, parts:nElement() == y:nElement() * self.width)
      local gradient = self.gradInput:resizeAs(input):zero()
      local into = gradient:unfold(d, self.width, self.stride)
      local slope = self._slope or input.new()
      self._slope = slope:resizeAs(y)
      local empty = p ~= 1 and y:eq(0)
      for w = 1, self.width do
         local x = parts:select(last, w)
         if p == 1 then
            slope:copy(gradOutput)
         else
            slope:cdiv(x, y)
            if p ~= 2 then slope:pow(p - 1) end
            slope:cmul(gradOutput):maskedFill(empty, 0)
         end
         into:select(last, w):add(slope)
      end
      return gradient
   end

   -- Torch7's text for this class is an error, and its modules cannot be printed.
   function Pooling:__tostring__()
      error('nn.FeatureLPPooling: there is no text for this class, as in Torch7', 0)
   end
end

do
   -- The k largest elements of each feature of a sequence (Kalchbrenner et al. 2014), in their order; k grows with the
   -- length of the sequence: factor times the length, at least minK.
   local KMax = define('TemporalDynamicKMaxPooling', {
      options = { { 'k' }, { 'factor', 0, 'number' } },
      setup = function(self)
         expect.whole('TemporalDynamicKMaxPooling', self.k, 'the smallest k', 1)
         if not (self.factor >= 0 and self.factor <= 1) then
            expect.fail('TemporalDynamicKMaxPooling', 'a factor from 0 to 1 expected, got %s', tostring(self.factor))
         end
         self.indices = torch.LongTensor()
      end,
      scratch = { 'indices' },
   })

   function KMax:updateOutput(input)
      expect.tensor(self, input, 'input', 2, 3)
      local d = input:dim() - 1
      local n = input:size(d)
      local k = math.max(self.k, math.ceil(self.factor * n))
      if n < k then expect.fail(self, 'a sequence of at least %d steps expected, got %d', k, n) end
      -- a change of type reaches the indices too
      if torch.typename(self.indices) ~= 'torch.LongTensor' then self.indices = torch.LongTensor() end
      local _, places = input:topk(k, d, true)
      torch.sort(self.indices, torch.LongTensor(), places, d)
      self.output = self.output:resize(self.indices:size()):gather(input, d, self.indices)
      return self.output
   end
   function KMax:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input', 2, 3)
      expect.gradOutput(self, gradOutput, self.output)
      local d = input:dim()
      expect.forwardFirst(self, d == self.indices:dim() and input:size(d) == self.indices:size(d) and
         input:size(1) >= gradOutput:size(1))
      if torch.typename(self.indices) ~= 'torch.LongTensor' then self.indices = self.indices:long() end
      return self.gradInput:resizeAs(input):zero():scatter(input:dim() - 1, self.indices, gradOutput)
   end
end
