-- Modules from tables of tensors to tensors and back. Rust computes what goes element by element.
local define = require 'nn.define'
local expect = require 'nn.expect'
local locate = require('nn.dimensions').locate

-- One tensor per input, kept from call to call, whatever its size. Inputs are of the module's type; where `check` is
-- expect.anyTensor they may be of any, and each gets a tensor of its own.
local function places(self, input, count, check)
   expect.list(self, input, count or 1, check)
   count = count or #input
   local list = self.gradInput
   if type(list) ~= 'table' or torch.typename(list) then
      list = {}
      self.gradInput = list
   end
   for i = #list, count + 1, -1 do list[i] = nil end
   for i = 1, count do
      if not list[i] or check and torch.typename(list[i]) ~= torch.typename(input[i]) then list[i] = input[i].new() end
   end
   return list
end

-- One gradient per input, of its size.
local function gradients(self, input, count, check)
   local list = places(self, input, count, check)
   for i, gradient in ipairs(list) do gradient:resizeAs(input[i]) end
   return list
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

do
   local CAddTable = define('CAddTable', { options = { { 'inplace' } }, setup = function(self) self.gradInput = {} end })
   function CAddTable:updateGradInput(input, gradOutput)
      expect.list(self, input, 1)
      expect.gradElements(self, gradOutput, input[1])
      if self.inplace then
         for _, gradient in ipairs(gradients(self, input)) do gradient:set(gradOutput) end
      else
         self:copies(input, gradOutput, places(self, input))
      end
      return self.gradInput
   end
end

do
   local CSubTable = elementwise('CSubTable', function(_, input, gradOutput, i, gradient)
      -- in the sizes of its own input, which may differ
      local own = input[i]
      if i == 2 then gradient:mul(gradOutput, -1):resizeAs(own) else gradient:copy(gradOutput) end
   end, { count = 2 })
   function CSubTable:updateOutput(input)
      expect.table(self, input, 'input', 2)
      -- more of them count for nothing, as in Torch7
      for i = 1, 2 do expect.tensor(self, input[i], string.format('input[%d]', i)) end
      return self.output:add(input[1], -1, input[2])
   end
end

do
   local CMulTable = define('CMulTable', { setup = function(self) self.gradInput = {} end, scratch = { 'tout' } })
   function CMulTable:updateGradInput(input, gradOutput)
      local list = places(self, input)
      expect.gradElements(self, gradOutput, input[1])
      self:others(input, gradOutput, list)
      return self.gradInput
   end
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
   local class = define(name, { setup = function(self) self.gradInput = {} end })
   function class:updateGradInput(input, gradOutput)
      local all, chosen = places(self, input), self.maxIdx or self.minIdx
      expect.gradElements(self, gradOutput, input[1])
      expect.forwardFirst(self, chosen)
      self:chosen(input, gradOutput, chosen, all)
      return all
   end
end

do
   local options = { { 'dimension' }, { 'nInputDims' } }

   -- The dimension of a tensor, counted from the start and past that of a batch.
   local function positive(self, tensor, what)
      expect.anyTensor(self, tensor, what)
      expect.place(self, self.dimension, 'the dimension')
      if self.nInputDims then expect.place(self, self.nInputDims, 'the number of input dimensions') end
      return locate(self.dimension, tensor:dim(), self.nInputDims)
   end

   -- That dimension of the input, which is a table where `tensor` is its first, as the class has it.
   local function dimensionOf(self, input, tensor)
      expect.anyTensor(self, tensor, tensor == input and 'input' or 'input[1]')
      local d = self:_getPositiveDimension(input)
      if d < 1 or d > tensor:dim() then
         expect.fail(self, 'dimension %d does not exist in an input of %d dimensions', self.dimension, tensor:dim())
      end
      return d
   end

   local JoinTable, parent = define('JoinTable', {
      options = options,
      setup = function(self) self.size, self.gradInput = torch.LongStorage(), {} end,
   })
   function JoinTable:_getPositiveDimension(input)
      return positive(self, expect.table(self, input, 'input')[1], 'input[1]')
   end
   function JoinTable:updateOutput(input)
      expect.list(self, input, 1, expect.anyTensor)
      local d = dimensionOf(self, input, input[1])
      for i, part in ipairs(input) do
         if part:dim() < d then expect.fail(self, 'inputs of %d dimensions or more expected, got %s', d, expect.brief(part)) end
      end
      self.output:cat(nn.utils.inType(input, torch.typename(self.output)), d)
      local sizes = self.output:size()
      self.size:resize(#sizes):copy(sizes)
      return self.output
   end
   function JoinTable:updateGradInput(input, gradOutput)
      expect.list(self, input, 1, expect.anyTensor)
      local d, offset, total = dimensionOf(self, input, input[1]), 1, 0
      expect.anyTensor(self, gradOutput, 'gradOutput')
      for _, part in ipairs(input) do total = total + (part:dim() >= d and part:size(d) or 0) end
      if gradOutput:dim() < d or gradOutput:size(d) < total then
         expect.fail(self, 'gradOutput of size %d in dimension %d expected, got %s', total, d, expect.brief(gradOutput))
      end
      for i, gradient in ipairs(gradients(self, input, nil, expect.anyTensor)) do
         if gradOutput:nElement() / gradOutput:size(d) * gradient:size(d) ~= gradient:nElement() then
            expect.fail(self, 'gradOutput does not fit input[%d]: got %s and %s', i, expect.brief(gradOutput, input[i]), expect.brief(input[i], gradOutput))
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
   function SplitTable:_getPositiveDimension(input) return positive(self, input, 'input') end
   function SplitTable:updateOutput(input)
      local d = dimensionOf(self, input, input)
      -- the parts of a vector are numbers
      self.output = input:dim() == 1 and input:totable() or self:slices(input, d)
      return self.output
   end
   function SplitTable:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local d = dimensionOf(self, expect.tensor(self, input, 'input'), input)
      if input:dim() == 1 then expect.fail(self, 'the parts of a vector are numbers, which have no gradient') end
      expect.table(self, gradOutput, 'gradOutput')
      for i, slice in ipairs(gradOutput) do expect.tensor(self, slice, string.format('gradOutput[%d]', i)) end
      self:join(input, gradOutput, d)
      return self.gradInput
   end
end
