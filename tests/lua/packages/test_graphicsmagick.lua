-- Package graphicsmagick, over package image.
local gm = require 'graphicsmagick'
local ffi = require 'ffi'
assert(gm.Image == require 'graphicsmagick.Image')
local function near(a, b, by) return torch.csub(a:double(), b:double()):abs():max() <= (by or 1e-5) end
local function fails(f, text)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
end
torch.manualSeed(7)
local x = torch.rand(3, 8, 12):float()

-- tensors
local im = gm.Image(x, 'RGB', 'DHW')
assert(near(im:toTensor('float', 'RGB', 'DHW'), x))
assert(near(im:toTensor('double'), x:transpose(1, 2):transpose(2, 3)))
assert(torch.typename(im:toTensor()) == 'torch.ByteTensor' and near(im:toTensor('byte', 'BGR', 'DHW')[1], torch.floor(x[3] * 255 + 0.5)))
assert(near(im:toTensor('float', 'I', 'DHW')[1], x[1] * 0.299 + x[2] * 0.587 + x[3] * 0.114))
local w, h = im:size()
assert(w == 12 and h == 8 and im:format() == 'XC' and im:type() == 'TrueColor' and im:colorspace() == 'RGB')
local gray = gm.Image(x[1]:clone():view(8, 12, 1))
assert(gray:type() == 'Grayscale' and near(gray:toTensor('float', 'I', 'DHW')[1], x[1]))
local rgba = gm.Image(torch.cat(x, x:narrow(1, 1, 1), 1), 'RGBA', 'DHW')
assert(rgba:type() == 'TrueColorMatte' and near(rgba:toTensor('float', 'RGBA', 'DHW')[4], x[1]))
assert(near(im:toTensor('float', 'A'), torch.ones(8, 12, 1)))
fails(function() gm.Image(x, 'RGBA', 'DHW') end, 'Tensor depth must match color space')
fails(function() gm.Image(torch.IntTensor(3, 2, 2)) end, 'magick.Image:fromTensor: expected a tensor of floats')
fails(function() im:toTensor('half') end, "unknown data type 'half'")
fails(function() im:toTensor('float', 'RGZ') end, "'Z' is no plane that is known")
fails(function() gm.Image():size() end, 'magick.Image:size: expected an Image that is not empty')
fails(function() im.size() end, "call it with ':'")

-- sizes, with GraphicsMagick's filters: constants stay, and a whole factor by boxes is a mean
local flat = gm.Image(torch.FloatTensor(3, 8, 12):fill(0.25), 'RGB', 'DHW')
for _, filter in ipairs { 'Point', 'Box', 'Triangle', 'Hermite', 'Hanning', 'Hamming', 'Blackman', 'Gaussian', 'Quadratic', 'Cubic',
   'Catrom', 'Mitchell', 'Lanczos', 'Bessel', 'Sinc', 'Undefined' } do
   assert(near(flat:clone():size(5, 19, filter):toTensor('float', 'RGB', 'DHW'), torch.Tensor(3, 19, 5):fill(0.25), 1e-4), filter)
end
local half = im:clone():size(6, 4, 'Box'):toTensor('float', 'RGB', 'DHW')
assert(math.abs(half[2][1][3] - x[2]:narrow(1, 1, 2):narrow(2, 5, 2):mean()) < 1e-5)
assert(near(im:clone():size(12, 8, 'Point'):toTensor('float', 'RGB', 'DHW'), x))
local box = im:clone():size(6)
assert(select(1, box:size()) == 6 and select(2, box:size()) == 4)
box = im:clone():size(nil, 16)
assert(select(1, box:size()) == 24 and select(2, box:size()) == 16)
fails(function() im:clone():size(3, 3, 'Soft') end, "magick.Image:size: there is no filter 'Soft'")
fails(function() im:clone():size(0, 0) end, 'error resizing image')

-- places
local function planes(p) return p:toTensor('float', 'RGB', 'DHW') end
assert(near(planes(im:clone():flip()), image.vflip(x)) and near(planes(im:clone():flop()), image.hflip(x)))
assert(near(planes(im:clone():crop(5, 3, 2, 1)), x:narrow(2, 2, 3):narrow(3, 3, 5)))
assert(planes(im:clone():crop(50, 30, 10, 1)):size(3) == 2)
fails(function() im:clone():crop(2, 2, 50, 50) end, 'nothing of the image lies there')
local turned = planes(im:clone():rotate(90))
assert(turned:size(2) == 12 and near(turned, image.hflip(x:transpose(2, 3):contiguous())))
assert(near(planes(im:clone():rotate(360)), x))
local slanted = planes(gm.Image(torch.FloatTensor(3, 40, 40):fill(1), 'RGB', 'DHW'):rotate(45, 1, 0, 0))
assert(slanted:size(2) == 57 and slanted[1][1][1] == 1 and slanted[2][1][1] == 0 and math.abs(slanted[2][28][28] - 1) < 1e-5)
local framed = planes(im:clone():addBorder(2, 1, 0, 1, 0))
assert(framed:size(2) == 10 and framed:size(3) == 16 and framed[2][1][1] == 1 and near(framed:narrow(2, 2, 8):narrow(3, 3, 12), x))
assert(near(planes(im:clone():affineTransform(1, 0, 0, 1, 5, 5)), x))

-- colours
assert(near(planes(im:clone():negate()), -x + 1))
assert(near(planes(im:clone():gammaCorrection(2)), torch.sqrt(x)) and near(planes(im:clone():gammaCorrection(2, 'Red'))[2], x[2]))
for _, space in ipairs { 'YUV', 'YIQ', 'YPbPr', 'Rec601YCbCr', 'Rec709YCbCr', 'HSL', 'HWB', 'CMYK', 'XYZ' } do
   -- colours that no space cuts off
   local muted = x * 0.4 + 0.3
   local there = gm.Image(muted, 'RGB', 'DHW'):colorspace(space)
   assert(there:colorspace() == space and there:toTensor('float'):max() <= 1)
   assert(near(planes(there:colorspace 'RGB'), muted, 1e-4), space)
end
assert(near(im:clone():toTensor('float', 'YUV', 'DHW')[1], x[1] * 0.299 + x[2] * 0.587 + x[3] * 0.114))
assert(im:clone():type 'Grayscale':type() == 'Grayscale')
fails(function() im:clone():colorspace 'Nothing' end, "there is no colour space 'Nothing'")
assert(near(planes(flat:clone():blur(2, 1)), planes(flat)) and near(planes(flat:clone():sharpen()), planes(flat), 1e-4))
assert(planes(im:clone():blur(0, 1.5)):std() < x:std() and planes(im:clone():unsharpMask(0, 1, 2, 0)):std() > x:std())
for _, kind in ipairs { 'Uniform', 'Gaussian', 'MultiplicativeGaussian', 'Impulse', 'Laplacian', 'Poisson', 'Random' } do
   local noisy = planes(im:clone():addNoise(kind))
   assert(noisy:min() >= 0 and noisy:max() <= 1 and not near(noisy, x), kind)
end
local dot = torch.FloatTensor(3, 5, 5):zero()
dot:narrow(2, 2, 3):narrow(3, 2, 3):fill(1)
local filled = planes(gm.Image(dot, 'RGB', 'DHW'):floodFill(2, 2, 0, 0, 1))
assert(filled[3]:sum() == 9 and filled[1]:sum() == 0)
-- one over another
local under = gm.Image(torch.FloatTensor(3, 4, 4):fill(0.5), 'RGB', 'DHW')
local over = gm.Image(torch.cat(torch.FloatTensor(3, 2, 2):fill(1), torch.FloatTensor(1, 2, 2):fill(0.5), 1), 'RGBA', 'DHW')
assert(planes(under:clone():compose(over, 'Over', 1, 1))[1][2][2] == 0.75 and planes(under:clone():compose(over, 'Over', 1, 1))[1][1][1] == 0.5)
assert(planes(under:clone():compose(under, 'Multiply', 3, 3))[1][4][4] == 0.25)
assert(planes(over:flatten())[1][1][1] == 1 and over:type() == 'GrayscaleMatte' and over:clone():setBackground(0, 0, 0):flatten():toTensor('float')[1][1][1] == 0.5)
fails(function() under:compose(over, 'Strange', 0, 0) end, "no operator 'Strange'")

-- files
im:save 'x.png'
assert(near(gm.load 'x.png', x, 0.5 / 255 + 1e-6) and gm.Image('x.png'):format() == 'PNG' and gm.Image('x.png').path == 'x.png')
rgba:save 'a.png'
assert(near(gm.Image('a.png'):toTensor('float', 'RGBA', 'DHW')[4], x[1], 0.5 / 255 + 1e-6))
gm.save('x.jpg', torch.FloatTensor(16, 16):fill(0.5), 95)
local loaded = gm.load('x.jpg', 'byte')
assert(loaded:size(1) == 3 and math.abs(loaded:double():mean() - 128) < 2)
im:save 'x.ppm'
assert(near(gm.load 'x.ppm', x, 0.5 / 255 + 1e-6))
fails(function() im:toBlob() end, 'no format is set')
local blob, size = im:format 'png':toBlob()
local back = gm.Image():fromBlob(blob, size)
assert(near(planes(back), x, 0.5 / 255 + 1e-6) and back.path == '<blob>')
assert(near(planes(gm.Image():fromString(ffi.string(blob, size))), x, 0.5 / 255 + 1e-6))
assert(#im:format 'JPEG':toString(50) < #im:toString(100))
fails(function() gm.Image():fromString 'nothing' end, 'error reading from blob: it is none of')
fails(function() gm.Image 'nothing.png' end, 'magick.Image:load: error loading image')
fails(function() im:save 'x.tiff' end, 'error saving image')
fails(function() gm.load(3) end, 'expected a path or a tensor')
local told = gm.info 'x.png'
assert(told.width == 12 and told.height == 8 and told.format == 'PNG' and gm.info('nothing.png').error == 'not an image')
assert(told.moreinfo '%m %w' == 'PNG 12')
gm.convert { input = 'x.png', output = 'y.jpg', size = '6x6', vflip = true }
assert(gm.info('y.jpg', true).width == 6 and gm.info('y.jpg', true).height == 4)
local date, place = gm.parseExif { DateTime = 'then', GPSLongitude = '2, 30, 0', GPSLongitudeRef = 'E', GPSLatitude = '48, 0, 36', GPSLatitudeRef = 'N' }
assert(date == 'then' and place.longitude == 'E2.5' and place.latitude == 'N48.01')
-- settings
assert(im:depth() == 8 and im:depth(16):depth() == 16 and #im:samplingFactors { 1, 1, 1 }:samplingFactors() == 3 and im:gamma(1):gamma() == 1)
assert(im:profile 'icm' == nil and im:profile('icm', 'abc'):profile 'icm' == 'abc' and im:removeProfile():profile 'icm' == nil)
assert(im:info():find('Geometry: 12x8', 1, true))
print('all as it should be')
