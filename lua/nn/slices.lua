-- Modules that pick a part of their input; the gradient of the rest is 0.
local define = require 'nn.define'
local expect = require 'nn.expect'
local fromStart = require('nn.dimensions').fromStart

-- A class whose output is a copy of part(self, input); `own(self, field, input)` gives the field to write into, which
-- may take the input's type.
local function cutting(name, spec)
   local class = define(name, spec)
   local part, own = spec.part, spec.own or function(self, field) return self[field] end
   local check = spec.own and expect.anyTensor or expect.tensor
   function class:updateOutput(input)
      local cut = part(self, check(self, input, 'input', 1, math.huge), input)
      return own(self, 'output', input):resizeAs(cut):copy(cut)
   end
   function class:updateGradInput(input, gradOutput)
      check(self, input, 'input', 1, math.huge)
      local whole = own(self, 'gradInput', input):resizeAs(input)
      local place = part(self, whole, input)
      expect.anyTensor(self, gradOutput, 'gradOutput')
      if gradOutput:nElement() ~= place:nElement() then
         expect.fail(self, 'gradOutput of %d elements expected, got %s', place:nElement(), expect.brief(gradOutput))
      end
      whole:zero()
      place:copy(gradOutput)
      return whole
   end
end

-- The dimension and its size, checked.
local function dimension(self, input)
   local d = fromStart(expect.place(self, self.dimension, 'the dimension'), input:dim())
   if d < 1 or d > input:dim() then
      expect.fail(self, 'there is no dimension %d in the input, %s', self.dimension, expect.brief(input))
   end
   return d, input:size(d)
end

cutting('Select', {
   options = { { 'dimension' }, { 'index' } },
   part = function(self, whole, input)
      if input:dim() < 2 then
         expect.fail(self, 'input of 2 or more dimensions expected, got %s', expect.brief(input))
      end
      local d, n = dimension(self, input)
      local index = fromStart(expect.place(self, self.index, 'the index'), n)
      if index < 1 or index > n then
         expect.fail(self, 'there is no entry %d in dimension %d of the input, %s', self.index, d, expect.brief(input))
      end
      return whole:select(d, index)
   end,
})

cutting('Narrow', {
   options = { { 'dimension' }, { 'index' }, { 'length', 1 } },
   setup = function(self)
      for _, field in ipairs { 'dimension', 'index', 'length' } do expect.number('Narrow', self[field], field) end
   end,
   -- A negative length counts from the end: -1 reaches the last. With a negative offset, what remains is everything
   -- before the last elements, as many as the length says; -1 counts from the very end.
   part = function(self, whole, input)
      local d, n = dimension(self, input)
      local first, length = self.index, self.length
      if first < 0 then
         first, length = 1, fromStart(first, n) - length
      elseif length < 0 then
         length = fromStart(length, n) + 1 - first
      end
      if first < 1 or length < 1 or first + length - 1 > n then
         expect.fail(self, 'the entries from %d on, %d of them, are not all in dimension %d of the input, %s', first,
            length, d, expect.brief(input))
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
      if type(input) ~= 'table' and not torch.isTensor(input) then
         expect.fail(self, 'a table expected as input, got %s', expect.brief(input))
      end
      local at = key(self, input)
      if torch.isTensor(input) and not (type(at) == 'number' and input:dim() > 0 and at >= 1 and at <= input:size(1)) then
         expect.fail(self, 'the input has no entry %s, it is %s', tostring(self.index), expect.brief(input))
      end
      self.output = input[at]
      if self.output == nil then
         expect.fail(self, 'the input has no entry %s, it is %s', tostring(self.index), expect.brief(input))
      end
      return self.output
   end
   function SelectTable:updateGradInput(input, gradOutput)
      expect.nested(self, input, 'input')
      expect.nested(self, gradOutput, 'gradOutput')
      local chosen, gradients = key(self, input), nn.utils.zerosLike(input)
      if torch.isTensor(input) then
         local fits = chosen >= 1 and input:dim() > 1 and chosen <= input:size(1)
         if not fits or not torch.isTensor(gradOutput) or gradOutput:nElement() ~= input[chosen]:nElement() then
            expect.fail(self, 'gradOutput of an entry of the input expected, got %s for %s', expect.brief(gradOutput),
               expect.brief(input))
         end
      end
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
         expect.number('NarrowTable', self.offset, 'the place of the first entry')
         self.output, self.gradInput = {}, {}
      end,
   })
   function NarrowTable:updateOutput(input)
      expect.table(self, input, 'input')
      self.output = { unpack(input, self.offset, self.offset + self.length - 1) }
      return self.output
   end
   function NarrowTable:updateGradInput(input, gradOutput)
      expect.nested(self, expect.table(self, gradOutput, 'gradOutput', self.length), 'gradOutput')
      expect.nested(self, expect.table(self, input, 'input'), 'input')
      local gradients, before = nn.utils.zerosLike(input), self.offset - 1
      for i = 1, self.length do
         gradients[before + i] = nn.utils.recursiveCopy(gradients[before + i], gradOutput[i])
      end
      self.gradInput = gradients
      return gradients
   end
end

-- A class over { tensor, what says which elements }: take(result, tensor, which, self) and back(gradient, which,
-- gradOutput, self), which adds to zeros. What says which has zeros as its gradient, of its own type with `zeros`.
local function picking(name, spec)
   local host = 'torch.' .. spec.kind .. 'Tensor'
   local class, parent = define(name, {
      options = spec.options,
      setup = function(self)
         if spec.setup then spec.setup(self) end
         self.gradInput = { torch.Tensor(), (spec.zeros and torch.getconstructortable(host) or torch.Tensor)() }
      end,
   })
   local function parts(self, input)
      if torch.type(input) ~= 'table' or #input ~= 2 then
         expect.fail(self, 'a table of a tensor and %s expected as input, got %s', spec.says, expect.brief(input))
      end
      local which = input[2]
      expect.tensor(self, input[1], 'input[1]', 1, math.huge)
      -- the host's, or one that lies where the tensor does
      local typename, given = torch._beside(input[1], spec.kind), torch.typename(which)
      if given ~= typename and given ~= host then
         expect.fail(self, '%s, a %s, expected as input[2], got a %s', spec.says, typename, torch.type(which))
      end
      spec.check(self, input[1], which)
      return input[1], which
   end
   function class:updateOutput(input)
      local tensor, which = parts(self, input)
      spec.take(self.output, tensor, which, self)
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      local tensor, which = parts(self, input)
      expect.tensor(self, gradOutput, 'gradOutput')
      local count = spec.count(tensor, which, self)
      if gradOutput:nElement() ~= count then
         expect.fail(self, 'gradOutput of %d elements expected, got %s', count, expect.brief(gradOutput))
      end
      local gradients = torch.type(self.gradInput) == 'table' and self.gradInput or {}
      self.gradInput = gradients
      gradients[1] = (gradients[1] or tensor.new()):resizeAs(tensor):zero()
      local like = spec.zeros and which or tensor
      local zeros = gradients[2]
      if not zeros or spec.zeros and torch.typename(zeros) ~= torch.typename(which) then zeros = like.new() end
      gradients[2] = zeros:resize(which:size()):zero()
      spec.back(gradients[1], which, gradOutput, self)
      return gradients
   end
   -- gradients of a type of their own keep it
   if spec.zeros then
      function class:type(typename_, ...)
         if not typename_ then return self._type end
         self.gradInput = {}
         return parent.type(self, typename_, ...)
      end
   end
   return class
end

picking('Index', {
   options = { { 'dimension' } },
   setup = function(self) expect.whole('Index', self.dimension, 'the dimension', 1) end,
   kind = 'Long',
   says = 'places',
   check = function(self, tensor, places)
      local d = self.dimension
      if d > tensor:dim() then
         expect.fail(self, 'input[1] of %d dimensions or more expected, got %s', d, expect.brief(tensor))
      end
      if places:dim() ~= 1 then
         expect.fail(self, 'a vector of places expected as input[2], got %s', expect.brief(places))
      end
      local low, high = places:min(), places:max()
      if low < 1 or high > tensor:size(d) then
         expect.fail(self, 'places from 1 to %d expected in input[2], got %d', tensor:size(d), low < 1 and low or high)
      end
   end,
   count = function(tensor, places, self)
      return tensor:nElement() / tensor:size(self.dimension) * places:nElement()
   end,
   take = function(output, tensor, places, self) output:index(tensor, self.dimension, places) end,
   back = function(gradient, places, gradOutput, self)
      gradient:indexAdd(self.dimension, places, gradOutput)
   end,
})

picking('MaskedSelect', {
   kind = 'Byte',
   zeros = true,
   says = 'a mask',
   check = function(self, tensor, mask)
      if tensor:nElement() ~= mask:nElement() then
         expect.fail(self, 'a mask with an element for each of the tensor expected, got %s for %s', expect.brief(mask),
            expect.brief(tensor))
      end
   end,
   count = function(_, mask) return mask:sum() end,
   take = function(output, tensor, mask) output:maskedSelect(tensor, mask) end,
   back = function(gradient, mask, gradOutput) gradient:maskedCopy(mask, gradOutput) end,
})
