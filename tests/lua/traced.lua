-- The calls that compiled code makes through ffi against the ones with the full rules: the same results, the same errors.
local native = require 'rekindle.native'
local strange = { 0, 1, 2, 3, 4, 5, -1, -3, -4, 1.9, 2.5, 0.5, -0.5, 1e10, -1e10, 1e300, 0 / 0, 1 / 0, -1 / 0 }

-- what a call gives, as text; errors without their position, which is the caller's
local function outcome(f, ...)
   local ok, v = pcall(f, ...)
   if not ok then return 'error: ' .. tostring(v):gsub('^[%w%./%- ]*:%d+: ', '') end
   if torch.isTensor(v) then
      return string.format('%s %s %s %d', v:type(), table.concat(v:size():totable(), ' '),
         table.concat(v:stride():totable(), ' '), v:storage() and v:storageOffset() or 0)
   end
   return tostring(v)
end

local checked = 0
local function same(traced, full, ...)
   -- twice, the second time with more rounds: as compiled code
   for round = 1, 2 do
      local a, b = outcome(traced, ...), outcome(full, ...)
      if a ~= b then error(string.format('%s\n but %s\n for %s', a, b, table.concat({ ... }, ' ', 2))) end
      checked = checked + 1
   end
end

-- numbers of several accesses, used only after the last of them, in compiled code
for _, name in ipairs { 'torch.DoubleTensor', 'torch.ByteTensor' } do
   local x = torch.Tensor { 137, 80, 78, 71 }:type(name)
   local m = x:view(2, 2)
   for _ = 1, 500 do
      local a, b = x[1], x[2]
      assert(b - a == -57 and math.min(b, a) == 80 and math.floor(a) == 137, 'an element was read too late')
      local c, d = m[{ 1, 1 }], m[{ 2, 2 }]
      assert(d / c == 71 / 137, 'an element was read too late')
      assert(string.char(x[1], x[2], x[3], x[4]) == '\137PNG', 'an element was read too late')
   end
end

-- whether a fill gave the tensor itself, and what it wrote
local function filled(fill, x, v)
   local copy = x:clone()
   return tostring(rawequal(fill(copy, v), copy)) .. tostring(copy)
end

local shapes = { {}, { 3 }, { 2, 3 }, { 3, 2, 2 }, { 2, 1, 3, 2 }, { 1, 2, 1, 2, 3 } }
for number, short in ipairs(native.types) do
   local name = 'torch.' .. short .. 'Tensor'
   local mt = torch.getmetatable(name)
   local rows = native.methods[name]
   local make = native.constructors[name].call
   for _, sizes in ipairs(shapes) do
      local x = torch.range(1, 40):resize(torch.LongStorage(sizes)):type(name)
      local views = { x }
      if #sizes > 1 then views[2] = x:transpose(1, #sizes) end
      for _, view in ipairs(views) do
         for _, f in ipairs { 'sum', 'mean', 'max', 'min', 'dim', 'nElement', 'size' } do
            if rows[f] then
               same(mt[f], rows[f], view)
               same(mt[f], rows[f], view, 1)
               same(mt[f], rows[f], view, 'x')
               same(mt[f], rows[f], view, nil)
            end
         end
         for _, a in ipairs(strange) do
            same(function(v, k) return v[k] end, native.index, view, a)
            same(mt.size, rows.size, view, a)
            same(function(v) return filled(mt.fill, v, a) end, function(v) return filled(rows.fill, v, a) end, view)
            for _, b in ipairs(strange) do
               same(mt.select, rows.select, view, a, b)
               local function full(v, i, j) return native.index(v, { i, j }) end
               same(function(v, i, j) return v[{ i, j }] end, full, view, a, b)
               -- text that reads as a number takes the general way to elements
               if math.abs(a) < 1e15 and #sizes >= 2 then
                  same(full, function(v, i, j) return native.index(v, { tostring(i), j }) end, view, a, b)
               end
               if number > 5 and #sizes == 2 then
                  for _, c in ipairs(strange) do same(mt.narrow, rows.narrow, view, a, b, c) end
               end
            end
         end
      end
   end
   -- lists of sizes; small ones, since large ones would be allocated
   local class = torch.getconstructortable(name)
   local ctor = debug.getmetatable(class).__call
   for _, a in ipairs { 0, 1, 2.7, -1, 3, 0 / 0 } do
      same(ctor, make, class, a)
      for _, b in ipairs { 0, 2, 1.5, -2 } do
         same(ctor, make, class, a, b)
         same(ctor, make, class, a, b, 2)
         same(ctor, make, class, a, 1, b, 2)
         same(ctor, make, class, 2, a, 1, b, 2)
      end
   end
   same(ctor, make, class)
   for _, wrong in ipairs { 'x', true, {}, print } do
      same(ctor, make, class, wrong)
      same(mt.narrow, rows.narrow, torch.range(1, 3):type(name), 1, wrong, 1)
      same(mt.narrow, rows.narrow, wrong, 1, 1, 1)
      same(mt.select, rows.select, torch.range(1, 3):type(name), wrong, 1)
   end
   same(mt.sum, rows.sum)
   same(mt.sum, rows.sum, 3)
   same(mt.sum, rows.sum, newproxy())
   same(mt.select, rows.select, torch.range(1, 3):type(name))
   same(mt.narrow, rows.narrow, torch.range(1, 3):type(name), 1, 1)

   -- writing
   local m = torch.range(1, 6):resize(2, 3):type(name)
   m[2][3] = 9
   m[{ 1, -1 }] = 8
   m[{ -2, 1 }] = 7
   assert(m[1][1] == 7 and m[1][3] == 8 and m[{ 2, 3 }] == 9 and m[{ 2, 2 }] == 5)
   assert(not pcall(function() m[{ 3, 1 }] = 1 end) and not pcall(function() m[1][4] = 1 end))
end

-- every function that compiled code calls, with arguments of all kinds: the same results, and the same in its arguments
local drawn = { function() return math.random(-1, 4) end, function() return math.random(-1, 4) end,
   function() return math.random() * 4 end, function() return 'x' end, function() return nil end,
   function() return newproxy() end }
local function draw(name)
   local kind = math.random(1, 12)
   if kind <= #drawn then return drawn[kind]() end
   local x = torch.range(1, 16):type(kind == 7 and 'torch.IntTensor' or name)
   if kind <= 9 then return x:narrow(1, math.random(4), 4) end
   x = x:view(4, 4):narrow(1, 1, math.random(3) + 1)
   return kind == 12 and x:t() or x
end
local function copies(args)
   local out = {}
   for i = 1, args.n do out[i] = torch.isTensor(args[i]) and args[i]:clone() or args[i] end
   return out
end
local function all_of(f, args)
   local list = copies(args)
   local text = { outcome(f, unpack(list, 1, args.n)) }
   for i = 1, args.n do text[#text + 1] = torch.isTensor(list[i]) and tostring(list[i]) or '' end
   return table.concat(text, '|')
end
for _, short in ipairs { 'Double', 'Float', 'Long', 'Byte' } do
   local name = 'torch.' .. short .. 'Tensor'
   local mt, rows = torch.getmetatable(name), native.methods[name]
   for method, row in pairs(rows) do
      local _, least, most = native.traced.form(row)
      for _ = 1, least and 150 or 0 do
         local args = { n = math.random(least, most) }
         args[1] = torch.range(1, 16):type(name):view(4, 4)
         if math.random() < 0.5 then args[1] = args[1]:narrow(1, 2, 2) end
         for i = 2, args.n do args[i] = draw(name) end
         local a, b = all_of(mt[method], args), all_of(row, args)
         assert(a == b, method .. ':\n' .. a .. '\nbut\n' .. b)
         checked = checked + 1
      end
   end
end

-- the place of an error is the caller's line
local ok, why = pcall(function() local part = torch.Tensor(3):narrow(1, 3, 2) end)
assert(not ok and why:find('traced.lua:' .. debug.getinfo(1, 'l').currentline - 1, 1, true), why)
ok, why = pcall(function() return torch.Tensor(3, 3)[4] end)
assert(not ok and why:find('traced.lua:' .. debug.getinfo(1, 'l').currentline - 1, 1, true), why)

-- numbers of any kind, also in compiled code
local values = torch.Tensor { 0 / 0, 1 / 0, -1 / 0, 1 }
for i = 1, 500 do
   assert(values:sum() ~= values:sum() and values:narrow(1, 3, 2):max() == 1 and values:narrow(1, 2, 2):min() == -1 / 0)
end

-- results are objects of their own: none changes when the next is made, also in compiled code
local base, rows, made = torch.range(1, 2000):resize(1000, 2), {}, {}
for i = 1, 1000 do
   rows[i] = base[i]
   made[i] = torch.Tensor(i % 7 + 1):fill(i)
end
for i = 1, 1000 do
   assert(rows[i][1] == 2 * i - 1 and rows[i]:size(1) == 2)
   assert(made[i]:size(1) == i % 7 + 1 and made[i][1] == i)
end
-- what is made for compiled code stays in its trace. Where the compiler begins is chance, so there are several tries
local util = require 'jit.util'
local x, m = torch.range(1, 100), torch.range(1, 100):resize(10, 10)
local y, n = x:clone(), m:clone()
for name, body in pairs {
   get = function(i) return x[i % 100 + 1] end,
   set = function(i) x[i % 100 + 1] = i end,
   get2 = function(i) return m[{ i % 10 + 1, 3 }] end,
   set2 = function(i) m[{ i % 10 + 1, 3 }] = i end,
   row = function(i) return m[i % 10 + 1] end,
   narrow = function(i) return m:narrow(1, i % 5 + 1, 2) end,
   select = function(i) return m:select(2, i % 10 + 1) end,
   new = function(i) return torch.Tensor(i % 10 + 1) end,
   size = function() return m:size(2) end,
   sum = function() return x:sum() end,
   fill = function(i) return x:fill(i) end,
   add = function(i) return x:add(i, y):mul(0.5) end,
   copy = function(i) return y:copy(x) end,
   mm = function(i) return n:mm(m, m) end,
} do
   local looped
   for _ = 1, 20 do
      jit.flush()
      local run = loadstring 'local f, n = ... for i = 1, n do f(i) end'
      run(body, 3000)
      local links = {}
      for trace = 1, 50 do
         local info = util.traceinfo(trace)
         if info then links[info.linktype] = true end
      end
      looped = looped or links.loop and not links.interpreter
      if looped then break end
   end
   assert(looped, name .. ' leaves the compiled loop')
end

print(checked .. ' calls, all as it should be')
