-- Histograms: counts in bins, and how they print.
local histogram = {}

local function bin_text(name, h, k) return string.format('%s:(bin:%d/#%d/cntr:%2.2f)', name, k, h[k].nb, h[k].val) end

-- The counts as a plot in letters, `height` lines high (10).
local function text_of(h, height)
   height = math.max(1, math.min(200, math.floor(tonumber(height) or 10)))
   local most = h[h.max].nb
   local rule = ('-'):rep(h.bins)
   local lines = {
      'nsamples:  ' .. bin_text('min', h, h.min) .. '  ' .. bin_text('max', h, h.max),
      '--------:' .. rule,
   }
   local step = most / (height + 1)
   for row = 1, height do
      local level, line = most - row * step, {}
      for k = 1, h.bins do
         -- a bin that ends within this line shows how far
         local over = (h[k].nb - level) / (step > 0 and step or 1)
         line[k] = h[k].nb < level and ' ' or over > 1 and '|' or over > 0.66 and '|' or over > 0.33 and ':' or '.'
      end
      lines[#lines + 1] = string.format('%1.2e:', level) .. table.concat(line)
   end
   local marks, centres = {}, {}
   for k = 1, h.bins do
      marks[k] = (k - 2) % 6 == 0 and '^' or '-'
      if marks[k] == '^' then centres[#centres + 1] = string.format('%+1.2f', h[k].val) end
   end
   lines[#lines + 1] = '--------:' .. table.concat(marks)
   lines[#lines + 1] = 'centers ' .. table.concat(centres, ' ') .. ' '
   return table.concat(lines, '\n')
end

local function finite(v) return type(v) == 'number' and v == v and math.abs(v) < math.huge end

-- What gnuplot.histc gives; `refuse(message)` raises an error. With `plain` the counts alone.
function histogram.new(refuse, x, bins, min, max, plain)
   local function fail(...) refuse(string.format(...)) end
   if not torch.isTensor(x) then fail('expected a tensor, got %s', torch.type(x)) end
   bins = bins == nil and 72 or bins
   if type(bins) ~= 'number' or not (bins >= 1 and bins <= 1e6) then fail('expected a number of bins from 1 to 1000000, got %s', tostring(bins)) end
   for _, v in ipairs { min or 0, max or 0 } do
      if not finite(v) then fail('expected min and max as numbers, got %s', tostring(v)) end
   end
   if x:nElement() == 0 then fail 'expected a tensor with elements, got an empty one' end
   x, bins = x:double():contiguous():view(-1), math.floor(bins)
   x = x[x:eq(x):cmul(torch.abs(x):lt(math.huge))]
   if x:nElement() == 0 then fail 'no element of the tensor is a finite number' end
   min, max = min or x:min(), max or x:max()
   if min > max then fail('min is %g and max %g', min, max) end
   -- one value alone lies in the middle
   if min == max then min, max = min - 0.5, max + 0.5 end
   if not finite(max - min) then fail('%g to %g is too wide', min, max) end
   local fine, raw = pcall(torch.histc, x, bins, min, max)
   if not fine then fail('%g to %g is too wide for bins', min, max) end
   if plain then return raw end
   local h = { raw = raw, bins = bins, binwidth = (max - min) / bins, max = 1, min = 1 }
   for k = 1, bins do
      h[k] = { val = min + (k - 0.5) * h.binwidth, nb = raw[k] }
      if raw[k] > h[h.max].nb then h.max = k end
      if raw[k] < h[h.min].nb then h.min = k end
   end
   return setmetatable(h, { __tostring = text_of })
end

return histogram
