-- The commands `plot` and `splot` of gnuplot's own language: files of data and functions, as curves.
local data = require 'gnuplot.data'
local expression = require 'gnuplot.expression'
local series = require 'gnuplot.series'
local style = require 'gnuplot.style'
local command = {}

local NAN = 0 / 0

-- Pieces of a text between separators that stand outside of quotes and brackets.
function command.pieces(text, separators)
   local list, piece, quote, depth = {}, {}, nil, 0
   for c in text:gmatch '.' do
      if quote then
         quote = c ~= quote and quote or nil
      elseif c == '"' or c == "'" then
         quote = c
      elseif c == '(' or c == '[' then
         depth = depth + 1
      elseif c == ')' or c == ']' then
         depth = depth - 1
      end
      if not quote and depth <= 0 and separators:find(c, 1, true) then
         list[#list + 1], piece = table.concat(piece), {}
      else
         piece[#piece + 1] = c
      end
   end
   list[#list + 1] = table.concat(piece)
   return list
end

-- the words of one item of the list: texts keep their quotes, brackets stay together
local function words_of(text)
   local list = {}
   for _, word in ipairs(command.pieces(text, ' \t')) do
      if word ~= '' then list[#list + 1] = word end
   end
   return list
end

local function unquoted(word) return word and word:match '^"(.*)"$' or word and word:match "^'(.*)'$" end

-- ranges at the beginning: [0:1] [*:2]
local function ranges(text, env, fail)
   local found = {}
   while true do
      local inner, rest = text:match '^%s*%[([^%]]*)%]%s*(.*)$'
      if not inner then return found, text end
      local lo, hi = inner:gsub('^%s*[%a_]+%s*=', ''):match '^%s*(.-)%s*:%s*(.-)%s*$'
      if not lo then fail("'[" .. inner .. "]' is no range") end
      local function limit(t)
         if t == '' or t == '*' then return false end
         local v = expression.compile(t, env.names, env.refuse) {}
         if type(v) ~= 'number' or v ~= v or math.abs(v) == math.huge then fail("'" .. t .. "' is no limit of a range") end
         return v
      end
      found[#found + 1], text = { limit(lo), limit(hi) }, rest
   end
end

local keywords = {}
for word in ([[using u index i every ev with w title t notitle smooth s axes matrix skip lw linewidth lc linecolor lt linetype ls linestyle pt
   pointtype ps pointsize dt dashtype fs fill fillstyle nonuniform binary volatile noautoscale]]):gmatch '%S+' do
   keywords[word] = true
end

-- Takes one item apart: its file or expression, what chooses the data, and the words of its style.
local function item_of(text, last, env, fail)
   local words, item, at = words_of(text), { style = {} }, 1
   if #words == 0 then fail 'lacks what is to be plotted' end
   if words[1] == 'for' then fail "has 'for', which is not there: the loop may stand in the program" end
   local file = unquoted(words[1])
   if file then
      if file == '-' then fail "has data that stand in the command ('-'), which is not there: gnuplot.plot takes tensors" end
      item.file = file ~= '' and file or last or fail 'repeats a file before there is one'
      at = 2
   else
      local parts = {}
      while words[at] and not keywords[words[at]] do
         parts[#parts + 1] = words[at]
         at = at + 1
      end
      item.formula = table.concat(parts, ' ')
   end
   while words[at] do
      local word = words[at]
      at = at + 1
      if word == 'using' or word == 'u' then
         item.using = words[at]
         at = at + 1
      elseif word == 'index' or word == 'i' then
         item.index = words[at]
         at = at + 1
      elseif word == 'every' or word == 'ev' then
         item.every = words[at]
         at = at + 1
      elseif word == 'skip' then
         item.skip = tonumber(words[at])
         at = at + 1
      elseif word == 'matrix' then
         item.matrix = true
      elseif word == 'binary' then
         fail "has 'binary', which is not there"
      elseif (word == 'title' or word == 't') and words[at] and not unquoted(words[at]) then
         -- the name of a column, or an expression
         local name = words[at]
         at = at + 1
         if name:find '^columnh' then
            item.headed = name:match '%((%d+)%)' or true
         else
            item.style[#item.style + 1] = 'title "' .. tostring(expression.compile(name, env.names, env.refuse) {}):gsub('"', "'") .. '"'
         end
      else
         item.style[#item.style + 1] = word
      end
   end
   item.how = style.parse(table.concat(item.style, ' '), fail)
   return item
end

-- The functions that make columns of a row, as `using` names them; and the one for tick labels.
local function using_of(item, env, fail)
   local columns, ticks = {}, nil
   for _, part in ipairs(command.pieces((item.using or ''):match '^%s*(.-)%s*$', ':')) do
      local label = part:match '^[xy]?tic%w*%((.*)%)$'
      local n = tonumber(part)
      if label then
         ticks = expression.compile(tonumber(label) and 'strcol(' .. label .. ')' or label, env.names, env.refuse)
      elseif n then
         columns[#columns + 1] = function(row)
            if n == 0 then return row.number end
            return row.fields[n]
         end
      elseif part ~= '' then
         columns[#columns + 1] = expression.compile(part, env.names, env.refuse)
      end
   end
   if #columns == 0 and item.using then fail("has 'using' without columns") end
   return columns, ticks
end

local function number(v) return type(v) == 'number' and v or tonumber(v) or NAN end

-- The columns of a file's rows as lists, gaps as no numbers.
local function columns_of(item, rows, env, fail, least)
   local using, ticks = using_of(item, env, fail)
   if #using == 0 then
      local n = 0
      for _, row in ipairs(rows) do n = math.max(n, row.gap and 0 or #row.fields) end
      for k = 1, math.min(n, 6) do using[k] = function(row) return row.fields[k] end end
   end
   -- a lone column counts its lines
   if #using < least then table.insert(using, 1, function(row) return row.number end) end
   local columns, labels = {}, {}
   for k = 1, #using do columns[k] = {} end
   for _, row in ipairs(rows) do
      for k, f in ipairs(using) do
         local v = not row.gap and f(row) or NAN
         if item.how.labels and k == 3 then v = row.gap and '' or tostring(v) else v = number(v) end
         table.insert(columns[k], v)
      end
      if ticks and not row.gap then labels[#labels + 1] = { columns[1][#columns[1]], tostring(ticks(row)) } end
   end
   return columns, labels
end

local function rows_of(item, env, fail)
   local rows = data.chosen(data.read(item.file, { separator = env.separator, skip = item.skip }, fail), item.index, item.every)
   if item.headed and rows[1] then
      local n = tonumber(item.headed) or tonumber((item.using or ''):match '(%d+)%D*$') or #rows[1].fields
      item.how.title = item.how.title or rows[1].fields[n] or ''
      table.remove(rows, 1)
   end
   if #rows == 0 then fail("has no data in '" .. item.file .. "'") end
   return rows
end

-- a matrix of numbers, one row of the file for one of its own
local function matrix_of(rows, fail)
   local list, width = {}, nil
   for _, row in ipairs(rows) do
      if not row.gap then
         local values = {}
         for k, text in ipairs(row.fields) do values[k] = number(text) end
         width = width or #values
         if #values ~= width then fail('has a matrix whose rows are ' .. width .. ' and ' .. #values .. ' numbers long') end
         list[#list + 1] = values
      end
   end
   return torch.DoubleTensor(list)
end

-- a matrix as colours, its first row below
local function image_of(m, env, limits)
   return { matrix = m, palette = env.palette, ranges = limits, extent = { -0.5, m:size(2) - 0.5, -0.5, m:size(1) - 0.5 } }
end

local function samples(range, n)
   local list = {}
   for k = 0, n - 1 do list[k + 1] = range[1] + (range[2] - range[1]) * k / (n - 1) end
   return list
end

local function named(item, fallback) return item.how.title or fallback end

-- where functions are computed: a range that is given, that of the data, or -10 to 10
local function domain(range, curves, key)
   local lo, hi = range and range[1], range and range[2]
   if not lo or not hi then
      local a, b = require('gnuplot.axis').extent((function()
         local lists = {}
         for k, c in ipairs(curves) do lists[k] = c[key] end
         return lists
      end)())
      lo, hi = lo or a or -10, hi or b or 10
   end
   return { lo, hi }
end

-- the items between commas; those of an offset part none
local function items(text)
   return command.pieces(text:gsub('%f[%a]offset%s+%a*%s*[-+%d.]+%s*,%s*%a*%s*[-+%d.]+', ''), ',')
end

-- What `plot` is about: content as the figures hold it. env: names, separator, samples, xrange, refuse.
function command.plot(text, env)
   local function fail(message) env.refuse("'plot " .. text .. "': it " .. message) end
   local limits, rest = ranges(text, env, fail)
   local curves, formulas, ticks, last = {}, {}, nil, nil
   for k, part in ipairs(items(rest)) do
      local item = item_of(part, last, env, fail)
      last = item.file or last
      if item.formula then
         formulas[#formulas + 1], curves[k] = { item = item, place = k }, false
      else
         local rows = rows_of(item, env, fail)
         if item.matrix or item.how.image then
            if not item.matrix then fail "has an image that is no matrix, which is not there" end
            return image_of(matrix_of(rows, fail), env, limits)
         end
         local columns, labels = columns_of(item, rows, env, fail, 2)
         local c, why = series.curve(named(item, item.file), item.how, columns)
         if not c then fail(why) end
         curves[k] = c
         if #labels > 0 then ticks = labels end
      end
   end
   local drawn = {}
   for _, c in pairs(curves) do
      if c then drawn[#drawn + 1] = c end
   end
   local range = domain(limits[1] or env.xrange, drawn, 'x')
   for _, entry in ipairs(formulas) do
      local how = entry.item.how
      if how.default then how.default, how.lines = nil, true end
      local f = expression.compile(entry.item.formula, env.names, env.refuse)
      local x, y = samples(range, env.samples), {}
      for i, v in ipairs(x) do y[i] = number(f { x = v }) end
      curves[entry.place] = { name = named(entry.item, entry.item.formula), style = how, x = x, y = y }
   end
   return { curves = curves, ranges = limits, xtics = ticks }
end

-- The points of a file as a grid, where its blocks are equally long.
local function grid(columns)
   local width, run, even = nil, 0, true
   local kept = { {}, {}, {} }
   local z = columns[3]
   for i = 1, #z + 1 do
      local gap = i > #z or columns[1][i] ~= columns[1][i] and z[i] ~= z[i]
      if not gap then
         run = run + 1
         for k = 1, 3 do table.insert(kept[k], columns[k][i]) end
      elseif run > 0 then
         width = width or run
         even = even and width == run
         run = 0
      end
   end
   local rows = even and width and #kept[3] / width or 1
   return kept, rows, even and width or #kept[3]
end

-- What `splot` is about.
function command.splot(text, env)
   local function fail(message) env.refuse("'splot " .. text .. "': it " .. message) end
   local limits, rest = ranges(text, env, fail)
   local solids, last = {}, nil
   for _, part in ipairs(items(rest)) do
      local item = item_of(part, last, env, fail)
      last = item.file or last
      local c
      if item.formula then
         local f = expression.compile(item.formula, env.names, env.refuse)
         local n = env.isosamples
         local xs, ys = samples(domain(limits[1] or env.xrange, {}), n), samples(domain(limits[2] or env.yrange, {}), n)
         c = { rows = n, columns = n, x = {}, y = {}, z = {} }
         for _, y in ipairs(ys) do
            for _, x in ipairs(xs) do
               c.x[#c.x + 1], c.y[#c.y + 1], c.z[#c.z + 1] = x, y, number(f { x = x, y = y })
            end
         end
      elseif item.matrix then
         local m = matrix_of(rows_of(item, env, fail), fail)
         if item.how.image then return image_of(m, env, limits) end
         c = { rows = m:size(1), columns = m:size(2), x = {}, y = {}, z = m:view(-1):totable() }
         for i = 1, #c.z do c.x[i], c.y[i] = (i - 1) % c.columns, math.floor((i - 1) / c.columns) end
      else
         local columns = columns_of(item, rows_of(item, env, fail), env, fail, 2)
         if #columns < 3 then fail('needs three columns, got ' .. #columns) end
         local kept, rows, width = grid(columns)
         c = { rows = rows, columns = width, x = kept[1], y = kept[2], z = kept[3] }
      end
      local how = item.how
      if how.default or how.pm3d then
         how.default, how.lines = nil, c.rows > 1 and not how.pm3d or nil
         how.points = c.rows == 1 or nil
         how.pm3d = how.pm3d and c.rows > 1 or nil
      end
      if not how.lines and not how.points and not how.pm3d then fail 'is drawn in lines, points or pm3d alone' end
      c.name, c.style = named(item, item.formula or item.file), how
      solids[#solids + 1] = c
   end
   return { solids = solids, ranges = limits }
end

return command
