//! Layers and criteria of nn: forward and backward of a batch, float.

mod common;

/// The layers, each with a function that runs it.
const SETUP: &str = r#"
require "nn"
torch.setdefaulttensortype("torch.FloatTensor")
function step(m, x)
   local y = m:forward(x)
   return function() m:forward(x) m:backward(x, y) end
end
linear = step(nn.Linear(784, 512), torch.randn(128, 784))
single = step(nn.Linear(784, 512), torch.randn(784))
large = step(nn.Linear(4096, 4096), torch.randn(64, 4096))
conv = step(nn.SpatialConvolution(16, 32, 5, 5), torch.randn(16, 16, 28, 28))
one = step(nn.SpatialConvolution(16, 32, 5, 5), torch.randn(16, 28, 28))
pool = step(nn.SpatialMaxPooling(2, 2), torch.randn(16, 32, 24, 24))
average = step(nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1), torch.randn(16, 32, 24, 24))
volume = step(nn.VolumetricMaxPooling(2, 2, 2), torch.randn(4, 16, 8, 24, 24))
adaptive = step(nn.SpatialAdaptiveMaxPooling(6, 6), torch.randn(16, 32, 23, 25))
adaptiveAverage = step(nn.SpatialAdaptiveAveragePooling(6, 6), torch.randn(16, 32, 23, 25))
nearest = step(nn.SpatialUpSamplingNearest(2), torch.randn(16, 32, 12, 12))
bilinear = step(nn.SpatialUpSamplingBilinear(2), torch.randn(16, 32, 12, 12))
reflection = step(nn.SpatialReflectionPadding(2), torch.randn(16, 32, 24, 24))
norm = step(nn.SpatialBatchNormalization(32), torch.randn(16, 32, 24, 24))
minus = step(nn.SpatialSubtractiveNormalization(64, torch.ones(7)), torch.randn(64, 14, 14))
contrast = step(nn.SpatialContrastiveNormalization(3, torch.ones(9, 9)), torch.randn(3, 64, 64))
lp = step(nn.SpatialLPPooling(64, 2, 2, 2, 2, 2), torch.randn(64, 28, 28))
features = step(nn.FeatureLPPooling(4, 4, 2, true), torch.randn(128, 512))
across = step(nn.SpatialCrossMapLRN(5), torch.randn(16, 32, 24, 24))
unit = step(nn.Normalize(2), torch.randn(128, 512))
layer, angle = step(nn.LayerNormalization(512), torch.randn(128, 512)), step(nn.Cosine(64, 100), torch.randn(128, 64))
pair = { torch.randn(128, 512), torch.randn(128, 512) }
cosine, apart = step(nn.CosineDistance(), pair), step(nn.PairwiseDistance(2), pair)
euclidean = step(nn.Euclidean(64, 100), torch.randn(128, 64))
mixture = step(nn.MixtureTable(), { torch.rand(128, 8), torch.randn(128, 8, 64) })
tanh = step(nn.Tanh(), torch.randn(128, 512))
relu = step(nn.ReLU(), torch.randn(128, 512))
softmax = step(nn.LogSoftMax(), torch.randn(128, 100))
ten, spatial = step(nn.SoftMax(), torch.randn(1000, 10)), step(nn.SpatialLogSoftMax(), torch.randn(4, 20, 32, 32))
drop = step(nn.Dropout(), torch.randn(128, 512))
noise, rrelu = step(nn.WhiteNoise(), torch.randn(128, 512)), step(nn.RReLU(), torch.randn(128, 512))
average1 = step(nn.SpatialAveragePooling(3, 3, 1, 1, 1, 1), torch.randn(16, 32, 24, 24))
frames = step(nn.TemporalMaxPooling(2), torch.randn(16, 64, 64))
dilated = step(nn.SpatialDilatedMaxPooling(2, 2, 2, 2, 0, 0, 2, 2), torch.randn(16, 32, 24, 24))
sampling = step(nn.SpatialSubSampling(32, 2, 2, 2, 2), torch.randn(16, 32, 24, 24))
trilinear = step(nn.UpSampling(2, "linear"), torch.randn(2, 8, 8, 12, 12))
lp3 = step(nn.SpatialLPPooling(64, 3, 2, 2, 2, 2), torch.rand(64, 28, 28))
divisive = step(nn.SpatialDivisiveNormalization(1, torch.ones(7)), torch.randn(1, 200, 200))
unit3, largest = step(nn.Normalize(3), torch.randn(128, 512)), step(nn.Normalize(math.huge), torch.randn(128, 512))
across2 = step(nn.SpatialCrossMapLRN(5, 1e-4, 0.5), torch.randn(16, 32, 24, 24))
lookup = nn.LookupTable(1000, 64, 0, 1)
words = torch.LongTensor(500):random(1000)
pair = { torch.randn(128, 512), torch.randn(128, 512) }
five = { torch.randn(128, 512), torch.randn(128, 512), torch.randn(128, 512), torch.randn(128, 512), torch.randn(128, 512) }
greatest, product = step(nn.CMaxTable(), pair), step(nn.CMulTable(), five)
apart1, apart3 = step(nn.PairwiseDistance(1), pair), step(nn.PairwiseDistance(3), pair)
function compare(c, x, t)
   return function() c:forward(x, t) c:backward(x, t) end
end
signs, rows = torch.randn(128, 512):sign(), torch.randn(128):sign()
hinge = compare(nn.HingeEmbeddingCriterion(), torch.randn(128, 512), signs)
multi = compare(nn.MultiMarginCriterion(), torch.randn(128, 100), torch.LongTensor(128):random(100))
labels = torch.zeros(128, 100)
labels:select(2, 1):random(50) labels:select(2, 2):random(50):add(50)
several = compare(nn.MultiLabelMarginCriterion(), torch.randn(128, 100), labels)
angles = compare(nn.CosineEmbeddingCriterion(), pair, rows)
ranks = compare(nn.MarginRankingCriterion(), { torch.randn(65536), torch.randn(65536) }, torch.randn(65536):sign())
l1 = compare(nn.L1HingeEmbeddingCriterion(1), { torch.randn(65536), torch.randn(65536) }, -1)
alignments, texts = {}, torch.randn(50, 16, 40)
for i = 1, 16 do alignments[i] = torch.LongTensor(10):random(39):totable() end
aligned = compare(nn.CTCCriterion(), texts, alignments)
branches = {}
for i = 1, 31 do branches[i] = torch.range(2 + 32 * (i - 1), 1 + 32 * i):int() end
tree, leaves = nn.SoftMaxTree(128, branches, 1), { torch.randn(128, 128), torch.IntTensor(128):random(40, 990) }
descent = step(tree, leaves)
ratios = compare(nn.DistanceRatioCriterion(), { torch.randn(65536), torch.randn(65536) })
x, t, nll = torch.randn(128, 100), torch.Tensor(128):random(100), nn.ClassNLLCriterion()
mse, y = nn.MSECriterion(), torch.randn(128, 100)
require "nngraph"
ins = { nn.Identity()(), nn.Identity()(), nn.Identity()() }
sums = nn.CAddTable()({ nn.Linear(128, 512)(ins[1]), nn.Linear(128, 512)(ins[2]) })
i, f, o, g = nn.SplitTable(2)(nn.Reshape(4, 128)(sums)):split(4)
c = nn.CAddTable()({ nn.CMulTable()({ nn.Sigmoid()(f), ins[3] }), nn.CMulTable()({ nn.Sigmoid()(i), nn.Tanh()(g) }) })
h = nn.CMulTable()({ nn.Sigmoid()(o), nn.Tanh()(c) })
cell = step(nn.gModule(ins, { c, h }), { torch.randn(50, 128), torch.randn(50, 128), torch.randn(50, 128) })
small = step(nn.Sequential():add(nn.Linear(2, 20)):add(nn.Tanh()):add(nn.Linear(20, 1)), torch.randn(2))"#;

fn main() -> anyhow::Result<()> {
    common::run(
        "layers",
        SETUP,
        &[
            ("Linear(784, 512), batch 128", "linear()"),
            ("Linear(784, 512), one sample", "single()"),
            ("Linear(4096, 4096), batch 64", "large()"),
            ("SpatialConvolution 5x5, batch 16", "conv()"),
            ("LSTM cell of nngraph, 128 units, batch 50", "cell()"),
            ("SpatialConvolution 5x5, one sample", "one()"),
            ("SpatialMaxPooling", "pool()"),
            ("SpatialAveragePooling 3x3", "average()"),
            ("VolumetricMaxPooling", "volume()"),
            ("SpatialAdaptiveMaxPooling", "adaptive()"),
            ("SpatialAdaptiveAveragePooling", "adaptiveAverage()"),
            ("SpatialUpSamplingNearest", "nearest()"),
            ("SpatialUpSamplingBilinear", "bilinear()"),
            ("SpatialReflectionPadding", "reflection()"),
            ("SpatialBatchNormalization", "norm()"),
            ("SpatialSubtractiveNormalization", "minus()"),
            ("SpatialContrastiveNormalization", "contrast()"),
            ("SpatialLPPooling", "lp()"),
            ("FeatureLPPooling", "features()"),
            ("Normalize", "unit()"),
            ("SpatialCrossMapLRN", "across()"),
            ("LayerNormalization", "layer()"),
            ("Cosine", "angle()"),
            ("CosineDistance", "cosine()"),
            ("PairwiseDistance", "apart()"),
            ("Euclidean", "euclidean()"),
            ("MixtureTable", "mixture()"),
            ("Tanh", "tanh()"),
            ("ReLU", "relu()"),
            ("LogSoftMax", "softmax()"),
            ("SoftMax of 10 classes", "ten()"),
            ("SpatialLogSoftMax", "spatial()"),
            ("Dropout", "drop()"),
            ("WhiteNoise", "noise()"),
            ("RReLU", "rrelu()"),
            ("SpatialAveragePooling 3x3, stride 1", "average1()"),
            ("TemporalMaxPooling", "frames()"),
            ("SpatialDilatedMaxPooling", "dilated()"),
            ("SpatialSubSampling", "sampling()"),
            ("UpSampling, trilinear", "trilinear()"),
            ("SpatialLPPooling, power 3", "lp3()"),
            ("SpatialDivisiveNormalization", "divisive()"),
            ("Normalize, power 3", "unit3()"),
            ("Normalize, infinite power", "largest()"),
            ("SpatialCrossMapLRN, power 1/2", "across2()"),
            ("LookupTable with a greatest norm", "lookup:forward(words)"),
            ("CMaxTable of 2", "greatest()"),
            ("CMulTable of 5", "product()"),
            ("PairwiseDistance, power 1", "apart1()"),
            ("PairwiseDistance, power 3", "apart3()"),
            ("ClassNLLCriterion", "nll:forward(x, t) nll:backward(x, t)"),
            ("MSECriterion", "mse:forward(x, y) mse:backward(x, y)"),
            ("HingeEmbeddingCriterion", "hinge()"),
            ("MultiMarginCriterion", "multi()"),
            ("MultiLabelMarginCriterion", "several()"),
            ("CosineEmbeddingCriterion", "angles()"),
            ("MarginRankingCriterion", "ranks()"),
            ("L1HingeEmbeddingCriterion", "l1()"),
            ("DistanceRatioCriterion", "ratios()"),
            ("CTCCriterion", "aligned()"),
            ("SoftMaxTree", "descent()"),
            ("small network, one sample", "small()"),
        ],
    )
}
