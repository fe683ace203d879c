-- Files of pictures for package graphicsmagick: PNG, JPEG, PPM and PGM, on disk and in memory.
require 'image'
local utils = require 'pl.utils'
local formats = {}

local COLOURS = { black = { 0, 0, 0 }, white = { 1, 1, 1 }, red = { 1, 0, 0 }, green = { 0, 128 / 255, 0 }, lime = { 0, 1, 0 },
   blue = { 0, 0, 1 }, yellow = { 1, 1, 0 }, cyan = { 0, 1, 1 }, magenta = { 1, 0, 1 }, gray = { 126 / 255, 126 / 255, 126 / 255 },
   none = { 0, 0, 0 }, transparent = { 0, 0, 0 } }

-- A colour by its name or as #rrggbb: three numbers, or nil.
function formats.colour(name)
   local found = COLOURS[name:lower()]
   if found then return torch.FloatTensor(found) end
   local digits = name:match '^#(%x%x%x%x%x%x)$'
   return digits and torch.FloatTensor { tonumber(digits:sub(1, 2), 16), tonumber(digits:sub(3, 4), 16), tonumber(digits:sub(5, 6), 16) }:div(255)
end

-- how files begin
local STARTS = { { '^\255\216\255', 'JPEG' }, { '^\137PNG', 'PNG' }, { '^P[25]', 'PGM' }, { '^P[36]', 'PPM' } }
local SUFFIXES = { jpg = 'JPEG', jpeg = 'JPEG', png = 'PNG', ppm = 'PPM', pgm = 'PGM' }
local KNOWN = { JPEG = true, JPG = true, PNG = true, PPM = true, PGM = true, PNM = true }

function formats.of(bytes)
   for _, start in ipairs(STARTS) do
      if bytes:find(start[1]) then return start[2] end
   end
   error('it is none of PNG, JPEG, PPM and PGM', 0)
end

local function to_bytes(tensor) return tensor:contiguous():storage():string() end

-- Calls f with a file's name that lasts as long as the call.
local function in_file(suffix, f)
   local path = os.tmpname()
   os.remove(path)
   path = path .. '.' .. suffix
   local results = { pcall(f, path) }
   os.remove(path)
   if not results[1] then error(results[2], 0) end
   return results[2]
end
local function read_all(path)
   local bytes, why = utils.readfile(path, true)
   return bytes or error(tostring(why), 0)
end
local function write_all(path, bytes)
   local ok, why = utils.writefile(path, bytes, true)
   if not ok then error(tostring(why), 0) end
end

-- The planes of a file's bytes, and its format.
function formats.decode(bytes)
   local format = formats.of(bytes)
   local planes
   if format == 'PPM' or format == 'PGM' then
      planes = in_file('ppm', function(path)
         write_all(path, bytes)
         return image.loadPPM(path, nil, 'float')
      end)
   else
      local block = torch.ByteTensor(torch.ByteStorage():string(bytes))
      planes = image[format == 'PNG' and 'decompressPNG' or 'decompressJPG'](block, nil, 'float')
   end
   if planes:dim() == 2 then planes = planes:view(1, planes:size(1), planes:size(2)) end
   return planes, format
end
function formats.read(path) return formats.decode(read_all(path)) end

local function checked(format)
   local name = tostring(format):upper()
   if not KNOWN[name] then error("pictures cannot be written as '" .. tostring(format) .. "'; there are JPEG, PNG, PPM and PGM", 0) end
   return name
end

-- A file's bytes.
function formats.encode(format, rgb, alpha, quality)
   format = checked(format)
   local function levels(planes) return torch.mul(planes, 255):add(0.5):clamp(0, 255):byte() end
   rgb, alpha = levels(rgb), alpha and levels(alpha)
   quality = math.min(math.max(math.floor(tonumber(quality) or 85), 1), 100)
   if format == 'JPEG' or format == 'JPG' then return to_bytes(image.compressJPG(rgb, quality)) end
   if format == 'PNG' then return to_bytes(image.compressPNG(alpha and torch.cat(rgb, alpha, 1) or rgb)) end
   local gray = format == 'PGM'
   return in_file(gray and 'pgm' or 'ppm', function(path)
      if gray then
         image.savePGM(path, levels(image.rgb2y(rgb:float():div(255))))
      else
         image.savePPM(path, rgb)
      end
      return read_all(path)
   end)
end
function formats.write(path, format, rgb, alpha, quality)
   local suffix = path:match '%.(%a+)$'
   write_all(path, formats.encode(suffix and (SUFFIXES[suffix:lower()] or suffix) or format, rgb, alpha, quality))
end

return formats
