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

-- The columns of numbers that a curve's style takes beside x and y, by how many columns there are.
local function with_errors(c, columns, n)
   local how = c.style
   local both = how.xerror and how.yerror and not how.boxes
   if both and n == 4 then
      c.xlow, c.xhigh = series.around(c.x, columns[3])
      c.ylow, c.yhigh = series.around(c.y, columns[4])
   elseif both and n >= 6 then
      c.xlow, c.xhigh, c.ylow, c.yhigh = columns[3], columns[4], columns[5], columns[6]
   elseif both then
      return 'four or six columns: x, y, and how far both may be off'
   else
      local axis = how.xerror and 'x' or 'y'
      if n == 3 then
         c[axis .. 'low'], c[axis .. 'high'] = series.around(c[axis], columns[3])
      elseif n >= 4 then
         c[axis .. 'low'], c[axis .. 'high'] = columns[3], columns[4]
      else
         return 'three or four columns: x, y, and how far ' .. axis .. ' may be off'
      end
   end
end

-- a value less and more what it may be off
function series.around(list, off)
   local low, high = {}, {}
   for i = 1, #list do low[i], high[i] = list[i] - off[i], list[i] + off[i] end
   return low, high
end

-- The curve that columns of numbers make in a style; nil and a message where they are too few. Lists of texts may be among them.
function series.curve(name, how, columns)
   local n = #columns
   local c = { name = name, style = how, x = columns[1], y = columns[2] }
   local function lacks(what) return nil, 'this style needs ' .. what .. string.format(', got %d', n) end
   if how.candles then
      if n < 5 then return lacks 'five columns: x, and where it opens, is lowest, highest and closes' end
      c.y, c.ylow, c.yhigh, c.close = columns[2], columns[3], columns[4], columns[5]
   elseif how.xerror or how.yerror then
      local why = with_errors(c, columns, n)
      if why then return lacks(why) end
   elseif how.vectors then
      if n < 4 then return lacks 'four columns: x, y, and how far both go' end
      c.dx, c.dy = columns[3], columns[4]
   elseif how.circles or how.labels then
      if n < 3 then return lacks('three columns: x, y and ' .. (how.circles and 'a radius' or 'a text')) end
      c[how.circles and 'radius' or 'texts'] = columns[3]
   elseif how.filled and n >= 3 then
      c.y2 = columns[3]
   elseif how.boxes and n >= 3 then
      c.widths = columns[3]
   end
   return c
end

-- whether further columns belong to one curve; else each of them is a curve
local function takes_columns(how) return how.candles or how.xerror or how.yerror or how.circles or how.vectors or how.filled end

local function columns_of(x, y)
   local columns = {}
   if y then columns[1] = numbers(x) end
   local m = y or x
   for k = 1, m:size(2) do columns[#columns + 1] = column(m, k) end
   return columns
end

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
   local function add(columns)
      local c, why = series.curve(how.title or name, how, columns)
      if not c then fail('%s', why) end
      found[#found + 1] = c
   end
   local function add_all(columns)
      if takes_columns(how) then return add(columns) end
      for k = 2, #columns do add { columns[1], columns[k] } end
   end
   if how.vectors and y then
      local pair = function(t) return t:dim() == 2 and t:size(2) == 2 end
      if not pair(x) or not pair(y) or x:size(1) ~= y:size(1) then
         fail("vectors ('v') need x and y of N x 2: places and how far they go")
      end
      add { column(x, 1), column(y, 1), column(x, 2), column(y, 2) }
   elseif how.vectors then
      if x:dim() ~= 2 or x:size(2) ~= 4 then fail("vectors ('v') need a matrix of N x 4 (x, y and how far they go), got %s", shape(x)) end
      add(columns_of(x))
   elseif y and y:dim() == 2 and y:size(2) > 1 and flat(x) and x:nElement() == y:size(1) then
      add_all(columns_of(x, y))
   elseif y then
      if not flat(x) or not flat(y) then
         fail('x and y have to be vectors, got %s and %s', shape(x), shape(y))
      elseif x:nElement() ~= y:nElement() then
         fail('x has %d elements and y %d', x:nElement(), y:nElement())
      end
      add { numbers(x), numbers(y) }
   elseif x:dim() == 2 and x:size(2) > 1 then
      add_all(columns_of(x))
   elseif flat(x) then
      add { range(x:nElement()), numbers(x) }
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

return series
