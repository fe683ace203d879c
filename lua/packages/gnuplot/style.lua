-- How a curve is drawn: the short forms of the package, and what programs write in gnuplot's own words.
local style = {}

-- The words of a text as a set.
function style.set(text)
   local set = {}
   for word in text:gmatch '%S+' do set[word] = true end
   return set
end

-- The colours of curves, one after another: four hues, then the same lighter, darker and darkest.
style.colours = {}
local hues = { { 29, 78, 168 }, { 17, 158, 52 }, { 218, 43, 30 }, { 222, 146, 22 } }
for _, shade in ipairs { { 0, 1 }, { 255, 0.6 }, { 0, 0.62 }, { 0, 0.38 } } do
   for _, hue in ipairs(hues) do
      local colour = {}
      for c = 1, 3 do colour[c] = math.floor(hue[c] * shade[2] + shade[1] * (1 - shade[2]) + 0.5) end
      style.colours[#style.colours + 1] = colour
   end
end

-- Their marks: filled circles, squares, triangles and diamonds, for four curves each.
function style.mark(n) return ({ 7, 5, 9, 13 })[math.floor((n - 1) / 4) % 4 + 1] end

local named = {
   red = { 255, 0, 0 }, green = { 0, 255, 0 }, blue = { 0, 0, 255 }, black = { 0, 0, 0 }, white = { 255, 255, 255 },
   yellow = { 255, 255, 0 }, cyan = { 0, 255, 255 }, magenta = { 255, 0, 255 }, orange = { 255, 165, 0 },
   gray = { 190, 190, 190 }, grey = { 190, 190, 190 }, purple = { 192, 128, 255 }, brown = { 165, 42, 42 },
   pink = { 255, 192, 192 }, ['dark-green'] = { 0, 100, 0 }, ['dark-red'] = { 139, 0, 0 }, ['dark-blue'] = { 0, 0, 139 },
   ['dark-gray'] = { 160, 160, 160 }, navy = { 0, 0, 128 }, gold = { 255, 215, 0 }, violet = { 238, 130, 238 },
}

local short = {
   ['+'] = { points = true }, ['-'] = { lines = true }, ['+-'] = { lines = true, points = true },
   ['-+'] = { lines = true, points = true }, ['~'] = { lines = true, smooth = 'csplines' }, ['.'] = { dots = true },
   ['|'] = { boxes = true }, ['v'] = { vectors = true }, ['V'] = { vectors = true }, csplines = { lines = true, smooth = 'csplines' },
   acsplines = { lines = true, smooth = 'acsplines' },
}

local kinds = {
   lines = { lines = true }, points = { points = true }, linespoints = { lines = true, points = true },
   dots = { dots = true }, boxes = { boxes = true }, impulses = { impulses = true }, steps = { steps = true },
   vectors = { vectors = true }, filledcurves = { filled = true }, yerrorbars = { yerror = true }, xerrorbars = { xerror = true },
   xyerrorbars = { xerror = true, yerror = true }, yerrorlines = { yerror = true, lines = true, points = true },
   xerrorlines = { xerror = true, lines = true, points = true }, xyerrorlines = { xerror = true, yerror = true, lines = true, points = true },
   boxerrorbars = { boxes = true, yerror = true }, candlesticks = { candles = true }, financebars = { candles = true, bars = true },
   circles = { circles = true }, labels = { labels = true }, fillsteps = { filled = true, steps = true }, histeps = { histeps = true },
   fsteps = { steps = true }, image = { image = true }, pm3d = { pm3d = true }, histograms = { boxes = true },
}
for brief, long in pairs {
   l = 'lines', line = 'lines', p = 'points', point = 'points', lp = 'linespoints', d = 'dots', i = 'impulses', vec = 'vectors',
   errorbars = 'yerrorbars', errorlines = 'yerrorlines', e = 'yerrorbars', box = 'boxes', filledcurve = 'filledcurves', linepoints = 'linespoints',
   linesp = 'linespoints', histogram = 'histograms', candles = 'candlesticks',
} do
   kinds[brief] = kinds[long]
end

-- words and quoted texts; a quoted one has its quotes taken off and `quoted` tells
function style.words(text)
   local words, quoted, at = {}, {}, 1
   while true do
      at = text:find('[^%s,]', at)
      if not at then return words, quoted end
      local quote = text:match('^["\']', at)
      local stop
      if quote then
         stop = text:find(quote, at + 1, true) or #text + 1
         words[#words + 1], quoted[#words + 1] = text:sub(at + 1, stop - 1), true
      else
         stop = text:find('[%s,]', at) or #text + 1
         words[#words + 1] = text:sub(at, stop - 1)
      end
      at = stop + 1
   end
end

-- a colour by its name, as '#rrggbb' or by its number; nil for another
function style.colour(word)
   local r, g, b = word:match '^#(%x%x)(%x%x)(%x%x)$'
   if r then return { tonumber(r, 16), tonumber(g, 16), tonumber(b, 16) } end
   local n = tonumber(word)
   if n and n >= 0 then return style.colours[math.max(math.floor(n) - 1, 0) % #style.colours + 1] end
   return named[word:lower()]
end

local numbers = {
   lw = 'width', linewidth = 'width', pt = 'mark', pointtype = 'mark', ps = 'size', pointsize = 'size', dt = 'dash',
   dashtype = 'dash', lt = 'index', linetype = 'index', ls = 'index', linestyle = 'index',
}
local plain = style.set [[
   transparent border noborder empty closed between nohead head heads filled point center left right enhanced noenhanced front
   back]]
-- words that are followed by what changes nothing here
local with_value = style.set [[
   font offset arrowstyle as pi pointinterval rotate]]
local fills = { fill = true, fs = true, fillstyle = true }

-- how curves may be smoothed
style.smoothings = style.set [[
   csplines acsplines bezier sbezier unique frequency cumulative]]

-- ---- reading a style, word by word ----

local Reader = {}
Reader.__index = Reader

function Reader:take()
   self.at = self.at + 1
   return self.words[self.at - 1]
end
function Reader:next() return self.words[self.at] end
function Reader:fail(...) self.refuse(string.format(...)) end

function Reader:number(word)
   local n = tonumber(self:take())
   if not n or n ~= n or math.abs(n) > 1000 then self:fail("'%s' of the style '%s' lacks its number", word, self.text) end
   return n
end
function Reader:colour(word)
   local name = self:take()
   if name == 'rgb' or name == 'rgbcolor' then name = self:take() end
   local found = name and style.colour(name)
   if not found then self:fail("'%s' of the style '%s' lacks a colour", word, self.text) end
   return found
end
function Reader:kind(word)
   for k, v in pairs(kinds[word]) do self.result[k] = v end
   -- filled to an axis or to a height
   local to = self.result.filled and self:next()
   if to and (to == 'above' or to == 'below') then
      self:take()
      to = self:next()
   end
   if to and (to == 'x1' or to == 'x2' or to:find '^y%d?=') then
      self:take()
      self.result.base = tonumber(to:match '=(.*)$') or 0
   end
end

local read = {}
function read.with(self)
   local word = self:take() or ''
   if not kinds[word] then self:fail("the style '%s' is not there, only %s", word, style.list) end
   self:kind(word)
end
read.w = read.with
function read.lt(self, word)
   if self:next() == 'rgb' or self:next() == 'rgbcolor' then
      self.result.colour = self:colour(word)
   else
      self.result.index = self:number(word)
   end
end
read.linetype = read.lt
function read.lc(self, word)
   if self:next() == 'palette' then return self:take() end
   self.result.colour = self:colour(word)
end
read.linecolor, read.palette = read.lc, function() end
function read.dt(self, word)
   -- by its number, as a pattern of its own, or `solid`
   if tonumber(self:next()) then self.result.dash = self:number(word) else self.result.dash = self:take() == 'solid' and 1 or 2 end
end
read.dashtype = read.dt
function read.axes(self)
   local pair = self:take()
   if pair ~= 'x1y1' then self:fail("axes '%s' is not there: each side has one axis", tostring(pair)) end
end
function read.title(self) self.result.title = self:take() or '' end
read.t = read.title
function read.notitle(self) self.result.title = '' end
function read.smooth(self)
   local way = self:take()
   if not style.smoothings[way] then
      self:fail("smooth '%s' is not there, only csplines, acsplines, bezier, sbezier, unique, frequency and cumulative", tostring(way))
   end
   self.result.smooth = way
end
function read.solid(self, word) self.result.opacity = tonumber(self:next()) and self:number(word) or 1 end
function read.pattern(self, word)
   if tonumber(self:next()) then self:number(word) end
   self.result.opacity = 0.5
end
function read.offset(self) self.at = self.at + (tonumber(self:next()) and 2 or 3) end
for word, key in pairs(numbers) do
   read[word] = read[word] or function(self) self.result[key] = self:number(word) end
end
for word in pairs(plain) do read[word] = function() end end
for word in pairs(fills) do read[word] = function() end end
for word in pairs(with_value) do read[word] = read[word] or Reader.take end

-- whether a style says what is drawn, and not only how
local function is_drawn(result)
   for _, kind in pairs(kinds) do
      for key in pairs(kind) do
         if result[key] then return true end
      end
   end
   return false
end

-- Reads a style; `refuse(message)` raises the error. `default` says that `set style data` decides what is drawn.
function style.parse(text, refuse)
   text = text or ''
   local known = short[text]
   local weight = text:match '^([%d.]+)~$' or text:match '^~([%d.]+)$' or text:match '^acsplines%s*([%d.]+)$'
   if tonumber(weight) then return { lines = true, smooth = 'acsplines', weight = tonumber(weight) } end
   local words, quoted = style.words(known and '' or text)
   local self = setmetatable({ text = text, words = words, at = 1, refuse = refuse, result = {} }, Reader)
   for k, v in pairs(known or {}) do self.result[k] = v end
   while self:next() do
      local word, is_text = self:next(), quoted[self.at]
      self:take()
      if kinds[word] and not is_text then
         self:kind(word)
      elseif read[word] and not is_text then
         read[word](self, word)
      else
         self:fail("'%s' is not known in the style '%s'; there are %s", word, text, style.list)
      end
   end
   local result = self.result
   if not is_drawn(result) then
      if result.smooth then result.lines = true else result.default = true end
   end
   return result
end

-- What `set style data` names: the fields of a kind; nil for none.
function style.kind(word) return kinds[word] end

style.list = "'+', '-', '+-', '~', '.', '|', 'v' and with lines, points, linespoints, dots, boxes, impulses, steps, vectors, filledcurves, "
   .. 'yerrorbars, xerrorbars, xyerrorbars, yerrorlines, boxerrorbars, candlesticks, financebars, circles, labels'

return style
