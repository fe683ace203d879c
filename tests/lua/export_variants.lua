-- Options of classes, in batches of any size, as ONNX and as PyTorch, with the scripts that compare.
-- Usage: th tests/lua/export_variants.lua FOLDER [PATTERN]
require 'nn'
local export = require 'rekindle.export'
local inputs = require 'rekindle.export.inputs'
torch.manualSeed(1)
local folder, only = arg[1], arg[2]

-- constructor, then the sizes of a sample (texts for a table)
local variants = {
   { 'Linear(4, 3, false)', '4' }, { 'LinearWeightNorm(4, 3)', '4' }, { 'Bilinear(3, 4, 2, false)', '3', '4' },
   { 'SpatialConvolution(2, 4, 3, 2, 2, 1, 1, 0):noBias()', '2x7x6' },
   { 'SpatialConvolutionMM(2, 4, 3, 3, 1, 1, 1, 1)', '2x5x5' },
   { 'SpatialDilatedConvolution(2, 3, 3, 3, 1, 1, 2, 2, 2, 2)', '2x7x7' },
   { 'SpatialFullConvolution(3, 2, 3, 3, 2, 2, 1, 1, 1, 1):noBias()', '3x4x4' },
   { 'SpatialFullConvolution(3, 2, 3, 3, 2, 2, 1, 1)', '3x4x4', '1x8x8' },
   { 'SpatialConvolutionMap(nn.tables.random(4, 3, 2), 3, 3)', '4x6x6' },
   { 'SpatialConvolutionLocal(2, 3, 5, 4, 3, 3, 2, 1, 1, 1)', '2x4x5' },
   { 'SpatialDepthWiseConvolution(3, 2, 3, 3, 1, 1, 1, 1)', '3x5x5' },
   { 'TemporalConvolution(4, 3, 3, 2)', '9x4' }, { 'TemporalRowConvolution(4, 3, 1, true)', '4x9' },
   { 'VolumetricConvolution(2, 3, 2, 3, 3, 1, 2, 2, 1, 1, 0)', '2x4x6x6' },
   { 'VolumetricDilatedConvolution(2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0, 2, 1, 2)', '2x5x4x5' },
   { 'VolumetricFullConvolution(2, 3, 2, 3, 3, 2, 2, 2, 0, 1, 1, 0, 1, 1)', '2x2x3x3' },

   { 'SpatialMaxPooling(3, 3, 2, 2):ceil()', '2x6x7' }, { 'SpatialMaxPooling(3, 2, 2, 2, 1, 1):ceil()', '2x6x6' },
   { 'SpatialMaxPooling(3, 2, 1, 2, 1, 0)', '2x6x7' }, { 'SpatialDilatedMaxPooling(2, 3, 2, 2, 1, 1, 2, 2):ceil()', '2x8x9' },
   { 'VolumetricMaxPooling(2, 3, 3, 2, 2, 2, 0, 1, 1):ceil()', '1x5x6x7' },
   { 'VolumetricAveragePooling(2, 3, 2, 1, 2, 2)', '2x4x7x6' },
   { 'SpatialAveragePooling(3, 3, 2, 2, 1, 1):ceil()', '2x6x7' },
   { 'SpatialAveragePooling(3, 3, 2, 2, 1, 1):ceil():setCountExcludePad()', '2x6x7' },
   { 'SpatialAveragePooling(3, 2, 2, 2, 1, 0):setCountExcludePad()', '2x5x5' },
   { 'SpatialAveragePooling(3, 3, 2, 2):ceil()', '2x6x6' },
   { 'SpatialAdaptiveMaxPooling(3, 2)', '2x7x8' }, { 'SpatialAdaptiveAveragePooling(3, 4)', '2x7x8' },
   { 'SpatialAdaptiveAveragePooling(1, 1)', '2x7x8' }, { 'TemporalMaxPooling(3, 2)', '8x3' },
   { 'TemporalDynamicKMaxPooling(2, 0.5)', '7x3' }, { 'SpatialLPPooling(2, 3, 2, 3, 2, 1)', '2x6x6' },
   { 'FeatureLPPooling(3, 2, 2, true)', '7x3x2' }, { 'SpatialSubSampling(2, 2, 3, 2, 1)', '2x5x6' },
   { 'TemporalSubSampling(3, 3, 2)', '7x3' },

   { 'BatchNormalization(3, 1e-3, 0.1, false)', '3' }, { 'SpatialBatchNormalization(3, nil, nil, false)', '3x4x4' },
   { 'VolumetricBatchNormalization(2)', '2x3x4x4' }, { 'SpatialCrossMapLRN(4, 0.3, 0.5, 2)', '6x3x3' },
   { 'LayerNormalization(5)', '5' }, { 'Normalize(3)', '4' },
   { 'SpatialSubtractiveNormalization(2, torch.rand(5))', '2x7x6' },
   { 'SpatialDivisiveNormalization(2, torch.rand(3, 5))', '2x6x7' },
   { 'SpatialContrastiveNormalization(3, torch.rand(5, 5), 0.1, 0.2)', '3x8x8' },

   { 'Dropout(0.3, true)', '4' }, { 'SpatialDropout(0.3)', '2x3x3' }, { 'WhiteNoise(0.5, 0.1)', '4' },
   { 'Threshold(0.1, -0.2)', '5' }, { 'PReLU(3)', '3x4x4' }, { 'PReLU()', '5' }, { 'RReLU(0.1, 0.4)', '5' },
   { 'SoftPlus(3)', '5' }, { 'ELU(0.3)', '5' }, { 'CReLU(3)', '2x3x3' }, { 'GatedLinearUnit(2)', '6' },
   { 'SoftMax()', '3x4x2' }, { 'LogSoftMax()', '5' }, { 'SoftMin()', '5' }, { 'SpatialSoftMax()', '3x4x2' },

   { 'View(-1):setNumInputDims(2)', '3x4' }, { 'View(2, -1):setNumInputDims(2)', '3x4' }, { 'View(12)', '3x4' },
   { 'Reshape(4, 3)', '3x4' }, { 'Reshape(2, 6, true)', '3x4' }, { 'Squeeze(2, 2)', '3x1' },
   { 'Unsqueeze(1, 2)', '3x4' }, { 'Replicate(3, 2, 2)', '3x4' }, { 'Transpose({ 2, 3 }, { 3, 4 })', '2x3x4' },
   { 'Transpose({ 1, 2 }, { 2, 3 }):setNumInputDims(3)', '2x3x4' }, { 'Collapse(2)', '2x3x4' },
   { 'Convert("bchw", "bhwc")', '2x3x4' }, { 'Convert("bchw", "bf")', '2x3x4' },
   { 'Select(2, -1)', '3x4' }, { 'Select(1, 2)', '3x4' }, { 'Narrow(2, 2, -1)', '4x3' }, { 'Narrow(2, -1, 2)', '4x3' },
   { 'Padding(1, 2, 2, 0.5)', '3x4' }, { 'Padding(2, -2, 2, 1)', '3x4' }, { 'Padding(1, 2, 1, 0.5, 2)', '3' },
   { 'Padding(1, -2, 1, 0.5, 3)', '4' }, { 'SpatialZeroPadding(1, -1, 2, 0)', '2x4x4' },
   { 'SpatialReflectionPadding(1, 2, 0, 1)', '2x4x4' }, { 'SpatialReplicationPadding(2, 0, 1, 1)', '2x3x3' },
   { 'VolumetricReplicationPadding(1, 0, 2, 1, 0, 1)', '2x2x3x3' },
   { 'Sum(2, 2, true, false)', '3x4' }, { 'Mean(1, 2)', '3x4' }, { 'Max(-1)', '3x4' }, { 'Min(1, 1)', '4' },
   { 'Constant(torch.rand(2, 3), 1)', '4' }, { 'AddConstant(torch.rand(3, 4))', '3x4' }, { 'CMul(3, 1)', '3x4' },
   { 'CAdd(1, 3, 4)', '3x4' }, { 'CMul(12)', '3x4' }, { 'Add(12)', '3x4' }, { 'Power(1.5)', '3' },

   { 'SpatialUpSamplingNearest(3)', '2x3x4' }, { 'SpatialUpSamplingBilinear({ oheight = 7, owidth = 5 })', '2x3x4' },
   { 'UpSampling({ oheight = 7, owidth = 9 }, "linear")', '2x3x4' }, { 'UpSampling(2)', '1x2x3x3' }, { 'PixelShuffle(2)', '8x2x3' },

   { 'LookupTable(6, 3, 0, 1)', '5:long' }, { 'OneHot(4)', '5:long' }, { 'Euclidean(3, 4)', '3' },
   { 'Cosine(3, 4)', '3' }, { 'WeightedEuclidean(3, 4)', '3' },
   { 'PairwiseDistance(1)', '4', '4' }, { 'CosineDistance()', '4', '4' },
   { 'DotProduct()', '4', '4' }, { 'MM(false, true)', '3x4', '2x4' }, { 'MV(true)', '4x3', '4' },
   { 'MixtureTable(2)', '3', '3x4' }, { 'JoinTable(1, 1)', '3', '4' }, { 'JoinTable(-1)', '2x3', '2x4' },
   { 'SplitTable(1, 2)', '3x4' }, { 'CDivTable()', '3', '3' }, { 'CMaxTable()', '3', '3', '3' }, { 'CMinTable()', '3', '3' },
   { 'CAddTable()', '3', '3', '3' }, { 'NarrowTable(2, 2)', '3', '4', '5' }, { 'SelectTable(-1)', '3', '4' },
   { 'FlattenTable()', '3', '{4,{5,2}}' }, { 'ZipTableOneToMany()', '3', '{4,5}' }, { 'CAddTensorTable()', '3', '{3,3}' },
   { 'MapTable(nn.Linear(3, 2))', '3', '3', '3' }, { 'MapTable(nn.Linear(3, 2), false)', '3', '3' },
   { 'Parallel(2, 2):add(nn.Linear(4, 2)):add(nn.Linear(4, 3))', '2x4' },
   { 'Bottle(nn.Linear(4, 2))', '3x4' }, { 'Bottle(nn.Bottle(nn.Linear(4, 2)), 3)', '2x3x4' },
   { 'WeightNorm(nn.SpatialConvolution(2, 3, 2, 2), 2)', '2x4x4' }, { 'Maxout(4, 3, 2)', '4' },
   { 'Sequential():add(nn.VolumetricMaxPooling(1, 2, 2)):add(nn.VolumetricMaxPooling(2, 1, 1)):add(nn.View(-1):setNumInputDims(4))',
      '2x2x4x4' },
   { '(function() local pool = nn.VolumetricMaxPooling(2, 2, 2) return nn.Sequential():add(pool):add(nn.Sqrt()):add(nn.VolumetricMaxUnpooling(pool)) end)()',
      '1x4x4x4' },
   { '(function() local pool = nn.SpatialMaxPooling(2, 2, 2, 2):ceil() return nn.Sequential():add(nn.ConcatTable():add(pool):add(nn.Identity())):add(nn.SelectTable(1)):add(nn.SpatialMaxUnpooling(pool)) end)()',
      '3x5x5' },
   -- one module in two places
   { '(function() local m = nn.Linear(3, 3) return nn.Sequential():add(m):add(nn.Tanh()):add(m) end)()', '3' },
   -- an output that is an input, and one that comes twice
   { 'ConcatTable():add(nn.Identity()):add(nn.Identity()):add(nn.Tanh())', '3' },
}

for i, variant in ipairs(variants) do
   local call = variant[1]
   if not only or call:find(only) then
      local module = assert(loadstring('return ' .. (call:find('^%(') and call or 'nn.' .. call)))()
      module:float()
      local spec = assert(inputs.parse { unpack(variant, 2) })
      module:training()
      pcall(module.forward, module, inputs.sample(spec, 6, 'torch.FloatTensor', inputs.limit(module)))
      local name = (i .. ' ' .. call):sub(1, 70)
      local ok, why = pcall(function()
         for _, suffix in ipairs { 'onnx', 'pth' } do
            local path = string.format('%s/%d_%s.%s', folder, i, suffix, suffix)
            export.convert(module, path, { input = spec, batch = true })
            export.verify(module, path, { input = spec, n = 5, batch = true })
            print(string.format('%s\t%s\t%s', name, suffix, (path:gsub('%.%w+$', '.verify.py'))))
         end
      end)
      if not ok then print(string.format('%s\trefused\t%s', name, (tostring(why):gsub('\n', ' ')))) end
   end
end
