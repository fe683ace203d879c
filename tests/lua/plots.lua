-- Every plotting function draws, and what it draws is compared with tests/data/plots.txt: texts with their places, shapes
-- with their colours, numbers of parts and points, and reach, and the colours in a grid of places. `-write` writes the file
-- anew: look at what has changed before it is committed. A folder as the second argument keeps the pictures.
require 'gnuplot'
require 'image'
local write, keep = arg[1] == '-write', arg[2]
local folder = keep or os.tmpname()
if not keep then os.remove(folder) end
paths.mkdir(folder)
local complaints = {}
local function complain(...) complaints[#complaints + 1] = string.format(...) end

-- ---- the plots ----

local plots = {}
local function plot(name, draw) plots[#plots + 1] = { name = name, draw = draw } end
local x = torch.linspace(-2 * math.pi, 2 * math.pi, 50)
local waves = torch.sin(torch.ger(torch.linspace(-1, 1, 20), torch.linspace(-1, 1, 20)) * 2 * math.pi)
local function column(...) return torch.Tensor { ... } end
local off = column(0.5, 1, 0.25, 0.5, 1, 0.5)
local a, y = torch.range(1, 6), column(2, 3, 1, 4, 3, 5)
local function file(text)
   local name = paths.concat(folder, 'data.txt')
   local f = assert(io.open(name, 'w'))
   f:write(text)
   f:close()
   return name
end

plot('default', function() gnuplot.plot(torch.sin(x)) end)
plot('styles', function()
   gnuplot.plot({ 'line', a, y, '-' }, { 'points', a, y + 4, '+' }, { 'both', a, y + 8, '+-' }, { 'dots', a, y + 12, '.' },
      { 'spline', a, y + 16, '~' }, { 'boxes', a, y, '|' })
end)
plot('vectors', function() gnuplot.plot { torch.cat(a, torch.ones(6), 2), torch.cat(y, off, 2), 'v' } end)
plot('words', function()
   gnuplot.plot({ 'impulses', a, y, 'with impulses lc rgb "red"' }, { 'steps', a, y + 6, 'with steps lw 3' }, { 'histeps', a, y + 12, 'with histeps' },
      { 'circles', torch.cat({ a, y + 18, off / 2 }, 2), 'with circles' }, { 'smooth', a, y + 24, 'with lines smooth bezier dt 2' })
end)
plot('areas', function()
   gnuplot.plot({ 'between', torch.cat({ a, y, y + 3 }, 2), 'with filledcurves fs solid 0.5' }, { 'to zero', a, y * -1, 'with filledcurves y1=0 lc rgb "#00ff00"' })
end)
plot('errors', function()
   gnuplot.plot({ 'y', torch.cat({ a, y, off }, 2), 'with yerrorbars' }, { 'x', torch.cat({ a, y + 6, off }, 2), 'with xerrorbars' },
      { 'both', torch.cat({ a, y + 12, off, off }, 2), 'with xyerrorbars' }, { 'lines', torch.cat({ a, y + 18, off }, 2), 'with errorlines' })
end)
plot('candles', function()
   local days = torch.cat({ a, y, y - 1, y + 3, y + off * 2 - 1 }, 2)
   local later = days + 8
   later:select(2, 1):copy(a)
   gnuplot.plot({ 'candles', days, 'with candlesticks' }, { 'bars', later, 'with financebars' })
end)
plot('bar', function()
   gnuplot.bar('named', a, y)
   gnuplot.raw 'set style fill solid 0.5'
end)
plot('hist', function() gnuplot.hist(torch.pow(torch.range(1, 100) / 100, 2), 8) end)
plot('imagesc', function() gnuplot.imagesc(torch.range(1, 12):view(3, 4), 'color') end)
plot('splot', function() gnuplot.splot('waves', waves) end)
plot('splots', function()
   gnuplot.splot({ 'below', waves }, { 'above', waves + 2 })
   gnuplot.zlabel 'height'
end)
plot('scatter3', function()
   local z = torch.linspace(-5, 5, 40)
   gnuplot.scatter3({ 'up', torch.cos(z), torch.sin(z), z }, { 'down', torch.sin(z), torch.cos(z), -z, '-' })
end)
plot('decorated', function()
   gnuplot.plot({ 'left', a, y, '-' }, { 'right', a, y * 2, '-' })
   gnuplot.title 'A title'
   gnuplot.xlabel 'across'
   gnuplot.ylabel 'up'
   gnuplot.grid(true)
   gnuplot.axis { 0, 8, '', 12 }
   gnuplot.movelegend('left', 'bottom')
end)
plot('logscale', function()
   gnuplot.plot('falling', torch.range(1, 50), torch.pow(torch.range(1, 50), -2), '-')
   gnuplot.logscale(true)
end)
plot('equal', function()
   gnuplot.plot('circle', torch.cos(x), torch.sin(x), '-')
   gnuplot.axis 'equal'
end)
plot('raw file', function()
   local name = file 'ant 3 1\nbee 5 2\ncat 2 6\n\ndog 4 4\n'
   gnuplot.raw('set boxwidth 0.7; set style fill solid 1; plot "' .. name .. '" using 0:2:xtic(1) with boxes title "boxes", "" u 0:($3*2) w lp lc rgb "red" t "twice"')
end)
plot('raw labels', function()
   gnuplot.raw('plot "' .. file '1 1 one\n2 4 two\n3 9 three\n' .. '" using 1:2:3 with labels point pt 7 offset char 1,1 notitle')
end)
plot('raw functions', function()
   gnuplot.raw [[f(x) = a * x**2; a = 0.5
      set zeroaxis; set label "here" at 1,4; set arrow from 1,3.8 to 2,2; set format y "%.1f"; set samples 41
      plot [-4:4] f(x) title "square", -sin(x) dt 2, x > 0 ? x : 0]]
end)
plot('raw surface', function() gnuplot.raw 'set isosamples 20; set view 50,40; splot [-2:2] [-2:2] exp(-x*x - y*y) title "hill"' end)
plot('pm3d', function() gnuplot.raw 'set pm3d; set isosamples 20; splot [-2:2] [-2:2] exp(-x*x - y*y)' end)
plot('map', function() gnuplot.raw 'set pm3d map; set isosamples 20; splot [-2:2] [-1:1] x*y' end)
plot('multiplot', function()
   gnuplot.raw 'set multiplot layout 2,2 title "four"'
   gnuplot.title 'first'
   gnuplot.plot(y)
   gnuplot.title 'second'
   gnuplot.imagesc(waves)
   gnuplot.title ''
   gnuplot.bar(y)
   gnuplot.splot(waves)
   gnuplot.raw 'unset multiplot'
end)
plot('inset', function()
   gnuplot.raw 'set multiplot'
   gnuplot.plot('large', a, y, '-')
   gnuplot.raw 'set size 0.4,0.4; set origin 0.1,0.55'
   gnuplot.plot('small', a, -y, '-')
   gnuplot.raw 'unset multiplot'
end)
plot('key outside', function()
   gnuplot.plot({ 'one', y, '-' }, { 'another', y + 1, '-' })
   gnuplot.raw 'set key outside; set xtics rotate; unset border'
end)

-- ---- what a picture holds ----

local function round(v) return math.floor(tonumber(v) + 0.5) end

-- the points of a path's d, and in how many parts they are
local function reach(d)
   local parts, points, l, t, r, b = 0, 0, math.huge, math.huge, -math.huge, -math.huge
   for kind, px, py in d:gmatch '([ML])(%-?[%d.]+) (%-?[%d.]+)' do
      px, py = tonumber(px), tonumber(py)
      if kind == 'M' then parts = parts + 1 end
      points = points + 1
      l, t, r, b = math.min(l, px), math.min(t, py), math.max(r, px), math.max(b, py)
   end
   return string.format('%d parts, %d points, %d %d to %d %d', parts, points, round(l), round(t), round(r), round(b))
end

-- Whether every tag closes and nothing stands where XML has it not.
local function check_xml(name, text)
   local open, body = {}, text:gsub('^<%?xml[^>]*%?>%s*', '')
   for close, tag, attributes, single in body:gmatch '<(/?)([%a]+)([^<>]-)(/?)>' do
      if not attributes:gsub('%s+[%w:-]+="[^"<]*"', ''):find '^%s*$' then complain('%s: the tag %s has odd attributes: %s', name, tag, attributes:sub(1, 80)) end
      if close == '/' then
         if table.remove(open) ~= tag then complain('%s: %s is closed where it is not open', name, tag) end
      elseif single == '' then
         open[#open + 1] = tag
      end
   end
   if #open > 0 then complain('%s: %s is not closed', name, open[#open]) end
   if body:gsub('<[^<>]*>', ''):find '[<>]' or body:gsub('&%a+;', ''):find '&' then complain('%s: the file is no XML', name) end
   if text:find 'nan' or text:find '[^%a]inf[^%a]' then complain('%s: numbers are not finite', name) end
end

local function structure(svg)
   local lines, texts = {}, {}
   for line in svg:gmatch '[^\n]+' do
      local class, tx, ty, text = line:match '^<text class="([^"]+)" x="(%S+)" y="(%S+)"[^>]*>(.-)</text>$'
      local shape, d, paint = line:match '^<path class="([^"]+)" d="([^"]*)"(.*)/>$'
      local picture, px, py, w, h = line:match '^<image class="([^"]+)" x="(%S+)" y="(%S+)" width="(%S+)" height="(%S+)"'
      if class then
         if not texts[class] then
            texts[class] = #lines + 1
            lines[#lines + 1] = class .. ':'
         end
         lines[texts[class]] = lines[texts[class]] .. string.format(' %s @ %d %d;', text, round(tx), round(ty))
      elseif shape and d ~= '' then
         local colour = paint:match 'fill="(#%x+)"' or paint:match 'stroke="(#%x+)"'
         lines[#lines + 1] = string.format('%s: %s %s, %s', shape, paint:find 'fill="#' and 'filled' or 'drawn', colour, reach(d))
      elseif picture then
         lines[#lines + 1] = string.format('%s: %d %d, %d x %d', picture, round(px), round(py), round(w), round(h))
      end
   end
   return lines
end

-- letters for the strongest colour in each of 32 x 16 places
local function places(pixels)
   local lines, wide, high = {}, pixels:size(3) / 32, pixels:size(2) / 16
   for r = 0, 15 do
      local line = {}
      for c = 0, 31 do
         local cell = pixels:narrow(2, r * high + 1, high):narrow(3, c * wide + 1, wide):float():contiguous():view(3, -1)
         local most, least = cell:max(1), cell:min(1)
         local strength, at = (most - least):max(2)
         local letter = '.'
         if strength[1][1] > 80 then
            local k = at[1][1]
            local red, green, blue = cell[1][k], cell[2][k], cell[3][k]
            local middle = (most[1][k] + least[1][k]) / 2
            letter = (red > middle and 'r' or '') .. (green > middle and 'g' or '') .. (blue > middle and 'b' or '')
            letter = ({ r = 'R', g = 'G', b = 'B', rg = 'Y', gb = 'C', rb = 'M' })[letter] or '?'
         elseif most:min() < 120 then
            letter = 'k'
         end
         line[#line + 1] = letter
      end
      lines[#lines + 1] = '   ' .. table.concat(line)
   end
   return lines
end

local function bytes(name)
   local f = assert(io.open(name, 'rb'))
   local text = f:read '*a'
   f:close()
   return text
end

local found = {}
for k, p in ipairs(plots) do
   gnuplot.closeall()
   local base = paths.concat(folder, string.format('%02d-%s', k, p.name:gsub(' ', '-')))
   gnuplot.svgfigure(base .. '.svg')
   p.draw()
   for _, kind in ipairs { 'svg', 'png', 'pdf', 'eps' } do gnuplot.figprint(base .. '.' .. kind) end
   local svg = bytes(base .. '.svg')
   check_xml(p.name, svg)
   found[#found + 1] = '[' .. p.name .. ']'
   for _, line in ipairs(structure(svg)) do found[#found + 1] = line end
   for _, line in ipairs(places(image.load(base .. '.png', 3, 'byte'))) do found[#found + 1] = line end
end

-- ---- comparing ----

-- whether two lines are the same but for a pixel here and there
local function alike(one, other)
   if not other then return false end
   if one:find '^   ' then
      local differ = 0
      for i = 1, math.max(#one, #other) do
         if one:sub(i, i) ~= other:sub(i, i) then differ = differ + 1 end
      end
      return differ <= 1
   end
   local numbers = {}
   local rest = other:gsub('%-?%d+', function(n)
      numbers[#numbers + 1] = tonumber(n)
      return '#'
   end)
   local k, near = 0, true
   local own = one:gsub('%-?%d+', function(n)
      k = k + 1
      near = near and numbers[k] ~= nil and math.abs(tonumber(n) - numbers[k]) <= 1
      return '#'
   end)
   return near and own == rest and k == #numbers
end

local STORE = 'tests/data/plots.txt'
if write then
   local f = assert(io.open(STORE, 'w'))
   f:write(table.concat(found, '\n'), '\n')
   f:close()
else
   local k, name = 0, ''
   for line in io.lines(STORE) do
      k = k + 1
      name = line:match '^%[(.*)%]$' or name
      if not alike(line, found[k]) then
         complain('%s: line %d of %s has\n   %s\nand the plot\n   %s', name, k, STORE, line, tostring(found[k]))
         break
      end
   end
   if #complaints == 0 and k ~= #found then complain('%s has %d lines, and the plots %d', STORE, k, #found) end
end
if not keep then
   for name in paths.iterfiles(folder) do os.remove(paths.concat(folder, name)) end
   paths.rmdir(folder)
end
for _, text in ipairs(complaints) do print(text) end
print(#plots .. ' plots, ' .. #complaints .. ' complaints')
os.exit(#complaints == 0 and 0 or 1)
