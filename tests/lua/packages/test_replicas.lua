-- nn.DataParallelTable on the CPU: what it computes is what its network computes, whoever of its threads is faster.
require 'nn'

local function network()
   torch.manualSeed(3)
   return nn.Sequential():add(nn.Linear(4, 5)):add(nn.Tanh()):add(nn.Linear(5, 2))
end
local function close(a, b, what)
   assert(a:isSameSizeAs(b) and (a:nElement() == 0 or (a - b):abs():max() < 1e-12), what)
end
local function dpt_of(net, n, ...)
   local devices = {}
   for i = 1, n do devices[i] = i end
   return nn.DataParallelTable(1, ...):add(net, devices)
end

-- outputs, gradients and ten steps, for batches that divide and that do not, with fewer samples than replicas too
for n = 1, 5 do
   for _, batch in ipairs { 1, 3, 6, 7 } do
      local plain = network()
      local dpt = dpt_of(network(), n, n % 2 == 0)
      local x, g = torch.randn(batch, 4), torch.randn(batch, 2)
      local values, grads = dpt:getParameters()
      local wanted, wantedGrads = plain:getParameters()
      for step = 1, 3 do
         x:normal()
         close(dpt:forward(x), plain:forward(x), 'output')
         dpt:zeroGradParameters()
         plain:zeroGradParameters()
         close(dpt:backward(x, g), plain:backward(x, g), 'gradInput')
         -- gradients add up until they are zeroed
         close(dpt:backward(x, g, 0.5), plain:backward(x, g, 0.5), 'gradInput again')
         close(grads, wantedGrads, 'gradients')
         values:add(-0.1, grads)
         wanted:add(-0.1, wantedGrads)
         close(values, wanted, 'parameters')
      end
      close(dpt:forward(x), plain:forward(x), 'output')
      close(dpt:updateGradInput(x, g), plain:updateGradInput(x, g), 'updateGradInput')
      dpt:accGradParameters(x, g, 2)
      plain:accGradParameters(x, g, 2)
      close(grads, wantedGrads, 'accGradParameters')
      dpt:accUpdateGradParameters(x, g, 0.1)
      plain:zeroGradParameters()
      plain:accGradParameters(x, g)
      plain:updateParameters(0.1)
      close(values, wanted, 'accUpdateGradParameters')
   end
end

-- bit by bit the same, however often
local dpt = dpt_of(network(), 4)
local x, g = torch.randn(9, 4), torch.randn(9, 2)
local first
for try = 1, 20 do
   dpt:zeroGradParameters()
   dpt:forward(x)
   dpt:backward(x, g)
   local _, grads = dpt:getParameters()
   first = first or grads:clone()
   assert(grads:equal(first))
end

-- parameters that were replaced, and another type
dpt:get(1):get(1).weight:set(torch.randn(5, 4))
close(dpt:forward(x), dpt:get(1):clone():forward(x))
dpt:float()
assert(dpt:forward(x:float()):type() == 'torch.FloatTensor')
dpt:double()
close(dpt:forward(x), dpt:get(1):clone():forward(x))

-- files and copies have the one network
local copy = torch.deserialize(torch.serialize(dpt))
assert(#copy.modules == 1 and #copy.gpuAssignments == 4 and copy.dimension == 1)
close(copy:forward(x), dpt:forward(x))
close(dpt:clone():forward(x), dpt:forward(x))
assert(#torch.serialize(dpt:clearState()) < 6000)

-- shared parameters count once
local shared = nn.Linear(4, 4)
local twice = nn.Sequential():add(shared):add(shared:clone('weight', 'bias', 'gradWeight', 'gradBias'))
local other = twice:clone()
local pair = dpt_of(twice, 3)
pair:zeroGradParameters()
other:zeroGradParameters()
close(pair:forward(x), other:forward(x))
close(pair:backward(x, x), other:backward(x, x))
close(twice:get(1).gradWeight, other:get(1).gradWeight, 'shared')

-- statistics reach the replicas with evaluate; modes do with the next call
local normal = dpt_of(nn.BatchNormalization(4), 2)
for _ = 1, 5 do normal:forward(torch.randn(8, 4)) end
normal:evaluate()
close(normal:forward(x), normal:get(1):clone():forward(x), 'statistics')
normal:training()
normal:forward(x)
local dropout = dpt_of(nn.Dropout(0.5), 3)
assert(dropout:forward(torch.ones(90, 4)):eq(0):sum() > 50)
dropout:evaluate()
assert(dropout:forward(torch.ones(90, 4)):eq(1):all())
-- what is random is the same after the same seed
local function draws()
   torch.manualSeed(5)
   return dpt_of(nn.Dropout(0.5), 3):forward(torch.ones(30, 4)):clone()
end
assert(draws():equal(draws()) and draws():eq(0):sum() > 0)

-- nested tables, other dimensions
local tables = nn.ParallelTable():add(nn.Linear(4, 2)):add(nn.Identity())
local both = dpt_of(tables:clone(), 3)
local two = { torch.randn(5, 4), torch.randn(5, 3) }
local got = both:forward(two)
close(got[1], tables:forward(two)[1])
close(got[2], two[2])
assert(both:backward(two, got)[2]:size(1) == 5)
local second = nn.DataParallelTable(2):add(nn.Tanh(), { 1, 2 })
close(second:forward(two[1]), torch.tanh(two[1]))
-- modules with no parameters, and none of a gradient for the input
local blind = nn.Linear(4, 2)
blind.gradInput = nil
blind = dpt_of(blind, 2)
blind:forward(x)
assert(blind:backward(x, torch.randn(9, 2)) == nil)

-- classes of the program: on one thread, or with a function that defines them
local define = [[
   local Twice = torch.class('nn.TestTwice', 'nn.Module')
   function Twice:updateOutput(x) self.output = x * 2 return self.output end
   function Twice:updateGradInput(_, g) self.gradInput = g * 2 return self.gradInput end
]]
loadstring(define)()
local own = dpt_of(nn.TestTwice(), 3)
close(own:forward(x), x * 2)
close(own:backward(x, x), x * 2)
local taught = dpt_of(nn.TestTwice(), 3):threads(function(i) if i > 1 then loadstring(define)() end end)
close(taught:forward(x), x * 2)
close(taught:backward(x, x), x * 2)

-- errors say which replica, and the next call works
local function fails(f, ...)
   local ok, why = pcall(f)
   assert(not ok, 'no error')
   for _, text in ipairs { ... } do assert(tostring(why):find(text, 1, true), why) end
end
local picky = dpt_of(nn.LookupTable(4, 2), 2)
fails(function() picky:forward(torch.LongTensor { 1, 2, 3, 9 }) end, 'replica 2')
assert(picky:forward(torch.LongTensor { 1, 2, 3, 4 }):size(1) == 4)
fails(function() picky:forward(torch.LongTensor { 9, 2, 3, 4 }) end, 'LookupTable')
assert(picky:forward(torch.LongTensor { 1, 2, 3, 4 }):size(1) == 4)
fails(function() nn.DataParallelTable(1):forward(x) end, 'no module yet')
fails(function() nn.DataParallelTable(3):add(nn.Tanh(), { 1, 2 }):forward(x) end, 'a batch along dimension 3')
fails(function() nn.DataParallelTable() end, 'dimension')
fails(function() nn.DataParallelTable(1):add(nn.Tanh()) end, 'a device')
fails(function() nn.DataParallelTable(1):add(nn.Tanh(), { 'x' }) end, 'number of a device')
fails(function() nn.DataParallelTable(1):add(nn.TestTwice(), { 1, 2 }):threads(function() error 'not today' end) end, 'not today')
fails(function() nn.DataParallelTable(1):threads(3) end, 'a function expected')
fails(function() dpt_of(nn.Tanh(), 2):threads(function(i) if i == 2 then error 'only here' end end):forward(x) end, 'only here')

-- replicas go when their table does
for _ = 1, 30 do dpt_of(network(), 3):forward(x) end
collectgarbage()
-- without being asked to: Lua does not see how large threads are
local function threads_of_program()
   for line in io.lines '/proc/self/status' do
      local n = line:match '^Threads:%s+(%d+)'
      if n then return tonumber(n) end
   end
end
collectgarbage 'stop'
for _ = 1, 80 do dpt_of(nn.Tanh(), 3):forward(x) end
if io.open '/proc/self/status' then assert(threads_of_program() < 100, threads_of_program()) end
collectgarbage 'restart'
print('all as it should be')
