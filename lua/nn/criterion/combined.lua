-- Criteria made of others: weighted sums (nn.MultiCriterion, nn.ParallelCriterion), and one around a criterion.
local define = require 'nn.define'
local expect = require 'nn.expect'
local utils = nn.utils

-- A sum of criteria. `part(self, input, i)` and `wanted(self, target, i)` give criterion `i` its input and target.
local function summing(name, spec)
   spec.parent = 'nn.Criterion'
   local class = define(name, spec)
   local part, wanted = spec.part, spec.wanted

   function class:add(criterion, weight)
      expect.module(self, criterion, 'criterion')
      local n = #self.criterions + 1
      if torch.typename(self.weights) then self.weights:resize(n) end
      self.criterions[n], self.weights[n] = criterion, weight or 1
      return self
   end

   local function sum(self, input, target, term)
      for i, criterion in ipairs(self.criterions) do
         term(i, self.weights[i], criterion, part(self, input, i), wanted(self, target, i))
      end
   end
   function class:updateOutput(input, target)
      local total = 0
      sum(self, input, target, function(_, weight, criterion, x, y)
         total = total + weight * criterion:updateOutput(x, y)
      end)
      self.output = total
      return total
   end
   function class:updateGradInput(input, target)
      expect.nested(self, input, 'input')
      local gradients = utils.recursiveFill(utils.recursiveResizeAs(self.gradInput, input), 0)
      self.gradInput = gradients
      sum(self, input, target, function(i, weight, criterion, x, y)
         utils.recursiveAdd(part(self, gradients, i), weight, criterion:updateGradInput(x, y))
      end)
      return gradients
   end
end

local function whole(_, value) return value end
-- Entry `i` of a table, or of a tensor's rows; each criterion gets one.
local function entry(what)
   return function(self, values, i)
      local n = #self.criterions
      local rows = torch.isTensor(values) and (values:dim() > 0 and values:size(1) or 0)
      if not rows and torch.type(values) ~= 'table' or rows and rows < n then
         expect.fail(self, 'a table with an entry for each of %d criteria expected as %s, got %s', n, what, expect.brief(values))
      end
      return values[i]
   end
end

summing('MultiCriterion', {
   setup = function(self) self.criterions, self.weights = {}, torch.DoubleStorage() end,
   part = whole,
   wanted = whole,
})

summing('ParallelCriterion', {
   options = { { 'repeatTarget' } },
   setup = function(self) self.criterions, self.weights, self.gradInput = {}, {}, {} end,
   part = entry 'input',
   wanted = function(self, target, i) return self.repeatTarget and target or entry 'target'(self, target, i) end,
})

-- The criterion that another is made around.
local function inner(self, method)
   local criterion = self.criterion
   if type(criterion) == 'table' and criterion[method] then return criterion end
   expect.fail(self, 'a criterion inside expected, got %s', expect.brief(criterion))
end

do
   -- A criterion behind modules for its input and its target; either may be missing.
   local Module, parent = define('ModuleCriterion', {
      parent = 'nn.Criterion',
      options = { { 'criterion' }, { 'inputModule' }, { 'targetModule' }, { 'castTarget', true } },
   })
   local function through(self, module, value)
      if not module then return value end
      if type(module) ~= 'table' or not module.forward then
         expect.fail(self, 'a module before the criterion expected, got %s', expect.brief(module))
      end
      return module:forward(value)
   end

   function Module:updateOutput(input, target)
      local x, y = through(self, self.inputModule, input), through(self, self.targetModule, target)
      self.seen, self.wanted = x, y
      self.output = inner(self, 'updateOutput'):updateOutput(x, y)
      return self.output
   end
   function Module:updateGradInput(input)
      local gradient = inner(self, 'updateGradInput'):updateGradInput(self.seen, self.wanted)
      self.gradInput = self.inputModule and self.inputModule:updateGradInput(input, gradient) or gradient
      return self.gradInput
   end
   -- without castTarget, targets keep the type that their module knows
   function Module:type(typename, ...)
      local kept = not self.castTarget and self.targetModule or nil
      if kept then self.targetModule = nil end
      parent.type(self, typename, ...)
      if kept then self.targetModule = kept end
      return self
   end
end

do
   -- A criterion as a module: input and target are the entries of a table.
   local Table = define('CriterionTable', {
      options = { { 'criterion' } },
      setup = function(self) self.gradInput = {} end,
   })
   local function pair(self, input)
      inner(self, 'updateOutput')
      if torch.type(input) ~= 'table' and not (torch.isTensor(input) and input:dim() > 0 and input:size(1) >= 2) then
         expect.fail(self, 'a table of an input and a target expected as input, got %s', expect.brief(input))
      end
      return input[1], input[2]
   end
   function Table:updateOutput(input)
      local x, target = pair(self, input)
      self.output = self.criterion:updateOutput(x, target)
      return self.output
   end
   function Table:updateGradInput(input)
      local x, target = pair(self, input)
      self.gradInput = { self.criterion:updateGradInput(x, target) }
      return self.gradInput
   end
end

do
   -- The squared error against the middle of a larger target; the gradient needs a target of the input's size.
   local Crop, parent = define('SpatialAutoCropMSECriterion', { parent = 'nn.MSECriterion' })
   function Crop:__init(...) parent.__init(self, ...) end

   local function middle(self, input, target)
      expect.tensor(self, input, 'input')
      expect.tensor(self, target, 'target')
      local dims = input:dim()
      if dims ~= target:dim() or dims < 3 or dims > 4 then
         expect.fail(self, 'input and target of 3 or 4 dimensions expected, got %d and %d', dims, target:dim())
      end
      for d = dims - 1, dims do
         local n, rest = input:size(d), target:size(d) - input:size(d)
         if rest < 0 then
            expect.fail(self, 'a target of at least %d in dimension %d expected, got %d', n, d, n + rest)
         end
         target = target:narrow(d, math.floor(rest / 2) + 1, n)
      end
      return target
   end
   function Crop:updateOutput(input, target) return parent.updateOutput(self, input, middle(self, input, target)) end
end

do
   -- A criterion as a module over { input, target }, or over what the criterion takes as one without unpackInput. The
   -- output is a tensor of one element; the target's gradient is zero.
   local FromCriterion = define('ModuleFromCriterion', {
      options = { { 'criterion' }, { 'unpackInput', true } },
      setup = function(self)
         if not torch.isTypeOf(self.criterion, 'nn.Criterion') then
            expect.fail('ModuleFromCriterion', 'a criterion expected, got %s', expect.brief(self.criterion))
         end
         self.output = torch.Tensor(1)
         self.gradInput = {}
         if self.unpackInput then self.gradInput = { torch.Tensor(), torch.Tensor() } end
      end,
   })
   local function arguments(self, input)
      if self.unpackInput == false then return input end
      if torch.type(input) ~= 'table' or #input ~= 2 then
         expect.fail(self, 'a table of an input and a target expected, got %s', expect.brief(input))
      end
      return input[1], input[2]
   end
   -- a product of a number and what may be nested
   local function scale(value, by)
      if torch.isTensor(value) then return value:mul(by) end
      for _, entry_ in pairs(value) do scale(entry_, by) end
   end
   function FromCriterion:updateOutput(input)
      -- a criterion may give more than its loss
      local loss = self.criterion:updateOutput(arguments(self, input))
      self.output:resize(1):fill(loss)
      return self.output
   end
   function FromCriterion:updateGradInput(input, gradOutput)
      local x, y = arguments(self, input)
      -- a number in a tensor of whichever type
      expect.anyTensor(self, gradOutput, 'gradOutput')
      if gradOutput:nElement() ~= 1 then
         expect.fail(self, 'gradOutput of one element expected, got %s', expect.brief(gradOutput))
      end
      local gradient = self.criterion:updateGradInput(x, y)
      if self.unpackInput == false then
         self.gradInput = utils.recursiveCopy(self.gradInput, gradient)
         scale(self.gradInput, gradOutput[1])
         return self.gradInput
      end
      local both = self.gradInput or {}
      self.gradInput = both
      both[1] = utils.recursiveCopy(both[1], gradient)
      scale(both[1], gradOutput[1])
      if torch.isTensor(y) or type(y) == 'table' then
         both[2] = utils.recursiveFill(utils.recursiveResizeAs(both[2], y), 0)
      end
      return both
   end
end
