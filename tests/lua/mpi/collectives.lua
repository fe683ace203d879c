-- Every collective operation on every type and kind of view against a plain sum, in as many processes as there are.
-- `large` tries 100 MB too.
local mpi = require 'torchmpi'
mpi.start()
local rank, size = mpi.rank(), mpi.size()
local large = arg and arg[1] == 'large'
assert(rank >= 0 and rank < size)

local function fails(f, ...)
   local ok, why = pcall(f)
   assert(not ok, 'no error')
   for _, text in ipairs { ... } do assert(type(why) == 'string' and why:find(text, 1, true), tostring(why)) end
end

-- what process r has: small whole numbers, which every type holds and whose sums do
local function value(r, i) return (r * 3 + i * 7) % 5 end
local kinds = { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double', 'Half' }

-- views of different strides with these sizes
local views = {
   { function(new) return new(6) end, 6 },
   { function(new) return new(4, 5):t() end, 20 },
   { function(new) return new(3, 8):narrow(2, 3, 4) end, 12 },
   { function(new) return new(2, 3, 4):select(2, 2) end, 8 },
   { function(new) return new(9, 2):select(2, 1) end, 9 },
   { function(new) return new() end, 0 },
   { function(new) return new(1):resize(1) end, 1 },
   { function(new) return new(1501) end, 1501 },
}

-- many processes on few cores wait for each other all the time: they try a part
if size > 3 then
   kinds, views = { 'Byte', 'Long', 'Float', 'Half' }, { views[2], views[6], views[8] }
end

local function fill(t, r)
   local i, values = 0, torch.DoubleTensor(math.max(t:nElement(), 1))
   if t:nElement() == 0 then return t end
   for k = 1, t:nElement() do values[k] = value(r, k) end
   return t:copy(values:typeAs(t):viewAs(t:clone():contiguous()))
end

-- elements in logical order
local function numbers(t) return t:nElement() == 0 and {} or t:double():contiguous():view(-1):totable() end
local function expect(t, f, what)
   for i, got in ipairs(numbers(t)) do
      local wanted = f(i)
      if got ~= wanted then error(string.format('%s: element %d is %s instead of %s in rank %d', what, i, got, wanted, rank), 2) end
   end
end
local function sum(i)
   local total = 0
   for r = 0, size - 1 do total = total + value(r, i) end
   return total
end
local function own(i) return value(rank, i) end

-- each operation at once and begun
local function both(name, ...)
   return function(time, ...)
      if time == 'sync' then
         assert(select('#', mpi[name](...)) == 0)
      else
         local handle = mpi.async[name](...)
         assert(torch.typename(handle) == 'torchmpi.Handle')
         mpi.syncHandle(handle)
         mpi.syncHandle(handle)
         assert(handle:done())
      end
   end
end
local broadcast, reduce, allreduce = both 'broadcastTensor', both 'reduceTensor', both 'allreduceTensor'
local exchange, allgather = both 'sendreceiveTensor', both 'allgatherTensor'

for _, kind in ipairs(kinds) do
   local new = torch[kind .. 'Tensor']
   for v, view in ipairs(views) do
      for _, time in ipairs { 'sync', 'async' } do
         local where = kind .. ' ' .. v .. ' ' .. time
         local function fresh(r) return fill(view[1](new), r) end
         for _, root in ipairs(v == 1 and { 0, size - 1 } or { size - 1 }) do
            local t = fresh(rank)
            broadcast(time, root, t)
            expect(t, function(i) return value(root, i) end, where .. ' broadcast')
            t = fresh(rank)
            reduce(time, root, t)
            expect(t, rank == root and sum or own, where .. ' reduce')
            local input, output = fresh(rank), fill(view[1](new), 9)
            reduce(time, root, input, output)
            expect(input, own, where .. ' reduce input')
            expect(output, rank == root and sum or function(i) return value(9, i) end, where .. ' reduce output')
         end
         local t = fresh(rank)
         allreduce(time, t)
         expect(t, sum, where .. ' allreduce')
         local input, output = fresh(rank), fill(view[1](new), 9)
         allreduce(time, input, output)
         expect(input, own, where .. ' allreduce input')
         expect(output, sum, where .. ' allreduce output')
         -- an output of another length, and one that overlaps its input
         local short = new()
         allreduce(time, input, short)
         expect(short, sum, where .. ' allreduce into nothing')
         t = fresh(rank)
         exchange(time, t, (rank - 1) % size, (rank + 1) % size)
         expect(t, function(i) return value((rank - 1) % size, i) end, where .. ' sendreceive')
      end
   end
   for _, time in ipairs { 'sync', 'async' } do
      -- process r gives r elements more than the first, and the first gives none
      local input, output = fill(new(rank), rank), new()
      allgather(time, input, output)
      assert(output:nElement() == size * (size - 1) / 2)
      local got, at = numbers(output), 0
      for r = 0, size - 1 do
         for i = 1, r do
            at = at + 1
            assert(got[at] == value(r, i), kind .. ' allgather')
         end
      end
      -- a shape that fits is kept
      local shaped = new(size, 6)
      allgather(time, fill(new(6), rank), shaped)
      assert(shaped:dim() == 2 and numbers(shaped)[6 * size] == value(size - 1, 6))
   end
end

-- overlapping input and output
local line = torch.range(1, 10):float()
mpi.allreduceTensor(line:narrow(1, 1, 5), line:narrow(1, 3, 5))
assert(line[3] == size and line[7] == 5 * size and line[1] == 1 and line[2] == 2 and line[8] == 8)

-- numbers
assert(mpi.allreduce_double(rank + 0.5) == size * (size - 1) / 2 + size * 0.5)
assert(mpi.allreduce_long(2 ^ 40) == size * 2 ^ 40 and mpi.broadcast_int(size - 1, rank) == size - 1)
assert(mpi.reduce_float(0, 2) == (rank == 0 and 2 * size or 2) and mpi.sendreceive_short(rank) == (rank - 1) % size)
mpi.checkWithAllreduce(torch.ones(3))
mpi.checkWithAllreduce(7)
if size > 1 then fails(function() mpi.checkWithAllreduce(torch.Tensor(3):fill(rank == 0 and 1 or 7), 'mine') end, 'mine', 'differ') end

-- sums of what rounds are the same in all processes, and again
torch.manualSeed(rank)
local rough = torch.FloatTensor(4097):normal()
local first
for _ = 1, 5 do
   local t = rough:clone()
   mpi.allreduceTensor(t)
   first = first or t
   assert(t:equal(first))
end
local theirs = first:clone()
mpi.broadcastTensor(0, theirs)
assert(theirs:equal(first))

-- a thousand operations in flight, waited for in another order; handles and tensors that nobody holds
local handles, tensors = {}, {}
for i = 1, 1000 do
   tensors[i] = torch.FloatTensor(10 + i % 90):fill(i % 10)
   handles[i] = mpi.async.allreduceTensor(tensors[i])
end
for i = 1, 1000, 2 do mpi.syncHandle(handles[i]) end
for i = 1000, 2, -2 do mpi.syncHandle(handles[i]) end
for i = 1, 1000 do assert(tensors[i]:min() == size * (i % 10) and tensors[i]:max() == size * (i % 10)) end
local kept = torch.FloatTensor(20):fill(1)
for i = 1, 200 do
   mpi.async.allreduceTensor(torch.FloatTensor(1000):fill(i))
   mpi.async.allreduceTensor(kept)
   if i % 50 == 0 then collectgarbage() end
end
collectgarbage()
mpi.barrier()
-- each began with what the tensor had then
assert(kept[1] == 1 or kept[1] == size or kept[1] % size == 0)

-- a result goes where the tensor was when the operation began; a storage that is too small by then is an error
local changed = torch.FloatTensor(10):fill(1)
local handle = mpi.async.allreduceTensor(changed)
changed:resize(5)
mpi.syncHandle(handle)
assert(changed:nElement() == 5 and changed:max() == size)
changed = torch.FloatTensor(10):fill(1)
handle = mpi.async.allreduceTensor(changed)
changed:storage():resize(5)
fails(function() mpi.syncHandle(handle) end, 'storage')
-- the input is what it was
changed = torch.FloatTensor(10):fill(1)
handle = mpi.async.allreduceTensor(changed)
changed:fill(100)
mpi.syncHandle(handle)
assert(changed[1] == size)

-- communicators
local C = mpi.C
assert(C.torchmpi_num_nodes_in_communicator() == 1 and C.torchmpi_is_cartesian_communicator())
local level = C.torchmpi_push_communicator(tostring(rank % 2))
assert(level == 2 and mpi.rank() == math.floor(rank / 2) and mpi.size() == math.ceil((size - rank % 2) / 2))
local half = torch.DoubleTensor(2):fill(1)
mpi.allreduceTensor(half)
assert(half[1] == mpi.size() and mpi.communicatorNames():find('key(global)', 1, true))
C.torchmpi_set_communicator(0)
assert(mpi.rank() == rank and mpi.size() == size)
fails(function() C.torchmpi_set_communicator(7) end, 'from 0 to 2')
fails(function() return C.torchmpi_no_such_thing() end, 'torchmpi_no_such_thing')

-- point to point, for tensors of any strides
if size > 1 and rank < 2 then
   local t = fill(torch.ShortTensor(4, 5):t(), rank)
   if rank == 0 then
      mpi.sendTensor(t, 1, 5)
   else
      mpi.receiveTensor(t, 0, 5)
      expect(t, function(i) return value(0, i) end, 'point to point')
   end
end
fails(function() mpi.sendTensor(half, rank) end, 'to itself')

-- what is wrong is told, without anybody waiting
fails(function() mpi.broadcastTensor(size, half) end, 'torchmpi.broadcastTensor', 'rank from 0 to ' .. size - 1, 'got ' .. size)
fails(function() mpi.reduceTensor(-1, half) end, 'got -1')
fails(function() mpi.broadcastTensor(0, 3) end, 'torchmpi.broadcastTensor')
fails(function() mpi.allreduceTensor(half, torch.FloatTensor(2)) end, 'torchmpi.allreduceTensor')
fails(function() mpi.async.sendreceiveTensor(half, 0, size + 3) end, 'got ' .. size + 3)
fails(function() mpi.syncHandle(3) end, 'expected what an asynchronous operation gave')
fails(function() mpi.start() end, 'started before')
mpi.syncHandle(nil)
local threads = require 'threads'
local pool = threads.Threads(1)
pool:addjob(function() return select(2, pcall(function() require('torchmpi').start() end)) end, function(why)
   assert(why:find('started before', 1, true), why)
end)
pool:addjob(function()
   return select(2, pcall(function() require('rekindle.native').functions.mpi.rank(0) end))
end, function(why) assert(why:find('another thread', 1, true), why) end)
pool:synchronize()
pool:terminate()

if large then
   local n = 25 * 2 ^ 20
   local t = torch.FloatTensor(n):fill(rank + 1)
   mpi.allreduceTensor(t)
   local wanted = size * (size + 1) / 2
   assert(t:min() == wanted and t:max() == wanted)
   t:fill(rank + 1)
   handle = mpi.async.allreduceTensor(t)
   mpi.syncHandle(handle)
   assert(t:min() == wanted and t:max() == wanted)
   mpi.broadcastTensor(0, t:fill(rank))
   assert(t:max() == 0)
   local all = torch.FloatTensor()
   mpi.allgatherTensor(t:narrow(1, 1, n / 4):fill(rank), all)
   assert(all:nElement() == size * n / 4 and all[-1] == size - 1)
end

-- while an operation waits for other processes, the program has the processor
mpi.barrier()
local slow = torch.FloatTensor(1000):fill(1)
if rank > 0 then sys.sleep(0.6) end
local busy = os.clock()
handle = mpi.async.allreduceTensor(slow)
if rank == 0 and size > 1 then
   sys.sleep(0.5)
   busy = os.clock() - busy
   assert(busy < 0.06, 'waiting took ' .. busy .. ' s of the processor')
end
mpi.syncHandle(handle)
assert(slow:min() == size and slow:max() == size)

-- what is on its way when it stops is over then
local last = torch.FloatTensor(100000):fill(1)
mpi.async.allreduceTensor(last)
mpi.stop()
assert(last:min() == size and last:max() == size)
fails(function() mpi.rank() end, 'start comes first')
fails(function() mpi.stop() end, 'start comes first')
if rank == 0 then print('all as it should be') end
