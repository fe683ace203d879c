-- One list of all classes of nn, with constructors and inputs, for the tests that try every class: nn_modules.lua and
-- nn_messages.lua. A class that is not in it fails the test. An entry is { constructor call, input, options },
-- where `used(module, sizes...)` is a module after a forward.
--
--   target      a criterion's target
--   draws       what is random in it draws the same after the same seed
--   rough       no numeric gradients: it has none, or it hides them
--   kinks       a number that inputs keep their distance from: the function has a kink there
--   contiguous  demands contiguous tensors
--   silent      has no text
--   biasScale   the scale of a backward pass counts for the bias alone
--   clears      false where clearState fails, as in Torch7
--   steps       false where accUpdateGradParameters is not there or means something else
local T = torch
local function randn(...) return T.randn(...) end
local function two(...) return { T.randn(...), T.randn(...) } end
-- for constructors that want a module that has seen an input
function used(module, ...)
   local sizes = torch.LongStorage { ... }
   local count = 1
   for _, n in ipairs(sizes:totable()) do count = count * n end
   module:forward(torch.range(1, count):mul(0.7):cos():view(sizes))
   return module
end

-- an nn.PushTable that took an entry out of a table
function pushed()
   local push = nn.PushTable(2)
   push:forward { torch.ones(2), torch.range(1, 3) }
   return push
end

-- children of nodes
TREE = { [5] = T.IntTensor { 6, 4, 1 }, [1] = T.IntTensor { 2, 3 }, [6] = T.IntTensor { 7 } }

local rough, draws, kinks = { rough = true }, { draws = true }, { kinks = 0 }

return {
   -- layers with weights
   Linear = { { 'Linear(3, 2)', randn(4, 3) }, { 'Linear(3, 2, false)', randn(3) } },
   LinearWeightNorm = { { 'LinearWeightNorm(3, 2)', randn(4, 3) }, { 'LinearWeightNorm(3, 2, false)', randn(3) } },
   WeightNorm = { { 'WeightNorm(nn.Linear(3, 2))', randn(4, 3) },
      { 'WeightNorm(nn.SpatialConvolution(2, 3, 2, 2), 2)', randn(2, 3, 3) } },
   Bilinear = { { 'Bilinear(2, 3, 2)', { randn(4, 2), randn(4, 3) }, { biasScale = true } } },
   PartialLinear = { { 'PartialLinear(3, 2)', randn(4, 3) } },
   SparseLinear = { { 'SparseLinear(4, 2)', T.Tensor { { 1, 0.5 }, { 3, -2 } }, { rough = true, clears = false } } },
   IndexLinear = {
      { 'IndexLinear(5, 2, true)', { T.LongTensor { 1, 4, 2 }, T.Tensor { 0.5, -1, 2 } }, { rough = true, steps = false } },
   },
   LookupTable = { { 'LookupTable(4, 2)', T.LongTensor { 1, 4, 2 } } },
   SoftMaxTree = {
      { 'SoftMaxTree(3, TREE, 5, false, false)', { randn(4, 3), T.IntTensor { 4, 2, 3, 6 } } },
      { 'SoftMaxTree(3, TREE, 5)', { randn(2, 3), T.LongTensor { 7, 1 } }, rough },
   },
   Euclidean = { { 'Euclidean(3, 2)', randn(4, 3) }, { 'Euclidean(3, 2)', randn(3) } },
   WeightedEuclidean = { { 'WeightedEuclidean(3, 2)', randn(4, 3) }, { 'WeightedEuclidean(3, 2)', randn(3) } },
   Cosine = { { 'Cosine(3, 2)', randn(4, 3) }, { 'Cosine(3, 2)', randn(3) } },
   Add = { { 'Add(3)', randn(4, 3) }, { 'Add(1, true)', randn(3) } },
   CAdd = { { 'CAdd(3, 1)', randn(3, 2) } },
   Mul = { { 'Mul()', randn(2, 3) } },
   CMul = { { 'CMul(1, 3)', randn(4, 3) } },
   PReLU = { { 'PReLU(2)', randn(3, 2), kinks } },
   BatchNormalization = { { 'BatchNormalization(3)', randn(4, 3) } },
   SpatialBatchNormalization = { { 'SpatialBatchNormalization(2)', randn(3, 2, 2, 2) } },
   VolumetricBatchNormalization = { { 'VolumetricBatchNormalization(2)', randn(3, 2, 2, 1, 2) } },
   LayerNormalization = { { 'LayerNormalization(3)', randn(3) } },
   Maxout = { { 'Maxout(3, 2, 2)', randn(4, 3) } },
   Kmeans = { { 'Kmeans(2, 3)', randn(5, 3), { rough = true, contiguous = true } } },

   -- convolutions
   SpatialConvolution = { { 'SpatialConvolution(2, 2, 2, 2)', randn(2, 2, 3, 3) } },
   SpatialConvolutionMM = { { 'SpatialConvolutionMM(1, 2, 3, 2, 1, 1, 1)', randn(1, 3, 3) } },
   SpatialConvolutionMap = { { 'SpatialConvolutionMap(nn.tables.full(3, 2), 2, 2)', randn(3, 3, 3) } },
   SpatialConvolutionLocal = { { 'SpatialConvolutionLocal(1, 2, 3, 3, 2, 2)', randn(2, 1, 3, 3) } },
   SpatialDilatedConvolution = { { 'SpatialDilatedConvolution(1, 2, 2, 2, 1, 1, 0, 0, 2, 2)', randn(1, 4, 4) } },
   SpatialFullConvolution = { { 'SpatialFullConvolution(2, 1, 3, 3, 2, 2, 1, 1, 1, 1)', randn(2, 2, 2) } },
   SpatialFullConvolutionMap = { { 'SpatialFullConvolutionMap(nn.tables.full(1, 2), 2, 2)', randn(1, 2, 2) } },
   SpatialDepthWiseConvolution = { { 'SpatialDepthWiseConvolution(2, 1, 2, 2)', randn(2, 3, 3) } },
   TemporalConvolution = { { 'TemporalConvolution(2, 2, 2)', randn(4, 2) } },
   TemporalRowConvolution = { { 'TemporalRowConvolution(2, 2)', randn(4, 2) } },
   VolumetricConvolution = { { 'VolumetricConvolution(1, 1, 2, 2, 2)', randn(1, 2, 3, 3) } },
   VolumetricDilatedConvolution = { { 'VolumetricDilatedConvolution(1, 1, 2, 2, 2)', randn(1, 2, 3, 3) } },
   VolumetricFullConvolution = { { 'VolumetricFullConvolution(1, 1, 2, 2, 2)', randn(1, 1, 2, 2) } },

   -- poolings
   SpatialMaxPooling = { { 'SpatialMaxPooling(2, 2):ceil()', randn(1, 3, 3) } },
   SpatialAveragePooling = { { 'SpatialAveragePooling(2, 2, 1, 1, 1, 1)', randn(1, 3, 3) } },
   SpatialLPPooling = { { 'SpatialLPPooling(1, 2, 2, 2)', randn(1, 4, 4) } },
   FeatureLPPooling = { { 'FeatureLPPooling(3, 2, 2, true)', randn(3, 7), { silent = true } },
      { 'FeatureLPPooling(2, 1, 1)', randn(4, 3), { silent = true } } },
   SpatialAdaptiveMaxPooling = { { 'SpatialAdaptiveMaxPooling(2, 2)', randn(1, 3, 4) } },
   SpatialAdaptiveAveragePooling = { { 'SpatialAdaptiveAveragePooling(2, 2)', randn(1, 3, 4) } },
   SpatialDilatedMaxPooling = { { 'SpatialDilatedMaxPooling(2, 2, 1, 1, 0, 0, 2, 1)', randn(1, 4, 4) } },
   SpatialFractionalMaxPooling = { { 'SpatialFractionalMaxPooling(2, 2, 2, 2)', randn(2, 4, 4), draws } },
   SpatialMaxUnpooling = { { 'SpatialMaxUnpooling(used(nn.SpatialMaxPooling(2, 2), 1, 4, 4))', randn(1, 2, 2) } },
   SpatialSubSampling = { { 'SpatialSubSampling(1, 2, 2)', randn(1, 3, 3) } },
   TemporalMaxPooling = { { 'TemporalMaxPooling(2)', randn(4, 2) } },
   TemporalSubSampling = { { 'TemporalSubSampling(2, 2)', randn(4, 2) } },
   TemporalDynamicKMaxPooling = { { 'TemporalDynamicKMaxPooling(2)', randn(5, 3) } },
   VolumetricMaxPooling = { { 'VolumetricMaxPooling(2, 2, 2)', randn(1, 2, 4, 2) } },
   VolumetricAveragePooling = { { 'VolumetricAveragePooling(2, 2, 2)', randn(1, 2, 4, 2) } },
   VolumetricDilatedMaxPooling = { { 'VolumetricDilatedMaxPooling(2, 2, 2)', randn(1, 2, 4, 2) } },
   VolumetricFractionalMaxPooling = {
      { 'VolumetricFractionalMaxPooling(2, 2, 2, 2, 2, 2)', randn(2, 4, 4, 4), draws },
   },
   VolumetricMaxUnpooling = {
      { 'VolumetricMaxUnpooling(used(nn.VolumetricMaxPooling(2, 2, 2), 1, 2, 4, 4))', randn(1, 1, 2, 2) },
   },

   -- planes of other sizes
   SpatialZeroPadding = { { 'SpatialZeroPadding(1, -1, 0, 1)', randn(1, 3, 3) } },
   SpatialReflectionPadding = { { 'SpatialReflectionPadding(1)', randn(1, 3, 3) } },
   SpatialReplicationPadding = { { 'SpatialReplicationPadding(1)', randn(1, 3, 3) } },
   VolumetricReplicationPadding = { { 'VolumetricReplicationPadding(1)', randn(1, 2, 3, 3) } },
   SpatialUpSamplingNearest = { { 'SpatialUpSamplingNearest(2)', randn(1, 2, 2) } },
   SpatialUpSamplingBilinear = { { 'SpatialUpSamplingBilinear(2)', randn(1, 2, 2) } },
   UpSampling = { { 'UpSampling(2)', randn(1, 1, 2, 3) }, { 'UpSampling(2, "linear")', randn(1, 1, 2, 2, 3) } },
   PixelShuffle = { { 'PixelShuffle(2)', randn(4, 2, 1), { contiguous = true } } },

   -- normalizations
   Normalize = {
      { 'Normalize(2)', randn(4, 3) },
      { 'Normalize(1.5)', randn(3), kinks },
      { 'Normalize(math.huge)', randn(4, 3) },
   },
   SpatialCrossMapLRN = {
      { 'SpatialCrossMapLRN(3)', randn(4, 2, 2) },
      { 'SpatialCrossMapLRN(3, 1, 0.5)', randn(2, 2, 2) },
   },
   SpatialSubtractiveNormalization = { { 'SpatialSubtractiveNormalization(2, torch.ones(3, 3))', randn(2, 3, 4) } },
   SpatialDivisiveNormalization = { { 'SpatialDivisiveNormalization(1, torch.ones(3, 3))', randn(1, 3, 4) } },
   SpatialContrastiveNormalization = { { 'SpatialContrastiveNormalization(1, torch.ones(3, 3))', randn(1, 3, 4) } },

   -- noise, and other gradients than those of the output
   Dropout = { { 'Dropout(0.5)', randn(4, 3), draws } },
   SpatialDropout = { { 'SpatialDropout(0.5)', randn(4, 2, 2), draws } },
   VolumetricDropout = { { 'VolumetricDropout(0.5)', randn(4, 1, 2, 2), draws } },
   WhiteNoise = { { 'WhiteNoise()', randn(3), draws } },
   RReLU = { { 'RReLU()', randn(3, 2), { draws = true, kinks = 0 } } },
   GradientReversal = { { 'GradientReversal()', randn(3), rough } },
   ZeroGrad = { { 'ZeroGrad()', randn(3), rough } },
   L1Penalty = { { 'L1Penalty(0.1)', randn(3), rough } },

   -- activations
   Abs = { { 'Abs()', randn(2, 3), kinks } }, Exp = { { 'Exp()', randn(3) } },
   Log = { { 'Log()', T.rand(3):add(0.1) } },
   Sqrt = { { 'Sqrt()', T.rand(3):add(0.1) } }, Square = { { 'Square()', randn(3) } },
   Power = { { 'Power(3)', randn(3) } },
   AddConstant = { { 'AddConstant(2)', randn(3) } }, MulConstant = { { 'MulConstant(2)', randn(3) } },
   Sigmoid = { { 'Sigmoid()', randn(3) } }, LogSigmoid = { { 'LogSigmoid()', randn(3) } },
   Tanh = { { 'Tanh()', randn(3) } },
   TanhShrink = { { 'TanhShrink()', randn(3) } }, HardTanh = { { 'HardTanh(-2, 0)', randn(3), kinks } },
   Clamp = { { 'Clamp(-9, 0)', randn(3), kinks } }, ReLU = { { 'ReLU()', randn(3), kinks } },
   ReLU6 = { { 'ReLU6()', randn(3), kinks } }, LeakyReLU = { { 'LeakyReLU(0.1)', randn(3), kinks } },
   CReLU = { { 'CReLU(2)', randn(3, 2), kinks } }, ELU = { { 'ELU()', randn(3) } },
   Threshold = { { 'Threshold(0, 0.5)', randn(3), kinks } }, HardShrink = { { 'HardShrink(0.001)', randn(3), kinks } },
   SoftShrink = { { 'SoftShrink(0.001)', randn(3), kinks } }, SoftPlus = { { 'SoftPlus()', randn(3) } },
   SoftSign = { { 'SoftSign()', randn(3) } }, GatedLinearUnit = { { 'GatedLinearUnit()', randn(3, 4) } },
   SoftMax = { { 'SoftMax()', randn(2, 3) } }, LogSoftMax = { { 'LogSoftMax()', randn(2, 3) } },
   SoftMin = { { 'SoftMin()', randn(3) } }, SpatialSoftMax = { { 'SpatialSoftMax()', randn(2, 2, 2) } },
   SpatialLogSoftMax = { { 'SpatialLogSoftMax()', randn(2, 2, 2) } },

   -- shapes and choices
   Identity = { { 'Identity()', randn(3) } }, View = { { 'View(6)', randn(2, 3), { contiguous = true } } },
   Reshape = { { 'Reshape(6)', randn(2, 3) } }, Squeeze = { { 'Squeeze()', randn(2, 1, 3) } },
   Unsqueeze = { { 'Unsqueeze(2)', randn(2, 3), { contiguous = true } } },
   Transpose = { { 'Transpose({ 1, 2 })', randn(2, 3) } },
   Replicate = { { 'Replicate(2)', randn(3) } }, Contiguous = { { 'Contiguous()', randn(2, 3) } },
   Collapse = { { 'Collapse(2)', randn(2, 2, 3) } }, Copy = { { 'Copy()', randn(3), rough } },
   Convert = { { 'Convert("bchw", "bf")', randn(2, 2, 3, 1) }, { 'Convert("chw", "hwc")', randn(2, 3, 2) } },
   Select = { { 'Select(1, 2)', randn(3, 2) } }, Narrow = { { 'Narrow(1, 2, 2)', randn(3, 2) } },
   Padding = { { 'Padding(1, 2, 1, 0.5, 2)', randn(3) }, { 'Padding(2, -1)', randn(3, 2) } },
   Index = { { 'Index(1)', { randn(3, 2), T.LongTensor { 3, 1 } } } },
   MaskedSelect = { { 'MaskedSelect()', { randn(3), T.ByteTensor { 1, 0, 1 } } } },
   Sum = { { 'Sum(2)', randn(2, 3) } }, Mean = { { 'Mean(1)', randn(2, 3) } },
   Max = { { 'Max(2)', randn(2, 3) } }, Min = { { 'Min(2)', randn(2, 3) } },
   Constant = { { 'Constant(7)', randn(3) } }, OneHot = { { 'OneHot(3)', T.LongTensor { 3, 1 } } },

   -- tables
   CAddTable = { { 'CAddTable()', two(2, 3) } }, CSubTable = { { 'CSubTable()', two(2, 3) } },
   CMulTable = { { 'CMulTable()', two(2, 3) } }, CDivTable = { { 'CDivTable()', { randn(3), T.rand(3):add(0.5) } } },
   CMaxTable = { { 'CMaxTable()', two(2, 3) } }, CMinTable = { { 'CMinTable()', two(2, 3) } },
   CAddTensorTable = { { 'CAddTensorTable()', { randn(3), two(3) } } }, JoinTable = { { 'JoinTable(2)', two(2, 3) } },
   SplitTable = { { 'SplitTable(1)', randn(2, 3) } }, SelectTable = { { 'SelectTable(2)', two(3) } },
   NarrowTable = { { 'NarrowTable(1, 2)', { randn(3), randn(2), randn(1) } } },
   FlattenTable = { { 'FlattenTable()', { randn(3), two(2) } } }, ZipTable = { { 'ZipTable()', { two(2), two(2) } } },
   ZipTableOneToMany = { { 'ZipTableOneToMany()', { randn(3), two(3) } } },
   PushTable = { { 'PushTable(2)', { randn(3), randn(2), randn(1) } } },
   PullTable = { { 'PullTable(pushed(), 2)', two(2) }, { 'PullTable(pushed(), 1)', randn(2) } },
   DotProduct = { { 'DotProduct()', two(4, 3) } }, CosineDistance = { { 'CosineDistance()', two(4, 3) } },
   PairwiseDistance = {
      { 'PairwiseDistance()', two(4, 3) },
      { 'PairwiseDistance(3)', two(3) },
      { 'PairwiseDistance(1)', two(2, 3) },
   },
   MM = { { 'MM()', { randn(2, 3), randn(3, 2) } }, { 'MM(true, true)', { randn(2, 3, 2), randn(2, 4, 3) } } },
   MV = { { 'MV()', { randn(2, 3), randn(3) } }, { 'MV(true)', { randn(2, 3, 4), randn(2, 3) } } },
   MixtureTable = { { 'MixtureTable()', { T.rand(2, 3), { randn(2, 4), randn(2, 4), randn(2, 4) } } },
      { 'MixtureTable(3)', { T.rand(2, 3), randn(2, 4, 3) } } },

   -- containers
   Sequential = { { 'Sequential():add(nn.Linear(3, 2)):add(nn.Tanh())', randn(4, 3) } },
   Concat = { { 'Concat(2):add(nn.Linear(3, 2)):add(nn.Tanh())', randn(4, 3) } },
   DepthConcat = {
      { 'DepthConcat(1):add(nn.SpatialConvolution(1, 2, 1, 1)):add(nn.SpatialConvolution(1, 1, 2, 2))',
         randn(1, 3, 3) },
   },
   Parallel = { { 'Parallel(1, 1):add(nn.Linear(3, 2)):add(nn.Tanh())', randn(2, 3) } },
   ConcatTable = { { 'ConcatTable():add(nn.Linear(3, 2)):add(nn.Tanh())', randn(4, 3) } },
   ParallelTable = { { 'ParallelTable():add(nn.Linear(3, 2)):add(nn.Tanh())', { randn(4, 3), randn(2) } } },
   MapTable = { { 'MapTable(nn.Linear(3, 2))', two(4, 3), { steps = false } } },
   Decorator = { { 'Decorator(nn.Linear(3, 2))', randn(4, 3) } }, 
   Bottle = { { 'Bottle(nn.Linear(3, 2))', randn(2, 4, 3), { contiguous = true } } },
   DontCast = { { 'DontCast(nn.Linear(3, 2), true)', randn(4, 3), { rough = true } } },
   NaN = { { 'NaN(nn.Linear(3, 2), 1)', randn(4, 3) } }, Profile = { { 'Profile(nn.Linear(3, 2))', randn(4, 3) } },
   GPU = { { 'GPU(nn.Linear(3, 2), 1)', randn(4, 3), { steps = false } } }, PrintSize = { { 'PrintSize()', randn(3) } },
   DataParallelTable = { { 'DataParallelTable(1):add(nn.Linear(3, 2), { 1, 1, 1 })', randn(4, 3) } },
   ModuleFromCriterion = { { 'ModuleFromCriterion(nn.MSECriterion())', two(3), rough } },
   CriterionTable = { { 'CriterionTable(nn.MSECriterion())', two(3), rough } },

   -- criteria
   MSECriterion = { { 'MSECriterion()', randn(4, 3), { target = randn(4, 3) } } },
   WeightedMSECriterion = { { 'WeightedMSECriterion(torch.rand(3))', randn(3), { target = randn(3), rough = true } } },
   SpatialAutoCropMSECriterion = { { 'SpatialAutoCropMSECriterion()', randn(1, 2, 2), { target = randn(1, 2, 2) } } },
   AbsCriterion = { { 'AbsCriterion()', randn(3), { target = randn(3) } } },
   SmoothL1Criterion = { { 'SmoothL1Criterion()', randn(3), { target = randn(3) } } },
   L1Cost = { { 'L1Cost()', randn(3), kinks } },
   ClassNLLCriterion = { { 'ClassNLLCriterion()', randn(2, 3), { target = T.LongTensor { 3, 1 } } } },
   SpatialClassNLLCriterion = {
      { 'SpatialClassNLLCriterion()', randn(1, 2, 2, 1), { target = T.LongTensor { { { 2 }, { 1 } } } } },
   },
   CrossEntropyCriterion = { { 'CrossEntropyCriterion()', randn(2, 3), { target = T.LongTensor { 3, 1 } } } },
   BCECriterion = { { 'BCECriterion()', T.rand(3):mul(0.8):add(0.1), { target = T.Tensor { 0, 1, 1 } } } },
   SoftMarginCriterion = { { 'SoftMarginCriterion()', randn(3), { target = T.Tensor { 1, -1, 1 } } } },
   MarginCriterion = { { 'MarginCriterion()', randn(3), { target = T.Tensor { 1, -1, 1 } } } },
   MultiMarginCriterion = { { 'MultiMarginCriterion()', randn(2, 3), { target = T.LongTensor { 3, 1 } } } },
   MultiLabelMarginCriterion = {
      { 'MultiLabelMarginCriterion()', randn(4), { target = T.LongTensor { 2, 4, 0, 0 } } },
   },
   MultiLabelSoftMarginCriterion = {
      { 'MultiLabelSoftMarginCriterion()', randn(3), { target = T.Tensor { 1, 0, 1 }, contiguous = true } },
   },
   DistKLDivCriterion = { { 'DistKLDivCriterion()', randn(3), { target = T.rand(3) } } },
   HingeEmbeddingCriterion = { { 'HingeEmbeddingCriterion()', randn(3), { target = T.Tensor { 1, -1, 1 } } } },
   L1HingeEmbeddingCriterion = { { 'L1HingeEmbeddingCriterion()', two(3), { target = 1 } } },
   CosineEmbeddingCriterion = { { 'CosineEmbeddingCriterion()', two(2, 3), { target = T.Tensor { 1, -1 } } } },
   MarginRankingCriterion = { { 'MarginRankingCriterion()', two(3), { target = T.Tensor { 1, -1, 1 } } } },
   DistanceRatioCriterion = { { 'DistanceRatioCriterion()', two(3) } },
   ClassSimplexCriterion = { { 'ClassSimplexCriterion(3)', randn(2, 3), { target = T.LongTensor { 3, 1 } } } },
   TreeNLLCriterion = { { 'TreeNLLCriterion()', randn(4) }, { 'TreeNLLCriterion()', randn(3, 1) } },
   CTCCriterion = {
      { 'CTCCriterion()', randn(5, 1, 4), { target = { { 1, 3, 3 } } } },
      { 'CTCCriterion(true)', randn(1, 4, 3), { target = { { 2 } } } },
      { 'CTCCriterion()', randn(4, 3), { target = { { 1, 2 } } } },
   },
   MultiCriterion = { { 'MultiCriterion():add(nn.MSECriterion(), 0.5)', randn(3), { target = randn(3) } } },
   ParallelCriterion = {
      { 'ParallelCriterion():add(nn.MSECriterion()):add(nn.AbsCriterion())', two(3), { target = two(3) } },
   },
   ModuleCriterion = { { 'ModuleCriterion(nn.MSECriterion(), nn.Tanh())', randn(3), { target = randn(3) } } },

   -- what others are made of
   Module = {}, Container = {}, Criterion = {}, StochasticGradient = {},
}
