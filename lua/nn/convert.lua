-- nn.Convert: from one order of dimensions to another, and to the module's own type of tensor. A letter stands for each
-- dimension: b batch, c channels, h height, w width, t time or target, f features. Fields and methods are Torch7's.
local expect = require 'nn.expect'
local Convert, parent = torch.class('nn.Convert', 'nn.Container')

local ANY = 'b*'

function Convert:__init(inputShape, outputShape)
   parent.__init(self)
   for i = 1, 2 do
      local shape = select(i, inputShape, outputShape)
      if shape ~= nil and type(shape) ~= 'string' then
         expect.fail('Convert', 'shapes like "bchw" expected, got %s', expect.brief(shape))
      end
   end
   if outputShape and not inputShape then expect.fail('Convert', 'an input shape expected with the output shape') end
   self.inputShape = inputShape or ANY
   self.outputShape = outputShape or self.inputShape
   if (self.inputShape == ANY) ~= (self.outputShape == ANY) then
      expect.fail('Convert', 'shape "b*" on both sides or on none expected, got "%s" and "%s"', self.inputShape,
         self.outputShape)
   end
   if self.inputShape == ANY then return end
   -- shapes without a batch mean samples; a batch may come before them
   for _, side in ipairs { 'inputShape', 'outputShape' } do
      if not self:findAxis('b', self[side], true) then self[side] = 'b' .. self[side] end
   end
   self.inputBatchDim = self:findAxis('b', self.inputShape)
   self.outputBatchDim = self:findAxis('b', self.outputShape)
   self.nInputDim, self.nOutputDim = #self.inputShape, #self.outputShape
   -- whether the output has the same dimensions in another order
   self.transposition = self.nInputDim == self.nOutputDim
   for axis in self.inputShape:gmatch('.') do
      self.transposition = self.transposition and self.outputShape:find(axis, 1, true) ~= nil
   end
end

-- The place of a letter in a shape, by default the input's; an error where it is not there, unless `silent`.
function Convert:findAxis(axis, shape, silent)
   shape = shape or self.inputShape
   if type(axis) ~= 'string' or type(shape) ~= 'string' then
      local wrong = type(axis) ~= 'string' and axis
      if type(axis) == 'string' then wrong = shape end
      expect.fail(self, 'findAxis: a letter and a shape expected, got %s', expect.brief(wrong))
   end
   local place = shape:find(axis, 1, true)
   if not place and not silent then expect.fail(self, 'there is no axis "%s" in the shape "%s"', axis, shape) end
   return place
end

function Convert:transpose()
   local order, swaps = {}, {}
   for axis in self.inputShape:gmatch('.') do order[#order + 1] = axis end
   for place = 1, #order do
      local wanted = self.outputShape:sub(place, place)
      for other = place + 1, #order do
         if order[place] ~= wanted and order[other] == wanted then
            order[place], order[other] = order[other], order[place]
            swaps[#swaps + 1] = { place, other }
         end
      end
   end
   return nn.Transpose(unpack(swaps))
end

local function cannot(self)
   expect.fail(self, 'cannot convert from shape "%s" to "%s"', self.inputShape, self.outputShape)
end

-- One number per sample: the first target, or the only feature.
function Convert:b(input)
   if self.inputShape == 'bt' or self.inputShape == 'tb' then return nn.Select(self:findAxis('t'), 1) end
   if self.inputShape ~= 'bf' and self.inputShape ~= 'fb' then cannot(self) end
   local f = self:findAxis('f')
   if input:size(f) > 1 then
      expect.fail(self, 'one feature expected to convert from "%s" to "b", got %d', self.inputShape, input:size(f))
   end
   return nn.Select(f, 1)
end

-- Features in a row: the batch comes first, everything else is one dimension.
function Convert:bf()
   local b = self:findAxis('b')
   if self.inputShape == 'b' then return nn.Unsqueeze(2) end
   local net = nn.Sequential()
   if b ~= 1 then net:add(nn.Transpose { 1, b }) end
   return net:add(nn.Collapse(self.nInputDim - 1))
end
function Convert:bt()
   if self.inputShape == 'b' then return nn.Unsqueeze(2) end
   return self:bf()
end

-- What is not known by its name.
function Convert:default() cannot(self) end

function Convert:buildConverter(input)
   if self.outputShape == ANY then return nn.Identity() end
   if self.transposition then return self:transpose() end
   local method = #self.outputShape <= 2 and Convert[self.outputShape] or self.default
   return method(self, input)
end

local function inside(self, field, sizes, tensor)
   local view = self[field] or tensor.new()
   self[field] = view
   return view:view(tensor:contiguous(), torch.LongStorage(sizes))
end

-- The input in the module's type, with a batch of one if it has none though the shape has; then whether it had.
local function prepare(self, input)
   expect.anyTensor(self, input, 'input', 1, math.huge)
   if torch.typename(input) ~= torch.typename(self.output) then
      self._input = (self._input or self.output.new()):resize(input:size()):copy(input)
      input = self._input
   end
   if self.inputShape == ANY then return input, true end
   local batch = input:dim() >= self.nInputDim
   if not batch and input:dim() == self.nInputDim - 1 then
      local sizes = input:size():totable()
      table.insert(sizes, self.inputBatchDim, 1)
      return inside(self, '__input', sizes, input), false
   end
   if input:dim() ~= self.nInputDim then
      expect.fail(self, 'an input of %d dimensions expected for the shape "%s", got %s', self.nInputDim, self.inputShape,
         expect.brief(input))
   end
   return input, true
end

function Convert:updateOutput(input)
   local value, batch = prepare(self, input)
   if not self.converter then
      self.converter = self:buildConverter(value):type(torch.typename(self.output))
      self.modules[1] = self.converter
   end
   self.output = self.converter:updateOutput(value)
   expect.remember(self, input)
   if not batch then
      local sizes = self.output:size():totable()
      table.remove(sizes, self.outputBatchDim)
      if #sizes > 0 then self.output = inside(self, '__output', sizes, self.output) end
   end
   return self.output
end

function Convert:updateGradInput(input, gradOutput)
   expect.forwardFirst(self, self.converter)
   local value, batch = prepare(self, input)
   expect.gradOutput(self, gradOutput, self.output)
   expect.remembered(self, input)
   if not batch then gradOutput = gradOutput:contiguous():view(self.converter.output:size()) end
   local gradient = self.converter:updateGradInput(value, gradOutput)
   self.gradInput = batch and gradient or inside(self, '__gradInput', input:size():totable(), gradient)
   return self.gradInput
end

-- a converter has no parameters
function Convert:accGradParameters() end
function Convert:accUpdateGradParameters() end

local scratch = { '_input', '__input', '__output', '__gradInput' }
function Convert:clearState()
   for _, field in ipairs(scratch) do self[field] = nil end
   return parent.clearState(self)
end

-- Another type is another converter.
function Convert:type(typename, ...)
   if not typename then return self._type end
   self:clearState()
   self.converter, self.modules[1] = nil, nil
   return parent.type(self, typename, ...)
end
