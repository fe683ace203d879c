-- Package gnuplot: plots, drawn by the program itself.
local cells = require 'gnuplot.cells'
local chart = require 'gnuplot.chart'
local files = require 'gnuplot.files'
local histogram = require 'gnuplot.histogram'
local palette = require 'gnuplot.palette'
local pictures = require 'rekindle.pictures'
local raw = require 'gnuplot.raw'
local series = require 'gnuplot.series'
local settings = require 'gnuplot.settings'

local gnuplot = {}

-- figures by their numbers: { id, settings, content, panels, multi, file, kind, told }
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
      local fine, name = pcall(os.tmpname)
      folder = fine and name or 'gnuplot'
      if fine then os.remove(name) end
   end
   return string.format('%s-figure-%d.%s', folder, figure.id, figure.kind or plain_kind)
end

-- a figure in a temporary file, whose name is printed once: a program on a server goes on whatever becomes of the picture
local function draw_aside(figure)
   local file = plain_name(figure)
   local called, fine, why = pcall(files.write, chart.draw(figure), file, figure.kind or plain_kind)
   if not called then fine, why = false, fine end
   if figure.told == file then return end
   figure.told = file
   if fine then
      io.stderr:write(string.format('gnuplot: figure %d is drawn in %s\n', figure.id, file))
   else
      io.stderr:write(string.format('gnuplot: figure %d is not drawn: %s\n', figure.id, tostring(why)))
   end
end

-- The figure for a notebook or a terminal. What stands in a later cell or command is a picture of its own.
local function show_figure(figure)
   local drawing = chart.draw(figure)
   pictures.show {
      id = string.format('figure-%d.%d', figure.id, pictures.turn), name = 'figure ' .. figure.id, width = drawing.w, height = drawing.h,
      pixels = function() return files.pixels(drawing) end, svg = function() return files.bytes(drawing, 'svg') end,
      cells = function(columns, rows) return cells.draw(figure, columns, rows) end,
   }
end

-- Draws a figure into its file; without one where pictures go. On a terminal it waits until the command is done or the
-- next plot begins, so that titles and labels need no picture each.
local function draw(name, figure, level)
   if not figure.content and not (figure.panels and #figure.panels > 0) then return end
   if figure.file then
      local fine, why = files.write(chart.draw(figure), figure.file, figure.kind or files.kind(figure.file) or 'png')
      if not fine then complain(name, level + 1, 'cannot write %s', why) end
      return
   end
   local way = pictures.way()
   if way == 'file' then
      draw_aside(figure)
   elseif way == 'sink' then
      show_figure(figure)
   else
      pictures.later('figure-' .. figure.id, function() show_figure(figure) end)
   end
end

local function copied(settings)
   local copy = {}
   for key, value in pairs(settings) do copy[key] = value end
   return copy
end

-- Makes a plot the content of a figure, or its next panel.
local function put(figure, content)
   local multi = figure.multi
   if not multi then
      if not figure.file then pictures.flush('figure-' .. figure.id) end
      figure.content, figure.panels = content, nil
      return
   end
   local panel = { content = content, settings = copied(figure.settings), heading = multi.title }
   if multi.rows then
      local k = multi.count % (multi.rows * multi.columns)
      panel.rows, panel.columns = multi.rows, multi.columns
      if multi.down then
         panel.row, panel.column = k % multi.rows, math.floor(k / multi.rows)
      else
         panel.row, panel.column = math.floor(k / multi.columns), k % multi.columns
      end
      -- a full layout begins anew
      if k == 0 then figure.panels = {} end
   end
   multi.count = multi.count + 1
   table.insert(figure.panels, panel)
end

local function show(name, content, level)
   local figure = figure_now()
   put(figure, content)
   draw(name, figure, level + 1)
end

-- Changes settings. The panels of a multiplot keep those that they were drawn with.
local function change(name, settings)
   local figure = figure_now()
   for key, value in pairs(settings) do figure.settings[key] = value[1] end
   if not figure.multi then draw(name, figure, 3) end
end

-- FIGURES

-- Selects a figure, or makes it; a new one without a number. Its number.
function gnuplot.figure(n)
   local id = n == nil and next_id() or number_of('figure', n)
   current = figures[id] or new_figure(id)
   return id
end

-- Forgets a figure, the current one without a number. The next plot begins another.
function gnuplot.close(n)
   local figure = current
   if n ~= nil then figure = figures[number_of('close', n)] end
   if not figure then return end
   pictures.flush('figure-' .. figure.id)
   figures[figure.id] = nil
   if figure == current then current = nil end
end

function gnuplot.closeall()
   for id in pairs(figures) do pictures.flush('figure-' .. id) end
   figures, current = {}, nil
end

for _, kind in ipairs { 'png', 'svg', 'pdf', 'eps' } do
   local name = kind .. 'figure'
   -- A new figure that is drawn into this file, or the one of a number. Its number.
   gnuplot[name] = function(path, n)
      if type(path) ~= 'string' then complain(name, 2, 'expected a file name, got %s', torch.type(path)) end
      local file, why = io.open(path, 'wb')
      if not file then complain(name, 2, 'cannot write %s', why) end
      file:close()
      gnuplot.figure(n)
      local figure = current
      figure.file, figure.kind = path, kind
      return figure.id
   end
end

-- Draws the current figure into a file besides; the name's ending tells its kind.
function gnuplot.figprint(path)
   if type(path) ~= 'string' then complain('figprint', 2, 'expected a file name, got %s', torch.type(path)) end
   local kind = files.kind(path)
   if not kind then complain('figprint', 2, 'expected a name that ends in .png, .svg, .pdf or .eps, got %s', path) end
   if not current or not (current.content or current.panels) then complain('figprint', 2, 'nothing is plotted yet') end
   local fine, why = files.write(chart.draw(current), path, kind)
   if not fine then complain('figprint', 2, 'cannot write %s', why) end
end

-- Shows a figure that waits for the end of the command. Files are complete after every call.
function gnuplot.plotflush(n)
   local figure = current
   if n ~= nil then figure = figures[number_of('plotflush', n)] end
   if figure then pictures.flush('figure-' .. figure.id) end
end

-- PLOTS

function gnuplot.plot(...)
   local curves = answered('plot', pcall(series.parse, refuse, ...))
   show('plot', { curves = curves }, 2)
end

-- How many elements of a tensor lie in each of so many bins, from min to max: a table of { val = middle, nb = count }, with raw (the
-- counts), bins, binwidth, and max and min, the numbers of the fullest and of the emptiest bin. Printed it is a small plot.
function gnuplot.histc(...) return answered('histc', pcall(histogram.new, refuse, ...)) end

-- The histogram of a tensor's elements. What histc gives.
function gnuplot.hist(x, bins, min, max)
   local h = answered('hist', pcall(histogram.new, refuse, x, bins, min, max))
   local places = {}
   for k = 1, h.bins do places[k] = h[k].val end
   show('hist', { curves = { { name = '', style = { boxes = true }, x = places, y = h.raw:totable(), box = h.binwidth } } }, 2)
   return h
end

-- Boxes of these heights, as gnuplot.plot with the style '|': bar(heights), bar(places, heights), bar(name, places, heights).
function gnuplot.bar(...)
   local args, n = { ... }, select('#', ...)
   while n > 0 and args[n] == nil do n = n - 1 end
   if n == 0 then complain('bar', 2, 'expected a tensor, got nothing') end
   args[n + 1] = '|'
   local list = answered('bar', pcall(series.parse, refuse, args))
   show('bar', { curves = list }, 2)
end

-- A matrix as colours: 'gray', 'color' or another palette.
function gnuplot.imagesc(x, colours)
   if not torch.isTensor(x) then complain('imagesc', 2, 'expected a matrix, got %s', torch.type(x)) end
   if x:dim() ~= 2 then complain('imagesc', 2, 'expected a matrix, got a tensor of %d dimensions', x:dim()) end
   local s = {}
   if colours ~= nil and type(colours) ~= 'string' then complain('imagesc', 2, 'expected the name of a palette, got %s', torch.type(colours)) end
   -- a plot in other colours is better than none
   local fine, why = pcall(settings.set.palette, s, colours or 'gray', refuse)
   if not fine then
      if type(why) ~= 'table' or not why.refused then error(why, 0) end
      io.stderr:write(string.format("gnuplot.imagesc: the palette '%s' %s; gray is taken\n", colours, why.refused))
   end
   show('imagesc', { matrix = x:double():contiguous():clone(), palette = fine and s.palette or palette.named.gray }, 2)
end

-- splot: surfaces over matrices; scatter3: points. Both are seen from a side.
for name, surface in pairs { splot = true, scatter3 = false } do
   gnuplot[name] = function(...)
      local solids = answered(name, pcall(series.solids, refuse, surface, ...))
      show(name, { solids = solids, contour = surface or nil }, 2)
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

-- Logarithmic axes: true or 'on' for y, or those that are named ('x', 'y', 'xy').
function gnuplot.logscale(state)
   if state == nil then state = 'on' end
   local on = switches[state]
   if on ~= nil then
      change('logscale', { logx = {}, logy = { on } })
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
      change('axis', { xrange = {}, yrange = {}, equal = {}, aspect = {} })
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
   figure.loading = 0
   local function plotted(content)
      put(figure, content)
      draw('raw', figure, 4)
   end
   local changed = answered('raw', pcall(raw.run, command, figure, refuse, plotted))
   if changed and not figure.multi then draw('raw', figure, 2) end
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
