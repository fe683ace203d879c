-- nn.Criterion: a loss with a gradient.
local expect = require 'nn.expect'
local Criterion = torch.class('nn.Criterion')

function Criterion:__init()
   self.output, self.gradInput = 0, torch.Tensor()
end

-- What callers use, and what criteria define for it; a criterion without a loss gives nothing.
for name, defined in pairs { forward = 'updateOutput', backward = 'updateGradInput' } do
   Criterion[defined] = function() end
   Criterion[name] = function(self, input, target)
      expect.method(self, name, 'criterion')
      return self[defined](self, input, target)
   end
end

function Criterion:__call__(...)
   local loss = self:forward(...)
   self.output, self.gradInput = loss, self:backward(...)
   return loss, self.gradInput
end

function Criterion:clone() return nn.utils.written(self) end

function Criterion:type(typename, cache)
   if not typename then error(torch.type(self) .. ':type() must provide a type to convert to') end
   expect.machine(self, typename)
   cache = expect.cache(self, cache) or {}
   for key, value in pairs(self) do self[key] = nn.utils.recursiveType(value, typename, cache) end
   return self
end

for name, typename in pairs { float = 'torch.FloatTensor', double = 'torch.DoubleTensor', cuda = 'torch.CudaTensor',
                              cudaHalf = 'torch.CudaHalfTensor', cudaDouble = 'torch.CudaDoubleTensor' } do
   Criterion[name] = function(self) return self:type(typename) end
end

return Criterion
