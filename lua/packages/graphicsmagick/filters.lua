-- How GraphicsMagick scales: each pixel of the result is a weighted mean of pixels around its place, along one axis after
-- the other; the filters below give the weights.
require 'nn'
local filters = {}

local function sinc(x) return x == 0 and 1 or math.sin(math.pi * x) / (math.pi * x) end
-- sinc within three periods (or what the filter's reach is) under a window
local function windowed(window) return function(x, reach) return window(x / reach) * sinc(x) end end
local function cubic(b, c)
   local near = { (6 - 2 * b) / 6, (-18 + 12 * b + 6 * c) / 6, (12 - 9 * b - 6 * c) / 6 }
   local far = { (8 * b + 24 * c) / 6, (-12 * b - 48 * c) / 6, (6 * b + 30 * c) / 6, (-b - 6 * c) / 6 }
   return function(x)
      x = math.abs(x)
      if x < 1 then return near[1] + x * x * (near[2] + x * near[3]) end
      if x < 2 then return far[1] + x * (far[2] + x * (far[3] + x * far[4])) end
      return 0
   end
end
-- J1(pi x) / (2 x), the circular relative of sinc
local function bessel(x)
   if x == 0 then return math.pi / 4 end
   local n, sum = 64, 0
   local z = math.pi * x
   -- J1(z) = 1/pi * the integral of cos(t - z sin t) from 0 to pi
   for k = 0, n do
      local t = math.pi * k / n
      sum = sum + math.cos(t - z * math.sin(t)) * ((k == 0 or k == n) and 0.5 or 1)
   end
   return sum / n / (2 * x)
end

-- name -> weight at a distance, and how far the filter reaches
local KINDS = {
   Point = { function() return 1 end, 0 },
   Box = { function(x) return x >= -0.5 and x < 0.5 and 1 or 0 end, 0.5 },
   Triangle = { function(x) return math.max(1 - math.abs(x), 0) end, 1 },
   Hermite = { function(x)
      x = math.abs(x)
      return x < 1 and (2 * x - 3) * x * x + 1 or 0
   end, 1 },
   Hanning = { function(x) return 0.5 + 0.5 * math.cos(math.pi * x) end, 1 },
   Hamming = { function(x) return 0.54 + 0.46 * math.cos(math.pi * x) end, 1 },
   Blackman = { function(x) return 0.42 + 0.5 * math.cos(math.pi * x) + 0.08 * math.cos(2 * math.pi * x) end, 1 },
   Gaussian = { function(x) return math.exp(-2 * x * x) * math.sqrt(2 / math.pi) end, 1.25 },
   Quadratic = { function(x)
      x = math.abs(x)
      if x < 0.5 then return 0.75 - x * x end
      return x < 1.5 and 0.5 * (x - 1.5) ^ 2 or 0
   end, 1.5 },
   Cubic = { cubic(1, 0), 2 },
   Catrom = { cubic(0, 0.5), 2 },
   Mitchell = { cubic(1 / 3, 1 / 3), 2 },
   Lanczos = { windowed(sinc), 3 },
   Bessel = { bessel, 3.2383 },
   Sinc = { sinc, 4 },
}

-- The kind for a name; without one it depends on whether the picture grows.
function filters.kind(name, grows, where)
   if name == nil or name == 'Undefined' then name = grows and 'Mitchell' or 'Lanczos' end
   local kind = KINDS[name]
   if not kind then
      local names = {}
      for key in pairs(KINDS) do names[#names + 1] = key end
      table.sort(names)
      error(string.format("%s: there is no filter '%s'; there are %s", where, tostring(name), table.concat(names, ', ')), 3)
   end
   return kind
end

-- The weights of `from` pixels for each of `to`, as a matrix.
local function weights(from, to, kind, blur)
   local factor = to / from
   local reach, scale = blur * math.max(1 / factor, 1) * kind[2], blur * math.max(1 / factor, 1)
   if reach <= 0.5 then reach, scale = 0.5 + 1e-12, 1 end
   local all = torch.zeros(to, from)
   for x = 1, to do
      local center = (x - 0.5) / factor
      local first = math.floor(math.max(center - reach + 0.5, 0))
      local last = math.floor(math.min(center + reach + 0.5, from)) - 1
      local sum, row = 0, {}
      for i = first, last do
         row[i] = kind[1]((i - center + 0.5) / scale, kind[2])
         sum = sum + row[i]
      end
      if sum == 0 then sum = 1 end
      for i = first, last do all[x][i + 1] = row[i] / sum end
      if last < first then all[x][math.min(math.max(math.floor(center) + 1, 1), from)] = 1 end
   end
   return all:float()
end

-- planes x height x width, scaled.
function filters.scale(picture, width, height, kind, blur)
   local planes, h, w = picture:size(1), picture:size(2), picture:size(3)
   if width ~= w then
      picture = torch.mm(picture:view(planes * h, w), weights(w, width, kind, blur):t()):view(planes, h, width)
   end
   if height ~= h then
      local along, result = weights(h, height, kind, blur), picture.new(planes, height, width)
      for p = 1, planes do result[p]:mm(along, picture[p]) end
      picture = result
   end
   return picture:clamp(0, 1)
end

-- A kernel of the given radius (0: as wide as the deviation calls for) with weights of a bell curve.
local function bell(radius, sigma)
   if radius <= 0 then
      -- until what lies further out is less than a level of 8 bits
      radius = 1
      while math.exp(-(radius * radius) / (2 * sigma * sigma)) >= 1 / 255 do radius = radius + 1 end
   end
   radius = math.ceil(radius)
   local row = torch.range(-radius, radius):pow(2):mul(-1 / (2 * sigma * sigma)):exp()
   return row:div(row:sum()):float(), radius
end

-- The picture with its border pixels repeated `n` times around it.
local function extended(picture, n)
   return nn.SpatialReplicationPadding(n, n, n, n):float():forward(picture)
end

function filters.blur(picture, radius, sigma)
   if sigma <= 0 then return picture:clone() end
   local row, n = bell(radius, sigma)
   local wide, result = extended(picture, n), picture.new(picture:size())
   for p = 1, picture:size(1) do
      local along = torch.conv2(wide[p], row:view(1, -1))
      result[p]:copy(torch.conv2(along, row:view(-1, 1)))
   end
   return result:clamp(0, 1)
end

function filters.sharpen(picture, radius, sigma)
   if sigma <= 0 then return picture:clone() end
   local row, n = bell(radius, sigma)
   -- the bell upside down, with a middle that makes the sum 1
   local kernel = torch.ger(row, row)
   kernel:div(kernel:sum()):mul(-1)
   kernel[n + 1][n + 1] = 0
   kernel[n + 1][n + 1] = -2 * kernel:sum()
   kernel:div(kernel:sum())
   local wide, result = extended(picture, n), picture.new(picture:size())
   for p = 1, picture:size(1) do result[p]:copy(torch.conv2(wide[p], kernel)) end
   return result:clamp(0, 1)
end

-- What differs from the blurred picture by more than the threshold is moved away from it.
function filters.unsharp(picture, radius, sigma, amount, threshold)
   local blurred = filters.blur(picture, radius, sigma)
   local difference = picture - blurred
   local small = torch.abs(difference):mul(2):lt(threshold)
   difference[small] = 0
   return difference:mul(amount):add(picture):clamp(0, 1)
end

return filters
