-- Package tds: lists, pairs and counters outside of Lua's memory, which threads share.
local native = require 'rekindle.native'
local functions = native.functions
local torch = torch
local tds = {}

-- the class of objects that Rust holds, with their methods
local function class(name, create, parts)
   local mt = native.metatables['tds.' .. name]
   for k, f in pairs(parts) do mt[k] = f end
   mt.__native, mt.new = true, create
   torch._register(mt, 'tds.' .. name, nil, function(_, ...) return create(...) end, function() return create() end, tds)
   mt.__eq = function(a, b) return torch.typename(a) == torch.typename(b) and mt.id(a) == mt.id(b) end
   return mt
end

-- ---- tables in ----

local converted

-- whether a table is a list
local function is_list(t)
   for k in pairs(t) do
      if type(k) ~= 'number' then return false end
   end
   return next(t) ~= nil
end

local function fill_hash(h, t)
   if type(t) ~= 'table' then error('tds.Hash: a table expected, got ' .. require('nn.expect').brief(t)) end
   for k, v in pairs(t) do h[k] = converted(v) end
   return h
end
local function fill_vec(v, t)
   local most = 0
   for k in pairs(t) do
      if type(k) ~= 'number' then error('tds.Vec: a table with the key ' .. tostring(k) .. ' is no list', 3) end
      most = math.max(most, k)
   end
   for i = 1, most do v[i] = converted(t[i]) end
   return v
end

function converted(value)
   if type(value) ~= 'table' or torch.typename(value) then return value end
   if is_list(value) then return fill_vec(functions.tds.Vec(), value) end
   return fill_hash(functions.tds.Hash(), value)
end

-- ---- printing ----

local function indented(value, by)
   local text = tostring(value)
   return (text:gsub('\n', '\n' .. (' '):rep(by)))
end
local function described(name, object, pairs_of)
   local keys, values, width = {}, {}, 0
   for k, v in pairs_of(object) do
      local key = tostring(k)
      keys[#keys + 1] = key
      values[#keys] = v == nil and 'nil' or v
      width = math.max(width, #key)
   end
   local lines = { ('tds.%s[%d]{'):format(name, #object) }
   for i, key in ipairs(keys) do
      lines[#lines + 1] = (' '):rep(4) .. key .. (' '):rep(width - #key) .. ' : ' .. indented(values[i], width + 7)
   end
   lines[#lines + 1] = '}'
   return table.concat(lines, '\n')
end

-- ---- files: how many, then the members ----

local function count_of(file, name)
   local n = file:readLong()
   if n < 0 then error('readObject: a tds.' .. name .. ' of ' .. n .. ' members: the file is damaged or of another mode', 0) end
   return n
end

-- ---- tds.Hash ----

local rows = functions['tds.Hash']
local hash_get, hash_set, hash_len, following = rows.get, rows.set, rows.len, rows.following

local function hash_pairs(h)
   local at = 0
   return function()
      local found = following(h, at)
      if not found then return nil end
      at = found[1]
      return found[2], found[3]
   end
end

local Hash = class('Hash', function(t)
   local h = functions.tds.Hash()
   if t ~= nil then fill_hash(h, t) end
   return h
end, {
   id = rows.id,
   __len = function(h) return hash_len(h) end,
   __pairs = hash_pairs,
   pairs = hash_pairs,
   __tostring = function(h) return described('Hash', h, hash_pairs) end,
})
-- keys are the program's own, so methods are none of them
function Hash.__index(h, key)
   local value = hash_get(h, key)
   if value == nil and type(key) == 'string' then
      if key == 'id' or key:find '^__' then return rawget(Hash, key) end
   end
   return value
end
function Hash.__newindex(h, key, value) hash_set(h, key, converted(value)) end
function Hash.__write(h, file)
   file:writeLong(#h)
   for k, v in hash_pairs(h) do
      file:writeObject(k)
      file:writeObject(v)
   end
end
function Hash.__read(h, file)
   for _ = 1, count_of(file, 'Hash') do
      local k = file:readObject()
      h[k] = file:readObject()
   end
end

-- ---- tds.Vec ----

local vec = functions['tds.Vec']
local vec_get, vec_set, vec_len = vec.get, vec.set, vec.len

local function vec_next(v, i)
   i = i + 1
   if i <= vec_len(v) then return i, vec_get(v, i) end
end
local function vec_pairs(v) return vec_next, v, 0 end

local Vec = class('Vec', function(...)
   local v = functions.tds.Vec()
   local n, first = select('#', ...), (...)
   if n == 1 and type(first) == 'table' and not torch.typename(first) then return fill_vec(v, first) end
   for i = 1, n do vec_set(v, i, converted((select(i, ...)))) end
   if n > 0 then vec.resize(v, n) end
   return v
end, {
   id = vec.id,
   resize = vec.resize,
   __len = function(v) return vec_len(v) end,
   __pairs = vec_pairs,
   __ipairs = vec_pairs,
   pairs = vec_pairs,
   ipairs = vec_pairs,
   __tostring = function(v) return described('Vec', v, vec_pairs) end,
})
function Vec.__index(v, key)
   if type(key) == 'number' then return vec_get(v, key) end
   return rawget(Vec, key)
end
function Vec.__newindex(v, key, value)
   if type(key) ~= 'number' then error('tds.Vec: expected a positive number as index, got ' .. tostring(key), 2) end
   vec_set(v, key, converted(value))
end
function Vec.insert(v, ...)
   local index, value = ...
   if select('#', ...) == 1 then index, value = vec_len(v) + 1, index end
   vec.insert(v, index, converted(value))
end
function Vec.remove(v, index) vec.remove(v, index or vec_len(v)) end
function Vec.sort(v, compare)
   local list = {}
   for i = 1, vec_len(v) do list[i] = vec_get(v, i) end
   if compare ~= nil and type(compare) ~= 'function' then
      error('tds.Vec:sort: a function that compares expected, got ' .. require('nn.expect').brief(compare))
   end
   local fine, why = pcall(table.sort, list, compare)
   if not fine then error(compare and why or 'tds.Vec:sort: these members have no order; give a function that compares', compare and 0 or 1) end
   for i, value in ipairs(list) do vec_set(v, i, value) end
end
function Vec.concat(v, separator, i, j)
   local parts = {}
   for k = i or 1, j or vec_len(v) do parts[#parts + 1] = tostring(vec_get(v, k)) end
   return table.concat(parts, separator or '')
end
function Vec.concatstorage(v, separator, i, j)
   return torch.CharStorage():string(Vec.concat(v, separator, i, j))
end
function Vec.__write(v, file)
   file:writeLong(vec_len(v))
   for i = 1, vec_len(v) do file:writeObject(vec_get(v, i)) end
end
function Vec.__read(v, file)
   local n = count_of(file, 'Vec')
   for i = 1, n do vec_set(v, i, file:readObject()) end
   vec.resize(v, n)
end

-- ---- tds.AtomicCounter ----

local counter = functions['tds.AtomicCounter']
local Counter = class('AtomicCounter', function(value)
   local c = functions.tds.AtomicCounter()
   if value ~= nil then counter.set(c, value) end
   return c
end, {
   id = counter.id,
   get = counter.get,
   set = counter.set,
   __tostring = function(c) return tostring(counter.get(c)) end,
})
Counter.__index = Counter
-- what it was before
function Counter.inc(c, by) return counter.add(c, by or 1) end
function Counter.dec(c, by) return counter.add(c, -(by or 1)) end
function Counter.__write(c, file) file:writeLong(counter.get(c)) end
function Counter.__read(c, file) counter.set(c, file:readLong()) end

local takes = require 'rekindle.takes'
takes(Vec, 'tds.Vec:', { concat = 'separator:text? i:number? j:number?', concatstorage = 'separator:text? i:number? j:number?' })
takes(Counter, 'tds.AtomicCounter:', { inc = 'by:number?', dec = 'by:number?' })

tds.hash, tds.vec, tds.counter = tds.Hash, tds.Vec, tds.AtomicCounter
-- for Lua without metamethods of pairs
function tds.pairs(object) return torch.typename(object) == 'tds.Hash' and hash_pairs(object) or vec_pairs(object) end

return tds
