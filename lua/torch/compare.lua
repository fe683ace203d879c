-- Deep comparison of Lua values, tensors and storages within a tolerance, with the reason why two differ: what
-- torch.Tester asserts and reports.
local compare = {}

local function within(tolerance) return tolerance ~= 0 and ' with tolerance=' .. tolerance or '' end

-- a value as messages show it: numbers and nil speak for themselves
local function shown(v)
   if type(v) == 'number' or v == nil then return tostring(v) end
   return tostring(v) .. ' (' .. torch.type(v) .. ')'
end

-- The largest difference of two vectors of doubles. Equal entries count as no difference, infinite ones included.
local function largest_difference(a, b)
   local difference = (a - b):abs()
   difference:maskedFill(torch.eq(a, b), 0)
   return difference:max()
end

local function verdict(kind, difference, tolerance)
   local told = string.format('violation: max diff=%s, tolerance=%s', tostring(difference), tostring(tolerance))
   return difference <= tolerance, kind .. 'EQ(==) ' .. told, kind .. 'NE(~=) ' .. told
end

-- Whether a text fits a pattern of Lua's, in the name of a method.
function compare.fits(method, text, pattern)
   local fine, found = pcall(string.find, text, pattern)
   if not fine then error(string.format('Tester:%s: the pattern "%s" is none: %s', method, pattern, found)) end
   return found ~= nil
end

-- Each comparison gives whether the two are equal, what to say when they should be and are not, and what to say when
-- they should not be and are.
function compare.tensors(a, b, tolerance)
   if torch.typename(a) ~= torch.typename(b) then return false, 'The tensors have different types' end
   local sizes, others = a:size():totable(), b:size():totable()
   if table.concat(sizes, 'x') ~= table.concat(others, 'x') then
      return false, string.format('The tensors have different sizes (first: %s, second: %s)', table.concat(sizes, 'x'),
         table.concat(others, 'x'))
   end
   if a:nElement() == 0 then return verdict('Tensor', 0, tolerance) end
   -- as doubles: differences of bytes would wrap
   return verdict('Tensor', largest_difference(a:double(), b:double()), tolerance)
end

function compare.storages(a, b, tolerance)
   if torch.typename(a) ~= torch.typename(b) then return false, 'The storages have different types' end
   if a:size() ~= b:size() then
      return false, string.format('The storages have different sizes (first: %d, second: %d)', a:size(), b:size())
   end
   local largest = 0
   for i = 1, a:size() do
      local difference = a[i] == b[i] and 0 or math.abs(a[i] - b[i])
      if not (difference <= largest) then largest = difference end
   end
   return verdict('Storage', largest, tolerance)
end

-- the keys of both, without those of a that b has too appearing twice
local function entries(a, b)
   local keys = {}
   for key in pairs(a) do keys[#keys + 1] = key end
   for key in pairs(b) do
      if a[key] == nil then keys[#keys + 1] = key end
   end
   return keys
end

local function missing(key, value, from, present)
   return string.format('Entry %s missing in %s table (is %s in %s)', tostring(key), from, tostring(value), present)
end

function compare.tables(a, b, tolerance, seen)
   -- a pair that is being compared already counts as equal, so that cycles come to an end
   seen = seen or {}
   if seen[a] == b then return true end
   seen[a] = b
   for _, key in ipairs(entries(a, b)) do
      local x, y = a[key], b[key]
      if y == nil then return false, missing(key, x, 'second', 'first') end
      if x == nil then return false, missing(key, y, 'first', 'second') end
      local same, why = compare.values(x, y, tolerance, seen)
      if not same then return false, 'At table location ' .. tostring(key) .. ': ' .. why end
   end
   return true, nil, 'TableNE(~=) violation: the tables are equal, tolerance=' .. tolerance
end

local function numbers(a, b, tolerance)
   local same = a == b or math.abs(a - b) <= tolerance
   return same, string.format('EQ failed: %s ~= %s%s', a, b, within(tolerance)),
      string.format('NE failed: %s == %s%s', a, b, within(tolerance))
end

-- Any two values.
function compare.values(a, b, tolerance, seen)
   local both_tensors = torch.isTensor(a) and torch.isTensor(b)
   if both_tensors then return compare.tensors(a, b, tolerance) end
   if torch.isStorage(a) and torch.isStorage(b) then return compare.storages(a, b, tolerance) end
   if torch.type(a) ~= torch.type(b) then
      return false, string.format('EQ failed: values have different types (first: %s, second: %s)', torch.type(a),
         torch.type(b))
   end
   if type(a) == 'number' then return numbers(a, b, tolerance) end
   if type(a) == 'table' then return compare.tables(a, b, tolerance, seen) end
   return a == b, 'EQ failed: ' .. shown(a) .. ' ~= ' .. shown(b), 'NE failed: ' .. shown(a) .. ' == ' .. shown(b)
end

return compare
