-- Packages ipc and distlearn: threads and what they share, connections, trees, processes.
local ipc = require 'libipc'
assert(ipc == require 'ipc')
require 'nn'

local function fails(f, ...)
   local ok, why = pcall(f)
   assert(not ok, 'no error')
   for _, text in ipairs { ... } do assert(type(why) == 'string' and why:find(text, 1, true), tostring(why)) end
end

-- ---- map ----
assert(select('#', ipc.map(2, function() end):join()) == 0)
local a, b, c, d = ipc.map(2, function(x, y, i) return x + y, i end, 3, 4):join()
assert(a == 7 and b == 1 and c == 7 and d == 2)
local x, y = ipc.map(1, function(x, y) return nil, y end, nil, 42):join()
assert(x == nil and y == 42)
-- storages are the same ones
local shared = torch.FloatTensor(4):zero()
ipc.map(4, function(t, i) t[i] = i end, shared):join()
assert(shared:sum() == 10)
-- networks go too
local net = nn.Sequential():add(nn.Linear(3, 2)):add(nn.Tanh())
local out = ipc.map(1, function(net) require 'nn' return net:forward(torch.ones(3)) end, net):join()
assert(out:equal(net:forward(torch.ones(3))))
local up = 3
fails(function() ipc.map(1, function() return up end) end, 'ipc.map', 'upvalues')
local map = ipc.map(2, function(i)
   if i == 1 then error 'boom' end
   return i
end)
fails(function() while true do map:checkErrors() end end, 'boom')
assert(map:join() == 2)
fails(function() ipc.map(1, function() error {} end):join() end, 'an error that is a table')
fails(function() ipc.map(0, print) end, 'number of threads')
fails(function() ipc.map(1, 3) end, 'a function')

-- ---- marshal ----
local kept = ipc.marshal { 1, 'two', t = torch.ones(2), f = function(v) return v + 1 end }
for _ = 1, 3 do
   local got = kept:read()
   assert(got[1] == 1 and got[2] == 'two' and got.t:sum() == 2 and got.f(2) == 3)
end
local first, second = ipc.map(2, function(m) return m:read()[2] end, kept):join()
assert(first == 'two' and second == 'two')
fails(function() ipc.marshal(function() return up end) end, 'upvalues')
assert(ipc.marshal(function() return up end, true):read()() == 3)

-- ---- channel ----
local channel = ipc.channel()
assert(channel:write(1, nil, { 2 }) == ipc.channel.OPEN and channel:num_items() == 3)
local state, value = channel:read(true)
assert(state == ipc.channel.OPEN and value == 1)
state, value = channel:read()
assert(state == ipc.channel.OPEN and value == nil)
channel:close()
assert(channel:write(5) == ipc.channel.CLOSED and channel:closed() and not channel:drained())
state, value = channel:read()
assert(state == ipc.channel.CLOSED and value[1] == 2)
assert(channel:read() == ipc.channel.DRAINED and channel:drained() and channel:write(1) == ipc.channel.DRAINED)
local empty = ipc.channel()
assert(select('#', empty:read(true)) == 1)
local readers = ipc.map(3, function(c) return (c:read()) end, empty)
empty:close()
a, b, c = readers:join()
assert(a == ipc.channel.DRAINED and b == a and c == a)

-- ---- workqueue ----
local queue, new = ipc.workqueue 'test queue'
assert(new == 1 and select(2, ipc.workqueue 'test queue') == 0)
local workers = ipc.map(3, function()
   local q, own = require 'libipc'.workqueue 'test queue'
   assert(own == 0)
   while true do
      local n = q:read()
      if n == nil then return end
      q:write(n * n)
   end
end)
for i = 1, 30 do queue:write(i) end
queue:drain()
local total = 0
for _ = 1, 30 do total = total + queue:read(true) end
assert(total == 30 * 31 * 61 / 6 and queue:read(true) == nil)
for _ = 1, 3 do queue:write(nil) end
workers:join()
local unnamed = ipc.workqueue()
local one = ipc.map(1, function(q) q:write(q:read() + 1) end, unnamed)
unnamed:write(1)
assert(unnamed:read() == 2)
one:join()

-- ---- mutex, sharedtable ----
local mutex, counts = ipc.mutex(), ipc.sharedtable { 0, name = 'x' }
ipc.map(4, function(mutex, counts)
   for _ = 1, 25 do
      mutex:lock()
      counts[1] = counts[1] + 1
      mutex:unlock()
   end
end, mutex, counts):join()
assert(counts[1] == 100 and counts.name == 'x' and #counts == 1)
local gate = ipc.mutex()
local met = ipc.map(3, function(gate, t, i)
   t[i] = 1
   gate:barrier(4)
   return t:sum()
end, gate, torch.zeros(4):float())
gate:barrier(4)
a, b, c = met:join()
assert(a == 3 and b == 3 and c == 3)
local size = ipc.sharedtable_size(counts)
counts.more = { 1, 2, { 3 } }
counts.inner = ipc.sharedtable { 5 }
counts.inner[1] = 6
assert(counts.more[3][1] == 3 and counts.inner[1] == 6 and ipc.sharedtable_size(counts) > size)
local seen = 0
for _ in pairs(counts) do seen = seen + 1 end
assert(seen == 4)
counts.more = nil
assert(counts.more == nil)
local moved = { 1, 2 }
assert(#ipc.sharedtable(moved, true) == 2 and #moved == 0)
fails(function() counts[{}] = 1 end, 'key')

-- ---- tasks ----
local pool = require 'ipc.BackgroundTaskPool'(3, { closeOnLastTask = true })
for i = 1, 9 do
   pool.addTask(function(i)
      if i % 4 == 0 then error('task ' .. i) end
      return i, i * i
   end, i)
end
for i = 1, 9 do
   if i % 4 == 0 then
      fails(function() pool.getResult(i) end, 'task ' .. i)
   else
      local n, square = pool.getResult(i)
      assert(n == i and square == i * i)
   end
end
assert(pool.isDone())
local task = require 'ipc.BackgroundTask'(function(t) return t:sum() end, torch.ones(3))
assert(task.getResult() == 3)

-- ---- connections ----
local server, port = ipc.server()
local clients = ipc.map(3, function(port, i)
   local client = require 'libipc'.client(port)
   client:send(i):send { tag = 'client ' .. i, t = torch.IntTensor { i } }
   local t = torch.FloatTensor(2, 3)
   client:recv(t)
   client:send(t:t())
   assert(client:recv() == 'bye')
   client:close()
   return t:sum()
end, port)
server:clients(3, function(client) client:id(4 - client:recv()) end)
local order = {}
server:clients(function(client)
   local hello = client:recv()
   client:tag(hello.tag)
   order[#order + 1] = hello.t[1]
end)
assert(order[1] == 3 and order[2] == 2 and order[3] == 1)
order = {}
server:clients(3, function(client) order[#order + 1] = client:id() end, 1)
assert(order[1] == 3 and order[3] == 1)
-- views, and another type on the other side
server:broadcast(torch.range(1, 6):view(3, 2):t())
for _ = 1, 3 do
   local t = server:recvAny()
   assert(torch.typename(t) == 'torch.FloatTensor' and t:size(1) == 3 and t[3][2] == 6)
end
server:broadcast('nobody', 'no such tag')
server:broadcast 'bye'
assert(clients:join() == 21 and server:netStats().num_connections == 3)
server:close()
-- what does not fit is an error, and what comes after it still arrives
server, port = ipc.server('127.0.0.1')
local own = ipc.client('127.0.0.1', port, 10)
server:clients(1, function(client)
   client:send(torch.ones(2, 3)):send(torch.CharStorage():string 'text'):send(torch.Tensor()):send(7)
   fails(function() own:recv(torch.Tensor(3, 2)) end, 'does not fit')
   fails(function() own:recv(torch.CharStorage(3)) end, 'does not fit')
   assert(own:recv(torch.Tensor()):dim() == 0 and own:recv() == 7 and own:recvAsync() == nil)
   client:close()
   fails(function() own:recv() end, 'closed')
end)
own:close()
fails(function() own:send(1) end, 'closed')
server:close()
fails(function() server:clients(1, print) end, 'closed')
fails(function() ipc.client('127.0.0.1', port, 0) end, 'cannot connect')
fails(function() ipc.client() end, 'a port')
fails(function() ipc.server('127.0.0.1', 1e6) end, 'port')

-- ---- trees, and training over them ----
local function nodes(count, base, f)
   local server, port = ipc.server()
   local others = ipc.map(count - 1, function(count, base, port, f, i)
      local client = require 'libipc'.client(port)
      return f(require 'ipc.Tree'(i + 1, count, base, nil, client, '127.0.0.1'))
   end, count, base, port, f)
   local own = f(require 'ipc.Tree'(1, count, base, server, nil, '127.0.0.1', port))
   return { own, others:join() }
end
for _, shape in ipairs { { 2, 2 }, { 7, 2 }, { 5, 4 } } do
   local results = nodes(shape[1], shape[2], function(tree)
      local value = tree.allReduce({ torch.Tensor(3):fill(tree.nodeIndex), n = tree.nodeIndex }, function(a, b)
         return torch.isTensor(a) and a:add(b) or a + b
      end)
      assert(value.n == value[1][3] and tree.scatter(tree.nodeIndex) == 1)
      -- some are through before others
      local sum = 0
      for _ = 1, tree.nodeIndex do sum = sum + tree.allReduce(1, function(a, b) return a + b end) end
      tree.allReduce(nil, function(a, b) return a + b end, function() return 0 end)
      return value.n
   end)
   for _, n in ipairs(results) do assert(n == shape[1] * (shape[1] + 1) / 2) end
end
local function train(tree)
   torch.manualSeed(tree.nodeIndex)
   local sgd, values, gradients = require 'distlearn.AllReduceSGD'(tree), { torch.randn(3) }, { torch.Tensor(3) }
   sgd.synchronizeParameters(values)
   for _ = 1, 2 + tree.nodeIndex do
      gradients[1]:fill(1)
      sgd.sumAndNormalizeGradients(gradients)
      values[1]:add(gradients[1])
   end
   sgd.synchronizeParameters(values)
   local ea = require 'distlearn.AllReduceEA'(tree, 3, 0.2)
   ea.synchronizeParameters(values)
   for _ = 1, 10 + tree.nodeIndex do
      values[1]:add(torch.randn(3))
      ea.averageParameters(values)
   end
   ea.synchronizeCenter(values)
   ea.synchronizeParameters(values)
   return values[1]
end
local results = nodes(4, 2, train)
for _, t in ipairs(results) do assert(t:equal(results[1])) end
local alone = require 'ipc.LocalhostTree'(1, 1)
assert(alone.allReduce(3) == 3 and alone.numNodes == 1 and train(alone):size(1) == 3)

-- ---- processes and files ----
if jit.os ~= 'Windows' then
   local p = ipc.spawn { file = 'cat' }
   assert(p:running() and p:pid() > 0)
   p:stdin 'one\ntwo\n'
   p:stdin()
   assert(p:stdout '*line' == 'one' and p:stdout '*all' == 'two\n' and p:stdout '*line' == nil and p:wait() == 0 and not p:running())
   assert(ipc.spawn { file = 'sh', args = { '-c', 'exit 3' } }:wait() == 3)
   assert(ipc.spawn { file = 'sh', args = { '-c', 'echo $A' }, env = { 'A=b c' } }:stdout(100) == 'b c\n')
   assert(ipc.spawn { file = 'sleep', args = { 100 } }:wait 'KILL' == 0)
   fails(function() ipc.spawn { file = 'cat', args = 'x' } end, 'expected a table')
   fails(function() ipc.spawn { file = 3 } end, 'expected a string')
   fails(function() ipc.spawn { file = '/no/such/program' } end, '/no/such/program')
   -- memory that another process sees by a file's name
   local name = os.tmpname()
   local numbers = torch.FloatStorage(name, true, 10)
   numbers:fill(1)
   local code = ('local s = torch.FloatStorage(%q, true, 10) for i = 1, 10 do s[i] = s[i] + i end'):format(name)
   assert(ipc.spawn { file = arg[-1], args = { '-e', code } }:wait() == 0)
   assert(numbers[1] == 2 and numbers[10] == 11)
   os.remove(name)
end
local name = os.tmpname()
local lock = ipc.flock(name)
assert(ipc.flock(name, true) == nil)
lock:write 'text'
lock:close()
fails(function() lock:read() end, 'closed')
assert(ipc.flock(name):read() == 'text')
os.remove(name)
fails(ipc.fork, 'ipc.fork')
print('all as it should be')
