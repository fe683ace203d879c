-- Convolutions and poolings over planes: constructors and text; Rust computes.

-- What both convolutions have in common; the weight's sizes are the difference.
local function initConvolution(self, nIn, nOut, kW, kH, dW, dH, padW, padH, ...)
   self.nInputPlane, self.nOutputPlane = nIn, nOut
   self.kW, self.kH, self.dW, self.dH = kW, kH, dW or 1, dH or 1
   self.padW = padW or 0
   self.padH = padH or self.padW
   self.weight, self.gradWeight = torch.Tensor(...), torch.Tensor(...):zero()
   self.bias, self.gradBias = torch.Tensor(nOut), torch.Tensor(nOut):zero()
   self:reset()
end

local convolution = {}

function convolution:noBias()
   self.bias, self.gradBias = nil, nil
   return self
end

function convolution:reset(deviation)
   local bound = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(self.kW * self.kH * self.nInputPlane)
   for _, tensor in ipairs { self.weight, self.bias } do
      if nn.oldSeed then
         tensor:apply(function() return torch.uniform(-bound, bound) end)
      else
         tensor:uniform(-bound, bound)
      end
   end
end

-- ', a,b' unless both have their usual value
local function pair(a, b, usual)
   return (a ~= usual or b ~= usual) and string.format(', %d,%d', a, b) or ''
end

function convolution:__tostring__()
   local pad = pair(self.padW or 0, self.padH or 0, 0)
   local step = pad ~= '' and string.format(', %d,%d', self.dW, self.dH) or pair(self.dW, self.dH, 1)
   local head = string.format('(%d -> %d, %dx%d', self.nInputPlane, self.nOutputPlane, self.kW, self.kH)
   return torch.type(self) .. head .. step .. pad .. (self.bias and ')' or ') without bias')
end

function convolution:clearState()
   nn.utils.clear(self, 'finput', 'fgradInput', '_input', '_gradOutput')
   return nn.Module.clearState(self)
end

do
   local class, parent = torch.class('nn.SpatialConvolution', 'nn.Module')
   for name, method in pairs(convolution) do class[name] = method end
   function class:__init(nIn, nOut, kW, kH, dW, dH, padW, padH)
      parent.__init(self)
      initConvolution(self, nIn, nOut, kW, kH, dW, dH, padW, padH, nOut, nIn, kH, kW)
   end
end

do
   local class, parent = torch.class('nn.SpatialConvolutionMM', 'nn.Module')
   for name, method in pairs(convolution) do class[name] = method end
   function class:__init(nIn, nOut, kW, kH, dW, dH, padW, padH)
      parent.__init(self)
      self.finput, self.fgradInput = torch.Tensor(), torch.Tensor()
      initConvolution(self, nIn, nOut, kW, kH, dW, dH, padW, padH, nOut, nIn * kH * kW)
   end
end

local pooling = {}

function pooling:ceil()
   self.ceil_mode = true
   return self
end

function pooling:floor()
   self.ceil_mode = false
   return self
end

function pooling:__tostring__()
   local text = string.format('(%dx%d, %d,%d', self.kW, self.kH, self.dW, self.dH)
   return torch.type(self) .. text .. pair(self.padW or 0, self.padH or 0, 0) .. ')'
end

do
   local class, parent = torch.class('nn.SpatialMaxPooling', 'nn.Module')
   for name, method in pairs(pooling) do class[name] = method end
   function class:__init(kW, kH, dW, dH, padW, padH)
      parent.__init(self)
      self.kW, self.kH, self.dW, self.dH = kW, kH, dW or kW, dH or kH
      self.padW, self.padH, self.ceil_mode = padW or 0, padH or 0, false
      self.indices = torch.LongTensor()
   end

   -- the input's size is kept for unpooling
   function class:updateOutput(input)
      local dims = input:dim()
      if dims >= 2 then self.iheight, self.iwidth = input:size(dims - 1), input:size(dims) end
      -- a change of type reaches the indices too
      if self.indices and torch.typename(self.indices) ~= 'torch.LongTensor' then self.indices = self.indices:long() end
      return self:pool(input)
   end

   function class:clearState()
      if self.indices then self.indices:set() end
      return parent.clearState(self)
   end

   function class:empty() self:clearState() end
end

do
   local class, parent = torch.class('nn.SpatialAveragePooling', 'nn.Module')
   for name, method in pairs(pooling) do class[name] = method end
   function class:__init(kW, kH, dW, dH, padW, padH)
      parent.__init(self)
      self.kW, self.kH, self.dW, self.dH = kW, kH, dW or 1, dH or 1
      self.padW, self.padH, self.ceil_mode = padW or 0, padH or 0, false
      self.count_include_pad, self.divide = true, true
   end
   function class:setCountIncludePad()
      self.count_include_pad = true
      return self
   end
   function class:setCountExcludePad()
      self.count_include_pad = false
      return self
   end
end
