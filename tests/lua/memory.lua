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

-- ---- steady training ----
local function steps(name, module, criterion, input, target, method)
   local x, dx = module:getParameters()
   local state = { learningRate = 1e-4, momentum = method == 'sgd' and 0.9 or nil }
   local function f()
      dx:zero()
      local output = module:forward(input)
      local loss = criterion:forward(output, target)
      module:backward(input, criterion:backward(output, target))
      return loss, dx
   end
   local function run(n)
      for _ = 1, n do optim[method](f, x, state) end
   end
   run(5)
   collectgarbage()
   run(20)
   local before = pages()
   run(20)
   local new = pages() - before
   -- the allocator gives back now and then what it did not use for a second
   expect(new < 400, '%s: 20 steps take %d pages from the system', name, new)
end

steps('a perceptron', nn.Sequential():add(nn.Linear(300, 200)):add(nn.Dropout()):add(nn.Tanh()):add(nn.Linear(200, 10)):add(nn.LogSoftMax()),
   nn.ClassNLLCriterion(), torch.randn(128, 300), torch.LongTensor(128):random(10), 'adam')
steps('a convolutional network',
   nn.Sequential():add(nn.SpatialConvolution(3, 16, 3, 3, 1, 1, 1, 1)):add(nn.SpatialBatchNormalization(16)):add(nn.ReLU(true))
      :add(nn.SpatialMaxPooling(2, 2, 2, 2)):add(nn.SpatialConvolution(16, 32, 5, 5)):add(nn.SpatialAveragePooling(2, 2, 2, 2))
      :add(nn.SpatialFullConvolution(32, 8, 4, 4, 2, 2, 1, 1)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(8 * 12 * 12, 10)),
   nn.CrossEntropyCriterion(), torch.randn(16, 3, 32, 32), torch.LongTensor(16):random(10), 'sgd')
do
   local x, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
   local sums = nn.CAddTable()({ nn.Linear(64, 512)(x), nn.Linear(128, 512)(h) })
   local i, f, o, g = nn.SplitTable(2)(nn.Reshape(4, 128)(sums)):split(4)
   local next = nn.CAddTable()({ nn.CMulTable()({ nn.Sigmoid()(f), c }), nn.CMulTable()({ nn.Sigmoid()(i), nn.Tanh()(g) }) })
   local out = nn.CMulTable()({ nn.Sigmoid()(o), nn.Tanh()(next) })
   local cell = nn.gModule({ x, c, h }, { next, out })
   local criterion = nn.ParallelCriterion():add(nn.MSECriterion()):add(nn.MSECriterion())
   steps('a recurrent cell', cell, criterion, { torch.randn(50, 64), torch.randn(50, 128), torch.randn(50, 128) },
      { torch.randn(50, 128), torch.randn(50, 128) }, 'rmsprop')
end

print(complaints .. ' complaints')
