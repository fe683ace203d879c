-- nnx: small modules and criteria.
require 'nn'
local expect = require 'nn.expect'

-- nn.Minus: the negative.
do
   local Minus = torch.class('nn.Minus', 'nn.Module')
   function Minus:updateOutput(input) return self.output:resizeAs(input):copy(input):mul(-1) end
   function Minus:updateGradInput(_, gradOutput) return self.gradInput:resizeAs(gradOutput):copy(gradOutput):mul(-1) end
end

-- nn.MultiSoftMax: the softmax along the last dimension of two or three.
do
   local MultiSoftMax, parent = torch.class('nn.MultiSoftMax', 'nn.Module')
   function MultiSoftMax:__init()
      parent.__init(self)
      self.softmax = nn.SoftMax()
   end
   local function flat(self, x, what)
      expect.tensor(self, x, what, 1, math.huge)
      return x:contiguous():view(-1, x:size(x:dim()))
   end
   function MultiSoftMax:updateOutput(input)
      self.output = self.softmax:updateOutput(flat(self, input, 'input')):viewAs(input)
      return self.output
   end
   function MultiSoftMax:updateGradInput(input, gradOutput)
      self.gradInput = self.softmax:updateGradInput(flat(self, input, 'input'), flat(self, gradOutput, 'gradOutput'))
         :viewAs(input)
      return self.gradInput
   end
   function MultiSoftMax:type(...)
      self.softmax:type(...)
      return parent.type(self, ...)
   end
end

-- nn.Balance(n): probabilities divided by what the last n batches had for each class.
do
   local Balance, parent = torch.class('nn.Balance', 'nn.Module')
   function Balance:__init(nBatch)
      parent.__init(self)
      self.nBatch = expect.whole(self, nBatch or 10, 'the number of batches', 1)
      self.batches, self.train = {}, true
   end
   function Balance:updateOutput(input)
      expect.tensor(self, input, 'input (samples x classes)', 2)
      self.output:resizeAs(input):copy(input)
      if not self.train then return self.output end
      table.insert(self.batches, 1, input:sum(1))
      self.batches[self.nBatch + 1] = nil
      self.prob = self.batches[1]:clone()
      for i = 2, #self.batches do self.prob:add(self.batches[i]) end
      self.prob:div(self.prob:sum())
      self.output:cdiv(self.prob:expandAs(input))
      self.sum = self.output:sum(2)
      self.output:cdiv(self.sum:expandAs(input))
      return self.output
   end
   function Balance:updateGradInput(input, gradOutput)
      expect.forwardFirst(self, self.sum and torch.isTensor(input) and self.output:isSameSizeAs(input))
      expect.gradOutput(self, gradOutput, self.output)
      self.gradInput:resizeAs(gradOutput):copy(gradOutput)
      return self.gradInput:cdiv(self.sum:expandAs(input)):cdiv(self.prob:expandAs(input))
   end
end

-- nn.Probe(name): prints what passes. nn.Tic and nn.Toc: the time between two places.
do
   local Probe, parent = torch.class('nn.Probe', 'nn.Module')
   local timer, last = torch.Timer(), 0
   function Probe:__init(name, display)
      parent.__init(self)
      self.name, self.display = tostring(name or 'unnamed'), display
   end
   local function report(self, what, legend, x)
      expect.anyTensor(self, x, what, 1, math.huge)
      x = x.std and x or x:double()
      local now = timer:time().real
      print(string.format('\n%s\n  + size = %s\n  + mean = %g\n  + std = %g\n  + min = %g\n  + max = %g', legend,
         table.concat(x:size():totable(), 'x'), x:mean(), x:std(), x:min(), x:max()))
      print(string.format('  + time since last probe = %.1fms', (now - last) * 1000))
      last = now
   end
   function Probe:updateOutput(input)
      self.output = input
      report(self, 'input', '<' .. self.name .. '>.output', input)
      return input
   end
   function Probe:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput
      report(self, 'gradOutput', 'layer<' .. self.name .. '>.gradInput', gradOutput)
      return gradOutput
   end

   local timers = {}
   for name, act in pairs {
      Tic = function(self) timers[self.name] = torch.Timer() end,
      Toc = function(self)
         local t = timers[self.name] and timers[self.name]:time().real or 0
         if self.verbose then print(string.format('[%s]: %.3f ms', self.name, t * 1000)) end
         self.time = t
      end,
   } do
      local class = torch.class('nn.' .. name, 'nn.Module')
      function class:__init(label, verbose)
         parent.__init(self)
         self.name, self.verbose = label or 'default', verbose ~= false
      end
      function class:updateOutput(input)
         act(self)
         self.output = input
         return input
      end
      function class:updateGradInput(_, gradOutput)
         self.gradInput = gradOutput
         return gradOutput
      end
   end
end

-- nn.SuperCriterion: a weighted sum of criteria, each of its own input, and of its own target where targets are a table.
do
   local SuperCriterion, parent = torch.class('nn.SuperCriterion', 'nn.Criterion')
   function SuperCriterion:__init()
      parent.__init(self)
      self.criterions, self.weights, self.gradInput = {}, {}, {}
   end
   function SuperCriterion:add(criterion, weight)
      table.insert(self.criterions, expect.module(self, criterion, 'criterion'))
      table.insert(self.weights, expect.number(self, weight or 1, 'the weight'))
      return self
   end
   local function of(target, i)
      if type(target) == 'table' then return target[i] end
      return target
   end
   function SuperCriterion:updateOutput(input, target)
      expect.table(self, input, 'input', #self.criterions)
      self.output = 0
      for i, criterion in ipairs(self.criterions) do
         self.output = self.output + self.weights[i] * criterion:updateOutput(input[i], of(target, i))
      end
      return self.output
   end
   function SuperCriterion:updateGradInput(input, target)
      expect.tensors(self, input, #self.criterions)
      for i, criterion in ipairs(self.criterions) do
         self.gradInput[i] = (self.gradInput[i] or input[i].new()):resizeAs(input[i]):zero()
         self.gradInput[i]:add(self.weights[i], criterion:updateGradInput(input[i], of(target, i)))
      end
      return self.gradInput
   end
end

-- nn.DistNLLCriterion{inputIsADistance, inputIsProbability, inputIsLogProbability, targetIsProbability}: the negative
-- log-likelihood of a distribution.
do
   local DistNLL, parent = torch.class('nn.DistNLLCriterion', 'nn.Criterion')
   function DistNLL:__init(options)
      parent.__init(self)
      options = options == nil and {} or expect.table(self, options, 'options')
      for _, name in ipairs { 'inputIsADistance', 'inputIsProbability', 'inputIsLogProbability' } do
         self[name] = options[name] or false
      end
      self.targetIsProbability = options.targetIsProbability ~= false
      self.toTarget = nn.SoftMax()
      self.chain = nn.Sequential()
      if self.inputIsADistance then self.chain:add(nn.MulConstant(-1)) end
      if self.inputIsProbability then
         self.chain:add(nn.Log())
      elseif not self.inputIsLogProbability then
         self.chain:add(nn.LogSoftMax())
      end
      self.chain:add(nn.Identity())
   end
   local function distribution(self, target)
      expect.tensor(self, target, 'target')
      return self.targetIsProbability and target or self.toTarget:updateOutput(target)
   end
   function DistNLL:updateOutput(input, target)
      self.output = -self.chain:updateOutput(input):dot(distribution(self, target))
      return self.output
   end
   function DistNLL:updateGradInput(input, target)
      self.chain:updateOutput(input)
      self.gradInput = self.chain:updateGradInput(input, -distribution(self, target))
      return self.gradInput
   end
end
