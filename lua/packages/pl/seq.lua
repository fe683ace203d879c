-- Penlight: sequences, which are iterators; what takes one takes a list too.
local utils = require 'pl.utils'
local function_arg = utils.function_arg
local seq = {}

local SMT

-- an iterator with methods
local function wrapped(iterator) return setmetatable({ iter = iterator }, SMT) end
-- the iterator behind a list, an iterator, an object with methods, or a generic for's three values
local function default(source)
   if source == nil then error 'iterator is nil' end
   if type(source) == 'table' then
      if getmetatable(source) == SMT then return source.iter end
      if getmetatable(source) and getmetatable(source).__call then return source end
      return seq.list(source)
   end
   if type(source) ~= 'function' and not require('pl.types').is_callable(source) then
      error('seq: a list or an iterator expected, got ' .. require('nn.expect').brief(source))
   end
   return source
end

function seq.greater_than(x) return function(v) return tonumber(v) > x end end
function seq.less_than(x) return function(v) return tonumber(v) < x end end
function seq.equal_to(x)
   if type(x) == 'number' then return function(v) return tonumber(v) == x end end
   return function(v) return v == x end
end
function seq.matching(pattern) return function(v) return tostring(v):find(pattern) ~= nil end end

function seq.list(t)
   if not require('pl.types').is_callable(t) then
      if not t then return function() end end
      local i = 0
      return function()
         i = i + 1
         return t[i]
      end
   end
   return t
end
function seq.keys(t)
   local key
   return function()
      key = next(t, key)
      return key
   end
end
function seq.iter(source) return default(source) end
function seq.range(first, last)
   if type(first) ~= 'number' then error('argument 1 expected a \'number\'', 2) end
   local i = first - 1
   return function()
      i = i + 1
      if i <= last then return i end
   end
end

function seq.sum(source, f)
   local sum, n = 0, 0
   f = f and function_arg(1, f)
   for v in default(source) do
      local value = f and f(v) or v
      if not tonumber(value) and type(value) ~= 'table' and type(value) ~= 'userdata' then
         error('seq.sum: numbers expected, got ' .. require('nn.expect').brief(value))
      end
      sum = sum + value
      n = n + 1
   end
   return sum, n
end
function seq.minmax(source)
   local least, most = math.huge, -math.huge
   for v in default(source) do
      if type(v) ~= 'number' then error('seq.minmax: numbers expected, got ' .. require('nn.expect').brief(v)) end
      least, most = math.min(least, v), math.max(most, v)
   end
   return least, most
end
function seq.copy(source)
   local all, n = {}, 0
   for v in default(source) do
      n = n + 1
      all[n] = v
   end
   return setmetatable(all, require 'pl.List')
end
-- pairs; `iterator, state, first` as in a generic for
function seq.copy2(source, state, first)
   local all = {}
   for a, b in default(source), state, first do all[#all + 1] = { a, b } end
   return all
end
function seq.copy_tuples(source)
   source = default(source)
   local all = {}
   while true do
      local row = { source() }
      if #row == 0 then return all end
      all[#all + 1] = row
   end
end

-- numbers: n of them, whole from 1 to l, or from l to u
function seq.random(n, l, u)
   return function()
      if n == 0 then return nil end
      n = n - 1
      if u then return math.random(l, u) end
      if l then return math.random(l) end
      return math.random()
   end
end

function seq.sort(source, compare)
   local all = seq.copy(source)
   table.sort(all, compare and function_arg(2, compare) or utils.order 'seq.sort')
   return seq.list(setmetatable(all, nil))
end
function seq.zip(a, b)
   a, b = default(a), default(b)
   return function() return a(), b() end
end
function seq.count_map(source)
   local counts = {}
   for v in default(source) do counts[v] = (counts[v] or 0) + 1 end
   return setmetatable(counts, require 'pl.Map')
end
function seq.count(source, fits, argument)
   local n = 0
   fits = function_arg(1, fits or function() return true end)
   for v in default(source) do
      if fits(v, argument) then n = n + 1 end
   end
   return n
end
-- `counts` true: an iterator of values and how often they came; false: of the values, in their order
function seq.unique(source, counts)
   local known, order = {}, {}
   for v in default(source) do
      if not known[v] then
         known[v] = 0
         order[#order + 1] = v
      end
      known[v] = known[v] + 1
   end
   if counts then return pairs(known) end
   return seq.list(order)
end
function seq.printall(source, separator, per_line, format)
   separator = separator or ' '
   per_line = per_line or 7
   local text = format and (type(format) == 'string' and function(v) return format:format(v) end or function_arg(4, format))
      or tostring
   local n = 0
   for v in default(source) do
      n = n + 1
      io.write(text(v), n % per_line == 0 and '\n' or separator)
   end
   io.write '\n'
end
function seq.splice(a, b)
   a, b = default(a), default(b)
   local first = true
   return function()
      if first then
         local v = a()
         if v ~= nil then return v end
         first = false
      end
      return b()
   end
end
function seq.map(f, source, argument)
   f, source = function_arg(1, f), default(source)
   return function()
      local v, more = source()
      if v == nil then return nil end
      if more ~= nil and argument == nil then return f(v, more) end
      return f(v, argument, more)
   end
end
function seq.filter(source, fits, argument)
   fits, source = function_arg(2, fits), default(source)
   return function()
      while true do
         local a, b = source()
         if a == nil then return nil end
         if fits(a, argument) then return a, b end
      end
   end
end
function seq.reduce(f, source, start)
   f, source = function_arg(1, f), default(source)
   local result = start
   if result == nil then result = source() end
   if result == nil then return nil end
   for v in source do result = f(result, v) end
   return result
end
function seq.take(source, n)
   source = default(source)
   return function()
      n = n - 1
      if n >= 0 then return source() end
   end
end
function seq.skip(source, n)
   source = default(source)
   for _ = 1, n do
      if source() == nil then return function() end end
   end
   return source
end
-- the values with their places in front
function seq.enum(source)
   source = default(source)
   local i = 0
   return function()
      local v, more = source()
      if v == nil then return nil end
      i = i + 1
      return i, v, more
   end
end
function seq.mapmethod(source, name, a, b)
   source = default(source)
   return function()
      local v = source()
      if v == nil then return nil end
      return v[name](v, a, b)
   end
end
-- values with those before them
function seq.last(source)
   source = default(source)
   local before = source()
   if before == nil then return function() end end
   return function()
      local v = source()
      if v == nil then return nil end
      local last = before
      before = v
      return v, last
   end
end
function seq.foreach(source, f)
   f = function_arg(2, f)
   for v in default(source) do f(v) end
end
-- lines of a file, an object with lines, or a file's name
function seq.lines(file, ...)
   local formats = { ... }
   local iterator, close
   if file == nil or file == 'stdin' then iterator = io.lines()
   elseif type(file) == 'string' then
      local opened = assert(io.open(file))
      iterator, close = opened:lines(...), opened
   else iterator = file:lines(unpack(formats)) end
   return wrapped(function()
      local line = iterator()
      if line == nil and close then
         close:close()
         close = nil
      end
      return line
   end)
end

require 'rekindle.takes'(seq, 'seq.', {
   skip = 'source:any n:number', take = 'source:any n:number', random = 'n:number l:number? u:number?',
   range = 'first:number last:number', mapmethod = 'source:any name:string', lines = 'file:string|stream?',
   matching = 'pattern:text', printall = 'source:any separator:text? per_line:number?', keys = 't:list',
})

-- ---- methods ----

local first_is_function = { map = true, reduce = true }
SMT = {
   __index = function(_, name)
      local f = seq[name]
      if not f then
         -- a method of the values
         return function(self, a, b) return wrapped(seq.mapmethod(self, name, a, b)) end
      end
      return function(self, ...)
         local result
         if first_is_function[name] then
            result = utils.pack(f((...), self, select(2, ...)))
         else
            result = utils.pack(f(self, ...))
         end
         if type(result[1]) == 'function' then return wrapped(result[1]) end
         return unpack(result, 1, result.n)
      end
   end,
   __call = function(self) return self.iter() end,
}

return setmetatable(seq, {
   __call = function(_, iterator, state, first)
      if type(iterator) == 'function' and state ~= nil then
         local f, key = iterator, first
         iterator = function()
            local v, more = f(state, key)
            key = v
            return v, more
         end
      end
      return wrapped(default(iterator))
   end,
})
