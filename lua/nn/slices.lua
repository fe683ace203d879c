-- Modules that pick a part of their input; the gradient of the rest is 0.
local define = require 'nn.define'
local fromStart = require('nn.dimensions').fromStart

-- A class whose output is a copy of part(self, input); `like(self, field, input)` gives the field to write into.
local function cutting(name, spec)
   local class = define(name, spec)
   local part, own = spec.part, spec.own or function(self, field) return self[field] end
   function class:updateOutput(input)
      local cut = part(self, input, input)
      return own(self, 'output', input):resizeAs(cut):copy(cut)
   end
   function class:updateGradInput(input, gradOutput)
      local whole = own(self, 'gradInput', input):resizeAs(input):zero()
      part(self, whole, input):copy(gradOutput)
      return whole
   end
end

cutting('Select', {
   options = { { 'dimension' }, { 'index' } },
   part = function(self, whole, input)
      local d = fromStart(self.dimension, input:dim())
      return whole:select(d, fromStart(self.index, input:size(d)))
   end,
})

cutting('Narrow', {
   options = { { 'dimension' }, { 'index' }, { 'length', 1 } },
   setup = function(self)
      assert(self.dimension and self.index, 'nn.Narrow: a dimension, an offset and perhaps a length expected')
   end,
   -- A negative length counts from the end: -1 reaches the last. With a negative offset, what remains is everything
   -- before the last elements, as many as the length says; -1 counts from the very end.
   part = function(self, whole, input)
      local d, first, length = fromStart(self.dimension, input:dim()), self.index, self.length
      local n = input:size(d)
      if first < 0 then
         first, length = 1, fromStart(first, n) - length
      elseif length < 0 then
         length = fromStart(length, n) + 1 - first
      end
      return whole:narrow(d, first, length)
   end,
   own = function(self, field, input)
      self[field] = self[field]:typeAs(input)
      return self[field]
   end,
})

do
   local SelectTable = define('SelectTable', {
      options = { { 'index' } },
      setup = function(self) self.gradInput = {} end,
      text = function(self) return '(' .. tostring(self.index) .. ')' end,
   })
   local function key(self, input)
      return type(self.index) == 'number' and fromStart(self.index, #input) or self.index
   end
   function SelectTable:updateOutput(input)
      self.output = input[key(self, input)]
      if self.output == nil then error('nn.SelectTable: the input has no entry ' .. tostring(self.index)) end
      return self.output
   end
   function SelectTable:updateGradInput(input, gradOutput)
      local chosen, gradients = key(self, input), nn.utils.zerosLike(input)
      gradients[chosen] = nn.utils.recursiveCopy(gradients[chosen], gradOutput)
      self.gradInput = gradients
      return gradients
   end
   -- the output is the caller's tensor
   function SelectTable:clearState() return nn.utils.letGo(self) end
end

do
   local NarrowTable = define('NarrowTable', {
      options = { { 'offset', nil, 'number' }, { 'length', 1, 'number' } },
      setup = function(self)
         assert(self.offset, 'nn.NarrowTable: the place of the first entry expected, got nothing')
         self.output, self.gradInput = {}, {}
      end,
   })
   function NarrowTable:updateOutput(input)
      self.output = { unpack(input, self.offset, self.offset + self.length - 1) }
      return self.output
   end
   function NarrowTable:updateGradInput(input, gradOutput)
      local gradients, before = nn.utils.zerosLike(input), self.offset - 1
      for i = 1, self.length do
         gradients[before + i] = nn.utils.recursiveCopy(gradients[before + i], gradOutput[i])
      end
      self.gradInput = gradients
      return gradients
   end
end
