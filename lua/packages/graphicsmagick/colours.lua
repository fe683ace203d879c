-- Colours of GraphicsMagick: each space as three (or four) planes of 0 to 1, from and to RGB.
require 'image'
local colours = {}

-- rows of a matrix, and what is added: { { r, g, b }, ..., { offsets } }
local LINEAR = {
   YUV = { { 0.29900, 0.58700, 0.11400 }, { -0.14740, -0.28950, 0.43690 }, { 0.61500, -0.51500, -0.10000 }, { 0, 0.5, 0.5 } },
   YIQ = { { 0.29900, 0.58700, 0.11400 }, { 0.59600, -0.27400, -0.32200 }, { 0.21100, -0.52300, 0.31200 }, { 0, 0.5, 0.5 } },
   Rec601YCbCr = { { 0.29900, 0.58700, 0.11400 }, { -0.168736, -0.331264, 0.500000 }, { 0.500000, -0.418688, -0.081312 }, { 0, 0.5, 0.5 } },
   Rec709YCbCr = { { 0.212600, 0.715200, 0.072200 }, { -0.114572, -0.385428, 0.500000 }, { 0.500000, -0.454153, -0.045847 }, { 0, 0.5, 0.5 } },
   OHTA = { { 0.33333, 0.33334, 0.33333 }, { 0.50000, 0.00000, -0.50000 }, { -0.25000, 0.50000, -0.25000 }, { 0, 0.5, 0.5 } },
   XYZ = { { 0.412453, 0.357580, 0.180423 }, { 0.212671, 0.715160, 0.072169 }, { 0.019334, 0.119193, 0.950227 }, { 0, 0, 0 } },
}
LINEAR.YPbPr = LINEAR.Rec601YCbCr

local function linear(rgb, rows, offsets)
   local flat = torch.mm(rows, rgb:view(3, -1))
   return flat:add(offsets:view(3, 1):expandAs(flat)):viewAs(rgb)
end
local function gray(rgb, r, g, b)
   local y = rgb[1] * r
   y:add(g, rgb[2]):add(b, rgb[3])
   return y:view(1, y:size(1), y:size(2)):expand(3, y:size(1), y:size(2)):clone()
end
local function identity(rgb) return rgb:clone() end

local function hsl_of(rgb) return image.rgb2hsl(rgb) end
local function hsl_to(hsl) return image.hsl2rgb(hsl) end
-- hue, the least of the three, and what the largest one lacks
local function hwb_of(rgb)
   local hue = image.rgb2hsl(rgb):narrow(1, 1, 1)
   return torch.cat({ hue, rgb:min(1), rgb:max(1):mul(-1):add(1) }, 1)
end
local function hwb_to(hwb)
   local least, largest = hwb:narrow(1, 2, 1), hwb:narrow(1, 3, 1):clone():mul(-1):add(1)
   local pure = image.hsl2rgb(torch.cat({ hwb:narrow(1, 1, 1), torch.ones(least:size()):float(),
      torch.FloatTensor(least:size()):fill(0.5) }, 1))
   local spread = torch.csub(largest, least):expandAs(pure)
   return pure:cmul(spread):add(least:expandAs(pure))
end
-- lightness of 0 to 100, and chroma of -128 to 127, as shares
local function lab_of(rgb)
   local lab = image.rgb2lab(rgb)
   lab[1]:div(100)
   lab:narrow(1, 2, 2):div(255):add(0.5)
   return lab
end
local function lab_to(lab)
   lab = lab:clone()
   lab[1]:mul(100)
   lab:narrow(1, 2, 2):add(-0.5):mul(255)
   return image.lab2rgb(lab)
end

-- space -> { from RGB, to RGB }
local SPACES = {
   RGB = { identity, identity }, sRGB = { identity, identity }, Transparent = { identity, identity },
   GRAY = { function(rgb) return gray(rgb, 0.299, 0.587, 0.114) end, identity },
   Rec709Luma = { function(rgb) return gray(rgb, 0.2126, 0.7152, 0.0722) end, identity },
   CMYK = { function(rgb) return (-rgb):add(1) end, function(cmy) return (-cmy):add(1) end },
   HSL = { hsl_of, hsl_to }, HWB = { hwb_of, hwb_to }, LAB = { lab_of, lab_to },
}
SPACES.Rec601Luma = SPACES.GRAY
for name, rows in pairs(LINEAR) do
   local forth = torch.FloatTensor { rows[1], rows[2], rows[3] }
   local back, offsets = torch.inverse(forth:double()):float(), torch.FloatTensor(rows[4])
   local returned = torch.mv(back, offsets):mul(-1)
   SPACES[name] = { function(rgb) return linear(rgb, forth, offsets) end, function(x) return linear(x, back, returned) end }
end

-- The names of all spaces that GraphicsMagick counts.
colours.names = { [0] = 'Undefined', 'RGB', 'GRAY', 'Transparent', 'OHTA', 'XYZ', 'YCC', 'YIQ', 'YPbPr', 'YUV', 'CMYK', 'sRGB', 'HSL',
   'HWB', 'LAB', 'CineonLogRGB', 'Rec601Luma', 'Rec601YCbCr', 'Rec709Luma', 'Rec709YCbCr' }

-- Colours of one space as those of another.
function colours.convert(planes, from, to, where)
   for _, name in ipairs { from, to } do
      if not SPACES[name] then error(string.format("%s: there is no colour space '%s' here", where, tostring(name)), 3) end
   end
   if from == to then return planes end
   return SPACES[to][1](SPACES[from][2](planes:contiguous()):clamp(0, 1)):clamp(0, 1)
end

return colours
