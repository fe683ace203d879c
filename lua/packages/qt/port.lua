-- qt.QtLuaPainter and qt.QImage: painting on widgets and on pictures.
local painter = require 'rekindle.painter'
local widgets = require 'qt.widgets'
local port = {}

-- ---- pictures ----

local Image = { class = 'QImage' }
Image.__index = Image

local function wrapped(pixels) return setmetatable({ pixels = pixels, width = pixels:size(3), height = pixels:size(2) }, Image) end

function Image.fromTensor(x)
   local pixels = torch.isTensor(x) and painter.bytes(x)
   if not pixels then
      error('qt.QImage.fromTensor: expected H x W, or 1, 3 or 4 x H x W, got ' .. (torch.isTensor(x) and tostring(x:size()) or torch.type(x)), 2)
   end
   return wrapped(pixels)
end

-- The picture as values from 0 to 1: 3 x H x W, or its mean for one plane.
function Image:toTensor(planes)
   local x = torch.Tensor(3, self.height, self.width):copy(self.pixels):div(255)
   if torch.isTensor(planes) then return planes:resize(x:size()):copy(x) end
   return planes == 1 and x:mean(1) or x
end
function Image:save(path) return require('image').save(path, self.pixels) end
function Image:size() return _G.qt.QSize { width = self.width, height = self.height } end
function Image:rect() return _G.qt.QRect { x = 0, y = 0, width = self.width, height = self.height } end
function Image:scaled(w, h)
   local s = painter.fits(w, h) and painter.new(math.floor(w), math.floor(h)) or error('QImage:scaled: expected a width and a height', 2)
   s:picture(self.pixels, 0, 0, s.w, s.h)
   return wrapped(s.canvas)
end

-- qt.QImage(file), qt.QImage(w, h), and qt.QImage.fromTensor
port.image = setmetatable({ fromTensor = Image.fromTensor }, { __call = function(_, first, h)
   if type(first) == 'string' then return wrapped(painter.bytes(require('image').load(first, 3, 'byte'))) end
   if type(first) == 'table' and first.pixels then return wrapped(first.pixels:clone()) end
   if type(first) == 'table' and first.width then first, h = first.width, first.height end
   if not painter.fits(first, h) then error('qt.QImage: expected a file name, or a width and a height', 2) end
   return wrapped(torch.ByteTensor(3, math.floor(h), math.floor(first)):fill(255))
end })

-- ---- the painter ----

local Port = { class = 'QtLuaPainter' }
function Port.__index(self, key)
   if Port[key] ~= nil then return Port[key] end
   if key == 'width' then return rawget(self, 'surface').w end
   if key == 'height' then return rawget(self, 'surface').h end
   if key == 'depth' then return 32 end
end

-- A painter on a widget, on a picture, or on one of its own of w x h.
function port.new(first, h)
   local self = setmetatable({ nested = 0 }, Port)
   if widgets.is(first) then
      self.on, self.surface = first, widgets.surface(first)
   elseif type(first) == 'number' and painter.fits(first, h) then
      self.surface = painter.new(math.floor(first), math.floor(h))
   elseif type(first) == 'table' and first.pixels or type(first) == 'string' then
      local pixels = (type(first) == 'string' and port.image(first) or first).pixels
      self.surface = painter.new(pixels:size(3), pixels:size(2))
      self.surface.canvas = pixels:clone()
   else
      error('qt.QtLuaPainter: expected a widget, a picture, a file name, or a width and a height', 2)
   end
   return self
end

local function touched(self)
   if self.on and self.nested == 0 then widgets.present(self.on, false) end
end

-- what is painted between these shows at once
function Port:gbegin() self.nested = self.nested + 1 end
function Port:gend()
   self.nested = math.max(0, self.nested - 1)
   if self.on and self.nested == 0 then widgets.present(self.on, true) end
end
function Port:refresh() if self.on then widgets.present(self.on, true) end end
function Port:showpage() self.surface:blank() end

-- paths and places take numbers alone
local arity = { newpath = 0, closepath = 0, moveto = 2, lineto = 2, rmoveto = 2, rlineto = 2, curveto = 6, rcurveto = 6, arc = 5, arcn = 5,
   rectangle = 4, stroke = 0, fill = 0, translate = 2, scale = 2, rotate = 1, gsave = 0, grestore = 0, initgraphics = 0 }
for name, n in pairs(arity) do
   Port[name] = function(self, ...)
      for k = 1, n do
         local v = select(k, ...)
         if type(v) ~= 'number' or v ~= v or math.abs(v) == math.huge then
            error(string.format('QtLuaPainter:%s: expected a finite number at place %d, got %s', name, k, tostring(v)), 2)
         end
      end
      local surface = self.surface
      surface[name](surface, ...)
      if name == 'stroke' or name == 'fill' then touched(self) end
   end
end
Port.eofill, Port.close = Port.fill, function() end

-- what a picture of one kind of letters without clipping leaves out
for name in ([[initclip clip eoclip setclip initmatrix setmatrix setmode sethints setbackground setbrush setbrushorigin setpen setstylesheet setpattern
   setdash setangleunit charpath]]):gmatch '%S+' do
   Port[name] = function() end
end

function Port:setcolor(...)
   local c = painter.colour(...)
   if not c then error('QtLuaPainter:setcolor: expected a name, #rrggbb, a QColor or three numbers from 0 to 1, got ' .. tostring((...)), 2) end
   self.surface.ink = c
end
function Port:currentcolor()
   local c = self.surface.ink
   return c[1] / 255, c[2] / 255, c[3] / 255, 1
end
function Port:setlinewidth(w) self.surface.line = type(w) == 'number' and w == w and w or 1 end
function Port:currentlinewidth() return self.surface.line end
function Port:setfont(font) self.font = font end
function Port:currentfont() return self.font or _G.qt.QFont { size = self.surface.fontsize } end
function Port:setfontsize(size) self.surface.fontsize = size end
function Port:currentfontsize() return self.surface.fontsize end
function Port:currentpoint() return unpack(self.surface.at or { 0, 0 }) end
function Port:setpoint(x, y) return self:moveto(x, y) end
function Port:currentsize() return self.surface.w, self.surface.h end
function Port:size() return _G.qt.QSize { width = self.surface.w, height = self.surface.h } end
function Port:rect() return _G.qt.QRect { x = 0, y = 0, width = self.surface.w, height = self.surface.h } end
function Port:widget() return self.on end
function Port:device() return self.on end

function Port:show(text)
   self.surface:show(text)
   touched(self)
end
function Port:stringwidth(text) return self.surface:stringwidth(text) end
function Port:stringrect(text) return _G.qt.QRect(self.surface:stringrect(text)) end

-- the picture so far; or draws one: image(x, y, picture), image(x, y, w, h, picture)
function Port:image(x, y, w, h, picture)
   if x == nil then return wrapped(self.surface.canvas:clone()) end
   if type(w) == 'table' then w, h, picture = nil, nil, w end
   local pixels = type(picture) == 'table' and (picture.pixels or type(picture.surface) == 'table' and picture.surface.canvas)
   if not torch.isTensor(pixels) or type(x) ~= 'number' or type(y) ~= 'number' then
      error('QtLuaPainter:image: expected x, y, [width, height,] and a picture', 2)
   end
   self.surface:picture(pixels, x, y, w, h)
   touched(self)
end
function Port:pixmap() return self:image() end
function Port:write(path) return self:image():save(path) end

return port
