-- The curves of gnuplot.plot: from the forms of its arguments to lists of numbers.
local style = require 'gnuplot.style'
local series = {}

local function is_list(v) return type(v) == 'table' and not torch.isTensor(v) end

-- a tensor as a plain list, whatever its shape
local function numbers(t) return t:nElement() == 0 and {} or t:double():contiguous():view(-1):totable() end

local function range(n)
   local list = {}
   for i = 1, n do list[i] = i end
   return list
end

local function column(t, k) return numbers(t:select(2, k)) end

-- whether a tensor is one list of numbers: no dimension but one is longer than 1
local function flat(t)
   local long = 0
   for d = 1, t:dim() do
      if t:size(d) > 1 then long = long + 1 end
   end
   return long <= 1
end

local function shape(t) return table.concat(t:size():totable(), 'x') end

-- Adds the curves of one list { name, x, y, style }, all but one tensor may be left out.
local function read(entry, count, n, found, refuse)
   local function fail(...) refuse(string.format('curve %d: %s', n, string.format(...))) end
   local at, name = 1, ''
   if type(entry[1]) == 'string' then
      at, name = 2, entry[1]
   end
   local x = entry[at]
   if not torch.isTensor(x) then
      fail('expected a tensor at place %d, got %s', at, x == nil and 'nothing' or torch.type(x))
   end
   local y = entry[at + 1]
   if torch.isTensor(y) then at = at + 1 else y = nil end
   local text = entry[at + 1]
   if text ~= nil and type(text) ~= 'string' then
      fail('expected %s at place %d, got %s', y and 'a style' or 'a tensor or a style', at + 1, torch.type(text))
   end
   for k = at + 2, count do
      if entry[k] ~= nil then fail('expected { name, x, y, style }, got %s besides', torch.type(entry[k])) end
   end
   local how = style.parse(text, function(message) fail('%s', message) end)
   local function add(fields)
      fields.name, fields.style = how.title or name, how
      found[#found + 1] = fields
   end
   if how.vectors then
      local pair = function(t) return t and t:dim() == 2 and t:size(2) == 2 end
      if not pair(x) or not pair(y) or x:size(1) ~= y:size(1) then
         fail("vectors ('v') need x and y of N x 2: places and how far they go")
      end
      add { x = column(x, 1), dx = column(x, 2), y = column(y, 1), dy = column(y, 2) }
   elseif y then
      if not flat(x) or not flat(y) then
         fail('x and y have to be vectors, got %s and %s', shape(x), shape(y))
      elseif x:nElement() ~= y:nElement() then
         fail('x has %d elements and y %d', x:nElement(), y:nElement())
      end
      add { x = numbers(x), y = numbers(y) }
   elseif x:dim() == 2 and x:size(2) > 1 then
      if how.filled and x:size(2) == 3 then
         add { x = column(x, 1), y = column(x, 2), y2 = column(x, 3) }
      else
         for k = 2, x:size(2) do add { x = column(x, 1), y = column(x, k) } end
      end
   elseif flat(x) then
      add { x = range(x:nElement()), y = numbers(x) }
   else
      fail('expected a vector, or a matrix whose first column is x, got %s', shape(x))
   end
end

-- Calls `read` for each of the lists that the arguments are: one, several, or a list of such. What was read.
local function each(refuse, read, ...)
   local args, count, found = { ... }, select('#', ...), {}
   while count > 0 and args[count] == nil do count = count - 1 end
   if count == 0 then refuse 'expected a tensor or lists of a name, tensors and a style, got nothing' end
   if not is_list(args[1]) then
      read(args, count, 1, found, refuse)
      return found
   end
   if count == 1 and is_list(args[1][1]) then
      args = args[1]
      count = #args
   end
   for n = 1, count do
      if not is_list(args[n]) then
         refuse(string.format('curve %d: expected a list of a name, tensors and a style, got %s', n, torch.type(args[n])))
      end
      read(args[n], table.maxn(args[n]), n, found, refuse)
   end
   return found
end

-- The curves that the arguments of gnuplot.plot are about; `refuse(message)` raises the error.
function series.parse(refuse, ...) return each(refuse, read, ...) end

-- Reads { name, z, style } or { name, x, y, z, style } of three dimensions; z is a matrix where it is a surface.
local function read_solid(entry, count, n, found, refuse, surface)
   local function fail(...) refuse(string.format('curve %d: %s', n, string.format(...))) end
   local name, tensors, text = '', {}, nil
   for k = 1, count do
      local v = entry[k]
      if k == 1 and type(v) == 'string' then
         name = v
      elseif torch.isTensor(v) and not text and #tensors < 3 then
         tensors[#tensors + 1] = v
      elseif type(v) == 'string' and k == count then
         text = v
      else
         fail('expected { name, x, y, z, style }, got %s at place %d', v == nil and 'nothing' or torch.type(v), k)
      end
   end
   if #tensors ~= 3 and not (surface and #tensors == 1) then
      fail('expected %s, got %d', surface and 'one tensor (z) or three (x, y and z)' or 'three tensors (x, y and z)', #tensors)
   end
   local x, y, z = tensors[1], tensors[2], tensors[#tensors]
   if surface and z:dim() ~= 2 then fail('z has to be a matrix, got %s', z:dim() == 0 and 'an empty tensor' or shape(z)) end
   if not surface and not flat(z) then fail('x, y and z have to be vectors, got %s', shape(z)) end
   local rows, columns = 1, z:nElement()
   if surface then rows, columns = z:size(1), z:size(2) end
   if #tensors == 1 then
      x = torch.range(1, columns):view(1, -1):expand(rows, columns)
      y = torch.range(1, rows):view(-1, 1):expand(rows, columns)
   elseif x:nElement() ~= z:nElement() or y:nElement() ~= z:nElement() then
      fail('x, y and z have %d, %d and %d elements', x:nElement(), y:nElement(), z:nElement())
   end
   local how = style.parse(text or surface and '-' or '+', function(message) fail('%s', message) end)
   if not how.lines and not how.points or how.smooth then fail("'%s' is not there in three dimensions, only lines and points", text) end
   found[#found + 1] = {
      name = how.title or name, style = how, rows = rows, columns = columns, x = numbers(x), y = numbers(y), z = numbers(z),
   }
end

-- What gnuplot.splot (surface) and scatter3 are about.
function series.solids(refuse, surface, ...)
   return each(refuse, function(entry, count, n, found) read_solid(entry, count, n, found, refuse, surface) end, ...)
end

-- Points of the natural cubic spline through points: sorted by x, those of one x averaged.
function series.spline(xs, ys)
   local order, x, y = {}, {}, {}
   for i = 1, #xs do
      if math.abs(xs[i]) < math.huge and math.abs(ys[i]) < math.huge then order[#order + 1] = i end
   end
   table.sort(order, function(a, b) return xs[a] < xs[b] end)
   local run = 0
   for _, i in ipairs(order) do
      if #x > 0 and x[#x] == xs[i] then
         run = run + 1
         y[#y] = y[#y] + (ys[i] - y[#y]) / run
      else
         x[#x + 1], y[#y + 1], run = xs[i], ys[i], 1
      end
   end
   local n = #x
   if n < 3 then return x, y end
   -- second derivatives, from the tridiagonal system
   local m, c = { 0 }, { 0 }
   for i = 2, n - 1 do
      local h, g = x[i] - x[i - 1], x[i + 1] - x[i]
      local slope = (y[i + 1] - y[i]) / g - (y[i] - y[i - 1]) / h
      local pivot = 2 * (h + g) - h * c[i - 1]
      c[i] = g / pivot
      m[i] = (6 * slope - h * m[i - 1]) / pivot
   end
   m[n] = 0
   for i = n - 1, 2, -1 do m[i] = m[i] - c[i] * m[i + 1] end
   local sx, sy, k, samples = {}, {}, 1, math.max(200, math.min(2 * n, 4000))
   for s = 0, samples do
      local at = x[1] + (x[n] - x[1]) * s / samples
      while k < n - 1 and at > x[k + 1] do k = k + 1 end
      local h, a, b = x[k + 1] - x[k], x[k + 1] - at, at - x[k]
      sx[#sx + 1] = at
      sy[#sy + 1] = (m[k] * a ^ 3 + m[k + 1] * b ^ 3) / (6 * h) + (y[k] / h - m[k] * h / 6) * a
         + (y[k + 1] / h - m[k + 1] * h / 6) * b
   end
   return sx, sy
end

return series
