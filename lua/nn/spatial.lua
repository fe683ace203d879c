-- Poolings over planes: constructors and text; Rust computes.
local define = require 'nn.define'

-- ', a,b' unless both have their usual value
local function pair(a, b, usual)
   return (a ~= usual or b ~= usual) and string.format(', %d,%d', a, b) or ''
end

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
