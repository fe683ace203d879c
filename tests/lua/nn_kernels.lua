-- Kernels by Torch7's names: each gives what the module that stands for it computes, with tensors and with cdata, in both
-- types; those without a module are compared with what they compute, written out.
require 'nn'
torch.manualSeed(1)
local T, called = torch, {}
local function randn(...) return T.randn(...) end

-- Every use of a kernel is noted: one that no test calls fails.
local function call(kind, name, ...)
   called[name] = true
   local f = kind.THNN[name]
   assert(f, 'no kernel ' .. name)
   assert(select('#', f(...)) == 0, name .. ' gives nothing back')
end

local function same(name, a, b)
   if type(a) ~= 'number' then
      assert(a:isSameSizeAs(b), string.format('%s: sizes %s and %s', name, tostring(a:size()), tostring(b:size())))
      if a:nElement() == 0 then return end
      a, b = (a - b):abs():max(), 0
   end
   assert(math.abs(a - b) < 1e-6 * (1 + math.abs(b)), string.format('%s: off by %g', name, a - b))
end

-- Arguments by the names of a module's fields; `own` has what is not a field, a number stands for itself, `-` for nil.
local function arguments(module, own, names, asCdata)
   local list, n = {}, 0
   for name in names:gmatch('%S+') do
      n = n + 1
      local value = own[name]
      if value == nil then value = tonumber(name) end
      if value == nil and name ~= '-' then value = module[name] end
      if value == nil and name ~= '-' and name ~= 'bias' and name ~= 'gradBias' then value = own.input.new() end
      list[n] = asCdata and T.isTensor(value) and value:cdata() or value
   end
   return unpack(list, 1, n)
end

local planar, volume = 'kW kH dW dH padW padH', 'kT kW kH dT dW dH padT padW padH'
local steps = 'dT dW dH padT padW padH'
local half = T.Tensor { { 1, 1 }, { 2, 1 }, { 3, 2 } }

-- kernel, module, input, arguments of its forward, of its backward, and of what accumulates gradients.
local LAYERS = {
   { 'Abs', nn.Abs(), randn(3, 2), '', '' },
   { 'Square', nn.Square(), randn(3, 2), '', '' },
   { 'Sqrt', nn.Sqrt(), T.rand(3, 2):add(1), '0', 'output' },
   { 'LogSigmoid', nn.LogSigmoid(), randn(3, 2), 'buffer', 'buffer' },
   { 'Sigmoid', nn.Sigmoid(), randn(3, 2), '', 'output' },
   { 'Tanh', nn.Tanh(), randn(3, 2), '', 'output' },
   { 'SoftMax', nn.SoftMax(), randn(3, 2), '', 'output' },
   { 'LogSoftMax', nn.LogSoftMax(), randn(3, 2), '', 'output' },
   { 'HardShrink', nn.HardShrink(0.3), randn(3, 2), 'lambda', 'lambda' },
   { 'SoftShrink', nn.SoftShrink(0.3), randn(3, 2), 'lambda', 'lambda' },
   { 'HardTanh', nn.HardTanh(-0.5, 0.4), randn(3, 2), 'min_val max_val inplace', 'min_val max_val inplace' },
   { 'LeakyReLU', nn.LeakyReLU(0.2), randn(3, 2), 'negval inplace', 'negval inplace' },
   { 'Threshold', nn.Threshold(0.1, -1), randn(3, 2), 'threshold val inplace', 'threshold val inplace' },
   { 'ELU', nn.ELU(0.7), randn(3, 2), 'alpha inplace', 'output alpha inplace' },
   { 'SoftPlus', nn.SoftPlus(2), randn(3, 2), 'beta threshold', 'output beta threshold' },
   { 'GatedLinear', nn.GatedLinearUnit(2), randn(3, 4), 'dim', 'dim' },
   { 'PReLU', nn.PReLU(2), randn(3, 2), 'weight nOutputPlane', 'weight nOutputPlane',
      'gradInput weight gradWeight buffer buffer nOutputPlane 0.5' },
   { 'Linear', nn.Linear(3, 2), randn(4, 3), 'weight bias addBuffer', 'weight',
      'gradInput weight bias gradWeight gradBias addBuffer 0.5' },
   { 'Linear', nn.Linear(3, 2, false), randn(4, 3), 'weight - addBuffer', 'weight',
      'gradInput weight - gradWeight - addBuffer 0.5' },

   { 'SpatialConvolutionMM', nn.SpatialConvolutionMM(2, 3, 2, 3, 1, 2, 1, 0), randn(2, 2, 5, 4),
      'weight bias finput fgradInput ' .. planar, 'weight finput fgradInput ' .. planar,
      'gradWeight gradBias finput fgradInput ' .. planar .. ' 0.5' },
   { 'SpatialConvolutionMM', nn.SpatialConvolution(2, 3, 2, 3, 1, 2, 1, 0):noBias(), randn(2, 2, 5, 4),
      'weight - finput fgradInput ' .. planar, 'weight finput fgradInput ' .. planar,
      'gradWeight - finput fgradInput ' .. planar .. ' 0.5' },
   { 'SpatialDepthWiseConvolution', nn.SpatialDepthWiseConvolution(2, 1, 2, 2), randn(2, 3, 3),
      'weight bias finput fgradInput ' .. planar, 'weight finput fgradInput ' .. planar,
      'gradWeight gradBias finput fgradInput ' .. planar .. ' 0.5' },
   { 'SpatialDilatedConvolution', nn.SpatialDilatedConvolution(1, 2, 2, 2, 1, 1, 0, 0, 2, 2), randn(1, 4, 4),
      'weight bias columns ones ' .. planar .. ' dilationW dilationH', 'weight columns ' .. planar .. ' dilationW dilationH',
      'gradWeight gradBias columns ones ' .. planar .. ' dilationW dilationH 0.5' },
   { 'SpatialFullConvolution', nn.SpatialFullConvolution(2, 1, 3, 3, 2, 2, 1, 1, 1, 1), randn(2, 2, 2),
      'weight bias columns ones ' .. planar .. ' adjW adjH', 'weight columns ' .. planar .. ' adjW adjH',
      'gradWeight gradBias columns ones ' .. planar .. ' adjW adjH 0.5' },
   { 'SpatialFullDilatedConvolution', nn.SpatialFullConvolution(2, 1, 3, 3, 2, 2, 1, 1, 1, 1), randn(2, 2, 2),
      'weight bias columns ones ' .. planar .. ' 1 1 adjW adjH', 'weight columns ' .. planar .. ' 1 1 adjW adjH',
      'gradWeight gradBias columns ones ' .. planar .. ' 1 1 adjW adjH 0.5' },
   { 'SpatialConvolutionMap', nn.SpatialConvolutionMap(half, 2, 3), randn(3, 4, 4),
      'weight bias connTable nInputPlane nOutputPlane dW dH', 'weight bias connTable nInputPlane nOutputPlane dW dH',
      'gradWeight gradBias connTable nInputPlane nOutputPlane dW dH 0.5' },
   { 'SpatialFullConvolutionMap', nn.SpatialFullConvolutionMap(half, 2, 3), randn(3, 2, 2),
      'weight bias connTable nInputPlane nOutputPlane dW dH', 'weight bias connTable nInputPlane nOutputPlane dW dH',
      'gradWeight gradBias connTable nInputPlane nOutputPlane dW dH 0.5' },
   { 'SpatialConvolutionLocal', nn.SpatialConvolutionLocal(1, 2, 4, 3, 2, 2), randn(2, 1, 3, 4),
      'weight bias finput fgradInput ' .. planar .. ' iW iH oW oH', 'weight finput fgradInput ' .. planar .. ' iW iH oW oH',
      'gradWeight gradBias finput fgradInput ' .. planar .. ' iW iH oW oH 0.5' },
   { 'TemporalConvolution', nn.TemporalConvolution(2, 3, 2, 2), randn(5, 2),
      'weight bias kW dW inputFrameSize outputFrameSize', 'weight kW dW', 'gradWeight gradBias kW dW 0.5' },
   { 'TemporalRowConvolution', nn.TemporalRowConvolution(2, 2), randn(4, 2),
      'weight bias finput fgradInput kW dW 0 featFirst', 'weight finput fgradInput kW dW 0 featFirst',
      'gradWeight gradBias finput fgradInput kW dW 0 featFirst 0.5' },
   { 'TemporalRowConvolution', nn.TemporalRowConvolution(2, 2, 1, true), randn(3, 2, 4),
      'weight bias finput fgradInput kW dW 0 featFirst', 'weight finput fgradInput kW dW 0 featFirst',
      'gradWeight gradBias finput fgradInput kW dW 0 featFirst 0.5' },
   { 'VolumetricConvolution', nn.VolumetricConvolution(2, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0), randn(2, 3, 3, 2),
      'weight bias finput fgradInput ' .. steps, 'weight finput ' .. steps, 'gradWeight gradBias finput fgradInput ' .. steps .. ' 0.5' },
   { 'VolumetricConvolutionMM', nn.VolumetricConvolution(2, 3, 2, 2, 1, 1, 1, 1, 1, 0, 0), randn(2, 3, 3, 2),
      'weight bias finput ' .. volume, 'weight finput fgradInput ' .. volume, 'gradWeight gradBias finput ' .. volume .. ' 0.5' },
   { 'VolumetricDilatedConvolution', nn.VolumetricDilatedConvolution(1, 1, 2, 2, 2), randn(1, 2, 3, 3),
      'weight bias columns ones ' .. volume .. ' 1 1 1', 'weight columns ' .. volume .. ' 1 1 1',
      'gradWeight gradBias columns ones ' .. volume .. ' 1 1 1 0.5' },
   { 'VolumetricFullConvolution', nn.VolumetricFullConvolution(1, 1, 2, 2, 2), randn(1, 1, 2, 2),
      'weight bias finput fgradInput ' .. steps .. ' adjT adjW adjH', 'weight finput fgradInput ' .. steps .. ' adjT adjW adjH',
      'gradWeight gradBias finput fgradInput ' .. volume .. ' adjT adjW adjH 0.5' },
   { 'VolumetricFullDilatedConvolution', nn.VolumetricFullConvolution(1, 1, 2, 2, 2), randn(1, 1, 2, 2),
      'weight bias finput fgradInput ' .. volume .. ' 1 1 1 adjT adjW adjH',
      'weight finput fgradInput ' .. volume .. ' 1 1 1 adjT adjW adjH',
      'gradWeight gradBias finput fgradInput ' .. steps .. ' 1 1 1 adjT adjW adjH 0.5' },

   { 'SpatialMaxPooling', nn.SpatialMaxPooling(2, 2):ceil(), randn(1, 3, 3), 'indices ' .. planar .. ' ceil_mode',
      'indices ' .. planar .. ' ceil_mode' },
   { 'SpatialDilatedMaxPooling', nn.SpatialDilatedMaxPooling(2, 2, 1, 1, 0, 0, 2, 1), randn(1, 4, 4),
      'indices ' .. planar .. ' dilationW dilationH ceil_mode', 'indices ' .. planar .. ' dilationW dilationH ceil_mode' },
   { 'VolumetricMaxPooling', nn.VolumetricMaxPooling(2, 2, 2), randn(1, 4, 4, 4), 'indices ' .. volume .. ' ceil_mode',
      'indices ' .. volume .. ' ceil_mode' },
   { 'VolumetricDilatedMaxPooling', nn.VolumetricDilatedMaxPooling(2, 2, 2), randn(1, 4, 4, 4),
      'indices ' .. volume .. ' 1 1 1 ceil_mode', 'indices ' .. volume .. ' 1 1 1 ceil_mode' },
   { 'TemporalMaxPooling', nn.TemporalMaxPooling(2), randn(4, 2), 'indices kW dW', 'indices kW dW' },
   { 'SpatialAveragePooling', nn.SpatialAveragePooling(2, 2, 1, 1, 1, 1), randn(1, 3, 3),
      planar .. ' ceil_mode count_include_pad', planar .. ' ceil_mode count_include_pad' },
   { 'VolumetricAveragePooling', nn.VolumetricAveragePooling(2, 2, 2), randn(1, 4, 4, 4), 'kT kW kH dT dW dH', 'kT kW kH dT dW dH' },
   { 'SpatialAdaptiveMaxPooling', nn.SpatialAdaptiveMaxPooling(2, 3), randn(1, 3, 4), 'indices W H', 'indices' },
   { 'SpatialAdaptiveAveragePooling', nn.SpatialAdaptiveAveragePooling(2, 3), randn(1, 3, 4), 'W H', '' },
   { 'SpatialFractionalMaxPooling', nn.SpatialFractionalMaxPooling(2, 2, 2, 3):fixPoolingRegions(), randn(2, 5, 5),
      'outW outH poolSizeW poolSizeH indices randomSamples', 'outW outH poolSizeW poolSizeH indices' },
   { 'VolumetricFractionalMaxPooling', nn.VolumetricFractionalMaxPooling(2, 2, 2, 2, 2, 3):fixPoolingRegions(), randn(2, 5, 5, 5),
      'outT outW outH poolSizeT poolSizeW poolSizeH indices randomSamples', 'outT outW outH poolSizeT poolSizeW poolSizeH indices' },
   { 'SpatialSubSampling', nn.SpatialSubSampling(2, 2, 2, 1, 1), randn(2, 3, 3), 'weight bias kW kH dW dH', 'weight kW kH dW dH',
      'gradWeight gradBias kW kH dW dH 0.5' },
   { 'TemporalSubSampling', nn.TemporalSubSampling(2, 2), randn(4, 2), 'weight bias kW dW inputFrameSize', 'weight kW dW',
      'gradWeight gradBias kW dW 0.5' },

   { 'SpatialReflectionPadding', nn.SpatialReflectionPadding(1, 2, 0, 1), randn(1, 3, 4), 'pad_l pad_r pad_t pad_b', 'pad_l pad_r pad_t pad_b' },
   { 'SpatialReplicationPadding', nn.SpatialReplicationPadding(1, 2, 0, 1), randn(1, 3, 4), 'pad_l pad_r pad_t pad_b', 'pad_l pad_r pad_t pad_b' },
   { 'VolumetricReplicationPadding', nn.VolumetricReplicationPadding(1, 2, 0, 1, 1, 0), randn(1, 2, 3, 4),
      'pleft pright ptop pbottom pfront pback', 'pleft pright ptop pbottom pfront pback' },
   { 'SpatialUpSamplingNearest', nn.SpatialUpSamplingNearest(2), randn(1, 2, 3), 'scale_factor', 'scale_factor' },
   { 'VolumetricUpSamplingNearest', nn.UpSampling(2), randn(1, 1, 2, 3, 2), 'scale_factor', 'scale_factor' },
}

local function both(f)
   for _, asCdata in ipairs { false, true } do
      for _, typename in ipairs { 'torch.DoubleTensor', 'torch.FloatTensor' } do f(asCdata, typename) end
   end
end

for _, entry in ipairs(LAYERS) do
   local name, module, x, forward, backward, accumulate = unpack(entry)
   both(function(asCdata, typename)
      local m = module:clone():type(typename)
      local input = x:type(typename)
      local y = m:forward(input):clone()
      local gradOutput = y:clone():fill(1):cmul(T.randn(y:size()):typeAs(y))
      local gradInput = m:updateGradInput(input, gradOutput):clone()
      local own = { input = input, gradOutput = gradOutput, output = input.new(), gradInput = input.new() }
      call(input, name .. '_updateOutput', arguments(m, own, 'input output ' .. forward, asCdata))
      same(name, own.output, y)
      call(input, name .. '_updateGradInput', arguments(m, own, 'input gradOutput gradInput ' .. backward, asCdata))
      same(name, own.gradInput, gradInput)
      if accumulate then
         m:zeroGradParameters()
         m:accGradParameters(input, gradOutput, 0.5)
         own.gradWeight, own.gradBias = m.gradWeight:clone():zero(), m.gradBias and m.gradBias:clone():zero()
         call(input, name .. '_accGradParameters', arguments(m, own, 'input gradOutput ' .. accumulate, asCdata))
         same(name, own.gradWeight, m.gradWeight)
         if m.gradBias then same(name, own.gradBias, m.gradBias) end
      end
   end)
end

-- Criteria: kernel, criterion, input, target, arguments after those and the result.
local maps = T.LongTensor(2, 2, 2):fill(2)
for _, entry in ipairs {
   { nn.MSECriterion(), randn(3, 2), randn(3, 2), 'sizeAverage' },
   { nn.AbsCriterion(), randn(3, 2), randn(3, 2), 'sizeAverage' },
   { nn.SmoothL1Criterion(), randn(3, 2), randn(3, 2), 'sizeAverage' },
   { nn.SoftMarginCriterion(), randn(3, 2), randn(3, 2):sign(), 'sizeAverage' },
   { nn.DistKLDivCriterion(), randn(3, 2), T.rand(3, 2), 'sizeAverage' },
   { nn.BCECriterion(), T.rand(3, 2), T.rand(3, 2), 'sizeAverage -' },
   { nn.BCECriterion(T.rand(2)), T.rand(3, 2), T.rand(3, 2), 'sizeAverage weights' },
   { nn.MarginCriterion(0.5), randn(3, 2), randn(3, 2):sign(), 'sizeAverage margin' },
   { nn.MultiMarginCriterion(2, nil, 0.5), randn(3, 2), T.LongTensor { 1, 2, 2 }, 'sizeAverage p - margin' },
   { nn.MultiLabelMarginCriterion(), randn(3), T.LongTensor { 1, 3, 0 }, 'isTarget sizeAverage' },
   { nn.ClassNLLCriterion(T.rand(2)), randn(3, 2), T.LongTensor { 1, 2, 2 }, 'sizeAverage weights total ignoreIndex' },
   { nn.SpatialClassNLLCriterion(), randn(2, 3, 2, 2), maps, 'sizeAverage - total' },
} do
   local criterion, x, t, names = unpack(entry)
   local name = T.type(criterion):sub(4)
   both(function(asCdata, typename)
      local m, input = criterion:clone():type(typename), x:type(typename)
      local target = T.type(t) == 'torch.LongTensor' and t or t:type(typename)
      local loss = m:forward(input, target)
      local gradient = m:backward(input, target):clone()
      local own = { input = input, target = target, output = input.new(1), gradInput = input.new(), total = input.new(1) }
      call(input, name .. '_updateOutput', arguments(m, own, 'input target output ' .. names, asCdata))
      same(name, own.output[1], loss)
      call(input, name .. '_updateGradInput', arguments(m, own, 'input target gradInput ' .. names, asCdata))
      same(name, own.gradInput, gradient)
   end)
end
do
   -- weights spread over a batch, as Torch7's class gives them
   local x, t, w, y, g = T.rand(3, 2), T.rand(3, 2), T.rand(2), T.Tensor(1), T.Tensor()
   local m, wide = nn.BCECriterion(w), w:view(1, 2):expand(3, 2)
   call(x, 'BCECriterion_updateOutput', x, t, y, true, wide)
   same('BCECriterion', y[1], m:forward(x, t))
   call(x, 'BCECriterion_updateGradInput', x, t, g, true, wide)
   same('BCECriterion', g, m:backward(x, t))
end
do
   local x, y, g = randn(3), T.Tensor(1), T.Tensor()
   call(x, 'L1Cost_updateOutput', x, y)
   same('L1Cost', y[1], x:norm(1))
   call(x, 'L1Cost_updateGradInput', x, nil, g)
   same('L1Cost', g, T.sign(x))
end

-- Those whose arguments differ from the others'.
do
   local x, y, g, noise = randn(4, 3), T.Tensor(), T.Tensor(), T.Tensor()
   call(x, 'RReLU_updateOutput', x, y, noise, 0.1, 0.4, true, false, T._gen)
   same('RReLU', y, T.cmul(x, noise))
   call(x, 'RReLU_updateGradInput', x, T.ones(4, 3), g, noise, 0.1, 0.4, true, false)
   same('RReLU', g, noise)
   call(x, 'RReLU_updateGradInput', x, T.ones(4, 3), g, noise, 0.1, 0.4, false, false)
   same('RReLU', g, T.cmax(T.sign(x), 0.25))
end
do
   local m, x, g = nn.BatchNormalization(3), randn(5, 3), randn(5, 3)
   local other = m:clone()
   m:zeroGradParameters()
   local y, gradInput = m:forward(x), m:backward(x, g, 0.5)
   local output, gradient, mean, std = T.Tensor(), T.Tensor(), T.Tensor(3), T.Tensor(3)
   call(x, 'BatchNormalization_updateOutput', x, output, other.weight, other.bias, other.running_mean, other.running_var,
      mean, std, true, other.momentum, other.eps)
   same('BatchNormalization', output, y)
   same('BatchNormalization', other.running_var, m.running_var)
   other:zeroGradParameters()
   call(x, 'BatchNormalization_backward', x, g, gradient, other.gradWeight, other.gradBias, other.weight, other.running_mean,
      other.running_var, mean, std, true, 0.5, other.eps)
   same('BatchNormalization', gradient, gradInput)
   same('BatchNormalization', other.gradWeight, m.gradWeight)
end
do
   local weight, rows, g = T.ones(3, 2), T.LongTensor { 1, 3, 1 }, T.ones(3, 2)
   call(g, 'LookupTable_accGradParameters', rows, g, weight, T.IntTensor(), T.LongTensor(), T.LongTensor(), false, 0, 2)
   same('LookupTable', weight, T.Tensor { { 5, 5 }, { 1, 1 }, { 3, 3 } })
   call(g, 'LookupTable_renorm', rows, weight, 1, 2)
   same('LookupTable', weight:norm(2, 2):view(-1), T.Tensor { 1, math.sqrt(2), 1 })
end
for dims, name in pairs { [2] = 'SpatialMaxUnpooling', [3] = 'VolumetricMaxUnpooling' } do
   local pool = dims == 2 and nn.SpatialMaxPooling(2, 2) or nn.VolumetricMaxPooling(2, 2, 2)
   local x = dims == 2 and randn(1, 4, 6) or randn(1, 2, 4, 6)
   local y, back, g = pool:forward(x), T.Tensor(), T.Tensor()
   local sizes = dims == 2 and { 6, 4 } or { 2, 6, 4, 2, 2, 2, 0, 0, 0 }
   call(x, name .. '_updateOutput', y, back, pool.indices, unpack(sizes))
   same(name, back, T.cmul(x, back:ne(0):double()))
   call(x, name .. '_updateGradInput', y, back, g, pool.indices, unpack(sizes))
   same(name, g, y)
end
for name, case in pairs {
   SpatialUpSamplingBilinear = { nn.SpatialUpSamplingBilinear { oheight = 3, owidth = 5 }, { 2, 3, 2, 3 }, { 3, 5 } },
   VolumetricUpSamplingTrilinear = {
      nn.UpSampling({ odepth = 4, oheight = 3, owidth = 5 }, 'linear'), { 2, 1, 2, 2, 3 }, { 4, 3, 5 },
   },
} do
   local m, from, to = unpack(case)
   local x, output, gradInput = randn(unpack(from)), T.Tensor(), T.Tensor()
   local y = m:forward(x)
   call(x, name .. '_updateOutput', x, output, unpack(to))
   same(name, output, y)
   local sizes = T.LongStorage(from):totable()
   for _, size in ipairs(to) do sizes[#sizes + 1] = size end
   call(x, name .. '_updateGradInput', y, gradInput, unpack(sizes))
   same(name, gradInput, m:backward(x, y))
end
do
   -- the class has no padding: that of the kernel is a class over planes, frame by frame
   local x, y, g, output = randn(2, 3, 4, 5), T.Tensor(), T.Tensor(), T.Tensor()
   for _, ceil in ipairs { false, true } do
      for _, counts in ipairs { false, true } do
         local m = nn.SpatialAveragePooling(3, 3, 2, 2, 1, 1)
         m.ceil_mode, m.count_include_pad = ceil, counts
         local want = m:forward(x)
         call(x, 'VolumetricAveragePooling_updateOutput', x, output, 1, 3, 3, 1, 2, 2, 0, 1, 1, ceil, counts)
         same('VolumetricAveragePooling', output, want)
         call(x, 'VolumetricAveragePooling_updateGradInput', x, want, g, 1, 3, 3, 1, 2, 2, 0, 1, 1, ceil, counts)
         -- planes of the one are frames of the other
         same('VolumetricAveragePooling', g, m:updateGradInput(x, want))
      end
   end
end
do
   local m, x = nn.FeatureLPPooling(3, 2, 2, true), randn(3, 7)
   local y, output, gradInput = m:forward(x), T.Tensor(), T.Tensor()
   call(x, 'FeatureLPPooling_updateOutput', x, output, 2, 3, 2, true)
   same('FeatureLPPooling', output, y)
   call(x, 'FeatureLPPooling_updateGradInput', y, x, y, gradInput, 2, 3, 2, true)
   same('FeatureLPPooling', gradInput, m:backward(x, y))
end

-- Sparse layers, against a dense one.
for _, older in ipairs { false, true } do
   local function name(new, old) return 'SparseLinear_' .. (older and old or new) end
   local m, dense = nn.Linear(4, 2), T.zeros(2, 4)
   local x = older and T.Tensor { { { 1, 0.5 }, { 3, -1 } }, { { 3, 2 }, { 4, 1 } } } or
      T.Tensor { { 1, 1, 0.5 }, { 1, 3, -1 }, { 2, 3, 2 }, { 2, 4, 1 } }
   dense[1][1], dense[1][3], dense[2][3], dense[2][4] = 0.5, -1, 2, 1
   local output, g = T.Tensor(2, 2), randn(2, 2)
   call(x, name('updateOutput', 'legacyUpdateOutput'), x, output, m.weight, m.bias)
   same('SparseLinear', output, m:forward(dense))
   m:zeroGradParameters()
   m:backward(dense, g, 0.5)
   local gw, gb, w, b = T.zeros(2, 4), T.zeros(2), m.weight:clone(), m.bias:clone()
   call(x, name('accGradParameters', 'legacyAccGradParameters'), x, g, gw, gb, w, b, 0, 0.5)
   same('SparseLinear', gw, m.gradWeight)
   same('SparseLinear', gb, m.gradBias)
   call(x, name('updateParameters', 'legacyUpdateParameters'), w, b, gw, gb, x, 0.1)
   m:updateParameters(0.1)
   same('SparseLinear', w, m.weight)
   call(x, name('zeroGradParameters', 'legacyZeroGradParameters'), gw, gb, x)
   same('SparseLinear', gw, T.zeros(2, 4))
end
do
   local keys, values, sizes = T.LongTensor { 1, 3, 3, 4 }, T.Tensor { 0.5, -1, 2, 1 }, T.LongTensor { 2, 2 }
   local dense, g = T.Tensor { { 0.5, 0, -1, 0 }, { 0, 0, 2, 1 } }, randn(2, 2)
   local weight, bias, ends, none = randn(4, 2), randn(2), T.LongTensor { 2, 4 }, T.Tensor()
   local output, expected = T.Tensor(), dense * weight + bias:view(1, 2):expand(2, 2)
   call(values, 'IndexLinear_updateOutput', keys, -1, values, sizes, ends, output, weight, bias, none, true)
   same('IndexLinear', output, expected)
   call(values, 'IndexLinear_updateOutput', keys, -1, values, sizes, ends, output, weight, bias, none, 1)
   same('IndexLinear', output, expected)
   local stepped, gradBias, gradWeight = weight - (dense:t() * g) * 0.1, T.zeros(2), T.Tensor()
   call(values, 'IndexLinear_accGradParameters', keys, -1, values, sizes, ends, g, gradWeight, gradBias, weight, bias, none, 0, 1)
   same('IndexLinear', gradBias, g:sum(1):view(2))
   local w, b = weight:clone(), bias:clone()
   call(values, 'IndexLinear_updateParameters', gradWeight, gradBias, w, b, keys, ends, -1, 0, 0.1)
   same('IndexLinear', w, stepped)
   local w2, b2 = weight:clone(), bias:clone()
   call(values, 'IndexLinear_accUpdateGradParameters', keys, -1, values, sizes, ends, g, w2, b2, 0, 0.1)
   same('IndexLinear', w2, stepped)
   same('IndexLinear', b2, b)
end

-- Numeric gradients of what has no module: sum(g * f(x)) by each element of x.
local function numeric(x, f)
   local gradient, flat = T.zeros(x:size()), x:view(-1)
   for i = 1, x:nElement() do
      local kept = flat[i]
      flat[i] = kept + 1e-5
      local above = f()
      flat[i] = kept - 1e-5
      gradient:view(-1)[i] = (above - f()) / 2e-5
      flat[i] = kept
   end
   return gradient
end
local function close(name, a, b)
   assert((a - b):abs():max() < 1e-6, name .. ': the gradient is off by ' .. (a - b):abs():max())
end
do
   local x, h, hx, b1, b2, g = randn(2, 9), randn(2, 9), randn(2, 3), randn(9), randn(9), randn(2, 3)
   local y, storage = T.Tensor(), T.Tensor()
   local function f()
      call(x, 'GRUFused_updateOutput', x, h, b1, b2, hx, y, storage)
      return T.cmul(y, g):sum()
   end
   f()
   local gx, gh, ghx = T.Tensor(), T.Tensor(), T.Tensor()
   call(x, 'GRUFused_updateGradInput', gx, gh, g, ghx, storage)
   close('GRUFused', gx, numeric(x, f))
   close('GRUFused', gh, numeric(h, f))
   close('GRUFused', ghx, numeric(hx, f))
end
do
   local x, h, cx, b1, b2, g, gc = randn(2, 12), randn(2, 12), randn(2, 3), randn(12), randn(12), randn(2, 3), randn(2, 3)
   local y, cy, gates = T.Tensor(), T.Tensor(), T.Tensor()
   local function f()
      gates:resizeAs(x):copy(x)
      call(x, 'LSTMFused_updateOutput', gates, h, b1, b2, cx, y, cy)
      return T.cmul(y, g):sum() + T.cmul(cy, gc):sum()
   end
   f()
   local gx, gcx = T.Tensor(), T.Tensor()
   call(x, 'LSTMFused_updateGradInput', gates, gx, cx, cy, g, gc, gcx)
   close('LSTMFused', gx, numeric(x, f))
   close('LSTMFused', gcx, numeric(cx, f))
end
do
   local x, grid, g = randn(2, 3, 3, 4), T.rand(2, 2, 3, 2):mul(1.8):add(-0.9), randn(2, 3, 2, 3)
   local y, gx, gg = T.Tensor(), T.Tensor(), T.Tensor()
   local function f()
      call(x, 'SpatialGridSamplerBilinear_updateOutput', x, grid, y)
      return T.cmul(y, g):sum()
   end
   f()
   call(x, 'SpatialGridSamplerBilinear_updateGradInput', x, gx, grid, gg, g)
   close('SpatialGridSamplerBilinear', gx, numeric(x, f))
   close('SpatialGridSamplerBilinear', gg, numeric(grid, f))
   -- the corners are the first and last elements, and what is outside is 0
   call(x, 'SpatialGridSamplerBilinear_updateOutput', x:narrow(1, 1, 1), T.Tensor { { { { -1, -1 }, { 1, 1 }, { -4, 0 } } } }, y)
   same('SpatialGridSamplerBilinear', y[1][2][1], T.Tensor { x[1][2][1][1], x[1][2][3][4], 0 })
end
do
   local x, matrix = randn(2, 4, 5), T.Tensor(2 * 3 * 2, 3 * 2)
   call(x, 'unfolded_copy', matrix, x, 2, 3, 2, 1, 1, 0, 2, 5, 4, 3, 2)
   local m = nn.SpatialConvolution(2, 1, 2, 3, 2, 1, 1, 0)
   same('unfolded_copy', (m.weight:view(1, -1) * matrix):add(m.bias[1]):view(1, 2, 3), m:forward(x))
   local g, back = randn(1, 2, 3), T.zeros(2, 4, 5)
   call(x, 'unfolded_acc', m.weight:view(1, -1):t() * g:view(1, -1), back, 2, 3, 2, 1, 1, 0, 2, 5, 4, 3, 2)
   same('unfolded_acc', back, m:backward(x, g))
end

-- What does not fit is said.
local function fails(pattern, f)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(pattern), 'expected an error with ' .. pattern .. ', got ' .. tostring(message))
end
local x = randn(3)
fails('THNN.Abs_updateOutput: 1 arguments; it takes %(input, output%)', function() x.THNN.Abs_updateOutput(x) end)
fails('nn.Abs: the module is torch.FloatTensor, its input torch.DoubleTensor', function() x.THNN.Abs_updateOutput(x, T.FloatTensor()) end)
assert(T.LongTensor().THNN == nil, 'integers have no kernels')
local THNN = require 'nn.THNN'
assert(THNN.optionalTensor(nil) == nil and THNN.kernels['torch.FloatTensor'] == T.FloatTensor().THNN)

local n = 0
for name in pairs(x.THNN) do
   n = n + 1
   assert(called[name], 'no test of ' .. name)
end
assert(n == 181, n .. ' kernels')
print(n .. ' kernels, all as it should be')
