-- Distances and angles, between the input and learned centers or between two inputs. Gradients are the derivatives,
-- with the small numbers that Torch7 adds to what it divides by.
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

-- For which gradient a module's slopes were computed last, until its input changes.
local computed = setmetatable({}, { __mode = 'k' })

-- A class of a weight whose columns (inputSize x outputSize) are centers. diff(n x d x m) is what lies between sample
-- and center.
local function centered(name, spec)
   local class, parent = define(name, {
      options = { { 'inputSize' }, { 'outputSize' } },
      setup = function(self)
         local d = expect.whole(name, self.inputSize, 'inputSize', 1)
         local m = expect.whole(name, self.outputSize, 'outputSize', 1)
         self.inputSize, self.outputSize = nil, nil
         self.weight, self.gradWeight = nn.utils.parameter(d, m)
         if spec.setup then spec.setup(self, d, m) end
         -- accGradParameters takes up what updateGradInput has computed
         self.fastBackward = true
         self:reset()
      end,
      scratch = spec.scratch,
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

   local function buffer(self, field, like)
      local tensor = self[field]
      if not tensor then
         tensor = like.new()
         self[field] = tensor
      end
      return tensor
   end

   -- self._diff: what lies between each sample and each center
   local function difference(self, input)
      local weight, matrix = self.weight, rows(input)
      local n, d, m = matrix:size(1), weight:size(1), weight:size(2)
      local diff = buffer(self, '_diff', input):resize(n, d, m)
      diff:add(weight:view(1, d, m):expand(n, d, m), -1, matrix:contiguous():view(n, d, 1):expand(n, d, m))
      return diff, n, d, m
   end

   function class:updateOutput(input)
      checkInput(self, input, self.weight:size(1))
      computed[self] = nil
      local diff, n, _, m = difference(self, input)
      if spec.scale then spec.scale(self, diff) end
      local distances = buffer(self, '_distances', input):norm(diff, 2, 2)
      return resizeOutput(self.output, input, n, m):copy(distances)
   end

   -- self._slope: gradOutput by distance, times the difference
   local function slopes(self, input, gradOutput)
      checkInput(self, input, self.weight:size(1))
      local diff, n, d, m = difference(self, input)
      checkGradOutput(self, gradOutput, n * m)
      local by = buffer(self, '_by', input):resizeAs(self.output):add(self.output, 1e-7)
      by:cdiv(gradOutput, by)
      local slope = buffer(self, '_slope', input):resize(n, d, m)
      slope:cmul(diff, by:view(n, 1, m):expand(n, d, m))
      if spec.weigh then spec.weigh(self, slope) end
      return slope, diff
   end

   function class:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local slope = slopes(self, input, gradOutput)
      computed[self] = gradOutput
      local sum = buffer(self, '_sum', input):sum(slope, 3)
      self.gradInput:resizeAs(input):copy(sum):mul(-1)
      return self.gradInput
   end

   function class:accGradParameters(input, gradOutput, by)
      local slope, diff = self._slope, self._diff
      if not self.fastBackward or computed[self] ~= gradOutput or not slope or slope:dim() == 0 then
         slope, diff = slopes(self, input, gradOutput)
      end
      by = by or 1
      self.gradWeight:add(by, buffer(self, '_sum', input):sum(slope, 1):view(self.weight:size()))
      if spec.accumulate then spec.accumulate(self, slope, diff, by) end
   end

   return class, parent
end

centered('Euclidean', { scratch = { '_diff', '_distances', '_by', '_slope', '_sum' } })

do
   -- Each feature is scaled, by its entry of diagCov.
   local function spread(self, like)
      local cov = self.diagCov
      return cov:view(1, cov:size(1), cov:size(2)):expandAs(like)
   end
   local Weighted = centered('WeightedEuclidean', {
      scratch = { '_diff', '_distances', '_by', '_slope', '_sum', '_product' },
      setup = function(self, d, m) self.diagCov, self.gradDiagCov = nn.utils.parameter(d, m) end,
      reset = function(self) self.diagCov:fill(1) end,
      scale = function(self, diff) diff:cmul(spread(self, diff)) end,
      weigh = function(self, slope)
         local wide = spread(self, slope)
         slope:cmul(wide):cmul(wide)
      end,
      -- d/dc sqrt(sum (c diff)^2) is c diff^2 by distance, which is slope * diff / c; at c = 0 it is 0
      accumulate = function(self, slope, diff, by)
         self._product = (self._product or diff.new()):resizeAs(diff):cmul(diff, slope)
         local cov = self.diagCov
         local sum = self._sum:sum(self._product, 1):view(cov:size())
         self.gradDiagCov:addcdiv(by, sum, torch.add(cov, cov:eq(0):typeAs(cov)))
      end,
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

-- A class over { x, y }, vectors or batches of them of the same size. act(self, x, y) fills the column self.output,
-- n x 1; back(self, x, y, gx, gy, g) the gradients, from the column g.
local function between(name, spec)
   spec.options = spec.options or {}
   local setup = spec.setup
   function spec.setup(self, ...)
      self.gradInput = { torch.Tensor(), torch.Tensor() }
      if setup then setup(self, ...) end
   end
   local class, parent = define(name, spec)

   local function pair(self, input)
      local x, y = expect.tensors(self, input, 2, 1, 2)
      if not x:isSameSizeAs(y) then
         expect.fail(self, 'two inputs of one size expected, got %s and %s', expect.brief(x), expect.brief(y))
      end
      return rows(x), rows(y)
   end
   function class:updateOutput(input)
      local x, y = pair(self, input)
      spec.act(self, x, y)
      self.output:resize(x:size(1))
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      local x, y = pair(self, input)
      checkGradOutput(self, gradOutput, x:size(1))
      if spec.prepared and not spec.prepared(self) then self:updateOutput(input) end
      local gradients = self.gradInput
      if type(gradients) ~= 'table' then gradients = {} end
      for i = 1, 2 do gradients[i] = (gradients[i] or x.new()):resizeAs(x) end
      self.gradInput = gradients
      spec.back(self, x, y, gradients[1], gradients[2], gradOutput:contiguous():view(-1, 1))
      for i = 1, 2 do gradients[i]:resizeAs(input[i]) end
      return gradients
   end
   return class, parent
end

local function buffers(self, names, like)
   for _, name in ipairs(names) do
      if not self[name] then self[name] = like.new() end
   end
end

between('DotProduct', {
   scratch = { 'buffer' },
   act = function(self, x, y)
      buffers(self, { 'buffer' }, x)
      self.output:sum(self.buffer:cmul(x, y), 2)
   end,
   back = function(_, x, y, gx, gy, g)
      g = g:expandAs(x)
      gx:cmul(y, g)
      gy:cmul(x, g)
   end,
})

do
   -- w22, w32 are 1 / |x|^2 and 1 / |y|^2, w1 the product of x and y, w = 1 / (|x| |y|)
   local FIELDS = { 'buffer', 'w1', 'w22', 'w32', 'w' }
   local EPSILON = 1e-12
   between('CosineDistance', {
      scratch = FIELDS,
      prepared = function(self) return self.w and self.w:dim() > 0 end,
      act = function(self, x, y)
         buffers(self, FIELDS, x)
         local product = self.buffer
         self.w1:sum(product:cmul(x, y), 2)
         self.w22:sum(product:cmul(x, x), 2):add(EPSILON):cinv()
         self.w32:sum(product:cmul(y, y), 2):add(EPSILON):cinv()
         self.w:resizeAs(self.w22):cmul(self.w22, self.w32):sqrt()
         self.output:resizeAs(self.w):cmul(self.w1, self.w)
      end,
      back = function(self, x, y, gx, gy, g)
         local across, along = torch.cmul(self.w, g), self.buffer
         for _, part in ipairs { { gx, x, y, self.w22 }, { gy, y, x, self.w32 } } do
            local gradient, here, there, inverse = unpack(part)
            along:resizeAs(across):cmul(self.w1, inverse):cmul(across)
            gradient:cmul(there, across:expandAs(there)):addcmul(-1, here, along:expandAs(here))
         end
      end,
   })
end

do
   -- The p-norm of the difference. The derivative of |d|_p is d |d|^(p-2) / |d|_p^(p-1); for p = 1 it is the sign, and
   -- where there is none, one of the two is drawn.
   local function sign(value)
      if value > 0 then return 1 elseif value < 0 then return -1 end
      return torch.random(2) == 2 and 1 or -1
   end
   between('PairwiseDistance', {
      options = { { 'norm', 2, 'number' } },
      scratch = { 'diff', 'outExpand', 'grad', 'ones' },
      act = function(self, x, y)
         buffers(self, { 'diff' }, x)
         self.output:norm(self.diff:add(x, -1, y), self.norm, 2)
      end,
      back = function(self, x, y, gx, gy, g)
         local p = self.norm
         gx:add(x, -1, y)
         if p == 1 then
            gx:apply(sign)
         else
            buffers(self, { 'diff', 'outExpand' }, x)
            if p ~= 2 then
               local size = self.diff:resizeAs(gx):abs(gx)
               if p < 2 then size:add(size:eq(0):typeAs(size)) end
               gx:cmul(size:pow(p - 2))
            end
            local by = self.outExpand:resizeAs(self.output):add(self.output, 1e-6):pow(1 - p)
            g = by:view(-1, 1):cmul(g)
         end
         gx:cmul(g:expandAs(gx))
         gy:mul(gx, -1)
      end,
   })
end
