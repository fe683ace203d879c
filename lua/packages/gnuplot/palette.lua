-- Colours of values from 0 to 1: the palettes of imagesc.
local palette = {}

local formulae = {
   [0] = function() return 0 end, function() return 0.5 end, function() return 1 end, function(t) return t end,
   function(t) return t ^ 2 end, function(t) return t ^ 3 end, function(t) return t ^ 4 end, function(t) return t ^ 0.5 end,
   function(t) return t ^ 0.25 end, function(t) return math.sin(math.pi / 2 * t) end,
   function(t) return math.cos(math.pi / 2 * t) end, function(t) return math.abs(t - 0.5) end,
   function(t) return (2 * t - 1) ^ 2 end, function(t) return math.sin(math.pi * t) end,
   function(t) return math.abs(math.cos(math.pi * t)) end, function(t) return math.sin(2 * math.pi * t) end,
   function(t) return math.cos(2 * math.pi * t) end, function(t) return math.abs(math.sin(2 * math.pi * t)) end,
   function(t) return math.abs(math.cos(2 * math.pi * t)) end, function(t) return math.abs(math.sin(4 * math.pi * t)) end,
   function(t) return math.abs(math.cos(4 * math.pi * t)) end, function(t) return 3 * t end, function(t) return 3 * t - 1 end,
   function(t) return 3 * t - 2 end, function(t) return math.abs(3 * t - 1) end, function(t) return math.abs(3 * t - 2) end,
   function(t) return (3 * t - 1) / 2 end, function(t) return (3 * t - 2) / 2 end,
   function(t) return math.abs((3 * t - 1) / 2) end, function(t) return math.abs((3 * t - 2) / 2) end,
   function(t) return t / 0.32 - 0.78125 end, function(t) return 2 * t - 0.84 end,
   function(t) return t < 0.25 and 4 * t or t < 0.42 and 1 or t < 0.92 and 1.84 - 2 * t or t / 0.08 - 11.5 end,
   function(t) return math.abs(2 * t - 0.5) end, function(t) return 2 * t end, function(t) return 2 * t - 0.5 end,
   function(t) return 2 * t - 1 end,
}

-- the palette of gnuplot's `rgbformulae r,g,b`; a negative number turns a channel round. Nil for numbers that are not there.
function palette.formulae(...)
   local channels = { ... }
   for k = 1, 3 do
      local f = formulae[math.abs(channels[k] or 99)]
      if not f then return nil end
      local back = channels[k] < 0
      channels[k] = function(t) return math.max(0, math.min(1, f(back and 1 - t or t))) end
   end
   return function(t) return channels[1](t), channels[2](t), channels[3](t) end
end

-- colours at equal distances, mixed between them
local function mixed(...)
   local stops = { ... }
   return function(t)
      local at = t * (#stops - 1)
      local k = math.min(math.floor(at), #stops - 2)
      local a, b, part = stops[k + 1], stops[k + 2], at - k
      return a[1] + (b[1] - a[1]) * part, a[2] + (b[2] - a[2]) * part, a[3] + (b[3] - a[3]) * part
   end
end
palette.mixed = mixed

palette.named = {
   gray = mixed({ 0, 0, 0 }, { 1, 1, 1 }),
   color = palette.formulae(7, 5, 15),
   hot = palette.formulae(21, 22, 23),
   rainbow = palette.formulae(33, 13, 10),
   ocean = palette.formulae(23, 28, 3),
   jet = mixed({ 0, 0, 0.5 }, { 0, 0, 1 }, { 0, 0.5, 1 }, { 0, 1, 1 }, { 0.5, 1, 0.5 }, { 1, 1, 0 }, { 1, 0.5, 0 }, { 1, 0, 0 },
      { 0.5, 0, 0 }),
   cool = mixed({ 0, 1, 1 }, { 1, 0, 1 }),
}
palette.named.grey, palette.named.colour = palette.named.gray, palette.named.color

-- The pixels of a matrix (3 x rows x columns, bytes), where lo and hi are the ends of the palette. What is no number is white.
function palette.pixels(matrix, lo, hi, colours)
   local span = hi > lo and hi - lo or 1
   local place = matrix:clone():add(-lo):div(span)
   local hole = place:ne(place)
   place[hole] = 0
   place:clamp(0, 1):mul(255):add(1.5):floor():clamp(1, 256)
   local index, pixels = place:long():view(-1), torch.ByteTensor(3, matrix:size(1), matrix:size(2))
   local columns = { torch.ByteTensor(256), torch.ByteTensor(256), torch.ByteTensor(256) }
   for k = 1, 256 do
      local rgb = { colours((k - 1) / 255) }
      for c = 1, 3 do columns[c][k] = math.floor(math.max(0, math.min(1, rgb[c])) * 255 + 0.5) end
   end
   for c = 1, 3 do
      pixels[c]:view(-1):copy(columns[c]:index(1, index))
      pixels[c][hole] = 255
   end
   return pixels
end

return palette
