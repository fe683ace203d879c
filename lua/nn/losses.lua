-- Criteria whose loss Rust computes (`loss`); the gradients are Rust's updateGradInput.

-- Lets a class keep the loss in its output field.
local function keepsLoss(class)
   function class:updateOutput(input, target)
      self.output = self:loss(input, target)
      return self.output
   end
end

for _, name in ipairs { 'MSECriterion', 'AbsCriterion', 'SmoothL1Criterion' } do
   local class, parent = torch.class('nn.' .. name, 'nn.Criterion')
   function class:__init(sizeAverage)
      parent.__init(self)
      self.sizeAverage = sizeAverage == nil or sizeAverage
   end
   keepsLoss(class)
end

do
   local Margin, parent = torch.class('nn.MarginCriterion', 'nn.Criterion')
   function Margin:__init(margin)
      parent.__init(self)
      self.sizeAverage, self.margin = true, margin or 1
   end
   keepsLoss(Margin)
end

do
   local BCE, parent = torch.class('nn.BCECriterion', 'nn.Criterion')
   function BCE:__init(weights, sizeAverage)
      parent.__init(self)
      self.sizeAverage = sizeAverage == nil or sizeAverage
      if weights then
         assert(weights:dim() == 1, 'weights input should be 1-D Tensor')
         self.weights = weights
      end
   end

   -- One weight per column, for every row of the input.
   local function spread(self, input)
      local w = self.weights
      if w and input:dim() ~= 1 then w = w:view(1, w:size(1)):expandAs(input) end
      return w
   end

   function BCE:updateOutput(input, target)
      self.output = self:loss(input, target, spread(self, input))
      return self.output
   end

   function BCE:updateGradInput(input, target)
      return self:lossGradient(input, target, spread(self, input))
   end
end

do
   local NLL, parent = torch.class('nn.ClassNLLCriterion', 'nn.Criterion')
   function NLL:__init(weights, sizeAverage, ignoreIndex)
      parent.__init(self)
      self.sizeAverage = sizeAverage == nil or sizeAverage
      self.ignoreIndex = ignoreIndex or -100
      if weights then
         assert(weights:dim() == 1, 'weights input should be 1-D Tensor')
         self.weights = weights
      end
      self.output_tensor, self.total_weight_tensor = torch.zeros(1), torch.ones(1)
      self.target = torch.zeros(1):long()
   end

   -- Classes as a LongTensor, kept in a field; a number is one class.
   local function keepTarget(self, target)
      if type(target) == 'number' then
         self.target = self.target:long():resize(1)
         self.target[1] = target
      else
         self.target = target:long()
      end
      return self.target
   end

   function NLL:updateOutput(input, target)
      local loss, weight = self:loss(input, keepTarget(self, target))
      self.output_tensor[1], self.total_weight_tensor[1] = loss, weight
      self.output = self.output_tensor[1]
      return self.output, self.total_weight_tensor[1]
   end

   function NLL:updateGradInput(input, target)
      return self:lossGradient(input, keepTarget(self, target))
   end
end

do
   local CrossEntropy, parent = torch.class('nn.CrossEntropyCriterion', 'nn.Criterion')
   function CrossEntropy:__init(weights, sizeAverage)
      parent.__init(self)
      self.lsm = nn.LogSoftMax()
      self.nll = nn.ClassNLLCriterion(weights, sizeAverage)
   end

   local function squeezed(target)
      return type(target) == 'number' and target or target:squeeze()
   end

   function CrossEntropy:updateOutput(input, target)
      if self.sizeAverage ~= nil then self.nll.sizeAverage = self.sizeAverage end
      self.lsm:updateOutput(input:squeeze())
      self.output = self.nll:updateOutput(self.lsm.output, squeezed(target))
      return self.output
   end

   function CrossEntropy:updateGradInput(input, target)
      self.nll:updateGradInput(self.lsm.output, squeezed(target))
      self.lsm:updateGradInput(input:squeeze(), self.nll.gradInput)
      self.gradInput:view(self.lsm.gradInput, input:size())
      return self.gradInput
   end
end
