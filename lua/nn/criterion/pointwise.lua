-- Criteria whose loss and gradient Rust computes: element by element, and over classes.
local define = require 'nn.define'
local expect = require 'nn.expect'
local getmetatable = getmetatable

-- A criterion from its options. Rust has its `loss`; the class keeps it in the output field.
local function criterion(name, spec)
   spec = spec or {}
   spec.parent = 'nn.Criterion'
   local class, parent = define(name, spec)
   local alone = name == 'L1Cost'
   function class:updateOutput(input, target)
      -- what is of the criterion's own type needs no further look
      local own = getmetatable(self.gradInput)
      if not own or getmetatable(input) ~= own then expect.tensor(self, input, 'input') end
      if not alone and (not own or getmetatable(target) ~= own) and type(target) ~= 'number' then
         expect.tensor(self, target, 'target')
      end
      local loss = self:loss(input, target)
      self.output = loss
      return loss
   end
   return class, parent
end

local average = { 'sizeAverage', true }

-- Weights are one number per class or column.
local weights = { 'weights' }
local function checkWeights(self)
   local w = self.weights
   if w and not (torch.isTensor(w) and w:dim() == 1) then
      expect.fail(self, 'weights should be a vector, got %s', expect.brief(w))
   end
end

for _, name in ipairs { 'MSECriterion', 'AbsCriterion', 'SmoothL1Criterion' } do
   criterion(name, { options = { average } })
end
for _, name in ipairs { 'SoftMarginCriterion', 'DistKLDivCriterion' } do
   criterion(name, { setup = function(self) self.sizeAverage = true end })
end
for _, name in ipairs { 'MarginCriterion', 'HingeEmbeddingCriterion' } do
   criterion(name, { options = { { 'margin', 1 } }, setup = function(self) self.sizeAverage = true end })
end
criterion 'L1Cost'
-- `#criterion` is the size of the weights, as of any tensor, and 0 where there are none.
local function weightsSize(self) return self.weights and #self.weights or 0 end

criterion('BCECriterion', { options = { weights, average }, setup = checkWeights }).__len = weightsSize

-- Torch7 computes with the module inside, and looks for it in files.
criterion('MultiLabelSoftMarginCriterion', {
   options = { weights, average },
   setup = function(self)
      checkWeights(self)
      self.sigmoid = nn.Sigmoid()
   end,
})

do
   -- A number stands for a tensor of one element.
   local Hinge = nn.HingeEmbeddingCriterion
   local loss, gradient = Hinge.loss, Hinge.updateGradInput
   local function target(input, y) return type(y) == 'number' and torch.isTensor(input) and input.new { y } or y end
   function Hinge:loss(input, y) return loss(self, input, target(input, y)) end
   function Hinge:updateGradInput(input, y) return gradient(self, input, target(input, y)) end
end

do
   local Weighted, parent = torch.class('nn.WeightedMSECriterion', 'nn.MSECriterion')
   -- the weight is a copy: what happens to the caller's does not matter later
   function Weighted:__init(weight, ...)
      parent.__init(self, ...)
      expect.anyTensor(self, weight, 'the weight')
      self.weight = weight.new():resizeAs(weight):copy(weight)
   end
   -- The gradient looks at the target as the loss left it in the buffer.
   function Weighted:updateOutput(input, target)
      self:weigh(input, target)
      return parent.updateOutput(self, input, self.buffer)
   end
   function Weighted:updateGradInput(input) return parent.updateGradInput(self, input, self.buffer) end
end

-- A class number, or a tensor of them of any type, as a LongTensor that lies where the input does. Each criterion keeps
-- the one for its numbers.
local numbers = setmetatable({}, { __mode = 'k' })
local function classes(self, input, target)
   expect.tensor(self, input, 'input')
   local class = torch._beside(input, 'Long')
   if torch.isTensor(target) then return target:type(class) end
   if type(target) ~= 'number' then
      expect.fail(self, 'a class number or a tensor of them expected as target, got %s', expect.brief(target))
   end
   if target ~= target then expect.fail(self, 'a class number expected as target, got nan') end
   local number = numbers[self]
   if not number or torch.typename(number) ~= class then
      number = torch.getconstructortable(class)(1)
      numbers[self] = number
   end
   number[1] = target
   return number
end

-- Negative log likelihoods: the one of vectors, and the one of maps, which has a target for every place.
for name, maps in pairs { ClassNLLCriterion = false, SpatialClassNLLCriterion = true } do
   local class = define(name, {
      parent = 'nn.Criterion',
      options = { weights, average, not maps and { 'ignoreIndex', -100 } or nil },
      setup = function(self)
         checkWeights(self)
         self.output_tensor, self.total_weight_tensor = torch.zeros(1), torch.ones(1)
         self.target = torch.LongTensor { 0 }
      end,
   })
   class.__len = weightsSize

   local function prepare(self, input, target)
      self.target = classes(self, input, target)
      return self.target
   end
   function class:updateOutput(input, target)
      local loss, weight = self:loss(input, prepare(self, input, target))
      self.output_tensor[1], self.total_weight_tensor[1] = loss, weight
      -- read back in the tensors' precision
      self.output = self.output_tensor[1]
      return self.output, self.total_weight_tensor[1]
   end
   function class:updateGradInput(input, target) return self:lossGradient(input, prepare(self, input, target)) end
end

do
   local CrossEntropy = define('CrossEntropyCriterion', {
      parent = 'nn.Criterion',
      setup = function(self, ...)
         self.lsm, self.nll = nn.LogSoftMax(), nn.ClassNLLCriterion(...)
         self.sizeAverage = self.nll.sizeAverage
         self.oldSizeAverage = self.sizeAverage
      end,
   })
   local function squeezed(value) return torch.isTensor(value) and value:squeeze() or value end
   -- scores that the inner module takes; its messages would name it
   local function scores(self, input)
      local x = squeezed(expect.tensor(self, input, 'input', 1, math.huge))
      if torch.isTensor(x) and x:dim() > 4 then
         expect.fail(self, 'scores of at most 4 dimensions larger than 1 expected as input, got %s', expect.brief(input))
      end
      return x
   end

   -- sizeAverage can be changed here or in the inner criterion
   function CrossEntropy:updateOutput(input, target)
      local inner = self.nll
      local x = scores(self, input)
      if self.sizeAverage ~= self.oldSizeAverage then
         inner.sizeAverage, self.oldSizeAverage = self.sizeAverage, self.sizeAverage
      end
      self.output = inner:updateOutput(self.lsm:updateOutput(x), squeezed(target))
      return self.output
   end
   function CrossEntropy:updateGradInput(input, target)
      local x = scores(self, input)
      expect.forwardFirst(self, self.lsm.output:nElement() == input:nElement())
      local outer = self.nll:updateGradInput(self.lsm.output, squeezed(target))
      return self.gradInput:view(self.lsm:updateGradInput(x, outer), input:size())
   end
end

-- Margins between right and wrong classes.
for name, spec in pairs {
   MultiMarginCriterion = {
      options = { { 'p', 1 }, weights, { 'margin', 1 } },
      setup = function(self)
         if self.p ~= 1 and self.p ~= 2 then
            expect.fail(self, 'p should be 1 or 2, got %s', expect.brief(self.p))
         end
         checkWeights(self)
         self.sizeAverage = true
      end,
   },
   MultiLabelMarginCriterion = {
      setup = function(self) self.sizeAverage, self.isTarget = true, torch.Tensor() end,
   },
} do
   spec.parent = 'nn.Criterion'
   local class = define(name, spec)
   function class:updateOutput(input, target)
      self.output = self:loss(input, classes(self, input, target))
      return self.output
   end
   function class:updateGradInput(input, target) return self:lossGradient(input, classes(self, input, target)) end
end

do
   -- Embeds classes at the corners of a regular simplex around 0, in as many dimensions as there are classes (the last
   -- is 0), and compares with the squared error.
   local Simplex, parent = torch.class('nn.ClassSimplexCriterion', 'nn.MSECriterion')

   -- Corner by corner, each coordinate follows from the length 1 and the angle to the corners that come later.
   local function corners(n)
      local simplex, rest = torch.zeros(n, n), 1
      for k = 1, n - 1 do
         local along = math.sqrt(rest)
         local behind = -along / (n - k)
         simplex[k][k] = along
         simplex:narrow(1, k + 1, n - k):select(2, k):fill(behind)
         rest = rest - behind * behind
      end
      return simplex
   end

   function Simplex:__init(nClasses)
      parent.__init(self)
      if type(nClasses) ~= 'number' or not (nClasses >= 2 and nClasses < 2 ^ 31) or nClasses % 1 ~= 0 then
         expect.fail(self, 'a number of classes from 2 on expected, got %s', expect.brief(nClasses))
      end
      self.nClasses, self.simplex, self._target = nClasses, corners(nClasses), torch.Tensor(nClasses)
   end

   local function embed(self, input, target)
      if torch.isTensor(target) and target:dim() ~= 1 then
         expect.fail(self, 'a vector of classes expected as target, got %s', expect.brief(target))
      end
      local numbers = classes(self, input, target)
      if numbers:min() < 1 or numbers:max() > self.nClasses then
         expect.fail(self, 'classes from 1 to %d expected as target, got %d', self.nClasses,
            numbers:min() < 1 and numbers:min() or numbers:max())
      end
      local rows = self.simplex:index(1, numbers)
      if not torch.isTensor(target) then rows = rows[1] end
      if not input:isSameSizeAs(rows) then
         expect.fail(self, 'rows of %d expected as input, one for each target, got %s', self.nClasses, expect.brief(input))
      end
      self._target = rows
      return rows
   end
   function Simplex:updateOutput(input, target)
      self.output = parent.updateOutput(self, input, embed(self, input, target))
      return self.output
   end
   function Simplex:updateGradInput(input, target)
      return parent.updateGradInput(self, input, embed(self, input, target))
   end

   -- How well an input fits each class: one row, or one per sample.
   function Simplex:getPredictions(input)
      expect.tensor(self, input, 'input', 1, 2)
      local rows = input:dim() == 1 and input:view(1, -1) or input
      return rows * self.simplex:t()
   end
   function Simplex:getTopPrediction(input)
      local _, best = self:getPredictions(input):max(2)
      return best:view(-1)
   end
end
