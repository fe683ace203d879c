-- Package pprint, by the interface of lua-pprint: values as text over several lines, with the keys of tables in order.
local takes = require 'rekindle.takes'

local DEPTH = 4 -- tables within tables, where a call does not say how many
local FEW = 20 -- elements up to which a tensor is shown whole

local control = { ['\a'] = '\\a', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n', ['\r'] = '\\r', ['\t'] = '\\t', ['\v'] = '\\v' }
local function escaped(text) return (text:gsub('%c', control)) end

local function quoted(text)
   text = escaped(text)
   if text:find('"', 1, true) and not text:find("'", 1, true) then return "'" .. text .. "'" end
   return string.format('%q', text)
end

local function numeral(x)
   if x == math.huge then return 'math.huge' end
   if x == -math.huge then return '-math.huge' end
   return tostring(x)
end

local function tensor(x)
   if x:nElement() <= FEW then return tostring(x) end
   return '[torch.Tensor of dimension ' .. table.concat(x:size():totable(), 'x') .. ']'
end

local rank = {}
for i, kind in ipairs { 'number', 'boolean', 'string', 'table', 'function', 'userdata', 'thread', 'cdata' } do rank[kind] = i end

local function before(a, b)
   local one, other = type(a), type(b)
   if one ~= other then return rank[one] < rank[other] end
   if one == 'number' or one == 'string' then return a < b end
   return tostring(a) < tostring(b)
end

-- the keys that do not belong to the array in a table, in order
local function keys_of(t)
   local keys, length = {}, #t
   for k in next, t do
      if not (type(k) == 'number' and k >= 1 and k <= length and k % 1 == 0) then keys[#keys + 1] = k end
   end
   table.sort(keys, before)
   return keys
end

local function comment(t, metatable)
   local own = type(metatable) == 'table' and rawget(metatable, '__tostring')
   if type(own) ~= 'function' then return '' end
   local ok, text = pcall(own, t)
   text = tostring(text)
   return text == '' and '' or ' -- ' .. (ok and '' or 'error: ') .. escaped(text)
end

local show

-- `around` has the tables that this one stands in: one of them again is a loop
local function show_table(t, depth, level, around)
   if around[t] then return '<table>' end
   if level >= depth then return '{...}' end
   around[t] = true
   local line = '\n' .. string.rep('  ', level + 1)
   local metatable, class = debug.getmetatable(t), torch.typename(t)
   local items = {}
   for i = 1, #t do items[i] = ' ' .. show(rawget(t, i), depth, level + 1, around) end
   local keys = keys_of(t)
   for _, k in ipairs(keys) do
      local name = type(k) == 'string' and k:match '^[_%a][_%w]*$' or '[' .. show(k, depth, level + 1, around) .. ']'
      items[#items + 1] = line .. name .. ' = ' .. show(t[k], depth, level + 1, around)
   end
   -- a class says what the methods are
   if metatable then
      items[#items + 1] = line .. '<metatable> = ' .. (class and '<' .. class .. '>' or show(metatable, depth, level + 1, around))
   end
   around[t] = nil
   local note = class and '' or comment(t, metatable)
   if note ~= '' and #t > 0 then note = note .. line end
   local ending = (#keys > 0 or metatable) and '\n' .. string.rep('  ', level) or #t > 0 and ' ' or ''
   return '{' .. note .. table.concat(items, ',') .. ending .. '}'
end

function show(v, depth, level, around)
   local kind = type(v)
   if kind == 'string' then return quoted(v) end
   if kind == 'number' then return numeral(v) end
   if kind == 'boolean' or kind == 'nil' then return tostring(v) end
   if torch.isTensor(v) then return tensor(v) end
   if kind == 'table' then return show_table(v, depth, level, around) end
   return '<' .. kind .. '>'
end

-- without a `local`, as programs expect: they name it after a bare `require`
pprint = {}

function pprint.pretty_string(value, depth) return show(value, depth or DEPTH, 0, {}) end

-- What makes one text of all that it is given.
function pprint.printer(depth)
   return function(...)
      local texts = {}
      for i = 1, select('#', ...) do texts[i] = pprint.pretty_string((select(i, ...)), depth) end
      return table.concat(texts, ' ')
   end
end

takes(pprint, 'pprint.', { pretty_string = 'value:any depth:number?', printer = 'depth:number?' })

return setmetatable(pprint, { __call = function(_self, value, depth) print(pprint.pretty_string(value, depth)) end })
