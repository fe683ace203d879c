-- The package inn: classes of its own, and those that nn has under another name.
require 'cutorch'
require 'nn'
local expect = require 'nn.expect'
inn = { utils = {} }
local inn = inn

for name, parent in pairs { SpatialMaxPooling = 'SpatialMaxPooling', SpatialAveragePooling = 'SpatialAveragePooling',
                            SpatialCrossResponseNormalization = 'SpatialCrossMapLRN' } do
   torch.class('inn.' .. name, 'nn.' .. parent)
end
-- inn's poolings count windows that hang over the end
for _, name in ipairs { 'SpatialMaxPooling', 'SpatialAveragePooling' } do
   local class, parent = torch.getmetatable('inn.' .. name), torch.getmetatable('nn.' .. name)
   function class:__init(...)
      parent.__init(self, ...)
      self:ceil()
   end
end

do
   -- Subtracts a mean, by channel or by pixel.
   local class, parent = torch.class('inn.MeanSubtraction', 'nn.Module')
   function class:__init(mean)
      parent.__init(self)
      self.mean = expect.anyTensor(self, mean, 'the mean'):clone()
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      local mean = self.mean
      if mean:dim() == 1 then mean = mean:view(-1, 1, 1) end
      if input:dim() == 4 then mean = mean:view(1, mean:size(1), mean:size(2), mean:size(3)) end
      self.output:resizeAs(input):copy(input):add(-1, mean:expandAs(input))
      return self.output
   end
   function class:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput
      return gradOutput
   end
end

do
   -- a * input + b for each channel, with constants: of a number of channels (where they are ones and zeros at first), or
   -- of two tensors.
   local class, parent = torch.class('inn.ConstAffine', 'nn.Module')
   function class:__init(a, b)
      parent.__init(self)
      if torch.isTensor(a) then
         self.a, self.b = a:clone(), expect.anyTensor(self, b, 'the summand'):clone()
         return
      end
      self.a, self.b = torch.Tensor(expect.whole(self, a, 'the number of channels', 1)), torch.Tensor(a)
      self:reset()
   end
   function class:reset()
      self.a:fill(1)
      self.b:zero()
   end
   local function spread(values, like)
      local sizes = {}
      for d = 1, like:dim() do sizes[d] = 1 end
      sizes[like:dim() >= 4 and 2 or like:dim() == 3 and 1 or like:dim()] = values:nElement()
      return values:view(torch.LongStorage(sizes)):expandAs(like)
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input')
      self.output:resizeAs(input):copy(input):cmul(spread(self.a, input)):add(spread(self.b, input))
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      expect.tensor(self, gradOutput, 'gradOutput')
      self.gradInput:resizeAs(gradOutput):copy(gradOutput):cmul(spread(self.a, input))
      return self.gradInput
   end
end

require 'inn.regions'
require 'inn.pooling'
require 'inn.surgery'

require('rekindle.absent').tell('inn', inn, 'class')

return inn
