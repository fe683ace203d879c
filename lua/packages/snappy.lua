-- Package snappy: compress and decompress strings in Snappy's format, which begins with the length and goes on with bytes as they
-- are and copies of earlier ones.
local ffi, bit = require 'ffi', require 'bit'
local band, bor, lshift, rshift = bit.band, bit.bor, bit.lshift, bit.rshift
local snappy = {}

local BLOCK, BITS = 65536, 14      -- copies reach back within a block
local table_of = ffi.typeof 'int32_t[?]'

local function varint(n)
   local bytes = {}
   while n >= 128 do
      bytes[#bytes + 1] = string.char(n % 128 + 128)
      n = math.floor(n / 128)
   end
   bytes[#bytes + 1] = string.char(n)
   return table.concat(bytes)
end

local function literal(text, first, last)
   local n = last - first
   if n < 60 then return string.char(n * 4) .. text:sub(first, last) end
   if n < 256 then return string.char(60 * 4, n) .. text:sub(first, last) end
   return string.char(61 * 4, n % 256, math.floor(n / 256)) .. text:sub(first, last)
end
local function copies(parts, offset, length)
   while length > 0 do
      local n = math.min(length, 64)
      -- what is left at the end has at least four bytes
      if length > 64 and length < 68 then n = 60 end
      parts[#parts + 1] = string.char(bor(lshift(n - 1, 2), 2), offset % 256, math.floor(offset / 256))
      length = length - n
   end
end

-- The bytes of text from `start` on (counted from 0), `n` of them, in parts.
local function block(text, bytes, start, n, parts)
   local seen = table_of(lshift(1, BITS))
   local function word(i) return bor(bytes[i], lshift(bytes[i + 1], 8), lshift(bytes[i + 2], 16), lshift(bytes[i + 3], 24)) end
   local stop, i, from = start + n, start, start
   while i + 4 <= stop do
      local w = word(i)
      local slot = rshift(w * 0x1e35a7bd % 4294967296, 32 - BITS)
      local at = seen[slot] - 1
      seen[slot] = i + 1
      if at >= start and word(at) == w then
         if i > from then parts[#parts + 1] = literal(text, from + 1, i) end
         local length = 4
         while i + length < stop and bytes[at + length] == bytes[i + length] do length = length + 1 end
         copies(parts, i - at, length)
         i = i + length
         from = i
      else
         i = i + 1
      end
   end
   if from < stop then parts[#parts + 1] = literal(text, from + 1, stop) end
end

function snappy.compress(text)
   if type(text) ~= 'string' then error('snappy.compress: expected a string, got ' .. torch.type(text), 2) end
   local bytes, parts = ffi.cast('const uint8_t *', text), { varint(#text) }
   for start = 0, #text - 1, BLOCK do block(text, bytes, start, math.min(BLOCK, #text - start), parts) end
   return table.concat(parts)
end

local function damaged(why) error('snappy.decompress: this is no text in the format of Snappy: ' .. why, 3) end

-- The length that is written in front, and where what follows begins.
local function header(text)
   local size, factor, i = 0, 1, 1
   repeat
      local byte = text:byte(i)
      if not byte or i > 5 then return nil end
      size, factor, i = size + byte % 128 * factor, factor * 128, i + 1
   until byte < 128
   return size, i
end

function snappy.decompress(text)
   if type(text) ~= 'string' then error('snappy.decompress: expected a string, got ' .. torch.type(text), 2) end
   local size, i = header(text)
   -- an element of three bytes gives at most 64
   if not size or size > #text * 64 then damaged 'its length is wrong' end
   local result, n = ffi.new('uint8_t[?]', size), 0
   local function number(count)
      local sum = 0
      for k = count - 1, 0, -1 do sum = sum * 256 + (text:byte(i + k) or damaged 'it ends too early') end
      i = i + count
      return sum
   end
   while i <= #text do
      local tag = number(1)
      local kind, upper = band(tag, 3), rshift(tag, 2)
      if kind == 0 then
         local length = (upper < 60 and upper or number(upper - 59)) + 1
         if n + length > size or i + length - 1 > #text then damaged 'a part is too long' end
         ffi.copy(result + n, text:sub(i, i + length - 1), length)
         i, n = i + length, n + length
      else
         local length, offset = upper + 1, nil
         if kind == 1 then
            length = band(upper, 7) + 4
            offset = rshift(tag, 5) * 256 + number(1)
         else
            offset = number(kind == 2 and 2 or 4)
         end
         if offset == 0 or offset > n or n + length > size then damaged 'a copy reaches outside' end
         for k = n, n + length - 1 do result[k] = result[k - offset] end
         n = n + length
      end
   end
   if n ~= size then damaged 'it ends too early' end
   return ffi.string(result, size)
end
snappy.uncompress = snappy.decompress

return snappy
