-- Distances and angles, between the input and learned centers or between two inputs. Gradients are the derivatives,
-- with the small numbers that Torch7 adds to what it divides by. Rust computes.
local define = require 'nn.define'
local expect = require 'nn.expect'

------------------------------------------------------------------------------------------ learned centers

-- The size of a sample fits the centers.
local function checkInput(self, input, size)
   expect.tensor(self, input, 'input', 1, 2)
   if input:size(input:dim()) ~= size then
      expect.fail(self, 'samples of %d features expected, got %s', size, expect.brief(input))
   end
end

-- gradOutput fits the output, and the output the input.
local function checkGradOutput(self, gradOutput, elements)
   expect.gradOutput(self, gradOutput, self.output)
   expect.forwardFirst(self, self.output:nElement() == elements)
end

-- Looks at arguments before Rust computes; the dimensions of the weight are those of features and outputs.
local function checked(class, features, outputs)
   for method, backward in pairs { updateOutput = false, updateGradInput = true, accGradParameters = true } do
      local compute = class[method]
      class[method] = function(self, input, gradOutput, ...)
         checkInput(self, input, self.weight:size(features))
         if not backward then return compute(self, input) end
         checkGradOutput(self, gradOutput, input:nElement() / self.weight:size(features) * self.weight:size(outputs))
         return compute(self, input, gradOutput, ...)
      end
   end
end

-- A class of a weight whose columns (inputSize x outputSize) are centers.
local function centered(name, spec)
   local class, parent = define(name, {
      options = { { 'inputSize' }, { 'outputSize' } },
      setup = function(self)
         local d = expect.whole(name, self.inputSize, 'inputSize', 1)
         local m = expect.whole(name, self.outputSize, 'outputSize', 1)
         self.inputSize, self.outputSize = nil, nil
         self.weight, self.gradWeight = nn.utils.parameter(d, m)
         if spec.setup then spec.setup(self, d, m) end
         -- in Torch7, whether accGradParameters takes up what updateGradInput has computed
         self.fastBackward = true
         self:reset()
      end,
   })

   function class:reset(deviation)
      local weight = self.weight
      if nn.oldSeed then
         for j = 1, weight:size(2) do nn.utils.draw(self, weight:size(1), deviation, weight:select(2, j)) end
      else
         nn.utils.draw(self, weight:size(1), deviation, weight)
      end
      if spec.reset then spec.reset(self) end
   end

   checked(class, 1, 2)
   return class, parent
end

centered('Euclidean', {})

do
   -- Each feature is scaled, by its entry of diagCov.
   local Weighted = centered('WeightedEuclidean', {
      setup = function(self, d, m) self.diagCov, self.gradDiagCov = nn.utils.parameter(d, m) end,
      reset = function(self) self.diagCov:fill(1) end,
   })
   function Weighted:parameters()
      return { self.weight, self.diagCov }, { self.gradWeight, self.gradDiagCov }
   end
   function Weighted:accUpdateGradParameters(input, gradOutput, rate)
      expect.rate(self, rate)
      local weight, cov = self.gradWeight, self.gradDiagCov
      self.gradWeight, self.gradDiagCov = self.weight, self.diagCov
      self:accGradParameters(input, gradOutput, -rate)
      self.gradWeight, self.gradDiagCov = weight, cov
   end
end

do
   -- The cosine of the angle between the input and each row of the weight (outputSize x inputSize). The lengths that a
   -- forward found are not kept in files.
   local Cosine = define('Cosine', {
      options = { { 'inputSize' }, { 'outputSize' } },
      setup = function(self)
         local d = expect.whole('Cosine', self.inputSize, 'inputSize', 1)
         local m = expect.whole('Cosine', self.outputSize, 'outputSize', 1)
         self.inputSize, self.outputSize = nil, nil
         self.weight, self.gradWeight = nn.utils.parameter(m, d)
         self:reset()
      end,
      scratch = { '_inputNorm', '_weightNorm' },
   })
   function Cosine:reset(deviation) nn.utils.draw(self, self.weight:size(1), deviation, self.weight) end
   checked(Cosine, 2, 1)
end

------------------------------------------------------------------------------------------ two inputs

-- A class over { x, y }, vectors or batches of them of the same size. Rust has what it makes of them, and the gradients.
local function between(name, options)
   local class = define(name, {
      options = options,
      setup = function(self) self.gradInput = { torch.Tensor(), torch.Tensor() } end,
   })

   local function pair(self, input)
      local x, y = expect.tensors(self, input, 2, 1, 2)
      if not x:isSameSizeAs(y) then
         expect.fail(self, 'two inputs of one size expected, got %s and %s', expect.brief(x), expect.brief(y))
      end
      return x, y
   end
   function class:updateOutput(input) return self:compare(pair(self, input)) end
   function class:updateGradInput(input, gradOutput)
      local x, y = pair(self, input)
      checkGradOutput(self, gradOutput, x:dim() == 1 and 1 or x:size(1))
      local gradients = self.gradInput
      if type(gradients) ~= 'table' then
         gradients = {}
         self.gradInput = gradients
      end
      for i = 1, 2 do nn.utils.typed(gradients, i, x) end
      self:gradients(x, y, gradOutput, gradients[1], gradients[2])
      return gradients
   end
   return class
end

between 'DotProduct'
between 'CosineDistance'

do
   -- The p-norm of the difference. For p = 1 the gradient is the sign of the difference, which is drawn where there is none.
   local Pairwise = between('PairwiseDistance', { { 'norm', 2, 'number' } })
   local updateOutput, updateGradInput = Pairwise.updateOutput, Pairwise.updateGradInput

   -- Two vectors may be of another type than the module's: their distance is a number.
   local function ofOtherType(self, input)
      if torch.type(input) ~= 'table' or #input ~= 2 then return false end
      local x, y = input[1], input[2]
      local own, given = torch.typename(self.output), torch.isTensor(x) and torch.typename(x)
      return given and given ~= own and torch.typename(y) == given and x.dist and x:dim() == 1 and y:isSameSizeAs(x)
   end
   function Pairwise:updateOutput(input)
      if not ofOtherType(self, input) then return updateOutput(self, input) end
      return self.output:resize(1):fill(input[1]:dist(input[2], self.norm))
   end
   -- gradients are of the vectors' type
   function Pairwise:updateGradInput(input, gradOutput)
      if not ofOtherType(self, input) then return updateGradInput(self, input, gradOutput) end
      local x, y = unpack(input)
      expect.anyTensor(self, gradOutput, 'gradOutput', 1)
      expect.forwardFirst(self, self.output:nElement() == 1 and gradOutput:nElement() == 1)
      local own = torch.typename(x)
      local gradients = { x.new(), x.new() }
      local fields = setmetatable({ output = self.output:type(own) }, { __index = self })
      fields:gradients(x, y, gradOutput:type(own), gradients[1], gradients[2])
      self.gradInput = gradients
      return gradients
   end
end
