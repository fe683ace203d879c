-- Maps from numbers to colours.
local colorize = require('rekindle.native').functions['image.tensor'].colorize
local image = image
local colours = {}

local function demand_count(where, n)
   if type(n) ~= 'number' or not (n >= 1) then
      error(string.format('%s: expected a number of colours from 1 on, got %s', where, type(n) == 'number' and tostring(n)
         or n == nil and 'nothing' or 'a ' .. torch.type(n)))
   end
end

-- Colours around the wheel, each 39 degrees on and a ninth more or less intense.
function colours.colormap(nbColor)
   demand_count('image.colormap', nbColor)
   local wheel = torch.DoubleTensor(3, 1, nbColor)
   local saturation = 0
   for i = 1, nbColor do
      wheel[1][1][i] = (i - 1) * 39 % 360 / 360
      wheel[2][1][i] = math.fmod(saturation, 0.7) + 0.3
      wheel[3][1][i] = 0.5
      saturation = saturation + 1 / 9
   end
   return torch.Tensor(wheel:size(3), 3):copy(image.hsl2rgb(wheel):select(2, 1):t())
end

-- From blue over green to red: each channel is a tent with its top cut off.
function colours.jetColormap(nbColor)
   demand_count('image.jetColormap', nbColor)
   local map = torch.Tensor(nbColor, 3)
   for i = 1, nbColor do
      for channel = 1, 3 do
         local height = 1.5 - math.abs(4 * i / nbColor - (4 - channel))
         map[i][channel] = math.min(math.max(height, 0), 1)
      end
   end
   return map
end

-- ([dst,] src): levels from 1 on as colours of the jet map
function colours.y2jet(...)
   local dst, src = ...
   if select('#', ...) == 1 then dst, src = nil, dst end
   if not torch.isTensor(src) or select('#', ...) > 2 then
      error('image.y2jet: expected [a destination and] an image', 2)
   end
   if torch.type(src) == 'torch.HalfTensor' then error('image.y2jet: expected an image of another type than torch.HalfTensor') end
   if src:dim() == 3 and src:size(1) == 1 then src = src[1] end
   if src:dim() == 1 then src = src:contiguous():view(1, -1) end
   demand_count('image.y2jet', src:max())
   local map = colours.jetColormap(src:max())
   if torch.type(src) == 'torch.ByteTensor' then map:mul(255):round() end
   dst = dst or src.new()
   colorize(dst, src - 1, map:typeAs(src))
   return dst
end

return colours
