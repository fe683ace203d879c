-- Containers whose modules work side by side: on one input (Concat, ConcatTable) or on one each (ParallelTable).
local define = require 'nn.define'
local expect = require 'nn.expect'

-- Lets `list` have n entries at most.
local function trim(list, n)
   for i = #list, n + 1, -1 do list[i] = nil end
   return list
end

-- The gradient of a common input: what the modules return, added up. Tables are added up entry by entry.
local function addUp(self, i, part)
   local utils, sum = nn.utils, self.gradInput
   local same = torch.type(sum) == torch.type(part)
   if i > 1 then
      if not same or torch.isTensor(sum) and sum:nElement() ~= part:nElement() then
         expect.fail(self, 'module %d gives %s as gradient where those before gave %s', i, expect.brief(part), expect.brief(sum))
      end
      utils.recursiveAdd(sum, part)
   else
      if not same then sum = torch.isTensor(part) and part.new() or {} end
      self.gradInput = utils.recursiveCopy(sum, part)
   end
end

-- A class from what its modules get and give:
--   count(self, input)           how many of the modules work, usually all
--   input(input, i, self)        the input of module i
--   split(self, gradOutput)      a function that gives each module's gradient, called in their order
--   start(self, input)           prepares self.gradInput, where it needs to be
--   merge(self, i, gradient)     takes a module's gradient into it
--   join(self, outputs)          makes the output of the modules'
local function branching(name, spec)
   spec.parent = 'nn.Container'
   local class = define(name, spec)
   local count = spec.count or function(self) return #self.modules end

   local function backwards(self, method, input, gradOutput, by, merge)
      local gradientOf = spec.split(self, gradOutput)
      for i = 1, count(self, input) do
         local gradient = self:rethrowErrors(self.modules[i], i, method, spec.input(input, i, self), gradientOf(i), by)
         if merge then merge(self, i, gradient) end
      end
   end
   local function gradient(self, method, input, gradOutput, by)
      if spec.start then spec.start(self, input) end
      backwards(self, method, input, gradOutput, by, spec.merge)
      return self.gradInput
   end
   function class:updateGradInput(input, gradOutput) return gradient(self, 'updateGradInput', input, gradOutput) end
   function class:backward(input, gradOutput, scale)
      return gradient(self, 'backward', input, gradOutput, scale or 1)
   end
   for _, method in ipairs { 'accGradParameters', 'accUpdateGradParameters' } do
      class[method] = function(self, input, gradOutput, by)
         if by == nil and method == 'accGradParameters' then by = 1 end
         backwards(self, method, input, gradOutput, by)
      end
   end

   function class:updateOutput(input)
      local parts = {}
      for i = 1, count(self, input) do
         parts[i] = self:rethrowErrors(self.modules[i], i, 'updateOutput', spec.input(input, i, self))
      end
      return spec.join(self, parts)
   end
   class.__tostring__ = nn.utils.branchText
   return class
end

local function common(input) return input end
local function own(input, i) return input[i] end
-- A gradient for each module, from a table or the rows of a tensor.
local function entries(self, gradOutput)
   local n = #self.modules
   local rows = torch.isTensor(gradOutput) and (gradOutput:dim() > 0 and gradOutput:size(1) or 0)
   if not rows and torch.type(gradOutput) ~= 'table' or rows and rows < n then
      expect.fail(self, 'a table with a gradient for each of %d modules expected as gradOutput, got %s', n,
         expect.brief(gradOutput))
   end
   return function(i) return gradOutput[i] end
end

-- The modules' outputs are the entries of a table, which stays the same from call to call.
local function listed(self, parts)
   if torch.type(self.output) ~= 'table' then self.output = {} end
   for i, part in ipairs(parts) do self.output[i] = part end
   return trim(self.output, #parts)
end

do
   -- Outputs side by side along a dimension. What a subclass may place otherwise: the window of an output in the whole,
   -- which starts at `first`, and the size of the whole in the other dimensions.
   local Concat = branching('Concat', {
      options = { { 'dimension' } },
      setup = function(self) self.outputSize = torch.LongStorage() end,
      input = common,
      merge = addUp,
      split = function(self, gradOutput)
         local first = 1
         expect.tensor(self, gradOutput, 'gradOutput')
         expect.forwardFirst(self, self.output:dim() > 0)
         local d = self.dimension
         if gradOutput:dim() ~= self.output:dim() or gradOutput:size(d) < self.output:size(d) then
            expect.gradOutput(self, gradOutput, self.output)
         end
         return function(i)
            local output = self.modules[i].output
            local window = self:windowNarrow(gradOutput, output, first)
            first = first + output:size(self.dimension)
            return window
         end
      end,
      join = function(self, parts)
         if #parts == 0 then return self.output end
         expect.whole(self, self.dimension, 'the dimension', 1)
         for i, part in ipairs(parts) do
            expect.anyTensor(self, part, string.format('the output of module %d', i))
            if part:dim() < self.dimension then
               expect.fail(self, 'outputs of %d dimensions or more expected, to be joined along dimension %d; module %d gives %s',
                  self.dimension, self.dimension, i, expect.brief(part))
            end
         end
         local sizes, total = self:around(parts), 0
         for _, part in ipairs(parts) do total = total + part:size(self.dimension) end
         sizes[self.dimension] = total
         self.outputSize:resize(#sizes):copy(sizes)
         self:clean(self.output:resize(sizes))
         local first = 1
         for _, part in ipairs(parts) do
            self:windowNarrow(self.output, part, first):copy(part)
            first = first + part:size(self.dimension)
         end
         return self.output
      end,
   })
   function Concat:windowNarrow(whole, part, first)
      if not torch.isTensor(whole) or not torch.isTensor(part) then
         expect.fail(self, 'windowNarrow: two tensors expected, got %s and %s', expect.brief(whole), expect.brief(part))
      end
      return whole:narrow(self.dimension, first, part:size(self.dimension))
   end
   function Concat:around(parts)
      return expect.anyTensor(self, expect.table(self, parts, 'outputs', 1)[1], 'the first output'):size()
   end
   function Concat:clean() end

   -- Smaller outputs lie in the middle of the largest, with zeros around.
   local DepthConcat, parent = torch.class('nn.DepthConcat', 'nn.Concat')
   function DepthConcat:windowNarrow(whole, part, first)
      local window = parent.windowNarrow(self, whole, part, first)
      for d = 1, whole:dim() do
         local rest = whole:size(d) - part:size(d)
         if d ~= self.dimension and rest > 0 then window = window:narrow(d, math.floor(rest / 2) + 1, part:size(d)) end
      end
      return window
   end
   function DepthConcat:around(parts)
      local sizes = parent.around(self, parts)
      for _, part in ipairs(parts) do
         for d = 1, #sizes do sizes[d] = math.max(sizes[d], part:size(d)) end
      end
      return sizes
   end
   function DepthConcat:clean(whole) expect.tensor(self, whole, 'the output'):zero() end
   -- Torch7 leaves the scale out here
   function DepthConcat:backward(input, gradOutput) return parent.backward(self, input, gradOutput) end
end

do
   -- Each module gets a slice of the input, as many as there are.
   local dimensions = { { 'inputDimension' }, { 'outputDimension' } }
   branching('Parallel', {
      options = dimensions,
      setup = function(self) self.totalOutputSize = torch.LongStorage() end,
      count = function(self, input)
         expect.anyTensor(self, input, 'input', 1, math.huge)
         local n = input:size(expect.whole(self, self.inputDimension, 'inputDimension', 1, input:dim()))
         if n > #self.modules then
            expect.fail(self, 'at most %d slices expected, one per module, got %d', #self.modules, n)
         end
         return n
      end,
      input = function(input, i, self) return input:select(self.inputDimension, i) end,
      split = function(self, gradOutput)
         local d, first = self.outputDimension, 1
         expect.anyTensor(self, gradOutput, 'gradOutput')
         expect.forwardFirst(self, self.output:dim() >= d)
         if gradOutput:dim() ~= self.output:dim() or gradOutput:size(d) < self.output:size(d) then
            expect.gradOutput(self, gradOutput, self.output)
         end
         return function(i)
            local n = self.modules[i].output:size(d)
            first = first + n
            return gradOutput:narrow(d, first - n, n)
         end
      end,
      start = function(self, input)
         expect.tensor(self, input, 'input')
         self.gradInput:resizeAs(input):zero()
      end,
      merge = function(self, i, gradient)
         local slice = self.gradInput:select(self.inputDimension, i)
         expect.anyTensor(self, gradient, string.format('the gradient of module %d', i))
         expect.forwardFirst(self, gradient:nElement() == slice:nElement())
         slice:copy(gradient)
      end,
      join = function(self, parts)
         local first = parts[1]
         expect.whole(self, self.outputDimension, 'outputDimension', 1, first and first:dim() or math.huge)
         return self.output:cat(nn.utils.inType(parts, torch.typename(self.output)), self.outputDimension)
      end,
   })
end

branching('ConcatTable', {
   setup = function(self) self.output = {} end,
   input = common,
   merge = addUp,
   split = entries,
   join = listed,
})

branching('ParallelTable', {
   setup = function(self) self.output, self.gradInput = {}, {} end,
   input = own,
   count = function(self, input)
      local n = #self.modules
      -- the rows of a tensor are inputs too
      local rows = torch.isTensor(input) and (input:dim() > 0 and input:size(1) or 0)
      local fits = rows and rows >= n or type(input) == 'table'
      for i = 1, fits and not rows and n or 0 do fits = fits and input[i] ~= nil end
      if not fits then
         expect.fail(self, 'a table with an input for each of %d modules expected, got %s', n, expect.brief(input))
      end
      return n
   end,
   start = function(self)
      if torch.type(self.gradInput) ~= 'table' then self.gradInput = {} end
      trim(self.gradInput, #self.modules)
   end,
   merge = function(self, i, gradient) self.gradInput[i] = gradient end,
   split = entries,
   join = listed,
})
