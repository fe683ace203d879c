-- Values as HTML: tables and tensors that fold.
local torch = torch
local display = require 'rekindle.display'
local is_plain = display.is_plain
local html = {}

-- entries of a table, rows and columns of a matrix, matrices of a tensor that are shown
local ENTRIES, ROWS, COLUMNS, PLANES = 200, 20, 20, 4
-- everything together
local MOST = 4000

local ESCAPES = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;', ["'"] = '&#39;' }

-- A text as HTML has it.
function html.escape(text) return (tostring(text):gsub('[&<>"\']', ESCAPES)) end

local CELL = '<td style="text-align:right">%s</td>'

local function number_text(v)
   if type(v) ~= 'number' then return html.escape(tostring(v)) end
   if v == math.floor(v) and math.abs(v) < 1e15 then return string.format('%.0f', v) end
   return string.format('%.5g', v)
end

-- the indices of a dimension that are shown, with false where some are left out
local function places(size, most)
   local list = {}
   if size <= most then
      for i = 1, size do list[i] = i end
      return list
   end
   for i = 1, most / 2 do list[i] = i end
   list[#list + 1] = false
   for i = size - most / 2 + 1, size do list[#list + 1] = i end
   return list
end

local function fold(head, body, open)
   return string.format('<details%s><summary>%s</summary>%s</details>', open and ' open' or '', head, body)
end

local function matrix(t)
   local rows, columns = places(t:size(1), ROWS), places(t:size(2), COLUMNS)
   local out = {}
   for _, i in ipairs(rows) do
      local cells = {}
      for _, j in ipairs(columns) do cells[#cells + 1] = CELL:format(i and j and number_text(t[i][j]) or '…') end
      out[#out + 1] = '<tr>' .. table.concat(cells) .. '</tr>'
   end
   return '<table>' .. table.concat(out) .. '</table>'
end

local function planes(t)
   if t:dim() == 2 then return matrix(t) end
   local out = {}
   for _, i in ipairs(places(t:size(1), PLANES)) do
      out[#out + 1] = i and fold('[' .. i .. ']', planes(t[i]), #out == 0) or '…'
   end
   return table.concat(out)
end

local function tensor(t, open)
   local sizes = t:dim() == 0 and 'empty' or table.concat(t:size():totable(), '×')
   local head = html.escape(torch.typename(t)) .. ' ' .. sizes
   if t:dim() == 0 then return head end
   return fold(head, planes(t:dim() == 1 and t:view(1, -1) or t), open)
end

local value

local function entries(t, level, seen)
   if seen[t] then return '{…}: a table around this one' end
   local keys = {}
   for k in next, t do keys[#keys + 1] = k end
   local head = 'table of ' .. #keys
   if #keys == 0 then return head end
   if level > display.depth then return head .. ' …' end
   table.sort(keys, display.by_kind)
   seen[t] = true
   local out = {}
   for i, k in ipairs(keys) do
      if i > ENTRIES or seen.count > MOST then
         out[i] = string.format('<tr><td colspan="2">… %d more</td></tr>', #keys - i + 1)
         break
      end
      seen.count = seen.count + 1
      out[i] = string.format('<tr><td style="text-align:left">%s</td><td style="text-align:left">%s</td></tr>',
         html.escape(tostring(k)), value(t[k], level + 1, seen))
   end
   seen[t] = nil
   return fold(head, '<table>' .. table.concat(out) .. '</table>', level == 1)
end

function value(v, level, seen)
   if is_plain(v) then return entries(v, level, seen) end
   if torch.isTensor(v) then
      seen.count = seen.count + math.min(v:nElement(), ROWS * COLUMNS)
      return tensor(v, level == 1)
   end
   local text = tostring(v)
   if #text > 1000 then text = text:sub(1, 1000) .. '…' end
   return (html.escape(text):gsub('\n', '<br>'))
end

-- A table or tensor as HTML; nil for what has no parts.
function html.of(v)
   if is_plain(v) or torch.isTensor(v) and v:nElement() > 0 then return value(v, 1, { count = 0 }) end
end

return html
