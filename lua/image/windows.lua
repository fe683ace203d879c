-- image.display and image.window: pictures where there is something to show them.
local arguments = require 'image.arguments'
local windows = {}

local function shown_size(input, zoom)
   if type(zoom) ~= 'number' or not (zoom > 0 and zoom < math.huge) then
      error('image.display: expected a zoom above 0, got ' .. tostring(zoom), 3)
   end
   local d = input:dim()
   local w, h = math.max(1, math.floor(input:size(d) * zoom + 0.5)), math.max(1, math.floor(input:size(d - 1) * zoom + 0.5))
   if not require('rekindle.painter').fits(w, h) then
      error(string.format('image.display: %.0f x %.0f pixels are too many for a window: 16384 on a side, 2^26 in all', w, h), 3)
   end
   return w, h
end

local Closure = {}
function Closure.__tostring(self) return string.format('[%s: %d x %d]', self.window.windowTitle, self.painter.width, self.painter.height) end

-- a window that holds one picture, as image.display gives it and takes it again
local function closure_of(legend)
   local window, painter = image.window()
   local closure = { window = window, painter = painter, isclosure = true }
   function closure.refresh(w, h)
      if w ~= painter.width or h ~= painter.height then window.frame.size = qt.QSize(w, h) end
      painter:showpage()
      painter:gbegin()
      painter:image(0, 0, w, h, qt.QImage.fromTensor(closure.image))
      painter:gend()
   end
   window.windowTitle = legend
   return setmetatable(closure, Closure)
end

-- Shows a picture, or a page of several. The window, to be given as `win` to the next call.
function windows.display(...)
   local o = arguments({ ... }, 'image.display', 'shows one picture or a page of several', {
      { arg = 'image', type = 'torch.Tensor | table', help = 'HxW, KxHxW, Kx3xHxW or a list', req = true },
      { arg = 'zoom', type = 'number', help = 'pixels of the window for one of the picture', default = 1 },
      { arg = 'min', type = 'number', help = 'what is shown as black' },
      { arg = 'max', type = 'number', help = 'what is shown as white' },
      { arg = 'legend', type = 'string', help = 'the title of the window', default = 'image.display' },
      { arg = 'win', type = 'qt window', help = 'a window that an earlier call gave' },
      { arg = 'x', type = 'number', help = 'where in the window, if win is given', default = 0 },
      { arg = 'y', type = 'number', help = 'where in the window, if win is given', default = 0 },
      { arg = 'scaleeach', type = 'boolean', help = 'whether each picture has a range of its own', default = false },
      { arg = 'gui', type = 'boolean', help = 'whether the window is one that users can resize', default = true },
      { arg = 'offscreen', type = 'boolean', help = 'paints in memory: the result is a painter', default = false },
      { arg = 'padding', type = 'number', help = 'pixels between pictures', default = 0 },
      { arg = 'symmetric', type = 'boolean', help = 'whether 0 is shown as the middle; also symm', default = false },
      { arg = 'nrow', type = 'number', help = 'pictures in a row', default = 6 },
      { arg = 'saturate', type = 'boolean', help = 'whether values outside are held', default = true } })
   local first = ...
   local symmetric = o.symmetric
   if type(first) == 'table' and not torch.isTensor(first) and first.symm ~= nil then symmetric = first.symm end
   require 'qtwidget'
   local input = image.toDisplayTensor { input = o.image, padding = o.padding, nrow = o.nrow, saturate = o.saturate,
      scaleeach = o.scaleeach, min = o.min, max = o.max, symmetric = symmetric }
   if input:dim() == 3 and input:size(1) ~= 1 and input:size(1) ~= 3 then
      error('image.display: expected HxW, KxHxW, Kx3xHxW or a list of tensors', 2)
   end
   local w, h = shown_size(input, o.zoom)
   local win = o.win
   if win == nil and o.gui and not o.offscreen then win = closure_of(o.legend) end
   if type(win) == 'table' and win.isclosure then
      win.image = input
      win.window.windowTitle = o.legend
      win.window.visible = true
      win.refresh(w, h)
      return win
   end
   if win == nil then win = o.offscreen and qt.QtLuaPainter(w, h) or qtwidget.newwindow(w, h, o.legend) end
   local painter = type(win) == 'table' and (win.port or win)
   if qt.type(painter) ~= 'QtLuaPainter' then
      error('image.display: expected win to be what image.display, image.window or package qtwidget gave, got ' .. torch.type(o.win), 2)
   end
   painter:image(o.x, o.y, w, h, qt.QImage.fromTensor(input))
   return win
end

-- An empty window and its painter. Functions for mouse and sizes are never called: nobody can click into it.
function windows.window()
   require 'qtwidget'
   local widgets = require 'qt.widgets'
   local window = qt.QWidget(nil, 'QWidget', { visible = true, windowTitle = 'image.window' })
   local frame = qt.QWidget(window, 'QFrame', { size = qt.QSize(640, 480) })
   widgets.adopt(window, 'frame', frame)
   return window, qt.QtLuaPainter(frame)
end

return windows
