-- graphicsmagick.Image: what changes colours of pixels.
local filters = require 'graphicsmagick.filters'
local Image = require 'graphicsmagick.Image'
local planes_of, each, fail, number = Image._planes, Image._each, Image._fail, Image._number

function Image:negate()
   planes_of(self, 'negate'):mul(-1):add(1)
   return self
end

local CHANNELS = { Red = { 1 }, Green = { 2 }, Blue = { 3 }, Cyan = { 1 }, Magenta = { 2 }, Yellow = { 3 }, All = { 1, 2, 3 }, Gray = { 1, 2, 3 },
   Undefined = { 1, 2, 3 } }
function Image:gammaCorrection(gamma, channel)
   local planes = planes_of(self, 'gammaCorrection')
   gamma = number('gammaCorrection', gamma, 'gamma')
   if gamma <= 0 then fail('gammaCorrection', 'gamma should be above 0, got %g', gamma) end
   local list = CHANNELS[channel or 'All'] or fail('gammaCorrection', "there is no channel '%s'", tostring(channel))
   for _, p in ipairs(list) do planes[p]:pow(1 / gamma) end
   return self
end

function Image:blur(radius, sigma)
   planes_of(self, 'blur')
   radius, sigma = number('blur', radius or 0, 'the radius'), number('blur', sigma or 1, 'sigma')
   return each(self, function(x) return filters.blur(x, radius, sigma) end)
end
function Image:sharpen(radius, sigma)
   local planes = planes_of(self, 'sharpen')
   self.planes = filters.sharpen(planes, number('sharpen', radius or 0, 'the radius'), number('sharpen', sigma or 1, 'sigma'))
   return self
end
function Image:unsharpMask(radius, sigma, amount, threshold)
   local planes, method = planes_of(self, 'unsharpMask'), 'unsharpMask'
   self.planes = filters.unsharp(planes, number(method, radius or 0, 'the radius'), number(method, sigma or 1, 'sigma'),
      number(method, amount or 1, 'the amount'), number(method, threshold or 0.05, 'the threshold'))
   return self
end

-- kind -> levels of 0 to 255 with noise
local function uniform(x) return x.new(x:size()):uniform() end
local NOISE = {
   Uniform = function(x) return x:add(uniform(x):add(-0.5):mul(4)) end,
   Gaussian = function(x)
      local own, other = torch.randn(x:size()):typeAs(x), torch.randn(x:size()):typeAs(x)
      return torch.add(x, torch.sqrt(x):mul(4):cmul(own)):add(other:mul(20))
   end,
   MultiplicativeGaussian = function(x)
      return torch.add(x, torch.cmul(x, uniform(x):clamp(1e-7, 1):log():mul(-2):sqrt()):mul(0.25))
   end,
   Impulse = function(x)
      local u = uniform(x)
      x[u:lt(0.05)] = 0
      x[u:ge(0.95)] = 255
      return x
   end,
   Laplacian = function(x)
      local u = uniform(x):add(-0.5)
      return x:add(torch.sign(u):cmul(torch.abs(u):mul(-2):add(1):clamp(1e-7, 1):log()):mul(-10))
   end,
   Poisson = function(x)
      local rate = torch.mul(x, 0.05)
      return rate:apply(function(r)
         local limit, product, n = math.exp(-r), torch.uniform(), 0
         while product > limit do
            product, n = product * torch.uniform(), n + 1
         end
         return n
      end):mul(20)
   end,
   Random = function(x) return uniform(x):mul(255) end,
}
function Image:addNoise(kind)
   local planes = planes_of(self, 'addNoise')
   local noise = NOISE[kind]
   if not noise then
      fail('addNoise', "there is no noise '%s'; there are Uniform, Gaussian, MultiplicativeGaussian, Impulse, Laplacian, Poisson, Random",
         tostring(kind))
   end
   self.planes = noise(planes:mul(255)):div(255):clamp(0, 1)
   return self
end

-- GraphicsMagick blends in no share of a colour that comes without an opacity.
function Image:colorize()
   planes_of(self, 'colorize')
   return self
end

-- The pixels around (x, y), from 0, that have its colour (within fuzz, of 255) become of a colour.
function Image:floodFill(x, y, r, g, b, fuzz)
   local planes = planes_of(self, 'floodFill')
   local width, height = planes:size(3), planes:size(2)
   x, y = math.floor(number('floodFill', x, 'x')), math.floor(number('floodFill', y, 'y'))
   if x < 0 or y < 0 or x >= width or y >= height then fail('floodFill', '(%d, %d) lies outside of %dx%d', x, y, width, height) end
   local far = planes.new(height, width):zero()
   for p = 1, 3 do far:add(torch.add(planes[p], -planes[p][y + 1][x + 1]):pow(2)) end
   local limit = (fuzz or 0) / 255
   local alike = far:le(limit * limit + 1e-10)
   local filled, stack = torch.ByteTensor(height, width):zero(), { { x + 1, y + 1 } }
   while #stack > 0 do
      local px, py = unpack(table.remove(stack))
      if px >= 1 and py >= 1 and px <= width and py <= height and alike[py][px] == 1 and filled[py][px] == 0 then
         filled[py][px] = 1
         stack[#stack + 1], stack[#stack + 2] = { px + 1, py }, { px - 1, py }
         stack[#stack + 1], stack[#stack + 2] = { px, py + 1 }, { px, py - 1 }
      end
   end
   for p, value in ipairs { r or 0, g or 0, b or 0 } do planes[p][filled] = value end
   return self
end

-- operator -> the colours of two pictures that lie over each other, a above b
local OPERATORS = {
   Add = function(a, b) return torch.add(a, b) end, Plus = function(a, b) return torch.add(a, b) end,
   Subtract = function(a, b) return torch.csub(b, a) end, Minus = function(a, b) return torch.csub(b, a) end,
   Difference = function(a, b) return torch.csub(a, b):abs() end,
   Multiply = function(a, b) return torch.cmul(a, b) end,
   Screen = function(a, b) return torch.add(a, b):csub(torch.cmul(a, b)) end,
   Darken = function(a, b) return torch.cmin(a, b) end, Lighten = function(a, b) return torch.cmax(a, b) end,
   Over = function(a) return a end, Atop = function(a) return a end, Copy = function(a) return a end,
}
-- Puts another image over this one, with its corner at (x, y).
function Image:compose(above, operator, x, y)
   local planes = planes_of(self, 'compose')
   local over = planes_of(above, 'compose')
   local mix = OPERATORS[operator]
   if not mix and operator ~= 'CopyOpacity' then
      fail('compose', "there is no operator '%s' here; there are Over, Atop, Copy, CopyOpacity, Add, Plus, Subtract, Minus, Difference, "
         .. 'Multiply, Screen, Darken, Lighten', tostring(operator))
   end
   x, y = math.floor(number('compose', x or 0, 'x')), math.floor(number('compose', y or 0, 'y'))
   local left, top = math.max(x, 0), math.max(y, 0)
   local right, bottom = math.min(x + over:size(3), planes:size(3)), math.min(y + over:size(2), planes:size(2))
   if right <= left or bottom <= top then return self end
   local function here(t) return t:narrow(2, top + 1, bottom - top):narrow(3, left + 1, right - left) end
   local function there(t) return t:narrow(2, top - y + 1, bottom - top):narrow(3, left - x + 1, right - left) end
   local full = torch.FloatTensor(1, planes:size(2), planes:size(3)):fill(1)
   if operator == 'CopyOpacity' then
      self.alpha = self.alpha or full
      local gray = above.alpha or over:narrow(1, 1, 1)
      here(self.alpha):copy(there(gray))
      return self
   end
   local part = here(planes)
   local mixed = mix(there(over), part):clamp(0, 1)
   local share = above.alpha and operator ~= 'Copy' and there(above.alpha)
   if share then
      local wide = share:expandAs(mixed)
      mixed = torch.cmul(mixed, wide):add(torch.cmul(part, (-wide):add(1)))
   end
   part:copy(mixed)
   if operator == 'Copy' and (above.alpha or self.alpha) then
      self.alpha = self.alpha or full
      if above.alpha then here(self.alpha):copy(there(above.alpha)) else here(self.alpha):fill(1) end
   elseif self.alpha and operator ~= 'Atop' then
      local own = here(self.alpha)
      if share then own:copy((-own):add(1):cmul((-share):add(1)):mul(-1):add(1)) else own:fill(1) end
   end
   return self
end

-- A new image without transparency, over the background, which is white where none was set.
function Image:flatten()
   planes_of(self, 'flatten')
   local flat = self:clone()
   if flat.alpha then
      local wide = flat.alpha:expandAs(flat.planes)
      local ground = torch.FloatTensor(self.background or { 1, 1, 1 }):view(3, 1, 1):expandAs(flat.planes)
      flat.planes = torch.cmul(flat.planes, wide):add(torch.cmul(ground:contiguous(), (-wide):add(1)))
      flat.alpha = nil
   end
   return flat
end
