-- Package threads, by its documented interface.
local threads = require 'threads'
local tds = require 'tds'
local function refused(pattern, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(pattern), tostring(why))
   return why
end

-- jobs with upvalues, arguments and results; packages and functions of the host go by their names
local message, floor, t = 'from the main thread', math.floor, torch
local seen = {}
local pool = threads.Threads(2, function(id)
   greeting = message .. ' to ' .. id
   assert(__threadid == id)
end, function() assert(greeting:find 'to %d') end)
local done = 0
for i = 1, 8 do
   pool:addjob(function(a, b)
      return a + b, floor(2.7), greeting, t.ones(3):mul(i), { x = { i } }
   end, function(sum, two, text, ones, nested)
      assert(sum == i + 10 and two == 2 and text:find 'from the main thread' and ones:sum() == 3 * i and nested.x[1] == i)
      done = done + 1
   end, i, 10)
end
pool:synchronize()
assert(done == 8 and not pool:hasjob() and pool:acceptsjob())

-- errors of jobs and of what gets the results, after which the pool goes on
local function wrong() error 'on purpose' end
pool:addjob(function() wrong() end)
local why = refused('%[thread %d callback%].*on purpose', pool.synchronize, pool)
assert(why:find('wrong', 1, true), 'the error has a traceback')
pool:addjob(function() return 1 end, function() error 'at the end' end)
refused('%[thread %d endcallback%].*at the end', pool.synchronize, pool)
pool:addjob(function() return coroutine.create(print) end)
refused('callback', pool.synchronize, pool)
pool:addjob(function() return 1 end, function() done = done + 1 end)
pool:synchronize()
assert(done == 9)

-- specific mode
pool:specific(true)
for i = 1, 2 do pool:addjob(i, function() return __threadid end, function(id) seen[i] = id end) end
pool:synchronize()
assert(seen[1] == 1 and seen[2] == 2)
refused('number of a thread', pool.addjob, pool, function() end)
assert(pool:acceptsjob(1))
pool:specific(false)
refused('expected a function', pool.addjob, pool, 3)
pool:terminate()
refused('terminated', pool.addjob, pool, function() end)
pool:terminate()

-- copies, unless they are asked to be shared
local x, storage, hash = torch.zeros(4), torch.FloatStorage(2):fill(0), tds.Hash()
local counter = tds.AtomicCounter()
pool = threads.Threads(1)
pool:addjob(function() x:fill(1) hash.a = 1 end)
pool:synchronize()
assert(x:sum() == 0 and hash.a == nil)
pool:terminate()
threads.Threads.serialization 'threads.sharedserialize'
pool = threads.Threads(3, function() require 'tds' end)
for i = 1, 12 do
   pool:addjob(function()
      for _ = 1, 100 do
         x:add(1)
         x[1] = x[1] + 0
         counter:inc()
      end
      storage[1] = 5
      hash[i] = torch.ones(2):mul(i)
      return x:narrow(1, 2, 2)
   end, function(part) assert(part:size(1) == 2) end)
end
pool:synchronize()
assert(x[2] == 1200 and counter:get() == 1200 and storage[1] == 5 and #hash == 12 and hash[7]:sum() == 14)
-- what is shared is grown by one thread under the others
local grown = torch.FloatTensor(10):fill(1)
for i = 1, 6 do
   pool:addjob(function()
      for n = 1, 50 do
         grown:resize(10 + (n * i) % 90):fill(i)
         local s = grown:sum()
      end
   end)
end
pool:synchronize()
pool:terminate()
-- files still hold copies
local back = torch.deserialize(torch.serialize(x))
x:zero()
assert(back[2] == 1200)

-- what the functions of the beginning gave
local made, given = threads.Threads(2, function(i) return i, 'x' end)
made:terminate()
assert(given[1][1] == 1 and given[2][1] == 2 and given[2][2] == 'x')

-- functions that run one at a time
local total = torch.zeros(1)
pool = threads.Threads(3)
local add = threads.safe(function() total[1] = total[1] + 1 end)
for _ = 1, 60 do pool:addjob(add) end
pool:synchronize()
pool:terminate()
assert(total[1] == 60)
threads.Threads.serialization 'threads.serialize'

-- the parts
local mutex, condition = threads.Mutex(), threads.Condition()
assert(threads.Mutex(mutex:id()):id() == mutex:id())
refused('there is no mutex', threads.Mutex, 12345)
local thread = threads.Thread(([[
   local t = require 'threads'
   local m, c = t.Mutex(%d), t.Condition(%d)
   m:lock()
   c:signal()
   m:unlock()
]]):format(mutex:id(), condition:id()))
mutex:lock()
condition:wait(mutex)
mutex:unlock()
thread:free()
local save, load = require('threads.serialize').save, require('threads.serialize').load
assert(torch.type(save { 1 }) == 'torch.CharStorage' and load(save { 1, { 'two' } })[2][1] == 'two')
local queue = threads.Queue(2)
queue:addjob(function(a) return a * 2 end, 21)
assert(queue:dojob() == 42)
-- pools that are given up end by themselves
for _ = 1, 20 do threads.Threads(2) end
collectgarbage()
print('all as it should be')
