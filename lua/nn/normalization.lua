-- Batch normalization: constructors; Rust computes. The classes differ in the number of dimensions of a batch.
local define = require 'nn.define'

local expect = require 'nn.expect'
local asked = require 'nn.asked'

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

-- Whether an input is a batch for this class, or, while it is evaluated, one sample of it. Rust looks by itself.
function BN:checkInputDim(input)
   local dims = expect.anyTensor(self, input, 'input'):dim()
   local sample = self.train == false and dims == self.nDim - 1
   if dims ~= self.nDim and not sample then
      expect.fail(self, 'a batch of %d dimensions expected, got %s', self.nDim, expect.brief(input))
   end
   local features, wanted = input:size(sample and 1 or 2), self.running_mean:nElement()
   if features ~= wanted then
      expect.fail(self, '%d features expected, got %d in %s', wanted, features, expect.brief(input))
   end
end

do
   -- What a program's class checks by itself is a batch of as many dimensions as it has: the fields, as Rust takes them.
   local checkInputDim = asked(BN, 'checkInputDim')
   local function accepted(self, input, gradOutput)
      if not checkInputDim(self, input) then return self end
      if gradOutput ~= nil then checkInputDim(self, gradOutput) end
      local dims = expect.anyTensor(self, input, 'input'):dim()
      if self.train == false and dims == self.nDim - 1 then return self end
      return setmetatable({ nDim = dims }, { __index = self, __newindex = self })
   end
   local forward = BN.updateOutput
   function BN:updateOutput(input) return forward(accepted(self, input), input) end
   for _, method in ipairs { 'updateGradInput', 'accGradParameters', 'backward' } do
      local compute = BN[method]
      BN[method] = function(self, input, gradOutput, ...)
         return compute(accepted(self, input, gradOutput), input, gradOutput, ...)
      end
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
   -- Each sample without its mean, by its standard deviation, then scaled and shifted element by element. It is a Sequential
   -- of modules that do this one after the other, which programs see and may change; as long as they are as they were
   -- made, Rust does it in one pass, and leaves their outputs between alone.
   local LayerNormalization, parent_ = torch.class('nn.LayerNormalization', 'nn.Sequential')
   local MODULES = { 'ConcatTable', 'CSubTable', 'Normalize', 'MulConstant', 'CMul', 'Add' }
   local METHODS = { 'updateOutput', 'updateGradInput', 'accGradParameters', 'backward' }

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

   -- Whether a module is one of this class, with its methods.
   local function is(module, name)
      if type(module) ~= 'table' or getmetatable(module) ~= torch.getmetatable('nn.' .. name) then return false end
      for i = 1, #METHODS do
         if rawget(module, METHODS[i]) then return false end
      end
      return true
   end

   -- The modules, if they are as they were made: Rust can do what they do.
   local function whole(self)
      local modules = self.modules
      local n = #modules
      if n ~= 4 and n ~= 6 or self.rethrowErrors ~= nn.Container.rethrowErrors then return nil end
      for i = 1, n do
         if not is(modules[i], MODULES[i]) then return nil end
      end
      local pair, normalize, factor = modules[1].modules, modules[3], modules[4]
      local mean = #pair == 2 and is(pair[1], 'Identity') and is(pair[2], 'Sequential') and pair[2].modules
      if not mean or #mean ~= 2 or not is(mean[1], 'Mean') or not is(mean[2], 'Replicate') then return nil end
      if mean[1].dimension ~= 1 or mean[1].nInputDims ~= 1 or mean[2].dim ~= 1 or mean[2].ndim ~= 1 then return nil end
      if normalize.p ~= 2 or factor.inplace then return nil end
      if n == 6 and (not modules[5].gradWeight or modules[6].scalar or not modules[6].gradBias) then return nil end
      return modules
   end

   local function checkInput(self, input)
      expect.tensor(self, input, 'input', 1, 2)
      local mean = self.modules[1] and self.modules[1].modules and self.modules[1].modules[2]
      local features = mean and mean.modules and mean.modules[2] and mean.modules[2].nfeatures
      if features and input:size(input:dim()) ~= features then
         expect.fail(self, 'samples of %d features expected as input, got %s', features, expect.brief(input))
      end
   end
   local function checkGradOutput(self, input, gradOutput)
      checkInput(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.forwardFirst(self, gradOutput:isSameSizeAs(input))
   end

   -- Adds the gradients to what accumulates them.
   local function accumulate(self, modules, input, gradOutput, scale, toWeight, toBias)
      self:accumulate(input, gradOutput, scale, toWeight, toBias, modules[3].eps, modules[4].constant_scalar)
   end

   function LayerNormalization:updateOutput(input)
      checkInput(self, input)
      local modules = whole(self)
      if not modules then return parent_.updateOutput(self, input) end
      local last, scale, shift = modules[#modules], modules[5], modules[6]
      self.output = self:normalize(input, last.output, modules[3].eps, modules[4].constant_scalar,
         scale and scale.weight, shift and shift.bias)
      return self.output
   end
   function LayerNormalization:updateGradInput(input, gradOutput)
      checkGradOutput(self, input, gradOutput)
      local modules = whole(self)
      if not modules then return parent_.updateGradInput(self, input, gradOutput) end
      local gradInput = modules[1].gradInput or input.new()
      self.gradInput = self:gradients(input, gradOutput, gradInput, modules[3].eps, modules[4].constant_scalar,
         modules[5] and modules[5].weight)
      modules[1].gradInput = self.gradInput
      return self.gradInput
   end
   function LayerNormalization:accGradParameters(input, gradOutput, scale)
      checkGradOutput(self, input, gradOutput)
      local modules = whole(self)
      if not modules then return parent_.accGradParameters(self, input, gradOutput, scale) end
      if modules[5] then
         accumulate(self, modules, input, gradOutput, scale or 1, modules[5].gradWeight, modules[6].gradBias)
      end
   end
   function LayerNormalization:accUpdateGradParameters(input, gradOutput, rate)
      expect.rate(self, rate)
      checkGradOutput(self, input, gradOutput)
      local modules = whole(self)
      if not modules then return parent_.accUpdateGradParameters(self, input, gradOutput, rate) end
      if modules[5] then accumulate(self, modules, input, gradOutput, -rate, modules[5].weight, modules[6].bias) end
   end
   function LayerNormalization:backward(input, gradOutput, scale)
      checkGradOutput(self, input, gradOutput)
      if not whole(self) then return parent_.backward(self, input, gradOutput, scale) end
      self:updateGradInput(input, gradOutput)
      self:accGradParameters(input, gradOutput, scale)
      return self.gradInput
   end
end

do
   -- Over planes in the same place (Krizhevsky et al. 2012): x / (k + alpha / size * sum of squares)^beta, where the sum
   -- goes over the plane and its neighbours on both sides.
   local LRN = define('SpatialCrossMapLRN', {
      options = { { 'size' }, { 'alpha', 0.0001, 'number' }, { 'beta', 0.75, 'number' }, { 'k', 1, 'number' } },
      setup = function(self) expect.whole('SpatialCrossMapLRN', self.size, 'the number of planes', 1) end,
      scratch = { 'scale' },
   })

   -- Rust computes; scale keeps what is raised to the power
   local computeOutput, computeGradInput = LRN.updateOutput, LRN.updateGradInput
   function LRN:updateOutput(input) return computeOutput(self, expect.tensor(self, input, 'input', 3, 4)) end
   function LRN:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 3, 4)
      expect.gradOutput(self, gradOutput, self.output)
      return computeGradInput(self, input, gradOutput)
   end
end
