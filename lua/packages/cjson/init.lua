-- Package cjson (lua-cjson 2.1): values to JSON and back.
local native = require 'rekindle.native'
local read = native.functions.formats.readJson
local null = native.null
local find, gsub, format = string.find, string.gsub, string.format
local concat, tostring, type, next, rawget, floor, huge = table.concat, tostring, type, next, rawget, math.floor, math.huge

-- ---- arguments of the options ----

local function bad(name, i, text, ...) error(format("bad argument #%d to '%s' (%s)", i, name, format(text, ...)), 4) end

local function no_more(name, n, most)
   if n > most then bad(name, most + 1, 'found too many arguments') end
end

local function whole(name, value, i, least, most)
   local n = tonumber(value)
   if not n then bad(name, i, 'number expected, got %s', type(value)) end
   if n < least or n > most or n ~= floor(n) then bad(name, i, 'expected integer between %d and %d', least, most) end
   return n
end

local words = { on = true, off = false, ['true'] = true, ['false'] = false }
local function choice(name, value, i, extra)
   if type(value) == 'boolean' then return value end
   local word = words[value]
   if word == nil and extra and value == extra then return extra end
   if word == nil then
      if type(value) ~= 'string' and type(value) ~= 'number' then bad(name, i, 'string expected, got %s', type(value)) end
      bad(name, i, "invalid option '%s'", tostring(value))
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
   -- errors stand where the program calls; as results they have no place
   local place = safe and 0 or 1

   local function refuse(value, why) error(format('Cannot serialise %s: %s', type(value), why), place) end

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
      if depth > depth_written then error(format('Cannot serialise, excessive nesting (%d)', depth), place) end
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

   local function one(name, count)
      if count ~= 1 then error(format("bad argument #1 to '%s' (expected 1 argument)", name), 3) end
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
         one('encode', select('#', ...))
         local ok, result = pcall(encode, (...))
         if ok then return result end
         return nil, result
      end
      function cjson.decode(...)
         one('decode', select('#', ...))
         local value, why = decode((...))
         if why then return nil, (why:gsub('^.-: Expected', 'Expected')) end
         return value
      end
   else
      function cjson.encode(...)
         one('encode', select('#', ...))
         return encode((...))
      end
      function cjson.decode(...)
         one('decode', select('#', ...))
         local value, why = decode((...))
         if why then error(why) end
         return value
      end
   end

   local function option(name, most, set)
      cjson[name] = function(...)
         local n = select('#', ...)
         no_more(name, n, most)
         return set(name, ...)
      end
   end

   option('decode_max_depth', 1, function(name, depth)
      if depth ~= nil then depth_read = whole(name, depth, 1, 1, 2147483647) end
      return depth_read
   end)
   option('encode_max_depth', 1, function(name, depth)
      if depth ~= nil then depth_written = whole(name, depth, 1, 1, 2147483647) end
      return depth_written
   end)
   option('decode_invalid_numbers', 1, function(name, on)
      if on ~= nil then invalid_read = choice(name, on, 1) end
      return invalid_read
   end)
   option('encode_invalid_numbers', 1, function(name, on)
      if on ~= nil then invalid_written = choice(name, on, 1, 'null') end
      return invalid_written
   end)
   option('encode_number_precision', 1, function(name, digits)
      if digits ~= nil then
         precision = whole(name, digits, 1, 1, 14)
         number_format = '%.' .. precision .. 'g'
      end
      return precision
   end)
   option('encode_keep_buffer', 1, function(name, on)
      if on ~= nil then keep = choice(name, on, 1) end
      return keep
   end)
   option('encode_sparse_array', 3, function(name, on, most, least)
      if on ~= nil then convert = choice(name, on, 1) end
      if most ~= nil then ratio = whole(name, most, 2, 0, 2147483647) end
      if least ~= nil then enough = whole(name, least, 3, 0, 2147483647) end
      return convert, ratio, enough
   end)
   function cjson.new() return new(safe) end
   return cjson
end

return setmetatable(new(false), { __index = function(_, key)
   if key == '_safe' then return new(true) end
end })
