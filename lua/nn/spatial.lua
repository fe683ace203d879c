-- Convolutions and poolings over planes: constructors and text; Rust computes.
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

-- A pooling; `setup(self)` gives it what it has besides a window.
local function pooling(name, setup, scratch)
   local class, parent = define(name, {
      options = { { 'kW' }, { 'kH' }, { 'dW' }, { 'dH' }, { 'padW', 0 }, { 'padH', 0 } },
      setup = function(self)
         self.ceil_mode = false
         setup(self)
      end,
      scratch = scratch,
      text = function(self)
         local window = string.format('(%dx%d, %d,%d', self.kW, self.kH, self.dW, self.dH)
         return window .. pair(self.padW or 0, self.padH or 0, 0) .. ')'
      end,
   })
   for mode, ceil in pairs { ceil = true, floor = false } do
      class[mode] = function(self)
         self.ceil_mode = ceil
         return self
      end
   end
   return class, parent
end

do
   local class = pooling('SpatialMaxPooling', function(self)
      self.dW, self.dH = self.dW or self.kW, self.dH or self.kH
      self.indices = torch.LongTensor()
   end, { 'indices' })

   -- the input's size is kept for unpooling
   function class:updateOutput(input)
      local dims = input:dim()
      if dims >= 2 then self.iheight, self.iwidth = input:size(dims - 1), input:size(dims) end
      -- a change of type reaches the indices too
      if self.indices and torch.typename(self.indices) ~= 'torch.LongTensor' then self.indices = self.indices:long() end
      return self:pool(input)
   end
   function class:empty() self:clearState() end
end

do
   local class = pooling('SpatialAveragePooling', function(self)
      self.dW, self.dH = self.dW or 1, self.dH or 1
      self.count_include_pad, self.divide = true, true
   end)
   -- for objects of older files, which lack the fields
   class.ceil_mode, class.count_include_pad, class.padW, class.padH = false, true, 0, 0
   for setter, counts in pairs { setCountIncludePad = true, setCountExcludePad = false } do
      class[setter] = function(self)
         self.count_include_pad = counts
         return self
      end
   end
end
