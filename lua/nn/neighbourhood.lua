-- Planes without the mean of each place's neighbourhood, and by its standard deviation (Jarrett et al. 2009). A kernel
-- with weights says what counts, over all planes; what lies outside of the planes does not count. Rust computes.
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

-- The weights of an estimator: a matrix for each plane, or a column for each, and then a row for each.
local function weights(net)
   local down, across
   for _, module in ipairs(net.modules) do
      local class = torch.typename(module)
      if class == 'nn.SpatialConvolutionMap' then
         across = module.weight
      elseif class == 'nn.SpatialConvolution' then
         -- a matrix in older files
         local weight = module.weight
         down = weight:dim() == 4 and weight or weight:view(1, -1, module.kH, module.kW)
      end
   end
   return down, across
end

-- How much of the weights lies inside, for each place of each plane: the sums for planes of ones, kept while sizes stay.
local function prepare_call(self, input)
   local d, coef = input:dim(), self.coef
   local h, w, known = input:size(d - 1), input:size(d), torch.isTensor(coef) and coef:dim()
   if known ~= 3 or coef:size(1) ~= self.nInputPlane or coef:size(2) ~= h or coef:size(3) ~= w or
      getmetatable(coef) ~= getmetatable(input) then
      self.coef = input.new()
      local down, across = weights(self.meanestimator)
      self:coefficients(down, self.nInputPlane, h, w, across)
   end
end

-- The methods of a class whose `estimator` has the weights: Rust has what they compute.
local function computed(class, estimator)
   local parts = { 'meanestimator', 'stdestimator', 'subtractor', 'divider', 'normalizer', 'thresholder' }
   function class:updateOutput(input)
      check(self, input)
      prepare_call(self, input)
      self:normalize(input, weights(self[estimator]))
      expect.remember(self, input)
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      check(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.remembered(self, input)
      prepare_call(self, input)
      return self:gradient(input, gradOutput, weights(self[estimator]))
   end
   function class:clearState()
      for _, part in ipairs(parts) do
         if self[part] then self[part]:clearState() end
      end
      self.localstds, self.coef = nil, self.kernel.new()
      nn.utils.letGo(self)
      return self
   end
end

-- What programs and files know of these classes is there: the estimators, and the modules that Torch7 divides and
-- subtracts with.
computed(define('SpatialSubtractiveNormalization', {
   options = options,
   setup = function(self)
      prepare(self, 'SpatialSubtractiveNormalization', function(planes) return planes end)
      self.meanestimator = estimator(self.nInputPlane, self.kernel)
      self.subtractor, self.divider = nn.CSubTable(), nn.CDivTable()
      self.coef = torch.Tensor()
   end,
}), 'meanestimator')

-- Deviations under the threshold count as `thresval`.
computed(define('SpatialDivisiveNormalization', {
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
      self.coef = torch.Tensor()
   end,
}), 'stdestimator')

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

return { weights = weights }
