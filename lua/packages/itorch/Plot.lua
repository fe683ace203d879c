-- itorch.Plot: curves, shapes and texts in one plot, added one after another: Plot():circle(x, y, 'red'):title('t'):draw().
local chart = require 'gnuplot.chart'
local files = require 'gnuplot.files'
local html = require 'rekindle.html'
local native = require 'rekindle.native'
local pictures = require 'rekindle.pictures'
local style = require 'gnuplot.style'

local Plot = {}
Plot.__index = Plot
Plot.__tostring = function(self) return string.format('itorch.Plot of %d series', #self._curves) end

local WIDTH, HEIGHT = 600, 450
local NAN = 0 / 0

local function refuse(name, ...) error('itorch.Plot:' .. name .. ': ' .. string.format(...), 4) end

-- ---- arguments ----

-- numbers from a tensor or a list
local function numbers(name, what, v)
   if torch.isTensor(v) then return v:nElement() == 0 and {} or v:double():contiguous():view(-1):totable() end
   if type(v) == 'number' then return { v } end
   if type(v) ~= 'table' then refuse(name, 'expected %s as a tensor or a list of numbers, got %s', what, torch.type(v)) end
   for i, x in ipairs(v) do
      if type(x) ~= 'number' then refuse(name, '%s: expected numbers, entry %d is a %s', what, i, torch.type(x)) end
   end
   return v
end

-- several lists, which are equally long
local function columns(name, names, ...)
   local lists, n = {}, nil
   for i, what in ipairs(names) do
      lists[i] = numbers(name, what, (select(i, ...)))
      n = n or #lists[i]
      if #lists[i] ~= n then refuse(name, '%s has %d numbers, %s has %d', names[1], n, what, #lists[i]) end
   end
   return lists
end

-- colours that browsers know and gnuplot does not are drawn as the next of ours
local function colour_of(c)
   if c == nil then return nil end
   if type(c) == 'table' and #c == 3 and type(c[1]) == 'number' then return c end
   if type(c) == 'string' then
      local r, g, b = c:match('^rgba?%(%s*(%d+)%s*,%s*(%d+)%s*,%s*(%d+)')
      if r then return { tonumber(r), tonumber(g), tonumber(b) } end
   end
   return style.colour(tostring(c))
end

local function add(self, how, colour, legend, curve)
   how.colour = colour_of(colour)
   curve.style, curve.name = how, legend ~= nil and tostring(legend) or ''
   table.insert(self._curves, curve)
   return self
end

-- ---- curves and shapes ----

local function simple(name, how)
   return function(self, x, y, colour, legend)
      local lists = columns(name, { 'x', 'y' }, x, y)
      local copy = {}
      for k, v in pairs(how) do copy[k] = v end
      return add(self, copy, colour, legend, { x = lists[1], y = lists[2] })
   end
end

Plot.circle = simple('circle', { points = true, mark = 7 })
Plot.line = simple('line', { lines = true })
Plot.triangle = simple('triangle', { points = true, mark = 9 })

-- what is no number stands between the parts of a curve
local function parts(lists, per)
   local x, y = {}, {}
   for i = 1, #lists[1] do
      for _, corner in ipairs(per) do
         x[#x + 1], y[#y + 1] = lists[corner[1]][i], lists[corner[2]][i]
      end
      x[#x + 1], y[#y + 1] = NAN, NAN
   end
   return { x = x, y = y }
end

-- Lines from (x0, y0) to (x1, y1).
function Plot:segment(x0, y0, x1, y1, colour, legend)
   local lists = columns('segment', { 'x0', 'y0', 'x1', 'y1' }, x0, y0, x1, y1)
   return add(self, { lines = true, width = 1 }, colour, legend, parts(lists, { { 1, 2 }, { 3, 4 } }))
end

-- Rectangles between two corners.
function Plot:quad(x0, y0, x1, y1, colour, legend)
   local lists = columns('quad', { 'x0', 'y0', 'x1', 'y1' }, x0, y0, x1, y1)
   return add(self, { filled = true, opacity = 0.7 }, colour, legend, parts(lists, { { 1, 2 }, { 3, 2 }, { 3, 4 }, { 1, 4 } }))
end

-- Arrows at the places of a grid: U and V (rows x columns) are how far they go, divided by `scaling` (40).
function Plot:quiver(U, V, colour, legend, scaling)
   for i, m in ipairs { U, V } do
      if not torch.isTensor(m) or m:dim() ~= 2 then
         error(string.format('itorch.Plot:quiver: expected %s as a tensor of rows x columns, got %s', i == 1 and 'U' or 'V', torch.type(m)), 2)
      end
   end
   if not U:isSameSizeAs(V) then error('itorch.Plot:quiver: U and V have different sizes', 2) end
   scaling = scaling or 40
   local c = { x = {}, y = {}, dx = numbers('quiver', 'U', U / scaling), dy = numbers('quiver', 'V', V / scaling) }
   for row = 1, U:size(1) do
      for column = 1, U:size(2) do
         c.x[#c.x + 1], c.y[#c.y + 1] = column, row
      end
   end
   return add(self, { vectors = true }, colour, legend, c)
end

-- How many of x lie in each of nBins (100) intervals between min and max.
function Plot:histogram(x, nBins, min, max, colour, legend)
   local list = numbers('histogram', 'x', x)
   if #list == 0 then error('itorch.Plot:histogram: there are no numbers', 2) end
   local data = torch.DoubleTensor(list)
   min, max, nBins = min or data:min(), max or data:max(), nBins or 100
   if min ~= min or max ~= max then error('itorch.Plot:histogram: there is a NaN among the numbers', 2) end
   if nBins < 1 or nBins > 1e5 then error('itorch.Plot:histogram: expected 1 to 100000 intervals, got ' .. nBins, 2) end
   if min == max then min, max = min - 0.5, max + 0.5 end
   local counts, width = torch.histc(data, nBins, min, max), (max - min) / nBins
   local left = torch.range(0, nBins - 1):mul(width):add(min)
   return self:quad(left, torch.zeros(nBins), left + width, counts, colour, legend)
end
Plot.hist = Plot.histogram

-- Points in the colours of their labels; `legend` is whether labels are told.
function Plot:gscatter(x, y, labels, legend)
   if labels == nil then return self:circle(x, y) end
   local lists = columns('gscatter', { 'x', 'y' }, x, y)
   local of = torch.isTensor(labels) and numbers('gscatter', 'labels', labels) or labels
   if type(of) ~= 'table' or #of ~= #lists[1] then
      error(string.format('itorch.Plot:gscatter: expected %d labels', #lists[1]), 2)
   end
   local groups, order = {}, {}
   for i, label in ipairs(of) do
      if not groups[label] then
         groups[label] = { x = {}, y = {} }
         order[#order + 1] = label
      end
      table.insert(groups[label].x, lists[1][i])
      table.insert(groups[label].y, lists[2][i])
   end
   table.sort(order, function(a, b)
      if type(a) == 'number' and type(b) == 'number' then return a < b end
      return tostring(a) < tostring(b)
   end)
   for _, label in ipairs(order) do add(self, { points = true, mark = 7 }, nil, label, groups[label]) end
   if legend ~= nil then self._legend = legend end
   return self
end

-- Texts at places: one for all, or a list.
function Plot:text(x, y, text, angle, colour)
   local lists = columns('text', { 'x', 'y' }, x, y)
   local texts = {}
   for i = 1, #lists[1] do
      local one = type(text) == 'table' and text[i] or text
      texts[i] = tostring(one == nil and '' or one)
   end
   return add(self, { labels = true }, colour, '', { x = lists[1], y = lists[2], texts = texts })
end

-- ---- titles ----

local function titled(field)
   return function(self, text)
      self[field] = text ~= nil and tostring(text) or nil
      return self
   end
end
Plot.title, Plot.xaxis, Plot.yaxis = titled '_title', titled '_xaxis', titled '_yaxis'

function Plot:legend(shown)
   self._legend = shown ~= false
   return self
end

-- what stands under the mouse: a picture has no such thing
function Plot:hover_tool() return self end

-- ---- showing ----

local function drawing(self)
   local s = { width = WIDTH, height = HEIGHT, key = { 'right', 'top' }, title = self._title, xlabel = self._xaxis, ylabel = self._yaxis,
      grid = true, nokey = not self._legend }
   local curves = {}
   for i, c in ipairs(self._curves) do
      local copy = {}
      for k, v in pairs(c) do copy[k] = v end
      if not self._legend then copy.name = '' end
      curves[i] = copy
   end
   -- a plot of nothing has its axes
   if #curves == 0 then curves[1] = { x = {}, y = {}, name = '', style = { points = true } } end
   return chart.draw { content = { curves = curves }, settings = s }
end

local count = 0

-- Shows the plot; a plot that was shown before is drawn in its place by redraw, and again by draw.
function Plot:draw(id)
   if id ~= nil then
      self._id = id
   else
      count = count + 1
      self._id = 'itorch-plot-' .. count
   end
   return self:redraw()
end

function Plot:redraw()
   if not self._id then return self:draw() end
   local done = drawing(self)
   pictures.show { id = self._id, name = self._title or 'itorch.Plot', width = WIDTH, height = HEIGHT,
      svg = function() return files.bytes(done, 'svg') end, pixels = function() return files.pixels(done) end }
   if native.kernel then require('rekindle.notebook').shown[self] = true end
   return self
end

-- The plot as a page of HTML.
function Plot:toHTML()
   return string.format('<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>%s</title></head><body>\n%s\n</body></html>\n',
      html.escape(self._title or 'itorch.Plot'), (files.bytes(drawing(self), 'svg'):gsub('^%s*<%?xml.-%?>%s*', '')))
end

-- Writes the plot: HTML, or what the name ends in of svg, png, pdf and eps.
function Plot:save(name)
   if type(name) ~= 'string' then error('itorch.Plot:save: expected the name of a file, got ' .. torch.type(name), 2) end
   local kind = files.kind(name)
   local bytes = kind and files.bytes(drawing(self), kind) or self:toHTML()
   local file, why = io.open(name, 'wb')
   if not file then error('itorch.Plot:save: cannot open <' .. tostring(why) .. '>', 2) end
   local fine, fault = file:write(bytes)
   local closed, late = file:close()
   if not fine or not closed then error('itorch.Plot:save: cannot write <' .. name .. '>: ' .. tostring(fault or late), 2) end
   return self
end

return setmetatable({ new = function() return setmetatable({ _curves = {} }, Plot) end }, {
   __call = function() return setmetatable({ _curves = {} }, Plot) end, __index = Plot,
})
