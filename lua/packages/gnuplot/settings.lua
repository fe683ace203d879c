-- gnuplot's `set` and `unset`: the settings of a figure, as programs write them in gnuplot's own language.
local command = require 'gnuplot.command'
local palette = require 'gnuplot.palette'
local style = require 'gnuplot.style'
local settings = {}

local pieces = command.pieces

-- the first quoted text; nil where there is none
local function quoted(rest)
   local quote = rest:match '["\']'
   local text = quote and rest:match(quote .. '(.-)' .. quote)
   return text and quote == '"' and text:gsub('\\n', '\n') or text
end

local set, unset = {}, {}
settings.set, settings.unset = set, unset

for _, name in ipairs { 'title', 'xlabel', 'ylabel', 'zlabel' } do
   set[name] = function(s, rest, fail)
      local text = quoted(rest)
      -- without one the text that is there is taken away
      if not text and rest:find '%S' and not rest:find '^%s*offset' and not rest:find '^%s*font' then fail 'lacks a text in quotes' end
      if text or not rest:find '%S' then s[name] = text ~= '' and text or nil end
   end
   unset[name] = function(s) s[name] = nil end
end

for _, name in ipairs { 'xrange', 'yrange', 'zrange', 'cbrange' } do
   set[name] = function(s, rest, fail)
      local lo, hi = rest:match '%[%s*([^:%]]-)%s*:%s*([^:%]]-)%s*%]'
      if not lo then fail 'lacks a range as [0:1]' end
      local old, range = s[name] or {}, {}
      for k, text in ipairs { lo, hi } do
         local n = tonumber(text)
         if not n and text ~= '*' and text ~= '' then fail("has a limit that is no number: '" .. text .. "'") end
         if n and (n ~= n or math.abs(n) == math.huge) then fail 'has a limit that is not finite' end
         range[k] = n or text == '' and old[k] or false
      end
      s[name] = range
      if name ~= 'cbrange' then s[name:sub(1, 1) .. 'reverse'] = rest:find '%f[%w]reverse' ~= nil end
   end
   unset[name] = function(s) s[name] = nil end
end

local tick_words = style.set [[
   nomirror mirror out in autofreq border axis left right center offset auto textcolor tc rgb]]
for _, k in ipairs { 'x', 'y', 'z' } do
   set[k .. 'tics'] = function(s, rest, fail)
      local inner = rest:match '%((.*)%)'
      s[k .. 'tics'], s[k .. 'step'] = nil, nil
      if inner then
         local ticks = {}
         for _, item in ipairs(pieces(inner, ',')) do
            local text = quoted(item)
            local n = tonumber((text and item:match '["\'].*["\']%s*(%S+)' or item:match '%S+') or '')
            if not n then fail('has a tick without a place: ' .. item) end
            ticks[#ticks + 1] = { n, text or string.format('%.6g', n) }
         end
         s[k .. 'tics'] = ticks
         return
      end
      local numbers, skip = {}, 0
      for word in rest:gmatch '[^%s,]+' do
         if skip > 0 then
            skip = skip - 1
         elseif tonumber(word) then
            numbers[#numbers + 1] = tonumber(word)
         elseif word == 'rotate' then
            s[k .. 'rotate'] = true
         elseif word == 'norotate' then
            s[k .. 'rotate'] = nil
         elseif word == 'font' or word == 'by' or word == 'scale' or word == 'format' then
            skip = 1
         elseif not tick_words[word] and not word:find '^["\']' then
            fail("'" .. word .. "' is not there")
         end
      end
      local step = numbers[2] or numbers[1]
      -- a turn by so many degrees is no step
      if rest:find 'rotate%s+by' and #numbers == 1 then step = nil end
      if step and not (step > 0 and step < math.huge) then fail 'needs a step above 0' end
      s[k .. 'step'] = step
   end
   unset[k .. 'tics'] = function(s) s[k .. 'tics'] = {} end
end

local function log_axes(rest)
   local axes = rest:match '^%s*(%a+)' or 'xy'
   return axes:find 'x' ~= nil, axes:find 'y' ~= nil
end
function set.logscale(s, rest)
   local x, y = log_axes(rest)
   s.logx, s.logy = x or s.logx, y or s.logy
end
function unset.logscale(s, rest)
   local x, y = log_axes(rest)
   s.logx, s.logy = s.logx and not x, s.logy and not y
end

function set.grid(s) s.grid = true end
function unset.grid(s) s.grid = false end

local across = { left = true, center = true, right = true }
local down = { top = true, middle = true, bottom = true }
local key_words = style.set [[
   inside ins vertical horizontal reverse noreverse invert samplen spacing width height maxrows Left Right autotitle columnhead
   font title above under noenhanced enhanced tmargin bmargin lmargin rmargin opaque box nobox opaque noopaque on default]]
function set.key(s, rest, fail)
   s.nokey = false
   local plain = rest:gsub('".-"', ''):gsub("'.-'", '')
   for word in plain:gmatch '%a+' do
      if across[word] then
         s.key = { word, s.key[2] }
      elseif down[word] then
         s.key = { s.key[1], word }
      elseif word == 'outside' or word == 'out' then
         s.keyout = 'right'
      elseif word == 'below' then
         s.keyout = 'below'
      elseif word == 'inside' or word == 'ins' then
         s.keyout = nil
      elseif word == 'off' then
         s.nokey = true
      elseif not key_words[word] then
         fail("'" .. word .. "' is not there, only left, center, right, top, middle, bottom")
      end
   end
end
function unset.key(s) s.nokey = true end

-- two finite numbers; nil for others
local function pair(rest)
   local a, b = rest:match '^%s*([-+%d.eE]+)%s*,%s*([-+%d.eE]+)'
   a, b = tonumber(a), tonumber(b)
   return a and b and math.abs(a) < 1e6 and math.abs(b) < 1e6 and { a, b } or nil
end

function set.size(s, rest, fail)
   local ratio = rest:match 'ratio%s+(%S+)'
   if rest:find 'noratio' then
      s.aspect, s.equal = nil, nil
   elseif rest:find '%f[%a]square' then
      s.aspect, s.equal = 1, nil
   elseif ratio and tonumber(ratio) then
      local n = tonumber(ratio)
      s.aspect, s.equal = n > 0 and n or nil, n < 0 or nil
   elseif rest:find 'nosquare' or rest:find 'rectangle' then
      s.aspect, s.equal = nil, nil
   else
      s.panel = pair(rest) or fail 'is not there but for ratio, noratio, square, rectangle and two parts of the picture'
      if not (s.panel[1] > 0 and s.panel[2] > 0 and s.panel[1] <= 10 and s.panel[2] <= 10) then fail 'needs parts above 0' end
   end
end
function unset.size(s) s.panel, s.aspect, s.equal = nil, nil, nil end

-- where the lower left corner of the next plots is, in parts of the picture
function set.origin(s, rest, fail)
   s.origin = pair(rest) or fail 'lacks two numbers'
end
function unset.origin(s) s.origin = nil end

function set.palette(s, rest, fail)
   local r, g, b = rest:match 'rgbformulae%s+(-?%d+)%s*,%s*(-?%d+)%s*,%s*(-?%d+)'
   local name, stops = rest:match '^%s*(%a+)', rest:match 'defined%s*%((.*)%)'
   if r then
      s.palette = palette.formulae(tonumber(r), tonumber(g), tonumber(b)) or fail 'has formulae from -36 to 36'
   elseif stops then
      local colours = {}
      for _, item in ipairs(pieces(stops, ',')) do
         local colour = style.colour(quoted(item) or item:match '(%S+)%s*$' or '')
         if not colour then fail('has no colour in ' .. item) end
         colours[#colours + 1] = { colour[1] / 255, colour[2] / 255, colour[3] / 255 }
      end
      if #colours < 2 then fail 'needs two colours at least' end
      s.palette = palette.mixed(unpack(colours))
   elseif name and palette.named[name] then
      s.palette = palette.named[name]
   else
      fail 'is not there but for gray, color, rgbformulae r,g,b and defined (0 "blue", 1 "red")'
   end
end
function set.colorbox(s) s.nobar = false end
function unset.colorbox(s) s.nobar = true end

function set.autoscale(s, rest)
   local axes = rest:match '^%s*(%a+)' or 'xy'
   if axes:find 'x' then s.xrange = nil end
   if axes:find 'y' then s.yrange = nil end
end
unset.autoscale = function() end

local function positive(name)
   return function(s, rest, fail)
      local n = tonumber(rest:match '^%s*(%S+)' or '')
      if not n or not (n > 0 and n < 1e6) then fail 'lacks a number above 0' end
      s[name] = n
   end
end
set.boxwidth, set.pointsize = positive 'boxwidth', positive 'pointsize'
function unset.boxwidth(s) s.boxwidth = nil end

-- styles of what is not drawn, or is drawn in one way
local other_styles = style.set 'function increment arrow histogram boxplot circle rectangle textbox'
function set.style(s, rest, fail)
   local what, more = rest:match '^%s*(%a+)%s*(.-)%s*$'
   if what == 'fill' then
      local density = tonumber(more:match 'solid%s+(%S+)' or '')
      s.fill = more:find 'solid' and math.max(0, math.min(1, density or 1)) or more:find 'pattern' and 0.5 or 0
   elseif what == 'data' then
      s.datastyle = style.kind(more:match '^%a+' or '') or fail('data has no style of the name ' .. more)
   elseif what == 'line' then
      local n, words = more:match '^(%d+)%s*(.*)$'
      if not n then fail 'line lacks its number' end
      local how = words:find '^default' and {} or style.parse(words, fail)
      how.default = nil
      -- figures share nothing
      local lines = {}
      for key, value in pairs(s.lines or {}) do lines[key] = value end
      lines[tonumber(n)] = how
      s.lines = lines
   elseif not other_styles[what] then
      fail 'is not there but for style fill, data and line'
   end
end
function unset.style() end
function set.linetype(s, rest, fail) set.style(s, 'line ' .. rest, fail) end

-- ---- what is written and drawn on a plot ----

local function list_of(s, name)
   -- settings are copied by panels, so lists are new ones
   local list = {}
   for k, v in ipairs(s[name] or {}) do list[k] = v end
   s[name] = list
   return list
end

-- a place: 3,4 in the axes' values, or in parts of the frame (graph) or of the picture (screen)
local function place(text)
   local list = {}
   for _, part in ipairs(pieces(text, ',')) do
      local system, value = part:match '^%s*(%a*)%s*([-+%d.eE]+)%s*$'
      if not tonumber(value) then return nil end
      -- the second is in the first one's system, unless it says its own
      list[#list + 1] = { tonumber(value), system ~= '' and system or list[#list] and list[#list][2] or 'first' }
   end
   return #list >= 2 and list or nil
end

local function tagged(rest)
   local tag, more = rest:match '^%s*(%d+)%s+(.*)$'
   return tonumber(tag), more or rest
end

local function put(list, tag, entry)
   entry.tag = tag or #list + 1
   for k, old in ipairs(list) do
      if old.tag == entry.tag then
         list[k] = entry
         return
      end
   end
   list[#list + 1] = entry
end

local PLACE = '([%a]*%s*[-+%d.eE]+%s*,%s*[%a]*%s*[-+%d.eE]+)'
function set.label(s, rest, fail)
   local tag, more = tagged(rest)
   local at = place(more:match('at%s+' .. PLACE) or '') or fail 'lacks a place: at x,y'
   local word = more:match '%f[%a](left)%f[%A]' or more:match '%f[%a](center)%f[%A]' or more:match '%f[%a](right)%f[%A]'
   local colour = more:match 'tc%s+rgb%s+["\']([^"\']+)' or more:match 'textcolor%s+rgb%s+["\']([^"\']+)'
   local anchor = ({ center = 'middle', right = 'end' })[word] or 'start'
   put(list_of(s, 'labels'), tag, { text = quoted(more) or '', at = at, anchor = anchor, colour = colour and style.colour(colour) })
end
function set.arrow(s, rest, fail)
   local tag, more = tagged(rest)
   local from = place(more:match('from%s+' .. PLACE) or '')
   local to, by = place(more:match('%f[%a]to%s+' .. PLACE) or ''), place(more:match('%f[%a]rto%s+' .. PLACE) or '')
   if not from or not (to or by) then fail 'lacks its places: from x,y to x,y' end
   if by then to = { { from[1][1] + by[1][1], from[1][2] }, { from[2][1] + by[2][1], from[2][2] } } end
   local name = more:match 'lc%s+rgb%s+["\']([^"\']+)' or more:match 'linecolor%s+rgb%s+["\']([^"\']+)'
   put(list_of(s, 'arrows'), tag, {
      from = from, to = to, head = not more:find 'nohead', colour = name and style.colour(name),
      width = tonumber(more:match 'lw%s+([%d.]+)' or more:match 'linewidth%s+([%d.]+)'),
      dash = more:find 'dt%s' ~= nil or more:find 'dashtype' ~= nil,
   })
end
for _, name in ipairs { 'label', 'arrow' } do
   unset[name] = function(s, rest)
      local tag, kept = tonumber(rest:match '%d+'), {}
      for _, entry in ipairs(s[name .. 's'] or {}) do
         if tag and entry.tag ~= tag then kept[#kept + 1] = entry end
      end
      s[name .. 's'] = kept
   end
end

for _, k in ipairs { 'x', 'y' } do
   set[k .. 'zeroaxis'] = function(s) s[k .. 'zero'] = true end
   unset[k .. 'zeroaxis'] = function(s) s[k .. 'zero'] = nil end
end
function set.zeroaxis(s) s.xzero, s.yzero = true, true end
function unset.zeroaxis(s) s.xzero, s.yzero = nil, nil end
function set.border(s, rest) s.noborder = rest:match '^%s*0' ~= nil or nil end
function unset.border(s) s.noborder = true end
function set.tics(s, rest, fail)
   for _, k in ipairs { 'x', 'y', 'z' } do
      if s[k .. 'tics'] and #s[k .. 'tics'] == 0 then s[k .. 'tics'] = nil end
   end
end
function unset.tics(s) s.xtics, s.ytics, s.ztics = {}, {}, {} end

-- how ticks are written
function set.format(s, rest, fail)
   local axes, format = rest:match '^%s*(%a*)%s*["\'](.-)["\']'
   if not format then fail 'lacks a format in quotes' end
   -- gnuplot's own letters for numbers; what is no format is left out
   format = format:gsub('%%[hT]', '%%g')
   local fine = pcall(string.format, format, 1)
   for _, k in ipairs { 'x', 'y', 'z' } do
      if axes == '' or axes:find(k) then s[k .. 'format'] = fine and format or nil end
   end
end
function unset.format(s) s.xformat, s.yformat, s.zformat = nil, nil, nil end

function set.datafile(s, rest, fail)
   local separator = rest:match '^%s*separator%s*(.*)$'
   if not separator then return end
   s.separator = quoted(separator) or separator:find 'comma' and ',' or separator:find 'tab' and '\t' or nil
   if s.separator == '\\t' then s.separator = '\t' end
   if s.separator == '' then s.separator = nil end
end
function unset.datafile(s) s.separator = nil end

local function count(name)
   return function(s, rest, fail)
      local n = tonumber(rest:match '^%s*(%d+)' or '')
      if not n or n < 2 or n > 100000 then fail 'needs a number from 2 to 100000' end
      s[name] = n
   end
end
set.samples, set.isosamples = count 'samples', count 'isosamples'
function unset.samples(s) s.samples = nil end
function unset.isosamples(s) s.isosamples = nil end

-- ---- several plots in one picture ----

function set.multiplot(_, rest, fail, figure)
   local rows, columns = rest:match 'layout%s+(%d+)%s*,%s*(%d+)'
   rows, columns = tonumber(rows), tonumber(columns)
   if rest:find 'layout' and not (rows and rows >= 1 and columns >= 1 and rows * columns <= 10000) then fail 'lacks its layout: layout 2,3' end
   figure.multi = { rows = rows, columns = columns, count = 0, down = rest:find 'columnsfirst' ~= nil, title = rest:match 'title%s+["\'](.-)["\']' }
   figure.panels, figure.content = {}, nil
end
function unset.multiplot(_, _, _, figure) figure.multi = nil end

-- ---- three dimensions ----

-- from where plots of three dimensions are seen
function set.view(s, rest, fail)
   s.map = rest:find '^%s*map' ~= nil or nil
   if s.map or rest:find '^%s*equal' then return end
   local tilt, turn = rest:match '^%s*(%d+%.?%d*)%s*,%s*(%d+%.?%d*)'
   tilt, turn = tonumber(tilt), tonumber(turn)
   if not tilt or not turn or tilt > 180 or turn > 360 then fail 'lacks two angles, up to 180 and 360' end
   s.view = { tilt, turn }
end
function unset.view(s) s.map, s.view = nil, nil end
function set.contour(s) s.contour = true end
function unset.contour(s) s.contour = false end
function set.hidden3d(s) s.see = nil end
function unset.hidden3d(s) s.see = true end
function set.pm3d(s, rest)
   s.pm3d = true
   if rest:find '%f[%a]map%f[%A]' then s.map = true end
end
function unset.pm3d(s) s.pm3d, s.map = nil, nil end

-- terminals: what a figure's file is, and its size
local terminals = {
   png = 'png', pngcairo = 'png', svg = 'svg', pdf = 'pdf', pdfcairo = 'pdf', postscript = 'eps', epscairo = 'eps',
}
function set.terminal(s, rest, fail, figure)
   local name = rest:match '^%s*([%w]+)' or ''
   if terminals[name] then figure.kind = terminals[name] end
   local w, h = rest:match 'size%s+(%d+)%s*,%s*(%d+)'
   w, h = tonumber(w), tonumber(h)
   -- inches are a matter of paper
   if not w or w < 60 and h < 60 then return end
   if w < 60 or h < 60 or w > 10000 or h > 10000 or w * h > 2 ^ 25 then fail 'needs a size from 60,60 to 10000,10000, and 2^25 pixels at most' end
   s.width, s.height = w, h
end
set.term = set.terminal
function set.output(_, rest, fail, figure)
   figure.file = quoted(rest)
   if not figure.file and rest:find '%S' then fail 'lacks a name in quotes' end
end
unset.output = function(_, _, _, figure) figure.file = nil end

-- what changes only how windows behave or what is not drawn anyway
for name in ([[cblabel cbtics mxtics mytics mztics encoding mouse margin margins lmargin rmargin tmargin bmargin clip
   cntrparam surface ticslevel xyplane bars errorbars locale macro macros fit print angles dummy loadpath fontpath title2 rmargins decimalsign history timestamp bind raise]]):gmatch '%S+' do
   set[name], unset[name] = function() end, function() end
end

settings.kinds = terminals

-- what those are told of that are not there
settings.missing = {
   timefmt = 'times on axes are not there: the program may make numbers of them',
   xdata = 'times on axes are not there: the program may make numbers of them',
   y2tics = 'each side has one axis', y2label = 'each side has one axis', y2range = 'each side has one axis', x2tics = 'each side has one axis',
   polar = 'polar plots are not there', object = 'objects are not there, but labels and arrows', dgrid3d = 'grids are not made of points',
}

return settings
