-- What of surfaces is seen: for every place of the picture how near the nearest surface is.
local ffi = require 'ffi'
local scene = require 'gnuplot.scene'
local depth = {}
depth.__index = depth

-- enough places to tell lines apart, whatever the size of the picture
local MOST = 1000

function depth.new(w, h)
   local scale = math.min(1, MOST / math.max(w, h))
   local self = setmetatable({ scale = scale, w = math.ceil(w * scale) + 1, h = math.ceil(h * scale) + 1 }, depth)
   self.near, self.value = ffi.new('double[?]', self.w * self.h), ffi.new('double[?]', self.w * self.h)
   for k = 0, self.w * self.h - 1 do self.near[k] = -math.huge end
   return self
end

-- A triangle: places, how near they are, and the value that colours them.
local function triangle(self, a, b, c)
   local s = self.scale
   local x1, y1, x2, y2, x3, y3 = a[1] * s, a[2] * s, b[1] * s, b[2] * s, c[1] * s, c[2] * s
   local area = (x2 - x1) * (y3 - y1) - (x3 - x1) * (y2 - y1)
   if math.abs(area) < 1e-9 or area ~= area then return end
   local near, value, w = self.near, self.value, self.w
   local left, right = math.max(0, math.floor(math.min(x1, x2, x3))), math.min(w - 1, math.ceil(math.max(x1, x2, x3)))
   local top, bottom = math.max(0, math.floor(math.min(y1, y2, y3))), math.min(self.h - 1, math.ceil(math.max(y1, y2, y3)))
   local d1, d2, d3, v1, v2, v3 = a[3], b[3], c[3], a[4], b[4], c[4]
   for y = top, bottom do
      for x = left, right do
         local u = ((x2 - x) * (y3 - y) - (x3 - x) * (y2 - y)) / area
         local v = ((x3 - x) * (y1 - y) - (x1 - x) * (y3 - y)) / area
         local t = 1 - u - v
         if u >= -1e-6 and v >= -1e-6 and t >= -1e-6 then
            local d, k = u * d1 + v * d2 + t * d3, y * w + x
            if d > near[k] then near[k], value[k] = d, u * v1 + v * v2 + t * v3 end
         end
      end
   end
end

-- The cells of a grid of points { x, y, nearness, value }, or false where one is missing.
function depth:surface(points, rows, columns)
   for r = 1, rows - 1 do
      for k = (r - 1) * columns + 1, r * columns - 1 do
         local a, b, c, d = points[k], points[k + 1], points[k + columns], points[k + columns + 1]
         if a and b and c then triangle(self, a, b, c) end
         if b and c and d then triangle(self, b, d, c) end
      end
   end
end

-- Whether nothing lies in front of a place. A line on a surface is as near as the surface, but for rounding to places.
function depth:seen(x, y, d)
   local px, py = math.floor(x * self.scale + 0.5), math.floor(y * self.scale + 0.5)
   if px < 0 or py < 0 or px >= self.w or py >= self.h then return true end
   return d >= self.near[py * self.w + px] - 0.05
end

-- Adds the parts of a line through points that are seen; false parts the line.
function depth:runs(points, parts)
   local pen, down, before = scene.pen(parts), false, nil
   local function step(x, y, fine)
      pen(x, y, fine)
      down = fine
   end
   for k = 1, #points do
      local p = points[k]
      if not p then
         step(nil, nil, false)
         before = nil
      else
         local n = before and math.max(1, math.min(400, math.ceil(math.max(math.abs(p[1] - before[1]), math.abs(p[2] - before[2])) / 2))) or 1
         local all, last = true, nil
         for i = 1, n do
            local t = i / n
            local x, y, d = p[1], p[2], p[3]
            if before then x, y, d = before[1] + (x - before[1]) * t, before[2] + (y - before[2]) * t, before[3] + (d - before[3]) * t end
            local fine = self:seen(x, y, d)
            -- places between the ends of what is seen whole need not be named
            if fine and down and all and i < n then last = { x, y } else
               if last and not fine then step(last[1], last[2], true) end
               step(x, y, fine)
               last = nil
            end
            all = all and fine
         end
         before = p
      end
   end
end

-- The values as bytes of 3 x height x width in the colours of a palette; white where no surface is.
function depth:pixels(colours)
   local values = torch.DoubleTensor(self.h, self.w)
   local to = values:data()
   for k = 0, self.w * self.h - 1 do to[k] = self.near[k] == -math.huge and 0 / 0 or self.value[k] end
   return require('gnuplot.palette').pixels(values, 0, 1, colours)
end

return depth
