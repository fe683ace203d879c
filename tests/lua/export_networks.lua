-- Networks as they were built for Torch7, as ONNX and as PyTorch, with the scripts that compare.
-- Usage: th tests/lua/export_networks.lua FOLDER [NETWORK]
require 'nn'
require 'nngraph'
local export = require 'rekindle.export'
torch.manualSeed(1)
local folder, only = arg[1], arg[2]
local networks = {}

local function conv(from, to, k, d, pad) return nn.SpatialConvolution(from, to, k, k, d or 1, d or 1, pad or 0, pad or 0) end
local function normed(from, to, k, d, pad)
   return nn.Sequential():add(conv(from, to, k, d, pad)):add(nn.SpatialBatchNormalization(to, 1e-3)):add(nn.ReLU(true))
end

function networks.lenet()
   return nn.Sequential()
      :add(conv(1, 6, 5)):add(nn.Tanh()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
      :add(conv(6, 16, 5)):add(nn.Tanh()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
      :add(nn.View(16 * 5 * 5)):add(nn.Linear(400, 120)):add(nn.Tanh()):add(nn.Linear(120, 10)):add(nn.LogSoftMax()), '1x32x32'
end

function networks.vgg()
   local net, from = nn.Sequential(), 3
   for _, to in ipairs { 8, 'M', 16, 'M', 16, 16, 'M' } do
      if to == 'M' then
         net:add(nn.SpatialMaxPooling(2, 2, 2, 2):ceil())
      else
         net:add(normed(from, to, 3, 1, 1))
         from = to
      end
   end
   local classifier = nn.Sequential():add(nn.Dropout(0.5)):add(nn.Linear(16 * 4 * 4, 32)):add(nn.BatchNormalization(32))
      :add(nn.ReLU(true)):add(nn.Dropout(0.5)):add(nn.Linear(32, 10))
   return net:add(nn.View(-1):setNumInputDims(3)):add(classifier), '3x30x30'
end

function networks.resnet()
   local function shortcut(from, to, stride)
      if from == to then return nn.Identity() end
      -- as in the CIFAR variant: planes of zeros
      return nn.Sequential():add(nn.SpatialAveragePooling(1, 1, stride, stride))
         :add(nn.Concat(2):add(nn.Identity()):add(nn.MulConstant(0)))
   end
   local function block(from, to, stride)
      local branch = normed(from, to, 3, stride, 1):add(conv(to, to, 3, 1, 1)):add(nn.SpatialBatchNormalization(to))
      return nn.Sequential():add(nn.ConcatTable():add(branch):add(shortcut(from, to, stride))):add(nn.CAddTable(true)):add(nn.ReLU(true))
   end
   return nn.Sequential():add(normed(3, 8, 3, 1, 1)):add(block(8, 8, 1)):add(block(8, 16, 2)):add(block(16, 16, 1))
      :add(nn.SpatialAveragePooling(8, 8, 1, 1)):add(nn.View(16):setNumInputDims(3)):add(nn.Linear(16, 10)), '3x16x16'
end

function networks.inception()
   local function module(from)
      return nn.DepthConcat(2):add(normed(from, 4, 1)):add(nn.Sequential():add(normed(from, 3, 1)):add(normed(3, 6, 3, 1, 1)))
         :add(nn.Sequential():add(normed(from, 2, 1)):add(normed(2, 4, 5, 1, 2)))
         :add(nn.Sequential():add(nn.SpatialMaxPooling(3, 3, 1, 1, 1, 1)):add(normed(from, 2, 1)))
   end
   return nn.Sequential():add(normed(3, 8, 7, 2, 3)):add(nn.SpatialMaxPooling(3, 3, 2, 2):ceil()):add(nn.SpatialCrossMapLRN(5))
      :add(module(8)):add(module(16)):add(nn.SpatialAveragePooling(7, 7, 1, 1):ceil()):add(nn.View(16):setNumInputDims(3))
      :add(nn.Dropout(0.4)):add(nn.Linear(16, 10)):add(nn.SoftMax()), '3x27x27'
end

function networks.dcgan_generator()
   local function up(from, to, first)
      return nn.SpatialFullConvolution(from, to, 4, 4, first and 1 or 2, first and 1 or 2, first and 0 or 1, first and 0 or 1)
   end
   return nn.Sequential():add(up(10, 16, true)):add(nn.SpatialBatchNormalization(16)):add(nn.ReLU(true))
      :add(up(16, 8)):add(nn.SpatialBatchNormalization(8)):add(nn.ReLU(true)):add(up(8, 3)):add(nn.Tanh()), '10x1x1'
end
function networks.dcgan_discriminator()
   return nn.Sequential():add(conv(3, 8, 4, 2, 1)):add(nn.LeakyReLU(0.2, true)):add(conv(8, 16, 4, 2, 1))
      :add(nn.SpatialBatchNormalization(16)):add(nn.LeakyReLU(0.2, true)):add(conv(16, 1, 4)):add(nn.Sigmoid())
      :add(nn.View(1):setNumInputDims(3)), '3x16x16'
end

function networks.unet()
   local function level(from, to, inner)
      if not inner then return normed(from, to, 3, 1, 1) end
      local down = nn.Sequential():add(nn.SpatialMaxPooling(2, 2, 2, 2)):add(inner)
         :add(nn.SpatialFullConvolution(2 * to, to, 2, 2, 2, 2))
      return nn.Sequential():add(normed(from, to, 3, 1, 1)):add(nn.ConcatTable():add(nn.Identity()):add(down)):add(nn.JoinTable(1, 3))
         :add(normed(2 * to, to, 3, 1, 1))
   end
   return nn.Sequential():add(level(1, 4, level(4, 8, level(8, 16)))):add(conv(4, 2, 1)):add(nn.SpatialLogSoftMax()), '1x16x16'
end

-- the cell of char-rnn: the states of two layers are inputs and outputs
function networks.char_rnn()
   local size, vocabulary = 6, 9
   local function cell(x, c, h)
      local sums = nn.CAddTable() { nn.Linear(x.size, 4 * size)(x.node), nn.Linear(size, 4 * size)(h) }
      local n1, n2, n3, n4 = nn.SplitTable(2)(nn.Reshape(4, size)(sums)):split(4)
      local c2 = nn.CAddTable() { nn.CMulTable() { nn.Sigmoid()(n2), c }, nn.CMulTable() { nn.Sigmoid()(n1), nn.Tanh()(n4) } }
      return c2, nn.CMulTable() { nn.Sigmoid()(n3), nn.Tanh()(c2) }
   end
   local inputs = {}
   for i = 1, 5 do inputs[i] = nn.Identity()() end
   local x = { node = nn.LookupTable(vocabulary, 5)(inputs[1]), size = 5 }
   local outputs = {}
   for layer = 1, 2 do
      local c, h = cell(x, inputs[2 * layer], inputs[2 * layer + 1])
      outputs[2 * layer - 1], outputs[2 * layer] = c, h
      x = { node = nn.Dropout(0.2)(h), size = size }
   end
   outputs[5] = nn.LogSoftMax()(nn.Linear(size, vocabulary)(x.node))
   return nn.gModule(inputs, outputs), { ':long', '6', '6', '6', '6' }
end

function networks.highway()
   local function layer(n)
      local x = nn.Identity()()
      local gate = nn.Sigmoid()(nn.AddConstant(-2)(nn.Linear(n, n)(x)))
      local value = nn.ReLU()(nn.Linear(n, n)(x))
      local carry = nn.AddConstant(1)(nn.MulConstant(-1)(gate))
      return nn.gModule({ x }, { nn.CAddTable() { nn.CMulTable() { gate, value }, nn.CMulTable() { carry, x } } })
   end
   return nn.Sequential():add(nn.TemporalConvolution(5, 12, 3)):add(nn.ReLU()):add(nn.TemporalMaxPooling(6)):add(nn.Squeeze(1, 2))
      :add(layer(12)):add(layer(12)):add(nn.Linear(12, 3)), '8x5'
end

-- both halves share their weights
function networks.siamese()
   local function half()
      return nn.Sequential():add(conv(1, 4, 3)):add(nn.ReLU()):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(4 * 36, 8))
         :add(nn.Normalize(2))
   end
   local first = half()
   local second = first:clone('weight', 'bias')
   return nn.Sequential():add(nn.ParallelTable():add(first):add(second)):add(nn.PairwiseDistance(2)), { '1x8x8', '1x8x8' }
end

-- unpooling to where the maxima were, and a decoder that shares the encoder's matrix
function networks.autoencoder()
   local pool = nn.SpatialMaxPooling(2, 2, 2, 2)
   local encoder = nn.Linear(4 * 16, 10)
   local decoder = nn.Linear(10, 4 * 16)
   decoder.weight:set(encoder.weight:t())
   return nn.Sequential():add(conv(1, 4, 3, 1, 1)):add(nn.ReLU()):add(pool):add(nn.Reshape(64)):add(encoder):add(nn.Sigmoid())
      :add(decoder):add(nn.Reshape(4, 4, 4)):add(nn.SpatialMaxUnpooling(pool)):add(nn.SpatialFullConvolution(4, 1, 3, 3, 1, 1, 1, 1)), '1x8x8'
end

-- two networks over one input with tables in between, of modules that look at batches in different ways
function networks.mixture()
   local experts = nn.ConcatTable()
   for _ = 1, 3 do experts:add(nn.Sequential():add(nn.Linear(6, 5)):add(nn.Tanh())) end
   local gate = nn.Sequential():add(nn.Linear(6, 3)):add(nn.SoftMax())
   return nn.Sequential():add(nn.ConcatTable():add(gate):add(experts)):add(nn.MixtureTable())
      :add(nn.ConcatTable():add(nn.Identity()):add(nn.Sequential():add(nn.Linear(5, 5)):add(nn.Mul()))):add(nn.CSubTable())
      :add(nn.Replicate(3, 1, 1)):add(nn.Transpose({ 2, 3 })):add(nn.Bottle(nn.Linear(3, 2))):add(nn.Select(2, -1)), '6'
end

-- pictures of any size; the sizes of the conversion, and others that are tried
local open = { unet = { '1x16x16', '1x24x32' }, segmenter = { '2x20x20', '2x27x33' } }
function networks.segmenter()
   local parts = nn.Concat(2):add(nn.Sequential():add(conv(4, 3, 3, 1, 1)):add(nn.SpatialMaxPooling(3, 3, 1, 1, 1, 1)))
      :add(nn.Sequential():add(nn.SpatialReflectionPadding(1)):add(conv(4, 2, 3)):add(nn.SpatialAveragePooling(3, 3, 1, 1, 1, 1)
         :setCountExcludePad()))
   return nn.Sequential():add(conv(2, 4, 3, 1, 1)):add(nn.ReLU(true)):add(nn.SpatialCrossMapLRN(3)):add(parts)
      :add(nn.SpatialMaxPooling(2, 2, 2, 2):ceil()):add(nn.SpatialZeroPadding(1, -1, 0, -1)):add(nn.SpatialUpSamplingBilinear(2))
      :add(nn.PReLU(5)):add(nn.SpatialDropout(0.2)):add(conv(5, 4, 1)):add(nn.PixelShuffle(2)):add(nn.SpatialUpSamplingNearest(2))
      :add(nn.SpatialSoftMax()), '2x20x20'
end

local names = {}
for name in pairs(networks) do names[#names + 1] = name end
table.sort(names)

local function spec(value)
   return type(value) == 'string' and value or assert(require('rekindle.export.inputs').parse(value))
end

for _, name in ipairs(names) do
   if not only or only == name then
      local net, input = networks[name]()
      net:float()
      input = spec(input)
      -- statistics of batches
      local inputs = require 'rekindle.export.inputs'
      local sizes = type(input) == 'string' and inputs.parse { input } or input
      net:training()
      for _ = 1, 3 do net:forward(inputs.sample(sizes, 6, 'torch.FloatTensor', inputs.limit(net))) end
      local ok, why = pcall(function()
         for _, way in ipairs { { 'onnx', 'float' }, { 'pth', 'float' }, { 'pth', 'double' } } do
            local suffix, kind = unpack(way)
            local path = string.format('%s/%s_%s_%s.%s', folder, name, suffix, kind, suffix)
            local told = export.convert(net, path, { input = input, batch = true, type = kind })
            assert(told.batch)
            export.verify(net, path, { input = input, n = 5, batch = true, type = kind })
            print(string.format('%s\t%s\t%s', name, kind == 'float' and suffix or suffix .. ' of doubles',
               (path:gsub('%.%w+$', '.verify.py'))))
         end
      end)
      if ok and open[name] then
         ok, why = pcall(function()
            for _, suffix in ipairs { 'onnx', 'pth' } do
               local path = string.format('%s/%s_%s_open.%s', folder, name, suffix, suffix)
               export.convert(net, path, { input = open[name][1], open = true })
               export.verify(net, path, { input = open[name][2], n = 3 })
               print(string.format('%s\t%s of any size\t%s', name, suffix, (path:gsub('%.%w+$', '.verify.py'))))
            end
         end)
      end
      if not ok then print(string.format('%s\trefused\t%s', name, (tostring(why):gsub('\n', ' ')))) end
   end
end
