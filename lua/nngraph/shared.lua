-- Tables that are equal are made one. What is worked out for a graph is the same for each of its clones; there once, it stays
-- in the processor's caches while a program goes through fifty of them.
local known = setmetatable({}, { __mode = 'v' })

-- The keys of a table in an order of their own: numbers, then strings.
local function ordered(value)
   local keys = {}
   for key in pairs(value) do keys[#keys + 1] = key end
   table.sort(keys, function(a, b)
      if type(a) == type(b) then return a < b end
      return type(a) == 'number'
   end)
   return keys
end

-- Adds to `text` what tells a value from others that are not equal. Tables that were met are told by when that was, so that
-- what refers to one table is not equal to what refers to two.
local function describe(value, text, met, whole)
   if type(value) ~= 'table' or whole[value] then
      text[#text + 1] = type(value) == 'number' and string.format('%.17g', value) or tostring(value)
   elseif met[value] then
      text[#text + 1] = '@' .. met[value]
   else
      met.count = met.count + 1
      met[value] = met.count
      text[#text + 1] = '{'
      for _, key in ipairs(ordered(value)) do
         text[#text + 1] = type(key) == 'number' and string.format('[%.17g]', key) or key
         describe(value[key], text, met, whole)
      end
      text[#text + 1] = '}'
   end
end

-- A table that is equal to `value`: the first one that there was. They hold numbers, strings, booleans and tables, with keys that
-- are numbers or strings. Nobody writes into them afterwards. Tables of the set `whole`, each equal to itself alone, may hold anything.
return function(value, whole)
   local text = {}
   describe(value, text, { count = 0 }, whole or {})
   local key = table.concat(text, ' ')
   local found = known[key]
   if not found then
      found = value
      known[key] = value
   end
   return found
end
