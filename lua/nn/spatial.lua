-- Convolutions over planes: constructors and text; Rust computes.
local define = require 'nn.define'

-- ', a,b' unless both have their usual value
local function pair(a, b, usual)
   return (a ~= usual or b ~= usual) and string.format(', %d,%d', a, b) or ''
end

-- A convolution; `sizes(self)` gives those of its weight.
local function convolution(name, sizes, scratch)
   local class, parent = define(name, {
      options = {
         { 'nInputPlane' }, { 'nOutputPlane' }, { 'kW' }, { 'kH' }, { 'dW', 1 }, { 'dH', 1 }, { 'padW', 0 }, { 'padH' },
      },
      setup = function(self)
         self.padH = self.padH or self.padW
         self.weight, self.gradWeight = nn.utils.parameter(sizes(self))
         self.bias, self.gradBias = nn.utils.parameter(self.nOutputPlane)
         for _, field in ipairs(scratch) do self[field] = torch.Tensor() end
         self:reset()
      end,
      scratch = { 'finput', 'fgradInput', '_input', '_gradOutput' },
      text = function(self)
         local pad = pair(self.padW or 0, self.padH or 0, 0)
         local step = pad ~= '' and string.format(', %d,%d', self.dW, self.dH) or pair(self.dW, self.dH, 1)
         local head = string.format('(%d -> %d, %dx%d', self.nInputPlane, self.nOutputPlane, self.kW, self.kH)
         return head .. step .. pad .. (self.bias and ')' or ') without bias')
      end,
   })
   function class:noBias()
      self.bias, self.gradBias = nil, nil
      return self
   end
   function class:reset(deviation)
      nn.utils.draw(self.kW * self.kH * self.nInputPlane, deviation, self.weight, self.bias)
   end
   return class, parent
end

do
   -- Weights of older files were matrices; this class gives them their planes.
   local class, parent = convolution('SpatialConvolution', function(self)
      return self.nOutputPlane, self.nInputPlane, self.kH, self.kW
   end, {})
   class.hasPlanes = true

   -- They also had one padding for both directions.
   function class:read(file, ...)
      parent.read(self, file, ...)
      local both = self.padding
      if both then
         self.padW, self.padH, self.padding = self.padW or both, self.padH or both, nil
      end
   end
end

convolution('SpatialConvolutionMM', function(self)
   return self.nOutputPlane, self.nInputPlane * self.kH * self.kW
end, { 'finput', 'fgradInput' })
