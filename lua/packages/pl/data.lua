-- Penlight: tables of rows from delimited files, and queries about them.
local utils = require 'pl.utils'
local stringx = require 'pl.stringx'
local query = require 'pl.data.query'
local data = {}

local Data = {}
Data.__index = Data

local function list(t) return setmetatable(t, require 'pl.List') end

local function complain(name, position, expected, value, level)
   error(('data.%s: argument %d: expected %s, got %s'):format(name, position, expected, type(value)), (level or 2) + 1)
end

-- ---- lines and fields ----

-- the delimiter a line seems to have
local function guess_delimiter(line)
   for _, delimiter in ipairs { ',', '\t', ';' } do
      if line:find(delimiter, 1, true) then return delimiter end
   end
   return ' '
end

-- The fields of a line with quotes; nil where the last quoted one goes on in the next line.
local function split_quoted(line, delimiter)
   local fields, at = {}, 1
   while true do
      local quote = line:match('^%s*"()', at)
      if quote then
         local text, from = '', quote
         while true do
            local stop = line:find('"', from, true)
            if not stop then return nil end
            text = text .. line:sub(from, stop - 1)
            from = stop + 1
            if line:sub(from, from) ~= '"' then break end
            text, from = text .. '"', from + 1
         end
         fields[#fields + 1] = text
         at = line:find(delimiter, from, true)
      else
         local stop = line:find(delimiter, at, true)
         fields[#fields + 1] = stringx.strip(line:sub(at, (stop or #line + 1) - 1))
         at = stop
      end
      if not at then return fields end
      at = at + #delimiter
   end
end

-- a function of a line and a number of fields, the last of which takes the rest
local function splitter(delimiter, csv)
   if csv then return function(line) return split_quoted(line, delimiter) end end
   local spaces = delimiter == ' ' or delimiter == '%s+'
   local plain = not spaces and #delimiter == 1
   return function(line, n)
      line = stringx.strip(line, spaces and ' \t\r' or '\r')
      local fields = utils.split(line, spaces and '%s+' or delimiter, plain, n)
      for i, field in ipairs(fields) do fields[i] = stringx.strip(field) end
      return fields
   end
end

-- a reader of numbers with separators of thousands, '.' where `dotted`
local function number_reader(dotted)
   local separator, point = dotted and '%.' or ',', dotted and ',' or '%.'
   local grouped = '^[%+%-]?%d%d?%d?' .. separator .. '%d%d%d'
   return function(text)
      if text:find(grouped) then text = text:gsub(separator, '') end
      if dotted then text = text:gsub(point, '.') end
      return tonumber(text)
   end
end

-- ---- reading ----

-- an open file, a function that closes it, or nothing and a message
local function opened(name, file, mode, standard)
   if file == nil then return standard, function() end end
   if type(file) == 'string' then
      local f, why = io.open(file, mode)
      if not f then return nil, why end
      return f, function() f:close() end
   end
   local needed = mode == 'r' and 'read' or 'write'
   local ok, method = pcall(function() return file[needed] end)
   if not ok or not method then
      error(('data.%s: expected a name or a file with the method %s, got %s'):format(name, needed, type(file)), 3)
   end
   return file, function() end
end

local function names_list(names)
   if type(names) ~= 'string' then return names end
   local fields = utils.split(names, guess_delimiter(names) == ' ' and '%s+' or guess_delimiter(names))
   for i, field in ipairs(fields) do fields[i] = stringx.strip(field) end
   return fields
end

-- gives a table its names of fields as given, and as identifiers
local function name_fields(d, names)
   local originals, identifiers = {}, {}
   for i, name in ipairs(names) do
      name = tostring(name)
      originals[i] = name
      identifiers[i] = name:gsub('[^%w_]', '_'):gsub('^%d', '_%0')
   end
   d.fieldnames, d.original_fieldnames = list(identifiers), list(originals)
end

local function any_number(fields, convert)
   for _, field in ipairs(fields) do
      if convert(field) then return true end
   end
   return false
end

-- which columns get which conversion, by the options and the first row
local function conversions(first, d, o, to_number)
   local by_column = {}
   if o.numfields then
      for _, i in ipairs(o.numfields) do by_column[i] = to_number end
   elseif not o.no_convert then
      for i, field in ipairs(first) do
         if to_number(field) then by_column[i] = to_number end
      end
   end
   for column, convert in pairs(o.convert or {}) do
      if type(column) == 'string' then
         for i, name in ipairs(d.fieldnames) do
            if name == column or d.original_fieldnames[i] == column then column = i end
         end
      end
      by_column[column] = convert
   end
   return by_column
end

-- converts a row's fields, or says which one cannot be
local function convert_row(row, by_column, to_number)
   for i, convert in pairs(by_column) do
      local field = row[i]
      if field ~= nil then
         local value
         -- an empty field of a column of numbers is zero
         if convert == to_number and field == '' then value = 0 else value = convert(field) end
         if value == nil then return nil, ("column %s: cannot convert '%s' to a number"):format(i, field) end
         row[i] = value
      end
   end
   return row
end

local function read_rows(file, o)
   local d, line_number = setmetatable({}, Data), 0
   local split, width, by_column
   local to_number = number_reader(o.thousands_dot)
   local function next_line()
      local line
      repeat
         line = file:read()
         line_number = line_number + 1
      until not line or line:find '%S'
      return line and line:gsub('\r$', '')
   end
   if o.fieldnames then name_fields(d, names_list(o.fieldnames)) end
   local line = next_line()
   if not line then
      if not d.fieldnames then name_fields(d, {}) end
      d.delim = o.delim or ','
      return d
   end
   d.delim = o.delim or o.csv and ',' or guess_delimiter(line)
   split = splitter(d.delim, o.csv)
   while line do
      local fields = split(line, o.last_field_collect and width)
      while not fields do
         local more = file:read()
         if not more then return nil, ('line %d: a quote is not closed'):format(line_number) end
         line, line_number = line .. '\n' .. more, line_number + 1
         fields = split(line)
      end
      if not d.fieldnames and not any_number(fields, to_number) then
         name_fields(d, fields)
         width = #fields
      else
         if not d.fieldnames then name_fields(d, {}) end
         if not width then
            width = #d.fieldnames > 0 and #d.fieldnames or #fields
            if o.last_field_collect and #fields > width then fields = split(line, width) end
         end
         by_column = by_column or conversions(fields, d, o, to_number)
         local row, why = convert_row(fields, by_column, to_number)
         if not row then return nil, ('line %d: %s'):format(line_number, why) end
         d[#d + 1] = row
      end
      line = next_line()
   end
   return d
end

-- Reads a delimited file (a name, an object, standard input); options: delim, fieldnames, no_convert, convert, numfields,
-- last_field_collect, thousands_dot, csv. Nil and a message where there is no file or a number is none.
function data.read(file, options)
   if options ~= nil and type(options) ~= 'table' then complain('read', 2, 'a table of options', options) end
   local f, close = opened('read', file, 'r', io.stdin)
   if not f then return utils.raise(close) end
   local d, why = read_rows(f, options or {})
   close()
   if not d then return utils.raise((type(file) == 'string' and file .. ': ' or '') .. why) end
   return d
end

-- a table of rows as one with names of fields: a list, or a text with commas
function data.new(d, fieldnames)
   if type(d) ~= 'table' then complain('new', 1, 'a table of rows', d) end
   if d[1] ~= nil and type(d[1]) ~= 'table' then complain('new', 1, 'a table of rows, not a list', d[1]) end
   local names = fieldnames or d.fieldnames or {}
   if type(names) ~= 'table' and type(names) ~= 'string' then complain('new', 2, 'names of fields', names) end
   d.delim = d.delim or type(names) == 'string' and guess_delimiter(names) or ','
   name_fields(d, names_list(names))
   return setmetatable(d, Data)
end

-- ---- writing ----

local function text_of(row, delimiter)
   if type(row) ~= 'table' then error('data.write: rows expected as tables, got ' .. require('nn.expect').brief(row)) end
   local texts = {}
   for i = 1, #row do
      local text = tostring(row[i])
      if delimiter == ',' and text:find '[,"\n]' then text = '"' .. text:gsub('"', '""') .. '"' end
      texts[i] = text
   end
   return table.concat(texts, delimiter == '%s+' and ' ' or delimiter) .. '\n'
end

local function write_all(name, d, file, names, delimiter)
   local f, close = opened(name, file, 'w', io.stdout)
   if not f then return utils.raise(close) end
   if names and #names > 0 then f:write(text_of(names, delimiter)) end
   for _, row in ipairs(d) do f:write(text_of(row, delimiter)) end
   close()
   return true
end

-- rows as lines of a file (a name or an object), behind the names of fields where there are any
function data.write(d, file, fieldnames, delimiter)
   if type(d) ~= 'table' then complain('write', 1, 'a table of rows', d) end
   return write_all('write', d, file, fieldnames, delimiter or '\t')
end
function Data:write(file) return write_all('write', self, file, self.fieldnames, self.delim) end
function Data:write_row(file, row)
   if type(row) ~= 'table' then complain('write_row', 2, 'a row', row) end
   file:write(text_of(row, self.delim))
end

-- ---- columns ----

function Data:column_names() return self.fieldnames end

-- the values of a column, by its name or number
function Data:column_by_name(name)
   local column = type(name) == 'number' and name or nil
   for i, field in ipairs(self.fieldnames) do
      if field == name or not column and self.original_fieldnames and self.original_fieldnames[i] == name then column = i end
   end
   if not column then
      error(("data.column_by_name: there is no column '%s'; there are: %s")
         :format(tostring(name), table.concat(self.fieldnames, ', ')), 2)
   end
   local values = {}
   for i, row in ipairs(self) do values[i] = row[column] end
   return list(values)
end

-- ---- queries ----

-- Values of rows by a query, with a table or a list of tables of further names it may use.
function data.query(d, condition, context, as_rows)
   if type(d) ~= 'table' then complain('query', 1, 'a table of rows', d) end
   local rows, why = query('query', d, condition, context, as_rows)
   return rows, not rows and why or nil
end
function Data:select(condition)
   local rows, why = query('select', self, condition, nil, false)
   return rows, not rows and why or nil
end
function Data:select_row(condition)
   local rows, why = query('select_row', self, condition, nil, true)
   return rows, not rows and why or nil
end

-- the rows of a query as a table of their own
function Data:copy_select(condition)
   local rows, names = query('copy_select', self, condition, nil, true)
   if not rows then return nil, names end
   local copy = { delim = self.delim }
   for row in rows do copy[#copy + 1] = row end
   return data.new(copy, names)
end

-- Writes what a query has of a delimited file (standard input) to another (standard output).
function data.filter(condition, input, output, dont_fail)
   -- called in return position: the caller of filter is one level up
   local function failed(why)
      if dont_fail then return nil, why end
      error('data.filter: ' .. why, 2)
   end
   local d, why = data.read(input)
   if not d then return failed(why) end
   local rows, wrong = query('filter', d, condition, nil, true)
   if not rows then return failed(wrong) end
   local f, close = opened('filter', output, 'w', io.stdout)
   if not f then return failed(close) end
   for row in rows do f:write(text_of(row, d.delim)) end
   close()
   return true
end

return data
