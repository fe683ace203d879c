-- nn.Criterion: a loss with a gradient.
local Criterion = torch.class('nn.Criterion')

function Criterion:__init()
   self.gradInput = torch.Tensor()
   self.output = 0
end

function Criterion:updateOutput() end
function Criterion:updateGradInput() end
function Criterion:forward(input, target) return self:updateOutput(input, target) end
function Criterion:backward(input, target) return self:updateGradInput(input, target) end

function Criterion:__call__(input, target)
   self.output = self:forward(input, target)
   self.gradInput = self:backward(input, target)
   return self.output, self.gradInput
end

function Criterion:clone()
   local file = torch.MemoryFile('rw'):binary()
   file:writeObject(self)
   file:seek(1)
   local copy = file:readObject()
   file:close()
   return copy
end

function Criterion:type(typename, cache)
   assert(typename, torch.type(self) .. ':type() must provide a type to convert to')
   cache = cache or {}
   for key, value in pairs(self) do self[key] = nn.utils.recursiveType(value, typename, cache) end
   return self
end

for name, typename in pairs { float = 'torch.FloatTensor', double = 'torch.DoubleTensor', cuda = 'torch.CudaTensor',
                              cudaHalf = 'torch.CudaHalfTensor', cudaDouble = 'torch.CudaDoubleTensor' } do
   Criterion[name] = function(self) return self:type(typename) end
end

return Criterion
