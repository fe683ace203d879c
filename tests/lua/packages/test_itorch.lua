-- Packages itorch and display where no notebook is: pictures and pages of HTML in files.
-- the page goes into the folder that the test runs in
local page = 'page.html'
local getenv = os.getenv
os.getenv = function(name) return name == 'REKINDLE_DISPLAY' and page or getenv(name) end
local pictures = require 'rekindle.pictures'
local seen = {}
pictures.sink = function(picture) seen[#seen + 1] = picture end

local function is(a, b, what)
   if a ~= b then error(string.format('%s: expected %s, got %s', what or 'value', tostring(b), tostring(a)), 2) end
end
local function fails(text, f, ...)
   local fine, why = pcall(f, ...)
   if fine or not tostring(why):find(text, 1, true) then error('expected an error with ' .. text .. ', got ' .. tostring(why), 2) end
end
local function content()
   pictures.flush()
   local file = assert(io.open(page))
   local text = file:read('*a')
   file:close()
   return text
end

local itorch = require 'itorch'
is(_G.itorch, itorch)
is(require 'itorch.Plot', itorch.Plot)

-- pictures
itorch.image(torch.rand(3, 5, 7))
is(seen[1].width, 7)
is(seen[1].height, 5)
is(seen[1].png:sub(2, 4), 'PNG')
itorch.image({ torch.rand(4, 4), torch.rand(4, 4) }, { win = 'w' })
is(seen[2].id, 'w')
itorch.images(torch.rand(6, 3, 4, 4))
itorch.lena()
is(seen[4].width, 512)
fails('itorch.image: expected a tensor', itorch.image, 3)
itorch.svg('<svg xmlns="http://www.w3.org/2000/svg"/>')
is(seen[5].svg:sub(1, 4), '<svg')
fails('itorch.audio: cannot open', itorch.audio, '/nonexistent.mp3')
local clip = os.tmpname()
fails('itorch.video: expected a file of mp4', itorch.video, clip)
os.remove(clip)
is(itorch._result(torch.rand(8, 8)), nil)

-- plots
local n = #seen
local plot = itorch.Plot():circle(torch.randn(5), torch.randn(5), 'red', 'dots'):line({ 1, 2 }, { 3, 4 }, '#00ff00', 'line')
plot:triangle({ 1 }, { 2 }, { 10, 20, 30 }):segment({ 0 }, { 0 }, { 1 }, { 1 }, 'steelblue'):quad({ 0 }, { 0 }, { 1 }, { 2 })
plot:quiver(torch.ones(2, 3), torch.ones(2, 3)):histogram(torch.randn(100), 10):hist(torch.ones(5)):gscatter({ 1, 2 }, { 3, 4 }, { 'a', 'b' })
plot:text({ 1 }, { 1 }, { 'here' }):title('the title'):xaxis('across'):yaxis('up'):hover_tool {}
is(plot:legend(true):draw(), plot)
is(#seen, n + 1)
local svg = seen[n + 1].svg
for _, word in ipairs { 'the title', 'across', 'up', 'here', 'dots', 'line' } do
   if not svg:find(word, 1, true) then error('no ' .. word .. ' in the plot') end
end
plot:legend(false):redraw()
is(seen[n + 2].id, seen[n + 1].id)
is(seen[n + 2].svg:find('dots', 1, true), nil)
is(seen[n + 2].png:sub(2, 4), 'PNG')
itorch.Plot():draw()
fails('x has 1 numbers, y has 2', function() itorch.Plot():circle({ 1 }, { 1, 2 }) end)
fails('expected x as a tensor or a list of numbers', function() itorch.Plot():line('x', { 1 }) end)
fails('expected U as a tensor', function() itorch.Plot():quiver({ 1 }, { 1 }) end)
fails('NaN', function() itorch.Plot():histogram(torch.Tensor { 1, 0 / 0 }) end)
fails('expected 2 labels', function() itorch.Plot():gscatter({ 1, 2 }, { 3, 4 }, { 1 }) end)
local file = os.tmpname()
for _, ending in ipairs { '.html', '.svg', '.png', '.pdf' } do
   plot:save(file .. ending)
   local f = assert(io.open(file .. ending, 'rb'))
   local head = f:read(9)
   f:close()
   is(head, ({ ['.html'] = '<!DOCTYPE', ['.svg'] = '<?xml ver', ['.pdf'] = '%PDF-1.4\n' })[ending] or head)
   os.remove(file .. ending)
end
os.remove(file)
fails('itorch.Plot:save: cannot open', function() plot:save('/nonexistent/x.html') end)

-- HTML goes into the page, and so does package display
pictures.sink = nil
local id = itorch.html('<b>first</b>')
itorch.html('<b>second</b>', id)
local display = require 'display'
display.configure { port = 8000 }
local win = display.image(torch.rand(3, 4, 4), { title = 'a picture' })
is(display.image(torch.rand(8, 8), { win = win }), win)
display.images({ torch.rand(4, 4), torch.rand(1, 4, 4) }, { labels = { 'one', '<two>' }, nperrow = 1 })
display.image(torch.rand(5, 3, 4, 4))
display.plot({ { 1, 2, 3 }, { 2, 3, 4 } }, { labels = { 'x', 'loss', 'error' }, title = 'curves', logscale = true })
display.plot(torch.rand(10, 2))
display.text('<i>told</i>', { title = 'text & more' })
local text = content()
for _, word in ipairs { '<b>second</b>', 'a picture', 'one<br>', '&lt;two&gt;', 'curves', 'loss', '<i>told</i>', 'text &amp; more', 'location.reload' } do
   if not text:find(word, 1, true) then error('no ' .. word .. ' in the page') end
end
is(text:find('first', 1, true), nil)
is(select(2, text:gsub('<section>', '')), 7)
fails('display.image: expected HxW', display.image, torch.rand(3))
fails('display.plot: expected rows', display.plot, torch.rand(3))
fails('display.plot: expected a tensor', display.plot, 'x')
fails('display.images: expected a list', display.images, 3)
fails('display.text: expected a table of options', display.text, 'x', 3)
os.remove(page)
print('all as it should be')
