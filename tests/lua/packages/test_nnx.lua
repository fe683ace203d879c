-- Packages nnx and unsup, by their documented interfaces.
require 'nnx'
require 'unsup'
torch.manualSeed(1)
assert(nnx and unsup)

-- ---- nnx: gradients of layers, and what they give ----
local function checks(module, input, name)
   local err = nn.Jacobian.testJacobian(module, input)
   assert(err < 1e-4, name .. ' gradInput ' .. err)
   if module.weight then
      assert(nn.Jacobian.testJacobianParameters(module, input, module.weight, module.gradWeight) < 1e-4, name)
      assert(nn.Jacobian.testJacobianParameters(module, input, module.bias, module.gradBias) < 1e-4, name)
   end
end
local picture = torch.rand(3, 5, 7)
for name, module in pairs {
   linear = nn.SpatialLinear(3, 4), resampling = nn.SpatialReSampling { owidth = 9, oheight = 4 },
   ratios = nn.SpatialReSampling { rwidth = 0.5, rheight = 2 }, up = nn.SpatialUpSampling(2, 3),
   down = nn.SpatialDownSampling(2, 2), padding = nn.SpatialPadding(1, -2, 0, 3), yuv = nn.SpatialColorTransform 'rgb2yuv',
   minus = nn.Minus(), softmax = nn.MultiSoftMax(),
   classifier = nn.SpatialClassifier(nn.Sequential():add(nn.Linear(3, 2)):add(nn.Tanh())),
} do
   checks(module, picture, name)
end
local bilinear = nn.SpatialUpSamplingBilinear { owidth = 9, oheight = 4 }
local difference = nn.SpatialReSampling { owidth = 9, oheight = 4 }:forward(picture) - bilinear:forward(picture)
assert(difference:abs():max() < 1e-6)
-- the gradient goes by gradOutput's size, whatever the options say by then
local moved = nn.SpatialReSampling { owidth = 4, oheight = 4 }
moved:forward(picture)
local back = moved:updateGradInput(picture, torch.ones(3, 2, 3))
assert((back - nn.SpatialReSampling { owidth = 3, oheight = 2 }:updateGradInput(picture, torch.ones(3, 2, 3))):abs():max() == 0)
assert(math.abs(back:sum() - 18) < 1e-9)
for module, sizes in pairs { [nn.SpatialUpSampling(2, 2)] = { 3, 10, 13 }, [moved] = { 2, 4, 4 }, [nn.SpatialDownSampling(2, 2)] = { 3, 3, 3 } } do
   local ok, message = pcall(module.updateGradInput, module, picture, torch.ones(unpack(sizes)))
   assert(not ok and message:find("nn%.Spatial%w+: gradOutput of the output's size"), message)
end
local batch = nn.SpatialReSampling { owidth = 4, oheight = 4 }:forward(torch.rand(2, 3, 5, 7))
assert(batch:size(1) == 2 and batch:size(4) == 4)
assert(nn.SpatialDownSampling(2, 2):forward(torch.ones(1, 4, 6)):size(3) == 3)
local linear = nn.Linear(3, 2)
local planes = nn.SpatialClassifier(linear):forward(picture)
assert((planes[{ {}, 2, 3 }] - linear:forward(picture[{ {}, 2, 3 }])):abs():max() < 1e-12)
local super = nn.SuperCriterion():add(nn.MSECriterion(), 2):add(nn.AbsCriterion())
local x, y = { torch.rand(3), torch.rand(3) }, { torch.rand(3), torch.rand(3) }
local expected = 2 * nn.MSECriterion():forward(x[1], y[1]) + nn.AbsCriterion():forward(x[2], y[2])
assert(math.abs(super:forward(x, y) - expected) < 1e-12 and #super:backward(x, y) == 2)
local nll = nn.DistNLLCriterion()
local t = torch.Tensor { 0.2, 0.8 }
assert(math.abs(nll:forward(torch.zeros(2), t) - math.log(2)) < 1e-12)
assert((nll:backward(torch.zeros(2), t) - torch.Tensor { 0.3, -0.3 }):abs():max() < 1e-12)

-- ---- pictures at other sizes and scales, neighbouring places ----
local function fails(f, text)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
end
local function near(a, b) assert(a:isSize(b:size()) and (a - b):abs():max() < 1e-9) end
local small = torch.range(1, 6):view(1, 2, 3)
local function resampled(mode, w, h) return nn.SpatialReSamplingEx { owidth = w, oheight = h, mode = mode }:forward(small) end
near(resampled('simple', 6, 4), nn.SpatialUpSampling(2, 2):forward(small))
near(resampled('average', 5, 2), torch.Tensor { { { 1, 1, 2, 2, 3 }, { 4, 4, 5, 5, 6 } } })
near(resampled('simple', 1, 1), torch.Tensor { { { 1 } } })
near(resampled('average', 1, 1), torch.Tensor { { { 3.5 } } })
near(resampled('bilinear', 5, 3), nn.SpatialReSampling { owidth = 5, oheight = 3 }:forward(small))
-- any two dimensions that follow each other, from the first to the last
local four = torch.rand(2, 4, 6, 3)
for y, module in ipairs {
   nn.SpatialReSamplingEx { rheight = 0.5, rwidth = 0.5, yDim = 1, xDim = 2, mode = 'average' },
   nn.SpatialReSamplingEx { rheight = 1.5, rwidth = 2, mode = 'bilinear' },
   nn.SpatialReSamplingEx { rheight = 2, rwidth = 2, yDim = 3, xDim = 4 },
} do
   checks(module, four, 'sizes of dimensions ' .. y)
   local turned = four:transpose(1, y):transpose(y, 1)
   near(module:forward(turned), module:forward(four:clone()))
end
fails(function() nn.SpatialReSamplingEx { owidth = 9, oheight = 1 }:forward(small) end,
   'nn.SpatialReSamplingEx: both dimensions should become larger, or both smaller, got 2x3 to 1x9')
fails(function() nn.SpatialReSamplingEx { owidth = 2, oheight = 2, mode = 'cubic' } end, "nn.SpatialReSamplingEx: mode 'simple'")
fails(function() nn.SpatialReSamplingEx { owidth = 2 } end, 'nn.SpatialReSamplingEx: rheight or oheight expected')
fails(function() nn.SpatialReSamplingEx { owidth = 2, oheight = 2, yDim = 1 } end, 'nn.SpatialReSamplingEx: yDim and xDim should follow')

local ones = function(h, w) return torch.ones(h, w) end
for name, kernel in pairs { one = ones(3, 3), even = ones(2, 4), two = { ones(3, 1), ones(1, 5) } } do
   local module = nn.SpatialNormalization(3, kernel, 0.1)
   checks(module, picture, 'normalization, ' .. name)
   assert(module:forward(torch.ones(3, 5, 7)):abs():max() < 1e-9)
   assert(module:clone():float():forward(picture:float()):isSize(picture:size()))
end
-- one kernel over the whole picture: mean and deviation of all that is seen from a place
local whole = nn.SpatialNormalization(1, ones(3, 3), 1e-6):forward(torch.range(1, 9):view(1, 3, 3))
assert(math.abs(whole[1][2][2]) < 1e-9 and whole[1][1][1] < 0)
assert(nn.SpatialNormalization(1, ones(3, 3)):forward(torch.rand(4, 4)):size(1) == 1)
fails(function() nn.SpatialNormalization(3) end, 'nn.SpatialNormalization: a kernel, a matrix or a table of two, expected')
fails(function() nn.SpatialNormalization(2, ones(3, 3)):forward(picture) end, 'nn.SpatialNormalization: an input of 2 planes expected')

for name, graph in pairs {
   euclid = nn.SpatialGraph(), plain = nn.SpatialGraph { normalize = false }, cosine = nn.SpatialGraph { dist = 'cosine' },
   dot = nn.SpatialGraph { dist = 'cosine', normalize = false },
} do
   checks(graph, picture, 'graph, ' .. name)
   checks(graph, torch.rand(2, 1, 4), 'graph of a row, ' .. name)
end
local edges = nn.SpatialGraph { normalize = false }:forward(torch.Tensor { { { 1, 4 }, { 1, 2 } }, { { 0, 4 }, { 2, 2 } } })
near(edges, torch.Tensor { { { 5, 0 }, { 1, 0 } }, { { 2, math.sqrt(8) }, { 0, 0 } } })
assert(nn.SpatialGraph():backward(torch.ones(2, 3, 3), torch.ones(2, 3, 3)):abs():sum() == 0)
fails(function() nn.SpatialGraph { connex = 8 } end, 'nn.SpatialGraph: only the 4 nearest places')
fails(function() nn.SpatialGraph { dist = 'city' } end, "nn.SpatialGraph: dist 'euclid' or 'cosine' expected")

for _, full in ipairs { true, false } do
   local first = full and nn.Identity() or nn.Sequential():add(nn.Narrow(2, 1, 3)):add(nn.Narrow(3, 2, 4))
   local pair = nn.Sequential():add(nn.ConcatTable():add(first):add(nn.MulConstant(0.5)))
   checks(pair:add(nn.SpatialMatching(3, 2, full)), picture, 'matching')
end
local a, b = torch.rand(2, 2, 3), torch.rand(2, 4, 4)
local matched = nn.SpatialMatching(3, 2):forward { a, b }
for _, at in ipairs { { 1, 1, 1, 1 }, { 2, 3, 3, 2 }, { 1, 2, 2, 1 } } do
   local y, x, dy, dx = unpack(at)
   local distance = (a[{ {}, y, x }] - b[{ {}, y + dy - 1, x + dx - 1 }]):pow(2):sum()
   assert(math.abs(matched[y][x][dy][dx] - distance) < 1e-12)
end
do
   local below = nn.Sequential():add(nn.ConcatTable():add(nn.Narrow(2, 1, 3)):add(nn.MulConstant(0.5)))
   checks(below:add(nn.SpatialRadialMatching(3)), picture, 'radial matching')
   local radial = nn.SpatialRadialMatching(2)
   for _ = 1, 2 do
      local distances = radial:forward { a, b }
      assert(distances:dim() == 3 and distances:size(3) == 2)
      for _, at in ipairs { { 1, 1, 1 }, { 2, 3, 2 }, { 1, 2, 2 } } do
         local y, x, d = unpack(at)
         assert(math.abs(distances[y][x][d] - (a[{ {}, y, x }] - b[{ {}, y + d - 1, x }]):pow(2):sum()) < 1e-12)
      end
      radial:backward({ a, b }, distances:clone())
      near(radial.gradInput2:narrow(3, 4, 1), torch.zeros(2, 4, 1))
   end
   fails(function() nn.SpatialRadialMatching() end, 'nn.SpatialRadialMatching: maxh')
   fails(function() radial:forward { b, a } end, 'nn.SpatialRadialMatching: an input[2] of 2x5x4 or larger expected')
   fails(function() radial:backward({ a, b }, torch.ones(2, 3, 3)) end, 'nn.SpatialRadialMatching: gradOutput')
end
local around = nn.SpatialMatching(3, 3, true):forward { a, a }
assert(around[1][1][2][2] == 0 and around[1][1][1][1] == 1e30 and around[2][2][1][1] < 1e30)
fails(function() nn.SpatialMatching(3, 3):forward { a, b } end, 'nn.SpatialMatching: an input[2] of 2x4x5 or larger expected')

local function networks() return { nn.SpatialConvolution(3, 2, 3, 3), nn.SpatialConvolution(3, 2, 3, 3) } end
local scene = torch.rand(3, 8, 8)
local pyramid = nn.SpatialPyramid({ 1, 2 }, networks(), 3, 3, 1, 1)
local fovea = nn.SpatialFovea { nInputPlane = 3, ratios = { 1, 2 }, processors = networks(), preProcessors = { nn.Tanh() }, fov = 3 }
for _, module in ipairs { nn.Sequential():add(pyramid):add(nn.JoinTable(1)), fovea } do
   local scaled = module == fovea and fovea or pyramid
   for _, place in ipairs { {}, { 5, 3, 3, 3 } } do
      scaled:focus(unpack(place))
      checks(module, scene, 'scales')
      assert(#module:parameters() == 4)
      local parameter, gradient = module:parameters()
      assert(nn.Jacobian.testJacobianParameters(module, scene, parameter[3], gradient[3]) < 1e-4)
      assert(module:forward(scene):isSize(torch.LongStorage(#place == 0 and { 4, 8, 8 } or module == fovea and { 4, 1, 1 } or { 4, 3, 3 })))
   end
   local single = module:clone():float():forward(scene:float()):double()
   assert((single - module:forward(scene)):abs():max() < 1e-5)
end
-- what is in the middle of a window is what the whole picture has there
pyramid:focus()
local all = pyramid:forward(scene)[1][{ {}, 4, 4 }]:clone()
pyramid:focus(4, 4, 1, 1)
assert((pyramid:forward(scene)[1]:view(2) - all):abs():max() < 1e-9)
fails(function() pyramid:forward(torch.rand(3, 7, 8)) end, 'nn.SpatialPyramid: a height and width in multiples of 2 expected')
fails(function() nn.SpatialPyramid({ 1, 2 }, { nn.Identity() }, 3, 3, 1, 1) end, 'nn.SpatialPyramid: a processor for each of 2 ratios')
fails(function() nn.SpatialFovea { ratios = { 1 }, processors = { nn.Tanh() } } end, 'nn.SpatialFovea: nInputPlane expected, as number')
fovea:focus(50, 1)
fails(function() fovea:forward(scene) end, 'nn.SpatialFovea: a place in the picture to focus on expected')

-- ---- limits, places, margins, functions ----
checks(nn.SaturatedLU(0.2, 0, 0.8, 1), torch.Tensor { -1, 0.1, 0.5, 0.7, 0.9 }, 'saturated')
near(nn.SaturatedLU():forward(torch.Tensor { -3, 0.5, 3 }), torch.Tensor { -1, 0.5, 1 })
local blocks = torch.rand(2, 3, 4, 6)
checks(nn.PixelSort(2), blocks, 'sorted pixels')
near(nn.PixelShuffle(2):forward(nn.PixelSort(2):forward(blocks)), blocks)
assert(nn.PixelSort(2):forward(blocks[1]):isSize(torch.LongStorage { 12, 2, 3 }))
fails(function() nn.PixelSort(4):forward(blocks) end, 'nn.PixelSort: a height and width in multiples of 4 expected')
for _, sizes in ipairs { { 3, 2 }, { 7, 5 }, { 1, 1 }, { 9, 8 } } do
   checks(nn.SpatialMaxSampling { owidth = sizes[1], oheight = sizes[2] }, picture, 'largest')
end
near(nn.SpatialMaxSampling(2, 1):forward(small), torch.Tensor { { { 4, 6 } } })
local wrapper = nn.FunctionWrapper(function(self) self.by = 3 end, function(self, input) return input * self.by end,
   function(self, _, gradOutput) return gradOutput * self.by end)
checks(wrapper, picture, 'functions')
fails(function() nn.FunctionWrapper(function() end) end, 'nn.FunctionWrapper: a function expected as updateOutput, got nothing')
local margin, lists = nn.DistMarginCriterion(), torch.Tensor { { 2, 3, 0, 0 }, { 1, 0, 0, 0 } }
local scores = torch.Tensor { { 0.5, 1, 0.8, -1 }, { 2, 1.5, -3, 0 } }
assert(math.abs(margin:forward(scores, lists) - (0.7 + 0.5) / 4) < 1e-12)
near(margin:backward(scores, lists), torch.Tensor { { 0.25, 0, -0.25, 0 }, { -0.25, 0.25, 0, 0 } })
near(margin:backward(scores[2], lists[2]), torch.Tensor { -0.25, 0.25, 0, 0 })
fails(function() margin:forward(scores, lists * 3) end, 'nn.DistMarginCriterion: a target should be a whole number from 1 to 4')

-- ---- unsup ----

do
   local auto = unsup.AutoEncoder(nn.Linear(2, 2), nn.Linear(2, 2), 1)
   local ok, why = pcall(function() auto:initDiagHessianParameters() end)
   assert(not ok and why:find('test_nnx.lua:%d+: unsup.AutoEncoder: its encoder, nn.Linear, has no method initDiagHessianParameters; nn.hessian.enable'), why)
end
torch.manualSeed(1)
assert((torch.Tensor { -2, 0.5, 3 }:shrinkage(1) - torch.Tensor { -1, 0, 2 }):abs():max() == 0)
checks(nn.Sequential():add(nn.Diag(3)), picture, 'diag')
local data = torch.randn(200, 4) * torch.randn(4, 4)
local values, vectors = unsup.pcacov(data)
local singular = unsup.pca(data)
assert(math.abs(values[4] - singular[1]) < 1e-9 and vectors:size(1) == 4)
for _, name in ipairs { 'zca', 'pca' } do
   local white, means, P, invP = unsup[name .. '_whiten'](data)
   local covariance = torch.mm(white:t(), white):div(199)
   assert((covariance - torch.eye(4)):abs():max() < 1e-3, name)
   assert((unsup[name .. '_colour'](white, means, P, invP) - data):abs():max() < 1e-8, name)
   assert((unsup[name .. '_layer'](data, means, P, invP):forward(data) - white):abs():max() < 1e-8, name)
end
local clusters = torch.cat(torch.randn(50, 2):mul(0.1):add(5), torch.randn(50, 2):mul(0.1):add(-5), 1)
local centroids, counts = unsup.kmeans(clusters, 2, 5, 30)
assert(counts:sum() == 500 and math.abs(math.abs(centroids[1][1]) - 5) < 0.2, tostring(centroids))

nn.hessian.enable()
local samples = setmetatable({}, { __index = function() local s = torch.randn(9) return { s, s } end })
local function trained(module, set, eta, hessian)
   local trainer, first, last = unsup.UnsupTrainer(module, set), 0, 0
   trainer.hookSample = function(_, i, _, result)
      if i <= 50 then first = first + result[1] elseif i > 250 then last = last + result[1] end
   end
   local old = print
   print = function() end
   trainer:train { eta = eta, maxiter = 300, statinterval = 300, hessian = hessian, hessiansamples = 20 }
   print = old
   assert(last < first, string.format('%s: %g, then %g', torch.type(module), first, last))
end
local function diagonal(module)
   module:initDiagHessianParameters()
   return module
end
trained(diagonal(unsup.LinearPSD(9, 16, 0.3, 1, { encoderType = 'tanh' })), samples, 0.005, true)
trained(unsup.AutoEncoder(nn.Sequential():add(nn.Linear(9, 6)):add(nn.Tanh()), nn.Linear(6, 9), 1), samples, 0.01)
local pictures = setmetatable({}, { __index = function() local s = torch.randn(1, 9, 9) return { s, s } end })
trained(unsup.ConvPSD(nn.tables.full(1, 4), 3, 3, 9, 9, 0.5, 1, { encoderType = 'tanh' }), pictures, 0.001)
local sparse = unsup.LinearFistaL1(9, 16, 0.3)
local value, history = sparse:updateOutput(torch.randn(9))
assert(value <= history[1].F and sparse.code:eq(0):sum() > 0)
local file = torch.MemoryFile()
file:writeObject(sparse)
file:seek(1)
assert((file:readObject().code - sparse.code):abs():max() == 0)
print('all as it should be')
