-- One program from one worker to many: the digits, learnt
--
--   th examples/parallel/train.lua                                  in one process
--   th examples/parallel/train.lua -replicas 4                      on 4 threads: nn.DataParallelTable
--   mpirun -n 4 th examples/parallel/train.lua                      in 4 processes, on one machine or many
--   mpirun -n 4 th examples/parallel/train.lua -async               with gradients on their way while others are computed
--   mpirun -n 2 th examples/parallel/train.lua -load digits.t7      from the last checkpoint on
--
-- Each step is about the same samples however many share them, so the losses are the same but for rounding. docs/parallel.md
-- explains the parts.
require 'torch'
require 'nn'
require 'optim'
local mpi = require 'torchmpi'
local mpinn = require 'torchmpi.nn'

local here = paths.dirname(paths.thisfile())
local cmd = torch.CmdLine()
cmd:text('Learns handwritten digits, alone or with others')
cmd:text('Options:')
cmd:option('-model', 'convnet', 'mlp | convnet')
cmd:option('-replicas', 1, 'threads that share the batch of a process')
cmd:option('-async', false, 'gradients are summed while others are computed')
cmd:option('-batchSize', 64, 'samples of a step, of all processes together')
cmd:option('-steps', 0, 'steps of an epoch; 0: as many as there are samples for')
cmd:option('-epochs', 3, 'passes over the training digits')
cmd:option('-learningRate', 0.1, 'step size')
cmd:option('-momentum', 0.5, 'momentum')
cmd:option('-type', 'float', 'double | float')
cmd:option('-seed', 1, 'of the random numbers')
cmd:option('-threads', 1, 'threads of each worker')
cmd:option('-log', '', 'a file for the loss of every step')
cmd:option('-save', '', 'a file for a checkpoint after every epoch')
cmd:option('-load', '', 'a checkpoint to go on from')
cmd:option('-data', paths.concat(here, '..', 'data', 'digits.t7'), 'the digits')
local opt = cmd:parse(arg or {})

mpi.start()
local rank, size = mpi.rank(), mpi.size()
torch.setnumthreads(opt.threads * opt.replicas)
torch.setdefaulttensortype(opt.type == 'double' and 'torch.DoubleTensor' or 'torch.FloatTensor')
local function say(...)
   if rank == 0 then print(string.format(...)) end
end

-- ---- the same digits and the same network in every process ----
local raw = torch.load(opt.data)
local function prepare(set)
   local n = set.data:size(1)
   return { data = set.data:type(torch.getdefaulttensortype()):view(n, 1, 28, 28), labels = set.labels:long(), size = n }
end
local train, test = prepare(raw.train), prepare(raw.test)
local mean, deviation = train.data:mean(), train.data:std()
for _, set in ipairs { train, test } do set.data:add(-mean):div(deviation) end

torch.manualSeed(opt.seed)
local network = nn.Sequential()
if opt.model == 'mlp' then
   network:add(nn.Reshape(784)):add(nn.Linear(784, 128)):add(nn.Tanh()):add(nn.Linear(128, 10))
else
   network:add(nn.SpatialConvolutionMM(1, 16, 5, 5)):add(nn.Tanh()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
   network:add(nn.SpatialConvolutionMM(16, 32, 5, 5)):add(nn.Tanh()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
   network:add(nn.Reshape(32 * 4 * 4)):add(nn.Linear(32 * 4 * 4, 64)):add(nn.Tanh()):add(nn.Linear(64, 10))
end
network:add(nn.LogSoftMax())
local state = { learningRate = opt.learningRate, momentum = opt.momentum, dampening = 0 }
local first = 1

-- A checkpoint is read by one process and handed to the others, which may have no such file.
if opt.load ~= '' then
   local text
   if rank == 0 then text = torch.serialize(torch.load(opt.load)) end
   local length = mpi.broadcast_long(0, text and #text or 0)
   local bytes = torch.ByteTensor(length)
   if text then bytes:storage():string(text) end
   mpi.broadcastTensor(0, bytes)
   local checkpoint = torch.deserialize(bytes:storage():string())
   network, state, first = checkpoint.network, checkpoint.state, checkpoint.epoch + 1
   say('goes on after epoch %d', checkpoint.epoch)
end

local parameters, gradients = network:getParameters()
mpinn.synchronizeParameters(network)
local model = network
if opt.replicas > 1 then
   model = nn.DataParallelTable(1):add(network, torch.range(1, opt.replicas):totable())
elseif opt.async then
   mpinn.async.registerAsyncMPIBackward(network)
end
-- the loss of a step is a sum over samples: what processes have adds up
local criterion = nn.ClassNLLCriterion(nil, false)

-- ---- training ----
local log = opt.log ~= '' and rank == 0 and io.open(opt.log, opt.load ~= '' and 'a' or 'w')

-- This process's part of a step's samples.
local function part(order, step)
   local low = (step - 1) * opt.batchSize
   local count = math.min(opt.batchSize, train.size - low)
   local from, to = math.floor(rank * count / size), math.floor((rank + 1) * count / size)
   if from == to then return nil, nil, count end
   local picked = order:narrow(1, low + from + 1, to - from)
   return train.data:index(1, picked), train.labels:index(1, picked), count
end

local function epoch(number)
   -- the same order everywhere, and again after a restart
   torch.manualSeed(opt.seed + number)
   local order, timer = torch.randperm(train.size):long(), torch.Timer()
   local steps = opt.steps > 0 and opt.steps or math.ceil(train.size / opt.batchSize)
   local total = 0
   network:training()
   for step = 1, steps do
      local input, labels, count = part(order, step)
      local function feval()
         gradients:zero()
         local loss = 0
         if input then
            local output = model:forward(input)
            loss = criterion:forward(output, labels)
            model:backward(input, criterion:backward(output, labels):div(count))
         end
         if opt.async and opt.replicas == 1 and input then
            mpinn.async.synchronizeGradients(network)
         else
            mpinn.synchronizeGradients(network)
         end
         return mpi.allreduce_double(loss) / count, gradients
      end
      local _, losses = optim.sgd(feval, parameters, state)
      total = total + losses[1]
      if log then log:write(string.format('%.12f\n', losses[1])) end
   end
   say('epoch %d: loss %.6f, %.3f ms for a sample', number, total / steps,
      timer:time().real / (steps * opt.batchSize) * 1000)
end

-- Rank 0 writes; the file takes the old one's place when it is whole.
local function checkpoint(number)
   if opt.save == '' then return end
   if rank == 0 then torch.save(opt.save, { network = network:clone():clearState(), state = state, epoch = number }) end
   -- nobody goes on before there is something to go back to
   mpi.barrier()
end

for number = first, opt.epochs do
   epoch(number)
   checkpoint(number)
end
if log then log:close() end

-- ---- how good it is: every process tries its part ----
network:evaluate()
local right = 0
for i = rank * 100 + 1, test.size, size * 100 do
   local n = math.min(100, test.size - i + 1)
   local _, best = network:forward(test.data:narrow(1, i, n)):max(2)
   right = right + best:view(-1):eq(test.labels:narrow(1, i, n)):sum()
end
right = mpi.allreduce_double(right)
say('accuracy on %d test digits: %.2f%%', test.size, right / test.size * 100)
mpi.stop()
