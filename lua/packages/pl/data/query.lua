-- Penlight: what pl.data's queries mean.
local utils = require 'pl.utils'
local stringx = require 'pl.stringx'

-- 'FIELDS where CONDITION sort by FIELD desc' as a table
local function parse_query(text)
   local rest, order = text:match '^(.-)%s+sort%s+by%s+(.+)$'
   rest = rest or text
   local fields, where = rest:match '^(.-)%s+where%s+(.+)$'
   return { fields = fields or rest, where = where, sort_by = order }
end

-- expressions of a text, by commas that stand in no brackets
local function expressions(text)
   local parts, depth, start = {}, 0, 1
   for at, character in text:gmatch '()([%(%)%[%]{},])' do
      if character == ',' then
         if depth == 0 then
            parts[#parts + 1] = stringx.strip(text:sub(start, at - 1))
            start = at + 1
         end
      else
         depth = depth + (character:find '[%(%[{]' and 1 or -1)
      end
   end
   parts[#parts + 1] = stringx.strip(text:sub(start))
   return parts
end

-- Code about a row as a function of it: `$1` is a column, names of fields are locals where the code has them.
local function compile(code, d, env)
   local words, names, columns = {}, {}, {}
   for word in code:gmatch '[%a_][%w_]*' do words[word] = true end
   for i, name in ipairs(d.fieldnames or {}) do
      if words[name] then
         words[name] = nil
         names[#names + 1], columns[#columns + 1] = name, '__row[' .. i .. ']'
      end
   end
   local head = #names > 0 and 'local ' .. table.concat(names, ',') .. ' = ' .. table.concat(columns, ',') .. ' ' or ''
   local body = code:gsub('%$(%d+)', '__row[%1]')
   local chunk, why = loadstring('return function(__row) ' .. head .. 'return ' .. body .. '\nend', '=query')
   if not chunk then return nil, why end
   return setfenv(chunk, env)()
end

-- names that queries know besides fields: those of tables, and globals
local function environment(context)
   local tables = context == nil and {} or #context > 0 and context or { context }
   return setmetatable({}, { __index = function(_, name)
      for _, t in ipairs(tables) do
         if t[name] ~= nil then return t[name] end
      end
      return _G[name]
   end })
end

-- the rows in the order of a field, equal ones in theirs
local function sorted(rows, order, d, env)
   local field, way = order:match '^(.-)%s+(%a+)%s*$'
   local descending = way == 'desc'
   if not (way == 'asc' or descending) then field = order end
   local key, why = compile(field, d, env)
   if not key then return nil, why end
   local items = {}
   for i, row in ipairs(rows) do items[i] = { key = key(row), at = i, row = row } end
   local done = pcall(table.sort, items, function(a, b)
      if a.key == b.key then return a.at < b.at end
      if descending then return b.key < a.key end
      return a.key < b.key
   end)
   if not done then return nil, ("the values of '%s' have no order"):format(field) end
   for i, item in ipairs(items) do items[i] = item.row end
   return items
end

local function has_field(d, name)
   for _, field in ipairs(d.fieldnames or {}) do
      if field == name then return true end
   end
   return name == 'nil' or name == 'true' or name == 'false'
end

-- An iterator over the values, or rows of values, that a query has, and the names of its fields; nil and a message where it
-- cannot be understood.
return function(name, d, q, context, as_rows)
   if type(q) == 'string' then q = parse_query(q) end
   if type(q) ~= 'table' or not q.fields then
      error(('data.%s: expected a query (a text, or a table with fields), got %s'):format(name, type(q)), 3)
   end
   local env = environment(context)
   local names = type(q.fields) == 'string' and expressions(q.fields) or q.fields
   if #names == 1 and names[1] == '*' then names = d.fieldnames or {} end
   for _, field in ipairs(names) do
      if field:find '^[%a_][%w_]*$' and env[field] == nil and not has_field(d, field) then
         return utils.raise(("there is no field '%s'"):format(field))
      end
   end
   local get, why = compile(table.concat(names, ','), d, env)
   if not get then return utils.raise(why) end
   local fits = q.where
   if type(fits) == 'string' then
      fits, why = compile(fits, d, env)
      if not fits then return utils.raise(why) end
   end
   local rows = {}
   for _, row in ipairs(d) do
      if not fits or fits(row) then rows[#rows + 1] = row end
   end
   if q.sort_by then
      rows, why = sorted(rows, q.sort_by, d, env)
      if not rows then return utils.raise(why) end
   end
   local i = 0
   return function()
      i = i + 1
      local row = rows[i]
      if row == nil then return nil end
      if as_rows then return { get(row) } end
      return get(row)
   end, names
end
