-- How the session shows results: tables with their content, in colours on a terminal; of large tensors the corners.
local torch = torch
local display = { depth = 5, colours = false }

local CODES = { key = '34', text = '32', number = '36', special = '33', note = '2' }
local function coloured(kind, text)
   if not display.colours then return text end
   return '\27[' .. CODES[kind] .. 'm' .. text .. '\27[0m'
end

local function sizes_of(t)
   local sizes = {}
   for d = 1, t:dim() do sizes[d] = t:size(d) end
   return sizes
end

-- one value within a table
local function brief(v)
   local name = torch.typename(v)
   if name and torch.isTensor(v) then
      local sizes = sizes_of(v)
      local size = #sizes == 0 and 'empty' or 'size: ' .. table.concat(sizes, 'x')
      return coloured('special', string.format('%s - %s', name:match('[^.]+$'), size))
   elseif name and torch.isStorage(v) then
      return coloured('special', string.format('%s - size: %d', name:match('[^.]+$'), #v))
   elseif type(v) == 'string' then
      return coloured('text', '"' .. v .. '"')
   elseif type(v) == 'number' then
      return coloured('number', tostring(v))
   end
   return coloured('special', tostring(v))
end

-- What a value is, in one line.
function display.summary(v)
   if type(v) ~= 'table' or torch.typename(v) then return (brief(v):match('[^\n]*')) end
   local n = 0
   for _ in pairs(v) do n = n + 1 end
   return coloured('special', string.format('table of %d', n))
end

-- The order of a table's keys.
function display.by_kind(a, b)
   local ta, tb = type(a), type(b)
   if ta == tb and (ta == 'number' or ta == 'string') then return a < b end
   if ta ~= tb then return ta == 'number' or tb ~= 'number' and ta < tb end
   return tostring(a) < tostring(b)
end

-- Whether a value is a table without a class.
local function is_plain(v) return type(v) == 'table' and debug.getmetatable(v) == nil end
display.is_plain = is_plain

local function lines(t, indent, level, out, seen)
   if seen[t] then
      out[#out + 1] = indent .. coloured('note', '{...}: a table around this one')
      return
   elseif level > display.depth then
      out[#out + 1] = indent .. coloured('note', '{...}: deeper than setprintlevel(' .. display.depth .. ')')
      return
   end
   seen[t] = true
   out[#out + 1] = indent .. '{'
   local keys, width = {}, 0
   for k in pairs(t) do
      keys[#keys + 1] = k
      width = math.max(width, #tostring(k))
   end
   table.sort(keys, display.by_kind)
   for _, k in ipairs(keys) do
      local v, label = t[k], tostring(k)
      label = indent .. '  ' .. coloured('key', label) .. string.rep(' ', width - #label) .. ' : '
      if is_plain(v) then
         out[#out + 1] = label
         lines(v, indent .. '    ', level + 1, out, seen)
      else
         out[#out + 1] = label .. brief(v)
      end
   end
   out[#out + 1] = indent .. '}'
   seen[t] = nil
end

-- ---- large tensors ----

local LARGE, EDGE = 1000, 4

-- the first and last indices of a dimension, or nil where it is short
local function edges(size)
   if size <= 2 * EDGE then return nil end
   local ends = {}
   for i = 1, EDGE do ends[i], ends[EDGE + i] = i, size - EDGE + i end
   return torch.LongTensor(ends)
end

-- a text of the corners of a tensor of one or two dimensions, with dots where something was left out
local function corner_text(t)
   local rows, columns = edges(t:size(1)), t:dim() == 2 and edges(t:size(2))
   local small = t
   if rows then small = small:index(1, rows) end
   if columns then small = small:index(2, columns) end
   local out, count = {}, 0
   for line in tostring(small):gsub('%[torch[^\n]*\n?$', ''):gmatch('([^\n]+)\n') do
      if not line:find('%*$') and not line:find('^%s*Columns') then
         count = count + 1
         if columns then
            line = line:gsub('^(' .. ('%s*%S+'):rep(EDGE) .. ')(.*)$', '%1  ...%2')
         end
         if rows and count == EDGE + 1 then out[#out + 1] = ' ...' end
      end
      out[#out + 1] = line
   end
   return table.concat(out, '\n')
end

local function large_text(t)
   local sizes, plane, prefix = sizes_of(t), t, ''
   if t:dim() > 2 then
      for _ = 1, t:dim() - 2 do
         plane = plane:select(1, 1)
         prefix = prefix .. '1,'
      end
      prefix = '(' .. prefix .. '.,.) =\n'
   end
   local note = 'the corners' .. (prefix ~= '' and ' of the first plane' or '') .. '; print(_RESULT) shows all'
   return prefix .. corner_text(plane) .. string.format('\n[%s of size %s] ', torch.typename(t), table.concat(sizes, 'x'))
      .. coloured('note', '(' .. note .. ')')
end

-- What is shown of other values than plain tables.
local function text_of(v)
   if torch.isTensor(v) and v:dim() > 0 and v:nElement() > LARGE then return large_text(v) end
   return tostring(v)
end

-- Writes a result as the session shows it.
function display.show(v)
   -- line by line, so that Ctrl-C finds its way in between
   if is_plain(v) then return lines(v, '', 1, setmetatable({}, { __newindex = function(_, _, line) print(line) end }), {}) end
   print(text_of(v))
end

-- The same as a text, of at most so many lines.
function display.text(v, most)
   if not is_plain(v) then return text_of(v) end
   local out, count = {}, 0
   local ENOUGH = {}
   local fine, why = pcall(lines, v, '', 1, setmetatable({}, { __newindex = function(_, _, line)
      if count == most then error(ENOUGH, 0) end
      count = count + 1
      out[count] = line
   end }), {})
   if not fine and why ~= ENOUGH then error(why, 0) end
   if not fine then out[count + 1] = '...' end
   return table.concat(out, '\n')
end

return display
