-- Batch normalization: constructors; Rust computes. The classes differ in the number of dimensions of a batch.
do
   local BN, parent = torch.class('nn.BatchNormalization', 'nn.Module')
   BN.__version = 2
   BN.nDim = 2

   function BN:__init(nOutput, eps, momentum, affine)
      parent.__init(self)
      assert(nOutput and type(nOutput) == 'number', 'Missing argument #1: dimensionality of input. ')
      assert(nOutput ~= 0, 'To set affine=false call BatchNormalization(nOutput, eps, momentum, false) ')
      if affine ~= nil then assert(type(affine) == 'boolean', 'affine has to be true/false') end
      self.affine = affine == nil or affine
      self.eps, self.momentum, self.train = eps or 1e-5, momentum or 0.1, true
      self.running_mean, self.running_var = torch.zeros(nOutput), torch.ones(nOutput)
      if self.affine then
         self.weight, self.bias = torch.Tensor(nOutput), torch.Tensor(nOutput)
         self.gradWeight, self.gradBias = torch.Tensor(nOutput):zero(), torch.Tensor(nOutput):zero()
      end
      self:reset()
   end

   function BN:reset()
      if self.weight then self.weight:uniform() end
      if self.bias then self.bias:zero() end
      self.running_mean:zero()
      self.running_var:fill(1)
   end

   -- Files of the first version hold 1/sqrt(var + eps) in running_std.
   function BN:read(file, version)
      parent.read(self, file)
      if version and version < 2 and self.running_std then
         self.running_var = self.running_std:pow(-2):add(-self.eps)
         self.running_std = nil
      end
   end

   function BN:clearState()
      nn.utils.clear(self, '_input', '_gradOutput', 'save_mean', 'save_std')
      return parent.clearState(self)
   end

   function BN:__tostring__()
      return string.format('%s (%dD) (%d)', torch.type(self), self.nDim, self.running_mean:nElement())
   end
end

for name, dims in pairs { SpatialBatchNormalization = 4, VolumetricBatchNormalization = 5 } do
   local class = torch.class('nn.' .. name, 'nn.BatchNormalization')
   class.nDim = dims
   if dims == 4 then class.__version = 2 end
end
