-- A loader of data with threads: two threads read pictures from files, turn and crop them, while the model learns from the
-- batch before. Tensors cross from thread to thread without a copy.
--
--   th examples/loader.lua
--   th examples/loader.lua -threads 1 -epochs 4
local threads = require 'threads'
require 'nn'
require 'optim'
require 'image'

local here = paths.dirname(paths.thisfile())

local cmd = torch.CmdLine()
cmd:text('Learns from pictures that threads load')
cmd:option('-threads', 2, 'threads that load')
cmd:option('-pictures', 400, 'pictures')
cmd:option('-batch', 20, 'pictures in a step')
cmd:option('-epochs', 3, 'passes over them')
cmd:option('-seed', 1, 'of the random numbers')
local opt = cmd:parse(arg or {})
torch.manualSeed(opt.seed)
torch.setdefaulttensortype('torch.FloatTensor')

-- ---- files: a folder of pictures for each class, as programs find them ----

local folder = os.tmpname()
os.remove(folder)
paths.mkdir(folder)
local set = torch.load(here .. '/data/digits.t7').train
local files, classes = {}, {}
for i = 1, opt.pictures do
   local class = set.labels[i]
   paths.mkdir(folder .. '/' .. class)
   files[i], classes[i] = string.format('%s/%d/%d.png', folder, class, i), class
   local picture = set.data[i]:float():div(255)
   image.save(files[i], picture:dim() == 2 and picture:view(1, picture:size(1), picture:size(2)) or picture)
end

-- ---- the loader ----

threads.serialization('threads.sharedserialize')
local size, seed = 24, opt.seed
local pool = threads.Threads(opt.threads,
   function() require 'image' end,
   function(number)
      torch.manualSeed(seed + number)
      torch.setdefaulttensortype('torch.FloatTensor')
      -- a global of this thread: later jobs find it
      function load_picture(name)
         local picture = image.load(name, 1, 'float')
         picture = image.rotate(picture, torch.uniform(-0.15, 0.15))
         local left, top = torch.random(0, picture:size(3) - size), torch.random(0, picture:size(2) - size)
         return image.crop(picture, left, top, left + size, top + size)
      end
   end)

-- calls f(inputs, targets) for each batch of a pass, in whatever order they are ready
local function each_batch(f)
   local order = torch.randperm(#files)
   for first = 1, #files - opt.batch + 1, opt.batch do
      local names, targets = {}, torch.Tensor(opt.batch)
      for i = 1, opt.batch do
         local k = order[first + i - 1]
         names[i], targets[i] = files[k], classes[k]
      end
      pool:addjob(
         function()
            local inputs = torch.Tensor(#names, 1, size, size)
            for i, name in ipairs(names) do inputs[i]:copy(load_picture(name)) end
            return inputs, targets
         end,
         f)
   end
   pool:synchronize()
end

-- ---- the model ----

local model = nn.Sequential()
model:add(nn.SpatialConvolution(1, 8, 5, 5)):add(nn.ReLU()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
model:add(nn.SpatialConvolution(8, 16, 5, 5)):add(nn.ReLU()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
model:add(nn.View(16 * 3 * 3)):add(nn.Linear(16 * 3 * 3, 10)):add(nn.LogSoftMax())
local criterion = nn.ClassNLLCriterion()
local parameters, gradients = model:getParameters()
local config = { learningRate = 0.003 }

for epoch = 1, opt.epochs do
   local sum, steps, timer = 0, 0, torch.Timer()
   each_batch(function(inputs, targets)
      local _, losses = optim.adam(function()
         gradients:zero()
         local output = model:forward(inputs)
         local loss = criterion:forward(output, targets)
         model:backward(inputs, criterion:backward(output, targets))
         return loss, gradients
      end, parameters, config)
      sum, steps = sum + losses[1], steps + 1
   end)
   print(string.format('epoch %d: %d batches, loss %.3f, %.2f s', epoch, steps, sum / steps, timer:time().real))
end
pool:terminate()
paths.rmall(folder, 'yes')
print('all batches came from ' .. opt.threads .. ' threads')
