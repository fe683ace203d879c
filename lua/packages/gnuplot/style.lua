-- How a curve is drawn: the short forms of the package, and what programs write in gnuplot's own words.
local style = {}

-- the colours of curves, one after another
style.colours = {
   { 148, 0, 211 }, { 0, 158, 115 }, { 86, 180, 233 }, { 230, 159, 0 }, { 240, 228, 66 }, { 0, 114, 178 }, { 229, 30, 16 },
   { 0, 0, 0 },
}

local named = {
   red = { 255, 0, 0 }, green = { 0, 255, 0 }, blue = { 0, 0, 255 }, black = { 0, 0, 0 }, white = { 255, 255, 255 },
   yellow = { 255, 255, 0 }, cyan = { 0, 255, 255 }, magenta = { 255, 0, 255 }, orange = { 255, 165, 0 },
   gray = { 190, 190, 190 }, grey = { 190, 190, 190 }, purple = { 192, 128, 255 }, brown = { 165, 42, 42 },
   pink = { 255, 192, 192 }, ['dark-green'] = { 0, 100, 0 }, ['dark-red'] = { 139, 0, 0 }, ['dark-blue'] = { 0, 0, 139 },
   ['dark-gray'] = { 160, 160, 160 }, navy = { 0, 0, 128 }, gold = { 255, 215, 0 }, violet = { 238, 130, 238 },
}

local short = {
   ['+'] = { points = true }, ['-'] = { lines = true }, ['+-'] = { lines = true, points = true },
   ['-+'] = { lines = true, points = true }, ['~'] = { lines = true, smooth = true }, ['.'] = { dots = true },
   ['|'] = { boxes = true }, ['v'] = { vectors = true },
}

local kinds = {
   lines = { lines = true }, points = { points = true }, linespoints = { lines = true, points = true },
   dots = { dots = true }, boxes = { boxes = true }, impulses = { impulses = true }, steps = { steps = true },
   vectors = { vectors = true }, filledcurves = { filled = true },
}
for brief, long in pairs {
   l = 'lines', line = 'lines', p = 'points', point = 'points', lp = 'linespoints', d = 'dots', i = 'impulses', vec = 'vectors',
} do
   kinds[brief] = kinds[long]
end

-- words and quoted texts; a quoted one has its quotes taken off and `quoted` tells
function style.words(text)
   local words, quoted, at = {}, {}, 1
   while true do
      at = text:find('[^%s,]', at)
      if not at then return words, quoted end
      local quote = text:match('^["\']', at)
      local stop
      if quote then
         stop = text:find(quote, at + 1, true) or #text + 1
         words[#words + 1], quoted[#words + 1] = text:sub(at + 1, stop - 1), true
      else
         stop = text:find('[%s,]', at) or #text + 1
         words[#words + 1] = text:sub(at, stop - 1)
      end
      at = stop + 1
   end
end

-- a colour by its name, as '#rrggbb' or by its number; nil for another
function style.colour(word)
   local r, g, b = word:match '^#(%x%x)(%x%x)(%x%x)$'
   if r then return { tonumber(r, 16), tonumber(g, 16), tonumber(b, 16) } end
   local n = tonumber(word)
   if n and n >= 0 then return style.colours[math.max(math.floor(n) - 1, 0) % #style.colours + 1] end
   return named[word:lower()]
end

local numbers = {
   lw = 'width', linewidth = 'width', pt = 'mark', pointtype = 'mark', ps = 'size', pointsize = 'size', dt = 'dash',
   dashtype = 'dash', lt = 'index', linetype = 'index', ls = 'index', linestyle = 'index',
}
local plain = { transparent = true, border = true, noborder = true, empty = true, closed = true, between = true }
local fills = { fill = true, fs = true, fillstyle = true }

-- Reads a style; `refuse(message)` raises the error.
function style.parse(text, refuse)
   text = text or '+'
   local known = short[text == '' and '+' or text]
   local result = {}
   if known then
      for k, v in pairs(known) do result[k] = v end
      return result
   end
   local words, quoted = style.words(text)
   local at = 1
   local function take()
      at = at + 1
      return words[at - 1]
   end
   local function number(word)
      local n = tonumber(take())
      if not n or n ~= n or math.abs(n) > 1000 then refuse(string.format("'%s' of the style '%s' lacks its number", word, text)) end
      return n
   end
   local function colour(word)
      local name = take()
      if name == 'rgb' or name == 'rgbcolor' then name = take() end
      local found = name and style.colour(name)
      if not found then refuse(string.format("'%s' of the style '%s' lacks a colour", word, text)) end
      return found
   end
   while at <= #words do
      local word = take()
      if word == 'with' or word == 'w' then
         word = take() or ''
         if not kinds[word] then refuse(string.format("the style '%s' is not there, only %s", word, style.list)) end
      end
      if kinds[word] then
         for k, v in pairs(kinds[word]) do result[k] = v end
      elseif numbers[word] then
         result[numbers[word]] = number(word)
      elseif word == 'lc' or word == 'linecolor' then
         result.colour = colour(word)
      elseif word == 'title' or word == 't' then
         result.title = take()
      elseif word == 'notitle' then
         result.title = ''
      elseif word == 'smooth' then
         local way = take()
         if way ~= 'csplines' then refuse("smooth '" .. tostring(way) .. "' is not there, only csplines") end
         result.smooth, result.lines = true, true
      elseif word == 'solid' or word == 'pattern' then
         result.opacity = tonumber(words[at]) and number(word) or 1
         if word == 'pattern' then result.opacity = 0.5 end
      elseif not fills[word] and not plain[word] or quoted[at - 1] then
         refuse(string.format("'%s' is not known in the style '%s'; there are %s", word, text, style.list))
      end
   end
   local drawn = false
   for _, kind in pairs(kinds) do
      for key in pairs(kind) do drawn = drawn or result[key] end
   end
   if not drawn then result.points = true end
   return result
end

style.list = "'+', '-', '+-', '~', '.', '|', 'v' and with lines, points, linespoints, dots, boxes, impulses, steps, vectors, filledcurves"

return style
