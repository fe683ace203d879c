-- Values as text, and the functions that xlua adds to the libraries string and table.
local text = {}

local function quoted(s)
   s = s:gsub('\n', '\\n')
   if s:find('"', 1, true) and not s:find("'", 1, true) then return "'" .. s .. "'" end
   return '"' .. s:gsub('"', '\\"') .. '"'
end

local function shown(value)
   if type(value) == 'string' then return quoted(value) end
   if type(value) == 'table' then return text.table2string(value) end
   return tostring(value)
end

local function key_shown(key)
   if type(key) == 'string' and key:find('^[%a_][%w_]*$') then return key end
   return '[' .. shown(key) .. ']'
end

-- A table as Lua text: the list part first, then the named entries; with `newline`, one entry per line.
function text.table2string(t, newline)
   if type(t) ~= 'table' then
      error("xlua.table2string: bad argument #1 (table expected, got " .. type(t) .. ')', 2)
   end
   local entries, listed = {}, {}
   for i, value in ipairs(t) do
      entries[i] = shown(value)
      listed[i] = true
   end
   for key, value in pairs(t) do
      if not listed[key] then
         entries[#entries + 1] = key_shown(key) .. (newline and ' : ' or '=') .. shown(value)
      end
   end
   if newline then return '{\n   ' .. table.concat(entries, '\n   ') .. '\n}' end
   return '{' .. table.concat(entries, ',') .. '}'
end

-- A duration in its two largest units: '2h13m', '1s500ms'.
function text.formatTime(seconds)
   local whole = math.floor(seconds)
   local units = {
      { math.floor(whole / 86400), 'D' },
      { math.floor(whole / 3600) % 24, 'h' },
      { math.floor(whole / 60) % 60, 'm' },
      { whole % 60, 's' },
      { math.floor((seconds - whole) * 1000), 'ms' },
   }
   local said = {}
   for _, unit in ipairs(units) do
      if unit[1] > 0 and #said < 2 then said[#said + 1] = unit[1] .. unit[2] end
   end
   return #said > 0 and table.concat(said) or '0ms'
end

-- one line per field, cut to a readable length
local function write_fields(object)
   local lines = {}
   for key, value in pairs(object) do
      local said = type(value) == 'userdata' and '<userdata>' or tostring(value):gsub('\n', '\\n')
      if #said > 40 then said = said:sub(1, 40) .. '\27[0m ... ' end
      lines[#lines + 1] = '[' .. tostring(key) .. '] = ' .. said
   end
   io.write('{', table.concat(lines, '\n '), '}')
end

local function write_object(object)
   local meta = getmetatable(object)
   if type(meta) == 'table' and meta.__tostring__ then
      io.write(meta.__tostring__(object))
      return
   end
   local said = tostring(object)
   if not said:find('^table: ') then
      if type(object.usage) == 'string' then
         io.write(object.usage, '\n\nFIELDS:\n')
      else
         io.write(said, ':\n')
      end
   end
   write_fields(object)
end

-- Prints a value, a table with its fields; what follows is printed beside it as print does.
function text.print(...)
   local first = ...
   if type(first) == 'table' then write_object(first) else io.write(tostring(first)) end
   if select('#', ...) > 1 then
      io.write('    ')
      print(select(2, ...))
   else
      io.write('\n')
   end
end

-- The parts between separators (a pattern). An empty part at either end is left out, one in the middle is not.
function string.split(s, separator)
   local parts, from = {}, 1
   while from <= #s do
      local first, last = s:find(separator, from)
      if not first then break end
      if last < first then error(string.format('string.split: the separator %q matches nothing', separator), 2) end
      if first > 1 then parts[#parts + 1] = s:sub(from, first - 1) end
      from = last + 1
   end
   if from <= #s then parts[#parts + 1] = s:sub(from) end
   return parts
end

-- The value of an expression over the globals, such as 'nn.Linear'.
function string.tosymbol(s)
   local chunk, why = loadstring('return ' .. s)
   if not chunk then error('string.tosymbol: ' .. why, 2) end
   local found, value = pcall(chunk)
   if not found or value == nil then error('string.tosymbol: symbol "' .. s .. '" does not exist', 2) end
   return value
end

-- Takes `length` elements (1) from position `start` (1) out of a list. Gives what stays and what was taken, both new.
function table.splice(list, start, length)
   start, length = start or 1, length or 1
   local rest, taken = {}, {}
   for i, value in ipairs(list) do
      local into = i >= start and i < start + length and taken or rest
      into[#into + 1] = value
   end
   return rest, taken
end

-- One element per value of `hash` (by default each different element), in the order of first appearance: the last of
-- its kind, or what `merge(new, old)` makes of them.
function table.prune(list, hash, merge)
   hash = hash or tostring
   local order, kept = {}, {}
   for _, value in ipairs(list) do
      local key = hash(value)
      if kept[key] == nil then
         order[#order + 1] = key
         kept[key] = value
      else
         kept[key] = merge and merge(value, kept[key]) or value
      end
   end
   local out = {}
   for i, key in ipairs(order) do out[i] = kept[key] end
   return out
end

return text
