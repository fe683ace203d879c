-- Batch normalization: constructors; Rust computes. The classes differ in the number of dimensions of a batch.
local define = require 'nn.define'

local function complain(text, ...) error('nn.BatchNormalization: ' .. string.format(text, ...)) end

local BN, parent = define('BatchNormalization', {
   options = { { 'nOutput' }, { 'eps', 1e-5 }, { 'momentum', 0.1 }, { 'affine', true } },
   setup = function(self)
      local n = self.nOutput
      self.nOutput = nil
      if type(n) ~= 'number' or n == 0 then
         complain('the number of features expected as argument 1, got %s (affine = false is argument 4)', tostring(n))
      end
      if type(self.affine) ~= 'boolean' then complain('affine should be true or false, got a %s', type(self.affine)) end
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
