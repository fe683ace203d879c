-- Convolutions: constructors, first weights and text; Rust computes.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- 'a,b' or 'a,b,c' of these fields, for each dimension in the order of the constructor
local function list(self, axes, prefix, separator)
   local values = {}
   for i, axis in ipairs(axes) do values[i] = string.format('%d', self[prefix .. axis] or 0) end
   return table.concat(values, separator or ',')
end

-- whether any of these fields differs from its usual value
local function differs(self, axes, prefix, usual)
   for _, axis in ipairs(axes) do
      if (self[prefix .. axis] or usual) ~= usual then return true end
   end
   return false
end

-- What stands in a layer's text: planes, kernel, then stride, padding and what else there is where they say something.
local function describe(self, axes, before, after)
   local text = string.format('(%d -> %d, %s%s', self.nInputPlane, self.nOutputPlane, before or '',
      list(self, axes, 'k', 'x'))
   local padded = differs(self, axes, 'pad', 0)
   if padded or differs(self, axes, 'd', 1) then text = text .. ', ' .. list(self, axes, 'd') end
   if padded then text = text .. ', ' .. list(self, axes, 'pad') end
   return text .. (after or '') .. (self.bias and ')' or ') without bias')
end

local function noBias(self)
   self.bias, self.gradBias = nil, nil
   return self
end

local spatial, volumetric = { 'W', 'H' }, { 'T', 'W', 'H' }

-- The options of a convolution over these axes: kernel, stride, padding.
local function options(axes)
   local all = { { 'nInputPlane' }, { 'nOutputPlane' } }
   for _, axis in ipairs(axes) do all[#all + 1] = { 'k' .. axis } end
   for _, axis in ipairs(axes) do all[#all + 1] = { 'd' .. axis, 1 } end
   for _, axis in ipairs(axes) do all[#all + 1] = { 'pad' .. axis } end
   return all
end

-- Padding that is left out is 0 in the first dimension and that of the one before in the others.
local function fillPadding(self, axes)
   local before = 0
   for _, axis in ipairs(axes) do
      before = self['pad' .. axis] or before
      self['pad' .. axis] = before
   end
end

-- kernel sizes in the order of the weight: frames, rows, columns
local function kernel(self) return self.kT, self.kH, self.kW end
local function planar(self) return self.kH, self.kW end

local function checkSizes(name, self, axes)
   for _, field in ipairs { 'nInputPlane', 'nOutputPlane' } do
      expect.number(name, self[field], field)
   end
   for _, axis in ipairs(axes) do
      expect.number(name, self['k' .. axis], 'k' .. axis)
      for _, prefix in ipairs { 'd', 'pad' } do expect.number(name, self[prefix .. axis] or 0, prefix .. axis) end
   end
end

local function planesOf(self) return self.nOutputPlane end

-- A convolution of planes.
--
--   axes      its dimensions
--   sizes     those of its weight: sizes(self)
--   biases    those of its bias, one for each output plane where none are given
--   inputs    what each output element is made of: inputs(self), for the first weights
--   more      options after the padding
--   text      what stands in the text besides: text(self)
--   scratch   fields with an empty tensor, which programs look at
local function convolution(name, spec)
   local axes, all = spec.axes, options(spec.axes)
   for _, option in ipairs(spec.more or {}) do all[#all + 1] = option end
   local class, parent = define(name, {
      parent = spec.parent,
      construct = nn.Module.__init,
      options = all,
      setup = function(self)
         checkSizes(name, self, axes)
         fillPadding(self, axes)
         if spec.setup then spec.setup(self) end
         self.weight, self.gradWeight = nn.utils.parameter(spec.sizes(self))
         self.bias, self.gradBias = nn.utils.parameter((spec.biases or planesOf)(self))
         for _, field in ipairs(spec.scratch or {}) do self[field] = torch.Tensor() end
         self:reset()
      end,
      scratch = { 'finput', 'fgradInput', '_input', '_gradOutput' },
      text = function(self) return describe(self, axes, nil, spec.text and spec.text(self)) end,
   })
   class.noBias = noBias
   function class:reset(deviation)
      nn.utils.draw(self, spec.inputs(self), deviation, self.weight, self.bias)
   end
   return class, parent
end

local function inputsOf(sizes)
   return function(self)
      local product = self.nInputPlane
      for _, n in ipairs { sizes(self) } do product = product * n end
      return product
   end
end
local planarInputs, volumeInputs = inputsOf(planar), inputsOf(kernel)

do
   -- Weights of older files were matrices; this class gives them their planes.
   local class, parent = convolution('SpatialConvolution', {
      axes = spatial,
      sizes = function(self) return self.nOutputPlane, self.nInputPlane, planar(self) end,
      inputs = planarInputs,
   })
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

convolution('SpatialConvolutionMM', {
   axes = spatial,
   sizes = function(self) return self.nOutputPlane, self.nInputPlane * self.kH * self.kW end,
   inputs = planarInputs,
   scratch = { 'finput', 'fgradInput' },
})

local function dilation(axes)
   local all = {}
   for i, axis in ipairs(axes) do all[i] = { 'dilation' .. axis, 1 } end
   return all
end

convolution('SpatialDilatedConvolution', {
   parent = 'nn.SpatialConvolution',
   axes = spatial,
   sizes = function(self) return self.nOutputPlane, self.nInputPlane, planar(self) end,
   inputs = planarInputs,
   more = dilation(spatial),
   text = function(self) return ', ' .. list(self, spatial, 'dilation') end,
})

local function volume(self) return self.nOutputPlane, self.nInputPlane, kernel(self) end

convolution('VolumetricConvolution', { axes = volumetric, sizes = volume, inputs = volumeInputs })
convolution('VolumetricDilatedConvolution', {
   parent = 'nn.VolumetricConvolution',
   axes = volumetric,
   sizes = volume,
   inputs = volumeInputs,
   more = dilation(volumetric),
   text = function(self) return ', ' .. list(self, volumetric, 'dilation') end,
})

-- A transposed convolution. Its input may be a pair of the tensor and another one, whose last sizes the output gets.
local function transposed(name, axes, sizes, inputs)
   local adjustment = {}
   for i, axis in ipairs(axes) do adjustment[i] = { 'adj' .. axis, 0 } end
   local class, parent = convolution(name, {
      axes = axes,
      sizes = function(self) return self.nInputPlane, self.nOutputPlane, sizes(self) end,
      inputs = inputs,
      more = adjustment,
      setup = function(self)
         for _, axis in ipairs(axes) do
            if self['adj' .. axis] > self['d' .. axis] - 1 then
               error(string.format('nn.%s: adj%s %d expected below the stride d%s %d', name, axis,
                  self['adj' .. axis], axis, self['d' .. axis]))
            end
         end
      end,
      text = function(self) return differs(self, axes, 'adj', 0) and ', ' .. list(self, axes, 'adj') or '' end,
   })
   local order = axes == spatial and { 'H', 'W' } or { 'T', 'H', 'W' }

   -- Calls f(self, input, ...) with the adjustments that the target's sizes ask for.
   local function adjusted(self, input, f, ...)
      if type(input) ~= 'table' then return f(self, input, ...) end
      local x, target = input[1], input[2]
      if not torch.isTensor(x) or not torch.isTensor(target) or target:dim() < #order then
         expect.fail(name, 'a tensor, or a table of it and a tensor of the wanted size, expected as input, got %s and %s in the table',
            expect.brief(x), expect.brief(target))
      end
      local kept = {}
      for i, axis in ipairs(order) do
         local size = target:size(target:dim() - #order + i)
         kept[axis] = self['adj' .. axis]
         self['adj' .. axis] = (size + 2 * self['pad' .. axis] - self['k' .. axis]) % self['d' .. axis]
      end
      local done, result = pcall(f, self, x, ...)
      for axis, value in pairs(kept) do self['adj' .. axis] = value end
      if not done then error(result, 0) end
      return result
   end

   function class:updateOutput(input)
      self:backCompatibility()
      return adjusted(self, input, self.convolve)
   end

   -- The second gradient is zero: the other tensor gives nothing but its sizes.
   function class:updateGradInput(input, gradOutput)
      self:backCompatibility()
      if not self.gradInput then return end
      if type(self.gradInput) == 'table' then self.gradInput = self.gradInput[1] end
      local first = adjusted(self, input, self.gradient, gradOutput)
      if type(input) ~= 'table' then return first end
      self.zeroScratch = self.zeroScratch or input[2].new()
      self.zeroScratch:resize(1):zero()
      local ones, sizes = {}, input[2]:size():totable()
      for i = 1, #sizes do ones[i] = 1 end
      self.gradInput = { first, self.zeroScratch:view(unpack(ones)):expandAs(input[2]) }
      for _, d in ipairs(sizes) do if d == 1 then self.gradInput[2] = self.gradInput[2]:expand(unpack(sizes)) end end
      return self.gradInput
   end

   function class:accGradParameters(input, gradOutput, scale)
      self:backCompatibility()
      adjusted(self, input, self.accumulate, gradOutput, scale or 1)
   end

   function class:type(typename, cache)
      if typename and type(self.gradInput) == 'table' then self.gradInput = self.gradInput[1] end
      return parent.type(self, typename, cache)
   end

   -- objects of older files lack these
   function class:backCompatibility()
      for _, axis in ipairs(axes) do self['adj' .. axis] = self['adj' .. axis] or 0 end
   end
   return class
end

transposed('SpatialFullConvolution', spatial, planar, function(self) return self.nInputPlane * self.kH * self.kW end)
transposed('VolumetricFullConvolution', volumetric, kernel,
   function(self) return self.nInputPlane * self.kT * self.kH * self.kW end)

-- nOutputPlane of them for each input plane
convolution('SpatialDepthWiseConvolution', {
   axes = spatial,
   sizes = function(self) return self.nOutputPlane, self.nInputPlane * self.kH * self.kW end,
   biases = function(self) return self.nOutputPlane, self.nInputPlane end,
   inputs = planarInputs,
})

-- A convolution with a table of connections.
local function connected(name)
   local class = define(name, {
      options = { { 'connTable' }, { 'kW' }, { 'kH' }, { 'dW', 1 }, { 'dH', 1 } },
      setup = function(self)
         local t = self.connTable
         if not torch.isTensor(t) or t:dim() ~= 2 or t:size(2) ~= 2 then
            expect.fail(name, 'a table of connections (n x 2), a tensor, expected, got %s', expect.brief(t))
         end
         self.nInputPlane, self.nOutputPlane = t:select(2, 1):max(), t:select(2, 2):max()
         self.weight, self.gradWeight = nn.utils.parameter(t:size(1), self.kH, self.kW)
         self.bias, self.gradBias = nn.utils.parameter(self.nOutputPlane)
         self:reset()
      end,
   })
   -- each output plane by the number of its own connections
   function class:reset(deviation)
      if deviation then return nn.utils.draw(self, 1, deviation, self.weight, self.bias) end
      local count = torch.Tensor(self.nOutputPlane):zero()
      for k = 1, self.connTable:size(1) do
         local to = self.connTable[k][2]
         count[to] = count[to] + 1
      end
      for k = 1, self.connTable:size(1) do
         nn.utils.draw(self, self.kW * self.kH * count[self.connTable[k][2]], nil, self.weight:select(1, k))
      end
      for to = 1, self.nOutputPlane do
         nn.utils.draw(self, self.kW * self.kH * count[to], nil, self.bias:narrow(1, to, 1))
      end
   end
   return class
end

do
   local class = connected('SpatialConvolutionMap')
   function class:decayParameters(decay)
      expect.number(self, decay, 'the decay')
      self.weight:add(-decay, self.weight)
      self.bias:add(-decay, self.bias)
   end
   connected('SpatialFullConvolutionMap')
end

do
   local name = 'SpatialConvolutionLocal'
   local all = { { 'nInputPlane' }, { 'nOutputPlane' }, { 'iW' }, { 'iH' } }
   for i, option in ipairs(options(spatial)) do
      if i > 2 then all[#all + 1] = option end
   end
   local class = define(name, {
      options = all,
      setup = function(self)
         checkSizes(name, self, spatial)
         fillPadding(self, spatial)
         for _, axis in ipairs(spatial) do
            local free = self['i' .. axis] + 2 * self['pad' .. axis] - self['k' .. axis]
            self['o' .. axis] = math.floor(free / self['d' .. axis]) + 1
            if self['o' .. axis] < 1 then
               error(string.format('nn.%s: kernel k%s %d expected within the input i%s %d', name, axis,
                  self['k' .. axis], axis, self['i' .. axis]))
            end
         end
         self.weight, self.gradWeight =
            nn.utils.parameter(self.oH, self.oW, self.nOutputPlane, self.nInputPlane, self.kH, self.kW)
         self.bias, self.gradBias = nn.utils.parameter(self.nOutputPlane, self.oH, self.oW)
         self.finput, self.fgradInput = torch.Tensor(), torch.Tensor()
         self:reset()
      end,
      scratch = { 'finput', 'fgradInput', '_input', '_gradOutput' },
      text = function(self) return describe(self, spatial, string.format('%dx%d, ', self.iW, self.iH)) end,
   })
   function class:reset(deviation)
      nn.utils.draw(self, self.kW * self.kH * self.nInputPlane, deviation, self.weight, self.bias)
   end

   -- Weights that a program has put there in another shape, or a file as a matrix for each place, get their own.
   local function shape(self, field)
      local w = self[field]
      if not torch.isTensor(w) then return end
      local fits = w:dim() == 6 and w:size(1) == self.oH and w:size(2) == self.oW and w:size(3) == self.nOutputPlane and
         w:size(4) == self.nInputPlane and w:size(5) == self.kH
      local n = self.oH * self.oW * self.nOutputPlane * self.nInputPlane * self.kH * self.kW
      if fits or w:nElement() ~= n then return end
      self[field] = w:view(self.oH, self.oW, self.nOutputPlane, self.nInputPlane, self.kH, self.kW)
   end
   for _, method in ipairs { 'updateOutput', 'updateGradInput', 'accGradParameters' } do
      local compute = class[method]
      class[method] = function(self, ...)
         shape(self, 'weight')
         shape(self, 'gradWeight')
         return compute(self, ...)
      end
   end
end

do
   local class = define('TemporalConvolution', {
      options = { { 'inputFrameSize' }, { 'outputFrameSize' }, { 'kW' }, { 'dW', 1 } },
      setup = function(self)
         for _, field in ipairs { 'inputFrameSize', 'outputFrameSize', 'kW', 'dW' } do
            expect.count('TemporalConvolution', self[field], field)
         end
         self.weight, self.gradWeight = nn.utils.parameter(self.outputFrameSize, self.inputFrameSize * self.kW)
         self.bias, self.gradBias = nn.utils.parameter(self.outputFrameSize)
         self:reset()
      end,
   })
   function class:reset(deviation)
      nn.utils.draw(self, self.kW * self.inputFrameSize, deviation, self.weight, self.bias)
   end
   -- shared weights change with each step all the same
   class.sharedAccUpdateGradParameters = class.defaultAccUpdateGradParameters
end

do
   local class = define('TemporalRowConvolution', {
      options = { { 'inputFrameSize' }, { 'kW' }, { 'dW', 1 }, { 'featFirst', false } },
      setup = function(self)
         for _, field in ipairs { 'inputFrameSize', 'kW', 'dW' } do
            expect.count('TemporalRowConvolution', self[field], field)
         end
         self.weight, self.gradWeight = nn.utils.parameter(self.inputFrameSize, 1, self.kW)
         self.bias, self.gradBias = nn.utils.parameter(self.inputFrameSize)
         self:reset()
      end,
      scratch = { 'finput', 'fgradInput', '_input', '_gradOutput' },
      text = function(self)
         local stride = self.dW ~= 1 and string.format(', %d', self.dW) or ''
         return string.format('(%d, %d%s)%s', self.inputFrameSize, self.kW, stride, self.bias and '' or ' without bias')
      end,
   })
   class.noBias = noBias
   function class:reset(deviation)
      nn.utils.draw(self, self.kW * self.inputFrameSize, deviation, self.weight, self.bias)
   end

   -- with features first, frames and features change places
   local function frames(self, x)
      return self.featFirst and torch.isTensor(x) and x:dim() > 1 and x:transpose(x:dim() - 1, x:dim()) or x
   end
   function class:updateOutput(input)
      local y = self:convolve(frames(self, input))
      if self.featFirst then self.output = frames(self, y):contiguous() end
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local g = self:gradient(frames(self, input), frames(self, gradOutput))
      if self.featFirst then self.gradInput = frames(self, g):contiguous() end
      return self.gradInput
   end
   function class:accGradParameters(input, gradOutput, scale)
      self:accumulate(frames(self, input), frames(self, gradOutput), scale or 1)
   end
end
