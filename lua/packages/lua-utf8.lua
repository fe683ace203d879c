-- Package lua-utf8: characters of UTF-8 in strings; of the rock luautf8 char, charpattern, codepoint, codes, len, offset, next, sub,
-- byte, reverse and escape. Positions of sub and byte count characters, those of the others bytes.
local utf8 = { charpattern = '[%z\1-\127\194-\253][\128-\191]*' }
local floor = math.floor

local function encode(code)
   if type(code) ~= 'number' or code < 0 or code > 0x7fffffff then
      error('char: expected a code point, got ' .. tostring(code), 3)
   end
   if code < 0x80 then return string.char(code) end
   local tail, limit = {}, 0x20
   repeat
      table.insert(tail, 1, string.char(0x80 + code % 64))
      code, limit = floor(code / 64), limit
      if code < limit then break end
      limit = limit / 2
   until false
   return string.char(256 - 2 * limit + code) .. table.concat(tail)
end

function utf8.char(...)
   local list = { ... }
   for i, code in ipairs(list) do list[i] = encode(code) end
   return table.concat(list)
end

-- the code point at a byte, and where the next one begins; nil where there is none
local function decode(s, at)
   local first = s:byte(at)
   if not first then return end
   if first < 0x80 then return first, at + 1 end
   if first < 0xc2 or first > 0xf4 then return end
   local more = first >= 0xf0 and 3 or first >= 0xe0 and 2 or 1
   local code = first % 2 ^ (6 - more)
   for i = at + 1, at + more do
      local byte = s:byte(i)
      if not byte or byte < 0x80 or byte > 0xbf then return end
      code = code * 64 + byte - 0x80
   end
   return code, at + more + 1
end

local function position(s, at, default)
   at = at or default
   return at < 0 and #s + at + 1 or at
end

-- How many characters there are from byte i to byte j; nil and the place of a wrong byte.
function utf8.len(s, i, j)
   local at, last, n = position(s, i, 1), position(s, j, -1), 0
   while at <= last do
      local code, following = decode(s, at)
      if not code then return nil, at end
      n, at = n + 1, following
   end
   return n
end

function utf8.codepoint(s, i, j)
   local at = position(s, i, 1)
   local last, codes = position(s, j, at), {}
   while at <= last do
      local code, following = decode(s, at)
      if not code then error('invalid UTF-8 code', 2) end
      codes[#codes + 1], at = code, following
   end
   return unpack(codes)
end

-- for place, code in utf8.next, s
function utf8.next(s, at)
   if at then
      local _, following = decode(s, at)
      at = following or at + 1
   else
      at = 1
   end
   if at > #s then return end
   return at, decode(s, at) or s:byte(at)
end
function utf8.codes(s)
   return function(_, at)
      local place, code = utf8.next(s, at > 0 and at or nil)
      if place and not decode(s, place) then error('invalid UTF-8 code', 2) end
      return place, code
   end, s, 0
end

local function starts(s)
   local list, at = {}, 1
   while at <= #s do
      list[#list + 1] = at
      local _, following = decode(s, at)
      at = following or at + 1
   end
   list[#list + 1] = #s + 1
   return list
end

-- The byte at which the n-th character from byte i on begins.
function utf8.offset(s, n, i)
   local list = starts(s)
   i = position(s, i, n > 0 and 1 or #s + 1)
   for k, place in ipairs(list) do
      if place >= i then
         if n == 0 then return place == i and place or list[k - 1] end
         return list[n > 0 and k + n - 1 or k + n]
      end
   end
end

function utf8.sub(s, i, j)
   local list = starts(s)
   local n = #list - 1
   i, j = i or 1, j or -1
   if i < 0 then i = math.max(n + i + 1, 1) elseif i == 0 then i = 1 end
   if j < 0 then j = n + j + 1 elseif j > n then j = n end
   if i > j then return '' end
   return s:sub(list[i], list[j + 1] - 1)
end
function utf8.byte(s, i, j)
   i = i or 1
   return utf8.codepoint(utf8.sub(s, i, j or i), 1, -1)
end
function utf8.reverse(s)
   local list, parts = starts(s), {}
   for k = #list - 1, 1, -1 do parts[#parts + 1] = s:sub(list[k], list[k + 1] - 1) end
   return table.concat(parts)
end
-- %123, %u{1F4}, %x{..} as characters
function utf8.escape(s)
   s = s:gsub('%%[ux]?{(%x+)}', function(hex) return encode(tonumber(hex, 16)) end)
   return (s:gsub('%%(%d+)', function(digits) return encode(tonumber(digits)) end))
end

-- numbers are texts too, as for Lua's own functions of strings
local takes = {}
for name, spec in pairs {
   len = 's:text i:number? j:number?', codepoint = 's:text i:number? j:number?', next = 's:text at:number?', codes = 's:text',
   offset = 's:text n:number i:number?', sub = 's:text i:number? j:number?', byte = 's:text i:number? j:number?',
   reverse = 's:text', escape = 's:text',
} do
   local f = utf8[name]
   utf8[name] = function(s, ...) return f(type(s) == 'number' and tostring(s) or s, ...) end
   takes[name] = spec
end
require 'rekindle.takes'(utf8, 'utf8.', takes)

return utf8
