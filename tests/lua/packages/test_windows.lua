-- image.display, image.window and the packages of Qt: what is painted, what is given back, what is refused.
require 'image'
local pictures = require 'rekindle.pictures'
local tester, tests = torch.Tester(), torch.TestSuite()

-- what is shown, picture by picture
local shown = {}
pictures.sink = function(picture) shown[#shown + 1] = picture end
local function last() return shown[#shown] end

local function fails(pattern, f, ...)
   local ok, why = pcall(f, ...)
   tester:assert(not ok and tostring(why):find(pattern) ~= nil, tostring(why))
end

local function decoded(picture) return image.decompressPNG(torch.ByteTensor(torch.ByteStorage():string(picture.png)), 3, 'byte') end

function tests.pictures_are_what_toDisplayTensor_gives()
   local x = torch.rand(8, 3, 5, 6)
   for _, options in ipairs {
      {}, { padding = 2, nrow = 3 }, { scaleeach = true }, { min = 0.2, max = 0.6 }, { min = 0.2, max = 0.6, saturate = false }, { symmetric = true },
   } do
      local given = { image = x }
      for k, v in pairs(options) do given[k] = v end
      options.input = x
      image.display(given)
      local want = image.toDisplayTensor(options):clamp(0, 1):mul(255):add(0.5):byte()
      tester:eq(decoded(last()), want)
   end
   -- symm is another name
   image.display { image = x, symm = true }
   local one = decoded(last())
   image.display { image = x, symmetric = true }
   tester:eq(decoded(last()), one)
   -- grey ones, lists, arguments by place
   image.display(torch.rand(4, 7), 3)
   tester:eq({ last().width, last().height }, { 21, 12 })
   image.display { image = { torch.rand(4, 4), torch.rand(4, 4) }, nrow = 2 }
   tester:eq({ last().width, last().height }, { 8, 4 })
   image.display { image = torch.ByteTensor(3, 4, 4):random(0, 255), zoom = 0.5 }
   tester:eq({ last().width, last().height }, { 2, 2 })
   image.display(torch.FloatTensor(10, 3, 4):uniform())
   image.display(torch.Tensor { { 0 / 0, 1 }, { 1 / 0, 2 } })
end

function tests.a_pixel_is_zoom_pixels()
   local x = torch.Tensor { { 0, 1 }, { 0.5, 0 } }
   image.display { image = x, zoom = 3, legend = 'three' }
   local p = decoded(last())
   tester:eq({ p[1][1][1], p[1][3][3], p[1][1][4], p[1][4][1], p[1][6][6] }, { 0, 0, 255, 128, 0 })
   tester:eq(last().name, 'three')
end

function tests.a_window_is_given_again()
   local win = image.display { image = torch.rand(3, 3), legend = 'a window' }
   local id = last().id
   tester:ne(id, nil)
   tester:eq(win.isclosure, true)
   tester:assert(tostring(win):find '^%[a window: 3 x 3%]$' ~= nil, tostring(win))
   local again = image.display { image = torch.rand(5, 6), win = win, legend = 'renamed' }
   tester:assert(again == win)
   tester:eq({ last().id, last().name, last().width, last().height }, { id, 'renamed', 6, 5 })
   image.display { image = torch.rand(3, 3) }
   tester:ne(last().id, id)
   win.window:close()
   image.display { image = torch.rand(2, 2), win = win }
   tester:eq(last().id, id)
end

function tests.painters_compose()
   local n = #shown
   local painter = image.display { image = torch.zeros(4, 4), offscreen = true, zoom = 4 }
   tester:eq(#shown, n)
   tester:eq({ painter.width, painter.height }, { 16, 16 })
   image.display { image = torch.ones(4, 4), min = 0, max = 1, win = painter, x = 8, y = 8 }
   local t = painter:image():toTensor()
   tester:eq(t:size():totable(), { 3, 16, 16 })
   tester:eq({ t[1][1][1], t[1][9][9], t[1][12][12], t[1][13][13] }, { 0, 1, 1, 0 })
   local window = image.display { image = torch.rand(4, 4), gui = false, legend = 'plain' }
   tester:eq(window:valid(), 1)
   pictures.finish()
   tester:eq(last().name, 'plain')
   local win, p = image.window(function() end)
   p:gbegin()
   p:showpage()
   image.display { image = torch.rand(3, 20, 20), win = p }
   image.display { image = torch.rand(3, 20, 20), win = p, x = 20, zoom = 2 }
   n = #shown
   p:gend()
   tester:eq(#shown, n + 1)
   tester:eq({ last().width, last().height }, { 640, 480 })
   win:hide()
   p:refresh()
   tester:eq(#shown, n + 1)
end

function tests.painting()
   require 'qtwidget'
   local w = qtwidget.newwindow(60, 40, 'painted')
   w:setcolor 'red'
   w:rectangle(10, 10, 20, 10)
   w:fill()
   w:setcolor(0, 0, 1)
   w:setlinewidth(4)
   w:moveto(0, 35)
   w:lineto(60, 35)
   w:stroke()
   w:gsave()
   w:translate(40, 0)
   w:scale(2, 2)
   w:setcolor '#00ff00'
   w:rectangle(0, 0, 5, 5)
   w:fill()
   w:grestore()
   w:setcolor(qt.QColor 'black')
   w:moveto(35, 30)
   w:show 'text'
   tester:eq({ w:currentpoint() }, { 71, 30 })
   pictures.finish()
   local p = decoded(last())
   local function at(x, y) return { p[1][y + 1][x + 1], p[2][y + 1][x + 1], p[3][y + 1][x + 1] } end
   tester:eq({ at(15, 15), at(5, 15), at(30, 35), at(45, 5), at(55, 5) }, { { 255, 0, 0 }, { 255, 255, 255 }, { 0, 0, 255 }, { 0, 255, 0 }, { 255, 255, 255 } })
   tester:assertlt(p:narrow(2, 20, 12):narrow(3, 36, 20):float():min(), 100)
   tester:eq({ w.width, w.height, w:stringwidth 'abc' }, { 60, 40, 27 })
   local image_of = qtwidget.newimage(torch.rand(3, 8, 9))
   tester:eq({ image_of.width, image_of.height }, { 9, 8 })
   local name = os.tmpname()
   image_of:write(name .. '.png')
   tester:eq(image.load(name .. '.png', 3, 'byte'):size():totable(), { 3, 8, 9 })
   os.remove(name)
   os.remove(name .. '.png')
end

function tests.values_and_signals()
   require 'qttorch'
   tester:eq(qt.QSize { width = 3, height = 4 }:totable(), { width = 3, height = 4 })
   tester:eq(qt.QRect(1, 2, 3, 4):totable(), { x = 1, y = 2, width = 3, height = 4 })
   tester:eq({ qt.type(qt.QFont { size = 12 }), qt.type(3), qt.isa(qt.QWidget(), 'QWidget') }, { 'QFont', nil, true })
   local timer, count = qt.QTimer(), 0
   timer.interval, timer.singleShot = 0, true
   local function tick()
      count = count + 1
      if count < 3 then timer:start() end
   end
   tester:eq(qt.connect(timer, 'timeout()', tick), true)
   qt.inside = true
   timer:start()
   qt.inside = false
   for _ = 1, 5 do qt.doevents() end
   tester:eq(count, 3)
   qt.disconnect(timer, 'timeout()', tick)
   timer:start()
   qt.doevents()
   tester:eq(count, 3)
   qt.connect(qt.QtLuaListener(qt.QWidget()), 'sigMousePress(int,int,QByteArray,QByteArray,QByteArray)', function() error 'never' end)
end

function tests.files_of_the_designer()
   require 'qtuiloader'
   local name = os.tmpname()
   local f = io.open(name, 'w')
   f:write [[<?xml version="1.0"?><ui version="4.0"><class>Form</class>
      <widget class="QWidget" name="Form"><property name="geometry"><rect><x>0</x><y>0</y><width>300</width><height>200</height></rect></property>
      <property name="windowTitle"><string>A &amp; B</string></property>
      <layout class="QVBoxLayout"><item><widget class="QFrame" name="frame"><property name="geometry"><rect><x>5</x><y>5</y><width>120</width>
      <height>80</height></rect></property></widget></item><item><widget class="QSlider" name="verticalSlider"><property name="value">
      <number>25</number></property></widget></item><item><widget class="QCheckBox" name="checkBox"><property name="checked"><bool>true</bool></property>
      </widget></item></layout></widget></ui>]]
   f:close()
   local widget = qtuiloader.load(name)
   os.remove(name)
   tester:eq({ widget.windowTitle, widget.verticalSlider.value, widget.checkBox.checked, qt.type(widget.frame) }, { 'A & B', 25, true, 'QFrame' })
   widget.verticalSlider.value = 30
   tester:eq(widget.verticalSlider.value, 30)
   local win = qt.QtLuaPainter(widget.frame)
   tester:eq({ win.width, win.height }, { 120, 80 })
   widget:show()
   image.display { image = torch.rand(10, 10), win = win }
   pictures.finish()
   tester:eq({ last().name, last().width, last().height }, { 'A & B', 120, 80 })
   fails('qtuiloader.load: .*No such file', qtuiloader.load, '/no/such/file.ui')
   fails('describes no widget', qtuiloader.load, '/dev/null')
end

function tests.refusals()
   require 'qtwidget'
   fails('image.display: expected a zoom above 0', image.display, { image = torch.rand(3, 3), zoom = 0 })
   fails('image.display: expected a zoom above 0', image.display, { image = torch.rand(3, 3), zoom = 0 / 0 })
   fails('are too many for a window', image.display, { image = torch.rand(3, 3), zoom = 1e9 })
   fails('expected win to be what', image.display, { image = torch.rand(3, 3), win = 3 })
   fails('expected', image.display, { image = torch.rand(2, 3, 4, 5, 6) })
   fails('expected', image.display, { image = torch.Tensor() })
   fails('expected', image.display, { image = {} })
   fails('expected', image.display, { image = 'x.png' })
   fails('qtwidget.newwindow: expected a width', qtwidget.newwindow, 0, 5)
   fails('qtwidget.newwindow: expected a width', qtwidget.newwindow, 1e9, 5)
   fails('nothing is painted on paper', qtwidget.newpdf, 5, 5, 'x.pdf')
   fails('QtLuaPainter: expected a widget', qt.QtLuaPainter)
   fails('moveto: expected a finite number at place 2, got nil', function() qt.QtLuaPainter(5, 5):moveto(3) end)
   fails('setcolor: expected a name', function() qt.QtLuaPainter(5, 5):setcolor 'nocolour' end)
   fails('fromTensor: expected H x W', qt.QImage.fromTensor, torch.rand(3))
   fails('qt.connect: expected an object', qt.connect, 3)
   fails('QtLuaPainter:image: expected', function() qt.QtLuaPainter(5, 5):image(1, 2, 3) end)
   fails('QImage: expected a file name', qt.QImage)
end

tester:add(tests):run()
print 'all as it should be'
