-- Modules from tables of tensors to tensors and back. Rust computes what goes element by element.
local define = require 'nn.define'
local expect = require 'nn.expect'
local locate = require('nn.dimensions').locate

-- One gradient per input, of its size, kept from call to call.
local function gradients(self, input, count)
   expect.list(self, input, count or 1)
   count = count or #input
   if torch.type(self.gradInput) ~= 'table' then self.gradInput = {} end
   for i = #self.gradInput, count + 1, -1 do self.gradInput[i] = nil end
   for i = 1, count do
      self.gradInput[i] = (self.gradInput[i] or input[1].new()):resizeAs(input[i])
   end
   return self.gradInput
end

-- A class from its gradient: one(self, input, gradOutput, i, gradient) makes that of input `i`, of `count` or all.
local function elementwise(name, one, spec)
   spec = spec or {}
   spec.setup = function(self) self.gradInput = {} end
   local class, parent = define(name, spec)
   function class:updateGradInput(input, gradOutput)
      local all = gradients(self, input, spec.count)
      expect.gradElements(self, gradOutput, input[1])
      for i, gradient in ipairs(all) do one(self, input, gradOutput, i, gradient) end
      return self.gradInput
   end
   return class, parent
end

elementwise('CAddTable', function(self, _, gradOutput, _, gradient)
   if self.inplace then gradient:set(gradOutput) else gradient:copy(gradOutput) end
end, { options = { { 'inplace' } } })

do
   local CSubTable = elementwise('CSubTable', function(_, _, gradOutput, i, gradient)
      -- in the sizes of its own input, which may differ
      gradient:copy(gradOutput)
      if i == 2 then gradient:mul(-1) end
   end, { count = 2 })
   function CSubTable:updateOutput(input)
      expect.table(self, input, 'input', 2)
      -- more of them count for nothing, as in Torch7
      for i = 1, 2 do expect.tensor(self, input[i], string.format('input[%d]', i)) end
      return self.output:add(input[1], -1, input[2])
   end
end

do
   local CMulTable = elementwise('CMulTable', function(self, input, gradOutput, i, gradient)
      self:others(input, gradOutput, i, gradient)
   end, { scratch = { 'tout' } })
   -- Torch7's shortcut through the quotient; the plain way is as fast here, and right where an input is 0
   CMulTable.updateGradInput_efficient = CMulTable.updateGradInput
end

do
   local CDivTable = define('CDivTable', { setup = function(self) self.gradInput = {} end })
   function CDivTable:updateGradInput(input, gradOutput)
      local g = gradients(self, input, 2)
      expect.gradElements(self, gradOutput, input[1])
      self:quotients(input, gradOutput, g[1], g[2])
      return g
   end
end

for _, name in ipairs { 'CMaxTable', 'CMinTable' } do
   elementwise(name, function(self, input, gradOutput, i, gradient)
      self:chosen(input[i], gradOutput, self.maxIdx or self.minIdx, i, gradient)
   end)
end

do
   local options = { { 'dimension' }, { 'nInputDims' } }

   local function dimensionOf(self, tensor)
      expect.tensor(self, tensor, torch.isTypeOf(self, 'nn.JoinTable') and 'input[1]' or 'input')
      expect.whole(self, self.dimension, 'the dimension', -math.huge)
      local d = locate(self.dimension, tensor:dim(), self.nInputDims)
      if d < 1 or d > tensor:dim() then
         expect.fail(self, 'dimension %d does not exist in an input of %d dimensions', self.dimension, tensor:dim())
      end
      return d
   end

   local JoinTable, parent = define('JoinTable', {
      options = options,
      setup = function(self) self.size, self.gradInput = torch.LongStorage(), {} end,
   })
   function JoinTable:updateOutput(input)
      expect.list(self, input, 1)
      local d = dimensionOf(self, input[1])
      for i, part in ipairs(input) do
         if part:dim() < d then expect.fail(self, 'inputs of %d dimensions or more expected, got %s', d, expect.brief(part)) end
      end
      self.output:cat(input, d)
      local sizes = self.output:size()
      self.size:resize(#sizes):copy(sizes)
      return self.output
   end
   function JoinTable:updateGradInput(input, gradOutput)
      expect.list(self, input, 1)
      local d, offset, total = dimensionOf(self, input[1]), 1, 0
      expect.tensor(self, gradOutput, 'gradOutput')
      for _, part in ipairs(input) do total = total + (part:dim() >= d and part:size(d) or 0) end
      if gradOutput:dim() < d or gradOutput:size(d) < total then
         expect.fail(self, 'gradOutput of size %d in dimension %d expected, got %s', total, d, expect.brief(gradOutput))
      end
      for i, gradient in ipairs(gradients(self, input)) do
         if gradOutput:nElement() / gradOutput:size(d) * gradient:size(d) ~= gradient:nElement() then
            expect.fail(self, 'gradOutput does not fit input[%d]: got %s and %s', i, expect.brief(gradOutput), expect.brief(input[i]))
         end
         local n = gradient:size(d)
         gradient:copy(gradOutput:narrow(d, offset, n))
         offset = offset + n
      end
      return self.gradInput
   end
   function JoinTable:type(typename, ...)
      if typename then self.gradInput = {} end
      return parent.type(self, typename, ...)
   end

   local SplitTable = define('SplitTable', { options = options })
   function SplitTable:updateOutput(input)
      local d, slices = dimensionOf(self, input), {}
      for i = 1, input:size(d) do slices[i] = input:select(d, i) end
      self.output = slices
      return slices
   end
   function SplitTable:updateGradInput(input, gradOutput)
      local whole = self.gradInput
      if not whole then return end
      local d = dimensionOf(self, input)
      if input:dim() == 1 then expect.fail(self, 'the parts of a vector are numbers, which have no gradient') end
      whole:resizeAs(input)
      expect.table(self, gradOutput, 'gradOutput')
      if #gradOutput > input:size(d) then
         expect.fail(self, 'a table of %d gradients expected as gradOutput, got %d', input:size(d), #gradOutput)
      end
      for i, slice in ipairs(gradOutput) do
         local part = whole:select(d, i)
         expect.tensor(self, slice, string.format('gradOutput[%d]', i))
         if slice:nElement() ~= part:nElement() then
            expect.fail(self, 'gradOutput[%d] of %d elements expected, got %s', i, part:nElement(), expect.brief(slice))
         end
         part:copy(slice)
      end
      return whole
   end
end
