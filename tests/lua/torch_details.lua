-- Small things of package torch that no recorded case covers.
local function refused(pattern, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and type(why) == 'string' and why:find(pattern), tostring(why))
end

-- a vector is selected along its one dimension, whichever is named
local v = torch.Tensor{1, 2, 3}
assert(v:select(1, 2) == 2 and v:select(2, 3) == 3)
refused('', function() return v:select(1, 4) end)
refused('', function() return v:select(1, 0) end)

-- the little arithmetic of halves
local h = torch.HalfTensor{{1, -2.5}, {4, 0.5}}
assert(h:mean() == 0.75 and h:max() == 4)
assert(torch.abs(h)[1][2] == 2.5 and h[1][2] == -2.5)
h:add(1):add(2, torch.HalfTensor{{1, 1}, {1, 1}})
assert(h[1][1] == 4 and h[2][2] == 3.5)
local values, places = h:max(2)
assert(values:type() == 'torch.HalfTensor' and places[1][1] == 1 and values[2][1] == 7)
refused('dimension', function() return h:max(3) end)
refused('inconsistent', function() return h:add(torch.HalfTensor(3)) end)
refused('empty', function() return torch.HalfTensor():mean() end)
refused('does not implement', function() return torch.cmul(h, h) end)

-- fractions have no bits
for _, name in ipairs { 'bitand', 'bitor', 'bitxor' } do
   refused(name .. ': only tensors of integers', function() return v[name](v, 1) end)
   refused('c' .. name .. ': only tensors of integers', function() return v['c' .. name](v, v) end)
end

-- memory shared by name is there as long as the storage is
if paths.dirp('/dev/shm') then
   local name = 'rekindle-test-' .. torch.random(1, 1e9)
   local s = torch.IntStorage(name, true, 5, true)
   s[3] = 7
   assert(paths.filep('/dev/shm/' .. name))
   assert(torch.IntStorage('/dev/shm/' .. name, true, 5)[3] == 7)
   s = nil
   collectgarbage()
   collectgarbage()
   assert(not paths.filep('/dev/shm/' .. name))
end
refused('name without folders', torch.IntStorage, '../x', true, 5, true)
refused('name without folders', torch.IntStorage, 'x', true, 0, true)
refused('cannot be private', torch.IntStorage, 'x', false, 5, true)

-- a generator is no table; the machine's byte order; what is no terminal
refused('no field', function() torch.Generator().x = 1 end)
assert(torch.DiskFile.isLittleEndianCPU() ~= torch.DiskFile.isBigEndianCPU())
local file = io.tmpfile()
assert(torch.isatty(file) == false)
refused('open file', torch.isatty, 5)
assert(torch.IntTensor{1}.torch.abs(-7) == 7)

-- long lines are sorted by digits, short ones by comparing: both in the same order
torch.manualSeed(5)
for _, kind in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double' } do
   local x = torch.randn(3, 2000):mul(50):type('torch.' .. kind .. 'Tensor')
   for _, down in ipairs { false, true } do
      local sorted, from = torch.sort(x, 2, down)
      for i = 1, 3 do
         local last
         for j = 1, 2000 do
            local value, place = sorted[i][j], from[i][j]
            assert(x[i][place] == value)
            assert(not last or (down and last >= value or not down and last <= value))
            assert(not last or last ~= value or from[i][j - 1] < place)
            last = value
         end
      end
   end
end

-- fills in blocks are the same draws as one by one, also on a view and with an odd number
for _, fill in ipairs { 'uniform', 'normal' } do
   local x = torch.Tensor(2, 1501):t()
   torch.manualSeed(3)
   x[fill](x, 1, 4)
   torch.manualSeed(3)
   for i = 1, 1501 do
      for j = 1, 2 do assert(x[i][j] == torch[fill](1, 4)) end
   end
   local one = torch[fill](1, 4)
   torch.manualSeed(3)
   x[fill](x, 1, 4)
   assert(torch[fill](1, 4) == one)
end
torch.manualSeed(1)
torch.normal(0, 1)
local left = torch.normal(0, 1)
torch.manualSeed(1)
torch.normal(0, 1)
assert(torch.Tensor(3):normal(0, 1)[1] == left)
refused('', function() return torch.Tensor(3):normal(0, -1) end)

-- numbers so large that no memory holds the result are refused
refused('memory', torch.multinomial, torch.ones(3), 1e15, true)
refused('', torch.randperm, 1e15)
-- more than the machine has, though the system would promise it
refused('memory', torch.ones, 1e13)
refused('memory', torch.Tensor, 1e13)
refused('memory', function() torch.Tensor(2):resize(1e13) end)
refused('', torch.histc, torch.ones(3), 1e15)
refused('', torch.bhistc, torch.ones(3, 2), 1e15)
refused('', torch.eye, 1e15)
refused('', torch.linspace, 0, 1, 1e14)

-- masks and transposed copies of many sizes
for _, n in ipairs { 1, 15, 16, 17, 33, 100 } do
   local m = torch.randn(n, n + 3)
   local mask = m:gt(0)
   local picked, k = m:maskedSelect(mask), 0
   m:apply(function(x)
      if x > 0 then
         k = k + 1
         assert(picked[k] == x)
      end
   end)
   assert(k == mask:double():sum())
   local turned = torch.Tensor(n + 3, n):copy(m:t())
   for i = 1, n do
      for j = 1, n + 3 do assert(turned[j][i] == m[i][j]) end
   end
end
-- torch._gen is the generator of functions that are given none
torch.manualSeed(5)
local expected = torch.rand(3)
torch.manualSeed(torch._gen, 5)
assert(torch.type(torch._gen) == 'torch.Generator' and torch.rand(3):equal(expected))
torch.manualSeed(5)
assert(torch.rand(torch._gen, 3):equal(expected))
local state = torch.getRNGState()
assert(torch.getRNGState(torch._gen):equal(state))

-- without replacement there have to be enough categories that can come up
refused('2 > 1', torch.multinomial, torch.Tensor{ 0, 0, 1 }, 2)
assert(torch.multinomial(torch.Tensor{ 0, 0, 1 }, 2, true)[2] == 3)

-- what reads its arguments one by one ignores surplus ones, as any function of Lua's
do
   local x = torch.range(1, 6):resize(2, 3)
   assert(x:clone(x):sum() == 21 and x:contiguous(1) == x and x:dim(x) == 2 and x:nElement('a', 'b') == 6)
   assert(x:narrow(1, 2, 1, x):sum() == 15 and x:select(1, 1, false)[3] == 3 and x:t({})[3][2] == 6)
   assert(x:size(2, x) == 3 and x:stride(1, x) == 3 and x:transpose(1, 2, 3):size(1) == 3)
   assert(x:clone():copy(x, x):sum() == 21 and torch.Tensor():resizeAs(x, x):nElement() == 6)
   refused('invalid arguments', torch.add, x, 1, 2, 3, 4, 5)
   refused('invalid arguments', x.narrow, x, 1, x)
end

-- a container of a program's own may begin with nothing, and a nil that a program adds is nothing, as in Torch7
do
   require 'nn'
   torch.class('TorchDetailsContainer', 'nn.Container')
   assert(#TorchDetailsContainer():add(nil).modules == 0)
   assert(#nn.Concat(1):add(nil).modules == 0)
   refused('a module to add expected', nn.Concat(1).add, nn.Concat(1))
end

-- the operator # hands on its object twice
do
   local Sized = torch.class('details.Sized', {})
   Sized.__len__ = function(self, other) return rawequal(self, other) and 7 or 0 end
   assert(#Sized.new() == 7)
end

-- a constructor is of its class, as getmetatable has it
do
   local Base, Derived = torch.class('details.Base', {}), nil
   local holder = {}
   Derived = torch.class('details.Derived', 'details.Base', holder)
   assert(getmetatable(holder.Derived) == Derived)
   for _, class in ipairs { 'details.Derived', 'details.Base', holder.Derived, 'Ba.e$' } do
      assert(torch.isTypeOf(holder.Derived, class) and torch.isTypeOf(holder.Derived(), class))
   end
   assert(not torch.isTypeOf(holder.Derived, 'details.Other') and torch.type(holder.Derived) == 'table')
   assert(not torch.isTypeOf({}, 'details.Base') and not torch.isTypeOf(nil, 'details.Base') and Base)
end

-- what is nested too deeply is said once, where the program asked for it
do
   local chain = {}
   local at = chain
   for _ = 1, 150000 do
      at.x = {}
      at = at.x
   end
   for _, f in ipairs { torch.serialize, function(v) return torch.MemoryFile():writeObject(v) end } do
      local ok, why = pcall(f, chain)
      assert(not ok and why:find('^[^\n]*torch_details%.lua:%d+: writeObject: cannot write objects nested deeper than 100000'), why)
      assert(not why:find('serialize%.lua') and #why < 400, why)
   end
end

print('all as it should be')
