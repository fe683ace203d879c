-- Package display: images, plots and texts in panes, in the notebook or in one HTML file that reloads itself. No server runs.
local base64 = require 'base64'
local files = require 'gnuplot.files'
local chart = require 'gnuplot.chart'
local html = require 'rekindle.html'
local native = require 'rekindle.native'
local series = require 'gnuplot.series'
local display = {}

local function refuse(name, ...) error('display.' .. name .. ': ' .. string.format(...), 3) end

local count = 0
local function pane(options, data, content)
   local id = options.win
   if id == nil then
      count = count + 1
      id = 'pane-' .. count
   end
   if native.kernel then
      require('rekindle.notebook').display(data, id)
   else
      require('rekindle.page').show(tostring(id), content, options.title and tostring(options.title))
   end
   return id
end

local function options_of(name, options)
   if options ~= nil and type(options) ~= 'table' then refuse(name, 'expected a table of options, got %s', torch.type(options)) end
   return options or {}
end

-- where a server would be: there is none
function display.configure() end

-- ---- pictures ----

-- a picture's values from 0 to 1, as three planes of bytes
local function pixels_of(name, img, options)
   local d = torch.isTensor(img) and img:dim() or 0
   if d ~= 2 and not (d == 3 and (img:size(1) == 1 or img:size(1) == 3)) then
      error(string.format('display.%s: expected HxW, 1xHxW or 3xHxW, got %s', name,
         torch.isTensor(img) and table.concat(img:size():totable(), 'x') or torch.type(img)), 4)
   end
   local x = img:double()
   local lo, hi = options.min or x:min(), options.max or x:max()
   x = hi > lo and (x - lo):div(hi - lo):clamp(0, 1) or x:clone():zero()
   if d == 2 then x = x:view(1, x:size(1), x:size(2)) end
   return x:mul(255):add(0.5):floor():byte():expand(3, x:size(2), x:size(3)):contiguous()
end

local function png_of(pixels) return require('image').compressPNG(pixels):storage():string() end

local function tag(png, options)
   local width = tonumber(options.width)
   return string.format('<img src="data:image/png;base64,%s"%s>', base64.encode(png), width and string.format(' width="%d"', width) or '')
end

local function is_list(img)
   return type(img) == 'table' or torch.isTensor(img) and (img:dim() == 4 or img:dim() == 3 and img:size(1) ~= 1 and img:size(1) ~= 3)
end

-- Shows a picture: HxW, 1xHxW or 3xHxW, from its least value as black to its greatest as white. A list, or a tensor of several,
-- goes to display.images. Options: win (a pane that an earlier call gave), title, width, min, max. The pane.
function display.image(img, options)
   options = options_of('image', options)
   if is_list(img) then return display.images(img, options) end
   local png = png_of(pixels_of('image', img, options))
   return pane(options, { ['image/png'] = base64.encode(png), ['text/plain'] = '<display.image>' }, tag(png, options))
end

-- Shows pictures beside each other, each with its own range of values. Options as image; labels, nperrow.
function display.images(list, options)
   options = options_of('images', options)
   if torch.isTensor(list) then
      local parts = {}
      for i = 1, list:size(1) do parts[i] = list[i] end
      list = parts
   end
   if type(list) ~= 'table' or #list == 0 then refuse('images', 'expected a list of pictures, got %s', torch.type(list)) end
   local labels, cells = options.labels or {}, {}
   local per = math.max(1, math.floor(tonumber(options.nperrow) or math.ceil(math.sqrt(#list))))
   for i, img in ipairs(list) do
      local one = tag(png_of(pixels_of('images', img, options)), {})
      local label = labels[i] ~= nil and html.escape(tostring(labels[i])) .. '<br>' or ''
      cells[#cells + 1] = string.format('<td style="text-align:center">%s%s</td>%s', label, one, i % per == 0 and '</tr><tr>' or '')
   end
   local content = '<table><tr>' .. table.concat(cells) .. '</tr></table>'
   return pane(options, { ['text/html'] = content, ['text/plain'] = '<display.images>' }, content)
end

-- ---- plots ----

-- the columns of a matrix, or of a list of rows
local function columns_of(data)
   if not torch.isTensor(data) then
      local fine, made = pcall(torch.DoubleTensor, data)
      if not fine or type(data) ~= 'table' then error('display.plot: expected a tensor or a list of rows of numbers', 3) end
      data = made
   end
   if data:dim() ~= 2 or data:size(2) < 2 then
      error('display.plot: expected rows of x and one or more values, got ' .. table.concat(data:size():totable(), 'x'), 3)
   end
   return data:double()
end

-- Plots columns over the first one. Options: win, title, labels (of all columns), xlabel, ylabel, logscale. The pane.
function display.plot(data, options)
   options = options_of('plot', options)
   data = columns_of(data)
   local labels, curves = options.labels or {}, {}
   for k = 2, data:size(2) do
      curves[k - 1] = { name = labels[k] ~= nil and tostring(labels[k]) or '', style = { lines = true },
         x = data:select(2, 1):totable(), y = data:select(2, k):totable() }
   end
   local function text(v) return v ~= nil and tostring(v) or nil end
   local drawing = chart.draw { content = { curves = curves }, settings = { width = 640, height = 400, key = { 'right', 'top' }, grid = true,
      title = text(options.title), xlabel = text(options.xlabel or labels[1]), ylabel = text(options.ylabel), logy = { options.logscale == true } } }
   local svg = files.bytes(drawing, 'svg')
   return pane(options, { ['image/svg+xml'] = svg, ['text/plain'] = '<display.plot>' }, (svg:gsub('^%s*<%?xml.-%?>%s*', '')))
end

-- ---- texts ----

-- Shows a text, which may be HTML. Options: win, title. The pane.
function display.text(text, options)
   options = options_of('text', options)
   text = tostring(text)
   return pane(options, { ['text/html'] = text, ['text/plain'] = text }, text)
end

return display
