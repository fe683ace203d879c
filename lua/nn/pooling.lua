-- Poolings: constructors, what they keep from call to call, and text; Rust computes.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- The fields of these names in an object, with something between them.
local function values(self, names, between)
   local list = {}
   for i, name in ipairs(names) do list[i] = string.format('%d', self[name] or 0) end
   return table.concat(list, between)
end
local function anySet(self, names)
   for _, name in ipairs(names) do
      if (self[name] or 0) ~= 0 then return true end
   end
   return false
end

-- What the windows of a class are called: sizes, steps, paddings and dilations, for planes and for volumes.
local function named(...)
   local kinds = { {}, {}, {}, {} }
   for i, prefix in ipairs { 'k', 'd', 'pad', 'dilation' } do
      for d, axis in ipairs { ... } do kinds[i][d] = prefix .. axis end
   end
   return unpack(kinds)
end

-- What constructors take, in order: the names of several groups, each with a default. All of them are numbers.
local function options(...)
   local list = {}
   for _, group in ipairs { ... } do
      for _, name in ipairs(group) do list[#list + 1] = { name, group.default, 'number' } end
   end
   return list
end

-- These fields have to be given: a constructor says so, before forward looks at what the numbers are.
local function given(self, class, names)
   for _, name in ipairs(names) do expect.number(class, self[name], name) end
end

local function defaulting(names, value)
   local group = { default = value }
   for i, name in ipairs(names) do group[i] = name end
   return group
end

-- `empty` is an older name of clearState.
local function emptied(class)
   function class:empty() return self:clearState() end
   return class
end

-- ceil() and floor() say what becomes of windows that hang over the end.
local function rounding(class)
   for mode, ceil in pairs { ceil = true, floor = false } do
      class[mode] = function(self)
         self.ceil_mode = ceil
         return self
      end
   end
   return class
end

-- A change of type reaches the indices too; they are made whole numbers again, where the input lies.
local function longIndices(self, input)
   local indices, class = self.indices, torch._beside(input, 'Long')
   if indices and torch.typename(indices) ~= class then self.indices = indices:type(class) end
end

local function stepsOfWindows(self, sizes, steps)
   for i, step in ipairs(steps) do self[step] = self[step] or self[sizes[i]] end
end

---------------------------------------------------------------------------------------------------------- maxima

-- Maxima over planes or volumes, whose sizes are kept in the fields `kept` for unpooling; with dilation where that has
-- a parent.
local function maxima(name, kept, axes, parentClass)
   local sizes, steps, pads, dilations = named(unpack(axes))
   local groups = { sizes, steps, defaulting(pads, 0) }
   if parentClass then groups[4] = defaulting(dilations, 1) end
   local class, parent = define(name, {
      parent = parentClass,
      -- with a dilation there are more options than the parent's constructor knows
      construct = nn.Module.__init,
      options = options(unpack(groups)),
      setup = function(self)
         given(self, name, sizes)
         stepsOfWindows(self, sizes, steps)
         self.ceil_mode, self.indices = false, torch.LongTensor()
      end,
      scratch = { 'indices' },
      text = function(self)
         local text = '(' .. values(self, sizes, 'x') .. ', ' .. values(self, steps, ',')
         if anySet(self, pads) then text = text .. ', ' .. values(self, pads, ',') end
         if parentClass then text = text .. ', ' .. values(self, dilations, ',') end
         return text .. ')'
      end,
   })

   function class:updateOutput(input)
      expect.tensor(self, input, 'input', #kept + 1, #kept + 2)
      for i, field in ipairs(kept) do self[field] = input:size(input:dim() - #kept + i) end
      longIndices(self, input)
      return self:pool(input)
   end
   return emptied(rounding(class)), parent
end

local planes, volumes = { 'iheight', 'iwidth' }, { 'itime', 'iheight', 'iwidth' }
maxima('SpatialMaxPooling', planes, { 'W', 'H' })
maxima('SpatialDilatedMaxPooling', planes, { 'W', 'H' }, 'nn.SpatialMaxPooling')
do
   local class, parent = maxima('VolumetricMaxPooling', volumes, { 'T', 'W', 'H' })
   class.__version = 2
   -- the first version knew no ceil mode
   function class:read(file, ...)
      parent.read(self, file, ...)
      if self.ceil_mode == nil then self.ceil_mode = false end
   end
end
maxima('VolumetricDilatedMaxPooling', volumes, { 'T', 'W', 'H' }, 'nn.VolumetricMaxPooling')

do
   local class = define('TemporalMaxPooling', {
      options = options { 'kW', 'dW' },
      setup = function(self)
         given(self, 'TemporalMaxPooling', { 'kW' })
         self.dW = self.dW or self.kW
         self.indices = torch.LongTensor()
      end,
      scratch = { 'indices' },
   })
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 2, 3)
      longIndices(self, input)
      return self:pool(input)
   end
   emptied(class)
end

do
   local class = define('SpatialAdaptiveMaxPooling', {
      options = options { 'W', 'H' },
      setup = function(self)
         given(self, 'SpatialAdaptiveMaxPooling', { 'W', 'H' })
         self.indices = torch.LongTensor()
      end,
      scratch = { 'indices' },
   })
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      longIndices(self, input)
      return self:pool(input)
   end
   emptied(class)
end

---------------------------------------------------------------------------------------------------------- averages

emptied(define('SpatialAdaptiveAveragePooling', {
   options = options { 'W', 'H' },
   setup = function(self) given(self, 'SpatialAdaptiveAveragePooling', { 'W', 'H' }) end,
   scratch = {},
}))

do
   local sizes, steps, pads = named('W', 'H')
   local class = define('SpatialAveragePooling', {
      options = options(sizes, defaulting(steps, 1), defaulting(pads, 0)),
      setup = function(self)
         given(self, 'SpatialAveragePooling', sizes)
         self.ceil_mode, self.count_include_pad, self.divide = false, true, true
      end,
      text = function(self)
         local text = '(' .. values(self, sizes, 'x') .. ', ' .. values(self, steps, ',')
         return text .. (anySet(self, pads) and ', ' .. values(self, pads, ',') or '') .. ')'
      end,
   })
   rounding(class)
   -- for objects of older files, which lack the fields
   class.ceil_mode, class.count_include_pad, class.padW, class.padH = false, true, 0, 0
   for setter, counts in pairs { setCountIncludePad = true, setCountExcludePad = false } do
      class[setter] = function(self)
         self.count_include_pad = counts
         return self
      end
   end
end

do
   local sizes, steps = named('T', 'W', 'H')
   emptied(define('VolumetricAveragePooling', {
      options = options(sizes, steps),
      setup = function(self)
         given(self, 'VolumetricAveragePooling', sizes)
         stepsOfWindows(self, sizes, steps)
      end,
      text = function(self) return '(' .. values(self, sizes, 'x') .. ', ' .. values(self, steps, ',') .. ')' end,
      scratch = {},
   }))
end

---------------------------------------------------------------------------------------------------------- fractional

-- Maxima over windows at random distances. `axes` are the dimensions as the constructor takes them, each with its place
-- among the input's last ones. The output's sizes are given as numbers from 1 on, or as shares of the input's.
local function fractional(name, axes)
   local pools, outs, ratios = {}, {}, {}
   for i, axis in ipairs(axes) do
      pools[i], outs[i], ratios[i] = 'poolSize' .. axis[1], 'out' .. axis[1], 'ratio' .. axis[1]
   end
   local n = #axes

   local class, parent = define(name, {
      options = options(pools),
      setup = function(self, ...)
         for _, field in ipairs(pools) do expect.whole(name, self[field], field, 2) end
         local extents, absolute = { select(n + 1, ...) }, true
         for i = 1, n do
            expect.number(name, extents[i], string.format('the size or ratio of dimension %s', axes[i][1]))
            absolute = absolute and extents[i] >= 1
         end
         for i = 1, n do
            if absolute then
               self[outs[i]] = expect.whole(name, extents[i], outs[i], 1)
            else
               if not (extents[i] > 0 and extents[i] < 1) then
                  expect.fail(name, '%s should be between 0 and 1, got %s', ratios[i], extents[i])
               end
               self[ratios[i]] = extents[i]
            end
         end
      end,
      text = function(self) return '(' .. values(self, outs, 'x') .. ', ' .. values(self, pools, ',') .. ')' end,
   })

   -- One random number for each pooled dimension of each plane.
   function class:getBufferSize_(input)
      expect.tensor(self, input, 'input', n + 1, n + 2)
      local batch = input:dim() == n + 2
      return torch.LongStorage { batch and input:size(1) or 1, input:size(batch and 2 or 1), n }
   end
   function class:initSampleBuffer_(input)
      local sizes, samples = self:getBufferSize_(input), self.randomSamples
      if samples and self.fix and samples:isSize(sizes) then return end
      self.randomSamples = (samples or input.new()):resize(sizes):uniform()
   end
   function class:getOutputSizes_(input)
      local list = {}
      for i, axis in ipairs(axes) do
         local ratio = self[ratios[i]]
         list[i] = ratio and math.floor(input:size(input:dim() - n + axis[2]) * ratio) or self[outs[i]]
         if not list[i] or list[i] < 1 then
            expect.fail(self, 'an input of %s with ratio %s leaves nothing of dimension %s', expect.brief(input), ratio, axis[1])
         end
      end
      return unpack(list)
   end

   -- Whether the random numbers of the last forward are kept for the next ones of the same size.
   function class:fixPoolingRegions(fix)
      self.fix = fix == nil or fix
      return self
   end

   function class:updateOutput(input)
      self:initSampleBuffer_(input)
      self.indices = self.indices or torch.LongTensor()
      longIndices(self, input)
      return self:pool(input, self:getOutputSizes_(input))
   end
   function class:updateGradInput(input, gradOutput)
      expect.forwardFirst(self, self.randomSamples and self.indices)
      expect.tensor(self, input, 'input', n + 1, n + 2)
      expect.tensor(self, gradOutput, 'gradOutput')
      return self:gradient(input, gradOutput, self:getOutputSizes_(input))
   end
   function class:clearState()
      self.indices, self.randomSamples = nil, nil
      return parent.clearState(self)
   end
   emptied(class)
end

fractional('SpatialFractionalMaxPooling', { { 'W', 2 }, { 'H', 1 } })
-- the input's dimensions are height, width and time here
fractional('VolumetricFractionalMaxPooling', { { 'T', 3 }, { 'W', 2 }, { 'H', 1 } })

---------------------------------------------------------------------------------------------------------- unpooling

-- The reverse of maxima of the class `pooling`: `fields` are taken from that module at each call.
local function unpooling(name, pooling, axes, fields)
   local class = define(name, {
      setup = function(self, module)
         if torch.type(module) ~= 'nn.' .. pooling then
            expect.fail(name, 'a module nn.%s expected, got %s', pooling, expect.brief(module))
         end
         for _, axis in ipairs(axes) do
            local size, step = module['k' .. axis], module['d' .. axis]
            if size ~= step then
               expect.fail(name, 'a pooling whose windows do not overlap expected: its k%s is %s, its d%s %s', axis, size, axis, step)
            end
         end
         self.pooling = module
      end,
      text = function(self) return ' associated to ' .. tostring(self.pooling) end,
      scratch = {},
   })
   function class:setParams()
      for own, its in pairs(fields) do self[own] = self.pooling[its] end
      longIndices(self, self.output)
      expect.forwardFirst(self, self.oheight)
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', #axes + 1, #axes + 2)
      self:setParams()
      return self:unpool(input)
   end
   function class:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', #axes + 1, #axes + 2)
      expect.tensor(self, gradOutput, 'gradOutput')
      self:setParams()
      return self:gradient(input, gradOutput)
   end
   emptied(class)
end

unpooling('SpatialMaxUnpooling', 'SpatialMaxPooling', { 'W', 'H' }, {
   indices = 'indices', oheight = 'iheight', owidth = 'iwidth',
})
unpooling('VolumetricMaxUnpooling', 'VolumetricMaxPooling', { 'T', 'W', 'H' }, {
   indices = 'indices', otime = 'itime', oheight = 'iheight', owidth = 'iwidth', dT = 'dT', dW = 'dW', dH = 'dH',
   padT = 'padT', padW = 'padW', padH = 'padH',
})

---------------------------------------------------------------------------------------------------------- subsampling

-- Sums over windows, times a weight and plus a bias for each of `channels`.
local function subsampling(name, channels, sizes, steps)
   local class = define(name, {
      options = options({ channels }, sizes, defaulting(steps, 1)),
      setup = function(self)
         local count = expect.whole(name, self[channels], channels, 1)
         for _, size in ipairs(sizes) do expect.whole(name, self[size], size, 1) end
         self.weight, self.gradWeight = nn.utils.parameter(count)
         self.bias, self.gradBias = nn.utils.parameter(count)
         self:reset()
      end,
   })
   function class:reset(deviation)
      local elements = 1
      for _, size in ipairs(sizes) do elements = elements * self[size] end
      nn.utils.draw(self, elements, deviation, self.weight, self.bias)
   end
end

subsampling('SpatialSubSampling', 'nInputPlane', { 'kW', 'kH' }, { 'dW', 'dH' })
subsampling('TemporalSubSampling', 'inputFrameSize', { 'kW' }, { 'dW' })
