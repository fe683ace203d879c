-- graphicsmagick.Image: what an image is, and colours as a whole.
local colours = require 'graphicsmagick.colours'
local Image = require 'graphicsmagick.Image'
local planes_of, fail, number = Image._planes, Image._fail, Image._number

-- A property that is kept, and nothing more: `default` where it was not set.
local function property(name, default)
   Image[name] = function(self, value)
      planes_of(self, name)
      if value == nil then return self['_' .. name] or default end
      self['_' .. name] = value
      return self
   end
end
property('interlace', 'Undefined')
property('gamma', 1 / 2.2)
property('samplingFactors', { 2, 1, 1 })

function Image:depth(bits)
   planes_of(self, 'depth')
   if bits == nil then return self.bits end
   self.bits = number('depth', bits, 'the depth')
   return self
end

function Image:format(name)
   planes_of(self, 'format')
   if name == nil then return self.fmt end
   if type(name) ~= 'string' then fail('format', 'expected the name of a format, got %s', torch.type(name)) end
   self.fmt = name:upper() == 'JPG' and 'JPEG' or name:upper()
   return self
end

local KINDS = { Undefined = true, Bilevel = true, Grayscale = true, GrayscaleMatte = true, Palette = true, PaletteMatte = true, TrueColor = true,
   TrueColorMatte = true, ColorSeparation = true, ColorSeparationMatte = true, Optimize = true }
function Image:type(kind)
   local planes = planes_of(self, 'type')
   if kind == nil then
      local gray = planes[1]:equal(planes[2]) and planes[1]:equal(planes[3])
      if gray and not self.alpha and planes[1]:eq(0):add(planes[1]:eq(1)):min() == 1 then return 'Bilevel' end
      return (gray and 'Grayscale' or 'TrueColor') .. (self.alpha and 'Matte' or '')
   end
   if not KINDS[kind] then fail('type', "there is no type '%s'", tostring(kind)) end
   if kind:find 'Grayscale' or kind == 'Bilevel' then
      self.planes = colours.convert(planes, self.space, 'GRAY', Image.name .. ':type')
      self.space = 'RGB'
      if kind == 'Bilevel' then self.planes:copy(self.planes:ge(0.5)) end
   end
   if kind:find 'Matte$' then
      self.alpha = self.alpha or torch.FloatTensor(1, planes:size(2), planes:size(3)):fill(1)
   elseif kind ~= 'Undefined' and kind ~= 'Optimize' then
      self.alpha = nil
   end
   return self
end

function Image:colorspaces() return colours.names end
function Image:colorspace(name)
   planes_of(self, 'colorspace')
   if name == nil then return self.space end
   self.planes = colours.convert(self.planes, self.space, name, Image.name .. ':colorspace')
   self.space = name
   return self
end

-- Profiles are kept with the image, and not written into files.
function Image:profile(name, data)
   planes_of(self, 'profile')
   if data == nil then return self.profiles[name] end
   if type(data) ~= 'string' then fail('profile', 'expected the profile as a string, got %s', torch.type(data)) end
   self.profiles[tostring(name)] = data
   return self
end
function Image:removeProfile(name)
   planes_of(self, 'removeProfile')
   if name == nil or name == '*' then self.profiles = {} else self.profiles[name] = nil end
   return self
end

function Image:setBackground(r, g, b)
   planes_of(self, 'setBackground')
   self.background = { r or 0, g or 0, b or 0 }
   return self
end
