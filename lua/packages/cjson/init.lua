-- Package cjson (lua-cjson 2.1): values to JSON and back.
local native = require 'rekindle.native'
local read = native.functions.formats.readJson
local null = native.null
local find, gsub, format = string.find, string.gsub, string.format
local concat, tostring, type, next, rawget, floor, huge = table.concat, tostring, type, next, rawget, math.floor, math.huge

-- ---- arguments of the options ----

local function bad(i, text, ...) error(format("bad argument #%d to '?' (%s)", i, format(text, ...)), 4) end

local function no_more(n, most)
   if n > most then bad(most + 1, 'found too many arguments') end
end

local function whole(value, i, least, most)
   local n = tonumber(value)
   if not n then bad(i, 'number expected, got %s', type(value)) end
   if n < least or n > most or n ~= floor(n) then bad(i, 'expected integer between %d and %d', least, most) end
   return n
end

local words = { on = true, off = false, ['true'] = true, ['false'] = false }
local function choice(value, i, extra)
   if type(value) == 'boolean' then return value end
   local word = words[value]
   if word == nil and extra and value == extra then return extra end
   if word == nil then
      if type(value) ~= 'string' and type(value) ~= 'number' then bad(i, 'string expected, got %s', type(value)) end
      bad(i, "invalid option '%s'", tostring(value))
   end
   return word
end

-- ---- texts ----

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['/'] = '\\/', ['\b'] = '\\b', ['\t'] = '\\t', ['\n'] = '\\n',
   ['\f'] = '\\f', ['\r'] = '\\r', ['\127'] = '\\u007f' }
for i = 0, 31 do
   local c = string.char(i)
   escapes[c] = escapes[c] or format('\\u%04x', i)
end
local SPECIAL = '[%z\1-\31"\\/\127]'

local function quoted(text)
   if find(text, SPECIAL) then text = gsub(text, SPECIAL, escapes) end
   return '"' .. text .. '"'
end

-- ---- one copy of the package, with its own settings ----

local function new(safe)
   local cjson = { _NAME = 'cjson', _VERSION = '2.1devel', null = null }
   local depth_read, invalid_read = 1000, true
   local depth_written, invalid_written, precision, keep = 1000, false, 14, true
   local convert, ratio, enough = false, 2, 10
   local number_format = '%.14g'

   local function refuse(value, why) error(format('Cannot serialise %s: %s', type(value), why), 0) end

   local function number(v)
      if v ~= v or v == huge or v == -huge then
         if invalid_written == 'null' then return 'null' end
         if not invalid_written then refuse(v, 'must not be NaN or Infinity') end
         return v ~= v and 'NaN' or v > 0 and 'Infinity' or '-Infinity'
      end
      -- Lua's own conversion has 14 digits
      return precision == 14 and tostring(v) or format(number_format, v)
   end

   -- the largest index of an array; nil for an object
   local function length(t)
      local most, count = 0, 0
      for k in next, t do
         if type(k) ~= 'number' or k < 1 or k ~= floor(k) then return nil end
         if k > most then most = k end
         count = count + 1
      end
      if count == 0 then return nil end
      if ratio > 0 and most > enough and most > count * ratio then
         if not convert then refuse(t, 'excessively sparse array') end
         return nil
      end
      return most
   end

   local write
   local function write_table(t, out, n, depth)
      if depth > depth_written then error(format('Cannot serialise, excessive nesting (%d)', depth), 0) end
      local size = length(t)
      if size then
         for i = 1, size do
            n = n + 1
            out[n] = i == 1 and '[' or ','
            n = write(rawget(t, i), out, n, depth)
         end
         out[n + 1] = ']'
         return n + 1
      end
      local first = true
      for k, v in next, t do
         local key
         if type(k) == 'string' then key = quoted(k)
         elseif type(k) == 'number' then key = '"' .. number(k) .. '"'
         else refuse(k, 'table key must be a number or string') end
         out[n + 1] = first and '{' or ','
         out[n + 2] = key
         out[n + 3] = ':'
         n = write(v, out, n + 3, depth)
         first = false
      end
      out[n + 1] = first and '{}' or '}'
      return n + 1
   end

   function write(value, out, n, depth)
      local kind = type(value)
      if kind == 'table' then return write_table(value, out, n, depth + 1) end
      local text
      if kind == 'string' then text = quoted(value)
      elseif kind == 'number' then text = number(value)
      elseif kind == 'boolean' then text = value and 'true' or 'false'
      elseif kind == 'nil' or kind == 'userdata' and value == null then text = 'null'
      else refuse(value, 'type not supported') end
      out[n + 1] = text
      return n + 1
   end

   local function one(count)
      if count ~= 1 then error("bad argument #1 to '?' (expected 1 argument)", 3) end
   end

   local function encode(value)
      local out = {}
      local n = write(value, out, 0, 0)
      return concat(out, '', 1, n)
   end

   local function decode(text)
      if type(text) ~= 'string' and type(text) ~= 'number' then
         error(format("bad argument #1 to 'decode' (string expected, got %s)", type(text)), 3)
      end
      return read(text, depth_read, invalid_read)
   end

   if safe then
      function cjson.encode(...)
         one(select('#', ...))
         local ok, result = pcall(encode, (...))
         if ok then return result end
         return nil, result
      end
      function cjson.decode(...)
         one(select('#', ...))
         local value, why = decode((...))
         if why then return nil, (why:gsub('^.-: Expected', 'Expected')) end
         return value
      end
   else
      function cjson.encode(...)
         one(select('#', ...))
         return encode((...))
      end
      function cjson.decode(...)
         one(select('#', ...))
         local value, why = decode((...))
         if why then error(why, 0) end
         return value
      end
   end

   local function option(most, set)
      return function(...)
         local n = select('#', ...)
         no_more(n, most)
         return set(...)
      end
   end

   cjson.decode_max_depth = option(1, function(depth)
      if depth ~= nil then depth_read = whole(depth, 1, 1, 2147483647) end
      return depth_read
   end)
   cjson.encode_max_depth = option(1, function(depth)
      if depth ~= nil then depth_written = whole(depth, 1, 1, 2147483647) end
      return depth_written
   end)
   cjson.decode_invalid_numbers = option(1, function(on)
      if on ~= nil then invalid_read = choice(on, 1) end
      return invalid_read
   end)
   cjson.encode_invalid_numbers = option(1, function(on)
      if on ~= nil then invalid_written = choice(on, 1, 'null') end
      return invalid_written
   end)
   cjson.encode_number_precision = option(1, function(digits)
      if digits ~= nil then
         precision = whole(digits, 1, 1, 14)
         number_format = '%.' .. precision .. 'g'
      end
      return precision
   end)
   cjson.encode_keep_buffer = option(1, function(on)
      if on ~= nil then keep = choice(on, 1) end
      return keep
   end)
   cjson.encode_sparse_array = option(3, function(on, most, least)
      if on ~= nil then convert = choice(on, 1) end
      if most ~= nil then ratio = whole(most, 2, 0, 2147483647) end
      if least ~= nil then enough = whole(least, 3, 0, 2147483647) end
      return convert, ratio, enough
   end)
   function cjson.new() return new(safe) end
   return cjson
end

return setmetatable(new(false), { __index = function(_, key)
   if key == '_safe' then return new(true) end
end })
