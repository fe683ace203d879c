-- Package qtwidget: windows and pictures to paint on. What windows show goes where pictures go (package qt).
local qt = require 'qt'
local painter = require 'rekindle.painter'
local qtwidget = { windowClass = {}, imageClass = {} }

-- what is asked of a window and is not its own, its painter answers
local function relay(class)
   class.__index = function(self, key)
      if class[key] ~= nil then return class[key] end
      local port = rawget(self, 'port')
      local found = port and port[key]
      if type(found) ~= 'function' then return found end
      return function(_, ...) return found(port, ...) end
   end
   return class
end
local Window, Image = relay(qtwidget.windowClass), relay(qtwidget.imageClass)

local function sized(name, w, h)
   if not painter.fits(w, h) then
      error(string.format('qtwidget.%s: expected a width and a height from 1 to 16384, got %s and %s', name, tostring(w), tostring(h)), 3)
   end
   return math.floor(w), math.floor(h)
end

function qtwidget.newwindow(w, h, title)
   w, h = sized('newwindow', w, h)
   local widget = qt.QWidget(nil, 'QWidget', { visible = true, windowTitle = title, size = qt.QSize(w, h) })
   return setmetatable({ widget = widget, port = qt.QtLuaPainter(widget), timer = qt.QTimer(), listener = qt.QtLuaListener(widget) }, Window)
end
function Window:valid() return self.widget.visible ~= false and 1 or false end
function Window:resize(w, h)
   w, h = sized('window:resize', w, h)
   self.widget.size = qt.QSize(w, h)
end
function Window:onResize() end
function Window:close() self.widget:close() end

-- A picture in memory: qtwidget.newimage(w, h), of a tensor or of a file.
function qtwidget.newimage(first, h)
   if torch.isTensor(first) then first = qt.QImage.fromTensor(first) end
   if type(first) == 'number' then first, h = sized('newimage', first, h) end
   return setmetatable({ port = qt.QtLuaPainter(first, h) }, Image)
end
function Image:valid() return true end

for _, kind in ipairs { 'newprint', 'newpdf', 'newps', 'newsvg' } do
   qtwidget[kind] = function()
      error('qtwidget.' .. kind .. ': nothing is painted on paper here; qtwidget.newimage(w, h):write(name) makes PNG and JPEG files, and package '
         .. 'gnuplot SVG and PDF', 2)
   end
end

-- the window that functions of no window's own paint on
local current
function qtwidget.setdevice(window) current = window end
function qtwidget.currentdevice() return current end

_G.qtwidget = qtwidget
return qtwidget
