-- graphicsmagick.info(path): width, height and format of a picture's file; tags of cameras are not read from files, but
-- may be handed over.
require 'image'
local formats = require 'graphicsmagick.formats'
local parse = require 'graphicsmagick.exif'

return function(path, simple, tags)
   if type(path) ~= 'string' then error('graphicsmagick.info: expected the name of a file, got ' .. torch.type(path), 2) end
   local file = io.open(path, 'rb')
   local head = file and file:read(16)
   if file then file:close() end
   local known, format = pcall(formats.of, head or '')
   local read, size = pcall(image.getSize, path)
   if not known or not read then return { error = 'not an image' } end
   local info = { width = size[3], height = size[2], format = format }
   if simple then return info end
   info.exif = {}
   for key, value in pairs(tags or {}) do info.exif[key] = value end
   info.date, info.location = parse(info.exif)
   info.moreinfo = function(what)
      local answers = { ['%m'] = format, ['%w'] = tostring(info.width), ['%h'] = tostring(info.height) }
      if type(what) ~= 'string' then
         print('graphicsmagick.info: moreinfo takes a text with %m (format), %w (width) and %h (height)')
         return
      end
      return (what:gsub('%%%a', answers))
   end
   return info
end
