-- Distances and angles, between the input and learned centers or between two inputs. Gradients are the derivatives,
-- with the small numbers that Torch7 adds to what it divides by. Rust computes.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- A row for a vector, so that one sample is a batch of one.
local function rows(tensor) return tensor:dim() == 1 and nn.utils.addSingletonDimension(tensor) or tensor end

------------------------------------------------------------------------------------------ learned centers

-- The size of a sample fits the centers.
local function checkInput(self, input, size)
   expect.tensor(self, input, 'input', 1, 2)
   if input:size(input:dim()) ~= size then
      expect.fail(self, 'samples of %d features expected, got %s', size, expect.brief(input))
   end
end

-- Gives the output its sizes: n x m, a vector for a vector.
local function resizeOutput(output, input, n, m)
   if input:dim() == 1 then return output:resize(m) end
   return output:resize(n, m)
end

-- gradOutput fits the output, and the output the input.
local function checkGradOutput(self, gradOutput, elements)
   expect.gradOutput(self, gradOutput, self.output)
   expect.forwardFirst(self, self.output:nElement() == elements)
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
         for j = 1, weight:size(2) do nn.utils.draw(weight:size(1), deviation, weight:select(2, j)) end
      else
         nn.utils.draw(weight:size(1), deviation, weight)
      end
      if spec.reset then spec.reset(self) end
   end

   for method, backward in pairs { updateOutput = false, updateGradInput = true, accGradParameters = true } do
      local compute = class[method]
      class[method] = function(self, input, gradOutput, ...)
         checkInput(self, input, self.weight:size(1))
         if not backward then return compute(self, input) end
         checkGradOutput(self, gradOutput, input:nElement() / self.weight:size(1) * self.weight:size(2))
         return compute(self, input, gradOutput, ...)
      end
   end
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
      local weight, cov = self.gradWeight, self.gradDiagCov
      self.gradWeight, self.gradDiagCov = self.weight, self.diagCov
      self:accGradParameters(input, gradOutput, -rate)
      self.gradWeight, self.gradDiagCov = weight, cov
   end
end

do
   -- The cosine of the angle between the input and each row of the weight (outputSize x inputSize).
   local EPSILON = 1e-12
   local Cosine = define('Cosine', {
      options = { { 'inputSize' }, { 'outputSize' } },
      setup = function(self)
         local d = expect.whole('Cosine', self.inputSize, 'inputSize', 1)
         local m = expect.whole('Cosine', self.outputSize, 'outputSize', 1)
         self.inputSize, self.outputSize = nil, nil
         self.weight, self.gradWeight = nn.utils.parameter(m, d)
         self:reset()
      end,
      scratch = { '_inputNorm', '_weightNorm', '_by', '_sum' },
   })
   function Cosine:reset(deviation) nn.utils.draw(self.weight:size(1), deviation, self.weight) end

   -- lengths of the rows of a matrix, in a column
   local function lengths(self, field, matrix)
      local column = self[field] or matrix.new()
      self[field] = column
      return column:norm(matrix, 2, 2):add(EPSILON)
   end
   function Cosine:updateOutput(input)
      local weight = self.weight
      checkInput(self, input, weight:size(2))
      local matrix = rows(input)
      local n, m = matrix:size(1), weight:size(1)
      local own, given = lengths(self, '_weightNorm', weight), lengths(self, '_inputNorm', matrix)
      local output = self.output:resize(n, m):mm(matrix, weight:t())
      output:cdiv(given:expand(n, m)):cdiv(own:view(1, m):expand(n, m))
      return resizeOutput(output, input, n, m)
   end

   -- gradOutput by both lengths, and gradOutput times output, both n x m
   local function parts(self, input, gradOutput)
      checkInput(self, input, self.weight:size(2))
      local matrix = rows(input)
      local n, m = matrix:size(1), self.weight:size(1)
      checkGradOutput(self, gradOutput, n * m)
      -- the lengths are not kept in files
      if not self._inputNorm or self._inputNorm:nElement() ~= n then
         lengths(self, '_weightNorm', self.weight)
         lengths(self, '_inputNorm', matrix)
      end
      gradOutput = gradOutput:contiguous():view(n, m)
      local by = self._by or input.new()
      self._by = by
      by:resize(n, m):cdiv(gradOutput, self._inputNorm:expand(n, m)):cdiv(self._weightNorm:view(1, m):expand(n, m))
      return matrix, by, self.output:view(n, m), gradOutput
   end
   function Cosine:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local matrix, by, output, g = parts(self, input, gradOutput)
      local result = self.gradInput:resizeAs(matrix):mm(by, self.weight)
      local along = torch.cmul(output, g):sum(2):cdiv(self._inputNorm):cdiv(self._inputNorm)
      result:addcmul(-1, matrix, along:expandAs(matrix))
      self.gradInput = result:resizeAs(input)
      return self.gradInput
   end
   function Cosine:accGradParameters(input, gradOutput, scale)
      scale = scale or 1
      local matrix, by, output, g = parts(self, input, gradOutput)
      local weight = self.weight
      local along = torch.cmul(output, g):sum(1):view(-1, 1):cdiv(self._weightNorm):cdiv(self._weightNorm)
      -- computed first: the gradient may be the weight itself
      local slope = (self._sum or input.new()):resizeAs(weight):mm(by:t(), matrix)
      self._sum = slope
      slope:addcmul(-1, weight, along:expandAs(weight))
      self.gradWeight:add(scale, slope)
   end
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
      for i = 1, 2 do gradients[i] = gradients[i] or x.new() end
      self:gradients(x, y, gradOutput, gradients[1], gradients[2])
      return gradients
   end
end

between 'DotProduct'
between 'CosineDistance'
-- The p-norm of the difference. For p = 1 the gradient is the sign of the difference, which is drawn where there is none.
between('PairwiseDistance', { { 'norm', 2, 'number' } })
