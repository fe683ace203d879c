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
-- regions: the largest of each quarter
local roi = inn.ROIPooling(2, 2):setSpatialScale(1):cuda()
local rois = torch.CudaTensor { { 1, 1, 1, 4, 4 }, { 2, 2, 2, 3, 3 } }
local y = roi:forward { x, rois }
assert(y:size(1) == 2 and y:size(3) == 2 and y[1][2][1][1] == x[1][2]:narrow(1, 1, 2):narrow(2, 1, 2):max())
assert(y[2][1][2][2] == x[2][1][3][3])
local g = roi:backward({ x, rois }, y:clone():fill(1))
assert(g[1]:sum() == y:nElement() and g[2]:sum() == 0)
print('all as it should be')
