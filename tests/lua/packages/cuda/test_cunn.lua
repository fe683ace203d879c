-- Package cunn, with `--cuda cpu`: every class of nn gives on torch.CudaTensor what it gives on torch.FloatTensor, and
-- nn.DataParallelTable what its module gives.
require 'cunn'
torch.manualSeed(1)
cutorch.manualSeed(1)
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or ''
local samples = dofile(here .. '../../nn_samples.lua')
local kin = { ['torch.DoubleTensor'] = 'torch.CudaTensor', ['torch.LongTensor'] = 'torch.CudaLongTensor',
   ['torch.ByteTensor'] = 'torch.CudaByteTensor', ['torch.IntTensor'] = 'torch.CudaIntTensor' }

local function map(value, f)
   if torch.isTensor(value) then return f(value) end
   if type(value) ~= 'table' then return value end
   local list = {}
   for k, v in pairs(value) do list[k] = map(v, f) end
   return list
end
local function single(t) return t:type() == 'torch.DoubleTensor' and t:float() or t:clone() end
local function device(t) return t:type(kin[t:type()]) end
local function same(a, b, where)
   if torch.isTensor(a) then
      assert(torch.isTensor(b) and b:type():find('^torch%.Cuda'), where .. ': ' .. torch.type(b))
      assert(a:nElement() == b:nElement() and (a:nElement() == 0 or a:double():equal(b:double():viewAs(a))), where)
   elseif type(a) == 'number' then
      assert(a == b or a ~= a and b ~= b, where .. ': ' .. tostring(a) .. ' and ' .. tostring(b))
   else
      for k, v in pairs(type(a) == 'table' and a or {}) do same(v, b[k], where) end
   end
end

local function seed()
   torch.manualSeed(7)
   cutorch.manualSeed(7)
end
-- those that keep a type of their own, or need what is not there
local apart = { Copy = true, DontCast = true, GPU = true, L1HingeEmbeddingCriterion = true, PullTable = true, ZipTable = true }
local tried = 0
for name, list in pairs(samples) do
   for _, entry in ipairs(apart[name] and {} or list) do
      local call, input, options = entry[1], entry[2], entry[3] or {}
      local where = 'nn.' .. call
      seed()
      local made = assert(loadstring('return nn.' .. call))()
      local module = made:float() or made
      local other = module:clone()
      -- some of Torch7's give nothing back
      other:cuda()
      assert(other.output == nil or not torch.isTensor(other.output) or other.output:type() == 'torch.CudaTensor', where)
      local hosts, theirs = map(input, single), map(input, device)
      local target = options.target
      seed()
      if torch.isTypeOf(module, 'nn.Criterion') then
         local t, u = map(target, single), map(target, device)
         same(module:forward(hosts, t), other:forward(theirs, u), where)
         same(module:backward(hosts, t), other:backward(theirs, u), where .. ' backward')
      else
         local out = module:forward(hosts)
         seed()
         local got = other:forward(theirs)
         same(out, got, where)
         local gradient = map(out, function(t) return t:clone():fill(0.5) end)
         module:zeroGradParameters()
         other:zeroGradParameters()
         seed()
         local gi = module:backward(hosts, gradient)
         seed()
         same(gi, other:backward(theirs, map(got, function(t) return t:clone():fill(0.5) end)), where .. ' backward')
         local _, grads = module:parameters()
         local _, theirGrads = other:parameters()
         if name ~= 'IndexLinear' then same(grads or {}, theirGrads or {}, where .. ' parameters') end
      end
      tried = tried + 1
   end
end
assert(tried > 150, tried .. ' calls tried')

-- targets of any type, here and on the device
local scores = torch.randn(3, 4):cuda()
for _, target in ipairs { torch.CudaTensor { 1, 4, 2 }, torch.CudaLongTensor { 1, 4, 2 }, torch.LongTensor { 1, 4, 2 }, torch.Tensor { 1, 4, 2 } } do
   local loss = nn.CrossEntropyCriterion():cuda()
   local l = loss:forward(scores, target)
   assert(math.abs(l - nn.CrossEntropyCriterion():forward(scores:double(), torch.Tensor { 1, 4, 2 })) < 1e-5)
   assert(loss:backward(scores, target):type() == 'torch.CudaTensor')
end
local pool = nn.SpatialMaxPooling(2, 2):cuda()
pool:forward(torch.CudaTensor(1, 4, 4):uniform())
assert(pool.indices:type() == 'torch.CudaLongTensor')
pool:float():forward(torch.FloatTensor(1, 4, 4):uniform())
assert(pool.indices:type() == 'torch.LongTensor')

-- a loss in a graph takes its gradient from the host
local graph = nn.ModuleFromCriterion(nn.MSECriterion()):cuda()
graph:forward { torch.CudaTensor { 1, 2 }, torch.CudaTensor { 0, 0 } }
assert(graph:backward({ torch.CudaTensor { 1, 2 }, torch.CudaTensor { 0, 0 } }, torch.ones(1))[1][2] == 2)

-- a module of one device with an input of another
local ok, why = pcall(function() return nn.Linear(3, 2):cuda():forward(torch.FloatTensor(1, 3)) end)
assert(not ok and why:find('torch.CudaTensor', 1, true) and why:find('torch.FloatTensor', 1, true), why)

-- ---- DataParallelTable ----

local function network()
   torch.manualSeed(3)
   cutorch.manualSeed(3)
   return nn.Sequential():add(nn.Linear(4, 5)):add(nn.Tanh()):add(nn.Linear(5, 2)):cuda()
end
local x, g = torch.CudaTensor(6, 4):uniform(), torch.CudaTensor(6, 2):uniform()
local plain = network()
local out, gi = plain:forward(x), (plain:zeroGradParameters() or plain):backward(x, g)
local function close(a, b) assert((a - b):abs():max() < 1e-5) end
for _, gpus in ipairs { { 1 }, { 1, 1 }, { 1, 1, 1, 1 } } do
   for _, flatten in ipairs { false, true } do
      local dpt = nn.DataParallelTable(1, flatten, false):add(network(), gpus):threads(function() require 'cudnn' end)
      dpt:cuda()
      dpt:zeroGradParameters()
      close(dpt:forward(x), out)
      close(dpt:backward(x, g), gi)
      local values, grads = dpt:getParameters()
      local _, wanted = plain:clone():getParameters()
      close(grads, wanted)
      -- a step reaches every copy
      values:add(-0.1, grads)
      dpt:syncParameters()
      close(dpt:forward(x), dpt:get(1):clone():forward(x))
      dpt:evaluate()
      assert(dpt:get(1).train == false and dpt:get(1).modules[1].train == false and #dpt:findModules('nn.Linear') == 2)
      dpt:training()
      local copy = torch.deserialize(torch.serialize(dpt))
      close(copy:forward(x), dpt:forward(x))
      assert(copy.dimension == 1 and tostring(dpt):find('^DataParallelTable: ' .. #gpus))
      dpt:clearState()
   end
end
-- tables in and out, a copy that has nothing to do, and copies given one by one
local pair = nn.ParallelTable():add(nn.Linear(4, 2)):add(nn.Identity()):cuda()
local dpt = nn.DataParallelTable(1):add(pair:clone(), { 1, 1, 1 })
local two = { torch.CudaTensor(2, 4):uniform(), torch.CudaTensor(2, 3):uniform() }
local result = dpt:forward(two)
close(result[1], pair:forward(two)[1])
close(result[2], two[2])
assert(dpt:backward(two, result)[1]:size(1) == 2)
local each = nn.DataParallelTable(1):add(network(), 1):add(network(), 1)
close(each:forward(x), out)
assert(#each.modules == 2)
ok, why = pcall(function() nn.DataParallelTable(1):add(network(), { 1, 2 }) end)
assert(not ok and why:find('invalid device ordinal', 1, true), why)
assert(not pcall(nn.DataParallelTable) and not pcall(function() nn.DataParallelTable(1):add(network()) end))
print('all as it should be')
