-- Pictures in files and in byte strings: PNG, JPEG, PPM and PGM.
local part = require('rekindle.native').functions['image.part']
local saturate = require('rekindle.native').functions['image.tensor'].saturate
local image = image
local files = {}

-- an empty tensor for a picture of this type: 'byte', 'float', 'double', or the default type
local function blank(kind, where)
   if kind == nil then return torch.Tensor() end
   if kind == 'byte' then return torch.ByteTensor() end
   if kind == 'float' then return torch.FloatTensor() end
   if kind == 'double' then return torch.DoubleTensor() end
   error(where .. ": expected the type byte, float or double, got '" .. tostring(kind) .. "'", 3)
end

-- a picture as bytes: other types hold intensities from 0 to 1, which become 0 to 255
local function levels(x, where)
   if not torch.isTensor(x) or x:dim() == 0 then
      error(where .. ': expected an image, got ' .. (torch.isTensor(x) and 'an empty tensor' or torch.type(x)), 3)
   end
   if torch.type(x) == 'torch.ByteTensor' then return x end
   return saturate(torch.Tensor(x:size()):copy(x)):mul(255):byte()
end

for _, format in ipairs { 'PNG', 'JPG', 'PPM' } do
   local load, size = part['load' .. format], part['get' .. format .. 'size']
   files['load' .. format] = function(filename, depth, tensortype)
      return load(blank(tensortype, 'image.load' .. format), filename, depth)
   end
   files['get' .. format .. 'size'] = size
end

for _, format in ipairs { 'PNG', 'JPG' } do
   local decode, where = part['decompress' .. format], 'image.decompress' .. format
   files['decompress' .. format] = function(tensor, depth, tensortype)
      if torch.type(tensor) ~= 'torch.ByteTensor' then
         error(where .. ': expected a ByteTensor, got ' .. torch.type(tensor), 2)
      end
      return decode(blank(tensortype, where), tensor, depth)
   end
end

function files.savePNG(filename, tensor) part.savePNG(filename, levels(tensor, 'image.savePNG')) end
function files.saveJPG(filename, tensor) part.saveJPG(filename, levels(tensor, 'image.saveJPG')) end

function files.savePPM(filename, tensor)
   local x = levels(tensor, 'image.savePPM')
   if x:dim() ~= 3 or x:size(1) ~= 3 then error('image.savePPM: expected an image of 3xHxW', 2) end
   part.savePPM(filename, x)
end

function files.savePGM(filename, tensor)
   local x = levels(tensor, 'image.savePGM')
   if x:dim() == 3 and x:size(1) ~= 1 then error('image.savePGM: expected an image of 1xHxW or HxW', 2) end
   part.savePPM(filename, x)
end

function files.compressPNG(tensor) return part.compressPNG(levels(tensor, 'image.compressPNG')) end
function files.compressJPG(tensor, quality)
   return part.compressJPG(levels(tensor, 'image.compressJPG'), quality or 75)
end

-- how a picture begins, and which format that is
local starts = { { '^\255\216\255', 'jpg' }, { '^\137PNG', 'png' }, { '^P[25]', 'pgm' }, { '^P[36]', 'ppm' } }
local function format_of(head)
   for _, start in ipairs(starts) do
      if head:find(start[1]) then return start[2] end
   end
end

function files.decompress(tensor, depth, tensortype)
   if torch.type(tensor) ~= 'torch.ByteTensor' then
      error('image.decompress: expected a ByteTensor, got ' .. torch.type(tensor), 2)
   end
   local head = ''
   if tensor:nElement() >= 4 then
      local first = tensor:contiguous():view(-1)
      head = string.char(first[1], first[2], first[3], first[4])
   end
   local format = format_of(head)
   if format == 'jpg' then return image.decompressJPG(tensor, depth, tensortype) end
   if format == 'png' then return image.decompressPNG(tensor, depth, tensortype) end
   error('image.decompress: expected a PNG or JPEG, got something else', 2)
end

-- suffix -> { loader, saver, sizer }; programs may add to it
local jpg = { loader = files.loadJPG, saver = files.saveJPG, sizer = files.getJPGsize }
local png = { loader = files.loadPNG, saver = files.savePNG, sizer = files.getPNGsize }
local ppm = { loader = files.loadPPM, saver = files.savePPM, sizer = files.getPPMsize }
local pgm = { loader = files.loadPPM, saver = files.savePGM, sizer = files.getPPMsize }
files.supported_filetypes = { jpg = jpg, jpeg = jpg, JPG = jpg, JPEG = jpg, png = png, PNG = png, ppm = ppm, PPM = ppm,
   pgm = pgm, PGM = pgm }

function files.is_supported(suffix) return files.supported_filetypes[suffix] ~= nil end

local function suffix_of(filename) return filename:match('%.(%a+)$') end

-- the functions for a file: what it begins with decides, else its suffix
local function functions_for(filename, where)
   if type(filename) ~= 'string' then error(where .. ': expected a file name, got ' .. torch.type(filename), 3) end
   local f, why = io.open(filename, 'rb')
   if not f then error(where .. ': ' .. why, 3) end
   local head = f:read(4) or ''
   f:close()
   local suffix = format_of(head) or suffix_of(filename)
   local found = files.supported_filetypes[suffix]
   if not found then
      local what = suffix and 'unknown image type ' .. suffix or 'unable to determine image type'
      error(where .. ': ' .. what .. ' for file: ' .. filename, 3)
   end
   return found
end

function files.load(filename, depth, tensortype)
   return functions_for(filename, 'image.load').loader(filename, depth, tensortype)
end

function files.getSize(filename)
   return torch.LongTensor { functions_for(filename, 'image.getSize').sizer(filename) }
end

function files.save(filename, tensor)
   if type(filename) ~= 'string' or tensor == nil then
      error('image.save: expected a file name and an image, got ' .. torch.type(filename) .. ' and '
         .. torch.type(tensor), 2)
   end
   local found = files.supported_filetypes[suffix_of(filename)]
   if not found then error('image.save: ' .. filename .. ': expected a suffix of jpg, png, ppm or pgm', 2) end
   found.saver(filename, tensor)
end

return files
