-- Surfaces and points of three dimensions, seen from a side (parallel projection).
local axis = require 'gnuplot.axis'
local solid = {}

local BLACK = { 0, 0, 0 }

-- How places within a cube (-1 to 1 along each axis) lie in the picture, for gnuplot's `set view` angles in degrees.
local function view_of(s, top)
   local tilt, turn = math.rad(s.view and s.view[1] or 60), math.rad(s.view and s.view[2] or 30)
   local ct, st, ca, sa = math.cos(tilt), math.sin(tilt), math.cos(turn), math.sin(turn)
   local function flat(x, y, z) return x * ca + y * sa, ct * (y * ca - x * sa) + 0.75 * z * st end
   -- the corners tell how large the cube shows
   local w, h = 0, 0
   for k = 0, 7 do
      local x, y = flat(k % 2 * 2 - 1, math.floor(k / 2) % 2 * 2 - 1, math.floor(k / 4) * 2 - 1)
      w, h = math.max(w, math.abs(x)), math.max(h, math.abs(y))
   end
   local left, bottom = 90, 60
   local width, height = math.max(20, s.width - 2 * left), math.max(20, s.height - top - bottom)
   return function(x, y, z)
      local px, py = flat(x, y, z)
      return left + width * (1 + px / w) / 2, top + height * (1 - py / h) / 2
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
   local x1, y1 = place(-1, -1, -1)
   local x2, y2 = place(1, -1, -1)
   local x3, y3 = place(1, 1, -1)
   local x4, y4 = place(-1, 1, -1)
   local zx, zy = place(-1, -1, 1)
   out:line('frame', { { x1, y1, x2, y2, x3, y3, x4, y4, x1, y1 }, { x1, y1, zx, zy } }, BLACK, 1)
   edge(out, 'x', axes[1], function(t) return place(t, -1, -1) end, 'end', -3, 4)
   edge(out, 'y', axes[2], function(t) return place(1, t, -1) end, 'start', 3, 4)
   edge(out, 'z', axes[3], function(t) return place(-1, -1, t) end, 'end', -4, 0)
   if s.title then out:text('title', s.title, s.width / 2, top - 14, 'middle') end
   if s.xlabel then out:text('xlabel', s.xlabel, (x1 + x2) / 2 - 30, (y1 + y2) / 2 + 40, 'end') end
   if s.ylabel then out:text('ylabel', s.ylabel, (x2 + x3) / 2 + 30, (y2 + y3) / 2 + 40, 'start') end
   if s.zlabel then out:text('zlabel', s.zlabel, 20, (y1 + zy) / 2, 'middle', true) end
end

-- the lines of a surface along its rows and columns, or its points
local function draw(out, c, place, axes, how)
   local x, y, z = c.x, c.y, c.z
   local rows, columns = c.rows, c.columns
   local list, marks = {}, {}
   for k = 1, #z do
      local a, b, d = axes[1]:at(x[k]), axes[2]:at(y[k]), axes[3]:at(z[k])
      local inside = a >= -1e-6 and a <= 1 + 1e-6 and b >= -1e-6 and b <= 1 + 1e-6 and d >= -1e-6 and d <= 1 + 1e-6
      if inside then
         local px, py = place(2 * a - 1, 2 * b - 1, 2 * d - 1)
         list[k] = { px, py }
         marks[#marks + 1] = px
         marks[#marks + 1] = py
      end
   end
   if how.lines then
      local parts = {}
      local function run(first, step, n)
         local part
         for i = 0, n - 1 do
            local p = list[first + i * step]
            if p and not part then
               part = {}
               parts[#parts + 1] = part
            end
            if p then part[#part + 1], part[#part + 2] = p[1], p[2] else part = nil end
         end
      end
      for r = 1, rows do run((r - 1) * columns + 1, 1, columns) end
      for k = 1, rows > 1 and columns or 0 do run(k, columns, rows) end
      out:line('surface', parts, how.colour, how.width)
   end
   if how.points then out:marks('points', marks, how.mark, 4 * how.size, how.colour) end
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
         reverse = s[name .. 'reverse'], count = 5 })
   end
   local top = 14 + (s.title and 24 or 0)
   local place, hows = view_of(s, top), {}
   furniture(out, s, axes, place, top)
   for k, c in ipairs(content.solids) do
      hows[k] = complete(c, k, s)
      draw(out, c, place, axes, hows[k])
   end
   legend(out, s, content.solids, hows, { x = 20, y = top, w = s.width - 40, h = s.height - top - 20 })
end

return solid
