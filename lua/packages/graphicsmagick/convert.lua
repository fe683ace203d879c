-- graphicsmagick.convert { input = , output = , size = , rotate = , vflip = , hflip = , quality = }: a file as another one.
local Image = require 'graphicsmagick.Image'

-- '200x100' fits into the box, '200x100!' fills it, '200', 'x100' and '50%' are what they seem.
local function sized(picture, text)
   local w, h = picture:size()
   local percent = text:match '^(%d+%.?%d*)%%$'
   if percent then return picture:size(math.max(w * percent / 100, 1), math.max(h * percent / 100, 1)) end
   local width, height, exact = text:match '^(%d*)x?(%d*)(!?)$'
   width, height = tonumber(width), tonumber(height)
   if not width and not height then
      error("graphicsmagick.convert: size should be as '200x100', '200x100!', '200' or '50%', got '" .. text .. "'", 3)
   end
   if exact == '!' and width and height then return picture:size(width, height) end
   local factor = math.min(width and width / w or math.huge, height and height / h or math.huge)
   return picture:size(math.max(math.floor(w * factor + 0.5), 1), math.max(math.floor(h * factor + 0.5), 1))
end

return function(options, output, ...)
   if type(options) ~= 'table' then options = { input = options, output = output, size = (...) } end
   if type(options.input) ~= 'string' or type(options.output) ~= 'string' then
      error('graphicsmagick.convert: expected { input = a path, output = a path }', 2)
   end
   local timer = torch.Timer()
   local picture = Image(options.input)
   if options.size then picture = sized(picture, tostring(options.size)) end
   if options.rotate then picture:rotate(options.rotate, 1, 1, 1) end
   if options.vflip then picture:flip() end
   if options.hflip then picture:flop() end
   picture:save(options.output, options.quality or 90)
   if options.verbose then print(options.input .. ' => ' .. options.output .. ' ' .. string.format('%dx%d', picture:size())) end
   if options.benchmark then print(string.format('convert: %.3f s', timer:time().real)) end
end
