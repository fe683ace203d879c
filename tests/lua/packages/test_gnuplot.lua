-- Package gnuplot: what stands in the files that it draws, and what it refuses.
require 'image'
require 'optim'
local gnuplot_package = require 'gnuplot'
local tester, tests = torch.Tester(), torch.TestSuite()

local folder = os.tmpname()
os.remove(folder)
paths.mkdir(folder)
local function file(name) return paths.concat(folder, name) end

local function bytes(name)
   local f = assert(io.open(name, 'rb'))
   local text = f:read '*a'
   f:close()
   return text
end

-- the current figure as the text of an SVG file, whose tags all close
local function drawn()
   local name = file 'now.svg'
   gnuplot.figprint(name)
   local text, open = bytes(name), {}
   for close, tag, single in text:gmatch '<(/?)(%a+)[^<>]-(/?)>' do
      if close == '/' then
         tester:eq(table.remove(open), tag)
      elseif single == '' then
         table.insert(open, tag)
      end
   end
   tester:eq(#open, 0)
   return text
end

local function count(text, pattern) return select(2, text:gsub(pattern, '')) end

-- the d of the first path of a class
local function path(text, class) return text:match('<path class="' .. class .. '" d="([^"]*)"') end

local function texts(text, class)
   local list = {}
   for found in text:gmatch('<text class="' .. class .. '"[^>]*>([^<]*)</text>') do list[#list + 1] = found end
   return list
end

local function fresh() return gnuplot.svgfigure(file 'fresh.svg') end

local function fails(pattern, f, ...)
   local ok, why = pcall(f, ...)
   tester:assert(not ok and tostring(why):find(pattern) ~= nil, tostring(why))
end

function tests.names()
   tester:eq(gnuplot, gnuplot_package)
   for name in ([[axis bar close closeall epsfigure figprint figure grid hist histc imagesc logscale movelegend pdffigure plot plotflush
      pngfigure raw scatter3 setgnuplotexe setterm splot svgfigure title xlabel ylabel zlabel]]):gmatch '%S+' do
      tester:eq(type(gnuplot[name]), 'function', name)
   end
end

function tests.curves()
   local x = torch.linspace(0, 1, 11)
   fresh()
   gnuplot.plot(x)
   tester:eq(count(path(drawn(), 'points'), 'M'), 11, 'points on a line')
   tester:eq(count(path(drawn(), 'lines'), '[ML]'), 11)
   gnuplot.plot { x, 'with points pt 1' }
   tester:eq(count(path(drawn(), 'points'), 'M'), 22, 'a cross is two lines')
   gnuplot.raw 'set style data impulses; set style line 1 lc rgb "red"'
   gnuplot.plot(x)
   tester:assert(drawn():find '<path class="impulses"[^>]*stroke="#ff0000"' ~= nil)
   gnuplot.raw 'reset'
   gnuplot.plot('a line', x, x, '-')
   local text = drawn()
   tester:eq(count(path(text, 'lines'), 'M'), 1)
   tester:eq(count(path(text, 'lines'), 'L'), 10)
   tester:eq(texts(text, 'legend'), { 'a line' })
   gnuplot.plot({ 'one', x, '+-' }, { 'two', x, x * 2, 'with lines lw 3 lc rgb "red"' }, { x, x, '.' }, { 'four', x, x, '|' })
   text = drawn()
   tester:eq(texts(text, 'legend'), { 'one', 'two', 'four' })
   tester:eq(count(text, '<path class="lines"'), 2)
   tester:assert(text:find('stroke="#ff0000" stroke%-width="3"') ~= nil)
   tester:eq(count(path(text, 'dots'), 'M'), 11)
   tester:eq(count(path(text, 'boxes'), 'M'), 11)
   -- as a list of lists, and columns
   gnuplot.plot { { 'one', x, '-' }, { 'two', x, '-' } }
   tester:eq(count(drawn(), '<path class="lines"'), 2)
   gnuplot.plot(torch.rand(5, 4), '-')
   tester:eq(count(drawn(), '<path class="lines"'), 3)
   gnuplot.plot { torch.rand(5, 3), 'with filledcurves fill transparent solid 0.5' }
   text = drawn()
   tester:eq(count(path(text, 'filled'), '[ML]'), 10)
   tester:assert(text:find 'fill%-opacity="0.5"' ~= nil)
   gnuplot.plot { torch.rand(4, 2), torch.rand(4, 2), 'v' }
   tester:eq(count(path(drawn(), 'vectors'), 'M'), 4)
   gnuplot.plot { x, 'with impulses' }
   tester:eq(count(path(drawn(), 'impulses'), 'M'), 11)
   gnuplot.plot { x, 'with steps title "steps"' }
   text = drawn()
   tester:eq(count(path(text, 'steps'), '[ML]'), 21)
   tester:eq(texts(text, 'legend'), { 'steps' })
   -- of very many points those that show
   local many = torch.sin(torch.range(1, 100000))
   many[50000], many[70000] = 7, -7
   gnuplot.plot(many, '-')
   local d = path(drawn(), 'lines')
   tester:assertlt(count(d, '[ML]'), 3000)
   local low, high = math.huge, -math.huge
   for at in d:gmatch '[ML]%S+ ([%d.]+)' do low, high = math.min(low, tonumber(at)), math.max(high, tonumber(at)) end
   tester:assertlt(low, 60)
   tester:assertlt(400, high)
   for _, kind in ipairs { 'torch.FloatTensor', 'torch.IntTensor', 'torch.ByteTensor' } do gnuplot.plot(torch.ones(3):type(kind), '-') end
end

function tests.smooth()
   -- the natural spline of points on a line is that line, and every spline goes through its points
   local smooth = require 'gnuplot.smooth'
   for _, way in ipairs { 'csplines', 'acsplines' } do
      local x, y = smooth[way]({ 3, 1, 2, 4 }, { 6, 2, 4, 8 }, 0.01)
      for i = 1, #x do tester:assertalmosteq(y[i], 2 * x[i], 1e-9) end
   end
   for _, way in ipairs { 'csplines', 'acsplines' } do
      local x, y = smooth[way]({ 0, 1, 2, 2, 4 }, { 0, 5, 0, 2, 3 }, 1e9)
      local near = {}
      for i = 1, #x do near[x[i]] = y[i] end
      tester:assertalmosteq(near[1], 5, 1e-6)
      tester:assertalmosteq(near[2], 1, 1e-6)
   end
   -- with little weight of the points the line through them that is nearest
   local x, y = smooth.acsplines({ 1, 2, 3, 4 }, { 1, 3, 2, 4 }, 1e-9)
   for i = 1, #x do tester:assertalmosteq(y[i], 0.5 + 0.8 * x[i], 1e-6) end
   -- a Bezier curve begins and ends in its ends, and lies in the middle by the binomial weights
   x, y = smooth.bezier({ 0, 1, 2 }, { 0, 4, 0 })
   tester:eq({ x[1], y[1], x[#x], y[#y] }, { 0, 0, 2, 0 })
   tester:assertalmosteq(y[101], 2, 1e-9)
   tester:eq({ smooth.unique({ 2, 1, 2 }, { 1, 5, 3 }) }, { { 1, 2 }, { 5, 2 } })
   tester:eq({ smooth.frequency({ 2, 1, 2 }, { 1, 5, 3 }) }, { { 1, 2 }, { 5, 4 } })
   tester:eq({ smooth.cumulative({ 2, 1, 2 }, { 1, 5, 3 }) }, { { 1, 2 }, { 5, 9 } })
   fresh()
   gnuplot.plot { torch.Tensor { 1, 3, 2 }, '~' }
   tester:eq(count(path(drawn(), 'lines'), '[ML]'), 201)
   fails('smooth \'better\' is not there', gnuplot.plot, { torch.ones(3), 'smooth better' })
end

function tests.numbers_that_cannot_be_drawn()
   fresh()
   gnuplot.plot(torch.Tensor { 1, 2, 0 / 0, 4, math.huge, 6, -math.huge }, '-')
   local text = drawn()
   tester:assert(not text:find 'nan' and not text:find 'inf')
   -- a limit beyond the data, and limits the other way round
   gnuplot.axis { 100, '', 5, -5 }
   tester:assert(not drawn():find 'nan')
   gnuplot.axis 'auto'
   for _, x in ipairs { torch.Tensor(), torch.Tensor { 0 / 0 }, torch.Tensor { 1e308, -1e308 }, torch.zeros(3), torch.Tensor { 1e-320, 0 } } do
      gnuplot.raw 'set xrange [1e-300:1e300]; set logscale x'
      gnuplot.plot(x)
      tester:assert(not drawn():find 'nan')
      gnuplot.raw 'unset xrange; unset logscale'
      for _, style in ipairs { '+', '-', '~', '|', '.', 'with filledcurves', 'with steps', 'with impulses' } do
         for _, log in ipairs { 'off', 'on' } do
            gnuplot.logscale(log)
            gnuplot.plot { x, style }
            gnuplot.figprint(file 'odd.png')
            tester:assert(not drawn():find 'nan')
         end
      end
   end
end

function tests.decorations()
   fresh()
   gnuplot.title 'A < B & "C"'
   gnuplot.xlabel 'steps'
   gnuplot.ylabel 'loss'
   gnuplot.grid(true)
   gnuplot.plot(torch.range(1, 10), '-')
   local text = drawn()
   tester:eq(texts(text, 'title'), { 'A &lt; B &amp; &quot;C&quot;' })
   tester:eq(texts(text, 'xlabel'), { 'steps' })
   tester:eq(texts(text, 'ylabel'), { 'loss' })
   tester:assert(path(text, 'grid') ~= nil)
   tester:eq(texts(text, 'tick x'), { '1', '2', '3', '4', '5', '6', '7', '8', '9', '10' })
   gnuplot.grid 'off'
   gnuplot.axis { 0, 20, '', 50 }
   text = drawn()
   tester:assert(path(text, 'grid') == nil)
   local ticks = texts(text, 'tick x')
   tester:eq({ ticks[1], ticks[#ticks] }, { '0', '20' })
   gnuplot.axis 'auto'
   gnuplot.logscale 'on'
   tester:eq(texts(drawn(), 'tick y'), { '1', '10' })
   gnuplot.logscale 'off'
   gnuplot.axis 'equal'
   local l, t, r, b = path(drawn(), 'frame'):match 'M(%S+) (%S+)L(%S+) %S+L%S+ ([%d.]+)'
   tester:assertlt(math.abs((r - l) - (b - t)), 3)
   gnuplot.axis 'fill'
   -- the legend goes where it is sent
   gnuplot.plot('name', torch.range(1, 10), '-')
   local function place()
      local x, y = drawn():match '<text class="legend" x="(%S+)" y="(%S+)"'
      return tonumber(x), tonumber(y)
   end
   local x1, y1 = place()
   gnuplot.movelegend('left', 'bottom')
   local x2, y2 = place()
   tester:assert(x2 < 200 and x1 > 400 and y1 < 100 and y2 > 300)
end

function tests.histograms()
   fresh()
   local x = torch.Tensor { 0, 1, 1, 2, 2, 2, 3 }
   local h = gnuplot.hist(x, 3)
   tester:eq({ h[1].nb, h[2].nb, h[3].nb }, { 1, 2, 4 })
   tester:eq({ h[1].val, h.min, h.max, h.bins, h.binwidth }, { 0.5, 1, 3, 3, 1 })
   tester:assert(tostring(h):find '^nsamples:  min:%(bin:1/#1/cntr:0.50%)  max:%(bin:3/#4/cntr:2.50%)\n' ~= nil, tostring(h))
   tester:eq(count(tostring(h), '\n'), 13)
   tester:eq(#gnuplot.histc(x), 72)
   tester:eq(gnuplot.histc(x, 3, 0, 3, true), torch.Tensor { 1, 2, 4 })
   tester:eq(count(path(drawn(), 'boxes'), 'M'), 3)
   tester:eq(gnuplot.histc(x, 2, 0, 4).raw, torch.Tensor { 3, 4 })
   gnuplot.bar('named', torch.range(1, 5), gnuplot.histc(x, 5).raw)
   tester:eq(count(path(drawn(), 'boxes'), 'M'), 5)
   tester:eq(texts(drawn(), 'legend'), { 'named' })
   gnuplot.bar(torch.Tensor { 1, 5, 3, 2 })
   tester:eq(count(path(drawn(), 'boxes'), 'M'), 4)
   gnuplot.hist(torch.randn(10, 10), 20, -2, 2)
   gnuplot.hist(torch.ones(4))
   fails('expected a tensor, got number', gnuplot.hist, 3)
   fails('number of bins', gnuplot.hist, x, 0)
   fails('min is 3', gnuplot.hist, x, 3, 3, 1)
   fails('empty', gnuplot.hist, torch.Tensor())
   fails('no element', gnuplot.hist, torch.Tensor { 0 / 0 })
   fails('gnuplot.hist: .*too wide', gnuplot.hist, torch.Tensor { 1e308, -1e308 })
   fails('x has 2 elements and y 3', gnuplot.bar, torch.ones(2), torch.ones(3))
   fails('got nothing', gnuplot.bar)
end

function tests.matrices()
   local id = gnuplot.pngfigure(file 'matrix.png')
   local m = torch.Tensor { { 0, 1 }, { 2, 4 } }
   gnuplot.imagesc(m, 'gray')
   local text = drawn()
   tester:eq(count(text, '<image class="matrix"'), 1)
   tester:eq(count(text, '<image class="colours"'), 1)
   local ticks = texts(text, 'tick colour')
   tester:eq({ ticks[1], ticks[#ticks] }, { '0', '4' })
   -- the first row is above, dark is small
   local picture = image.load(file 'matrix.png', 3, 'byte')
   tester:eq(picture:size():totable(), { 3, 480, 640 })
   tester:eq({ picture[1][100][150], picture[1][100][450], picture[1][350][150], picture[1][350][450] }, { 0, 64, 128, 255 })
   m:fill(0)
   gnuplot.title 'later'
   tester:eq(image.load(file 'matrix.png', 3, 'byte')[1][350][450], 255, 'a plot keeps its numbers')
   for _, name in ipairs { 'color', 'hot', 'jet', 'rainbow', 'ocean', 'cool' } do gnuplot.imagesc(torch.rand(4, 7), name) end
   gnuplot.imagesc(torch.Tensor { { 0 / 0, 1 } })
   gnuplot.imagesc(torch.zeros(1, 1))
   fails('expected a matrix, got a tensor of 1 dim', gnuplot.imagesc, torch.rand(3))
   -- an unknown palette is told, and the plot drawn
   for _, name in ipairs { 'none', 'rgbformulae 99,1,1', '' } do gnuplot.imagesc(m, name) end
   gnuplot.imagesc(m, 'rgbformulae 33,13,10')
   fails('name of a palette, got table', gnuplot.imagesc, m, {})
   gnuplot.close(id)
end

function tests.files()
   local starts = { png = '\137PNG', svg = '<%?xml', pdf = '%%PDF%-1', eps = '%%!PS%-Adobe%-3.0 EPSF' }
   for kind, start in pairs(starts) do
      local name = file('plot.' .. kind)
      local id = gnuplot[kind .. 'figure'](name)
      gnuplot.plot { 'näme (1)', torch.rand(5), '+-' }
      gnuplot.plotflush()
      tester:assert(bytes(name):find('^' .. start) ~= nil, kind)
      local before = bytes(name)
      gnuplot.title 'changes it'
      tester:ne(bytes(name), before)
      gnuplot.imagesc(torch.rand(3, 3))
      local other = file('copy.' .. kind)
      gnuplot.figprint(other)
      tester:eq(bytes(other), bytes(name))
      gnuplot.plotflush(id)
      gnuplot.close(id)
   end
   -- the table of places in a PDF file is true
   local pdf = bytes(file 'plot.pdf')
   local table_at = tonumber(pdf:match 'startxref\n(%d+)')
   tester:eq(pdf:sub(table_at + 1, table_at + 4), 'xref')
   local n = 0
   for place in pdf:sub(table_at):gmatch '(%d+) 00000 n' do
      n = n + 1
      tester:assert(pdf:sub(tonumber(place) + 1):find('^' .. n .. ' 0 obj') ~= nil)
   end
   fails('expected a file name, got nil', gnuplot.pngfigure)
   fails('gnuplot.pngfigure: cannot write', gnuplot.pngfigure, file 'none/x.png')
   fresh()
   fails('nothing is plotted', gnuplot.figprint, file 'x.png')
   gnuplot.plot(torch.rand(3))
   fails('ends in', gnuplot.figprint, file 'x.bmp')
   fails('cannot write', gnuplot.figprint, file 'none/x.png')
end

function tests.pixels()
   gnuplot.pngfigure(file 'line.png')
   gnuplot.plot('', torch.Tensor { 0, 10 }, torch.Tensor { 5, 5 }, 'with lines lw 4 lc rgb "#ff0000"')
   gnuplot.axis { 0, 10, 0, 10 }
   local p = image.load(file 'line.png', 3, 'byte')
   -- the frame is 640 - 24 - 2 * 9 - 18 wide and 480 - 14 - 30 high
   local row = 14 + 436 / 2
   tester:eq({ p[1][row][300], p[2][row][300], p[3][row][300] }, { 255, 0, 0 })
   tester:eq({ p[1][row - 20][300], p[2][row - 20][300], p[3][row - 20][300] }, { 255, 255, 255 })
   local first = 18 + 18 + 1
   tester:eq({ p[1][100][first], p[1][100][first - 2], p[1][100][first + 2] }, { 0, 255, 255 })
   gnuplot.raw 'set terminal png size 320,200; replot'
   tester:eq(image.load(file 'line.png', 3, 'byte'):size():totable(), { 3, 200, 320 })
end

function tests.figures()
   gnuplot.closeall()
   tester:eq(gnuplot.figure(), 1)
   tester:eq(gnuplot.figure(7), 7)
   tester:eq(gnuplot.pngfigure(file 'f.png'), 8)
   tester:eq(gnuplot.figure(1), 1)
   gnuplot.close(7)
   gnuplot.close()
   tester:eq(gnuplot.figure(), 9)
   fails('number of a figure', gnuplot.figure, 'x')
   fails('number of a figure', gnuplot.close, 1.5)
   fails('number of a figure', gnuplot.plotflush, {})
   gnuplot.closeall()
   gnuplot.setterm 'x11'
   gnuplot.setgnuplotexe '/usr/bin/gnuplot'
   fails('expected the name', gnuplot.setterm)
end

-- a program goes on without a place for its pictures
function tests.without_a_folder()
   gnuplot.closeall()
   local tmpname = os.tmpname
   os.tmpname = function() error 'unable to generate a unique filename' end
   local ok, why = pcall(function()
      gnuplot.figure()
      gnuplot.setterm 'svg'
      gnuplot.plot(torch.rand(3))
      gnuplot.setterm 'png'
      gnuplot.plot(torch.rand(3))
   end)
   os.tmpname = tmpname
   tester:assert(ok, tostring(why))
   os.remove 'gnuplot-figure-1.svg'
   os.remove 'gnuplot-figure-1.png'
end

function tests.raw()
   fresh()
   gnuplot.plot({ 'a', torch.range(1, 12), '-' })
   gnuplot.raw('set xtics ("Jan" 1, "Feb" 2, "Mar" 3); set xlabel "month, year"\nset key left top')
   local text = drawn()
   tester:eq(texts(text, 'tick x'), { 'Jan', 'Feb', 'Mar' })
   tester:eq(texts(text, 'xlabel'), { 'month, year' })
   gnuplot.raw 'set xtics 5; set xrange [0:20]; set yrange [*:100]; unset key; set grid; unset xlabel'
   text = drawn()
   tester:eq(texts(text, 'tick x'), { '0', '5', '10', '15', '20' })
   tester:eq({ #texts(text, 'legend'), #texts(text, 'xlabel') }, { 0, 0 })
   gnuplot.raw 'set yrange [1:1000]; set logscale y; set size ratio 1; set style fill solid 0.3; set boxwidth 0.5; replot'
   tester:eq(texts(drawn(), 'tick y'), { '1', '10', '100', '1000' })
   gnuplot.raw 'set autoscale; unset logscale; set palette rgbformulae 33,13,10; set palette defined (0 "blue", 1 "#ffffff")'
   fails("gnuplot.raw: 'set polar' is not there", gnuplot.raw, 'set polar')
   fails("gnuplot.raw: 'fit' is not there", gnuplot.raw, "fit f(x) 'data.txt' via a")
   fails('lacks a range', gnuplot.raw, 'set xrange 3')
   fails('no number', gnuplot.raw, 'set xrange [a:3]')
   fails("'nowhere' is not there", gnuplot.raw, 'set key nowhere')
   fails('without a place', gnuplot.raw, 'set xtics ("x")')
   fails('2%^25 pixels', gnuplot.raw, 'set terminal png size 9000,9000')
   fails('expected a text', gnuplot.raw, 3)
   gnuplot.raw 'reset'
end

function tests.refusals()
   local x = torch.rand(3)
   local _, why = pcall(function() gnuplot.plot(3) end)
   tester:assert(why:find 'test_gnuplot.lua:%d+: gnuplot.plot: curve 1: expected a tensor at place 1, got number' ~= nil, why)
   _, why = pcall(function() gnuplot.plot { x, 'with pies' } end)
   tester:assert(why:find "test_gnuplot.lua:%d+: gnuplot.plot: curve 1: the style 'pies' is not there" ~= nil, why)
   _, why = pcall(function() gnuplot.raw 'set nothing' end)
   tester:assert(why:find "test_gnuplot.lua:%d+: gnuplot.raw: 'set nothing' is not there" ~= nil, why)
   fails('got nothing', gnuplot.plot)
   fails('got nothing', gnuplot.plot, 'name')
   fails('curve 2: x has 3 elements and y 4', gnuplot.plot, { x }, { x, torch.rand(4) })
   fails('vectors %(', gnuplot.plot, { x, x, 'v' })
   fails('curve 2: expected a list', gnuplot.plot, { x }, x)
   fails('expected a vector, or a matrix', gnuplot.plot, torch.rand(2, 3, 4))
   fails('got number besides', gnuplot.plot, { 'n', x, x, '-', 3 })
   fails("'fancy' is not known", gnuplot.plot, { x, 'fancy' })
   fails('lacks its number', gnuplot.plot, { x, 'with lines lw' })
   fails('lacks a colour', gnuplot.plot, { x, 'with lines lc rgb "nope"' })
   for _, name in ipairs { 'title', 'xlabel', 'ylabel', 'zlabel' } do fails('gnuplot.' .. name .. ': expected a text', gnuplot[name]) end
   fails('gnuplot.grid: expected', gnuplot.grid, 'perhaps')
   fails('gnuplot.logscale: expected', gnuplot.logscale, 'z')
   fails('gnuplot.movelegend: expected', gnuplot.movelegend, 'up')
   fails("got 'odd'", gnuplot.axis, 'odd')
   fails('at place 2', gnuplot.axis, { 0, 'x' })
end

function tests.solids()
   fresh()
   gnuplot.zlabel 'height'
   gnuplot.splot(torch.zeros(4, 6))
   local text = drawn()
   tester:eq(count(path(text, 'surface'), 'M'), 10, 'a line for every row and column')
   tester:eq(count(path(text, 'surface'), '[ML]'), 48)
   -- a wall hides what is behind it, unless it is to be seen through
   local m = torch.zeros(9, 9)
   m[2]:fill(5)
   gnuplot.splot(m)
   local hidden = path(drawn(), 'surface')
   gnuplot.raw 'unset hidden3d'
   tester:eq(count(path(drawn(), 'surface'), 'M'), 18)
   tester:assertlt(18, count(hidden, 'M'))
   gnuplot.raw 'set hidden3d'
   -- contours on the base, with their levels in the legend
   gnuplot.splot(torch.range(0, 3):view(4, 1):expand(4, 6))
   tester:assert(path(drawn(), 'contour') ~= nil)
   tester:eq(texts(drawn(), 'legend'), { '1', '2', '3' })
   gnuplot.raw 'unset contour'
   tester:assert(path(drawn(), 'contour') == nil)
   gnuplot.splot(torch.rand(4, 6))
   text = drawn()
   tester:eq(texts(text, 'zlabel'), { 'height' })
   tester:eq(texts(text, 'tick x'), { '1', '2', '3', '4', '5', '6' })
   tester:eq(texts(text, 'tick z')[1], '0')
   local m = torch.rand(3, 3)
   gnuplot.splot({ 'a', m }, { 'b', m, m, m + 2, '+-' })
   tester:eq({ unpack(texts(drawn(), 'legend'), 1, 2) }, { 'a', 'b' })
   gnuplot.raw 'set view 0,0; set zrange [0:4]; set ztics 2'
   tester:eq(texts(drawn(), 'tick z'), { '0', '2', '4' })
   local z = torch.linspace(0, 6, 20)
   gnuplot.scatter3(torch.cos(z), torch.sin(z), z)
   gnuplot.raw 'unset zrange'
   tester:eq(count(path(drawn(), 'points'), 'M'), 20)
   gnuplot.scatter3({ 'A', z, z, z }, { 'B', z, z * 2, z, '-' })
   gnuplot.figprint(file 'solid.png')
   gnuplot.scatter3(torch.Tensor { 0 / 0 }, torch.Tensor { 1 }, torch.Tensor { math.huge })
   tester:assert(not drawn():find 'nan')
   fails('gnuplot.splot: curve 1: z has to be a matrix, got 20', gnuplot.splot, z)
   fails('gnuplot.splot: curve 1: z has to be a matrix, got an empty', gnuplot.splot, torch.Tensor())
   fails('expected one tensor', gnuplot.splot, m, m)
   fails('three tensors', gnuplot.scatter3, z, z)
   fails('have 20, 3 and 20', gnuplot.scatter3, z, torch.rand(3), z)
   fails('only lines and points', gnuplot.splot, m, 'with boxes')
   fails('got number at place 2', gnuplot.splot, m, 3)
   fails('lacks two angles', gnuplot.raw, 'set view 200')
   gnuplot.raw 'set view map'
   gnuplot.splot(m)
   tester:assert(drawn():find '<image class="matrix"' ~= nil)
end

function tests.logger()
   local name = file 'run.log'
   local log = optim.Logger(name)
   log:setNames { 'train', 'test' }
   log:style { '-', '+-' }
   log:display(false)
   for i = 1, 5 do log:add { i, 1 / i } end
   log:plot()
   local text = bytes(name .. '.eps')
   tester:assert(text:find('%(train%)') ~= nil and text:find('%(test%)') ~= nil and text:find('<Logger::', 1, true) ~= nil)
end

tester:add(tests):run()
for name in paths.iterfiles(folder) do os.remove(paths.concat(folder, name)) end
paths.rmdir(folder)
print 'all as it should be'
