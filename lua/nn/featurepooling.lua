-- Poolings by p-norms of windows, which Rust computes, and the k largest elements of a sequence.
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

   -- The power, where the modules are those of the constructor, so that one pass can stand for all of them.
   local function power(self)
      local first, pool, times, last = unpack(self.modules)
      if #self.modules ~= 4 or torch.typename(pool) ~= 'nn.SpatialAveragePooling' or pool.ceil_mode or
         (pool.padW or 0) ~= 0 or (pool.padH or 0) ~= 0 or torch.typename(times) ~= 'nn.MulConstant' then
         return nil
      end
      if torch.typename(first) == 'nn.Square' then return torch.typename(last) == 'nn.Sqrt' and 2 or nil end
      return torch.typename(first) == 'nn.Power' and torch.typename(last) == 'nn.Power' and first.pow or nil
   end
   function LPPooling:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      local p = power(self)
      if not p then return parent.updateOutput(self, input) end
      return self:norms(input, p)
   end
   function LPPooling:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 3, 4)
      expect.gradOutput(self, gradOutput, self.output)
      local p = power(self)
      if not p then return parent.updateGradInput(self, input, gradOutput) end
      return self:gradient(input, gradOutput, p)
   end
   function LPPooling:backward(input, gradOutput) return self:updateGradInput(input, gradOutput) end
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
   })

   -- Torch7's text for this class is an error, and its modules cannot be printed.
   function Pooling:__tostring__()
      error('nn.FeatureLPPooling: there is no text for this class, as in Torch7')
   end
end

do
   -- The k largest elements of each feature of a sequence (Kalchbrenner et al. 2014), in their order; k grows with the
   -- length of the sequence: factor times the length, at least minK.
   local KMax = define('TemporalDynamicKMaxPooling', {
      options = { { 'minK' }, { 'factor', 0, 'number' } },
      setup = function(self)
         expect.whole('TemporalDynamicKMaxPooling', self.minK, 'the smallest k', 1)
         if not (self.factor >= 0 and self.factor <= 1) then
            expect.fail('TemporalDynamicKMaxPooling', 'a factor from 0 to 1 expected, got %s', tostring(self.factor))
         end
         self.indices = torch.LongTensor()
      end,
      scratch = { 'indices' },
   })

   -- Forward takes tensors of any type: it only selects.
   function KMax:updateOutput(input)
      expect.anyTensor(self, input, 'input', 2, 3)
      if not input.topk then expect.fail(self, 'an input whose elements can be sorted expected, got a %s', torch.typename(input)) end
      local d = input:dim() - 1
      local n = input:size(d)
      local k = math.max(self.minK, math.ceil(self.factor * n))
      if n < k then expect.fail(self, 'a sequence of at least %d steps expected, got %d', k, n) end
      -- a change of type reaches the indices too
      local class = torch._beside(input, 'Long')
      if torch.typename(self.indices) ~= class then self.indices = torch.getconstructortable(class)() end
      local _, places = input:topk(k, d, true)
      torch.sort(self.indices, places.new(), places, d)
      return nn.utils.typed(self, 'output', input):resize(self.indices:size()):gather(input, d, self.indices)
   end
   function KMax:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input', 2, 3)
      expect.gradOutput(self, gradOutput, self.output)
      local d = input:dim()
      expect.forwardFirst(self, d == self.indices:dim() and input:size(d) == self.indices:size(d) and
         input:size(1) >= gradOutput:size(1))
      self.indices = self.indices:type(torch._beside(input, 'Long'))
      return self.gradInput:resizeAs(input):zero():scatter(input:dim() - 1, self.indices, gradOutput)
   end
end
