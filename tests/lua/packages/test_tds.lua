-- Package tds, by its documented interface.
local tds = require 'tds'
local function refused(pattern, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(pattern), tostring(why))
end

-- Hash
local h = tds.Hash { a = 1, list = { 1, 2, { x = 'y' } }, [3.5] = 'half' }
assert(#h == 3 and h.a == 1 and h[3.5] == 'half' and h.nothing == nil and torch.type(h) == 'tds.Hash')
assert(torch.type(h.list) == 'tds.Vec' and #h.list == 3 and h.list[3].x == 'y')
h.t = torch.range(1, 4)
h.s = torch.FloatStorage { 5, 6 }
h.b = true
h.t:add(1)
assert(h.t:sum() == 14 and h.s[2] == 6 and h.b == true)
h.a = nil
assert(h.a == nil and #h == 5)
local seen = {}
for k, v in pairs(h) do seen[k] = v end
assert(seen[3.5] == 'half' and seen.t:sum() == 14 and seen.a == nil)
h.list[1] = 'one'
assert(h.list[1] == 'one', 'nested objects are the same objects')
refused('tds.Hash', function() h[{}] = 1 end)
refused('expected a number or a string as key', function() h[true] = 1 end)
refused('nan', function() h[0 / 0] = 1 end)
assert(h[0 / 0] == nil)
refused('invalid arguments', function() h.f = print end)
local big = tds.hash()
for i = 1, 1000 do big[i] = 'word ' .. i end
for i = 1, 1000, 2 do big[i] = nil end
assert(#big == 500 and big[2] == 'word 2' and big[3] == nil)

-- Vec
local v = tds.Vec(4, 5, nil, 'hello', nil)
assert(#v == 5 and v[1] == 4 and v[3] == nil and v[4] == 'hello' and v[9] == nil)
v[7] = 7
v:insert('end')
v:insert(1, 'first')
assert(#v == 9 and v[1] == 'first' and v[9] == 'end' and v[8] == 7)
v:remove(1)
v:remove()
assert(#v == 7 and v[1] == 4)
v:resize(2)
assert(#v == 2 and v:concat ',' == '4,5' and tds.Vec { 1, 2, 3 }:concat('-', 2, 3) == '2-3')
assert(tds.Vec { 'a', 'b' }:concatstorage():string() == 'ab')
v = tds.Vec { 3, 1, 2 }
v:sort()
assert(v:concat() == '123')
v:sort(function(a, b) return a > b end)
assert(v:concat() == '321')
local n = 0
for i, x in ipairs(v) do n = n + i * x end
for i, x in pairs(v) do n = n + i * x end
assert(n == 20)
refused('positive', function() v[0] = 1 end)
refused('is no list', tds.Vec, { a = 1 })
refused('expected a positive number', function() v.name = 1 end)

-- counters
local c = tds.AtomicCounter()
assert(c:get() == 0 and c:inc() == 0 and c:inc() == 1 and c:get() == 2)
c:set(100)
c:inc(5)
assert(tostring(c) == '105' and tds.AtomicCounter(7):get() == 7)

-- printing and files
assert(tostring(tds.Vec(1, 'x')) == 'tds.Vec[2]{\n    1 : 1\n    2 : x\n}')
for _, mode in ipairs { 'binary', 'ascii' } do
   local back = torch.deserialize(torch.serialize({ h, h, v, c }, mode), mode)
   assert(back[1].list[3].x == 'y' and back[1].t:sum() == 14 and back[3]:concat() == '321' and back[4]:get() == 105)
   assert(rawequal(back[1], back[2]) or back[1] == back[2])
end
-- the layout of files from Torch7: how many as a long, then the members
local bytes = '\4\0\0\0\1\0\0\0\3\0\0\0V 1\7\0\0\0tds.Vec\2\0\0\0\0\0\0\0' ..
   '\5\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0z'
local old = torch.deserialize(bytes)
assert(torch.type(old) == 'tds.Vec' and #old == 2 and old[1] == true and old[2] == 'z')
assert(torch.serialize(tds.Vec(true, 'z')) == bytes)
print('all as it should be')
