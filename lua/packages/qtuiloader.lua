-- Package qtuiloader: windows as Qt Designer's files describe them, with their widgets by name and the values of these.
local qt = require 'qt'
local widgets = require 'qt.widgets'
local qtuiloader = {}

local function text_of(s) return (s:gsub('&lt;', '<'):gsub('&gt;', '>'):gsub('&quot;', '"'):gsub('&amp;', '&')) end

-- the properties that programs read: sizes, values, titles
local function property(widget, name, body)
   local kind, inner = body:match '^%s*<(%w+)[^>]*>(.*)</%1>%s*$'
   if kind == 'rect' or kind == 'size' then
      local rect = {}
      for key, value in inner:gmatch '<(%w+)>%s*(-?%d+)%s*</' do rect[key] = tonumber(value) end
      widget[name] = kind == 'rect' and qt.QRect(rect) or qt.QSize(rect)
   elseif kind == 'number' or kind == 'double' then
      widget[name] = tonumber(inner)
   elseif kind == 'bool' then
      widget[name] = inner == 'true'
   elseif kind == 'string' or kind == 'enum' then
      widget[name] = text_of(inner)
   end
end

-- The window of a file. Nobody can move its sliders: they keep the values of the file, and those that the program sets.
function qtuiloader.load(path)
   if type(path) ~= 'string' then error('qtuiloader.load: expected a file name, got ' .. torch.type(path), 2) end
   local file, why = io.open(path, 'r')
   if not file then error('qtuiloader.load: ' .. why, 2) end
   local source = file:read '*a' or ''
   file:close()
   local top
   local open = {}
   local at = 1
   while true do
      local from, to, close, tag, attributes, single = source:find('<(/?)([%w_]+)([^>]-)(/?)>', at)
      if not from then break end
      at = to + 1
      if tag == 'widget' and close == '' then
         local widget = widgets.new(open[#open], attributes:match 'class="([^"]*)"')
         local name = attributes:match 'name="([^"]*)"'
         if #open > 0 and name then widgets.adopt(open[#open], name, widget) end
         top = top or widget
         if single == '' then open[#open + 1] = widget end
      elseif tag == 'widget' then
         open[#open] = nil
      elseif tag == 'property' and close == '' and single == '' then
         local stop, after = source:find('</property>', at, true)
         if not stop then break end
         local name = attributes:match 'name="([^"]*)"'
         if #open > 0 and name then property(open[#open], name, source:sub(at, stop - 1)) end
         at = after + 1
      end
   end
   if not top then error('qtuiloader.load: ' .. path .. ' describes no widget', 2) end
   return top
end

_G.qtuiloader = qtuiloader
return qtuiloader
