-- Networks, the parameter server and trees in as many processes as there are.
require 'nn'
local mpi = require 'torchmpi'
local mpinn = require 'torchmpi.nn'
local ps = require 'torchmpi.parameterserver'
mpi.start { withCartesianCommunicator = true }
local rank, size = mpi.rank(), mpi.size()

local function fails(f, ...)
   local ok, why = pcall(f)
   assert(not ok, 'no error')
   for _, text in ipairs { ... } do assert(type(why) == 'string' and why:find(text, 1, true), tostring(why)) end
end
local function close(a, b, what) assert((a - b):abs():max() < 1e-9, what) end

-- ---- torchmpi.nn ----

local function network(seed)
   torch.manualSeed(seed)
   return nn.Sequential():add(nn.Linear(4, 6)):add(nn.Tanh()):add(nn.Linear(6, 3))
end
local inputs = {}
torch.manualSeed(100)
for r = 0, size - 1 do inputs[r] = torch.randn(5, 4) end

for _, flat in ipairs { true, false } do
   for _, kind in ipairs { 'sync', 'async', 'blocks' } do
      local net = kind == 'blocks' and nn.BlockSequential(2):add(nn.Linear(4, 6)):add(nn.Tanh()):add(nn.Linear(6, 3)) or network(rank + 1)
      if flat and kind ~= 'blocks' then net:getParameters() end
      mpinn.synchronizeParameters(net)
      mpinn.checkWithAllreduce(net)
      -- what one process would have of all inputs
      local wanted = net:clone()
      wanted:zeroGradParameters()
      for r = 0, size - 1 do
         local out = wanted:forward(inputs[r])
         nn.Sequential.backward(wanted, inputs[r], out)
      end
      if kind ~= 'sync' then mpinn.async.registerAsyncMPIBackward(net) end
      for _ = 1, 2 do
         net:forward(inputs[rank])
         net:zeroGradParameters()
         net:backward(inputs[rank], net.output)
         if kind == 'sync' then mpinn.synchronizeGradients(net) else mpinn.async.synchronizeGradients(net) end
         local _, got = net:parameters()
         local _, expected = wanted:parameters()
         for i, g in ipairs(got) do close(g, expected[i], kind) end
      end
      if kind ~= 'sync' then
         mpinn.async.unregisterAsyncMPIBackward(net)
         net:zeroGradParameters()
         net:forward(inputs[rank])
         nn.Sequential.backward(net, inputs[rank], net.output)
         assert(rawget(net, 'backward') == nil and (kind == 'blocks' or rawget(net:get(1), 'backward') == nil))
      end
   end
end
-- the mean of parameters
local net = network(rank + 1)
local mean = net:get(1).weight:clone()
mpi.allreduceTensor(mean)
mpinn.synchronizeParameters(net, true)
close(net:get(1).weight, mean:div(size), 'mean')
-- parameters that modules share are summed once
local shared = nn.Sequential():add(nn.Linear(2, 2))
shared:add(shared:get(1):clone('weight', 'bias', 'gradWeight', 'gradBias'))
shared:get(1).gradWeight:fill(1)
mpinn.synchronizeGradients(shared)
assert(shared:get(2).gradWeight[1][1] == size)

-- ---- the parameter server ----

for _, kind in ipairs { 'Float', 'Double', 'Long' } do
   for _, n in ipairs { 1, size, 1024, 911 * 7 } do
      local t = torch[kind .. 'Tensor'](n):fill(rank + 1)
      local server = ps.init(t)
      t:zero()
      ps.syncHandle(ps.receive(server, t))
      -- each process has its own part of its own tensor
      assert(t[1] == 1 and (n < size or t[n] == size))
      mpi.barrier()
      t:fill(5)
      if rank == size - 1 then ps.syncHandle(ps.send(server, t, 'copy')) end
      mpi.barrier()
      ps.syncHandle(ps.send(server, t:fill(rank), 'add'))
      mpi.barrier()
      ps.syncHandle(ps.receive(server, t))
      local wanted = 5 + size * (size - 1) / 2
      assert(t:min() == wanted and t:max() == wanted)
      mpi.barrier()
      if rank == 0 then ps.syncHandle(ps.send(server, t, 'zero')) end
      mpi.barrier()
      -- many at once, and one whose handle nobody keeps
      local handles = {}
      for i = 1, 20 do handles[i] = ps.send(server, t:fill(1), 'add') end
      ps.send(server, t, 'none')
      ps.syncHandles(handles)
      collectgarbage()
      mpi.barrier()
      local matrix = torch[kind .. 'Tensor'](n, 2):select(2, 1)
      ps.syncHandle(ps.receive(server, matrix))
      assert(matrix:min() == 20 * size and matrix:max() == 20 * size)
      fails(function() ps.send(server, t, 'double') end, "got 'double'")
      fails(function() ps.receive(server, torch[kind .. 'Tensor'](n + 1)) end, 'expected a torch.' .. kind .. 'Tensor')
      ps.free(server)
      fails(function() ps.send(server, t, 'add') end, 'freed')
   end
end
fails(function() ps.init(3) end, 'parameterserver.init')

-- Downpour and elastic averaging: all workers see the same centre in the end
local function worker(update)
   local own = network(7)
   local x, y = inputs[rank], torch.ones(5, 3)
   local criterion = nn.MSECriterion()
   local first, last
   local rule = update(own)
   for step = 0, 60 do
      own:zeroGradParameters()
      last = criterion:forward(own:forward(x), y)
      first = first or last
      own:backward(x, criterion:backward(own.output, y))
      rule:update(step)
      own:updateParameters(0.02)
   end
   assert(last < first, 'it learns')
   ps.syncHandles(rule.handlesSend)
   mpi.barrier()
   local values = own:parameters()
   ps.syncHandles(ps.prefetchTensors(values))
   ps.integrateTensors(values, function(fetched, t) t:copy(fetched) end)
   mpinn.checkWithAllreduce(own)
   require('torchmpi.cache').freeAllTensorReferences()
end
worker(function(own) return mpi.DownpourUpdate { network = own, updateFrequency = 5, initDelay = 3, sendFrequency = 2,
   localUpdate = function(g) return g:mul(-0.02 / size) end } end)
worker(function(own) return mpi.EASGDUpdate { network = own, updateFrequency = 4, initDelay = 2, prefetch = 2, beta = 0.6 } end)
-- groups of two that share their parameters, of which one speaks with the server
mpi.C.torchmpi_set_communicator(0)
local pairs_level = mpi.C.torchmpi_push_communicator(tostring(math.floor(rank / 2)))
mpi.C.torchmpi_set_communicator(0)
worker(function(own) return mpi.EASGDUpdate { network = own, dataparallelCommunicator = pairs_level, updateFrequency = 4, initDelay = 2 } end)
assert(mpi.size() == size)
fails(function() mpi.EASGDUpdate { network = net, beta = 'x' } end, 'beta')
fails(function() mpi.EASGDUpdate { network = net, gamma = 1 } end, 'gamma')

-- ---- trees over the same processes ----

local tree = require 'ipc.LocalhostTree'(rank + 1, size)
assert(tree.numNodes == size and tree.nodeIndex == rank + 1)
local got, count = tree.allReduce({ torch.FloatTensor(7):fill(rank), rank }, function(a, b)
   return torch.isTensor(a) and a:add(b) or a + b
end)
assert(count == size and got[1][7] == size * (size - 1) / 2 and got[2] == got[1][1])
assert(tree.scatter(rank + 10) == 10 and tree.scatter(torch.Tensor(2):fill(rank))[1] == 0)
local sgd = require 'distlearn.AllReduceSGD'(tree)
local values, gradients = { torch.Tensor(3):fill(rank) }, { torch.Tensor(3) }
sgd.synchronizeParameters(values)
for step = 1, 3 + rank do
   gradients[1]:fill(1)
   sgd.sumAndNormalizeGradients(gradients)
   assert(gradients[1][1] == 1)
   values[1]:add(gradients[1])
end
sgd.synchronizeParameters(values)
assert(values[1][1] == 3 + size - 1)

mpi.stop()
if rank == 0 then print('all as it should be') end
