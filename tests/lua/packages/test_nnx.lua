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
   assert(not ok and message:find("^nn%.Spatial%w+: gradOutput of the output's size"), message)
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

-- ---- unsup ----
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
