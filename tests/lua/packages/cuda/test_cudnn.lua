-- Package cudnn, with `--cuda cpu`: its classes compute what those of nn do, groups, recurrent layers by their numeric
-- gradients, conversion both ways, and files.
require 'cudnn'
torch.setdefaulttensortype 'torch.CudaDoubleTensor'
cutorch.manualSeed(1)
local function near(a, b, most) return (a:double() - b:double()):abs():max() < (most or 1e-10) end

-- the class of nn with the same arguments
local layers = {
   { 'SpatialConvolution', { 2, 3, 3, 2, 2, 1, 1, 1 }, { 2, 2, 6, 7 } }, { 'VolumetricConvolution', { 2, 3, 2, 2, 2 }, { 2, 2, 3, 4, 5 } },
   { 'SpatialFullConvolution', { 2, 3, 3, 3, 2, 2, 1, 1, 1, 1 }, { 2, 2, 4, 3 } }, { 'VolumetricFullConvolution', { 2, 1, 2, 2, 2 }, { 1, 2, 2, 3, 2 } },
   { 'TemporalConvolution', { 3, 2, 2 }, { 2, 5, 3 } }, { 'SpatialMaxPooling', { 2, 2, 2, 2 }, { 2, 2, 5, 6 } },
   { 'SpatialAveragePooling', { 3, 3, 1, 1, 1, 1 }, { 2, 2, 5, 6 } }, { 'VolumetricMaxPooling', { 2, 2, 2 }, { 2, 4, 4, 4 } },
   { 'VolumetricAveragePooling', { 2, 2, 2 }, { 2, 4, 4, 4 } }, { 'ReLU', { true }, { 3, 4 } }, { 'Tanh', {}, { 3, 4 } },
   { 'Sigmoid', {}, { 3, 4 } }, { 'SoftMax', {}, { 3, 4 } }, { 'LogSoftMax', {}, { 3, 4 } }, { 'SpatialSoftMax', {}, { 2, 3, 2, 2 } },
   { 'SpatialLogSoftMax', {}, { 2, 3, 2, 2 } }, { 'SpatialCrossMapLRN', { 3, 1e-2, 0.5, 2 }, { 2, 4, 2, 2 } },
   { 'BatchNormalization', { 3 }, { 4, 3 } }, { 'SpatialBatchNormalization', { 3 }, { 4, 3, 2, 2 } },
   { 'VolumetricBatchNormalization', { 2 }, { 2, 2, 2, 2, 2 } },
}
for _, layer in ipairs(layers) do
   local name, args, sizes = unpack(layer)
   cutorch.manualSeed(2)
   local ours = cudnn[name](unpack(args))
   cutorch.manualSeed(2)
   local theirs = nn[name](unpack(args))
   local x = torch.Tensor(torch.LongStorage(sizes)):normal()
   assert(torch.type(ours) == 'cudnn.' .. name and torch.isTypeOf(ours, 'nn.' .. name) and torch.isTypeOf(ours, 'nn.Module'))
   assert(ours:fastest() == ours and ours:setMode(1, 1, 1) == ours and ours:resetMode() == ours, name)
   assert(near(ours:forward(x:clone()), theirs:forward(x:clone())), name)
   local g = theirs.output:clone():normal()
   ours:zeroGradParameters()
   theirs:zeroGradParameters()
   assert(near(ours:backward(x:clone(), g:clone()), theirs:backward(x:clone(), g:clone())), name)
   local grads, wanted = select(2, ours:parameters()), select(2, theirs:parameters())
   for i = 1, grads and #grads or 0 do assert(near(grads[i], wanted[i]), name) end
   assert(tostring(ours):find('^cudnn%.' .. name), tostring(ours))
   local copy = ours:clone()
   assert(torch.type(copy) == 'cudnn.' .. name and near(copy:evaluate() or copy:forward(x:clone()), (ours:evaluate() or ours):forward(x:clone())))
end

-- groups: each sees its planes alone
for name, sizes in pairs { SpatialConvolution = { 3, 6, 5, 4 }, SpatialFullConvolution = { 3, 6, 5, 4 }, VolumetricConvolution = { 2, 6, 3, 4, 3 } } do
   local window = name == 'VolumetricConvolution' and { 2, 2, 2, 1, 1, 1, 1, 0, 1 } or { 2, 3, 1, 2, 1, 0 }
   if name == 'SpatialFullConvolution' then window[7], window[8] = 0, 0 end
   window[#window + 1] = 3
   local layer = cudnn[name](6, 9, unpack(window))
   local weights = layer.weight
   assert(weights:size(2) == (name == 'SpatialFullConvolution' and 3 or 2) and layer.groups == 3)
   local x = torch.Tensor(torch.LongStorage(sizes)):normal()
   local y = layer:forward(x):clone()
   local g = y:clone():normal()
   layer:zeroGradParameters()
   local gi = layer:backward(x, g):clone()
   window[#window] = nil
   for k = 1, 3 do
      local one = nn[name](2, 3, unpack(window))
      one.weight:copy(weights:narrow(1, (k - 1) * one.weight:size(1) + 1, one.weight:size(1)))
      one.bias:copy(layer.bias:narrow(1, 3 * k - 2, 3))
      one:zeroGradParameters()
      local part = x:narrow(2, 2 * k - 1, 2)
      assert(near(one:forward(part), y:narrow(2, 3 * k - 2, 3)))
      assert(near(one:backward(part, g:narrow(2, 3 * k - 2, 3)), gi:narrow(2, 2 * k - 1, 2)))
      assert(near(one.gradBias, layer.gradBias:narrow(1, 3 * k - 2, 3)))
      assert(near(one.gradWeight, layer.gradWeight:narrow(1, (k - 1) * one.weight:size(1) + 1, one.weight:size(1))))
   end
   -- parameters that move, another type, one sample, a file, no bias
   local flat = layer:getParameters()
   flat:mul(2)
   assert(near(layer:forward(x), y * 2))
   assert(near(layer:clone():cuda():forward(x:cuda()), y * 2, 1e-3) and near(layer:forward(x[1]), y[1] * 2))
   assert(near(torch.deserialize(torch.serialize(layer)):forward(x), y * 2) and near(layer:noBias():forward(x:zero()), y:zero()))
   assert(not pcall(function() layer:forward(x:narrow(2, 1, 4)) end))
end
assert(not pcall(cudnn.SpatialConvolution, 4, 6, 3, 3, 1, 1, 0, 0, 4))

local clipped = cudnn.ClippedReLU(2)
assert(near(clipped:forward(torch.Tensor { -1, 1, 3 }), torch.Tensor { 0, 1, 2 }) and clipped.ceiling == 2)
local volume = torch.Tensor(2, 3, 2, 2, 2):normal()
assert(near(cudnn.VolumetricSoftMax():forward(volume):sum(2), torch.ones(2, 1, 2, 2, 2)))
assert(near(cudnn.VolumetricLogSoftMax():forward(volume):exp():sum(2), torch.ones(2, 1, 2, 2, 2)))
local maps, places = torch.Tensor(2, 3, 2, 2):normal(), torch.Tensor(2, 2, 2):random(3)
local entropy, by_hand = cudnn.SpatialCrossEntropyCriterion(), nn.SpatialClassNLLCriterion()
local scores = nn.SpatialLogSoftMax():forward(maps)
assert(math.abs(entropy:forward(maps, places) - by_hand:forward(scores, places)) < 1e-10)
assert(entropy:backward(maps, places):isSameSizeAs(maps))
local padded = cudnn.TemporalConvolution(3, 2, 3, 1, 1)
local sequence = torch.Tensor(2, 5, 3):normal()
assert(padded:forward(sequence):size(2) == 5 and padded:backward(sequence, padded.output):isSameSizeAs(sequence))

-- recurrent layers
for _, name in ipairs { 'RNNReLU', 'RNNTanh', 'LSTM', 'GRU', 'BRNNReLU', 'BRNNTanh', 'BLSTM', 'BGRU' } do
   local both = name:sub(1, 1) == 'B'
   local layer = cudnn[name](3, 2, 2)
   local x = torch.Tensor(4, 2, 3):normal()
   local y = layer:forward(x):clone()
   assert(y:size(1) == 4 and y:size(2) == 2 and y:size(3) == (both and 4 or 2), name)
   local g = y:clone():normal()
   local function loss() return layer:forward(x):cmul(g):sum() end
   layer:forward(x)
   layer:zeroGradParameters()
   local gi = layer:backward(x, g):clone()
   for _, pair in ipairs { { x, gi }, { layer.weight, layer.gradWeight } } do
      local values, grads = pair[1]:view(-1), pair[2]:contiguous():view(-1)
      for i = 1, values:size(1), 5 do
         local was = values[i]
         values[i] = was + 1e-6
         local up = loss()
         values[i] = was - 1e-6
         local down = loss()
         values[i] = was
         assert(math.abs((up - down) / 2e-6 - grads[i]) < 1e-5, string.format('%s: %g and %g', name, (up - down) / 2e-6, grads[i]))
      end
   end
   local first = cudnn[name](3, 2, 2, true)
   first.weight:copy(layer.weight)
   assert(near(first:forward(x:transpose(1, 2)), y:transpose(1, 2)))
   assert(near(torch.deserialize(torch.serialize(layer)):forward(x), y) and #layer:weights() == (both and 4 or 2))
   layer.dropout = 0.5
   layer:forward(x)
   layer:evaluate()
   assert(near(layer:forward(x), y))
end
-- a sequence in two pieces, with the state remembered
local lstm = cudnn.LSTM(3, 2, 1, false, 0, true)
local x = torch.Tensor(4, 2, 3):normal()
local whole = lstm:forward(x):clone()
lstm:resetStates()
local before = lstm:forward(x:narrow(1, 1, 2)):clone()
assert(near(torch.cat(before, lstm:forward(x:narrow(1, 3, 2)), 1), whole))
-- by hand: one step
local one = cudnn.LSTM(1, 1, 1)
one.weight:copy(torch.range(1, 16):mul(0.1))
local function s(v) return 1 / (1 + math.exp(-v)) end
local sums = {}
for k = 1, 4 do sums[k] = 0.1 * k * 0.5 + 0.1 * (8 + k) + 0.1 * (12 + k) end
local c = s(sums[1]) * math.tanh(sums[3])
assert(math.abs(one:forward(torch.Tensor(1, 1, 1):fill(0.5))[1][1][1] - s(sums[4]) * math.tanh(c)) < 1e-10)

-- conversion both ways
local function network(from)
   return nn.Sequential():add(from.SpatialConvolution(1, 2, 3, 3)):add(from.SpatialBatchNormalization(2)):add(from.ReLU(true))
      :add(nn.Concat(2):add(from.SpatialMaxPooling(2, 2)):add(from.SpatialAveragePooling(2, 2, 2, 2))):add(nn.View(-1)):add(from.LogSoftMax())
end
local net, picture = network(nn), torch.Tensor(1, 1, 6, 6):normal()
net:evaluate()
local answer = net:forward(picture):clone()
local function types(n)
   local list = {}
   for _, m in ipairs(n:listModules()) do list[torch.type(m)] = true end
   return list
end
net = cudnn.convert(net, cudnn)
local t = types(net)
assert(t['cudnn.SpatialConvolution'] and t['cudnn.SpatialMaxPooling'] and t['cudnn.ReLU'] and not t['nn.ReLU'] and t['nn.Concat'])
assert(near(net:forward(picture), answer))
net = cudnn.convert(net, nn, function(m) return torch.type(m):find('BatchNormalization') end)
t = types(net)
assert(t['nn.SpatialConvolution'] and t['cudnn.SpatialBatchNormalization'] and not t['cudnn.ReLU'] and near(net:forward(picture), answer))
assert(torch.type(cudnn.convert(nn.SpatialConvolutionMM(1, 2, 3, 3), cudnn)) == 'cudnn.SpatialConvolution')
assert(not pcall(cudnn.convert, cudnn.SpatialConvolution(2, 2, 1, 1, 1, 1, 0, 0, 2), nn) and not pcall(cudnn.convert, net, {}))
assert(cudnn.benchmark == false and cudnn.fastest == false and cudnn.verbose == false and cudnn.version > 0)

-- whatever has `replace` is converted: criteria of programs give it to the networks inside
do
   local Loss = torch.class('nn.NetworkLoss', 'nn.Criterion')
   function Loss:replace(f)
      self.network = self.network:replace(f)
      return self
   end
   local loss = nn.NetworkLoss()
   loss.network = nn.Sequential():add(nn.ReLU())
   assert(cudnn.convert(loss, cudnn) == loss and torch.type(loss.network:get(1)) == 'cudnn.ReLU')
   for _, wrong in ipairs { 3, {}, nn.Tanh, torch.rand(2), nn.MSECriterion() } do
      local ok, why = pcall(cudnn.convert, wrong, cudnn)
      assert(not ok and why:find('cudnn.convert: expected a network', 1, true), why)
   end
end

-- errors name the class that was called and the program's line
local _, why = pcall(function() cudnn.SpatialConvolution(1, 2, 3, 3):cuda():forward(torch.FloatTensor(1, 6, 6)) end)
assert(why:find('cudnn.SpatialConvolution: the module is torch.CudaTensor, its input torch.FloatTensor', 1, true), why)
assert(why:find('test_cudnn.lua:', 1, true), why)
_, why = pcall(function() require('cutorch').setDevice(2) end)
assert(why:find('test_cudnn.lua:%d+: cutorch.setDevice: invalid device ordinal'), why)
print('all as it should be')
