-- Criteria built from operations on tensors: distributions, margins, embeddings, and sums of criteria.
local function averaged(name)
   local class, parent = torch.class('nn.' .. name, 'nn.Criterion')
   function class:__init()
      parent.__init(self)
      self.sizeAverage = true
   end
   return class, parent
end

local function sameCount(self, input, target)
   if input:nElement() ~= target:nElement() then
      error(string.format('%s: input and target differ in size: %d and %d elements', torch.type(self),
         input:nElement(), target:nElement()))
   end
end

local function mean(self, total, n) return self.sizeAverage and total / n or total end

do
   local KL = averaged 'DistKLDivCriterion'
   function KL:updateOutput(input, target)
      assert(input:dim() == target:dim() and input:isSameSizeAs(target), 'input and target should have the same size')
      local known = target:gt(0):typeAs(target)
      local logs = torch.cmax(target, 1e-300):log()
      self.output = mean(self, logs:add(-1, input):cmul(target):cmul(known):sum(), input:nElement())
      return self.output
   end
   function KL:updateGradInput(input, target)
      assert(input:dim() == target:dim() and input:isSameSizeAs(target), 'input and target should have the same size')
      local known = target:gt(0):typeAs(target)
      self.gradInput:resizeAs(input):copy(target):cmul(known):mul(mean(self, -1, input:nElement()))
      return self.gradInput
   end
end

do
   local Soft = averaged 'SoftMarginCriterion'
   function Soft:updateOutput(input, target)
      sameCount(self, input, target)
      local z = torch.cmul(input, target):mul(-1):exp():add(1):log()
      self.output = mean(self, z:sum(), input:nElement())
      return self.output
   end
   function Soft:updateGradInput(input, target)
      sameCount(self, input, target)
      local z = torch.cmul(input, target):mul(-1):exp()
      self.gradInput:resizeAs(input):copy(z):cmul(target):mul(mean(self, -1, input:nElement())):cdiv(z:add(1))
      return self.gradInput
   end
end

do
   local Hinge, parent = torch.class('nn.HingeEmbeddingCriterion', 'nn.Criterion')
   function Hinge:__init(margin)
      parent.__init(self)
      self.margin, self.sizeAverage = margin or 1, true
   end
   local function spread(input, y)
      return torch.isTensor(y) and y or input.new(1):fill(y)
   end
   function Hinge:updateOutput(input, y)
      y = spread(input, y)
      local near, far = y:eq(1):typeAs(input), y:eq(-1):typeAs(input)
      local gap = torch.mul(input, -1):add(self.margin):cmax(0)
      self.output = mean(self, torch.cmul(input, near):sum() + gap:cmul(far):sum(), input:nElement())
      return self.output
   end
   function Hinge:updateGradInput(input, y)
      y = spread(input, y)
      local inside = torch.mul(input, -1):add(self.margin):ge(0):typeAs(input)
      local down = inside:cmul(y:eq(-1):typeAs(input))
      self.gradInput:resizeAs(input):copy(y):cmul(y:eq(1):typeAs(input)):add(-1, down)
      if self.sizeAverage then self.gradInput:mul(1 / input:nElement()) end
      return self.gradInput
   end
end

do
   local L1 = torch.class('nn.L1Cost', 'nn.Criterion')
   function L1:updateOutput(input)
      self.output = torch.abs(input):sum()
      return self.output
   end
   function L1:updateGradInput(input)
      self.gradInput:resizeAs(input):copy(input):sign()
      return self.gradInput
   end
end

do
   local Weighted, parent = torch.class('nn.WeightedMSECriterion', 'nn.MSECriterion')
   function Weighted:__init(w)
      parent.__init(self)
      self.weight = w:clone()
   end
   -- The target times the weight of its place, in every sample alike.
   local function scaled(self, input, target)
      self.buffer = (self.buffer or input.new()):resizeAs(input):copy(target)
      if input:dim() - 1 == self.weight:dim() then
         for i = 1, input:size(1) do self.buffer[i]:cmul(self.weight) end
      else
         self.buffer:cmul(self.weight)
      end
      return self.buffer
   end
   function Weighted:updateOutput(input, target) return parent.updateOutput(self, input, scaled(self, input, target)) end
   function Weighted:updateGradInput(input)
      return parent.updateGradInput(self, input, self.buffer)
   end
end

do
   local Multi, parent = torch.class('nn.MultiCriterion', 'nn.Criterion')
   function Multi:__init()
      parent.__init(self)
      self.criterions, self.weights = {}, torch.DoubleStorage()
   end
   local function add(self, criterion, weight)
      assert(criterion, 'no criterion provided')
      local n = #self.criterions + 1
      self.criterions[n] = criterion
      self.weights:resize(n)
      self.weights[n] = weight or 1
      return self
   end
   Multi.add = add
   function Multi:updateOutput(input, target)
      self.output = 0
      for i, c in ipairs(self.criterions) do
         self.output = self.output + self.weights[i] * c:updateOutput(input, target)
      end
      return self.output
   end
   function Multi:updateGradInput(input, target)
      self.gradInput = nn.utils.recursiveResizeAs(self.gradInput, input)
      nn.utils.recursiveFill(self.gradInput, 0)
      for i, c in ipairs(self.criterions) do
         nn.utils.recursiveAdd(self.gradInput, self.weights[i], c:updateGradInput(input, target))
      end
      return self.gradInput
   end

   local Parallel, base = torch.class('nn.ParallelCriterion', 'nn.Criterion')
   function Parallel:__init(repeatTarget)
      base.__init(self)
      self.criterions, self.weights, self.gradInput = {}, {}, {}
      self.repeatTarget = repeatTarget
   end
   function Parallel:add(criterion, weight)
      assert(criterion, 'no criterion provided')
      table.insert(self.criterions, criterion)
      table.insert(self.weights, weight or 1)
      return self
   end
   function Parallel:updateOutput(input, target)
      self.output = 0
      for i, c in ipairs(self.criterions) do
         local wanted = self.repeatTarget and target or target[i]
         self.output = self.output + self.weights[i] * c:updateOutput(input[i], wanted)
      end
      return self.output
   end
   function Parallel:updateGradInput(input, target)
      self.gradInput = nn.utils.recursiveResizeAs(self.gradInput, input)
      nn.utils.recursiveFill(self.gradInput, 0)
      for i, c in ipairs(self.criterions) do
         local wanted = self.repeatTarget and target or target[i]
         nn.utils.recursiveAdd(self.gradInput[i], self.weights[i], c:updateGradInput(input[i], wanted))
      end
      return self.gradInput
   end
end

do
   local Ranking, parent = torch.class('nn.MarginRankingCriterion', 'nn.Criterion')
   function Ranking:__init(margin)
      parent.__init(self)
      self.margin, self.sizeAverage = margin or 1, true
      self.gradInput = { torch.Tensor(1), torch.Tensor(1) }
   end
   local function shortfall(self, input, y)
      return (input[2] - input[1]):cmul(y):add(self.margin)
   end
   function Ranking:updateOutput(input, y)
      if not torch.isTensor(y) then
         self.output = math.max(0, -y * (input[1][1] - input[2][1]) + self.margin)
      else
         self.output = mean(self, shortfall(self, input, y):cmax(0):sum(), y:size(1))
      end
      return self.output
   end
   function Ranking:updateGradInput(input, y)
      local first, second = self.gradInput[1], self.gradInput[2]
      if not torch.isTensor(y) then
         local lost = -y * (input[1][1] - input[2][1]) + self.margin >= 0
         first[1], second[1] = lost and -y or 0, lost and y or 0
      else
         local lost = shortfall(self, input, y):ge(0):typeAs(y):cmul(y):mul(mean(self, 1, y:size(1)))
         first:resizeAs(input[1]):copy(lost):mul(-1)
         second:resizeAs(input[2]):copy(lost)
      end
      return self.gradInput
   end
end

do
   local Cosine, parent = torch.class('nn.CosineEmbeddingCriterion', 'nn.Criterion')
   function Cosine:__init(margin)
      parent.__init(self)
      self.margin, self.sizeAverage = margin or 0, true
      self.gradInput = { torch.Tensor(), torch.Tensor() }
   end

   -- Rows and targets as matrices, inverse squared norms, their product's root, and the cosines, each as a column.
   local function angles(input, y)
      local a, b = input[1], input[2]
      if a:dim() == 1 then a, b = a:view(1, -1), b:view(1, -1) end
      if not torch.isTensor(y) then y = a.new(1):fill(y) end
      local function inverse(t) return torch.cmul(t, t):sum(2):add(1e-12):pow(-1) end
      local ia, ib = inverse(a), inverse(b)
      local root = torch.cmul(ia, ib):sqrt()
      local cosine = torch.cmul(a, b):sum(2):cmul(root)
      return { a = a, b = b, y = y:contiguous():view(-1, 1), ia = ia, ib = ib, root = root, cosine = cosine }
   end
   function Cosine:updateOutput(input, y)
      local s = angles(input, y)
      local far = torch.add(s.cosine, -self.margin):cmax(0):cmul(s.y:eq(-1):typeAs(s.cosine))
      local near = torch.mul(s.cosine, -1):add(1):cmul(s.y:eq(1):typeAs(s.cosine))
      self.output = mean(self, far:add(near):sum(), s.y:size(1))
      return self.output
   end
   function Cosine:updateGradInput(input, y)
      local s = angles(input, y)
      -- how much each cosine counts: -1 for pairs, 1 for strangers closer than the margin
      local part = s.y:eq(-1):cmul(s.cosine:gt(self.margin)):typeAs(s.cosine)
      part:add(-1, s.y:eq(1):typeAs(s.cosine)):mul(mean(self, 1, s.y:size(1)))
      for i, pair in ipairs { { s.a, s.b, s.ia }, { s.b, s.a, s.ib } } do
         local own, other, inverse = unpack(pair)
         local slope = torch.cmul(s.cosine, inverse):expandAs(own)
         local grad = torch.cmul(other, s.root:expandAs(other)):add(-1, torch.cmul(own, slope))
         grad:cmul(part:expandAs(grad))
         self.gradInput[i]:resizeAs(input[i]):copy(grad)
      end
      return self.gradInput
   end
   function Cosine:type(typename, cache)
      if not typename then return self._type end
      parent.type(self, typename, cache)
      return self
   end
end
