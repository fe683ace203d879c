-- Package graphicsmagick: pictures with GraphicsMagick's methods, without its library.
local Image = require 'graphicsmagick.Image'
local gm = { Image = Image, convert = require 'graphicsmagick.convert', info = require 'graphicsmagick.info',
             parseExif = require 'graphicsmagick.exif' }

-- A file's picture as 3 x height x width, of 'float', 'double' or 'byte'.
function gm.load(path, kind) return Image(path):toTensor(kind or 'float', 'RGB', 'DHW') end

-- Writes a tensor of 1 or 3 planes, or of none.
function gm.save(path, tensor, quality)
   if type(path) ~= 'string' or not torch.isTensor(tensor) then
      error('graphicsmagick.save: expected the name of a file and a tensor, got ' .. torch.type(path) .. ' and ' .. torch.type(tensor), 2)
   end
   local dim = tensor:dim()
   if dim == 2 or dim == 3 and tensor:size(1) == 1 then
      tensor = tensor:reshape(1, tensor:size(dim - 1), tensor:size(dim)):expand(3, tensor:size(dim - 1), tensor:size(dim))
   end
   Image(tensor, 'RGB', 'DHW'):save(path, quality)
end

return gm
