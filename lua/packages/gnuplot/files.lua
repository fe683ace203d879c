-- Drawings into files: the kind is what the name ends in.
local files = {}

-- A drawing as bytes of 3 x height x width.
function files.pixels(drawing) return require('gnuplot.raster').draw(drawing) end

local kinds = {}
function kinds.png(drawing) return require('gnuplot.raster').png(files.pixels(drawing)) end
function kinds.svg(drawing) return require('gnuplot.svg').write(drawing, { png = require('gnuplot.raster').png }) end
function kinds.eps(drawing) return require('gnuplot.pages').eps(drawing) end
function kinds.pdf(drawing) return require('gnuplot.pages').pdf(drawing) end
kinds.ps = kinds.eps

-- The kind that a file's name stands for, or nil.
function files.kind(name)
   local ending = (name:match '%.(%w+)$' or ''):lower()
   return kinds[ending] and ending
end

-- A drawing as the bytes of a file.
function files.bytes(drawing, kind) return kinds[kind](drawing) end

-- Writes a drawing; nil and a message where the file cannot be written.
function files.write(drawing, name, kind)
   local bytes = kinds[kind](drawing)
   local file, why = io.open(name, 'wb')
   if not file then return nil, why end
   local fine, fault = file:write(bytes)
   file:close()
   if not fine then return nil, name .. ': ' .. tostring(fault) end
   return true
end

return files
