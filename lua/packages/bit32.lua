-- Package bit32, as Lua 5.2 has it: numbers are taken modulo 2^32, results are not negative.
local bit = require 'bit'
local bit32 = {}

local function unsigned(x) return x % 4294967296 end
local function number(x, name, place)
   local n = tonumber(x)
   if not n then error(string.format("bad argument #%d to '%s' (number expected, got %s)", place, name, type(x)), 3) end
   return bit.tobit(unsigned(n))
end
-- how far, or where: a number as it is
local function amount(x, name, place)
   local n = tonumber(x)
   if not n then error(string.format("bad argument #%d to '%s' (number expected, got %s)", place, name, type(x)), 3) end
   return n
end

for name, how in pairs { band = { 'band', -1 }, bor = { 'bor', 0 }, bxor = { 'bxor', 0 }, btest = { 'band', -1 } } do
   local f, start = bit[how[1]], how[2]
   bit32[name] = function(...)
      local result = start
      for i = 1, select('#', ...) do result = f(result, number((select(i, ...)), name, i)) end
      if name == 'btest' then return result ~= 0 end
      return unsigned(result)
   end
end
function bit32.bnot(x) return unsigned(bit.bnot(number(x, 'bnot', 1))) end

-- shifts by 32 or more leave nothing; negative ones go the other way
local function shift(x, by)
   if by <= -32 or by >= 32 then return 0 end
   return unsigned(by >= 0 and bit.lshift(x, by) or bit.rshift(x, -by))
end
function bit32.lshift(x, by) return shift(number(x, 'lshift', 1), amount(by, 'lshift', 2)) end
function bit32.rshift(x, by) return shift(number(x, 'rshift', 1), -amount(by, 'rshift', 2)) end
function bit32.arshift(x, by)
   x, by = number(x, 'arshift', 1), amount(by, 'arshift', 2)
   if by < 0 then return shift(x, -by) end
   return unsigned(bit.arshift(x, math.min(by, 31)))
end
function bit32.lrotate(x, by) return unsigned(bit.rol(number(x, 'lrotate', 1), amount(by, 'lrotate', 2) % 32)) end
function bit32.rrotate(x, by) return unsigned(bit.ror(number(x, 'rrotate', 1), amount(by, 'rrotate', 2) % 32)) end

local function mask(field, width, name)
   if not (field >= 0 and width >= 1 and field + width <= 32) then
      error(name .. ': trying to access bits that are not there', 3)
   end
   return 2 ^ width - 1
end
function bit32.extract(x, field, width)
   x, field, width = number(x, 'extract', 1), amount(field, 'extract', 2), amount(width or 1, 'extract', 3)
   return bit32.band(shift(x, -field), mask(field, width, 'extract'))
end
function bit32.replace(x, value, field, width)
   x, value = number(x, 'replace', 1), number(value, 'replace', 2)
   field, width = amount(field, 'replace', 3), amount(width or 1, 'replace', 4)
   local m = mask(field, width, 'replace')
   local cleared = bit32.band(x, bit32.bnot(shift(m, field)))
   return bit32.bor(cleared, shift(bit32.band(value, m), field))
end

return bit32
