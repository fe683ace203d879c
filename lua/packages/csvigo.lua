-- Package csvigo: files of values with separators, as tables of columns, of rows, or as a query.
-- a global, as programs expect
csvigo = {}

-- ---- lines ----

-- the fields of a record, and how many quotes are still open in it
local function fields_of(line, separator)
   local fields, at, n = {}, 1, #line
   local plain = require('pl.utils').escape(separator)
   while at <= n + 1 do
      if line:sub(at, at) == '"' then
         local parts, from = {}, at + 1
         while true do
            local quote = line:find('"', from, true)
            if not quote then return nil end
            parts[#parts + 1] = line:sub(from, quote - 1)
            if line:sub(quote + 1, quote + 1) ~= '"' then
               at = quote + 1
               break
            end
            parts[#parts] = parts[#parts] .. '"'
            from = quote + 2
         end
         local stop = line:find(separator, at, true) or n + 1
         fields[#fields + 1] = table.concat(parts) .. line:sub(at, stop - 1):gsub('%s+$', '')
         at = stop + #separator
      else
         local stop = line:find(plain, at) or n + 1
         fields[#fields + 1] = line:sub(at, stop - 1)
         at = stop + #separator
      end
      if at > n + 1 then break end
   end
   return fields
end

local function records(path, separator, skip)
   local file, why = io.open(path, 'r')
   if not file then error('csvigo.load: ' .. tostring(why), 3) end
   local rows, open = {}, nil
   for line in file:lines() do
      line = line:gsub('\r$', '')
      if skip > 0 then
         skip = skip - 1
      elseif open or line ~= '' then
         -- a quoted field goes on in the next line
         local text = open and open .. '\n' .. line or line
         local fields = fields_of(text, separator)
         open = not fields and text or nil
         if fields then rows[#rows + 1] = fields end
      end
   end
   file:close()
   if open then error('csvigo.load: a quote in ' .. path .. ' is never closed', 3) end
   return rows
end

local function is_number(text) return tonumber(text) ~= nil end

-- whether the first row has names: none of its fields is a number
local function has_header(rows)
   for _, field in ipairs(rows[1] or {}) do
      if is_number(field) or field == '' then return false end
   end
   return rows[1] ~= nil
end

-- ---- queries ----

local function query_of(columns, names)
   local count = columns[names[1]] and #columns[names[1]] or 0
   local function matches(i, name, wanted)
      local value = columns[name] and columns[name][i]
      if type(wanted) ~= 'table' then wanted = { wanted } end
      for _, w in ipairs(wanted) do
         if tostring(value) == tostring(w) then return true end
      end
      return false
   end
   local function subset(keep)
      local result = {}
      for _, name in ipairs(names) do
         result[name] = {}
         for i = 1, count do
            if keep(i) then table.insert(result[name], columns[name][i]) end
         end
      end
      return result
   end
   return function(what, conditions)
      if what == nil or what == 'all' then return subset(function() return true end) end
      if what == 'vars' then return names end
      if what == 'inter' then
         return subset(function(i)
            for name, wanted in pairs(conditions or {}) do
               if not matches(i, name, wanted) then return false end
            end
            return true
         end)
      elseif what == 'union' then
         return subset(function(i)
            for name, wanted in pairs(conditions or {}) do
               if matches(i, name, wanted) then return true end
            end
            return false
         end)
      end
      print "query('all'), query('vars'), query('inter', { name = value or { values } }), query('union', { ... })"
   end
end

-- ---- the package ----

-- path, separator (','), mode ('tidy', 'raw', 'query', 'large'), header ('auto', true, false), column_order, skip, verbose
function csvigo.load(...)
   local options = (...)
   if type(options) == 'string' then options = { path = options, mode = select(2, ...) } end
   if type(options) ~= 'table' or not options.path then
      error("csvigo.load: expected a path: csvigo.load{path='file.csv', mode='tidy' | 'raw' | 'query' | 'large'}", 2)
   end
   local mode = options.mode or 'tidy'
   if mode ~= 'tidy' and mode ~= 'raw' and mode ~= 'query' and mode ~= 'large' then
      error("csvigo.load: expected mode 'tidy', 'raw', 'query' or 'large', got " .. tostring(mode), 2)
   end
   if options.verbose ~= false then print('<csv>\tparsing file: ' .. options.path) end
   local rows = records(options.path, options.separator or ',', options.skip or 0)
   if mode == 'raw' then return rows end
   if mode == 'large' then
      return setmetatable({}, { __index = rows, __len = function() return #rows end,
         __newindex = function() error('csvigo: this table can be read alone', 2) end,
         __pairs = function() return ipairs(rows) end, __ipairs = function() return ipairs(rows) end })
   end
   local header = options.header
   if header == nil or header == 'auto' then header = has_header(rows) end
   local names = {}
   if header == true or header == 'true' then
      names = table.remove(rows, 1) or {}
      for i, name in ipairs(names) do names[i] = name:match '^%s*(.-)%s*$' end
   else
      for i = 1, #(rows[1] or {}) do names[i] = 'var_' .. i end
   end
   local columns = {}
   for i, name in ipairs(names) do
      local column = {}
      for k, row in ipairs(rows) do column[k] = row[i] or '' end
      columns[name] = column
   end
   if mode == 'query' then return query_of(columns, names) end
   if options.column_order then return columns, names end
   return columns
end

-- path, data (columns by name, or rows), separator, mode ('autodetect', 'tidy', 'raw'), column_order, header, verbose
function csvigo.save(...)
   local options = (...)
   if type(options) == 'string' then options = { path = options, data = select(2, ...) } end
   if type(options) ~= 'table' or not options.path or type(options.data) ~= 'table' then
      error("csvigo.save: expected a path and data: csvigo.save{path='file.csv', data={...}}", 2)
   end
   local data, separator = options.data, options.separator or ','
   if options.verbose ~= false then print('<csv>\twriting to file: ' .. options.path) end
   local mode = options.mode
   if mode == nil or mode == 'autodetect' then mode = type(data[1]) == 'table' and 'raw' or 'tidy' end
   local rows = data
   if mode ~= 'raw' then
      local names = options.column_order
      if not names then
         names = {}
         for name in pairs(data) do names[#names + 1] = name end
         table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
      end
      rows = options.header == false and {} or { names }
      for i = 1, #(data[names[1]] or {}) do
         local row = {}
         for k, name in ipairs(names) do row[k] = data[name][i] end
         rows[#rows + 1] = row
      end
   end
   local function field(value)
      local text = tostring(value)
      if text:find('["\n\r]') or text:find(separator, 1, true) then text = '"' .. text:gsub('"', '""') .. '"' end
      return text
   end
   local file, why = io.open(options.path, 'w')
   if not file then error('csvigo.save: ' .. tostring(why), 2) end
   local ok, wrong = true, nil
   for _, row in ipairs(rows) do
      local texts = {}
      for i = 1, #row do texts[i] = field(row[i]) end
      ok, wrong = file:write(table.concat(texts, separator), '\n')
      if not ok then break end
   end
   local closed, late = file:close()
   if not ok or not closed then error('csvigo.save: ' .. options.path .. ': ' .. tostring(wrong or late), 2) end
   if options.verbose ~= false then print('<csv>\twriting done') end
end

return csvigo
