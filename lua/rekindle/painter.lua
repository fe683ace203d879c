-- A surface in memory that programs paint: paths, text and pictures, as on the windows of a desktop.
local natives = require('rekindle.native').functions.plot
local painter = {}
painter.__index = painter

-- pixels along a side, and in all
local MOST, AREA = 16384, 2 ^ 26
local LETTER, LINE = 9, 16

local function byte(v) return math.max(0, math.min(255, math.floor(v * 255 + 0.5))) end

local names = {
   black = { 0, 0, 0 }, white = { 255, 255, 255 }, red = { 255, 0, 0 }, green = { 0, 128, 0 }, blue = { 0, 0, 255 }, cyan = { 0, 255, 255 },
   magenta = { 255, 0, 255 }, yellow = { 255, 255, 0 }, gray = { 128, 128, 128 }, grey = { 128, 128, 128 }, orange = { 255, 165, 0 },
   purple = { 128, 0, 128 }, brown = { 165, 42, 42 }, pink = { 255, 192, 203 }, lightgray = { 211, 211, 211 }, darkgray = { 169, 169, 169 },
   lime = { 0, 255, 0 }, navy = { 0, 0, 128 }, darkgreen = { 0, 100, 0 }, darkred = { 139, 0, 0 }, darkblue = { 0, 0, 139 },
   darkcyan = { 0, 139, 139 }, darkmagenta = { 139, 0, 139 }, gold = { 255, 215, 0 }, transparent = { 255, 255, 255 },
}

-- A colour of a name, of '#rrggbb', of a table { r =, g =, b = } or of three numbers from 0 to 1; nil for what is none.
function painter.colour(r, g, b)
   if type(r) == 'table' then
      if type(r.r) ~= 'number' then return r.colour end
      r, g, b = r.r, r.g, r.b
   end
   if type(r) == 'string' then
      local x, y, z = r:match '^#(%x%x)(%x%x)(%x%x)$'
      if x then return { tonumber(x, 16), tonumber(y, 16), tonumber(z, 16) } end
      return names[r:lower()]
   end
   for _, v in ipairs { r or false, g or false, b or false } do
      if type(v) ~= 'number' or v ~= v then return nil end
   end
   return { byte(r), byte(g), byte(b) }
end

-- A surface of so many pixels, white.
function painter.new(w, h)
   local self = setmetatable({ w = w, h = h, stack = {} }, painter)
   self:blank()
   self:initgraphics()
   return self
end

-- whether a surface may have this size
function painter.fits(w, h)
   return type(w) == 'number' and type(h) == 'number' and w >= 1 and h >= 1 and w <= MOST and h <= MOST and w * h <= AREA
end

function painter:blank() self.canvas = torch.ByteTensor(3, self.h, self.w):fill(255) end

function painter:resize(w, h)
   self.w, self.h = w, h
   self:blank()
end

function painter:initgraphics()
   self.ink, self.line, self.fontsize = { 0, 0, 0 }, 1, 10
   self.matrix = { 1, 0, 0, 1, 0, 0 }
   self:newpath()
end

-- ---- where things lie ----

local function placed(self, x, y)
   local m = self.matrix
   return m[1] * x + m[3] * y + m[5], m[2] * x + m[4] * y + m[6]
end

-- the matrix that does n first
local function times(m, n)
   return {
      m[1] * n[1] + m[3] * n[2], m[2] * n[1] + m[4] * n[2], m[1] * n[3] + m[3] * n[4], m[2] * n[3] + m[4] * n[4],
      m[1] * n[5] + m[3] * n[6] + m[5], m[2] * n[5] + m[4] * n[6] + m[6],
   }
end
function painter:concat(n) self.matrix = times(self.matrix, n) end
function painter:translate(x, y) self:concat { 1, 0, 0, 1, x, y } end
function painter:scale(x, y) self:concat { x, 0, 0, y or x, 0, 0 } end
function painter:rotate(degrees)
   local a = math.rad(degrees)
   self:concat { math.cos(a), math.sin(a), -math.sin(a), math.cos(a), 0, 0 }
end

function painter:gsave()
   self.stack[#self.stack + 1] = { ink = self.ink, line = self.line, fontsize = self.fontsize, matrix = self.matrix, path = self.path, at = self.at }
end
function painter:grestore()
   for key, value in pairs(table.remove(self.stack) or {}) do self[key] = value end
end

-- ---- paths ----

function painter:newpath() self.path, self.at = {}, nil end

function painter:moveto(x, y)
   self.at = { x, y }
   self.path[#self.path + 1] = { placed(self, x, y) }
end
function painter:lineto(x, y)
   local part = self.path[#self.path]
   if not part then return self:moveto(x, y) end
   self.at = { x, y }
   part[#part + 1], part[#part + 2] = placed(self, x, y)
end
local function from_here(self)
   local at = self.at or { 0, 0 }
   return at[1], at[2]
end
function painter:rmoveto(dx, dy)
   local x, y = from_here(self)
   self:moveto(x + dx, y + dy)
end
function painter:rlineto(dx, dy)
   local x, y = from_here(self)
   self:lineto(x + dx, y + dy)
end
function painter:curveto(x1, y1, x2, y2, x3, y3)
   local x, y = from_here(self)
   if not self.at then self:moveto(x, y) end
   for k = 1, 16 do
      local t = k / 16
      local a, b, c, d = (1 - t) ^ 3, 3 * t * (1 - t) ^ 2, 3 * t * t * (1 - t), t ^ 3
      self:lineto(a * x + b * x1 + c * x2 + d * x3, a * y + b * y1 + c * y2 + d * y3)
   end
end
function painter:rcurveto(x1, y1, x2, y2, x3, y3)
   local x, y = from_here(self)
   self:curveto(x + x1, y + y1, x + x2, y + y2, x + x3, y + y3)
end
function painter:closepath()
   local part = self.path[#self.path]
   if part and #part > 2 then part[#part + 1], part[#part + 2] = part[1], part[2] end
end
-- from one angle to another, in degrees
function painter:arc(x, y, r, from, to)
   local steps = math.max(4, math.min(360, math.ceil(math.abs(to - from) / 6)))
   for k = 0, steps do
      local a = math.rad(from + (to - from) * k / steps)
      local px, py = x + r * math.cos(a), y + r * math.sin(a)
      if k == 0 and not self.at then self:moveto(px, py) else self:lineto(px, py) end
   end
end
function painter:arcn(x, y, r, from, to) self:arc(x, y, r, from, to > from and to - 360 or to) end
function painter:rectangle(x, y, w, h)
   self:moveto(x, y)
   self:lineto(x + w, y)
   self:lineto(x + w, y + h)
   self:lineto(x, y + h)
   self:closepath()
end

local NAN = 0 / 0
local function points(path)
   local list = {}
   for _, part in ipairs(path) do
      for _, v in ipairs(part) do list[#list + 1] = v end
      list[#list + 1], list[#list + 2] = NAN, NAN
   end
   return torch.DoubleTensor(list):view(-1, 2)
end
function painter:stroke()
   local c = self.ink
   if #self.path > 0 then natives.stroke(self.canvas, points(self.path), self.line, c[1], c[2], c[3], 1) end
   self:newpath()
end
function painter:fill()
   local c = self.ink
   if #self.path > 0 then natives.fill(self.canvas, points(self.path), c[1], c[2], c[3], 1) end
   self:newpath()
end

-- ---- text, in letters of one size ----

function painter:show(text)
   local x, y = from_here(self)
   local px, py = placed(self, x, y)
   natives.text(self.canvas, tostring(text), px, py, false, self.ink[1], self.ink[2], self.ink[3])
   self.at = { x + self:stringwidth(text), y }
end
function painter:stringwidth(text) return LETTER * select(2, tostring(text):gsub('[^\128-\191]', '')) end
function painter:stringrect(text) return { x = 0, y = -12, width = self:stringwidth(text), height = LINE } end

-- ---- pictures ----

-- Values from 0 to 1 (H x W, or 1, 3 or 4 x H x W) as bytes of 3 x H x W; nil for other sizes.
function painter.bytes(x)
   local d = x:dim()
   if x:nElement() == 0 or not (d == 2 or d == 3 and (x:size(1) == 1 or x:size(1) == 3 or x:size(1) == 4)) then return nil end
   local h, w = x:size(d - 1), x:size(d)
   local planes = d == 2 and x:reshape(1, h, w) or x
   planes = planes:size(1) == 1 and planes:expand(3, h, w) or planes:narrow(1, 1, 3)
   if torch.type(x) == 'torch.ByteTensor' then return planes:clone() end
   local scaled = planes:double():contiguous()
   if scaled:storage() == x:storage() then scaled = scaled:clone() end
   scaled[scaled:ne(scaled)] = 0
   return scaled:clamp(0, 1):mul(255):add(0.5):byte()
end

-- Bytes of 3 x H x W into a rectangle of a canvas: every pixel takes the colour of the element that it lies on.
function painter.blit(canvas, pixels, x, y, w, h)
   local function places(from, span, n, size)
      local list, first = {}, nil
      for k = math.max(0, math.floor(from + 0.5)), math.min(size, math.floor(from + span + 0.5)) - 1 do
         first = first or k
         list[#list + 1] = math.max(1, math.min(n, math.floor((k + 0.5 - from) / span * n) + 1))
      end
      return first, list
   end
   local left, columns = places(x, w, pixels:size(3), canvas:size(3))
   local top, rows = places(y, h, pixels:size(2), canvas:size(2))
   if not left or not top then return end
   local from = pixels:index(2, torch.LongTensor(rows)):index(3, torch.LongTensor(columns))
   canvas:narrow(2, top + 1, #rows):narrow(3, left + 1, #columns):copy(from)
end

-- Draws bytes of 3 x H x W at a place, in their own size or another. Smaller ones are averaged.
function painter:picture(pixels, x, y, w, h)
   w, h = w or pixels:size(3), h or pixels:size(2)
   local px, py = placed(self, x, y)
   w, h = w * math.abs(self.matrix[1]), h * math.abs(self.matrix[4])
   if not painter.fits(math.max(1, w), math.max(1, h)) or px ~= px or py ~= py then return end
   if w < pixels:size(3) and h < pixels:size(2) and w >= 1 and h >= 1 then
      pixels = require('image').scale(pixels, math.floor(w), math.floor(h), 'bilinear')
   end
   painter.blit(self.canvas, pixels, px, py, w, h)
end

return painter
