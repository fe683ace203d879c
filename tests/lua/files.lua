-- What torch.save and torch.load promise beyond the recorded cases: whole saves, files of other machines, safe loading,
-- and what ffi sees.
local ffi = require 'ffi'
local name = os.tmpname()
local function content(path)
   local f = io.open(path, 'rb')
   local text = f and f:read('*a')
   if f then f:close() end
   return text
end
local function fails(f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok, 'should have failed')
   return tostring(why)
end

-- a save that fails leaves the older file, and nothing beside it
torch.save(name, { 'old' })
local before = content(name)
local why = fails(torch.save, name, { torch.rand(10), inner = { print } })
assert(why:find('<?>.inner[1]', 1, true), why)
assert(content(name) == before)
assert(why:find 'writeObject')
local beside = 0
for file in paths.iterfiles(paths.dirname(name)) do
   if file:find(paths.basename(name), 1, true) then beside = beside + 1 end
end
assert(beside == 1, beside .. ' files are left')
-- to a place where no file can be
assert(fails(torch.save, 'no-such-directory/x.t7', 1):find 'no%-such%-directory')

-- classes that are not known: tables with their type name, and a save keeps it
local unknown = '4\n1\n3\nV 2\n15\nfar.away.Module\n3\n2\n1\n2\n1\nk\n1\n5\n'
local f = io.open(name, 'w')
f:write(unknown)
f:close()
local object = torch.load(name, 'ascii')
assert(torch.type(object) == 'far.away.Module' and object.k == 5)
assert(torch.serialize(object, 'ascii') == unknown)
assert(fails(torch.deserialize, unknown, 'ascii'):find 'unknown Torch class <far.away.Module>')

-- modules saved before they had all their fields
require 'nn'
for _, old in ipairs{ { nn.HardTanh(), 'min_val', 'max_val' }, { nn.SoftPlus(), 'threshold' }, { nn.CMul(3), 'size' },
   { nn.Narrow(1, 1), 'length' } } do
   local module, x = old[1], torch.rand(3)
   local out = module:forward(x):clone()
   for i = 2, #old do module[old[i]] = nil end
   assert(torch.deserialize(torch.serialize(module)):forward(x):equal(out), torch.type(module))
end
local nll = nn.ClassNLLCriterion()
nll.total_weight_tensor, nll.output_tensor, nll.target = nil, nil, nil
assert(torch.deserialize(torch.serialize(nll)):forward(torch.Tensor{ { -1, -2 } }, torch.Tensor{ 2 }) == 2)

-- tensors of machines with a GPU
local cuda = torch.serialize(torch.FloatTensor{ 1, 2 }, 'ascii'):gsub('17\ntorch.FloatTensor', '16\ntorch.CudaTensor')
   :gsub('18\ntorch.FloatStorage', '17\ntorch.CudaStorage')
local x = torch.deserialize(cuda, 'ascii')
assert(torch.type(x) == 'torch.FloatTensor' and x[2] == 2)
cuda = torch.serialize(torch.LongTensor{ 7 }, 'ascii'):gsub('16\ntorch.LongTensor', '20\ntorch.CudaLongTensor')
   :gsub('17\ntorch.LongStorage', '21\ntorch.CudaLongStorage')
assert(torch.type(torch.deserialize(cuda, 'ascii')) == 'torch.LongTensor')

-- longs of four bytes are noticed
for _, object in ipairs{ torch.range(1, 6):resize(2, 3), { torch.Tensor(), torch.range(1, 6):resize(2, 3) }, { torch.LongTensor{ 3, -4 }:storage() },
   torch.LongTensor{ 9, -9 }, { torch.FloatTensor(1, 2, 3):fill(2), 'text' } } do
   for _, size in ipairs{ 4, 8 } do
      local f = torch.DiskFile(name, 'w'):binary():longSize(size)
      f:writeObject(object)
      f:close()
      assert(torch.serialize(torch.load(name)) == torch.serialize(object), 'longs of ' .. size)
      assert(torch.serialize(torch.load(name, size == 4 and 'b32' or 'b64')) == torch.serialize(object))
   end
end

-- functions: none is compiled where that is not wanted; bytecode of another LuaJIT becomes a function that fails
local text = torch.serialize{ f = function() ran = true return 1 end, x = 5 }
local t = torch.deserialize(text, nil, { functions = false })
assert(t.x == 5 and fails(t.f):find 'not loaded')
torch.save(name, { f = function() return 1 end })
assert(fails(torch.load(name, { functions = false }).f):find 'not loaded')
assert(torch.load(name).f() == 1)
local header = string.dump(function() end):sub(1, 4)
local at = text:find(header, 1, true)
local other = torch.deserialize(text:sub(1, at + 2) .. '\1' .. text:sub(at + 4))
assert(other.x == 5 and fails(other.f):find 'another LuaJIT')

-- a damaged file says where
torch.save(name, { torch.rand(100) })
local whole = content(name)
f = io.open(name, 'wb')
f:write(whole:sub(1, 300))
f:close()
why = fails(torch.load, name)
assert(why:find('position %d+') and why:find(name, 1, true), why)

-- a file that nobody closes is written when it is collected
f = torch.DiskFile(name, 'w')
f:writeString('kept')
f = nil
collectgarbage()
collectgarbage()
assert(content(name) == 'kept')

-- a pipe gives what is there before its program ends
local pipe = torch.PipeFile('echo 1; echo line; sleep 1; echo last')
local timer = torch.Timer()
assert(pipe:readInt() == 1 and pipe:readString('*l') == 'line')
assert(timer:time().real < 0.8, 'a pipe is read as its data comes')
assert(pipe:readString('*l') == 'last')
timer:reset()
pipe:close()
pipe = torch.PipeFile('sleep 1', 'w')
pipe:writeInt(1)
pipe:close()
assert(timer:time().real < 0.8, 'close does not wait')

-- a memory file reads and writes the storage that it is over
local s = torch.CharStorage():string('abcdef\0')
local m = torch.MemoryFile(s, 'rw')
assert(m:writeChar(s) == 7 and m:seek(1):readString('*a') == 'abcdef\0\n')
m:seek(1)
assert(m:quiet():readChar(m:storage()) == 8 and m:storage():string() == 'abcdef\0\n\0')

-- ffi
x = torch.range(1, 6):resize(2, 3)
local c = x:t():cdata()
collectgarbage()
assert(c.nDimension == 2 and c.size[0] == 3 and c.stride[0] == 1 and c.storage.data[5] == 6)
local address = torch.cdata(x, true)
local p = ffi.cast('THDoubleTensor *', address)
assert(p.size[1] == 3 and p.storage.size == 6 and tonumber(torch.cdata(x, true) - address) == 0)
assert(torch.pushudata(address, 'torch.DoubleTensor') == x)
assert(fails(function() return c.nothing end):find 'nothing')
assert(fails(torch.pushudata, 12345, 'torch.DoubleTensor'):find 'no object')
fails(torch.pushudata, torch.pointer(x), 'torch.FloatTensor')
os.remove(name)
-- an upvalue goes by its name in messages
do
   local inner = { code = function() print(1) end }
   local outer = { inner = inner }
   setfenv(inner.code, _G)
   local host = string.format
   local function program() return outer, host end
   local ok, why = pcall(torch.serialize, program)
   assert(not ok and why:find('<?>.host', 1, true), why)
end

-- references to one object stay references to one, also to what a hook gives instead
do
   local one, file = { 'old' }, torch.MemoryFile('rw')
   file:writeObject({ a = one, b = one, n = 0 / 0 }, nil, function(object)
      return object == one and { 'new' } or object
   end)
   file:seek(1)
   local back = file:readObject()
   assert(back.a[1] == 'new' and rawequal(back.a, back.b) and back.n ~= back.n)
end

-- chains of objects, as graphs of large networks are; beyond the deepest there is an error
local function chain(n)
   local top = {}
   local at = top
   for _ = 1, n do
      at.next = {}
      at = at.next
   end
   at.last = true
   return top
end
local function depth(t)
   local n = 0
   while t.next do t, n = t.next, n + 1 end
   return t.last and n
end
assert(depth(torch.deserialize(torch.serialize(chain(20000)))) == 20000)
assert(depth(torch.deserialize(torch.serialize(chain(3000), 'ascii'), 'ascii')) == 3000)
local ok, why = pcall(torch.serialize, chain(100001))
assert(not ok and why:find('nested deeper'), why)

print('files: all as it should be')
