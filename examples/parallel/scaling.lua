-- How well training would share out to many processes: measured here, and reckoned for networks of other speeds.
--
--   th examples/parallel/scaling.lua [-batchSize 32] [-threads 1]
--   mpirun -n 2 th examples/parallel/scaling.lua -measure       measures what two processes do, too
--
-- A step of one process is measured module by module: when each gradient is there, and how many bytes it has. For N processes and
-- a network of so many bits in a second, the time of a sum over all is the faster of a ring (2 (N-1) messages of 1/N of the bytes)
-- and recursive doubling (log2 N messages of all of them), each message with a latency, and additions at the speed measured. Gradients
-- travel one after another as they come (asynchronous), or all when the pass is over. Efficiency is the step of one process over that of N, each
-- with a batch of this size.
require 'nn'
local mpi = require 'torchmpi'
local mpinn = require 'torchmpi.nn'

local cmd = torch.CmdLine()
cmd:option('-batchSize', 32, 'samples of a step of each process')
cmd:option('-threads', 1, 'threads')
cmd:option('-rounds', 7, 'steps, the fastest of which counts')
cmd:option('-measure', false, 'runs all processes too')
local opt = cmd:parse(arg or {})
mpi.start()
torch.setnumthreads(opt.threads)
torch.setdefaulttensortype 'torch.FloatTensor'
torch.manualSeed(1)

local function convnet()
   local net, planes = nn.Sequential(), 3
   for _, n in ipairs { 64, 'M', 128, 'M', 256, 256, 'M', 512, 512, 'M' } do
      if n == 'M' then
         net:add(nn.SpatialMaxPooling(2, 2, 2, 2))
      else
         net:add(nn.SpatialConvolution(planes, n, 3, 3, 1, 1, 1, 1)):add(nn.ReLU(true))
         planes = n
      end
   end
   return net:add(nn.View(-1, 2048)):add(nn.Linear(2048, 512)):add(nn.ReLU(true)):add(nn.Linear(512, 10)), torch.randn(opt.batchSize, 3, 32, 32)
end
local function mlp()
   return nn.Sequential():add(nn.Linear(784, 512)):add(nn.Tanh()):add(nn.Linear(512, 256)):add(nn.Tanh()):add(nn.Linear(256, 10)),
      torch.randn(opt.batchSize * 4, 784)
end

local clock = sys.clock
local function fastest(f)
   local best = math.huge
   for _ = 1, opt.rounds do
      local begin = clock()
      f()
      best = math.min(best, clock() - begin)
   end
   return best
end

-- One step: how long it takes, and { when, bytes } of each gradient, in the order in which they come.
local function measure(net, x)
   local values, grads = net:getParameters()
   local criterion, targets = nn.CrossEntropyCriterion(), torch.LongTensor(x:size(1)):random(1, 10)
   local events, begin
   for _, m in ipairs(net.modules) do
      local backward = m.backward
      m.backward = function(self, ...)
         local result = backward(self, ...)
         local _, own = self:parameters()
         local bytes = 0
         for _, g in ipairs(own or {}) do bytes = bytes + g:nElement() * 4 end
         if bytes > 0 then events[#events + 1] = { clock() - begin, bytes } end
         return result
      end
   end
   local function pass()
      grads:zero()
      criterion:forward(net:forward(x), targets)
      net:backward(x, criterion:backward(net.output, targets))
   end
   local best, kept = math.huge, nil
   for _ = 1, opt.rounds do
      begin, events = clock(), {}
      pass()
      local time = clock() - begin
      if time < best then best, kept = time, events end
   end
   for _, m in ipairs(net.modules) do m.backward = nil end
   local update = fastest(function() values:add(-1e-6, grads) end)
   return { pass = best, update = update, events = kept, bytes = values:nElement() * 4, run = pass, net = net }
end

-- additions of one gradient to another, bytes in a second
local function addition_speed()
   local a, b = torch.FloatTensor(2 ^ 22):fill(1), torch.FloatTensor(2 ^ 22):fill(1)
   return 2 ^ 24 / fastest(function() a:add(b) end)
end

local function sum_time(n, bytes, speed, latency, adding)
   local ring = 2 * (n - 1) * latency + 2 * (n - 1) / n * bytes / speed + (n - 1) / n * bytes / adding
   local rounds = math.ceil(math.log(n) / math.log(2))
   return math.min(ring, rounds * (latency + bytes / speed + bytes / adding))
end

local function efficiency(m, n, speed, latency, adding, asynchronous)
   local free, total = 0, 0
   for _, event in ipairs(m.events) do
      local time = sum_time(n, event[2], speed, latency, adding)
      free, total = math.max(free, event[1]) + time, total + time
   end
   local step = asynchronous and math.max(m.pass, free) or m.pass + total
   return (m.pass + m.update) / (step + m.update) * 100
end

local adding = addition_speed()
local networks = { { 'convolutional network', convnet }, { 'three linear layers', mlp } }
for _, entry in ipairs(networks) do
   local m = measure(entry[2]())
   if mpi.rank() == 0 then
      print(('\n%s, batches of %d: a pass %.1f ms, an update %.2f ms, gradients %.1f MB, additions %.1f GB/s'):format(entry[1], opt.batchSize,
         m.pass * 1e3, m.update * 1e3, m.bytes / 1e6, adding / 1e9))
      print '| processes | 10 Gbit/s | 10 Gbit/s, asynchronous | 100 Gbit/s | 100 Gbit/s, asynchronous |\n|---|---|---|---|---|'
      for _, n in ipairs { 8, 64, 512 } do
         local cells = {}
         for _, network in ipairs { { 1.25e9, 25e-6 }, { 12.5e9, 3e-6 } } do
            for _, asynchronous in ipairs { false, true } do
               cells[#cells + 1] = ('%.0f %%'):format(efficiency(m, n, network[1], network[2], adding, asynchronous))
            end
         end
         print('| ' .. n .. ' | ' .. table.concat(cells, ' | ') .. ' |')
      end
   end
   if opt.measure then
      -- all processes at once, in turn: without an exchange, with it after the pass, and beside it
      local alone, after, beside = math.huge, math.huge, math.huge
      local function all(f)
         mpi.barrier()
         local begin = clock()
         f()
         mpi.barrier()
         return clock() - begin
      end
      for _ = 1, opt.rounds do
         alone = math.min(alone, all(m.run))
         after = math.min(after, all(function()
            m.run()
            mpinn.synchronizeGradients(m.net)
         end))
         mpinn.async.registerAsyncMPIBackward(m.net)
         beside = math.min(beside, all(function()
            m.run()
            mpinn.async.synchronizeGradients()
         end))
         mpinn.async.unregisterAsyncMPIBackward(m.net)
      end
      if mpi.rank() == 0 then
         print(('%d processes: a pass %.1f ms; with the exchange after it %.1f ms, beside it %.1f ms: %.0f %% of the exchange is hidden'):format(
            mpi.size(), alone * 1e3, after * 1e3, beside * 1e3, math.min(1, math.max(0, (after - beside) / (after - alone))) * 100))
         print(('%.2f times as many samples in a second as one process'):format(mpi.size() * m.pass / math.min(after, beside)))
      end
   end
end
mpi.stop()
