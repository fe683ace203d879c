-- A drawing as an SVG file.
local base64 = require 'base64'
local svg = {}

local function number(v) return (string.format('%.2f', v):gsub('%.?0+$', '')) end

-- text between tags; what XML cannot hold is left out
local function escaped(text)
   return (text:gsub('[%z\1-\8\11\12\14-\31]', ''):gsub('[&<>"]', { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }))
end

local function colour(c) return string.format('#%02x%02x%02x', c[1], c[2], c[3]) end

local function path(parts, close)
   local words = {}
   for _, part in ipairs(parts) do
      for k = 1, #part, 2 do words[#words + 1] = (k == 1 and 'M' or 'L') .. number(part[k]) .. ' ' .. number(part[k + 1]) end
      -- a single point shows as a dot with round ends
      if #part == 2 then words[#words + 1] = 'h0' end
      if close then words[#words + 1] = 'Z' end
   end
   return table.concat(words)
end

local write = {}

function write.line(s)
   return string.format('<path class="%s" d="%s" fill="none" stroke="%s" stroke-width="%s"%s/>', s.role, path(s.parts), colour(s.colour),
      number(s.width), s.dash and ' stroke-dasharray="4 3"' or '')
end

function write.fill(s)
   return string.format('<path class="%s" d="%s" fill="%s" fill-opacity="%s"/>', s.role, path(s.parts, true), colour(s.colour),
      number(s.opacity))
end

function write.text(s)
   local turn = s.upright and string.format(' transform="rotate(-90 %s %s)"', number(s.x), number(s.y)) or ''
   return string.format('<text class="%s" x="%s" y="%s" text-anchor="%s"%s>%s</text>', s.role, number(s.x), number(s.y), s.anchor, turn,
      escaped(s.text))
end

function write.picture(s, files)
   return string.format('<image class="%s" x="%s" y="%s" width="%s" height="%s" preserveAspectRatio="none" style="image-rendering:pixelated" '
      .. 'xlink:href="data:image/png;base64,%s"/>', s.role, number(s.x), number(s.y), number(s.w), number(s.h), base64.encode(files.png(s.pixels)))
end

-- named by where it is: several drawings may stand in one document
function write.clip(s)
   local x, y, w, h = number(s.x), number(s.y), number(s.w), number(s.h)
   local name = ('clip-' .. table.concat({ x, y, w, h }, '-')):gsub('[^%w-]', '_')
   return string.format('<clipPath id="%s"><rect x="%s" y="%s" width="%s" height="%s"/></clipPath><g clip-path="url(#%s)">', name, x, y, w, h, name)
end

function write.unclip() return '</g>' end

-- The text of the file. files.png(pixels) gives the bytes of a PNG file.
function svg.write(drawing, files)
   local w, h = number(drawing.w), number(drawing.h)
   local lines = {
      '<?xml version="1.0" encoding="UTF-8"?>',
      string.format('<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="%s" height="%s" '
         .. 'viewBox="0 0 %s %s" font-family="Helvetica, Arial, sans-serif" font-size="14" stroke-linejoin="round" stroke-linecap="round">', w, h, w, h),
      string.format('<rect class="paper" width="%s" height="%s" fill="#ffffff"/>', w, h),
   }
   for _, shape in ipairs(drawing.list) do lines[#lines + 1] = write[shape.kind](shape, files) end
   lines[#lines + 1] = '</svg>\n'
   return table.concat(lines, '\n')
end

return svg
