-- The supervised tutorial in one script: a model learns handwritten digits.
--
--   th examples/digits/train.lua                          a convolutional network, in under a minute
--   th examples/digits/train.lua -model mlp -epochs 5     another model
--   th examples/digits/train.lua -load digits-model.t7    goes on from (or only tests) a saved model
--
-- The 10,000 digits beside it are real ones: 8,000 to learn from, 2,000 to test on. Label 10 is the digit 0.
require 'torch'
require 'nn'
require 'optim'
require 'xlua'

local here = paths.dirname(paths.thisfile())

local cmd = torch.CmdLine()
cmd:text('Learns handwritten digits')
cmd:text()
cmd:text('Options:')
cmd:option('-model', 'convnet', 'linear | mlp | convnet')
cmd:option('-loss', 'nll', 'nll | mse')
cmd:option('-optimization', 'SGD', 'SGD')
cmd:option('-batchSize', 16, 'samples in a step')
cmd:option('-learningRate', 0.05, 'step size')
cmd:option('-momentum', 0.5, 'momentum')
cmd:option('-epochs', 7, 'passes over the training digits')
cmd:option('-type', 'float', 'double | float')
cmd:option('-seed', 1, 'of the random numbers')
cmd:option('-threads', 2, 'threads')
cmd:option('-save', 'digits-model.t7', 'where the model goes; empty: nowhere')
cmd:option('-load', '', 'a saved model to go on from')
cmd:option('-data', paths.concat(here, '..', 'data', 'digits.t7'), 'the digits')
local opt = cmd:parse(arg or {})

torch.manualSeed(opt.seed)
torch.setnumthreads(opt.threads)
torch.setdefaulttensortype(opt.type == 'double' and 'torch.DoubleTensor' or 'torch.FloatTensor')
if opt.optimization ~= 'SGD' then error('unknown -optimization ' .. opt.optimization) end

-- ---- the digits: one plane of 28x28, mean 0 and deviation 1 ----
local raw = torch.load(opt.data)
local function prepare(set)
   local n = set.data:size(1)
   return { data = set.data:type(torch.getdefaulttensortype()):view(n, 1, 28, 28), labels = set.labels:long(), size = n }
end
local train, test = prepare(raw.train), prepare(raw.test)
local mean, deviation = train.data:mean(), train.data:std()
for _, set in ipairs { train, test } do set.data:add(-mean):div(deviation) end

local classes = { '1', '2', '3', '4', '5', '6', '7', '8', '9', '0' }

-- ---- the model ----
local makers = {}
function makers.linear()
   return nn.Sequential():add(nn.Reshape(784)):add(nn.Linear(784, 10))
end
function makers.mlp()
   return nn.Sequential():add(nn.Reshape(784)):add(nn.Linear(784, 128)):add(nn.Tanh()):add(nn.Linear(128, 10))
end
function makers.convnet()
   local m = nn.Sequential()
   m:add(nn.SpatialConvolutionMM(1, 16, 5, 5)):add(nn.Tanh()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
   m:add(nn.SpatialConvolutionMM(16, 32, 5, 5)):add(nn.Tanh()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
   m:add(nn.Reshape(32 * 4 * 4)):add(nn.Linear(32 * 4 * 4, 64)):add(nn.Tanh()):add(nn.Linear(64, 10))
   return m
end

local model, criterion
if opt.load ~= '' then
   model = torch.load(opt.load):type(torch.getdefaulttensortype())
else
   local make = makers[opt.model] or error('unknown -model ' .. opt.model)
   model = make()
   if opt.loss == 'nll' then model:add(nn.LogSoftMax()) else model:add(nn.Tanh()) end
end
if opt.loss == 'nll' then
   criterion = nn.ClassNLLCriterion()
elseif opt.loss == 'mse' then
   criterion = nn.MSECriterion()
else
   error('unknown -loss ' .. opt.loss)
end
print(model)

-- mean squared error wants a vector: 1 at the class, -1 elsewhere
local function target_of(labels)
   if opt.loss == 'nll' then return labels end
   local t = torch.Tensor(labels:size(1), 10):fill(-1)
   for i = 1, labels:size(1) do t[i][labels[i]] = 1 end
   return t
end

-- ---- training ----
local parameters, gradients = model:getParameters()
local state = { learningRate = opt.learningRate, momentum = opt.momentum }
local confusion = optim.ConfusionMatrix(classes)
local input = torch.Tensor(opt.batchSize, 1, 28, 28)
local labels = torch.LongTensor(opt.batchSize)

local function epoch(number)
   print('==> epoch ' .. number)
   local order, timer = torch.randperm(train.size), torch.Timer()
   model:training()
   for first = 1, train.size, opt.batchSize do
      local n = math.min(opt.batchSize, train.size - first + 1)
      input:resize(n, 1, 28, 28)
      labels:resize(n)
      for i = 1, n do
         local k = order[first + i - 1]
         input[i] = train.data[k]
         labels[i] = train.labels[k]
      end
      local target = target_of(labels)
      local function feval(x)
         if x ~= parameters then parameters:copy(x) end
         gradients:zero()
         local output = model:forward(input)
         local loss = criterion:forward(output, target)
         local df_do = criterion:backward(output, target)
         model:backward(input, df_do)
         confusion:batchAdd(output, labels)
         return loss, gradients
      end
      optim.sgd(feval, parameters, state)
      xlua.progress(first + n - 1, train.size)
   end
   print(string.format('time per sample: %.3f ms', timer:time().real / train.size * 1000))
   print(confusion)
   confusion:zero()
end

local function evaluate()
   model:evaluate()
   for first = 1, test.size, 100 do
      local n = math.min(100, test.size - first + 1)
      confusion:batchAdd(model:forward(test.data:narrow(1, first, n)), test.labels:narrow(1, first, n))
   end
   confusion:updateValids()
   print('test digits:')
   print(confusion)
   local accuracy = confusion.totalValid * 100
   confusion:zero()
   return accuracy
end

for e = 1, opt.epochs do epoch(e) end
print(string.format('accuracy on %d test digits: %.2f%%', test.size, evaluate()))
if opt.save ~= '' then
   torch.save(opt.save, model:clearState())
   print('model saved to ' .. opt.save)
end
