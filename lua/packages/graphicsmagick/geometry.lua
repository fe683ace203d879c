-- graphicsmagick.Image: sizes and places.
require 'image'
local filters = require 'graphicsmagick.filters'
local Image = require 'graphicsmagick.Image'
local planes_of, each, fail, number = Image._planes, Image._each, Image._fail, Image._number

-- Width and height; or scaled to them, into a box of the width where only that is given, or over one of the height.
function Image:size(width, height, filter, blur)
   local planes = planes_of(self, 'size')
   local w, h = planes:size(3), planes:size(2)
   if not width and not height then return w, h end
   width, height = width and number('size', width, 'the width'), height and number('size', height, 'the height')
   if not height then
      width, height = w > h and width or width * w / h, w > h and width * h / w or width
   elseif not width then
      width, height = w < h and height or height * w / h, w < h and height * h / w or height
   end
   width, height = math.floor(width), math.floor(height)
   if width < 1 or height < 1 or width > 65500 or height > 65500 then fail('size', 'error resizing image to %dx%d', width, height) end
   local kind = filters.kind(filter, self.alpha ~= nil or width > w or height > h, Image.name .. ':size')
   return each(self, function(x) return filters.scale(x, width, height, kind, blur or 1) end)
end

function Image:flip()
   planes_of(self, 'flip')
   return each(self, function(x) return image.vflip(x) end)
end
function Image:flop()
   planes_of(self, 'flop')
   return each(self, function(x) return image.hflip(x) end)
end

-- The part of w x h pixels from (x, y) on, counted from 0; what of it lies outside is left out.
function Image:crop(w, h, x, y)
   local planes = planes_of(self, 'crop')
   x, y = math.floor(number('crop', x or 0, 'x')), math.floor(number('crop', y or 0, 'y'))
   local right = math.min(x + math.floor(number('crop', w, 'the width')), planes:size(3))
   local bottom = math.min(y + math.floor(number('crop', h, 'the height')), planes:size(2))
   x, y = math.max(x, 0), math.max(y, 0)
   if right <= x or bottom <= y then fail('crop', 'nothing of the image lies there') end
   return each(self, function(p) return p:narrow(2, y + 1, bottom - y):narrow(3, x + 1, right - x):clone() end)
end

local function colour(r, g, b) return torch.FloatTensor { r or 0, g or 0, b or 0 }:clamp(0, 1):view(3, 1, 1) end

-- A picture of a colour, of the kind of `like`: colours, or alpha, which is whole there.
local function ground(like, height, width, paint)
   if like:size(1) == 1 then return torch.FloatTensor(1, height, width):fill(1) end
   return paint:expand(3, height, width):clone()
end

function Image:addBorder(w, h, r, g, b)
   planes_of(self, 'addBorder')
   w, h = math.floor(number('addBorder', w, 'the width')), math.floor(number('addBorder', h, 'the height'))
   if w < 0 or h < 0 then fail('addBorder', 'a border of %dx%d is none', w, h) end
   local paint = colour(r, g, b)
   return each(self, function(x)
      local all = ground(x, x:size(2) + 2 * h, x:size(3) + 2 * w, paint)
      all:narrow(2, h + 1, x:size(2)):narrow(3, w + 1, x:size(3)):copy(x)
      return all
   end)
end

-- The picture under x' = sx * x + ry * y, y' = rx * x + sy * y, on a ground as large as it calls for.
local function transformed(self, method, sx, rx, ry, sy, paint)
   local planes = planes_of(self, method)
   local w, h = planes:size(3), planes:size(2)
   local det = sx * sy - rx * ry
   if not (math.abs(det) > 1e-9) then fail(method, 'the transformation leaves nothing of the image') end
   local width = math.max(math.floor(math.abs(sx) * w + math.abs(ry) * h + 0.5), 1)
   local height = math.max(math.floor(math.abs(rx) * w + math.abs(sy) * h + 0.5), 1)
   if width > 65500 or height > 65500 then fail(method, 'the image would have %dx%d pixels', width, height) end
   -- places in the source, from 0, of the pixels of the result
   local x = torch.range(1, width):add(-(width + 1) / 2):view(1, width):expand(height, width)
   local y = torch.range(1, height):add(-(height + 1) / 2):view(height, 1):expand(height, width)
   local field = torch.FloatTensor(2, height, width)
   field[1]:copy((x * (-rx / det)):add(sx / det, y:contiguous()):add((h - 1) / 2))
   field[2]:copy((x * (sy / det)):add(-ry / det, y:contiguous()):add((w - 1) / 2))
   local covered = image.warp(torch.FloatTensor(1, h, w):fill(1), field, 'bilinear', false, 'pad', 0)
   return each(self, function(p)
      local moved = image.warp(p, field, 'bilinear', false, 'pad', 0)
      local rest = (-covered):add(1):expandAs(moved)
      return moved:add(torch.cmul(ground(p, height, width, paint), rest)):clamp(0, 1)
   end)
end

-- Clockwise; what is bare then has the colour.
function Image:rotate(degrees, r, g, b)
   planes_of(self, 'rotate')
   degrees = number('rotate', degrees, 'the angle') % 360
   local turns = degrees / 90
   if turns == math.floor(turns) then
      for _ = 1, turns do
         each(self, function(x) return image.hflip(x:transpose(2, 3):contiguous()) end)
      end
      return self
   end
   local angle = math.rad(degrees)
   local c, s = math.cos(angle), math.sin(angle)
   return transformed(self, 'rotate', c, s, -s, c, colour(r, g, b))
end

-- The picture is as large as it is afterwards, so that tx and ty change nothing.
function Image:affineTransform(sx, rx, ry, sy)
   local method = 'affineTransform'
   return transformed(self, method, number(method, sx, 'sx'), number(method, rx, 'rx'), number(method, ry, 'ry'),
      number(method, sy, 'sy'), colour(unpack(self.background or {})))
end
