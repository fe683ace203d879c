-- The package cunn: nn on the types of torch.CudaTensor, which nn's kernels serve as they are.
require 'cutorch'
require 'nn'

return nn
