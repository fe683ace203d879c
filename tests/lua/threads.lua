-- Results do not depend on the number of threads: large operations of every family of kernels, bit by bit.
--
-- The arguments name the families: the files of src/tensor/ops, src/nn and src/optim (`tests/threads.rs` lists them). Each has an
-- entry here: its operations, or the family whose operations run it (a string). A family without one is an error, and
-- so is an entry of a family that is gone.
require 'nn'
require 'optim'

local function inputs(type)
   torch.manualSeed(11)
   local v = torch.randn(150001):type(type)
   local m = torch.randn(310, 420):type(type)
   return {
      v = v, w = torch.randn(150001):type(type), m = m, n = torch.randn(420, 270):type(type),
      square = torch.randn(310, 420):type(type), places = torch.LongTensor(310, 90):random(1, 420),
      rows = torch.LongTensor(700):random(1, 310), mask = torch.gt(v, 0.3), batch = torch.randn(12, 60, 70):type(type),
      other = torch.randn(12, 70, 50):type(type), image = torch.randn(80, 90):type(type), mould = torch.randn(7, 5):type(type),
      images = torch.randn(16, 3, 32, 32):type(type),
   }
end

local batch4 = function(t) return t.batch:view(1, 12, 60, 70) end

-- outputs and gradients of modules and criteria, in the element type of the inputs
local function pass(module, x, gradOutput)
   torch.manualSeed(2)
   local type, out = torch.isTensor(x) and x:type() or x[1]:type(), {}
   module:type(type)
   local function keep(y)
      if torch.isTensor(y) then out[#out + 1] = y:clone() else for _, v in ipairs(y) do keep(v) end end
   end
   local y = module:forward(x)
   keep(y)
   keep(module:backward(x, gradOutput or y))
   for _, p in ipairs(select(2, module:parameters()) or {}) do keep(p) end
   return out
end

local function loss(criterion, x, target)
   torch.manualSeed(2)
   criterion:type(torch.isTensor(x) and x:type() or x[1]:type())
   local l = criterion:forward(x, target)
   local g = criterion:backward(x, target)
   if torch.isTensor(g) then return { l, g:clone() } end
   return { l, g[1]:clone(), g[2]:clone() }
end

local function each(names, f)
   local out = {}
   for _, name in ipairs(names) do out[#out + 1] = f(name) end
   return out
end

local families = {
   ['ops/arithmetic'] = function(t)
      return torch.add(t.v, 2, t.w), torch.addcdiv(t.v, 0.5, t.v, t.w), torch.addcmul(t.v, 0.5, t.v, t.w),
         torch.add(t.m:t(), t.square:t()), torch.cmul(t.v, t.w), torch.div(t.v, 3), torch.cmax(t.v, t.w),
         torch.clamp(t.v, -1, 1)
   end,
   ['ops/copy'] = function(t) return t.m:t():clone(), t.v:clone(), t.v:int(), t.v:long():type(t.v:type()) end,
   ['ops/half'] = function(t) return t.v:half(), t.v:half():type(t.v:type()) end,
   ['ops/pointwise'] = function(t)
      return torch.exp(t.v), torch.tanh(t.v), torch.sigmoid(t.v), torch.sin(t.v), torch.log(torch.abs(t.v)),
         torch.log1p(torch.abs(t.v)), torch.pow(t.v, 3), torch.pow(torch.abs(t.v), 1.7), torch.atan2(t.v, t.w)
   end,
   ['ops/compare'] = function(t) return torch.lt(t.v, t.w), torch.eq(t.v, t.w), torch.ge(t.m:t(), 0.5) end,
   ['ops/reduce'] = function(t)
      local out = { t.v:sum(), t.v:mean(), t.v:var(), t.v:norm(), t.v:norm(3), t.v:min(), t.v:max(), t.v:dot(t.w),
         t.v:dist(t.w), t.m:t():sum(), t.m:t():std(), t.m:t():norm(1) }
      for d = 1, 2 do
         for _, name in ipairs { 'sum', 'mean', 'prod', 'std', 'max', 'min', 'cumsum', 'cumprod' } do
            local a, b = torch[name](t.m, d)
            out[#out + 1] = a
            out[#out + 1] = b
         end
         out[#out + 1] = t.m:norm(2, d)
      end
      out[#out + 1] = torch.cumsum(t.v)
      return out, torch.cumprod(t.v:narrow(1, 1, 300))
   end,
   ['ops/order'] = function(t)
      local out = { torch.sort(t.v), torch.topk(t.v, 50), torch.kthvalue(t.v, 777), (torch.median(t.v, 1)) }
      for d = 1, 2 do
         for _, name in ipairs { 'median', 'mode', 'sort' } do
            local a, b = torch[name](t.m, d)
            out[#out + 1], out[#out + 2] = a, b
         end
      end
      return out
   end,
   ['ops/radix'] = 'ops/order',
   ['ops/index'] = function(t)
      return t.m:gather(2, t.places), t.m:index(1, t.rows), t.m:index(2, t.rows),
         t.m:clone():indexAdd(1, t.rows, t.m:index(1, t.rows)), t.m:clone():scatter(2, t.places, 3),
         t.v:maskedSelect(t.mask), t.v:clone():maskedFill(t.mask, 2), t.v:clone():maskedCopy(t.mask, t.w),
         torch.nonzero(t.mask)
   end,
   ['ops/blas'] = function(t)
      return t.m * t.n, t.n:t() * t.m:t(), torch.mm(t.m, t.m:t()), t.m * t.n:select(2, 3),
         t.m:t() * t.m:select(2, 1), torch.ger(t.v:narrow(1, 1, 400), t.w:narrow(1, 1, 500)), t.v:dot(t.w)
   end,
   ['ops/products'] = function(t)
      return torch.bmm(t.batch, t.other), torch.addbmm(torch.zeros(60, 50):typeAs(t.m), t.batch, t.other),
         torch.baddbmm(torch.zeros(12, 60, 50):typeAs(t.m), t.batch, t.other)
   end,
   ['ops/small_gemm'] = function(t)
      return torch.bmm(t.batch:narrow(2, 1, 9):narrow(3, 1, 8), t.other:narrow(2, 1, 8):narrow(3, 1, 7))
   end,
   ['ops/transpose'] = 'ops/copy',
   ['ops/conv'] = function(t)
      return torch.conv2(t.image, t.mould, 'F'), torch.xcorr2(t.image, t.mould),
         torch.conv3(t.batch, t.batch:narrow(1, 1, 3):narrow(2, 1, 5):narrow(3, 1, 4))
   end,
   ['ops/linalg'] = function(t)
      local square = torch.mm(t.m, t.m:t())
      return (torch.inverse(square)), torch.qr(t.m:narrow(2, 1, 200)), torch.svd(t.m:narrow(1, 1, 60)),
         torch.symeig(square:narrow(1, 1, 60):narrow(2, 1, 60), 'V')
   end,
   ['ops/random'] = function(t)
      local x = t.v:clone()
      return x:uniform():clone(), x:normal(1, 2):clone(), x:exponential(0.5):clone(), x:bernoulli(0.3):clone(),
         x:random(1, 50), x:cauchy():clone(), torch.randperm(70001), torch.multinomial(torch.abs(t.m), 5, true)
   end,
   ['ops/alias_sampling'] = function(t)
      local state = torch.multinomialAliasSetup(torch.abs(t.v))
      return torch.multinomialAlias(torch.LongTensor(70001), state)
   end,
   ['ops/histogram'] = function(t)
      return torch.histc(t.v, 30), torch.renorm(t.m, 2, 1, 3), t.v:dist(t.w), torch.cross(t.v:narrow(1, 1, 150000):view(3, 50000),
         t.w:narrow(1, 1, 150000):view(3, 50000), 1)
   end,
   ['ops/construct'] = function(t) return t.m.new(t.m:size()):fill(2), t.v.new(t.v:storage()) end,
   ['ops/create'] = function(t)
      return torch.range(1, 150001):typeAs(t.v), torch.linspace(0, 1, 150001), torch.eye(400), torch.tril(t.m), torch.diag(t.m)
   end,
   ['ops/view'] = function(t)
      return torch.cat(t.m, t.square, 1), t.m:repeatTensor(3, 2), t.m:t():reshape(420 * 310), t.m:unfold(2, 5, 2):clone()
   end,
   ['nn/activation'] = function(t)
      return each({ 'Tanh', 'ReLU', 'Sigmoid', 'ELU', 'HardTanh', 'LogSigmoid', 'SoftSign', 'Sqrt', 'Square', 'Abs' },
         function(name) return pass(nn[name](), t.m) end)
   end,
   ['nn/activation/shrink'] = function(t)
      return pass(nn.SoftPlus(), t.m), pass(nn.HardShrink(), t.m), pass(nn.SoftShrink(), t.m), pass(nn.PReLU(420), t.m)
   end,
   ['nn/activation/gated'] = function(t)
      return pass(nn.GatedLinearUnit(), t.m, t.m:narrow(2, 1, 210)), pass(nn.CReLU(3), t.batch), pass(nn.RReLU(), t.m)
   end,
   ['nn/activation/softmax'] = function(t)
      return each({ 'SoftMax', 'LogSoftMax', 'SoftMin' }, function(name)
         return { pass(nn[name](), t.m), pass(nn[name](), batch4(t)) }
      end)
   end,
   ['nn/linear'] = function(t)
      local large = torch.randn(33, 1500):typeAs(t.m)
      return pass(nn.Linear(420, 200), t.m), pass(nn.Linear(1500, 1400), large)
   end,
   ['nn/lookup'] = function(t)
      local m = nn.LookupTable(310, 300):type(t.m:type())
      m:forward(t.rows)
      m:zeroGradParameters()
      m:backward(t.rows, m.output)
      return m.output, m.gradWeight
   end,
   ['nn/convolution'] = 'nn/convolution/planes',
   ['nn/convolution/engine'] = 'nn/convolution/planes',
   ['nn/convolution/correlation'] = function(t)
      return pass(nn.SpatialConvolution(3, 20, 5, 5, 2, 1, 1, 2), t.images),
         pass(nn.SpatialFullConvolution(3, 18, 3, 3, 2, 2, 1, 1), t.images), pass(nn.SpatialConvolution(12, 20, 5, 5), t.batch)
   end,
   ['nn/convolution/gradient'] = 'nn/convolution/correlation',
   ['nn/convolution/weight'] = 'nn/convolution/correlation',
   ['nn/convolution/winograd'] = function(t)
      local x = torch.randn(5, 16, 22, 19):typeAs(t.m)
      return pass(nn.SpatialConvolution(16, 24, 3, 3, 1, 1, 1, 1), x), pass(nn.SpatialConvolution(16, 24, 3, 3), x)
   end,
   -- few positions: the second call keeps what it makes of the weights, and the third uses it
   ['nn/convolution/kept'] = function(t)
      local function again(module, ...)
         local x = torch.randn(...):typeAs(t.m)
         local y, g = pass(module, x), nil
         for _ = 1, 3 do g = module:forward(x):clone() end
         return { y, g }
      end
      return again(nn.SpatialConvolution(64, 80, 3, 3, 1, 1, 1, 1), 1, 64, 14, 14),
         again(nn.SpatialConvolution(70, 144, 3, 3, 1, 1, 1, 1), 1, 70, 7, 7),
         again(nn.SpatialConvolution(48, 112, 3, 3, 2, 2), 1, 48, 15, 15), again(nn.SpatialConvolution(64, 40, 1, 1), 1, 64, 14, 14)
   end,
   ['nn/convolution/unfold'] = 'nn/convolution/planes',
   ['nn/convolution/groups'] = function(t)
      local function groups(n, module)
         module.groups = n
         local sizes = module.weight:size()
         sizes[2] = sizes[2] / n
         module.weight, module.gradWeight = nn.utils.parameter(sizes)
         module:reset()
         return pass(module, t.batch:view(2, 6, 60, 70))
      end
      return groups(2, nn.SpatialConvolution(6, 4, 3, 3)), groups(6, nn.SpatialConvolution(6, 12, 3, 3)),
         groups(3, nn.SpatialFullConvolution(6, 9, 3, 3))
   end,
   ['nn/convolution/planes'] = function(t)
      return pass(nn.SpatialConvolution(12, 9, 5, 3, 2, 1, 1, 1), batch4(t)), pass(nn.SpatialConvolution(3, 16, 5, 5), t.images),
         pass(nn.SpatialFullConvolution(3, 5, 4, 4, 2, 2, 1, 1), t.images),
         pass(nn.SpatialDilatedConvolution(12, 9, 3, 3, 1, 1, 0, 0, 2, 2), t.batch),
         pass(nn.VolumetricConvolution(1, 8, 3, 3, 3), batch4(t))
   end,
   ['nn/convolution/connected'] = function(t) return pass(nn.SpatialConvolutionMap(nn.tables.oneToOne(3), 5, 5), t.images) end,
   ['nn/convolution/depthwise'] = function(t) return pass(nn.SpatialDepthWiseConvolution(3, 4, 3, 3), t.images) end,
   ['nn/convolution/local'] = function(t) return pass(nn.SpatialConvolutionLocal(12, 3, 70, 60, 3, 3), t.batch) end,
   ['nn/convolution/temporal'] = function(t)
      return pass(nn.TemporalConvolution(70, 30, 3), t.batch), pass(nn.TemporalRowConvolution(70, 4), t.batch)
   end,
   ['nn/window'] = 'nn/pooling',
   ['nn/pooling/window'] = 'nn/pooling',
   ['nn/pooling/max'] = 'nn/pooling',
   ['nn/pooling/sum'] = 'nn/pooling',
   ['nn/pooling'] = function(t)
      return pass(nn.SpatialMaxPooling(3, 2), t.batch), pass(nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1), t.images),
         pass(nn.VolumetricMaxPooling(2, 2, 2), batch4(t)), pass(nn.TemporalMaxPooling(2, 2), t.batch),
         pass(nn.SpatialMaxPooling(4, 4, 4, 4), t.batch), pass(nn.SpatialAveragePooling(3, 3, 1, 1, 1, 1), t.batch)
   end,
   ['nn/pooling/adaptive'] = function(t)
      return pass(nn.SpatialAdaptiveMaxPooling(7, 5), t.batch), pass(nn.SpatialAdaptiveAveragePooling(7, 5), t.batch)
   end,
   ['nn/pooling/fractional'] = function(t) return pass(nn.SpatialFractionalMaxPooling(2, 2, 20, 25), t.batch) end,
   ['nn/pooling/subsampling'] = function(t)
      return pass(nn.SpatialSubSampling(12, 3, 3, 2, 2), t.batch), pass(nn.TemporalSubSampling(420, 3, 2), t.m)
   end,
   ['nn/pooling/unpooling'] = function(t)
      local pool = nn.SpatialMaxPooling(2, 2):type(t.m:type())
      return pass(nn.SpatialMaxUnpooling(pool), pool:forward(t.batch):clone())
   end,
   ['nn/positions'] = 'nn/padding',
   ['nn/padding'] = function(t)
      return pass(nn.SpatialReflectionPadding(2, 3, 1, 2), t.batch), pass(nn.SpatialReplicationPadding(2, 3, 1, 2), t.batch)
   end,
   ['nn/upsampling'] = function(t)
      return pass(nn.SpatialUpSamplingNearest(2), t.batch), pass(nn.SpatialUpSamplingBilinear(2), t.batch)
   end,
   ['nn/vectors'] = 'nn/distance/pairs',
   ['nn/distance'] = 'nn/distance/pairs',
   ['nn/distance/pairs'] = function(t)
      return pass(nn.PairwiseDistance(2), { t.m, t.square }), pass(nn.CosineDistance(), { t.m, t.square }),
         pass(nn.PairwiseDistance(1), { t.m, t.square }), pass(nn.PairwiseDistance(3), { t.m, t.square })
   end,
   ['nn/distance/centers'] = function(t)
      return pass(nn.Euclidean(420, 60), t.m), pass(nn.WeightedEuclidean(420, 60), t.m)
   end,
   ['nn/distance/angles'] = function(t) return pass(nn.Cosine(420, 60), t.m), pass(nn.Cosine(420, 60), t.m[1]) end,
   ['nn/products'] = function(t)
      local gate = torch.rand(310, 3):typeAs(t.m)
      return pass(nn.MixtureTable(), { gate, { t.m, t.square, t.m } }, t.m)
   end,
   ['nn/dropout'] = function(t)
      return pass(nn.Dropout(0.3), t.m), pass(nn.SpatialDropout(0.3), t.images), pass(nn.WhiteNoise(), t.m)
   end,
   ['nn/featurepooling'] = function(t)
      return pass(nn.SpatialLPPooling(12, 2, 3, 3), t.batch), pass(nn.FeatureLPPooling(3, 2, 2, true), t.m),
         pass(nn.SpatialLPPooling(12, 3, 3, 3), t.batch)
   end,
   ['nn/neighbourhood'] = function(t)
      return pass(nn.SpatialSubtractiveNormalization(3, torch.ones(5, 5)), t.images),
         pass(nn.SpatialDivisiveNormalization(3, torch.ones(5)), t.images),
         pass(nn.SpatialContrastiveNormalization(3, torch.ones(7, 7)), t.images)
   end,
   ['nn/normalization/batch'] = 'nn/normalization',
   ['nn/normalization/channels'] = 'nn/normalization',
   ['nn/normalization/vector'] = function(t)
      return pass(nn.Normalize(2), t.m), pass(nn.Normalize(1), t.m), pass(nn.Normalize(3), t.m), pass(nn.Normalize(math.huge), t.m)
   end,
   ['nn/normalization/layer'] = function(t) return pass(nn.LayerNormalization(420), t.m) end,
   ['nn/normalization/crossmap'] = function(t) return pass(nn.SpatialCrossMapLRN(5, 0.1), t.batch) end,
   ['nn/tree'] = function(t)
      -- 270 leaves below 30 nodes below the root
      local tree = { [400] = torch.range(301, 330):int() }
      for i = 1, 30 do tree[300 + i] = torch.range(9 * i - 8, 9 * i):int() end
      local targets = torch.LongTensor(310):random(1, 270)
      return pass(nn.SoftMaxTree(420, tree, 400, false, false), { t.m, targets }, t.m:select(2, 1))
   end,
   ['nn/sparse'] = function(t)
      local x = torch.cat(torch.range(1, 300):typeAs(t.m), t.m:select(2, 1):narrow(1, 1, 300), 2)
      local m = nn.SparseLinear(310, 40):type(t.m:type())
      m:zeroGradParameters()
      local y = m:forward(x):clone()
      m:accGradParameters(x, y, 1)
      return y, m.gradWeight
   end,
   ['nn/normalization'] = function(t)
      return pass(nn.SpatialBatchNormalization(3), t.images), pass(nn.BatchNormalization(420), t.m)
   end,
   ['optim/descent'] = function(t)
      local function steps(method, options)
         local x, g = t.v:clone(), t.w:clone()
         for _ = 1, 3 do method(function() return 0, g end, x, options) end
         return { x, g }
      end
      return steps(optim.sgd, { learningRate = 0.1, momentum = 0.9, weightDecay = 0.01 }), steps(optim.nag, { momentum = 0.9 }),
         steps(optim.asgd, {})
   end,
   ['optim/directions'] = function(t)
      local function f(x) return x:dot(x), torch.mul(x, 2):add(0.1, t.w) end
      local x, y, state = t.v:clone(), t.v:clone(), {}
      optim.lbfgs(f, x, { maxIter = 5, learningRate = 0.3 }, state)
      optim.cg(f, y, { maxIter = 5 })
      return { x, y, state.d }
   end,
   ['optim/adaptive'] = function(t)
      return each({ 'adam', 'adamax', 'adagrad', 'rmsprop', 'adadelta', 'rprop' }, function(name)
         local x, state = t.v:clone(), {}
         for _ = 1, 3 do optim[name](function() return 0, t.w:clone() end, x, state) end
         return x
      end)
   end,
   ['nn/tables'] = function(t)
      local two = { t.m, t.square }
      local three = { t.m, t.square, t.m }
      return pass(nn.CAddTable(), two), pass(nn.CMulTable(), two), pass(nn.CDivTable(), two), pass(nn.CMaxTable(), two),
         pass(nn.CAddTable(), three), pass(nn.CMulTable(), three), pass(nn.CMinTable(), three)
   end,
   ['nn/fusion'] = function(t)
      require 'nngraph'
      local a, b = nn.Identity()(), nn.Identity()()
      local sum = nn.CAddTable()({ nn.Sigmoid()(a), nn.Tanh()(b) })
      local m = nn.gModule({ a, b }, { nn.CMulTable()({ sum, nn.Exp()(nn.Tanh()(sum)) }) })
      pass(m, { t.m, t.square })
      -- the second pass is one program
      return pass(m, { t.m, t.square })
   end,
   ['nn/criterion'] = function(t)
      return each({ 'MSECriterion', 'AbsCriterion', 'SmoothL1Criterion', 'SoftMarginCriterion', 'DistKLDivCriterion' },
         function(name) return loss(nn[name](), t.m, t.square) end)
   end,
   ['nn/criterion/pairwise'] = function(t)
      local y = torch.sign(t.m:select(2, 1)):typeAs(t.m)
      return loss(nn.CosineEmbeddingCriterion(), { t.m, t.square }, y),
         loss(nn.MarginRankingCriterion(), { t.m:select(2, 2), t.m:select(2, 3) }, y)
   end,
   ['nn/criterion/ctc'] = function(t)
      local targets = {}
      for i = 1, 12 do targets[i] = { i, 5, 5, 2 * i } end
      local criterion = nn.CTCCriterion(true)
      return loss(criterion, t.batch, targets)
   end,
   ['nn/criterion/classification'] = function(t)
      local targets = torch.range(1, 310):typeAs(t.m)
      return loss(nn.ClassNLLCriterion(), t.m, targets), loss(nn.MultiMarginCriterion(), t.m, targets),
         loss(nn.MultiLabelMarginCriterion(), t.m, torch.zeros(310, 420):typeAs(t.m):fill(3))
   end,
}

-- ---- every family has an entry, and every entry a family ----

local known = {}
for _, name in ipairs(arg) do
   known[name] = true
   if not families[name] then
      error('the family ' .. name .. ' has no operations in tests/lua/threads.lua: add those whose work threads share', 0)
   end
end
for name, entry in pairs(families) do
   if #arg > 0 and not known[name] then error('there is no family ' .. name .. ' any more', 0) end
   if type(entry) == 'string' and type(families[entry]) ~= 'function' then error(name .. ' stands for ' .. entry, 0) end
end

local before, compared = torch.getnumthreads(), 0
local wrong = {}
for _, type_name in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
   local first = {}
   for _, threads in ipairs { 1, 2, 3, 7 } do
      torch.setnumthreads(threads)
      local t = inputs(type_name)
      for name, f in pairs(families) do
         if type(f) == 'function' then
            torch.manualSeed(5)
            local bytes = torch.serialize { f(t) }
            first[name] = first[name] or bytes
            if bytes ~= first[name] then
               wrong[#wrong + 1] = string.format('%s of %s differs on %d threads', name, type_name, threads)
            end
            compared = compared + 1
         end
      end
   end
end
torch.setnumthreads(before)
if #wrong > 0 then error(table.concat(wrong, '\n'), 0) end
print(compared .. ' results, the same on 1, 2, 3 and 7 threads')
