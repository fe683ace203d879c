-- gnuplot.raw: the commands of gnuplot's own that programs use, as settings of a figure.
local palette = require 'gnuplot.palette'
local style = require 'gnuplot.style'
local raw = {}

-- pieces of a text between separators that stand outside of quotes and brackets
local function pieces(text, separators)
   local list, piece, quote, depth = {}, {}, nil, 0
   for c in text:gmatch '.' do
      if quote then
         quote = c ~= quote and quote or nil
      elseif c == '"' or c == "'" then
         quote = c
      elseif c == '(' then
         depth = depth + 1
      elseif c == ')' then
         depth = depth - 1
      end
      if not quote and depth <= 0 and separators:find(c, 1, true) then
         list[#list + 1], piece = table.concat(piece), {}
      else
         piece[#piece + 1] = c
      end
   end
   list[#list + 1] = table.concat(piece)
   return list
end

-- the first quoted text; nil where there is none
local function quoted(rest)
   local quote = rest:match '["\']'
   return quote and rest:match(quote .. '(.-)' .. quote)
end

local set, unset = {}, {}

for _, name in ipairs { 'title', 'xlabel', 'ylabel', 'zlabel' } do
   set[name] = function(s, rest, fail)
      local text = quoted(rest)
      if not text then fail 'lacks a text in quotes' end
      s[name] = text ~= '' and text or nil
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
      local numbers = {}
      for word in rest:gmatch '[^%s,]+' do
         if not tonumber(word) then fail("'" .. word .. "' is not there") end
         numbers[#numbers + 1] = tonumber(word)
      end
      local step = numbers[2] or numbers[1]
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
local key_words = { inside = true, box = true, nobox = true, opaque = true, noopaque = true, on = true, default = true }
function set.key(s, rest, fail)
   s.nokey = false
   for word in rest:gmatch '%a+' do
      if across[word] then
         s.key = { word, s.key[2] }
      elseif down[word] then
         s.key = { s.key[1], word }
      elseif word == 'off' then
         s.nokey = true
      elseif not key_words[word] then
         fail("'" .. word .. "' is not there, only left, center, right, top, middle, bottom")
      end
   end
end
function unset.key(s) s.nokey = true end

function set.size(s, rest, fail)
   local ratio = rest:match 'ratio%s+(%S+)'
   if rest:find 'noratio' then
      s.aspect, s.equal = nil, nil
   elseif rest:find 'square' then
      s.aspect, s.equal = 1, nil
   elseif ratio and tonumber(ratio) then
      local n = tonumber(ratio)
      s.aspect, s.equal = n > 0 and n or nil, n < 0 or nil
   elseif not rest:match '^%s*1%s*,%s*1%s*$' then
      fail 'is not there but for ratio, noratio and square'
   end
end

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

function set.style(s, rest, fail)
   local fill = rest:match '^%s*fill%s+(.*)'
   if not fill then fail 'is not there but for style fill' end
   local density = tonumber(fill:match 'solid%s+(%S+)' or '')
   s.fill = fill:find 'solid' and math.max(0, math.min(1, density or 1)) or fill:find 'pattern' and 0.5 or 0
end

-- from where plots of three dimensions are seen
function set.view(s, rest, fail)
   local tilt, turn = rest:match '^%s*(%d+%.?%d*)%s*,%s*(%d+%.?%d*)'
   tilt, turn = tonumber(tilt), tonumber(turn)
   if not tilt or not turn or tilt > 180 or turn > 360 then fail 'lacks two angles, up to 180 and 360' end
   s.view = { tilt, turn }
end

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
   if w < 60 or h < 60 or w > 10000 or h > 10000 then fail 'needs a size from 60,60 to 10000,10000' end
   s.width, s.height = w, h
end
set.term = set.terminal
function set.output(_, rest, fail, figure)
   figure.file = quoted(rest) or fail 'lacks a name in quotes'
end
unset.output = function() end

-- what changes only how windows behave or what is not drawn anyway
for name in ([[samples isosamples border tics mxtics mytics encoding mouse margin lmargin rmargin tmargin bmargin clip]]):gmatch '%S+' do
   set[name], unset[name] = function() end, function() end
end

raw.kinds = terminals

-- Runs commands, parted by semicolons or lines; `refuse(message)` raises an error. Whether the figure has to be drawn.
function raw.run(text, figure, refuse)
   for _, command in ipairs(pieces(text, ';\n')) do
      local verb, rest = command:match '^%s*(%a+)%s*(.-)%s*$'
      if verb == 'set' or verb == 'unset' or verb == 'se' then
         local name, more = rest:match '^(%w+)%s*(.*)$'
         local known = (verb == 'unset' and unset or set)[name or '']
         if not known then
            refuse(string.format("'%s %s' is not there; plots are drawn without gnuplot, and docs/packages.md lists what raw knows", verb,
               name or ''))
         end
         known(figure.settings, more, function(message) refuse(string.format("'%s': %s %s", command, name, message)) end, figure)
      elseif verb and verb ~= 'replot' and verb ~= 'refresh' and verb ~= 'reset' then
         refuse(string.format("'%s' is not there; plots are drawn without gnuplot, and docs/packages.md lists what raw knows", verb))
      elseif not verb and command:find '%S' then
         refuse(string.format("'%s' is no command", command))
      elseif verb == 'reset' then
         local s = figure.settings
         for key in pairs(s) do s[key] = nil end
         s.width, s.height, s.key = 640, 480, { 'right', 'top' }
      end
   end
end

return raw
