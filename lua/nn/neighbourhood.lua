-- Planes without the mean of each place's neighbourhood, and by its standard deviation (Jarrett et al. 2009). A kernel
-- with weights says what counts, over all planes; what lies outside of the planes does not count.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- What files and programs know by its parts: padding, the kernel as convolutions to one plane, and that plane as often
-- as there are planes. A vector as kernel works along rows, then along columns.
local function estimator(planes, kernel, squares)
   local net, dims = nn.Sequential(), kernel:dim()
   if squares then net:add(nn.Square()) end
   local high = kernel:size(1)
   local wide = kernel:size(dims)
   local padH, padW = math.floor(high / 2), math.floor(wide / 2)
   net:add(nn.SpatialZeroPadding(padW, padW, padH, padH))
   local over
   if dims == 1 then
      local rows = nn.SpatialConvolutionMap(nn.tables.oneToOne(planes), wide, 1)
      for i = 1, planes do rows.weight[i]:copy(kernel) end
      rows.bias:zero()
      net:add(rows)
      over = nn.SpatialConvolution(planes, 1, 1, high)
   else
      over = nn.SpatialConvolution(planes, 1, wide, high)
   end
   for i = 1, planes do over.weight[1][i]:copy(kernel) end
   over.bias:zero()
   net:add(over):add(nn.Replicate(planes, 1, 3))
   if squares then net:add(nn.Sqrt()) end
   return net
end

-- The number of planes and the kernel, which is ones if there is none.
local function checkOptions(self, name)
   self.nInputPlane = expect.whole(name, self.nInputPlane, 'the number of planes', 1)
   self.kernel = self.kernel or torch.Tensor(9, 9):fill(1)
   expect.anyTensor(name, self.kernel, 'the kernel', 1, 2)
   for d = 1, self.kernel:dim() do
      if self.kernel:size(d) % 2 == 0 then
         expect.fail(name, 'a kernel with odd sizes expected, got %s', expect.brief(self.kernel))
      end
   end
end
-- The kernel divided by its sum and `by`, in place as in Torch7.
local function prepare(self, name, by)
   checkOptions(self, name)
   self.kernel:div(self.kernel:sum() * by(self.nInputPlane, self.kernel:dim()))
end

local options = { { 'nInputPlane', 1 }, { 'kernel' } }

local function check(self, input)
   expect.tensor(self, input, 'input', 3, 4)
   local planes = input:size(input:dim() - 2)
   if planes ~= self.nInputPlane then
      expect.fail(self, '%d planes expected as input, got %d', self.nInputPlane, planes)
   end
end

-- How much of the kernel lies inside, for each place: the estimate for planes of ones. A batch repeats it.
local function coefficients(self, input)
   local d, coef = input:dim(), self.coef
   local known = coef:dim()
   if known < 3 or coef:size(known - 1) ~= input:size(d - 1) or coef:size(known) ~= input:size(d) or
      coef:size(known - 2) ~= self.nInputPlane or torch.typename(coef) ~= torch.typename(input) then
      local planes, h, w = self.nInputPlane, input:size(d - 1), input:size(d)
      local ones = input.new(planes, h, w):fill(1)
      coef = self.meanestimator:updateOutput(ones):clone():view(planes, h, w)
   end
   if coef:dim() == 4 then coef = coef[1] end
   if d == 4 then coef = coef:view(1, coef:size(1), coef:size(2), coef:size(3)):expandAs(input) end
   self.coef = coef
   return coef
end

do
   local Subtractive, parent = define('SpatialSubtractiveNormalization', {
      options = options,
      setup = function(self)
         prepare(self, 'SpatialSubtractiveNormalization', function(planes) return planes end)
         self.meanestimator = estimator(self.nInputPlane, self.kernel)
         self.subtractor, self.divider = nn.CSubTable(), nn.CDivTable()
         self.coef = torch.Tensor(1, 1, 1)
      end,
      scratch = { 'coef', 'localsums', 'adjustedsums' },
   })
   function Subtractive:updateOutput(input)
      check(self, input)
      local coef = coefficients(self, input)
      self.localsums = self.meanestimator:updateOutput(input)
      self.adjustedsums = self.divider:updateOutput { self.localsums, coef }
      self.output = self.subtractor:updateOutput { input, self.adjustedsums }
      expect.remember(self, input)
      return self.output
   end
   function Subtractive:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      check(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.remembered(self, input)
      local apart = self.subtractor:updateGradInput({ input, self.adjustedsums }, gradOutput)
      local sums = self.divider:updateGradInput({ self.localsums, self.coef }, apart[2])
      self.gradInput:resizeAs(input):add(apart[1], self.meanestimator:updateGradInput(input, sums[1]))
      return self.gradInput
   end
   function Subtractive:clearState()
      self.meanestimator:clearState()
      self.localsums, self.adjustedsums, self.coef = nil, nil, self.kernel.new()
      self.subtractor:clearState()
      self.divider:clearState()
      nn.utils.letGo(self)
      return self
   end
end

do
   -- Deviations under the threshold count as `thresval`.
   local Divisive = define('SpatialDivisiveNormalization', {
      options = { options[1], options[2], { 'threshold', 1e-4, 'number' }, { 'thresval', nil, 'number' } },
      setup = function(self)
         self.thresval = self.thresval or self.threshold
         prepare(self, 'SpatialDivisiveNormalization', function(planes, dims)
            return dims == 1 and math.sqrt(planes) or planes
         end)
         self.meanestimator = estimator(self.nInputPlane, self.kernel)
         self.stdestimator = estimator(self.nInputPlane, self.kernel, true)
         self.normalizer, self.divider = nn.CDivTable(), nn.CDivTable()
         self.thresholder = nn.Threshold(self.threshold, self.thresval)
         self.coef = torch.Tensor(1, 1, 1)
      end,
   })
   function Divisive:updateOutput(input)
      check(self, input)
      local coef = coefficients(self, input)
      self.localstds = self.stdestimator:updateOutput(input)
      self.adjustedstds = self.divider:updateOutput { self.localstds, coef }
      self.thresholdedstds = self.thresholder:updateOutput(self.adjustedstds)
      self.output = self.normalizer:updateOutput { input, self.thresholdedstds }
      expect.remember(self, input)
      return self.output
   end
   function Divisive:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      check(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.remembered(self, input)
      local apart = self.normalizer:updateGradInput({ input, self.thresholdedstds }, gradOutput)
      local stds = self.thresholder:updateGradInput(self.adjustedstds, apart[2])
      local sums = self.divider:updateGradInput({ self.localstds, self.coef }, stds)
      self.gradInput:resizeAs(input):add(apart[1], self.stdestimator:updateGradInput(input, sums[1]))
      return self.gradInput
   end
   function Divisive:clearState()
      for _, part in ipairs { 'meanestimator', 'stdestimator', 'normalizer', 'divider', 'thresholder' } do
         self[part]:clearState()
      end
      self.localstds, self.adjustedstds, self.thresholdedstds, self.coef = nil, nil, nil, self.kernel.new()
      nn.utils.letGo(self)
      return self
   end
end

do
   -- First the means, then the deviations.
   local Contrastive = define('SpatialContrastiveNormalization', {
      options = { options[1], options[2], { 'threshold', 1e-4, 'number' }, { 'thresval', nil, 'number' } },
      setup = function(self)
         self.thresval = self.thresval or self.threshold
         checkOptions(self, 'SpatialContrastiveNormalization')
         local subtractive = nn.SpatialSubtractiveNormalization(self.nInputPlane, self.kernel)
         local divisive = nn.SpatialDivisiveNormalization(self.nInputPlane, self.kernel, self.threshold, self.thresval)
         self.normalizer = nn.Sequential():add(subtractive):add(divisive)
      end,
   })
   function Contrastive:updateOutput(input)
      check(self, input)
      self.output = self.normalizer:updateOutput(input)
      expect.remember(self, input)
      return self.output
   end
   function Contrastive:updateGradInput(input, gradOutput)
      check(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.remembered(self, input)
      self.gradInput = self.normalizer:updateGradInput(input, gradOutput)
      return self.gradInput
   end
   function Contrastive:clearState()
      self.normalizer:clearState()
      return nn.utils.letGo(self)
   end
end
