-- Surfaces and points of three dimensions, seen from a side (parallel projection).
local axis = require 'gnuplot.axis'
local depth = require 'gnuplot.depth'
local palette = require 'gnuplot.palette'
local solid = {}

local BLACK = { 0, 0, 0 }

-- the base lies below the lowest value by half of what z spans
local BASE = -2

-- How places within a box (-1 to 1 along x and y, BASE to 1 along z) lie in the picture, for gnuplot's `set view` angles in
-- degrees, and how near they are.
local function view_of(s, top)
   local tilt, turn = math.rad(s.view and s.view[1] or 60), math.rad(s.view and s.view[2] or 30)
   local ct, st, ca, sa = math.cos(tilt), math.sin(tilt), math.cos(turn), math.sin(turn)
   local function flat(x, y, z)
      local back = y * ca - x * sa
      return x * ca + y * sa, ct * back + 0.6 * z * st, 0.6 * ct * z - st * back
   end
   -- the corners tell how large the box shows
   local w, low, high = 0, 0, 0
   for k = 0, 7 do
      local x, y = flat(k % 2 * 2 - 1, math.floor(k / 2) % 2 * 2 - 1, k < 4 and BASE or 1)
      w, low, high = math.max(w, math.abs(x)), math.min(low, y), math.max(high, y)
   end
   local left, bottom = math.min(90, s.width / 7), math.min(60, s.height / 8)
   local width, height = math.max(20, s.width - 2 * left), math.max(20, s.height - top - bottom)
   return function(x, y, z)
      local px, py, near = flat(x, y, z)
      return left + width * (1 + px / w) / 2, top + height * (high - py) / (high - low), near
   end
end

-- an axis's ticks along an edge: place(t) gives where t, from -1 to 1, lies
local function edge(out, role, a, place, anchor, dx, dy)
   local marks = {}
   for _, tick in ipairs(a.ticks) do
      if a:shown(tick[1]) then
         local x, y = place(2 * a:at(tick[1]) - 1)
         marks[#marks + 1] = { x, y, x + dx, y + dy }
         out:text('tick ' .. role, tick[2], x + 2.5 * dx, y + 2.5 * dy + 5, anchor)
      end
   end
   if #marks > 0 then out:line('ticks', marks, BLACK, 1) end
end

local function furniture(out, s, axes, place, top)
   local x1, y1 = place(-1, -1, BASE)
   local x2, y2 = place(1, -1, BASE)
   local x3, y3 = place(1, 1, BASE)
   local x4, y4 = place(-1, 1, BASE)
   local zx, zy = place(-1, -1, 1)
   out:line('frame', { { x1, y1, x2, y2, x3, y3, x4, y4, x1, y1 }, { x1, y1, zx, zy } }, BLACK, 1)
   edge(out, 'x', axes[1], function(t) return place(t, -1, BASE) end, 'end', -3, 4)
   edge(out, 'y', axes[2], function(t) return place(1, t, BASE) end, 'start', 3, 4)
   edge(out, 'z', axes[3], function(t) return place(-1, -1, t) end, 'end', -4, 0)
   if s.title then out:text('title', s.title, s.width / 2, top - 14, 'middle') end
   if s.xlabel then out:text('xlabel', s.xlabel, (x1 + x2) / 2 - 30, (y1 + y2) / 2 + 40, 'end') end
   if s.ylabel then out:text('ylabel', s.ylabel, (x2 + x3) / 2 + 30, (y2 + y3) / 2 + 40, 'start') end
   if s.zlabel then out:text('zlabel', s.zlabel, 20, (y1 + zy) / 2, 'middle', true) end
end

-- the points of a curve in the picture, with how near they are and where they lie along z; false outside of the axes
local function points_of(c, place, axes)
   local list = {}
   for k = 1, #c.z do
      local a, b, d = axes[1]:at(c.x[k]), axes[2]:at(c.y[k]), axes[3]:at(c.z[k])
      local inside = a >= -1e-6 and a <= 1 + 1e-6 and b >= -1e-6 and b <= 1 + 1e-6 and d >= -1e-6 and d <= 1 + 1e-6
      list[k] = false
      if inside then
         local px, py, near = place(2 * a - 1, 2 * b - 1, 2 * d - 1)
         list[k] = { px, py, near, d }
      end
   end
   return list
end

-- the lines of a surface along its rows and columns; of very many some
local function mesh(c, points, view)
   local parts, rows, columns = {}, c.rows, c.columns
   local function run(first, step, n)
      local line = {}
      for i = 0, n - 1 do line[i + 1] = points[first + i * step] end
      view:runs(line, parts)
   end
   for r = 1, rows, math.max(1, math.floor(rows / 200)) do run((r - 1) * columns + 1, 1, columns) end
   for k = 1, rows > 1 and columns or 0, math.max(1, math.floor(columns / 200)) do run(k, columns, rows) end
   return parts
end

-- The lines of a grid where its values are at a level (marching squares), as pairs of places { x1, y1, x2, y2 } along the axes.
local function level_lines(c, level, axes)
   local lines = {}
   local function crossing(i, j)
      local a, b = c.z[i], c.z[j]
      if (a < level) == (b < level) or a ~= a or b ~= b then return nil end
      local t = (level - a) / (b - a)
      return { axes[1]:at(c.x[i] + (c.x[j] - c.x[i]) * t), axes[2]:at(c.y[i] + (c.y[j] - c.y[i]) * t) }
   end
   for r = 1, c.rows - 1 do
      for k = (r - 1) * c.columns + 1, r * c.columns - 1 do
         local below, above = k + c.columns, k + c.columns + 1
         local found = {}
         for _, pair in ipairs { { k, k + 1 }, { k + 1, above }, { above, below }, { below, k } } do
            local p = crossing(pair[1], pair[2])
            if p then found[#found + 1] = p end
         end
         for m = 1, #found - 1, 2 do lines[#lines + 1] = { found[m][1], found[m][2], found[m + 1][1], found[m + 1][2] } end
      end
   end
   return lines
end

-- contours on the base: what the legend shows of them
local function contours(out, list, place, axes, view, s, complete)
   local entries, hows, n = {}, {}, #list
   for _, tick in ipairs(axes[3].ticks) do
      local parts = {}
      for _, c in ipairs(list) do
         -- very fine grids would take very many lines
         for _, line in ipairs(c.rows > 1 and c.rows * c.columns <= 250000 and level_lines(c, tick[1], axes) or {}) do
            local x1, y1, d1 = place(2 * line[1] - 1, 2 * line[2] - 1, BASE)
            local x2, y2, d2 = place(2 * line[3] - 1, 2 * line[4] - 1, BASE)
            if x1 == x1 and x2 == x2 and y1 == y1 and y2 == y2 then view:runs({ { x1, y1, d1 }, { x2, y2, d2 } }, parts) end
         end
      end
      if #parts > 0 then
         n = n + 1
         local entry = { name = tick[2], style = { lines = true, width = 1 } }
         local how = complete(entry, n, s)
         out:line('contour', parts, how.colour, how.width)
         entries[#entries + 1], hows[#hows + 1] = entry, how
      end
   end
   return entries, hows
end

-- A grid seen from above, as a matrix of colours and where it lies; nil where there is none.
function solid.flat(content)
   for _, c in ipairs(content.solids) do
      if c.rows > 1 and c.columns > 1 then
         local last = #c.z
         local dx, dy = (c.x[c.columns] - c.x[1]) / (c.columns - 1) / 2, (c.y[last] - c.y[1]) / (c.rows - 1) / 2
         return { matrix = torch.DoubleTensor(c.z):view(c.rows, c.columns), palette = palette.named.color,
            extent = { c.x[1] - dx, c.x[c.columns] + dx, c.y[1] - dy, c.y[last] + dy } }
      end
   end
end

-- Draws curves with x, y and z; complete(curve, k, settings) gives how, legend draws their names into a box.
function solid.draw(out, s, content, complete, legend)
   local lists = { {}, {}, {} }
   for _, c in ipairs(content.solids) do
      table.insert(lists[1], c.x)
      table.insert(lists[2], c.y)
      table.insert(lists[3], c.z)
   end
   local axes = {}
   for k, name in ipairs { 'x', 'y', 'z' } do
      axes[k] = axis.new(lists[k], { log = s['log' .. name], range = s[name .. 'range'], ticks = s[name .. 'tics'], step = s[name .. 'step'],
         reverse = s[name .. 'reverse'], count = math.max(2, math.min(5, math.floor((name == 'z' and s.height or s.width) / 100))) })
   end
   local top = 14 + (s.title and 24 or 0)
   local place = view_of(s, top)
   local view, shapes, hows, names, coloured = depth.new(s.width, s.height), {}, {}, {}, false
   for k, c in ipairs(content.solids) do
      hows[k], names[k] = complete(c, k, s), c
      shapes[k] = points_of(c, place, axes)
      local is_coloured = c.style.pm3d or s.pm3d and c.rows > 1
      if c.rows > 1 and (is_coloured or hows[k].lines and not s.see) then view:surface(shapes[k], c.rows, c.columns) end
      coloured = coloured or is_coloured
   end
   if coloured then
      local pixels = view:pixels(s.palette or palette.named.color)
      out:picture('surface', pixels, 0, 0, view.w / view.scale, view.h / view.scale)
   end
   furniture(out, s, axes, place, top)
   local wanted = s.contour
   if wanted == nil then wanted = content.contour end
   if wanted then
      for k, entry in ipairs((contours(out, content.solids, place, axes, view, s, complete))) do
         names[#names + 1] = entry
         hows[#hows + 1] = complete(entry, #content.solids + k, s)
      end
   end
   for k, c in ipairs(content.solids) do
      local how, is_coloured = hows[k], c.style.pm3d or s.pm3d and c.rows > 1
      if how.lines and not is_coloured then out:line('surface', mesh(c, shapes[k], view), how.colour, math.min(how.width, 1)) end
      if how.points then
         local marks = {}
         for _, p in ipairs(shapes[k]) do
            if p then marks[#marks + 1], marks[#marks + 2] = p[1], p[2] end
         end
         out:marks('points', marks, how.mark, 4 * how.size, how.colour)
      end
   end
   legend(out, s, names, hows, { x = 20, y = top, w = s.width - 40, h = s.height - top - 20 })
end

return solid
