-- The package cudnn: its classes, each a subclass of the one of nn that computes it, with what cuDNN has besides: groups
-- of convolutions, choices of algorithms (which are one here), conversion of networks both ways.
require 'cutorch'
require 'nn'
local expect = require 'nn.expect'
local convertible = require 'nn.cudnn'
cudnn = {}
local cudnn = cudnn

cudnn.benchmark, cudnn.fastest, cudnn.verbose, cudnn.useFindEx = false, false, false, false
cudnn.version, cudnn.majorVersion = 5110, 5

local function nothing(self) return self end
-- what chooses among algorithms, and what is about descriptions of tensors
local choosing = { 'setMode', 'resetMode', 'fastest', 'resetWeightDescriptors', 'createIODescriptors', 'resetStates',
                   'clearDesc', 'checkInputChanged' }

-- A class of cuDNN's that computes as one of nn.
local function class(name, parent_name, methods)
   local made, parent = torch.class('cudnn.' .. name, parent_name or 'nn.' .. name)
   for _, method in ipairs(methods or {}) do made[method] = nothing end
   return made, parent
end

---------------------------------------------------------------------------------------------------------- convolutions

-- A convolution whose groups of input planes each make a group of output planes. `axes` are those of the window.
local function grouped(name, axes, transposed)
   local made, parent = class(name, nil, choosing)
   local from, to = 'nInputPlane', 'nOutputPlane'
   if transposed then from, to = to, from end

   function made:__init(...)
      local n = 2 + 3 * #axes + (transposed and #axes or 0)
      local given, groups = { ... }, (select(n + 1, ...))
      -- unlike nn, paddings that are left out are 0
      for i = 3 + 2 * #axes, 2 + 3 * #axes do given[i] = given[i] or 0 end
      self.reset = nothing
      parent.__init(self, unpack(given, 1, n))
      self.reset = nil
      self.groups = expect.whole(name, groups or 1, 'the number of groups', 1)
      for _, planes in ipairs { from, to } do
         if self[planes] % self.groups ~= 0 then
            expect.fail(self, '%s %d expected to be a multiple of the %d groups', planes, self[planes], self.groups)
         end
      end
      if self.groups > 1 then
         local sizes = self.weight:size()
         sizes[2] = sizes[2] / self.groups
         self.weight, self.gradWeight = nn.utils.parameter(sizes)
      end
      self:reset()
   end

   function made:__tostring__()
      local text = parent.__tostring__(self)
      return (self.groups or 1) > 1 and text .. ' in ' .. self.groups .. ' groups' or text
   end
   return made
end

local spatial, volumetric = { 'W', 'H' }, { 'T', 'W', 'H' }
grouped('SpatialConvolution', spatial)
grouped('VolumetricConvolution', volumetric)
grouped('SpatialFullConvolution', spatial, true)
grouped('VolumetricFullConvolution', volumetric, true)

do
   -- A convolution over time, with zeros before and after each sequence.
   local Temporal, parent = class('TemporalConvolution', nil, choosing)
   function Temporal:__init(inputFrameSize, outputFrameSize, kH, dH, padH)
      parent.__init(self, inputFrameSize, outputFrameSize, kH, dH)
      self.padH = padH or 0
   end
   local function padded(self, input)
      local pad = self.padH or 0
      if pad == 0 then return input end
      expect.tensor(self, input, 'input', 2, 3)
      local sizes, d = input:size(), input:dim() - 1
      local n = sizes[d]
      sizes[d] = n + 2 * pad
      self.buffer = (self.buffer or input.new()):resize(sizes):zero()
      self.buffer:narrow(d, pad + 1, n):copy(input)
      return self.buffer
   end
   function Temporal:updateOutput(input) return parent.updateOutput(self, padded(self, input)) end
   function Temporal:updateGradInput(input, gradOutput)
      local all = parent.updateGradInput(self, padded(self, input), gradOutput)
      local pad = self.padH or 0
      if all and pad > 0 then
         local d = input:dim() - 1
         self.gradInput = all:narrow(d, pad + 1, input:size(d)):clone()
      end
      return self.gradInput
   end
   function Temporal:accGradParameters(input, gradOutput, scale)
      return parent.accGradParameters(self, padded(self, input), gradOutput, scale)
   end
   function Temporal:clearState()
      self.buffer = nil
      return parent.clearState(self)
   end
end

---------------------------------------------------------------------------------------------------------- poolings

for _, name in ipairs { 'SpatialMaxPooling', 'VolumetricMaxPooling', 'SpatialAveragePooling', 'VolumetricAveragePooling' } do
   local made, parent = class(name, nil, choosing)
   if name == 'SpatialAveragePooling' then
      -- windows lie side by side unless told
      function made:__init(kW, kH, dW, dH, ...) parent.__init(self, kW, kH, dW or kW, dH or kH, ...) end
   end
   -- files of cuDNN's say in a word whether averages count the padding
   function made:read(file, ...)
      parent.read(self, file, ...)
      if name:find('Average') then
         if self.divide == nil then self.divide = true end
         if self.count_include_pad == nil then
            self.count_include_pad = self.mode ~= 'CUDNN_POOLING_AVERAGE_COUNT_EXCLUDE_PADDING'
         end
      end
   end
end

---------------------------------------------------------------------------------------------------------- the rest

class('ReLU', nil, choosing)
for _, name in ipairs { 'Tanh', 'Sigmoid' } do
   local made, parent = class(name, nil, choosing)
   function made:__init(inplace)
      parent.__init(self)
      self.inplace = inplace or false
   end
end
do
   local Clipped, parent = class('ClippedReLU', 'nn.HardTanh', choosing)
   function Clipped:__init(ceiling, inplace)
      if type(ceiling) == 'boolean' then ceiling, inplace = inplace, ceiling end
      parent.__init(self, 0, expect.number(self, ceiling, 'the ceiling'), inplace)
      self.ceiling = ceiling
   end
   -- files have the ceiling alone
   function Clipped:read(file, ...)
      parent.read(self, file, ...)
      self.min_val, self.max_val = 0, self.max_val or self.ceiling
   end
end

for _, name in ipairs { 'SoftMax', 'LogSoftMax', 'SpatialSoftMax', 'SpatialLogSoftMax', 'SpatialCrossMapLRN',
                        'BatchNormalization', 'SpatialBatchNormalization', 'VolumetricBatchNormalization' } do
   class(name, nil, choosing)
end
cudnn.BatchNormalization.__version = 2

-- Over the features of volumes: as over those of planes, with time and height as one.
for _, name in ipairs { 'SoftMax', 'LogSoftMax' } do
   local made, parent = class('Volumetric' .. name, 'cudnn.Spatial' .. name)
   local function flat(self, tensor, what)
      expect.tensor(self, tensor, what, 4, 5)
      local sizes, d = tensor:size():totable(), tensor:dim()
      sizes[d - 2] = sizes[d - 2] * sizes[d - 1]
      table.remove(sizes, d - 1)
      return tensor:contiguous():view(torch.LongStorage(sizes))
   end
   function made:updateOutput(input)
      self.output = parent.updateOutput(self, flat(self, input, 'input')):view(input:size())
      return self.output
   end
   function made:updateGradInput(input, gradOutput)
      local output = self.output
      self.output = flat(self, output, 'output')
      local gradient = parent.updateGradInput(self, flat(self, input, 'input'), flat(self, gradOutput, 'gradOutput'))
      self.output, self.gradInput = output, gradient:view(input:size())
      return self.gradInput
   end
end

-- The cross entropy of each place of a map, or of a volume.
for _, kind in ipairs { 'Spatial', 'Volumetric' } do
   local made, parent = torch.class('cudnn.' .. kind .. 'CrossEntropyCriterion', 'nn.Criterion')
   function made:__init(weights)
      parent.__init(self)
      self.slsm = cudnn[kind .. 'LogSoftMax']()
      self.nll = nn.SpatialClassNLLCriterion(weights)
   end
   local function planar(tensor, n)
      if kind == 'Spatial' or not torch.isTensor(tensor) then return tensor end
      local sizes, d = tensor:size():totable(), tensor:dim()
      sizes[d - 2] = sizes[d - 2] * sizes[d - 1]
      table.remove(sizes, d - 1)
      return tensor:contiguous():view(torch.LongStorage(sizes))
   end
   function made:updateOutput(input, target)
      local scores = self.slsm:updateOutput(input)
      self.output = self.nll:updateOutput(planar(scores), planar(target))
      return self.output
   end
   function made:updateGradInput(input, target)
      local outer = self.nll:updateGradInput(planar(self.slsm.output), planar(target))
      self.gradInput = self.slsm:updateGradInput(input, outer:view(self.slsm.output:size()))
      return self.gradInput
   end
end

---------------------------------------------------------------------------------------------------------- conversion

local NAMES = {}
for _, name in ipairs(convertible) do NAMES[name] = true end
-- classes whose numbers are those of another one
local ALIKE = { ['nn.SpatialConvolutionMM'] = 'SpatialConvolution',
   ['inn.SpatialCrossResponseNormalization'] = 'SpatialCrossMapLRN' }

-- Replaces the classes of a network by those of the other package: cudnn.convert(net, cudnn) or cudnn.convert(net, nn).
-- What `exclude` says yes to stays.
function cudnn.convert(net, dst, exclude)
   -- criteria of programs have the method too
   local replaces = type(net) == 'table' and torch.typename(net) and type(net.replace) == 'function'
   if not replaces or dst ~= nn and dst ~= cudnn then
      error('cudnn.convert: expected a network and the package nn or cudnn, got ' .. torch.type(net), 2)
   end
   local from, to = dst == nn and 'cudnn.' or 'nn.', dst == nn and 'nn.' or 'cudnn.'
   local told = false
   return net:replace(function(module)
      local typename = torch.type(module)
      if typename == 'nn.gModule' then
         if not told then
            io.stderr:write('Warning: cudnn.convert leaves the modules of nn.gModule as they are\n')
            told = true
         end
         return module
      end
      if exclude and exclude(module) then return module end
      local name = typename:sub(1, #from) == from and typename:sub(#from + 1)
      if ALIKE[typename] and dst == cudnn then name = ALIKE[typename] end
      if not name or not NAMES[name] then return module end
      if dst == nn and (module.groups or 1) > 1 then
         error(string.format('cudnn.convert: %s has no counterpart in nn, which has no groups', tostring(module)), 0)
      end
      local other = setmetatable({}, torch.getmetatable(to .. name))
      for k, v in next, module do other[k] = v end
      if typename == 'nn.SpatialConvolutionMM' then
         for _, field in ipairs { 'weight', 'gradWeight' } do
            if other[field] then
               other[field] = other[field]:view(other.nOutputPlane, other.nInputPlane, other.kH, other.kW)
            end
         end
      end
      if dst == cudnn and name:find('Convolution$') then other.groups = 1 end
      return other
   end)
end

require 'cudnn.RNN'
require('rekindle.absent').tell('cudnn', cudnn, 'class')

return cudnn
