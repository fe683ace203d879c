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
drop = step(nn.Dropout(), torch.randn(128, 512))
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
            ("Dropout", "drop()"),
            ("ClassNLLCriterion", "nll:forward(x, t) nll:backward(x, t)"),
            ("MSECriterion", "mse:forward(x, y) mse:backward(x, y)"),
            ("small network, one sample", "small()"),
        ],
    )
}
