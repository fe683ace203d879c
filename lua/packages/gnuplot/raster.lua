-- A drawing as a picture of bytes, 3 x height x width.
local natives = require('rekindle.native').functions.plot
local image = require 'image'
local painter = require 'rekindle.painter'
local raster = {}

local LETTER, NAN = 9, 0 / 0

-- parts as N x 2 points, with a row of no numbers between them
local function points(parts, dx, dy)
   local list = {}
   for _, part in ipairs(parts) do
      for k = 1, #part, 2 do
         list[#list + 1] = part[k] - dx
         list[#list + 1] = part[k + 1] - dy
      end
      list[#list + 1], list[#list + 2] = NAN, NAN
   end
   return torch.DoubleTensor(list):view(-1, 2)
end

-- a line as its dashes of 4 pixels with gaps of 3
local function dashed(parts)
   local dashes = {}
   for _, part in ipairs(parts) do
      local phase = 0
      for k = 1, #part - 3, 2 do
         local x, y, dx, dy = part[k], part[k + 1], part[k + 2] - part[k], part[k + 3] - part[k + 1]
         local length = math.min(math.sqrt(dx * dx + dy * dy), 1e5)
         local at = -phase
         while length > 0 and at < length do
            local from, to = math.max(at, 0) / length, math.min(at + 4, length) / length
            if to > from then dashes[#dashes + 1] = { x + dx * from, y + dy * from, x + dx * to, y + dy * to } end
            at = at + 7
         end
         phase = length > 0 and 7 - (at - length) or phase
      end
   end
   return dashes
end

local paint = {}

function paint.line(canvas, s, dx, dy)
   local parts = s.dash and dashed(s.parts) or s.parts
   if #parts > 0 then natives.stroke(canvas, points(parts, dx, dy), s.width, s.colour[1], s.colour[2], s.colour[3], 1) end
end

function paint.fill(canvas, s, dx, dy)
   if #s.parts > 0 then natives.fill(canvas, points(s.parts, dx, dy), s.colour[1], s.colour[2], s.colour[3], s.opacity) end
end

function paint.text(canvas, s, dx, dy)
   local back = ({ start = 0, middle = 0.5, ['end'] = 1 })[s.anchor] * LETTER * select(2, s.text:gsub('[^\128-\191]', ''))
   local x, y = s.x - dx - (s.upright and 0 or back), s.y - dy + (s.upright and back or 0)
   natives.text(canvas, s.text, x, y, s.upright or false, 0, 0, 0)
end

function paint.picture(canvas, s, dx, dy) painter.blit(canvas, s.pixels, s.x - dx, s.y - dy, s.w, s.h) end

-- The picture of a drawing. options: without letters (`bare`), and lines of at least so many pixels (`least`).
function raster.draw(drawing, options)
   options = options or {}
   local whole = torch.ByteTensor(3, drawing.h, drawing.w):fill(255)
   local canvas, dx, dy = whole, 0, 0
   for _, s in ipairs(drawing.list) do
      if s.kind == 'clip' then
         local l, t = math.max(0, s.x), math.max(0, s.y)
         local w, h = math.min(s.x + s.w, drawing.w) - l, math.min(s.y + s.h, drawing.h) - t
         dx, dy = l, t
         -- nothing shows of what lies outside of the picture
         canvas = w >= 1 and h >= 1 and whole:narrow(2, t + 1, h):narrow(3, l + 1, w) or torch.ByteTensor(3, 1, 1)
      elseif s.kind == 'unclip' then
         canvas, dx, dy = whole, 0, 0
      elseif s.kind ~= 'text' or not options.bare then
         if s.kind == 'line' and options.least and s.role ~= 'grid' and s.width < options.least then
            s = setmetatable({ width = options.least }, { __index = s })
         end
         paint[s.kind](canvas, s, dx, dy)
      end
   end
   return whole
end

-- The bytes of a PNG file.
function raster.png(pixels) return image.compressPNG(pixels):storage():string() end

return raster
