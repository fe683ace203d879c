-- A network whose outputs are far larger than its weights is converted with little more memory than the weights take: sizes
-- are learnt without computing what lies between. Its outputs, 32 planes of 512 x 512, take 100 MB each in a batch of 3.
local folder = assert(arg[1], 'a folder is expected')
local export = require 'rekindle.export'
require 'nn'
torch.setdefaulttensortype('torch.FloatTensor')

local function peak()
   for line in io.lines('/proc/self/status') do
      local kb = line:match('^VmHWM:%s*(%d+)')
      if kb then return tonumber(kb) / 1024 end
   end
end

local model, planes = nn.Sequential(), 3
for _ = 1, 4 do
   model:add(nn.SpatialConvolution(planes, 32, 3, 3, 1, 1, 1, 1)):add(nn.SpatialBatchNormalization(32)):add(nn.ReLU(true))
   planes = 32
end
model:add(nn.SpatialMaxPooling(4, 4)):add(nn.SpatialAveragePooling(128, 128)):add(nn.View(32)):add(nn.Linear(32, 10))
local before = peak()
export.convert(model, folder .. '/wide.onnx', { input = { '3x512x512' } })
export.convert(model, folder .. '/wide.pth', { input = { '3x512x512' } })
local grown = peak() - before
assert(grown < 150, string.format('converting took %d MB', grown))
