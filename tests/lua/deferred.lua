-- Gradients whose writing is put off: networks trained with them, and with gradients whose address the program knows, so
-- that nothing is put off; both must be equal to the last bit, whatever reads the gradients in between.
require 'nn'
require 'optim'

local function network(kind)
   if kind == 'deep' then
      return nn.Sequential():add(nn.Linear(200, 120)):add(nn.Tanh()):add(nn.Linear(120, 90)):add(nn.Tanh()):add(nn.Linear(90, 5))
   elseif kind == 'shared' then -- two layers add to the same gradients
      local first = nn.Linear(200, 200)
      local second = first:clone('weight', 'bias', 'gradWeight', 'gradBias')
      return nn.Sequential():add(first):add(nn.Tanh()):add(second):add(nn.Linear(200, 5))
   elseif kind == 'plain' then -- without a bias, and with convolutions before
      return nn.Sequential():add(nn.View(2, 10, 10)):add(nn.SpatialConvolution(2, 4, 3, 3)):add(nn.ReLU()):add(nn.View(256))
         :add(nn.Linear(256, 100, false)):add(nn.Tanh()):add(nn.Linear(100, 5))
   end
end

local methods = {
   sgd = { learningRate = 0.05 },
   momentum = { 'sgd', learningRate = 0.05, momentum = 0.9, dampening = 0 },
   decay = { 'sgd', learningRate = 0.05, weightDecay = 0.01 },
   adam = { learningRate = 0.01 },
   adagrad = { learningRate = 0.01 },
   rmsprop = { learningRate = 0.01 },
}

-- what programs do with gradients between the backward pass and the step
local looks = {
   nothing = function() end,
   norm = function(g) return g:norm() end,
   clip = function(g) g:clamp(-0.01, 0.01) end,
   element = function(g) g[1000] = g[1000] + 1 end,
   copy = function(g) return g:clone():sum() end,
   halves = function(g) g:narrow(1, 1, 12345):mul(2) end,
   twice = function(g, backward) backward() end,
   transposed = function(g) return g:narrow(1, 101, 20000):view(100, 200):t():contiguous()[7]:sum() end,
   zero = function(g) g:narrow(1, 5000, 9000):zero() end,
   resized = function(g) g:storage():resize(g:storage():size() + 3) end,
}

local function train(kind, method, look, batch, scale, exposed)
   torch.manualSeed(3)
   local net, criterion = network(kind), nn.MSECriterion()
   local x, g = net:getParameters()
   if exposed then g:data() end
   local options = {}
   for k, v in pairs(methods[method]) do options[k] = v end
   local losses = {}
   for i = 1, 6 do
      local input = batch and torch.randn(batch, 200) or torch.randn(200)
      input[{ { 1, 3 } }] = 0
      local target = batch and torch.randn(batch, 5) or torch.randn(5)
      local function backward()
         local output = net:forward(input)
         local loss = criterion:forward(output, target)
         net:backward(input, criterion:backward(output, target), scale)
         return loss
      end
      optim[options[1] or method](function()
         if i % 2 == 0 then g:zero() else net:zeroGradParameters() end
         local loss = backward()
         local seen = look(g, backward)
         losses[#losses + 1] = loss
         losses[#losses + 1] = seen
         return loss, g
      end, x, options)
   end
   return x, g, losses
end

local count = 0
local function equal(a, b, what)
   count = count + 1
   local same = torch.isTensor(a) and a:equal(b) or a == b
   assert(same, what)
end

local function compare(kind, method, look, batch, scale)
   local what = ('%s %s %s %s %s'):format(kind, method, look, tostring(batch), tostring(scale))
   local x, g, losses = train(kind, method, looks[look], batch, scale, false)
   local x2, g2, losses2 = train(kind, method, looks[look], batch, scale, true)
   equal(x, x2, what)
   equal(g, g2, what)
   equal(#losses, #losses2, what)
   for i = 1, #losses do equal(losses[i], losses2[i], what) end
end

for _, class in ipairs { 'torch.DoubleTensor', 'torch.FloatTensor' } do
   torch.setdefaulttensortype(class)
   for _, kind in ipairs { 'deep', 'shared', 'plain' } do
      for look in pairs(looks) do compare(kind, 'sgd', look) end
      for method in pairs(methods) do compare(kind, method, 'nothing') end
      compare(kind, 'sgd', 'nothing', nil, -0.5)
      for _, look in ipairs { 'nothing', 'twice', 'element' } do compare(kind, 'sgd', look, 7) end
      compare(kind, 'adam', 'nothing', 40)
   end
end

-- without getParameters, as nn.StochasticGradient does it
local function plain(exposed)
   torch.manualSeed(5)
   local net = network 'deep'
   local params, grads = net:parameters()
   if exposed then for _, g in ipairs(grads) do g:data() end end
   for _ = 1, 5 do
      local input = torch.randn(200)
      net:zeroGradParameters()
      net:backward(input, net:forward(input))
      net:updateParameters(0.1)
   end
   return params, grads
end
torch.setdefaulttensortype 'torch.DoubleTensor'
local a, ga = plain(false)
local b, gb = plain(true)
for i = 1, #a do
   equal(a[i], b[i], 'updateParameters')
   equal(ga[i], gb[i], 'gradients of updateParameters')
end

-- a step that reads gradients from their vectors leaves them to be read
local net = nn.Linear(300, 300)
local x, g = net:getParameters()
g:zero()
local input, gradOutput = torch.randn(300), torch.randn(300)
net:forward(input)
net:backward(input, gradOutput)
local expected = torch.ger(gradOutput, input)
local before = x:clone()
x:add(-0.5, g)
equal(net.gradWeight:clone():add(-1, expected):abs():max(), 0, 'the gradient itself')
assert(x:dist(before:add(-0.5, g)) < 1e-12)
gradOutput:fill(7)
input:fill(7)
equal(net.gradWeight:clone():add(-1, expected):abs():max(), 0, 'vectors are copies')

-- files, copies and other threads see what is there
g:zero()
net:backward(torch.ones(300), torch.ones(300))
equal(torch.deserialize(torch.serialize(net)).gradWeight:sum(), 90000, 'a file')
g:zero()
equal(torch.deserialize(torch.serialize(g)):sum(), 0, 'zeros in a file')
g:fill(1):zero()
equal(torch.FloatTensor(g:size()):copy(g):sum(), 0, 'a copy of another type')
print(count .. ' comparisons: all as it should be')
