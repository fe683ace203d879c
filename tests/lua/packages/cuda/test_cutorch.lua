-- Package cutorch, with `--cuda cpu`: the types of torch.CudaTensor and the functions about the device.
assert(torch.CudaTensor == nil and torch.FloatTensor().cuda == nil)
-- a file needs no require
local path = os.tmpname()
require 'cutorch'
local function fails(f, ...)
   local ok, why = pcall(f)
   assert(not ok, 'no error')
   for _, word in ipairs { ... } do assert(why:find(word, 1, true), why) end
end

-- names and conversions
local kinds = { cuda = 'Cuda', cudaDouble = 'CudaDouble', cudaLong = 'CudaLong', cudaInt = 'CudaInt', cudaShort = 'CudaShort',
   cudaByte = 'CudaByte', cudaChar = 'CudaChar', cudaHalf = 'CudaHalf' }
local x = torch.FloatTensor { { 1, 2, 3 }, { 4, 5, 6 } }
for method, short in pairs(kinds) do
   local y, name = x[method](x), 'torch.' .. short .. 'Tensor'
   assert(torch.type(y) == name and y:type() == name and torch.typename(y) == name and torch.isTensor(y))
   assert(torch.type(y:storage()) == 'torch.' .. short .. 'Storage' and torch.isStorage(y:storage()))
   assert(y:float():equal(x) and y:type 'torch.FloatTensor':equal(x) and y:double():sum() == 21)
   assert(torch.type(torch[short .. 'Tensor'](2, 2)) == name and torch.type(y.new(3)) == name)
   assert(torch.type(y:clone()) == name and torch.type(y:t():contiguous()) == name and torch.type(y:narrow(2, 1, 2)) == name)
   assert(tostring(y):find('[' .. name .. ' of size 2x3]', 1, true))
   assert(#torch[short .. 'Storage'](4) == 4 and torch[short .. 'Tensor'] { 1, 2 }:nElement() == 2)
   assert(y:elementSize() == torch[(short:gsub('^Cuda$', 'CudaFloat'):gsub('^Cuda', '')) .. 'Tensor']():elementSize())
   torch.save(path, { y, y:narrow(1, 2, 1) })
   local back = torch.load(path)
   assert(torch.type(back[1]) == name and back[2]:float():sum() == 15 and back[2]:storage() == back[1]:storage())
end
assert(x:cuda():cuda():type() == 'torch.CudaTensor' and x:cudaLong():cuda():sum() == 21)
local c = x:cuda()
assert(c:cuda() == c and c:copy(x:double()):sum() == 21 and x:clone():zero():copy(c):sum() == 21)
assert(torch.DoubleTensor(2, 3):copyAsync(c):sum() == 21 and c:clone():copyAsync(x):sum() == 21)

-- results have types of the device
assert(torch.type(c:gt(2)) == 'torch.CudaByteTensor' and torch.type(torch.eq(c, 2)) == 'torch.CudaByteTensor')
for _, f in ipairs { 'sort', 'max', 'min', 'topk', 'kthvalue', 'mode', 'median' } do
   local values, places
   if f == 'topk' or f == 'kthvalue' then values, places = torch[f](c, 2) else values, places = torch[f](c, 2) end
   assert(torch.type(values) == 'torch.CudaTensor' and torch.type(places) == 'torch.CudaLongTensor', f)
end
assert(torch.type(torch.nonzero(c)) == 'torch.CudaLongTensor' and torch.type(torch.multinomial(c, 2)) == 'torch.CudaLongTensor')
assert(torch.type(torch.cat(c, c, 1)) == 'torch.CudaTensor' and torch.type(torch.diag(c[1])) == 'torch.CudaTensor')
assert(torch.type(torch.diag(torch.diag(c[1]))) == 'torch.CudaTensor' and torch.type(c * c:t()) == 'torch.CudaTensor')
assert(torch.type(c:gather(2, torch.CudaLongTensor { { 1 }, { 2 } })) == 'torch.CudaTensor')
assert(torch.type(c[c:gt(2)]) == 'torch.CudaTensor' and c[c:gt(2)]:sum() == 18 and torch.type(c:repeatTensor(2, 1)) == 'torch.CudaTensor')
assert(torch.type(torch.svd(c)) == 'torch.CudaTensor' and torch.type(c:reshape(3, 2)) == 'torch.CudaTensor')
-- indices and masks may be the host's
assert(c:index(2, torch.LongTensor { 1, 3 }):sum() == 14 and c:maskedSelect(x:gt(3)):sum() == 15 and c[x:gt(3)]:sum() == 15)
assert(c:index(2, torch.CudaLongTensor { 1, 3 }):sum() == 14)
local filled = c:clone()
filled:indexFill(2, torch.LongTensor { 1 }, 0)
assert(filled:sum() == 16)

-- two devices in one operation
fails(function() return c + x end, 'CudaTensor', 'FloatTensor')
fails(function() return x + c end, 'CudaTensor', 'FloatTensor')
fails(function() return x:cmul(c) end, 'CudaTensor', 'FloatTensor')
fails(function() return x:mm(x:t():cuda()) end, 'CudaTensor', 'FloatTensor')
fails(function() return x:index(1, torch.CudaLongTensor { 1 }) end, 'FloatTensor', 'CudaLongTensor')
fails(function() return x[c:gt(2)] end, 'FloatTensor', 'CudaByteTensor')
fails(function() return torch.FloatTensor(c) end, 'CudaTensor')
fails(function() return c:set(x) end, 'CudaTensor', 'FloatTensor')
fails(function() return torch.CudaTensor(torch.FloatStorage(3)) end, 'FloatStorage')
fails(function() return torch.CudaStorage 'a file' end, 'CudaStorage')

-- as the default type
torch.setdefaulttensortype 'torch.CudaTensor'
assert(torch.getdefaulttensortype() == 'torch.CudaTensor' and torch.type(torch.Tensor(2)) == 'torch.CudaTensor')
for _, made in ipairs { torch.zeros(2), torch.ones(2, 2), torch.rand(3), torch.randn(3), torch.range(1, 3), torch.eye(2),
                        torch.linspace(0, 1, 3), torch.randperm(3), torch.Tensor { 1, 2 }, torch.Tensor(torch.LongStorage { 2 }) } do
   assert(torch.type(made) == 'torch.CudaTensor' and torch.type(torch.Storage(2)) == 'torch.CudaStorage')
end
-- loops that are compiled make views and numbers of the same type
local v = torch.zeros(1000)
for i = 1, 1000 do v[i] = i end
local m, sum = v:view(100, 10), 0
for i = 1, 100 do sum = sum + m[i]:sum() + m[i]:narrow(1, 1, 1):size(1) + torch.Tensor(3):size(1) end
assert(sum == 500500 + 400 and torch.type(m[3]) == 'torch.CudaTensor')
torch.setdefaulttensortype 'torch.DoubleTensor'
assert(not pcall(torch.setdefaulttensortype, 'torch.CudaQuadTensor'))

-- random numbers come from a generator of the device's own
torch.manualSeed(1)
cutorch.manualSeed(5)
local a, host = torch.CudaTensor(4):uniform(), torch.rand(2)
torch.manualSeed(1)
local b = torch.CudaTensor(4):uniform()
assert(torch.rand(2):equal(host) and not a:equal(b))
cutorch.manualSeedAll(5)
assert(torch.CudaTensor(4):uniform():equal(a) and torch.CudaTensor(4):uniform():equal(b) and cutorch.initialSeed() == 5)
local saved = cutorch.getRNGState()
local drawn = torch.CudaTensor(4):normal()
cutorch.setRNGState(saved)
assert(torch.type(saved) == 'torch.ByteTensor' and torch.CudaTensor(4):normal():equal(drawn))
assert(type(cutorch.seed()) == 'number' and type(cutorch.seedAll()) == 'number')

-- the device
assert(cutorch.getDeviceCount() == 1 and cutorch.getDevice() == 1 and c:getDevice() == 1 and torch.CudaTensor():getDevice() == 0)
cutorch.setDevice(1)
fails(function() cutorch.setDevice(2) end, 'invalid device ordinal', '2')
assert(cutorch.withDevice(1, function(n) return n + cutorch.getDevice() end, 2) == 3)
local free, total = cutorch.getMemoryUsage(1)
assert(free <= total and type(cutorch.getDeviceProperties(1).name) == 'string' and c:storage():getDevice() == 1)
for _, name in ipairs { 'synchronize', 'synchronizeAll', 'streamSynchronize', 'deviceReset', 'setDefaultStream' } do cutorch[name]() end
cutorch.reserveStreams(2)
cutorch.setStream(2)
assert(cutorch.getStream() == 2 and cutorch.getNumStreams() == 2 and not pcall(cutorch.setStream, 3))
cutorch.setStream(0)
assert(torch.type(cutorch.createCudaHostTensor(2, 3)) == 'torch.FloatTensor' and not cutorch.hasHalf and cutorch.getState() == cutorch._state)
assert(torch.type(cutorch.createCudaHostDoubleTensor(2)) == 'torch.DoubleTensor' and not cutorch.isManagedPtr(0))
assert(cutorch.driverVersion > 0 and cutorch.runtimeVersion > 0 and not cutorch.isCachingAllocatorEnabled())

-- places and masks of the device's floats, as programs gave them before it had other types
do
   local i, j = torch.CudaTensor { 2, 1 }, torch.CudaTensor { { 3 }, { 1 } }
   local x = torch.CudaTensor { { 1, 2, 3 }, { 4, 5, 6 } }
   assert(x:index(1, i):equal(x:index(1, i:cudaLong())) and torch.gather(x, 2, j):sum() == 7)
   local r = torch.CudaTensor()
   r:index(x, 1, i)
   assert(r[1]:equal(x[2]))
   assert(x:gather(2, j):sum() == 7 and torch.CudaTensor(2, 1):gather(x, 2, j):sum() == 7)
   assert(torch.CudaTensor(2, 3):zero():scatter(2, j, 1):equal(torch.CudaTensor { { 0, 0, 1 }, { 1, 0, 0 } }))
   assert(x:clone():indexFill(1, torch.CudaTensor { 2 }, 0) == 0)
   local y = x:clone()
   y:indexCopy(1, i, x)
   assert(y[1]:equal(x[2]))
   y:indexAdd(1, i, x)
   assert(y[1]:sum() == 30)
   local mask = torch.CudaTensor { { 1, 0, 0 }, { 0, 0, 1 } }
   r:maskedSelect(x, mask)
   assert(x:maskedSelect(mask):sum() == 7 and r:sum() == 7)
   y:copy(x):maskedFill(mask, 0)
   assert(y:sum() == 14)
   y:maskedCopy(mask, torch.CudaTensor { 10, 20 })
   assert(y:sum() == 44)
   fails(function() x:index(1, torch.CudaTensor { 9 }) end, 'index')
   fails(function() x:index(1, { 1 }) end, 'torch.CudaTensor.index: invalid arguments: CudaTensor number table')
end

-- through ffi, and to other threads
local p = c:data()
assert(tonumber(p[5]) == 6 and tonumber(c:cdata().storage.size) == 6)
local threads = require 'threads'
local pool = threads.Threads(1)
local got
pool:addjob(function(t) return t:mul(2), torch.type(t) end, function(t, name) got = { t, name } end, c)
pool:synchronize()
pool:terminate()
assert(got[2] == 'torch.CudaTensor' and torch.type(got[1]) == 'torch.CudaTensor' and got[1]:sum() == 42)
os.remove(path)
print('all as it should be')
