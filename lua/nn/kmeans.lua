-- nn.Kmeans: the nearest of k centers for each sample (batch x dim). Its gradients move each center to the mean of the
-- samples that chose it: updateParameters with rate 1 is one step of the algorithm.
local expect = require 'nn.expect'
local Kmeans, parent = torch.class('nn.Kmeans', 'nn.Module')

function Kmeans:__init(k, dim, scale)
   parent.__init(self)
   self.k = expect.whole('Kmeans', k, 'the number of clusters', 1)
   self.dim = expect.whole('Kmeans', dim, 'the number of features', 1)
   -- what gradients are multiplied with, if it is there
   self.scale = scale
   self.weight, self.gradWeight = nn.utils.parameter(k, dim)
   self.loss = 0
   self.clusterSampleCount = torch.Tensor(k)
   self:reset()
end

function Kmeans:reset(bound)
   bound = expect.number(self, bound or 1, 'reset: the bound')
   self.weight:uniform(-bound, bound)
end

-- The input in the module's type: what copies samples takes any.
local function samples(self, input)
   expect.anyTensor(self, input, 'input', 2)
   if input:size(2) ~= self.dim then
      expect.fail(self, 'samples of %d features expected as input, got %s', self.dim, expect.brief(input))
   end
   if not input:isContiguous() then expect.fail(self, 'a contiguous input expected; input:contiguous() gives one') end
   return input:type(torch.typename(self.weight))
end

-- Centers that are samples, drawn without repetition.
function Kmeans:initRandom(input)
   input = samples(self, input)
   local n = input:size(1)
   if n < self.k then expect.fail(self, 'at least %d samples expected for as many centers, got %d', self.k, n) end
   local taken = {}
   for i = 1, self.k do
      local place
      repeat place = torch.random(1, n) until not taken[place]
      taken[place] = true
      self.weight[i]:copy(input[place])
   end
end

-- Squared distances, samples x the first `count` centers.
local function distances(self, input, count)
   local n, d = input:size(1), self.dim
   local apart = self._apart or input.new()
   self._apart = apart
   apart:resize(n, count, d):add(input:view(n, 1, d):expand(n, count, d), -1,
      self.weight:narrow(1, 1, count):view(1, count, d):expand(n, count, d))
   return apart:cmul(apart):sum(3):view(n, count)
end

-- A random sample first, then samples far from the centers so far: the one at which those that lie nearer make up the
-- share `p` of all squared distances.
function Kmeans:initKmeansPlus(input, p)
   input = samples(self, input)
   p = p or 0.95
   if type(p) ~= 'number' or not (p > 0 and p < 1) then
      expect.fail(self, 'a share p between 0 and 1 expected, got %s', expect.brief(p))
   end
   local n = input:size(1)
   self.weight[1]:copy(input[torch.random(1, n)])
   for i = 2, self.k do
      local nearest = distances(self, input, i - 1):min(2):view(n)
      local sorted, order = nearest:sort(1)
      local sums, place = sorted:cumsum(), n
      for j = 1, n do
         if sums[j] >= p * sums[n] then
            place = j
            break
         end
      end
      self.weight[i]:copy(input[order[place]])
   end
end

function Kmeans:updateOutput(input)
   input = samples(self, input)
   local n = input:size(1)
   local squared, chosen = distances(self, input, self.k):min(2)
   self.loss = squared:sum()
   self.output:resize(n):copy(chosen)
   return self.output
end

-- The choice has no gradient.
function Kmeans:updateGradInput(input)
   if not self.gradInput then return end
   samples(self, input)
   return self.gradInput:resize(input:size()):zero()
end

function Kmeans:accGradParameters(input, _, scale)
   samples(self, expect.tensor(self, input, 'input', 2))
   scale = self.scale or scale or 1
   local n = input:size(1)
   expect.forwardFirst(self, self.output:nElement() == n)
   local members = self._members or input.new()
   self._members = members
   members:resize(n, self.k):zero():scatter(2, self.output:type(torch._beside(self.output, 'Long')):view(n, 1), 1)
   local counts = self.clusterSampleCount:sum(members, 1):resize(self.k)
   -- each center as often as it was chosen, minus the samples that chose it
   local slope = torch.mm(members:t(), input):mul(-1):addcmul(self.weight, counts:view(-1, 1):expandAs(self.weight))
   slope:cdiv(torch.add(counts, 1e-7):view(-1, 1):expandAs(slope))
   self.gradWeight:add(scale, slope)
end

function Kmeans:clearState()
   self._apart, self._members = nil, nil
   self.clusterSampleCount:zero()
   return parent.clearState(self)
end
