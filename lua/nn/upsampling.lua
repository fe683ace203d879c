-- More rows and columns than the input has: by repeating or interpolating elements, or from planes that hold them.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- Planes (4 dimensions, with the batch) or volumes (5), by a factor or to a given size.
   local UpSampling = define('UpSampling', {
      setup = function(self, size, mode)
         self.mode = mode and tostring(mode):find('linear') and 'linear' or 'nearest'
         if type(size) == 'table' then
            if self.mode == 'nearest' then
               expect.fail('UpSampling', 'a factor expected for mode nearest, got a table; linear takes sizes')
            end
            self.oheight = expect.whole('UpSampling', size.oheight, 'oheight', 1)
            self.owidth = expect.whole('UpSampling', size.owidth, 'owidth', 1)
            if size.odepth then self.odepth = expect.whole('UpSampling', size.odepth, 'odepth', 1) end
         else
            self.scale_factor = expect.whole('UpSampling', size, 'the factor', 1)
         end
         self.inputSize, self.outputSize = torch.LongStorage(5), torch.LongStorage(5)
      end,
      text = function(self)
         local size = self.scale_factor and self.scale_factor .. 'x' or
            (self.odepth and self.odepth .. 'x' or '') .. self.oheight .. 'x' .. self.owidth
         return string.format('(%s, %s)', size, self.mode)
      end,
   })

   -- Fills inputSize and outputSize; the fifth number is 0 for planes.
   function UpSampling:setSize(input)
      expect.anyTensor(self, input, 'input', 4, 5)
      local d, from, to = input:dim(), self.inputSize, self.outputSize
      for k = 1, 5 do from[k] = k <= d and input:size(k) or 0 end
      for k = 1, 5 do to[k] = k > 2 and from[k] * (self.scale_factor or 0) or from[k] end
      if self.scale_factor then return end
      if d == 5 then
         if not self.odepth then expect.fail(self, 'odepth expected for an input of 5 dimensions, there is none') end
         to[3] = self.odepth
      end
      to[d - 1], to[d] = self.oheight, self.owidth
   end

   -- Computes the sizes for an input, and tells whether it is a volume.
   local function prepare(self, input)
      expect.tensor(self, input, 'input', 4, 5)
      self:setSize(input)
      return self.outputSize, input:dim() == 5
   end

   function UpSampling:updateOutput(input)
      local to, volume = prepare(self, input)
      if self.mode ~= 'linear' then return self:repeated(input, volume and 3 or 2, self.scale_factor) end
      if volume then return self:trilinear(input, to[3], to[4], to[5]) end
      return self:bilinear(input, to[3], to[4])
   end
   function UpSampling:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local to, volume = prepare(self, input)
      local sizes = input:size()
      for k = 3, #sizes do sizes[k] = to[k] end
      expect.gradOutput(self, gradOutput, sizes)
      if self.mode ~= 'linear' then
         return self:repeatedGradient(input, gradOutput, volume and 3 or 2, self.scale_factor)
      end
      if volume then return self:trilinearGradient(input, gradOutput, to[3], to[4], to[5]) end
      return self:bilinearGradient(input, gradOutput, to[3], to[4])
   end
end

do
   -- What the classes of planes have in common: the last sizes of input and output, by a factor or given.
   local function remembering(self)
      self.inputSize, self.outputSize = torch.LongStorage(4), torch.LongStorage(4)
   end
   local function remember(self, input)
      expect.tensor(self, input, 'input', 3, 4)
      local d, from, to = input:dim(), self.inputSize, self.outputSize
      for k = 1, d do from[k], to[k] = input:size(k), input:size(k) end
      if self.scale_factor then
         to[d - 1], to[d] = from[d - 1] * self.scale_factor, from[d] * self.scale_factor
      else
         to[d - 1], to[d] = self.oheight, self.owidth
      end
      return to[d - 1], to[d]
   end

   local Nearest = define('SpatialUpSamplingNearest', {
      options = { { 'scale_factor' } },
      setup = function(self)
         expect.whole('SpatialUpSamplingNearest', self.scale_factor, 'the scale factor', 1)
         remembering(self)
      end,
   })
   function Nearest:updateOutput(input)
      remember(self, input)
      return self:repeated(input, 2, self.scale_factor)
   end
   function Nearest:updateGradInput(input, gradOutput)
      expect.tensor(self, gradOutput, 'gradOutput')
      remember(self, input)
      return self:repeatedGradient(input, gradOutput, 2, self.scale_factor)
   end

   local Bilinear = define('SpatialUpSamplingBilinear', {
      setup = function(self, size)
         if type(size) == 'table' then
            self.oheight = expect.whole('SpatialUpSamplingBilinear', size.oheight, 'oheight', 1)
            self.owidth = expect.whole('SpatialUpSamplingBilinear', size.owidth, 'owidth', 1)
         else
            self.scale_factor = expect.whole('SpatialUpSamplingBilinear', size, 'the scale factor', 1)
         end
         remembering(self)
      end,
      text = function(self)
         if self.scale_factor then return string.format('(%d)', self.scale_factor) end
         return string.format('(%d, %d)', self.oheight, self.owidth)
      end,
   })
   function Bilinear:setSize(input) remember(self, input) end
   -- A program's own setSize is given a batch before the output is computed, and leaves its sizes in outputSize.
   local function sizes(self, input, forward)
      if self.setSize == Bilinear.setSize then return remember(self, input) end
      expect.tensor(self, input, 'input', 3, 4)
      if forward then self:setSize(input:dim() == 4 and input or nn.utils.addSingletonDimension(input)) end
      return self.outputSize[3], self.outputSize[4]
   end
   function Bilinear:updateOutput(input) return self:bilinear(input, sizes(self, input, true)) end
   function Bilinear:updateGradInput(input, gradOutput)
      expect.tensor(self, gradOutput, 'gradOutput')
      return self:bilinearGradient(input, gradOutput, sizes(self, input))
   end
end

do
   -- r * r planes become one of r times the height and width (Shi et al. 2016). Only copies: results have the input's type,
   -- and gradOutput any.
   local PixelShuffle = define('PixelShuffle', {
      options = { { 'upscaleFactor' } },
      setup = function(self)
         local r = expect.whole('PixelShuffle', self.upscaleFactor, 'the factor', 1)
         self.upscaleFactorSquared = r * r
      end,
   })

   -- Batch, planes of the output, height and width of the input.
   local function sizes(self, input)
      expect.anyTensor(self, input, 'input', 3, 4)
      local d = input:dim()
      local planes = input:size(d - 2)
      if planes % self.upscaleFactorSquared ~= 0 then
         expect.fail(self, 'planes in multiples of %d expected as input, got %d', self.upscaleFactorSquared, planes)
      end
      if not input:isContiguous() then
         expect.fail(self, 'a contiguous input expected; input:contiguous() gives one')
      end
      return d == 4 and input:size(1) or 1, planes / self.upscaleFactorSquared, input:size(d - 1), input:size(d)
   end
   -- resizes a result, with the batch where the input has one
   local function resize(result, input, n, ...)
      if input:dim() == 4 then return result:resize(n, ...) end
      return result:resize(...)
   end

   function PixelShuffle:updateOutput(input)
      local n, planes, h, w = sizes(self, input)
      local r = self.upscaleFactor
      local places = resize(nn.utils.typed(self, 'output', input), input, n, planes, h * r, w * r):view(n, planes, h, r, w, r)
      places:permute(1, 2, 4, 6, 3, 5):copy(input:view(n, planes, r, r, h, w))
      return self.output
   end
   function PixelShuffle:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local n, planes, h, w = sizes(self, input)
      local r = self.upscaleFactor
      expect.anyTensor(self, gradOutput, 'gradOutput')
      expect.forwardFirst(self, self.output:nElement() == input:nElement() and self.output:size(self.output:dim()) == w * r)
      if not gradOutput:isSize(self.output:size()) then
         expect.fail(self, "gradOutput of the output's size expected, got %s for %s", expect.brief(gradOutput), expect.brief(self.output))
      end
      local parts = gradOutput:contiguous():view(n, planes, h, r, w, r):permute(1, 2, 4, 6, 3, 5)
      nn.utils.typed(self, 'gradInput', input):resizeAs(input):view(n, planes, r, r, h, w):copy(parts)
      return self.gradInput
   end
end
