-- Containers whose modules work side by side: on one input (Concat, ConcatTable) or on one each (ParallelTable).

-- Calls a method of every module with its own input and gradient; `use` gets the results.
local function each(self, method, inputOf, gradientOf, extra, use)
   for i, m in ipairs(self.modules) do
      local gradient
      if gradientOf then gradient = gradientOf(i) end
      local result
      if gradientOf then
         result = self:rethrowErrors(m, i, method, inputOf(i), gradient, extra)
      else
         result = self:rethrowErrors(m, i, method, inputOf(i))
      end
      if use then use(i, result) end
   end
end

local function trim(list, n)
   for i = #list, n + 1, -1 do list[i] = nil end
   return list
end

-- A class with the whole family of backward methods. `collect(self, input, gradOutput, method, scale)` makes gradInput,
-- `visit(self, input, gradOutput, method, extra)` runs a method without a result.
local function branching(name, collect, visit)
   local class, parent = torch.class('nn.' .. name, 'nn.Container')
   function class:updateGradInput(input, gradOutput)
      return collect(self, input, gradOutput, 'updateGradInput')
   end
   function class:backward(input, gradOutput, scale)
      return collect(self, input, gradOutput, 'backward', scale or 1)
   end
   function class:accGradParameters(input, gradOutput, scale)
      visit(self, input, gradOutput, 'accGradParameters', scale or 1)
   end
   function class:accUpdateGradParameters(input, gradOutput, rate)
      visit(self, input, gradOutput, 'accUpdateGradParameters', rate)
   end
   class.__tostring__ = nn.utils.branchText
   return class, parent
end

-- The gradient of a common input: what the modules return, added up. Tables are added up entry by entry.
local function sum(self, i, result)
   local utils = nn.utils
   if i == 1 then
      if torch.type(self.gradInput) ~= torch.type(result) then
         self.gradInput = torch.isTensor(result) and result.new() or {}
      end
      self.gradInput = utils.recursiveCopy(self.gradInput, result)
   else
      if torch.type(self.gradInput) ~= torch.type(result) then
         error('modules return gradients of different kinds: ' .. torch.type(self.gradInput) .. ', ' .. torch.type(result))
      end
      utils.recursiveAdd(self.gradInput, result)
   end
end

do
   local function gradients(self, gradOutput)
      local offset = 1
      return function(i)
         local n = self.modules[i].output:size(self.dimension)
         local part = gradOutput:narrow(self.dimension, offset, n)
         offset = offset + n
         return part
      end
   end

   local function collect(self, input, gradOutput, method, scale)
      each(self, method, function() return input end, gradients(self, gradOutput), scale,
         function(i, result) sum(self, i, result) end)
      return self.gradInput
   end

   local function visit(self, input, gradOutput, method, extra)
      each(self, method, function() return input end, gradients(self, gradOutput), extra)
   end

   local Concat, parent = branching('Concat', collect, visit)

   function Concat:__init(dimension)
      parent.__init(self)
      self.outputSize = torch.LongStorage()
      self.dimension = dimension
   end

   function Concat:updateOutput(input)
      local parts, total = {}, 0
      each(self, 'updateOutput', function() return input end, nil, nil, function(i, part)
         parts[i] = part
         total = total + part:size(self.dimension)
      end)
      if #parts == 0 then return self.output end
      self.outputSize:resize(parts[1]:dim()):copy(parts[1]:size())
      self.outputSize[self.dimension] = total
      self.output:resize(self.outputSize)
      local offset = 1
      for _, part in ipairs(parts) do
         local n = part:size(self.dimension)
         self.output:narrow(self.dimension, offset, n):copy(part)
         offset = offset + n
      end
      return self.output
   end
end

do
   local function collect(self, input, gradOutput, method, scale)
      each(self, method, function() return input end, function(i) return gradOutput[i] end, scale,
         function(i, result) sum(self, i, result) end)
      return self.gradInput
   end
   local function visit(self, input, gradOutput, method, extra)
      each(self, method, function() return input end, function(i) return gradOutput[i] end, extra)
   end

   local ConcatTable, parent = branching('ConcatTable', collect, visit)

   function ConcatTable:__init()
      parent.__init(self)
      self.modules, self.output = {}, {}
   end

   function ConcatTable:updateOutput(input)
      if torch.type(self.output) ~= 'table' then self.output = {} end
      each(self, 'updateOutput', function() return input end, nil, nil, function(i, part) self.output[i] = part end)
      return trim(self.output, #self.modules)
   end
end

do
   local function collect(self, input, gradOutput, method, scale)
      if torch.type(self.gradInput) ~= 'table' then self.gradInput = {} end
      each(self, method, function(i) return input[i] end, function(i) return gradOutput[i] end, scale,
         function(i, result) self.gradInput[i] = result end)
      return trim(self.gradInput, #self.modules)
   end
   local function visit(self, input, gradOutput, method, extra)
      each(self, method, function(i) return input[i] end, function(i) return gradOutput[i] end, extra)
   end

   local ParallelTable, parent = branching('ParallelTable', collect, visit)

   function ParallelTable:__init()
      parent.__init(self)
      self.modules, self.output, self.gradInput = {}, {}, {}
   end

   function ParallelTable:updateOutput(input)
      each(self, 'updateOutput', function(i) return input[i] end, nil, nil, function(i, part) self.output[i] = part end)
      return trim(self.output, #self.modules)
   end
end
