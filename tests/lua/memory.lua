-- Memory: what is freed goes back to the system, results that are made anew take memory that was used before, and a
-- training step that goes on as before asks the system for nothing.
require 'nn'
require 'nngraph'
require 'optim'
require 'sys'

local function status(key)
   for line in io.lines('/proc/self/status') do
      local value = line:match('^' .. key .. ':%s*(%d+)')
      if value then return tonumber(value) / 1024 end
   end
end

-- How many pages the system has given so far.
local function pages()
   local file = io.open('/proc/self/stat')
   local text = file:read('*a')
   file:close()
   local n = 0
   for field in text:match('%) (.*)'):gmatch('%S+') do
      n = n + 1
      if n == 8 then return tonumber(field) end
   end
end

local complaints = 0
local function expect(ok, ...)
   if ok then return end
   complaints = complaints + 1
   print(string.format(...))
end

-- ---- fresh results ----
torch.setdefaulttensortype('torch.FloatTensor')
do
   local x = torch.randn(1e6)
   local mask = x:gt(0)
   collectgarbage()
   local before = status('VmRSS')
   for _ = 1, 60 do x:maskedSelect(mask) end
   local grown = status('VmRSS') - before
   expect(grown < 40, '60 results of 2 MB that nobody keeps take %d MB from the system', grown)
end

-- ---- freed memory ----
do
   local list = {}
   for i = 1, 2000 do list[i] = torch.ByteTensor(2 ^ 20):fill(1) end
   local full = status('VmRSS')
   list = nil
   collectgarbage()
   collectgarbage()
   local timer = torch.Timer()
   repeat sys.sleep(0.1) until status('VmRSS') < 300 or timer:time().real > 2
   expect(status('VmRSS') < 300, '%d MB are resident two seconds after 2,000 tensors were freed, %d before',
      status('VmRSS'), full)
end

-- in small pieces: tensors, and Lua's own objects
for what, make in pairs {
   ['30,000 tensors of 13 KB'] = function(i) return torch.FloatTensor(3250):fill(i) end,
   ['4,000 tables of 100 KB'] = function(i)
      local list = {}
      for k = 1, 100 do list[k] = tostring(i * 1000 + k):rep(140) end
      return list
   end,
} do
   local list, before = {}, status('VmRSS')
   for i = 1, what:find('tables') and 4000 or 30000 do list[i] = make(i) end
   local full = status('VmRSS')
   expect(full > before + 200, '%s take %d MB', what, full - before)
   list = nil
   collectgarbage()
   collectgarbage()
   local timer = torch.Timer()
   repeat sys.sleep(0.1) until status('VmRSS') < before + 100 or timer:time().real > 3
   expect(status('VmRSS') < before + 100, '%s: %d MB are resident three seconds after they were freed, %d before they were made',
      what, status('VmRSS'), before)
end

-- ---- steady training ----
-- What 20 steps take once steps have taken what they need. The allocator gives back now and then what it did not use for
-- a second, so that a few pages are new.
local function steady(name, step, steps)
   steps = steps or 20
   local function run(n)
      for _ = 1, n do step() end
   end
   run(5)
   collectgarbage()
   run(steps)
   local before = pages()
   run(steps)
   local new = pages() - before
   expect(new < 400, '%s: %d steps take %d pages from the system', name, steps, new)
end

local function train(name, module, criterion, input, target, method, options, steps)
   local x, dx = module:getParameters()
   local state = options or {}
   state.learningRate = state.learningRate or 1e-4
   steady(name, function()
      optim[method](function()
         dx:zero()
         local output = module:forward(input)
         local loss = criterion:forward(output, target)
         module:backward(input, criterion:backward(output, target))
         return loss, dx
      end, x, state)
   end, steps)
end

local function sequential(...)
   local net = nn.Sequential()
   for _, module in ipairs { ... } do net:add(module) end
   return net
end
local conv, pool, norm = nn.SpatialConvolution, nn.SpatialMaxPooling, nn.SpatialBatchNormalization
local function classes(...) return torch.LongTensor(...):random(10) end

train('a perceptron with dropout',
   sequential(nn.Linear(300, 200), nn.Dropout(), nn.Tanh(), nn.Linear(200, 10), nn.LogSoftMax()),
   nn.ClassNLLCriterion(), torch.randn(128, 300), classes(128), 'adam')
train('a perceptron of a batch',
   sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 256), nn.ReLU(), nn.Linear(256, 10)),
   nn.CrossEntropyCriterion(), torch.randn(128, 784), classes(128), 'adam')
train('a convolutional network with a transposed convolution',
   sequential(conv(3, 16, 3, 3, 1, 1, 1, 1), norm(16), nn.ReLU(true), pool(2, 2, 2, 2), conv(16, 32, 5, 5),
      nn.SpatialAveragePooling(2, 2, 2, 2), nn.SpatialFullConvolution(32, 8, 4, 4, 2, 2, 1, 1), nn.View(-1):setNumInputDims(3),
      nn.Linear(8 * 12 * 12, 10)),
   nn.CrossEntropyCriterion(), torch.randn(16, 3, 32, 32), classes(16), 'sgd', { momentum = 0.9 })
train('windows of 5 x 5',
   sequential(conv(1, 20, 5, 5), pool(2, 2, 2, 2), conv(20, 50, 5, 5), pool(2, 2, 2, 2), nn.View(800), nn.Linear(800, 500),
      nn.ReLU(), nn.Linear(500, 10)),
   nn.CrossEntropyCriterion(), torch.randn(16, 1, 28, 28), classes(16), 'sgd', { momentum = 0.9, dampening = 0 }, 5)
-- ---- the networks of the tutorial, one sample a step, doubles and floats ----
local function tutorial(kind)
   if kind == 'convolutions' then
      local kernel = torch.Tensor(7):fill(0.3)
      local function normal() return nn.SpatialSubtractiveNormalization(64, kernel:clone()) end
      return sequential(nn.SpatialConvolutionMM(3, 64, 5, 5), nn.Tanh(), nn.SpatialLPPooling(64, 2, 2, 2, 2, 2), normal(),
         nn.SpatialConvolutionMM(64, 64, 5, 5), nn.Tanh(), nn.SpatialLPPooling(64, 2, 2, 2, 2, 2), normal(),
         nn.Reshape(64 * 5 * 5), nn.Linear(64 * 5 * 5, 128), nn.Tanh(), nn.Linear(128, 10), nn.LogSoftMax())
   elseif kind == 'a perceptron' then
      return sequential(nn.Reshape(3072), nn.Linear(3072, 400), nn.Tanh(), nn.Linear(400, 10), nn.LogSoftMax())
   end
   return sequential(nn.Reshape(3072), nn.Linear(3072, 10), nn.LogSoftMax())
end
for _, type in ipairs { 'torch.DoubleTensor', 'torch.FloatTensor' } do
   torch.setdefaulttensortype(type)
   for _, kind in ipairs { 'convolutions', 'a perceptron', 'one layer' } do
      train(kind .. ' of a sample, ' .. type, tutorial(kind), nn.ClassNLLCriterion(), torch.randn(3, 32, 32), 3, 'sgd')
   end
end
do
   torch.setdefaulttensortype('torch.DoubleTensor')
   local net, criterion = sequential(nn.Linear(2, 20), nn.Tanh(), nn.Linear(20, 1)), nn.MSECriterion()
   local x, y = torch.randn(2), torch.ones(1)
   steady('two numbers', function()
      criterion:forward(net:forward(x), y)
      net:zeroGradParameters()
      net:backward(x, criterion:backward(net.output, y))
      net:updateParameters(0.01)
   end, 500)
   torch.setdefaulttensortype('torch.FloatTensor')
end

-- ---- deep and residual networks ----
do
   local net, planes = nn.Sequential(), 3
   for _, n in ipairs { 32, 64, 128 } do
      for _ = 1, 2 do
         net:add(conv(planes, n, 3, 3, 1, 1, 1, 1)):add(norm(n)):add(nn.ReLU(true))
         planes = n
      end
      net:add(pool(2, 2, 2, 2))
   end
   net:add(nn.View(128 * 4 * 4)):add(nn.Linear(128 * 4 * 4, 10))
   train('windows of 3 x 3', net, nn.CrossEntropyCriterion(), torch.randn(3, 3, 32, 32), classes(3), 'sgd',
      { momentum = 0.9, dampening = 0 }, 5)
end
do
   local planes
   local function plain(i, o, k, s) return conv(i, o, k, k, s, s, (k - 1) / 2, (k - 1) / 2):noBias() end
   local function block(n, stride)
      local main = sequential(plain(planes, n, 3, stride), norm(n), nn.ReLU(true), plain(n, n, 3, 1), norm(n))
      local short = planes == n and nn.Identity() or sequential(plain(planes, n, 1, stride), norm(n))
      planes = n
      return sequential(nn.ConcatTable():add(main):add(short), nn.CAddTable(true), nn.ReLU(true))
   end
   local net = sequential(plain(3, 64, 7, 2), norm(64), nn.ReLU(true), pool(3, 3, 2, 2, 1, 1))
   planes = 64
   for _, s in ipairs { { 64, 1 }, { 128, 2 }, { 256, 2 }, { 512, 2 } } do net:add(block(s[1], s[2])):add(block(s[1], 1)) end
   net:add(nn.SpatialAveragePooling(2, 2, 1, 1)):add(nn.View(512):setNumInputDims(3)):add(nn.Linear(512, 100))
   net:evaluate()
   local x = torch.randn(1, 3, 64, 64)
   steady('a residual network', function() net:forward(x) end, 5)
end

-- ---- recurrent networks, a clone for each step of time ----
do
   local steps, size, batch = 10, 64, 50
   local x, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
   local sums = nn.CAddTable()({ nn.Linear(65, 4 * size)(x), nn.Linear(size, 4 * size)(h) })
   local i, f, o, g = nn.SplitTable(2)(nn.Reshape(4, size)(sums)):split(4)
   local next = nn.CAddTable()({ nn.CMulTable()({ nn.Sigmoid()(f), c }), nn.CMulTable()({ nn.Sigmoid()(i), nn.Tanh()(g) }) })
   local out = nn.CMulTable()({ nn.Sigmoid()(o), nn.Tanh()(next) })
   local cell = nn.gModule({ x, c, h }, { next, out, nn.LogSoftMax()(nn.Linear(size, 65)(out)) })
   local parameters, gradients = cell:getParameters()
   local clones, criteria, inputs, targets = {}, {}, {}, {}
   for t = 1, steps do
      clones[t], criteria[t] = cell:clone('weight', 'bias', 'gradWeight', 'gradBias'), nn.ClassNLLCriterion()
      inputs[t], targets[t] = torch.randn(batch, 65), torch.LongTensor(batch):random(65)
   end
   local function gradient()
      gradients:zero()
      local state, outputs, loss = { [0] = { torch.zeros(batch, size), torch.zeros(batch, size) } }, {}, 0
      for t = 1, steps do
         local made = clones[t]:forward({ inputs[t], unpack(state[t - 1]) })
         state[t], outputs[t] = { made[1], made[2] }, made[3]
         loss = loss + criteria[t]:forward(outputs[t], targets[t])
      end
      local back = { torch.zeros(batch, size), torch.zeros(batch, size) }
      for t = steps, 1, -1 do
         back[3] = criteria[t]:backward(outputs[t], targets[t])
         local made = clones[t]:backward({ inputs[t], unpack(state[t - 1]) }, back)
         back = { made[2], made[3] }
      end
      gradients:clamp(-5, 5)
      return loss, gradients
   end
   local state = { learningRate = 2e-3, alpha = 0.95 }
   steady('a recurrent cell', function() optim.rmsprop(gradient, parameters, state) end)
end

-- ---- two networks against each other ----
do
   local batch, full = 8, nn.SpatialFullConvolution
   local generator = sequential(full(50, 64, 4, 4):noBias(), norm(64), nn.ReLU(true), full(64, 32, 4, 4, 2, 2, 1, 1):noBias(),
      norm(32), nn.ReLU(true), full(32, 3, 4, 4, 2, 2, 1, 1):noBias(), nn.Tanh())
   local judge = sequential(conv(3, 32, 4, 4, 2, 2, 1, 1):noBias(), nn.LeakyReLU(0.2, true), conv(32, 64, 4, 4, 2, 2, 1, 1):noBias(),
      norm(64), nn.LeakyReLU(0.2, true), conv(64, 1, 4, 4):noBias(), nn.Sigmoid(), nn.View(1):setNumInputDims(3))
   local xg, gg = generator:getParameters()
   local xj, gj = judge:getParameters()
   local criterion, real, noise = nn.BCECriterion(), torch.randn(batch, 3, 16, 16), torch.randn(batch, 50, 1, 1)
   local ones, zeros, sg, sj = torch.ones(batch, 1), torch.zeros(batch, 1), { beta1 = 0.5 }, { beta1 = 0.5 }
   local fake
   local function judged(x, target)
      local output = judge:forward(x)
      return criterion:forward(output, target), criterion:backward(output, target)
   end
   steady('two networks', function()
      optim.adam(function()
         gj:zero()
         local loss, slope = judged(real, ones)
         judge:backward(real, slope)
         fake = generator:forward(noise)
         local other, otherSlope = judged(fake, zeros)
         judge:backward(fake, otherSlope)
         return loss + other, gj
      end, xj, sj)
      optim.adam(function()
         gg:zero()
         local loss, slope = judged(fake, ones)
         generator:backward(noise, judge:updateGradInput(fake, slope))
         return loss, gg
      end, xg, sg)
   end)
end

print(complaints .. ' complaints')
