-- nnx: contrast around each place.
local expect = require 'nn.expect'
local options = require 'nnx.options'

-- nn.SpatialNormalization(nInputPlane, kernel, threshold): the input less the mean over all planes around each place, by the
-- deviation there where that is above a threshold (by default its own mean). The kernel is a matrix, or a table of two that are
-- applied one after the other; it is normalized in place.
local SpatialNormalization, parent = torch.class('nn.SpatialNormalization', 'nn.Module')

-- Sums of all planes under the kernels, in each of `planes` planes.
local function around(planes, kernels)
   local chain = nn.Sequential():add(nn.Sum(1)):add(nn.Unsqueeze(1))
   for i, kernel in ipairs(kernels) do
      local h, w = kernel:size(1), kernel:size(2)
      local top, left = math.floor(h / 2), math.floor(w / 2)
      local convolution = nn.SpatialConvolution(1, 1, w, h)
      convolution.weight:copy(kernel)
      convolution.bias:zero()
      chain:add(nn.SpatialPadding(left, w - 1 - left, top, h - 1 - top)):add(convolution)
      -- as if the planes were added up before each kernel
      if i > 1 then chain:add(nn.MulConstant(planes)) end
   end
   return chain:add(nn.Select(1, 1)):add(nn.Replicate(planes, 1))
end

function SpatialNormalization:__init(...)
   parent.__init(self)
   local given = { ... }
   -- a table of kernels is no table of options
   if #given > 1 or type(given[1]) ~= 'table' then
      given = { { nInputPlane = given[1], kernel = given[2], threshold = given[3] } }
   end
   local kernel = given[1].kernel
   options(self, 'SpatialNormalization', { { nInputPlane = given[1].nInputPlane, fixedThres = given[1].threshold } },
      { { 'nInputPlane', 'number', nil, true }, { 'fixedThres', 'number' } })
   self.nfeatures = expect.whole(self, self.nInputPlane, 'nInputPlane', 1)
   local kernels = torch.isTensor(kernel) and { kernel } or kernel
   if type(kernels) ~= 'table' or #kernels < 1 or #kernels > 2 then
      expect.fail(self, 'a kernel, a matrix or a table of two, expected, got %s', expect.brief(kernel))
   end
   for i, matrix in ipairs(kernels) do
      expect.anyTensor(self, matrix, 'kernel', 2)
      matrix:div(matrix:sum())
   end
   self.kernel = kernel
   self.convo, self.convostd = around(self.nfeatures, kernels), around(self.nfeatures, kernels)
   self.coef = torch.Tensor()
end

-- The input as planes, and what the kernels give for ones: less at the edges.
local function prepare(self, input)
   expect.tensor(self, input, 'input', 2, 3)
   if input:dim() == 2 then input = input:contiguous():view(1, input:size(1), input:size(2)) end
   if input:size(1) ~= self.nfeatures then
      expect.fail(self, 'an input of %d planes expected, got %s', self.nfeatures, expect.brief(input))
   end
   if torch.typename(self.coef) ~= torch.typename(input) or not self.coef:isSameSizeAs(input) then
      self.coef = self.convo:updateOutput(input.new(input:size()):fill(1)):clone()
   end
   return input
end

-- The centred input, the sums of its squares and the deviations, with those that the threshold replaces.
local function statistics(self, input)
   local centred = input - torch.cdiv(self.convo:updateOutput(input), self.coef)
   local squares = self.convostd:updateOutput(torch.cmul(centred, centred)):clone()
   local deviation = torch.sqrt(squares):cdiv(self.coef)
   local threshold = self.fixedThres or math.max(deviation:mean(), 1e-3)
   local low = deviation:le(threshold)
   deviation:maskedFill(low, threshold)
   return centred, squares, deviation, low
end

function SpatialNormalization:updateOutput(input)
   local centred, _, deviation = statistics(self, prepare(self, input))
   return self.output:resizeAs(centred):cdiv(centred, deviation)
end

function SpatialNormalization:updateGradInput(input, gradOutput)
   local x = prepare(self, input)
   local centred, squares, deviation, low = statistics(self, x)
   expect.gradElements(self, gradOutput, x)
   local g = torch.cdiv(gradOutput:contiguous():viewAs(x), deviation)
   -- through the deviations, where the threshold does not stand for them; the root of 0 has no gradient
   local through = torch.cmul(g, centred):cdiv(deviation):mul(-0.5):cdiv(self.coef):cdiv(torch.sqrt(squares))
   through:maskedFill(low, 0)
   through:maskedFill(squares:eq(0), 0)
   local back = self.convostd:updateGradInput(torch.cmul(centred, centred), through)
   g:addcmul(2, centred, back)
   local mean = self.convo:updateGradInput(x, torch.cdiv(g, self.coef))
   self.gradInput:resizeAs(x):add(g, -1, mean)
   return self.gradInput:resizeAs(input)
end
