-- Compiled functions: honest ones pass the check and run, damaged ones are refused or harmless. With an argument, the
-- number of damaged copies that are also run.
local native = require 'rekindle.native'
local ffi = require 'ffi'

-- functions of every kind of statement, beside those of the embedded files
local source = [==[
local a, b, c = ...
local up, other = 1, {}
local function recursive(n) if n > 1 then return n * recursive(n - 1) end return 1 end
local function many(...)
   local first, second = ...
   local t = { ..., first }
   local u = { first, second, ... }
   local n = select('#', ...)
   return n, t[1], #u, ...
end
local function loops(n)
   local out, fs = {}, {}
   for i = 1, n do
      local j = i * 2
      fs[#fs + 1] = function() j = j + 1 return j, i end
      if i == 3 then goto skip end
      out[#out + 1] = j
      ::skip::
   end
   for i = n, 1, -0.5 do out[#out + 1] = i if i < 2 then break end end
   for k, v in pairs({ x = 1, y = 2, 3, 4 }) do
      for k2, v2 in next, { k, v } do out[#out + 1] = tostring(k2) .. tostring(v2) .. k end
   end
   for word in ('one two three'):gmatch('%w+') do
      local w = word
      fs[#fs + 1] = function() return w end
      if #w > 4 then break end
   end
   local i = 0
   while true do i = i + 1 if i > 5 then break end end
   repeat local k = i; local g = function() return k end; i = i - g() / 2 until i < 1 and k > 0
   return out, fs
end
local function closures()
   local x, y = 0, 'text'
   local function set(v) x = v up = v other[v] = up; y = nil end
   local function get() return x, y, function() return x + up end end
   return set, get
end
local t = { 1, 2, nil, 'four', key = true, ['a b'] = false, nested = { 0.5, -1, 1e300 }, [2.5] = 7 }
t.key, t[1], t[b or 1], t['long' .. 300] = not t.key, -t[1], #t, nil
local values = a and b or c or 1 == 2 or 'x' < 'y' and 3 >= 2.5 and t ~= nil
local bits = bit and bit.band(7, 2)
local i64, u64, complex = 5LL, 7ULL, 3i
up = up .. 'a' .. 1 .. 'b' .. tostring(values)
t.method = function(self, v) self.v = v % 3 ^ 2 return self end
t:method(4):method(many(1, 2, many()))
return recursive(5), loops(4), closures, select('#', many(1, 2, 3)), (many(1)), up, pcall(many, unpack(t))
]==]

local honest, dumps = 0, {}
local function try(f)
   local info = debug.getinfo(f, 'S')
   if info.what == 'C' or native.own_functions[f] then return end
   for _, strip in ipairs { false, true } do
      local ok, code = pcall(string.dump, f, strip)
      if ok then
         local why = native.functions.state.checkBytecode(code)
         if why then error(string.format('%s:%d is refused: %s', info.short_src, info.linedefined, why)) end
         honest = honest + 1
         if #code < 4000 then dumps[#dumps + 1] = code end
         assert(loadstring(code))
      end
   end
end

local main = assert(loadstring(source))
try(main)
local again = loadstring(string.dump(main))
assert(again(1, 2) == 120 and select('#', again()) == select('#', main()))
local embedded = native.functions.embedded
local names = embedded.names()
assert(#names > 50)
for _, name in ipairs(names) do try(embedded.chunk(name)) end
-- every function that Lua knows, before and after traces were made of it
require 'nn' require 'optim' require 'image'
local x = nn.Linear(3, 2)
for _ = 1, 300 do x:forward(torch.ones(3)) torch.ones(2)[1] = 3 end
local seen = {}
local function walk(v)
   if seen[v] then return end
   seen[v] = true
   if type(v) == 'function' then
      try(v)
      for i = 1, 60 do
         local name, u = debug.getupvalue(v, i)
         if not name then break end
         if type(u) == 'function' or type(u) == 'table' then walk(u) end
      end
   elseif type(v) == 'table' then
      for k, w in next, v do
         if type(w) == 'function' or type(w) == 'table' then walk(w) end
      end
   end
end
walk(_G) walk(package.loaded)
for _, name in ipairs(arg) do if not tonumber(name) then try(assert(loadfile(name))) end end

-- plain text, and what is no function
assert(native.functions.state.checkBytecode('return 1') == nil and native.functions.state.checkBytecode('') == nil)
for _, text in ipairs { '\27', '\27LJ', '\27LJ\2', '\27Lua', string.dump(main):sub(1, -2), string.dump(main) .. '\0' } do
   assert(not loadstring(text), 'it is loaded')
end

-- every way to load code refuses a damaged function
local function f(n) for i = 1, n do n = n + i end return n end
local bad
do
   local code = string.dump(f, true)
   for at = 1, #code do
      local try = code:sub(1, at - 1) .. '\255' .. code:sub(at + 1)
      if native.functions.state.checkBytecode(try) then bad = try end
   end
end
local function refused(ok, why, more)
   if ok == true then ok, why = why, more end
   assert(not ok and tostring(why):find('damaged'), tostring(why))
end
local path = os.tmpname()
local file = io.open(path, 'wb') file:write(bad) file:close()
refused(loadstring(bad))
refused(load(bad, 'name', 'b'))
local at = 0
refused(load(function() at = at + 1 return at <= #bad and bad:sub(at, at) or nil end))
refused(loadfile(path))
refused(pcall(dofile, path))
package.path = path:match('^(.*/)') .. '?;' .. package.path
local ok, why = pcall(require, path:match('([^/]*)$'))
assert(not ok and why:find('damaged'), why)
os.remove(path)
assert(load(string.dump(f))(4) == 14 and load(function() end)() == nil)

-- random damage: no crash, no great memory; some copies are run too, with little to do harm with
local seed = tonumber(arg[1]) or 1
local run = tonumber(arg[2]) or 0
local rounds = tonumber(arg[3]) or 20000
math.randomseed(seed)
local hits, refusals, ran = 0, 0, 0
local function nothing() end
local harmless = { pairs = pairs, next = next, select = select, tostring = tostring, type = type, unpack = nothing,
   pcall = pcall, bit = bit, string = { rep = nothing } }
for n = 1, rounds do
   local code = dumps[math.random(#dumps)]
   for _ = 1, math.random(3) do
      local p = math.random(5, #code)
      local new = math.random(4) == 1 and '\255' or math.random(3) == 1 and '\0' or string.char(math.random(0, 255))
      code = code:sub(1, p - 1) .. new .. code:sub(p + 1)
   end
   local before = collectgarbage('count')
   local g = loadstring(code)
   local grown = collectgarbage('count') - before
   -- the table of all strings grows at times
   assert(run > 0 or grown < 4096, grown .. ' KB for a function of ' .. #code .. ' bytes')
   if not g then
      refusals = refusals + 1
   else
      hits = hits + 1
      if run > 0 then
         setfenv(g, setmetatable({}, { __index = harmless }))
         jit.off(g, true)
         local steps = 0
         local co = coroutine.create(g)
         debug.sethook(co, function()
            steps = steps + 1
            if steps > 20 or collectgarbage('count') > 400000 then error('enough', 0) end
         end, '', 100)
         coroutine.resume(co, {}, 3, 'x')
         debug.sethook()
         ran = ran + 1
         if ran % 50 == 0 then collectgarbage() end
      end
   end
end
collectgarbage()
print(string.format('%d honest functions; %d damaged copies refused, %d loaded, %d run', honest, refusals, hits, ran))
