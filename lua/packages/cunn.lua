-- The package cunn: nn on the types of torch.CudaTensor, which nn's kernels serve as they are, and a container that shares
-- a batch out to copies of a module.
require 'cutorch'
require 'nn'

require 'cunn.DataParallelTable'

return nn
