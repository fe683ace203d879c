-- Package bit32, as Lua 5.2 has it: numbers are taken modulo 2^32, results are not negative.
local bit = require 'bit'
local bit32 = {}

local function unsigned(x) return x % 4294967296 end
local function number(x, name, place)
   local n = tonumber(x)
   if not n then error(string.format("bad argument #%d to '%s' (number expected, got %s)", place, name, type(x)), 3) end
   return bit.tobit(unsigned(n))
end

for name, start in pairs { band = -1, bor = 0, bxor = 0 } do
   local f = bit[name]
   bit32[name] = function(...)
      local result = start
      for i = 1, select('#', ...) do result = f(result, number((select(i, ...)), name, i)) end
      return unsigned(result)
   end
end
function bit32.btest(...) return bit32.band(...) ~= 0 end
function bit32.bnot(x) return unsigned(bit.bnot(number(x, 'bnot', 1))) end

-- shifts by 32 or more leave nothing; negative ones go the other way
local function shift(x, by)
   if by <= -32 or by >= 32 then return 0 end
   return unsigned(by >= 0 and bit.lshift(x, by) or bit.rshift(x, -by))
end
function bit32.lshift(x, by) return shift(number(x, 'lshift', 1), by) end
function bit32.rshift(x, by) return shift(number(x, 'rshift', 1), -by) end
function bit32.arshift(x, by)
   x = number(x, 'arshift', 1)
   if by < 0 then return shift(x, -by) end
   return unsigned(bit.arshift(x, math.min(by, 31)))
end
function bit32.lrotate(x, by) return unsigned(bit.rol(number(x, 'lrotate', 1), by % 32)) end
function bit32.rrotate(x, by) return unsigned(bit.ror(number(x, 'rrotate', 1), by % 32)) end

local function mask(field, width, name)
   width = width or 1
   if field < 0 or width < 1 or field + width > 32 then
      error(name .. ': trying to access bits that are not there', 3)
   end
   return 2 ^ width - 1
end
function bit32.extract(x, field, width)
   local m = mask(field, width, 'extract')
   return bit32.band(bit32.rshift(x, field), m)
end
function bit32.replace(x, value, field, width)
   local m = mask(field, width, 'replace')
   local cleared = bit32.band(x, bit32.bnot(bit32.lshift(m, field)))
   return bit32.bor(cleared, bit32.lshift(bit32.band(value, m), field))
end

return bit32
