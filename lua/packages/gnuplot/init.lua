-- Package gnuplot: plots, drawn by the program itself.
local chart = require 'gnuplot.chart'
local files = require 'gnuplot.files'
local palette = require 'gnuplot.palette'
local raw = require 'gnuplot.raw'
local series = require 'gnuplot.series'

local gnuplot = {}

-- figures by their numbers: { id, settings, content, file, kind, told }
local figures, current = {}, nil
-- what figures without a file of their own are drawn as, and where
local plain_kind, folder = 'png', nil

local function complain(name, level, ...) error('gnuplot.' .. name .. ': ' .. string.format(...), level + 1) end

-- What other files refuse becomes an error of the function that was called: answered(name, pcall(f, refuse, ...))
local function refuse(message) error({ refused = message }, 0) end
local function answered(name, fine, result)
   if fine then return result end
   if type(result) == 'table' and result.refused then complain(name, 3, '%s', result.refused) end
   error(result, 0)
end

local function new_figure(id)
   local figure = { id = id, settings = { width = 640, height = 480, key = { 'right', 'top' } } }
   figures[id], current = figure, figure
   return figure
end

local function next_id()
   local most = 0
   for id in pairs(figures) do most = math.max(most, id) end
   return most + 1
end

local function figure_now() return current or new_figure(next_id()) end

local function number_of(name, n)
   if type(n) ~= 'number' or n ~= math.floor(n) or n < 1 or n > 2 ^ 31 then
      complain(name, 3, 'expected the number of a figure, got %s', type(n) == 'number' and tostring(n) or torch.type(n))
   end
   return n
end

-- a name for the figures of this run, in the folder for temporary files
local function plain_name(figure)
   if not folder then
      folder = os.tmpname()
      os.remove(folder)
   end
   return string.format('%s-figure-%d.%s', folder, figure.id, figure.kind or plain_kind)
end

-- Draws a figure into its file. One without a file goes to a temporary one, whose name is printed once: a program on a
-- server goes on whatever becomes of the picture.
local function draw(name, figure, level)
   if not figure.content then return end
   local drawing = chart.draw(figure.content, figure.settings)
   if figure.file then
      local fine, why = files.write(drawing, figure.file, figure.kind or files.kind(figure.file) or 'png')
      if not fine then complain(name, level + 1, 'cannot write %s', why) end
      return
   end
   local file = plain_name(figure)
   local fine, why = files.write(drawing, file, figure.kind or plain_kind)
   if figure.told == file then return end
   figure.told = file
   if fine then
      io.stderr:write(string.format('gnuplot: figure %d is drawn in %s\n', figure.id, file))
   else
      io.stderr:write(string.format('gnuplot: figure %d is not drawn: %s\n', figure.id, why))
   end
end

local function show(name, content, level)
   local figure = figure_now()
   figure.content = content
   draw(name, figure, level + 1)
end

local function change(name, settings)
   local figure = figure_now()
   for key, value in pairs(settings) do figure.settings[key] = value[1] end
   draw(name, figure, 3)
end

-- FIGURES

-- Selects a figure, or makes it; a new one without a number. Its number.
function gnuplot.figure(n)
   local id = n == nil and next_id() or number_of('figure', n)
   current = figures[id] or new_figure(id)
   return id
end

-- Forgets a figure, the current one without a number.
function gnuplot.close(n)
   local figure = current
   if n ~= nil then figure = figures[number_of('close', n)] end
   if not figure then return end
   figures[figure.id] = nil
   if figure ~= current then return end
   current = nil
   for id, other in pairs(figures) do
      if not current or id > current.id then current = other end
   end
end

function gnuplot.closeall() figures, current = {}, nil end

for _, kind in ipairs { 'png', 'svg', 'pdf', 'eps' } do
   local name = kind .. 'figure'
   -- A new figure that is drawn into this file. Its number.
   gnuplot[name] = function(path)
      if type(path) ~= 'string' then complain(name, 2, 'expected a file name, got %s', torch.type(path)) end
      local file, why = io.open(path, 'wb')
      if not file then complain(name, 2, 'cannot write %s', why) end
      file:close()
      local figure = new_figure(next_id())
      figure.file, figure.kind = path, kind
      return figure.id
   end
end

-- Draws the current figure into a file besides; the name's ending tells its kind.
function gnuplot.figprint(path)
   if type(path) ~= 'string' then complain('figprint', 2, 'expected a file name, got %s', torch.type(path)) end
   local kind = files.kind(path)
   if not kind then complain('figprint', 2, 'expected a name that ends in .png, .svg, .pdf or .eps, got %s', path) end
   if not current or not current.content then complain('figprint', 2, 'nothing is plotted yet') end
   local fine, why = files.write(chart.draw(current.content, current.settings), path, kind)
   if not fine then complain('figprint', 2, 'cannot write %s', why) end
end

-- Files are complete after every call, so there is nothing to wait for.
function gnuplot.plotflush(n)
   if n ~= nil then number_of('plotflush', n) end
end

-- PLOTS

function gnuplot.plot(...)
   local curves = answered('plot', pcall(series.parse, refuse, ...))
   show('plot', { curves = curves }, 2)
end

-- a tensor's numbers in bins: as many, from min to max
local function binned(name, x, bins, min, max)
   if not torch.isTensor(x) then complain(name, 3, 'expected a tensor, got %s', torch.type(x)) end
   bins = bins or 10
   if type(bins) ~= 'number' or not (bins >= 1 and bins <= 1e6) then
      complain(name, 3, 'expected a number of bins from 1 to 1000000, got %s', tostring(bins))
   end
   for _, v in ipairs { min or 0, max or 0 } do
      if type(v) ~= 'number' or v ~= v or math.abs(v) == math.huge then
         complain(name, 3, 'expected min and max as numbers, got %s', tostring(v))
      end
   end
   if x:nElement() == 0 then complain(name, 3, 'expected a tensor with elements, got an empty one') end
   x, bins = x:double():contiguous():view(-1), math.floor(bins)
   x = x[x:eq(x):cmul(torch.abs(x):lt(math.huge))]
   if x:nElement() == 0 then complain(name, 3, 'no element of the tensor is a finite number') end
   min, max = min or x:min(), max or x:max()
   if min > max then complain(name, 3, 'min is %g and max %g', min, max) end
   if min == max then min, max = min - 0.5, max + 0.5 end
   local width = (max - min) / bins
   local h = { raw = torch.histc(x, bins, min, max), val = torch.range(0, bins - 1):mul(width):add(min + width / 2) }
   h.min, h.max, h.bins, h.width = min, max, bins, width
   for k = 1, bins do h[k] = { val = h.val[k], nb = h.raw[k] } end
   return h
end

local function boxes(x, y, width)
   return { curves = { { name = '', style = { boxes = true, opacity = 0.5 }, x = x:totable(), y = y:totable(), box = width } } }
end

-- How many elements lie in each bin: a list of { val = middle, nb = count }, with raw (the counts), val (the middles), min, max, bins.
function gnuplot.histc(x, bins, min, max) return binned('histc', x, bins, min, max) end

-- The histogram of a tensor's elements. What histc gives.
function gnuplot.hist(x, bins, min, max)
   local h = binned('hist', x, bins, min, max)
   show('hist', boxes(h.val, h.raw, h.width), 2)
   return h
end

-- Bars of these heights, at 1, 2, ... or at places x; or what histc gave.
function gnuplot.bar(x, y)
   if type(x) == 'table' and not torch.isTensor(x) and torch.isTensor(x.raw) and torch.isTensor(x.val) then
      show('bar', boxes(x.val, x.raw, x.width), 2)
      return
   end
   if not torch.isTensor(x) or y ~= nil and not torch.isTensor(y) then
      complain('bar', 2, 'expected tensors or what histc gives, got %s', torch.type(torch.isTensor(x) and y or x))
   end
   local heights = (y or x):double():contiguous():view(-1)
   local places = y and x:double():contiguous():view(-1) or torch.range(1, math.max(1, heights:nElement()))
   if heights:nElement() == 0 or heights:nElement() ~= places:nElement() then
      complain('bar', 2, 'expected as many places as heights, got %d and %d', y and x:nElement() or 0, heights:nElement())
   end
   show('bar', boxes(places, heights, not y and 0.8 or nil), 2)
end

-- A matrix as colours: 'gray', 'color' or another palette.
function gnuplot.imagesc(x, colours)
   if not torch.isTensor(x) then complain('imagesc', 2, 'expected a matrix, got %s', torch.type(x)) end
   if x:dim() ~= 2 then complain('imagesc', 2, 'expected a matrix, got a tensor of %d dimensions', x:dim()) end
   local found = palette.named[colours == nil and 'gray' or colours]
   if not found then
      complain('imagesc', 2, "expected a palette of 'gray', 'color', 'hot', 'jet', 'rainbow', 'ocean', 'cool', got %s", tostring(colours))
   end
   show('imagesc', { matrix = x:double():contiguous():clone(), palette = found }, 2)
end

-- splot: surfaces over matrices; scatter3: points. Both are seen from a side.
for name, surface in pairs { splot = true, scatter3 = false } do
   gnuplot[name] = function(...)
      local solids = answered(name, pcall(series.solids, refuse, surface, ...))
      show(name, { solids = solids }, 2)
   end
end

-- SETTINGS

for _, name in ipairs { 'title', 'xlabel', 'ylabel', 'zlabel' } do
   gnuplot[name] = function(text)
      if type(text) ~= 'string' and type(text) ~= 'number' then complain(name, 2, 'expected a text, got %s', torch.type(text)) end
      text = tostring(text)
      change(name, { [name] = { text ~= '' and text or nil } })
   end
end

local switches = { on = true, off = false, [true] = true, [false] = false }

function gnuplot.grid(state)
   local on = switches[state]
   if on == nil then complain('grid', 2, "expected true, false, 'on' or 'off', got %s", tostring(state)) end
   change('grid', { grid = { on } })
end

-- Logarithmic axes: 'on' and 'off' for both, or those that are named ('x', 'y', 'xy').
function gnuplot.logscale(state)
   if state == nil then state = 'on' end
   local on = switches[state]
   if on ~= nil then
      change('logscale', { logx = { on }, logy = { on } })
   elseif state == 'x' or state == 'y' or state == 'xy' or state == 'yx' then
      change('logscale', { logx = { state:find 'x' ~= nil }, logy = { state:find 'y' ~= nil } })
   else
      complain('logscale', 2, "expected true, false, 'on', 'off', 'x', 'y' or 'xy', got %s", tostring(state))
   end
end

local across = { left = true, center = true, right = true }
local down = { top = true, middle = true, bottom = true }
function gnuplot.movelegend(h, v)
   if not across[h] or not down[v] then
      complain('movelegend', 2, "expected 'left', 'center' or 'right', and 'top', 'middle' or 'bottom', got %s and %s", tostring(h), tostring(v))
   end
   change('movelegend', { key = { { h, v } } })
end

-- 'auto', 'image' or 'equal', 'fill', or the limits { xmin, xmax, ymin, ymax } where '' keeps what is
function gnuplot.axis(how)
   if how == 'auto' then
      change('axis', { xrange = {}, yrange = {} })
      return
   elseif how == 'image' or how == 'equal' then
      change('axis', { equal = { true } })
      return
   elseif how == 'fill' then
      change('axis', { equal = {}, aspect = {} })
      return
   elseif type(how) ~= 'table' or torch.isTensor(how) then
      complain('axis', 2, "expected 'auto', 'image', 'equal', 'fill' or { xmin, xmax, ymin, ymax }, got %s",
         type(how) == 'string' and "'" .. how .. "'" or torch.type(how))
   end
   local settings = figure_now().settings
   local limits = {}
   for k = 1, 4 do
      local v, old = how[k], (settings[k < 3 and 'xrange' or 'yrange'] or {})[(k - 1) % 2 + 1]
      if v ~= nil and v ~= '' and (type(v) ~= 'number' or v ~= v or math.abs(v) == math.huge) then
         complain('axis', 2, "expected finite numbers or '' as limits, got %s at place %d", tostring(v), k)
      end
      limits[k] = type(v) == 'number' and v or old or false
   end
   change('axis', { xrange = { { limits[1], limits[2] } }, yrange = { { limits[3], limits[4] } } })
end

-- Commands of gnuplot's own, as far as they are known.
function gnuplot.raw(command)
   if type(command) ~= 'string' then complain('raw', 2, 'expected a text, got %s', torch.type(command)) end
   local figure = figure_now()
   answered('raw', pcall(raw.run, command, figure, refuse))
   draw('raw', figure, 2)
end

-- What figures without a file are drawn as, where it is a kind of file; terminals with windows change nothing.
function gnuplot.setterm(term)
   if type(term) ~= 'string' then complain('setterm', 2, 'expected the name of a terminal, got %s', torch.type(term)) end
   plain_kind = raw.kinds[term:match '^%s*(%w+)' or ''] or plain_kind
end

-- There is no program to be named.
function gnuplot.setgnuplotexe(path)
   if type(path) ~= 'string' then complain('setgnuplotexe', 2, 'expected a file name, got %s', torch.type(path)) end
end

-- programs expect a global
_G.gnuplot = gnuplot
return gnuplot
