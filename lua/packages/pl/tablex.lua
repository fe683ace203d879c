-- Penlight: functions over lists and tables.
local utils = require 'pl.utils'
local types = require 'pl.types'
local function_arg = utils.function_arg
local tablex = {}
local floor, min, max = math.floor, math.min, math.max

local function complain(position, wanted) error(('argument %d is not %s'):format(position, wanted), 3) end
local function indexable(position, value)
   if not types.is_indexable(value) then complain(position, 'indexable') end
end
local function iterable(position, value)
   if not types.is_iterable(value) then complain(position, 'iterable') end
end
local function writeable(position, value)
   if not types.is_writeable(value) then complain(position, 'writeable') end
end

-- a result with the class of the source, or of its name
local function as(source, result, otherwise)
   local mt = getmetatable(source)
   return setmetatable(result, type(mt) == 'table' and mt or otherwise and require('pl.' .. otherwise) or nil)
end

-- ---- copies ----

function tablex.update(into, from)
   writeable(1, into)
   iterable(2, from)
   for k, v in pairs(from) do into[k] = v end
   return into
end

function tablex.size(t)
   iterable(1, t)
   local n = 0
   for _ in pairs(t) do n = n + 1 end
   return n
end

function tablex.copy(t)
   iterable(1, t)
   local copy = {}
   for k, v in pairs(t) do copy[k] = v end
   return copy
end

local function deep(value, known)
   if type(value) ~= 'table' then return value end
   if known[value] then return known[value] end
   local copy = {}
   known[value] = copy
   for k, v in pairs(value) do copy[deep(k, known)] = deep(v, known) end
   return setmetatable(copy, getmetatable(value))
end
function tablex.deepcopy(t) return deep(t, {}) end

local function place(i, n, otherwise) return i == nil and otherwise or i < 0 and n + i + 1 or i end

-- elements of one list over those of another, from a place there; `icopy` ends the other behind them
local function transfer(into, from, at, first, count)
   at, first = at or 1, first or 1
   count = count or #from - first + 1
   if into == from and at > first then
      for i = count - 1, 0, -1 do into[at + i] = from[first + i] end
   else
      for i = 0, count - 1 do into[at + i] = from[first + i] end
   end
   return at + count - 1
end
function tablex.icopy(into, from, at, first, count)
   indexable(1, into)
   indexable(2, from)
   local n = #into
   for i = n, transfer(into, from, at, first, count) + 1, -1 do into[i] = nil end
   return into
end
function tablex.move(into, from, at, first, count)
   indexable(1, into)
   indexable(2, from)
   transfer(into, from, at, first, count)
   return into
end

function tablex.sub(t, first, last)
   indexable(1, t)
   local n, part = #t, {}
   for i = place(first, n, 1), min(place(last, n, n), n) do part[#part + 1] = t[i] end
   return as(t, part, 'List')
end

function tablex.insertvalues(t, at, from)
   indexable(1, t)
   if from == nil then at, from = #t + 1, at end
   local n = #from
   for i = #t, at, -1 do t[i + n] = t[i] end
   for i = 1, n do t[at + i - 1] = from[i] end
   return t
end

function tablex.removevalues(t, first, last)
   indexable(1, t)
   local n = #t
   last = last or n
   for i = first, n do t[i] = t[i + last - first + 1] end
   for i = n, max(n - (last - first), first), -1 do t[i] = nil end
   return t
end

function tablex.clear(t, first)
   for i = first or 1, #t do t[i] = nil end
   return t
end

function tablex.set(t, value, first, last)
   writeable(1, t)
   if last == nil then indexable(1, t) end
   first, last = first or 1, last or #t
   local make = types.is_callable(value)
   for i = first, last do
      if make then t[i] = value(i) else t[i] = value end
   end
end
function tablex.new(n, value)
   local t = {}
   tablex.set(t, value, 1, n)
   return as(nil, t, 'List')
end

-- ---- comparisons ----

local function same_content(a, b, ignore_metatables, epsilon, open)
   if type(a) ~= type(b) then return false end
   if type(a) ~= 'table' then
      if epsilon and type(a) == 'number' then return math.abs(a - b) < epsilon end
      return a == b
   end
   local mt = getmetatable(a)
   if not ignore_metatables and mt and mt.__eq then return a == b end
   -- tables inside themselves are the same where they are met together again
   if rawequal(a, b) or open[a] == b then return true end
   open[a] = b
   for k in pairs(a) do
      if b[k] == nil then return false end
   end
   for k, v in pairs(b) do
      if a[k] == nil or not same_content(a[k], v, ignore_metatables, epsilon, open) then return false end
   end
   return true
end
function tablex.deepcompare(a, b, ignore_metatables, epsilon)
   return same_content(a, b, ignore_metatables, epsilon, {})
end

function tablex.compare(a, b, same)
   indexable(1, a)
   indexable(2, b)
   if #a ~= #b then return false end
   same = function_arg(3, same)
   for i = 1, #a do
      if not same(a[i], b[i]) then return false end
   end
   return true
end

function tablex.compare_no_order(a, b, same)
   indexable(1, a)
   indexable(2, b)
   if #a ~= #b then return false end
   same = same and function_arg(3, same)
   local used = {}
   for i = 1, #a do
      local found
      for j = 1, #b do
         if not used[j] and (same and same(a[i], b[j]) or not same and a[i] == b[j]) then
            found = j
            break
         end
      end
      if not found then return false end
      used[found] = true
   end
   return true
end

-- ---- finding ----

function tablex.find(t, value, first)
   indexable(1, t)
   for i = place(first, #t, 1), #t do
      if t[i] == value then return i end
   end
end
function tablex.rfind(t, value, last)
   indexable(1, t)
   for i = place(last, #t, #t), 1, -1 do
      if t[i] == value then return i end
   end
end
function tablex.find_if(t, fits, argument)
   iterable(1, t)
   fits = function_arg(2, fits)
   for k, v in pairs(t) do
      local found = fits(v, argument)
      if found then return k, found end
   end
end

local function search(t, value, exclude, path)
   if exclude[t] then return nil end
   exclude[t] = true
   for k, v in pairs(t) do
      local here = path and path .. '.' .. tostring(k) or tostring(k)
      if v == value then return here end
      if type(v) == 'table' then
         local found = search(v, value, exclude, here)
         if found then return found end
      end
   end
end
-- the names on the way to a value in nested tables, with dots
function tablex.search(t, value, exclude)
   iterable(1, t)
   local passed = { [_G.package.loaded] = true }
   for _, e in ipairs(exclude or {}) do passed[e] = true end
   return search(t, value, passed)
end

function tablex.index_by(t, keys)
   indexable(1, t)
   indexable(2, keys)
   local values = {}
   for i = 1, #keys do values[i] = t[keys[i]] end
   return as(t, values, 'List')
end

function tablex.index_map(t)
   indexable(1, t)
   local places = {}
   for i = 1, #t do
      local v = t[i]
      local known = places[v]
      if known == nil then places[v] = i
      elseif type(known) == 'table' then known[#known + 1] = i
      else places[v] = { known, i } end
   end
   return setmetatable(places, require 'pl.Map')
end
function tablex.makeset(t)
   indexable(1, t)
   local set = {}
   for i = 1, #t do set[t[i]] = true end
   return setmetatable(set, require 'pl.Set')
end
function tablex.count_map(t, same)
   indexable(1, t)
   same = same and function_arg(2, same)
   local counts = {}
   for i = 1, #t do
      local v = t[i]
      local key = v
      if same then
         for known in pairs(counts) do
            if same(known, v) then key = known break end
         end
      end
      counts[key] = (counts[key] or 0) + 1
   end
   return setmetatable(counts, require 'pl.Map')
end

-- ---- functions of elements ----

function tablex.keys(t)
   iterable(1, t)
   local keys = {}
   for k in pairs(t) do keys[#keys + 1] = k end
   return setmetatable(keys, require 'pl.List')
end
function tablex.values(t)
   iterable(1, t)
   local values = {}
   for _, v in pairs(t) do values[#values + 1] = v end
   return setmetatable(values, require 'pl.List')
end

function tablex.map(f, t, ...)
   iterable(1, t)
   f = function_arg(1, f)
   local result = {}
   for k, v in pairs(t) do result[k] = f(v, ...) end
   return as(t, result)
end
function tablex.imap(f, t, ...)
   indexable(1, t)
   f = function_arg(1, f)
   local result = {}
   for i = 1, #t do
      local v = f(t[i], ...)
      if v == nil then v = false end
      result[i] = v
   end
   return as(t, result, 'List')
end
function tablex.map_named_method(name, t, ...)
   utils.assert_string(1, name)
   indexable(2, t)
   local result = {}
   for i = 1, #t do
      local object = t[i]
      result[i] = object[name](object, ...)
   end
   return as(t, result, 'List')
end
function tablex.transform(f, t, ...)
   iterable(1, t)
   f = function_arg(1, f)
   for k, v in pairs(t) do t[k] = f(v, ...) end
end
function tablex.map2(f, a, b, ...)
   iterable(1, a)
   iterable(2, b)
   f = function_arg(1, f)
   local result = {}
   for k, v in pairs(a) do
      if b[k] ~= nil then result[k] = f(v, b[k], ...) end
   end
   return as(a, result, 'List')
end
function tablex.imap2(f, a, b, ...)
   indexable(2, a)
   indexable(3, b)
   f = function_arg(1, f)
   local result = {}
   for i = 1, min(#a, #b) do result[i] = f(a[i], b[i], ...) end
   return result
end
function tablex.mapn(f, ...)
   f = function_arg(1, f)
   local lists, given = { ... }, select('#', ...)
   local n = given > 0 and math.huge or 0
   for i = 1, given do
      indexable(i + 1, lists[i])
      n = min(n, #lists[i])
   end
   local result = {}
   for i = 1, n do
      local arguments = {}
      for k, l in ipairs(lists) do arguments[k] = l[i] end
      result[i] = f(unpack(arguments, 1, #lists))
   end
   return result
end
-- f(key, value) gives a value, and perhaps the key that it gets
function tablex.pairmap(f, t, ...)
   iterable(1, t)
   f = function_arg(1, f)
   local result = {}
   for k, v in pairs(t) do
      local value, key = f(k, v, ...)
      if key == nil then
         result[#result + 1] = value
      elseif result[key] ~= nil then
         local known = result[key]
         if type(known) ~= 'table' then result[key] = { known, value } else known[#known + 1] = value end
      else
         result[key] = value
      end
   end
   return result
end
function tablex.filter(t, fits, argument)
   indexable(1, t)
   fits = function_arg(2, fits)
   local kept = {}
   for i = 1, #t do
      if fits(t[i], argument) then kept[#kept + 1] = t[i] end
   end
   return as(t, kept, 'List')
end
function tablex.foreach(t, f, ...)
   iterable(1, t)
   f = function_arg(2, f)
   for k, v in pairs(t) do f(v, k, ...) end
end
function tablex.foreachi(t, f, ...)
   indexable(1, t)
   f = function_arg(2, f)
   for i = 1, #t do f(t[i], i, ...) end
end
function tablex.reduce(f, t, start)
   indexable(2, t)
   f = function_arg(1, f)
   local n = #t
   if n == 0 then return start end
   local result, from = start, 1
   if start == nil then result, from = t[1], 2 end
   for i = from, n do result = f(result, t[i]) end
   return result
end

function tablex.range(first, last, step)
   if first == last then return { first } end
   step = step or 1
   if step == 0 or first < last and step < 0 or first > last and step > 0 then return {} end
   local result, n = {}, floor((last - first) / step + 1e-9)
   for i = 0, n do result[i + 1] = first + i * step end
   return result
end
function tablex.zip(...) return tablex.mapn(function(...) return { ... } end, ...) end

-- ---- tables as sets ----

function tablex.merge(a, b, all)
   iterable(1, a)
   iterable(2, b)
   local result = {}
   for k, v in pairs(a) do
      if all or b[k] then result[k] = v end
   end
   if all then
      for k, v in pairs(b) do result[k] = v end
   end
   return as(a, result, 'Map')
end
function tablex.union(a, b) return tablex.merge(a, b, true) end
function tablex.intersection(a, b) return tablex.merge(a, b, false) end
function tablex.difference(a, b, symmetric)
   iterable(1, a)
   iterable(2, b)
   local result = {}
   for k, v in pairs(a) do
      if b[k] == nil then result[k] = v end
   end
   if symmetric then
      for k, v in pairs(b) do
         if a[k] == nil then result[k] = v end
      end
   end
   return as(a, result, 'Map')
end

-- ---- order ----

local function ordered(t, compare)
   local keys, i = {}, 0
   for k in pairs(t) do keys[#keys + 1] = k end
   table.sort(keys, compare)
   return function()
      i = i + 1
      return keys[i], t[keys[i]]
   end
end
function tablex.sort(t, compare)
   compare = compare and function_arg(2, compare)
   return ordered(t, compare)
end
function tablex.sortv(t, compare)
   compare = function_arg(2, compare or '<')
   return ordered(t, function(x, y) return compare(t[x], t[y]) end)
end

-- a view of a table that refuses to be changed
function tablex.readonly(t)
   return setmetatable({}, {
      __index = t,
      __newindex = function() error('Attempt to modify read-only table', 2) end,
      __metatable = false,
      __len = function() return #t end,
      __pairs = function() return pairs(t) end,
      __ipairs = function() return ipairs(t) end,
   })
end

require 'rekindle.takes'(tablex, 'tablex.', {
   insertvalues = 't:any at:number|list from:list?', removevalues = 't:any first:number last:number?', new = 'n:number',
   set = 't:any value:any first:number? last:number?', range = 'first:number last:number step:number?', sort = 't:list',
   sortv = 't:list', clear = 't:list first:number?', rfind = 't:any value:any last:number?', sub = 't:any first:number? last:number?',
})

return tablex
