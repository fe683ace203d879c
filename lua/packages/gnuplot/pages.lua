-- A drawing as Encapsulated PostScript and as PDF, which draw with the same means under other names.
local pages = {}

local function number(v) return (string.format('%.2f', v):gsub('%.?0+$', '')) end
local function numbers(...)
   local list = { ... }
   for k, v in ipairs(list) do list[k] = number(v) end
   return table.concat(list, ' ')
end
local function colour(c) return string.format('%.3f %.3f %.3f', c[1] / 255, c[2] / 255, c[3] / 255) end

-- widths of Helvetica's letters from the space on, in thousandths of the font's size
local widths = {}
for w in ([[278 278 355 556 556 889 667 191 333 333 389 584 278 333 278 278 556 556 556 556 556 556 556 556 556 556 278 278 584 584
   584 556 1015 667 667 722 722 667 611 778 722 278 500 667 556 833 722 778 667 778 722 667 611 722 667 944 667 667 611 278 278 278
   469 556 333 556 556 500 556 556 278 556 556 222 222 500 222 833 556 556 556 556 333 500 278 556 500 722 500 500 500 334 260 334
   584]]):gmatch '%d+' do
   widths[#widths + 1] = tonumber(w)
end

-- UTF-8 as Latin 1; letters that it lacks are question marks
local function latin(text)
   return (text:gsub('[\194-\244][\128-\191]*', function(c)
      local lead, tail = c:byte(1, 2)
      if #c == 2 and lead <= 195 then return string.char((lead - 192) * 64 + tail - 128) end
      return '?'
   end))
end

local function width(text)
   local sum = 0
   for k = 1, #text do sum = sum + (widths[text:byte(k) - 31] or 556) end
   return sum
end

local function quoted(text)
   return '(' .. text:gsub('[%z\1-\31]', ' '):gsub('[\\()]', '\\%0'):gsub('[\127-\255]', function(c) return string.format('\\%03o', c:byte()) end) .. ')'
end

local SIZE = 14

local function shapes(s, words, close)
   local out = {}
   for _, part in ipairs(s.parts) do
      for k = 1, #part, 2 do out[#out + 1] = numbers(part[k], part[k + 1]) .. (k == 1 and words.move or words.line) end
      if #part == 2 then out[#out + 1] = numbers(part[1], part[2]) .. words.line end
      if close then out[#out + 1] = words.close end
   end
   return table.concat(out, '\n')
end

-- interleaved bytes of a picture of 3 x rows x columns
local function bytes(pixels) return pixels:transpose(1, 2):transpose(2, 3):contiguous():storage():string() end

local function write(drawing, words)
   local lines = {}
   local function put(...) lines[#lines + 1] = string.format(...) end
   -- places count from above, as in the other files
   put('1 0 0 -1 0 %s %s', number(drawing.h), words.concat)
   for _, s in ipairs(drawing.list) do
      if s.kind == 'line' and #s.parts > 0 then
         put('%s %s %s %s %s', colour(s.colour), words.stroke_colour, number(s.width), words.width, words.dash(s.dash))
         put('%s\n%s', shapes(s, words), words.stroke)
      elseif s.kind == 'fill' and #s.parts > 0 then
         put('%s\n%s\n%s', words.fill_colour(s.colour, s.opacity), shapes(s, words, true), words.fill)
      elseif s.kind == 'text' then
         local text = latin(s.text)
         local back = ({ start = 0, middle = 0.5, ['end'] = 1 })[s.anchor] * width(text) * SIZE / 1000
         local x, y = s.x - (s.upright and 0 or back), s.y + (s.upright and back or 0)
         put('%s', words.text(quoted(text), (s.upright and '0 -1 -1 0 ' or '1 0 0 -1 ') .. numbers(x, y)))
      elseif s.kind == 'picture' then
         put('%s', words.picture(s, numbers(s.w, 0, 0, -s.h, s.x, s.y + s.h), bytes(s.pixels)))
      elseif s.kind == 'clip' then
         put('%s', words.clip(numbers(s.x, s.y, s.w, s.h)))
      elseif s.kind == 'unclip' then
         put('%s', words.unclip)
      end
   end
   return table.concat(lines, '\n') .. '\n'
end

-- colours on white paper instead of ones that let it through
local function paler(c, opacity) return { 255 - (255 - c[1]) * opacity, 255 - (255 - c[2]) * opacity, 255 - (255 - c[3]) * opacity } end

-- The text of an EPS file.
function pages.eps(drawing)
   local words = {
      move = ' moveto', line = ' lineto', close = 'closepath', stroke = 'stroke', fill = 'fill', unclip = 'grestore',
      stroke_colour = 'setrgbcolor', width = 'setlinewidth',
   }
   function words.dash(on) return on and '[4 3] 0 setdash newpath' or '[] 0 setdash newpath' end
   function words.fill_colour(c, opacity) return colour(paler(c, opacity)) .. ' setrgbcolor newpath' end
   function words.text(text, place) return string.format('gsave [%s] concat 0 setgray 0 0 moveto %s show grestore', place, text) end
   function words.clip(box) return 'gsave ' .. box .. ' rectclip' end
   function words.picture(s, place, data)
      local hex = data:gsub('.', function(c) return string.format('%02x', c:byte()) end):gsub(('.'):rep(72), '%0\n')
      local w, h = s.pixels:size(3), s.pixels:size(2)
      return string.format('gsave [%s] concat /row %d string def\n%d %d 8 [%d 0 0 %d 0 %d]\n{currentfile row readhexstring pop} false 3 colorimage\n%s\ngrestore',
         place, 3 * w, w, h, w, -h, h, hex)
   end
   words.concat = 'matrixconcat'
   local body = write(drawing, words):gsub('^(.-) matrixconcat', '[%1] concat')
   return string.format('%%!PS-Adobe-3.0 EPSF-3.0\n%%%%BoundingBox: 0 0 %d %d\n%%%%LanguageLevel: 2\n%%%%Pages: 1\n%%%%EndComments\n'
      .. '/Helvetica findfont dup length dict begin {1 index /FID ne {def} {pop pop} ifelse} forall\n'
      .. '/Encoding ISOLatin1Encoding def currentdict end /Letters exch definefont pop /Letters %d selectfont\n'
      .. '1 setlinejoin 1 setlinecap\n%sshowpage\n%%%%EOF\n', math.ceil(drawing.w), math.ceil(drawing.h), SIZE, body)
end

-- The bytes of a PDF file.
function pages.pdf(drawing)
   local objects, images, resources = {}, {}, {}
   local words = {
      move = ' m', line = ' l', close = 'h', stroke = 'S', fill = 'f', unclip = 'Q', stroke_colour = 'RG', width = 'w', concat = 'cm',
   }
   function words.dash(on) return on and '[4 3] 0 d' or '[] 0 d' end
   function words.fill_colour(c, opacity) return colour(paler(c, opacity)) .. ' rg' end
   function words.text(text, place) return string.format('0 0 0 rg BT /F %d Tf %s Tm %s Tj ET', SIZE, place, text) end
   function words.clip(box) return 'q ' .. box .. ' re W n' end
   function words.picture(s, place, data)
      images[#images + 1] = { w = s.pixels:size(3), h = s.pixels:size(2), data = data }
      return string.format('q %s cm /I%d Do Q', place, #images)
   end
   local body = '1 j 1 J\n' .. write(drawing, words)
   local function stream(dictionary, data)
      return string.format('<< %s /Length %d >>\nstream\n', dictionary, #data) .. data .. '\nendstream'
   end
   objects[1] = '<< /Type /Catalog /Pages 2 0 R >>'
   objects[2] = '<< /Type /Pages /Kids [3 0 R] /Count 1 >>'
   objects[4] = stream('', body)
   objects[5] = '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>'
   for k, image in ipairs(images) do
      objects[5 + k] = stream(string.format('/Type /XObject /Subtype /Image /Width %d /Height %d /ColorSpace /DeviceRGB /BitsPerComponent 8',
         image.w, image.h), image.data)
      resources[k] = string.format('/I%d %d 0 R', k, 5 + k)
   end
   objects[3] = string.format('<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %s %s] /Contents 4 0 R /Resources << /Font << /F 5 0 R >> /XObject << %s >> >> >>',
      number(drawing.w), number(drawing.h), table.concat(resources, ' '))
   local out, at, places = { '%PDF-1.4\n' }, 9, {}
   for k, object in ipairs(objects) do
      places[k] = at
      out[#out + 1] = k .. ' 0 obj\n' .. object .. '\nendobj\n'
      at = at + #out[#out]
   end
   out[#out + 1] = string.format('xref\n0 %d\n0000000000 65535 f \n', #objects + 1)
   for _, place in ipairs(places) do out[#out + 1] = string.format('%010d 00000 n \n', place) end
   out[#out + 1] = string.format('trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n', #objects + 1, at)
   return table.concat(out)
end

return pages
