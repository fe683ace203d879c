-- Classes that Rust computes in one or two passes give what Torch7's chains of modules give, which are written out here:
-- results and gradients, single samples and batches, both types, inputs with strides.
require 'nn'
torch.manualSeed(1)
local compared = 0

local function close(name, what, a, b)
   compared = compared + 1
   assert(a:isSameSizeAs(b), name .. ': sizes of ' .. what)
   local tolerance = torch.typename(a) == 'torch.FloatTensor' and 1e-4 or 1e-10
   local off = a:nElement() == 0 and 0 or (a - b):abs():max()
   assert(off <= tolerance * (1 + b:clone():abs():max()), string.format('%s: %s is off by %g', name, what, off))
end

-- The same numbers, each next to a number that is not its own.
local function strided(x)
   local sizes = x:size():totable()
   sizes[#sizes + 1] = 2
   return x.new(torch.LongStorage(sizes)):fill(7):select(#sizes, 1):copy(x)
end

local function map(x, f)
   if torch.isTensor(x) then return f(x) end
   local list = {}
   for k, v in pairs(x) do list[k] = map(v, f) end
   return list
end
local function close_all(name, what, a, b)
   if torch.isTensor(b) then return close(name, what, a, b) end
   assert(torch.type(a) == 'table' and #a == #b, name .. ': entries of ' .. what)
   for i = 1, #b do close_all(name, what, a[i], b[i]) end
end

-- fused: a module; chain(input, gradOutput): output and gradient as Torch7's modules give them.
local function compare(name, fused, chain, ...)
   for _, x in ipairs { ... } do
      for _, typename in ipairs { 'torch.DoubleTensor', 'torch.FloatTensor' } do
         local m = fused:clone():type(typename)
         local input = map(x, function(t) return t:type(typename) end)
         local g = torch.randn(m:forward(input):size()):type(typename)
         local output, gradient = chain(input, g, typename)
         for _, given in ipairs { input, map(input, strided) } do
            close_all(name, 'output', m:forward(given), output)
            close_all(name, 'gradInput', m:backward(given, strided(g)), gradient)
         end
      end
   end
end

-- A chain of modules, forward and backward.
local function chain_of(net)
   return function(input, g, typename)
      local m = net:clone():type(typename)
      local output = m:forward(input):clone()
      return output, m:backward(input, g)
   end
end

------------------------------------------------------------------------------------------------ neighbourhoods

-- What an estimator gives, and its gradient, divided by what it gives for ones.
local function local_sums(net, ones, x)
   local coef = ones.meanestimator:forward(x:clone():fill(1)):clone():viewAs(x)
   return net:forward(x):clone():viewAs(x):cdiv(coef), coef
end
local function back_through(net, x, g) return net:updateGradInput(x, g:viewAs(net.output)) end

local function subtracted(m)
   return function(x, g, typename)
      local m = m:clone():type(typename)
      local means, coef = local_sums(m.meanestimator, m, x)
      local back = back_through(m.meanestimator, x, torch.cdiv(-g, coef))
      return x - means, g + back
   end
end
local function divided(m)
   return function(x, g, typename)
      local m = m:clone():type(typename)
      local stds, coef = local_sums(m.stdestimator, m, x)
      local threshold = nn.Threshold(m.threshold, m.thresval):type(typename)
      local by = threshold:forward(stds):clone()
      local slope = threshold:backward(stds, torch.cmul(-g, x):cdiv(by):cdiv(by)):cdiv(coef)
      return torch.cdiv(x, by), torch.cdiv(g, by) + back_through(m.stdestimator, x, slope)
   end
end

for _, kernel in ipairs { torch.rand(3, 5), torch.rand(5), torch.rand(1, 3), torch.ones(9, 9) } do
   for _, planes in ipairs { 1, 3 } do
      local inputs = { torch.randn(planes, 6, 7), torch.randn(2, planes, 5, 4), torch.randn(planes, 1, 1) }
      for _, uneven in ipairs { false, true } do
         local minus = nn.SpatialSubtractiveNormalization(planes, kernel:clone())
         local by = nn.SpatialDivisiveNormalization(planes, kernel:clone(), 0.3, 0.7)
         if uneven then
            -- weights that a program has changed, another one for each plane
            for _, net in ipairs { minus.meanestimator, by.meanestimator, by.stdestimator } do
               for _, class in ipairs { 'nn.SpatialConvolution', 'nn.SpatialConvolutionMap' } do
                  for _, found in ipairs(net:findModules(class)) do found.weight:uniform(0.5, 1) end
               end
            end
         end
         compare('SpatialSubtractiveNormalization', minus, subtracted(minus:clone()), unpack(inputs))
         compare('SpatialDivisiveNormalization', by, divided(by:clone()), unpack(inputs))
      end
   end
end

----------------------------------------------------------------------------------------------------- poolings

for p, inverse in pairs { [2] = nn.Sqrt(), [1] = nn.Identity(), [3] = nn.Power(1 / 3), [0.5] = nn.Power(2) } do
   for _, sizes in ipairs { { 2, 2 }, { 3, 2, 1, 2 }, { 1, 3, 2, 2 } } do
      local net = nn.Sequential():add(p == 2 and nn.Square() or nn.Power(p)):add(nn.SpatialAveragePooling(sizes[1], sizes[2],
         sizes[3] or sizes[1], sizes[4] or sizes[2])):add(nn.MulConstant(sizes[1] * sizes[2])):add(inverse)
      compare('SpatialLPPooling', nn.SpatialLPPooling(2, p, unpack(sizes)), chain_of(net), torch.rand(2, 5, 6),
         torch.rand(3, 2, 4, 4))
   end
end
do
   local m = nn.SpatialLPPooling(1, 2, 2, 2)
   local x = torch.zeros(1, 4, 4)
   m:forward(x)
   assert(m:backward(x, torch.ones(1, 2, 2)):abs():max() == 0, 'the slope of zeros is 0')
   -- a part that is another one counts
   m.modules[2]:ceil()
   assert(m:forward(torch.ones(1, 5, 5)):size(2) == 3)
end

----------------------------------------------------------------------------------------------------- distances

-- Each feature of every pair, and sums over them.
local function sum() return nn.Sum(1, 1) end
local function both(net) return nn.ParallelTable():add(net):add(net:clone()) end
local pairs_of_inputs = { { torch.randn(4, 5), torch.randn(4, 5) }, { torch.randn(2, 40), torch.randn(2, 40) } }
compare('DotProduct', nn.DotProduct(), chain_of(nn.Sequential():add(nn.CMulTable()):add(sum())), unpack(pairs_of_inputs))
compare('CosineDistance', nn.CosineDistance(), chain_of(nn.Sequential():add(both(nn.Normalize(2, 1e-12))):add(nn.CMulTable())
   :add(sum())), unpack(pairs_of_inputs))
for p, inverse in pairs { [2] = nn.Sqrt(), [3] = nn.Power(1 / 3), [1.5] = nn.Power(2 / 3), [1] = nn.Identity() } do
   local net = nn.Sequential():add(nn.CSubTable()):add(nn.Abs()):add(nn.Power(p)):add(sum()):add(inverse)
   -- Torch7 adds a small number to the norm that it divides by
   compared = compared + 1
   local m = nn.PairwiseDistance(p)
   for _, x in ipairs(pairs_of_inputs) do
      local y, g = m:forward(x), torch.randn(x[1]:size(1))
      assert((y - net:forward(x)):abs():max() < 1e-12)
      local mine, chain = m:backward(x, g), net:backward(x, g)
      for i = 1, 2 do assert((mine[i] - chain[i]):abs():max() < 1e-5, 'PairwiseDistance ' .. p) end
   end
end

-- Torch7 adds 1e-6 and 1e-7 to distances that it divides by; the loss is looked at from both sides here.
for _, class in ipairs { 'Euclidean', 'WeightedEuclidean' } do
   local m, x, g = nn[class](5, 20), torch.randn(3, 5), torch.randn(3, 20)
   if m.diagCov then m.diagCov:uniform(0.5, 2) end
   m:zeroGradParameters()
   local function loss() return torch.cmul(m:forward(x), g):sum() end
   loss()
   local gradInput = m:backward(x, g, 0.5)
   local values, gradients = { x, m.weight, m.diagCov }, { gradInput, m.gradWeight * 2, m.diagCov and m.gradDiagCov * 2 }
   for i, value in ipairs(values) do
      for k = 1, value:nElement(), 7 do
         local flat = value:view(-1)
         local kept = flat[k]
         flat[k] = kept + 1e-6
         local above = loss()
         flat[k] = kept - 1e-6
         local slope = (above - loss()) / 2e-6
         flat[k] = kept
         compared = compared + 1
         assert(math.abs(slope - gradients[i]:contiguous():view(-1)[k]) < 1e-6, class)
      end
   end
end

----------------------------------------------------------------------------------------------------- mixtures

local function mixture(batch, d)
   -- the gate's weight of an expert, repeated over what a sample has
   return function(input, g)
      local gate, experts = input[1], input[2]
      local list = {}
      local k = gate:size(gate:dim())
      for i = 1, k do list[i] = d and experts:select(d, i) or experts[i] end
      local output, gradGate, gradList = list[1]:clone():zero(), gate:clone():zero(), {}
      for i = 1, k do
         gradList[i] = list[i]:clone()
         for n = 1, batch and gate:size(1) or 1 do
            local weight = batch and gate[n][i] or gate[i]
            local x, to, gx = list[i], output, gradList[i]
            local go = g
            if batch then x, to, gx, go = x:narrow(1, n, 1), to:narrow(1, n, 1), gx:narrow(1, n, 1), g:narrow(1, n, 1) end
            to:add(weight, x)
            gx:copy(go):mul(weight)
            local slope = torch.cmul(x, go):sum()
            if batch then gradGate[n][i] = slope else gradGate[i] = slope end
         end
      end
      if not d then return output, { gradGate, gradList } end
      local whole = experts:clone()
      for i = 1, k do whole:select(d, i):copy(gradList[i]) end
      return output, { gradGate, whole }
   end
end
local rand, randn = torch.rand, torch.randn
compare('MixtureTable', nn.MixtureTable(), mixture(false), { rand(3), { randn(4), randn(4), randn(4) } },
   { rand(1), { randn(4, 2) } })
compare('MixtureTable', nn.MixtureTable(), mixture(true), { rand(2, 3), { randn(2, 20), randn(2, 20), randn(2, 20) } },
   { rand(3, 2), { randn(3, 2, 5), randn(3, 2, 5) } }, { rand(3, 2), { randn(3), randn(3) } })
compare('MixtureTable', nn.MixtureTable(), mixture(false, 1), { rand(3), randn(3, 4) }, { rand(2), randn(2, 3, 2) })
compare('MixtureTable', nn.MixtureTable(2), mixture(false, 2), { rand(3), randn(4, 3) })
compare('MixtureTable', nn.MixtureTable(), mixture(true, 2), { rand(2, 3), randn(2, 3, 4) }, { rand(4, 3), randn(4, 3) })
compare('MixtureTable', nn.MixtureTable(1), mixture(true, 1), { rand(2, 3), randn(3, 2, 4) })
compare('MixtureTable', nn.MixtureTable(3), mixture(true, 3), { rand(2, 3), randn(2, 5, 3, 2) }, { rand(2, 3), randn(2, 4, 3) })

------------------------------------------------------------------------------------------------ layers, cosines

-- The modules of a container, one after the other.
local function spelled(m)
   local net = nn.Sequential()
   for i = 1, m:size() do net:add(m:get(i):clone()) end
   return net
end

-- Gradients of the parameters, and what accUpdateGradParameters makes of them.
local function compare_parameters(name, fused, chain, ...)
   for _, x in ipairs { ... } do
      for _, typename in ipairs { 'torch.DoubleTensor', 'torch.FloatTensor' } do
         local a, b = fused:clone():type(typename), chain:clone():type(typename)
         local input = x:type(typename)
         local g = torch.randn(b:forward(input):size()):type(typename)
         a:forward(strided(input))
         for _, m in ipairs { a, b } do
            local _, gradients = m:parameters()
            for _, t in ipairs(gradients) do t:fill(0.25) end
            m:backward(m == a and strided(input) or input, m == a and strided(g) or g, -0.5)
            m:updateGradInput(input, g)
            m:accGradParameters(input, g, 2)
            m:accUpdateGradParameters(input, g, 0.125)
         end
         for k = 1, 2 do close_all(name, 'parameters', (select(k, a:parameters())), (select(k, b:parameters()))) end
         close(name, 'output', a:forward(input), b:forward(input))
         close(name, 'backward', a:backward(input, g), b:backward(input, g))
      end
   end
end

for _, affine in ipairs { true, false } do
   local m = nn.LayerNormalization(5, 0.5, 1e-3, affine)
   if affine then
      m:get(5).weight:uniform(1, 2)
      m:get(6).bias:uniform()
   end
   for _, x in ipairs { torch.randn(5), torch.randn(1, 5), torch.randn(2, 5), torch.randn(7, 5) } do
      compare('LayerNormalization', m, chain_of(spelled(m)), x)
      if affine then compare_parameters('LayerNormalization', m, spelled(m), x) end
   end
end
do
   -- whatever a program changes in its modules counts
   local changed = nn.LayerNormalization(4)
   changed:get(3).p = 1
   compare('LayerNormalization, changed', changed, chain_of(spelled(changed)), torch.randn(3, 4))
   local longer = nn.LayerNormalization(4):add(nn.Tanh())
   compare('LayerNormalization, longer', longer, chain_of(spelled(longer)), torch.randn(3, 4))
   local watched, calls = nn.LayerNormalization(4), 0
   watched:get(5).updateOutput = function(self, input)
      calls = calls + 1
      return nn.CMul.updateOutput(self, input)
   end
   watched:forward(torch.randn(3, 4))
   assert(calls == 1, 'a method of a module is not called')
end

-- As the chain of tensor operations that Torch7's has.
local Chain, module = torch.class('CosineChain', 'nn.Module', {})
function Chain:__init(d, m)
   module.__init(self)
   self.weight, self.gradWeight = torch.randn(m, d), torch.zeros(m, d)
end
local function lengths(matrix) return matrix:norm(2, 2):add(1e-12) end
local function by_lengths(t, x, weight) return t:cdiv(lengths(x):expandAs(t)):cdiv(lengths(weight):t():expandAs(t)) end
local function matrix(x) return x:dim() == 1 and x:view(1, -1) or x end
function Chain:updateOutput(input)
   local x = matrix(input)
   self.output = by_lengths(x * self.weight:t(), x, self.weight)
   if input:dim() == 1 then self.output = self.output:select(1, 1) end
   return self.output
end
function Chain:updateGradInput(input, gradOutput)
   local x, g, y = matrix(input), matrix(gradOutput), matrix(self.output)
   local along = torch.cmul(g, y):sum(2):cdiv(torch.pow(lengths(x), 2))
   self.gradInput = (by_lengths(g:clone(), x, self.weight) * self.weight):addcmul(-1, x, along:expandAs(x)):viewAs(input)
   return self.gradInput
end
function Chain:accGradParameters(input, gradOutput, scale)
   local x, g, y, w = matrix(input), matrix(gradOutput), matrix(self.output), self.weight
   local along = torch.cmul(g, y):sum(1):t():cdiv(torch.pow(lengths(w), 2))
   self.gradWeight:add(scale, (by_lengths(g:clone(), x, w):t() * x):addcmul(-1, w, along:expandAs(w)))
end
do
   local chain, m = Chain.new(5, 3), nn.Cosine(5, 3)
   m.weight:copy(chain.weight)
   for _, x in ipairs { torch.randn(5), torch.randn(1, 5), torch.randn(7, 5) } do
      compare('Cosine', m, chain_of(chain), x)
      compare_parameters('Cosine', m, chain, x)
   end
   -- a copy out of a file has no lengths
   local x, g = torch.randn(2, 5), torch.randn(2, 3)
   m:forward(x)
   local read = torch.deserialize(torch.serialize(m))
   close('Cosine', 'gradInput after a file', read:backward(x, g), m:backward(x, g))
end

-- lengths
torch.class('nn.TestLong', 'nn.Sequential')
assert(#nn.TestLong():add(nn.Tanh()):add(nn.Tanh()) == 2)
local net = nn.Sequential()
assert(#net == 0 and #net:add(nn.Tanh()):add(nn.Tanh()) == 2 and #net:clone() == 2 and #nn.Concat(1):add(net) == 0)
for name, sizes in pairs { ClassNLLCriterion = 4, SpatialClassNLLCriterion = 3, BCECriterion = 2 } do
   local size = #nn[name](torch.ones(sizes))
   assert(#nn[name]() == 0 and torch.typename(size) == 'torch.LongStorage' and size[1] == sizes, name)
end
print(compared .. ' results, all as the chains give them')
