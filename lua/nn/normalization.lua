-- Batch normalization: constructors; Rust computes. The classes differ in the number of dimensions of a batch.
local define = require 'nn.define'

local expect = require 'nn.expect'

local BN, parent = define('BatchNormalization', {
   options = { { 'nOutput' }, { 'eps', 1e-5 }, { 'momentum', 0.1 }, { 'affine', true } },
   setup = function(self)
      local n = self.nOutput
      self.nOutput = nil
      if type(n) ~= 'number' or not (n >= 1 and n < 2 ^ 40) then
         expect.fail(self, 'the number of features expected as argument 1, got %s (affine = false is argument 4)',
            expect.brief(n))
      end
      if type(self.affine) ~= 'boolean' then
         expect.fail(self, 'affine should be true or false, got %s', expect.brief(self.affine))
      end
      self.train = true
      self.running_mean, self.running_var = torch.Tensor(n), torch.Tensor(n)
      if self.affine then
         self.weight, self.gradWeight = nn.utils.parameter(n)
         self.bias, self.gradBias = nn.utils.parameter(n)
      end
      self:reset()
   end,
   scratch = { '_input', '_gradOutput', 'save_mean', 'save_std' },
   text = function(self) return string.format(' (%dD) (%d)', self.nDim, self.running_mean:nElement()) end,
})
BN.__version, BN.nDim = 2, 2

-- What the fields start from; of the parameters only those that are there.
local START = {
   running_mean = function(t) t:zero() end,
   running_var = function(t) t:fill(1) end,
   weight = function(t) t:uniform() end,
   bias = function(t) t:zero() end,
}
function BN:reset()
   for field, start in pairs(START) do
      if self[field] then start(self[field]) end
   end
end

-- Files of the first version hold 1/sqrt(var + eps) in running_std.
function BN:read(file, version)
   parent.read(self, file)
   local inverse = self.running_std
   if inverse and (version or 2) < 2 then
      self.running_std, self.running_var = nil, torch.pow(inverse, -2):add(-self.eps)
   end
end

for name, dims in pairs { SpatialBatchNormalization = 4, VolumetricBatchNormalization = 5 } do
   local class = torch.class('nn.' .. name, 'nn.BatchNormalization')
   class.nDim = dims
   if dims == 4 then class.__version = 2 end
end

local function buffer(self, field, like)
   local tensor = self[field] or like.new()
   self[field] = tensor
   return tensor
end

do
   -- Vectors by their p-norm, (sum |x|^p + eps)^(1/p); the largest absolute value for p = math.huge.
   local Normalize = define('Normalize', {
      options = { { 'p', nil, 'number' }, { 'eps', 1e-10, 'number' } },
      setup = function(self)
         if not self.p or not (self.p > 0) then
            expect.fail('Normalize', 'a norm p above 0 expected, got %s', expect.brief(self.p))
         end
      end,
      scratch = { 'norm', 'normp' },
      text = function(self)
         if self.p == math.huge then return '(inf)' end
         return string.format(self.p % 1 == 0 and '(%d)' or '(%f)', self.p)
      end,
   })

   -- Rust computes; norm and normp are columns of the norms and of their p-th powers
   local computeOutput, computeGradInput = Normalize.updateOutput, Normalize.updateGradInput
   function Normalize:updateOutput(input)
      return computeOutput(self, expect.tensor(self, input, 'input', 1, 2))
   end
   function Normalize:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 1, 2)
      expect.gradOutput(self, gradOutput, self.output)
      expect.forwardFirst(self, self.norm and gradOutput:isSameSizeAs(input))
      return computeGradInput(self, input, gradOutput)
   end
end

do
   -- Each sample without its mean, by its standard deviation, then scaled and shifted element by element.
   local LayerNormalization, parent_ = torch.class('nn.LayerNormalization', 'nn.Sequential')
   function LayerNormalization:__init(nOutput, bias, eps, affine)
      parent_.__init(self)
      expect.whole('LayerNormalization', nOutput, 'the number of features', 1)
      expect.number('LayerNormalization', bias or 0, 'the bias')
      expect.number('LayerNormalization', eps or 0, 'eps')
      local mean = nn.Sequential():add(nn.Mean(1, 1)):add(nn.Replicate(nOutput, 1, 1))
      self:add(nn.ConcatTable():add(nn.Identity()):add(mean)):add(nn.CSubTable())
      self:add(nn.Normalize(2, eps or 1e-10)):add(nn.MulConstant(math.sqrt(nOutput)))
      if affine ~= false then
         local scale, shift = nn.CMul(nOutput), nn.Add(nOutput)
         scale.weight:fill(1)
         shift.bias:fill(bias or 0)
         self:add(scale):add(shift)
      end
   end
   expect.checked(LayerNormalization, parent_, 1, 2)
   local updateOutput = LayerNormalization.updateOutput
   function LayerNormalization:updateOutput(input)
      local features = self.modules[1].modules[2].modules[2].nfeatures
      if torch.isTensor(input) and input:dim() > 0 and input:size(input:dim()) ~= features then
         expect.fail(self, 'samples of %d features expected as input, got %s', features, expect.brief(input))
      end
      return updateOutput(self, input)
   end
end

do
   -- Over planes in the same place (Krizhevsky et al. 2012): x / (k + alpha / size * sum of squares)^beta, where the sum
   -- goes over the plane and its neighbours on both sides.
   local LRN = define('SpatialCrossMapLRN', {
      options = { { 'size' }, { 'alpha', 0.0001, 'number' }, { 'beta', 0.75, 'number' }, { 'k', 1, 'number' } },
      setup = function(self) expect.whole('SpatialCrossMapLRN', self.size, 'the number of planes', 1) end,
      scratch = { 'scale', 'paddedRatio', 'accumRatio', '_power' },
   })

   -- scale^-beta. The usual beta of 3/4 needs roots only.
   local function power(self, scale)
      local result = buffer(self, '_power', scale):resizeAs(scale)
      if self.beta ~= 0.75 then return result:pow(scale, -self.beta) end
      result:rsqrt(scale)
      return result:cmul(buffer(self, 'paddedRatio', scale):resizeAs(scale):sqrt(result))
   end

   -- result = by * the sum over neighbours
   local function sumNeighbours(self, result, values, d)
      local planes = values:size(d)
      result:copy(values)
      for offset = 1, math.min(math.floor((self.size - 1) / 2), planes - 1) do
         local n = planes - offset
         result:narrow(d, 1, n):add(values:narrow(d, 1 + offset, n))
         result:narrow(d, 1 + offset, n):add(values:narrow(d, 1, n))
      end
      return result
   end

   function LRN:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      local scale, output = buffer(self, 'scale', input):resizeAs(input), self.output:resizeAs(input)
      sumNeighbours(self, scale, output:cmul(input, input), input:dim() - 2)
      scale:mul(self.alpha / self.size):add(self.k)
      return output:cmul(input, power(self, scale))
   end
   function LRN:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input', 3, 4)
      expect.gradOutput(self, gradOutput, self.output)
      local scale = buffer(self, 'scale', input)
      expect.forwardFirst(self, scale:isSameSizeAs(input))
      local ratio = buffer(self, 'paddedRatio', input):resizeAs(input):cmul(gradOutput, self.output):cdiv(scale)
      local sum = sumNeighbours(self, buffer(self, 'accumRatio', input):resizeAs(input), ratio, input:dim() - 2)
      local factor = self._power
      if not factor or not factor:isSameSizeAs(input) then factor = power(self, scale) end
      local gradient = self.gradInput:resizeAs(input):cmul(gradOutput, factor)
      return gradient:addcmul(-2 * self.alpha * self.beta / self.size, input, sum)
   end
end
