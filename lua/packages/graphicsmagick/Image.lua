-- graphicsmagick.Image: a picture with GraphicsMagick's methods, over package image. Its colours are planes of 0 to 1 in
-- `planes`, what covers how much in `alpha` (nil: all of it, everywhere).
require 'image'
local colours = require 'graphicsmagick.colours'
local formats = require 'graphicsmagick.formats'

local Image = { name = 'magick.Image', path = '<>', buffers = { HWD = {}, DHW = {} } }
setmetatable(Image, { __call = function(class, ...) return class.new(...) end })
local metatable = { __index = Image }

-- Ends with an error about a method, in the words that GraphicsMagick's begin with.
local function fail(method, message, ...)
   error(Image.name .. ':' .. method .. ': ' .. string.format(message, ...), 3)
end
local function number(method, value, what)
   value = tonumber(value)
   if not value or value ~= value then fail(method, '%s should be a number', what) end
   return value
end
-- the colours of a picture that has been loaded
local function planes_of(self, method)
   return type(self) == 'table' and getmetatable(self) == metatable and self.planes or error(Image.name .. ':' .. method .. ': expected an Image that is not empty; load one first', 3)
end
-- Calls f for the colours and for alpha.
local function each(self, f)
   self.planes = f(self.planes):contiguous()
   if self.alpha then self.alpha = f(self.alpha):contiguous() end
   return self
end
Image._each, Image._planes, Image._fail, Image._number = each, planes_of, fail, number

---------------------------------------------------------------------------------------------------- making

-- Makes an image, of a file or of a tensor.
function Image.new(source, ...)
   local self = setmetatable({ space = 'RGB', bits = 8, profiles = {} }, metatable)
   if type(source) == 'string' then return self:load(source, ...) end
   if torch.isTensor(source) then return self:fromTensor(source, ...) end
   if source ~= nil then error(Image.name .. ': expected a path or a tensor, got ' .. torch.type(source), 2) end
   return self
end

function Image:clone()
   local copy = Image.new()
   for key, value in pairs(self) do copy[key] = torch.isTensor(value) and value:clone() or value end
   copy.profiles = {}
   for key, value in pairs(self.profiles or {}) do copy.profiles[key] = value end
   return copy
end

-- What was read becomes the picture.
local function take(self, planes, format, path)
   local n = planes:size(1)
   if n == 2 or n == 4 then
      self.alpha = planes:narrow(1, n, 1):clone()
      planes = planes:narrow(1, 1, n - 1)
   else
      self.alpha = nil
   end
   if planes:size(1) == 1 then planes = planes:expand(3, planes:size(2), planes:size(3)) end
   self.planes, self.fmt, self.path, self.space = planes:clone(), format, path, 'RGB'
   return self
end

-- 'xc:' and a colour is a picture of it, of the size that is told or of one pixel.
function Image:load(path, width, height)
   if type(path) ~= 'string' then fail('load', 'expected the name of a file, got %s', torch.type(path)) end
   local colour = path:match '^xc:(.*)$'
   if colour then
      local named = formats.colour(colour) or fail('load', "'%s' is no colour that is known here", colour)
      width = width and number('load', width, 'the width') or 1
      return take(self, named:view(3, 1, 1):expand(3, height or width, width), 'XC', path)
   end
   local ok, planes, format = pcall(formats.read, path)
   if not ok then fail('load', 'error loading image: %s', tostring(planes)) end
   return take(self, planes, format, path)
end

-- The bytes of a file, as a string, a pointer and a number, or both.
function Image:fromBlob(blob, size)
   if type(blob) ~= 'string' then
      if type(blob) ~= 'cdata' or type(size) ~= 'number' then fail('fromBlob', 'expected bytes and their number') end
      blob = require('ffi').string(blob, size)
   elseif size then
      blob = blob:sub(1, number('fromBlob', size, 'the size'))
   end
   local ok, planes, format = pcall(formats.decode, blob)
   if not ok then fail('fromBlob', 'error reading from blob: %s', tostring(planes)) end
   return take(self, planes, format, '<blob>')
end
function Image:fromString(bytes)
   if type(bytes) ~= 'string' then fail('fromString', 'expected a string, got %s', torch.type(bytes)) end
   return self:fromBlob(bytes, #bytes)
end

---------------------------------------------------------------------------------------------------- tensors

-- letter -> plane; the colours of CMYK lie where those of RGB do
local PLACES = { R = 1, G = 2, B = 3, C = 1, M = 2, Y = 3 }
local SCALES = { ['torch.ByteTensor'] = 255, ['torch.FloatTensor'] = 1, ['torch.DoubleTensor'] = 1 }

function Image:fromTensor(tensor, space, dims)
   local scale = torch.isTensor(tensor) and SCALES[torch.typename(tensor)]
   if not scale then fail('fromTensor', 'expected a tensor of floats, doubles or bytes, got %s', torch.type(tensor)) end
   if tensor:dim() ~= 3 then fail('fromTensor', 'expected a tensor with 3 dimensions, got %d', tensor:dim()) end
   if dims ~= 'DHW' then tensor = tensor:transpose(1, 3):transpose(2, 3) end
   local depth = tensor:size(1)
   space = space or ({ 'I', nil, 'RGB', 'RGBA' })[depth]
   if type(space) ~= 'string' or #space ~= depth then
      fail('fromTensor', 'Tensor depth must match color space: %d planes and %s', depth, tostring(space))
   end
   local values = tensor:float():div(scale):clamp(0, 1)
   local planes, alpha = torch.FloatTensor(3, tensor:size(2), tensor:size(3)):zero(), nil
   for i = 1, depth do
      local letter = space:sub(i, i)
      local plane = values[i]
      if PLACES[letter] then
         planes[PLACES[letter]]:copy(plane)
      elseif letter == 'I' then
         for p = 1, 3 do planes[p]:copy(plane) end
      elseif letter == 'A' or letter == 'O' or letter == 'T' then
         alpha = plane:clone():view(1, planes:size(2), planes:size(3))
         if letter == 'O' then alpha:mul(-1):add(1) end
      elseif letter ~= 'P' and letter ~= 'K' then
         fail('fromTensor', "'%s' is no plane that is known; there are R, G, B, A, C, M, Y, K, I, O, P", letter)
      end
   end
   self.planes, self.alpha, self.fmt, self.path, self.space = planes, alpha, 'XC', '<tensor>', 'RGB'
   return self
end

local TYPES = { byte = 'torch.ByteTensor', float = 'torch.FloatTensor', double = 'torch.DoubleTensor' }

-- Planes of a kind ('byte', 'float', 'double') as height x width x planes, or with dims = 'DHW' as planes x height x width.
function Image:toTensor(kind, space, dims)
   planes_of(self, 'toTensor')
   local class = TYPES[kind or 'byte'] or fail('toTensor', "unknown data type '%s'; there are byte, float and double", tostring(kind))
   space = space or 'RGB'
   if type(space) ~= 'string' then fail('toTensor', 'the colour space should be a string') end
   if space == 'HSL' or space == 'HWB' or space == 'LAB' or space == 'YUV' then
      self:colorspace(space)
      space = 'RGB'
   end
   local height, width = self.planes:size(2), self.planes:size(3)
   local result = torch.FloatTensor(#space, height, width):zero()
   for i = 1, #space do
      local letter, plane = space:sub(i, i), result[i]
      if PLACES[letter] then
         plane:copy(self.planes[PLACES[letter]])
      elseif letter == 'I' then
         plane:add(0.299, self.planes[1]):add(0.587, self.planes[2]):add(0.114, self.planes[3])
      elseif letter == 'A' or letter == 'T' or letter == 'O' then
         if self.alpha then plane:copy(self.alpha) else plane:fill(1) end
         if letter == 'O' then plane:mul(-1):add(1) end
      elseif letter ~= 'P' and letter ~= 'K' then
         fail('toTensor', "'%s' is no plane that is known; there are R, G, B, A, C, M, Y, K, I, O, P", letter)
      end
   end
   if class == 'torch.ByteTensor' then result:mul(255):add(0.5):floor() end
   result = result:type(class)
   if dims ~= 'DHW' then result = result:transpose(1, 2):transpose(2, 3):contiguous() end
   return result
end

---------------------------------------------------------------------------------------------------- writing

local function rgb_of(self)
   local rgb = colours.convert(self.planes, self.space, 'RGB', Image.name)
   return rgb, self.alpha
end

-- The format is that of the name's suffix.
function Image:save(path, quality)
   planes_of(self, 'save')
   if type(path) ~= 'string' then fail('save', 'expected the name of a file, got %s', torch.type(path)) end
   local rgb, alpha = rgb_of(self)
   local ok, why = pcall(formats.write, path, self.fmt, rgb, alpha, quality or 85)
   if not ok then fail('save', 'error saving image: %s', tostring(why)) end
   return self
end

-- The file's bytes in the format that was set, and their number.
function Image:toBlob(quality)
   local bytes = self:toString(quality)
   local ffi = require 'ffi'
   return ffi.new('unsigned char[?]', #bytes, bytes), #bytes
end
function Image:toString(quality)
   planes_of(self, 'toString')
   if self.fmt == 'XC' then fail('toBlob', 'no format is set; call image:format(f) before, with JPEG, PNG, PPM ...') end
   local rgb, alpha = rgb_of(self)
   local ok, bytes = pcall(formats.encode, self.fmt, rgb, alpha, quality or 85)
   if not ok then fail('toBlob', '%s', tostring(bytes)) end
   return bytes
end

function Image:show(zoom)
   image.display { image = self:toTensor('float', nil, 'DHW'), zoom = zoom }
   return self
end
function Image:info()
   local planes = planes_of(self, 'info')
   return string.format('Image: %s\n  Format: %s\n  Geometry: %dx%d\n  Type: %s\n  Depth: %d bits\n  Colorspace: %s\n', self.path, self.fmt,
      planes:size(3), planes:size(2), self:type(), self.bits, self.space)
end

package.loaded['graphicsmagick.Image'] = Image
require 'graphicsmagick.settings'
require 'graphicsmagick.geometry'
require 'graphicsmagick.effects'

-- all but `new` are methods of an image
for name, f in pairs(Image) do
   if type(f) == 'function' and name ~= 'new' and name:sub(1, 1) ~= '_' then
      Image[name] = function(self, ...)
         if type(self) ~= 'table' or getmetatable(self) ~= metatable then
            error(Image.name .. ':' .. name .. ": expected an Image as self (call it with ':')", 2)
         end
         return f(self, ...)
      end
   end
end
return Image
