-- Packages inn and cunnx, with `--cuda cpu`.
require 'inn'
require 'cunnx'
local function near(a, b) return (a:double() - b:double()):abs():max() < 1e-5 end
local x = torch.CudaTensor(2, 3, 5, 5):uniform()
local mean = torch.Tensor(3):uniform()
local minus = inn.MeanSubtraction(mean):cuda()
assert(near(minus:forward(x)[2][3], x[2][3] - mean[3]) and near(minus:backward(x, x), x))
local affine = inn.ConstAffine(torch.Tensor { 1, 2, 3 }, torch.Tensor { 0, 1, 2 }):cuda()
assert(near(affine:forward(x)[1][3], x[1][3] * 3 + 2) and near(affine:backward(x, x)[1][3], x[1][3] * 3))
assert(inn.SpatialMaxPooling(2, 2):cuda():forward(x):size(3) == 3)
assert(near(inn.SpatialCrossResponseNormalization(3):cuda():forward(x), nn.SpatialCrossMapLRN(3):cuda():forward(x)))
local ones = inn.ConstAffine(3):cuda()
assert(near(ones:forward(x), x) and ones.a:nElement() == 3)
-- regions: the largest of each quarter. Modules of today leave out a region's last row and column, those of older files
-- have no field v2 and do not.
local roi = inn.ROIPooling(2, 2):setSpatialScale(1):cuda()
assert(roi.v2)
local whole = torch.CudaTensor { { 1, 1, 1, 5, 5 } }
local z = roi:forward { x, whole }
assert(z[1][2][1][1] == x[1][2]:narrow(1, 1, 2):narrow(2, 1, 2):max() and z[1][3][2][1] == x[1][3]:narrow(1, 3, 2):narrow(2, 1, 2):max())
roi:backward({ x, whole }, z:clone():fill(1))
roi.v2 = nil
local rois = torch.CudaTensor { { 1, 1, 1, 4, 4 }, { 2, 2, 2, 3, 3 } }
local y = roi:forward { x, rois }
assert(y:size(1) == 2 and y:size(3) == 2 and y[1][2][1][1] == x[1][2]:narrow(1, 1, 2):narrow(2, 1, 2):max())
assert(y[2][1][2][2] == x[2][1][3][3])
local g = roi:backward({ x, rois }, y:clone():fill(1))
assert(g[1]:sum() == y:nElement() and g[2]:sum() == 0)

-- one of each window in training, the mean weighted by itself in evaluation
local drawn = inn.SpatialStochasticPooling(2, 2, 2, 2):cuda()
local y = drawn:forward(x):clone()
assert(y:size(3) == 3 and y:size(4) == 3)
for i = 1, 2 do
   for j = 1, 2 do
      local window = x[2][1]:narrow(1, 2 * i - 1, 2):narrow(2, 2 * j - 1, 2)
      assert(window:eq(y[2][1][i][j]):any())
   end
end
assert(y[1][2][3][3] == x[1][2][5][5])
local g = drawn:backward(x, y)
assert(near(torch.cmul(g, x):sum(4):sum(3), torch.cmul(y, y):sum(4):sum(3)))
assert(drawn:forward(x[1]):dim() == 3 and drawn:backward(x[1], drawn.output):isSameSizeAs(x[1]))
drawn:evaluate()
local window = x[1][1]:narrow(1, 1, 2):narrow(2, 1, 2)
assert(math.abs(drawn:forward(x)[1][1][1][1] - torch.cmul(window, window):sum() / window:sum()) < 1e-5)
local ok, message = pcall(drawn.backward, drawn, x, drawn.output)
assert(not ok and message:find('inn.SpatialStochasticPooling', 1, true) and message:find 'in training', message)
local counts = torch.zeros(2)
local pair = torch.CudaTensor { { { 1, 3 } } }
local two = inn.SpatialStochasticPooling(2, 1):cuda()
for _ = 1, 2000 do
   local k = two:forward(pair):sum() == 3 and 2 or 1
   counts[k] = counts[k] + 1
end
assert(math.abs(counts[2] / 2000 - 0.75) < 0.05)

-- grids of several sizes, one after the other
local pyramid = inn.SpatialPyramidPooling({ 2, 1 }, { 1, 1 }):cuda()
local p = pyramid:forward(x)
assert(p:dim() == 2 and p:size(2) == 3 * 3 and p[1][9] == x[1][3]:max() and p[2][1] == x[2][1]:narrow(2, 1, 3):max())
assert(inn.SpatialPyramidPooling({ { 2, 1 }, { 1, 1 } }):cuda():forward(x[1]):size(1) == 9)
assert(pyramid:backward(x, p):isSameSizeAs(x))
ok, message = pcall(inn.SpatialPyramidPooling)
assert(not ok and message:find('inn.SpatialPyramidPooling: sizes of grids expected', 1, true), message)
local same = inn.SpatialSameResponseNormalization(3, 1, 0.5):cuda()
local mean = torch.cmul(x, x)[1][1]:narrow(1, 1, 3):narrow(2, 1, 3):mean()
assert(math.abs(same:forward(x)[1][1][2][2] - x[1][1][2][2] / math.sqrt(1 + mean)) < 1e-5)

-- networks without batch normalizations
assert(require 'inn.utils' == inn.utils)
local function network()
   local inner = nn.Sequential():add(nn.SpatialConvolution(4, 2, 3, 3):noBias()):add(nn.SpatialBatchNormalization(2, nil, nil, false))
   local net = nn.Sequential():add(nn.SpatialConvolution(3, 4, 1, 1)):add(nn.SpatialBatchNormalization(4)):add(nn.ReLU())
      :add(nn.ConcatTable():add(inner):add(nn.SpatialMaxPooling(3, 3, 1, 1))):add(nn.JoinTable(2))
      :add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(6 * 9, 5)):add(nn.BatchNormalization(5)):add(nn.Sigmoid())
   net:cuda()
   for _ = 1, 3 do net:forward(torch.CudaTensor(8, 3, 5, 5):normal(1, 2)) end
   net:evaluate()
   return net
end
local net = network()
assert(inn.utils.testSurgery(x, inn.utils.foldBatchNorm, net) < 1e-4)
assert(#net:findModules 'nn.SpatialBatchNormalization' == 0 and #net:findModules 'nn.BatchNormalization' == 0)
net = network()
assert(inn.utils.testSurgery(x, inn.utils.BNtoFixed, net, true) < 1e-4)
assert(#net:findModules 'inn.ConstAffine' == 3)
ok, message = pcall(inn.utils.foldBatchNorm, 3)
assert(not ok and message:find('inn.utils.foldBatchNorm', 1, true), message)
print('all as it should be')
