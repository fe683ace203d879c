-- Containers whose modules work side by side: on one input (Concat, ConcatTable) or on one each (ParallelTable).
local define = require 'nn.define'

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
      if not same then
         error(string.format('%s: module %d gives a %s as gradient where those before gave a %s', torch.type(self), i,
            torch.type(part), torch.type(sum)))
      end
      utils.recursiveAdd(sum, part)
   else
      if not same then sum = torch.isTensor(part) and part.new() or {} end
      self.gradInput = utils.recursiveCopy(sum, part)
   end
end

-- A class from what its modules get and give:
--   input(input, i)              the input of module i
--   split(self, gradOutput)      a function that gives each module's gradient, called in their order
--   start(self)                  prepares self.gradInput, where it needs to be
--   merge(self, i, gradient)     takes a module's gradient into it
--   join(self, outputs)          makes the output of the modules'
local function branching(name, spec)
   spec.parent = 'nn.Container'
   local class = define(name, spec)

   local function backwards(self, method, input, gradOutput, by, merge)
      local gradientOf = spec.split(self, gradOutput)
      for i, module in ipairs(self.modules) do
         local gradient = self:rethrowErrors(module, i, method, spec.input(input, i), gradientOf(i), by)
         if merge then merge(self, i, gradient) end
      end
   end
   local function gradient(self, method, input, gradOutput, by)
      if spec.start then spec.start(self) end
      backwards(self, method, input, gradOutput, by, spec.merge)
      return self.gradInput
   end
   function class:updateGradInput(input, gradOutput) return gradient(self, 'updateGradInput', input, gradOutput) end
   function class:backward(input, gradOutput, scale) return gradient(self, 'backward', input, gradOutput, scale or 1) end
   for _, method in ipairs { 'accGradParameters', 'accUpdateGradParameters' } do
      class[method] = function(self, input, gradOutput, by)
         if by == nil and method == 'accGradParameters' then by = 1 end
         backwards(self, method, input, gradOutput, by)
      end
   end

   function class:updateOutput(input)
      local parts = {}
      for i, module in ipairs(self.modules) do
         parts[i] = self:rethrowErrors(module, i, 'updateOutput', spec.input(input, i))
      end
      return spec.join(self, parts)
   end
   class.__tostring__ = nn.utils.branchText
   return class
end

local function common(input) return input end
local function own(input, i) return input[i] end
local function entries(_, gradOutput) return function(i) return gradOutput[i] end end

-- The modules' outputs are the entries of a table, which stays the same from call to call.
local function listed(self, parts)
   if torch.type(self.output) ~= 'table' then self.output = {} end
   for i, part in ipairs(parts) do self.output[i] = part end
   return trim(self.output, #parts)
end

branching('Concat', {
   options = { { 'dimension' } },
   setup = function(self) self.outputSize = torch.LongStorage() end,
   input = common,
   merge = addUp,
   -- each module's stretch of the dimension
   split = function(self, gradOutput)
      local first = 1
      return function(i)
         local n = self.modules[i].output:size(self.dimension)
         first = first + n
         return gradOutput:narrow(self.dimension, first - n, n)
      end
   end,
   join = function(self, parts)
      if #parts == 0 then return self.output end
      local d, total = self.dimension, 0
      for _, part in ipairs(parts) do total = total + part:size(d) end
      local sizes = parts[1]:size()
      sizes[d] = total
      self.output:resize(sizes)
      self.outputSize:resize(#sizes):copy(sizes)
      local last = 0
      for _, part in ipairs(parts) do
         self.output:narrow(d, last + 1, part:size(d)):copy(part)
         last = last + part:size(d)
      end
      return self.output
   end,
})

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
   start = function(self)
      if torch.type(self.gradInput) ~= 'table' then self.gradInput = {} end
      trim(self.gradInput, #self.modules)
   end,
   merge = function(self, i, gradient) self.gradInput[i] = gradient end,
   split = entries,
   join = listed,
})
