-- A figure's content as a drawing: frame, ticks, title, legend, curves, or a matrix with its colour bar.
local axis = require 'gnuplot.axis'
local palette = require 'gnuplot.palette'
local scene = require 'gnuplot.scene'
local series = require 'gnuplot.series'
local solid = require 'gnuplot.solid'
local style = require 'gnuplot.style'
local chart = {}

-- the font's line, and a width that holds any of its letters
local LINE, LETTER = 16, 9
local BLACK, GREY = { 0, 0, 0 }, { 190, 190, 190 }

-- how many letters a text in UTF-8 has
local function letters(text) return select(2, text:gsub('[^\128-\191]', '')) end

local function widest(ticks)
   local most = 0
   for _, tick in ipairs(ticks) do most = math.max(most, letters(tick[2])) end
   return most * LETTER
end

-- what smoothed curves are drawn from
local function shaped(curves)
   local list = {}
   for _, c in ipairs(curves) do
      if c.style.smooth then
         local x, y = series.spline(c.x, c.y)
         c = { name = c.name, style = c.style, x = x, y = y }
      end
      list[#list + 1] = c
   end
   return list
end

-- half the distance to the neighbours, or a fixed width
local function box_width(c, settings)
   if c.box or settings.boxwidth then return (c.box or settings.boxwidth) / 2 end
   local sorted, least = {}, math.huge
   for i, v in ipairs(c.x) do sorted[i] = v == v and v or 0 end
   table.sort(sorted)
   for i = 2, #sorted do
      if sorted[i] > sorted[i - 1] then least = math.min(least, sorted[i] - sorted[i - 1]) end
   end
   return least < math.huge and least / 2 or 0.5
end

-- all numbers of the curves that the axes have to hold
local function extents(curves, settings)
   local xs, ys = {}, {}
   for _, c in ipairs(curves) do
      xs[#xs + 1], ys[#ys + 1] = c.x, c.y
      if c.y2 then ys[#ys + 1] = c.y2 end
      if c.style.boxes then
         local lo, hi = axis.extent({ c.x })
         local half = box_width(c, settings)
         if lo then xs[#xs + 1] = { lo - half, hi + half } end
      end
      if c.style.boxes or c.style.impulses then ys[#ys + 1] = { 0 } end
      if c.dx then
         local tx, ty = {}, {}
         for i = 1, #c.x do tx[i], ty[i] = c.x[i] + c.dx[i], c.y[i] + c.dy[i] end
         xs[#xs + 1], ys[#ys + 1] = tx, ty
      end
   end
   return xs, ys
end

local function axes_for(xs, ys, s, more)
   local function made(lists, k)
      return axis.new(lists, { log = s['log' .. k], range = s[k .. 'range'], ticks = s[k .. 'tics'], step = s[k .. 'step'],
         reverse = (s[k .. 'reverse'] or false) ~= (more.reverse == k), tight = more.tight, count = k == 'x' and 8 or 9 })
   end
   return made(xs, 'x'), made(ys, 'y')
end

-- the rectangle of the plot within the picture
local function frame(s, y, bar)
   local left = widest(y.ticks) + 18 + (s.ylabel and LINE + 8 or 0)
   local right = bar and 40 + widest(bar.ticks) + 20 or 24
   local top = 14 + (s.title and LINE + 8 or 0)
   local bottom = 30 + (s.xlabel and LINE + 6 or 0)
   -- long labels leave the curves their room
   left, right = math.min(left, s.width * 0.4), math.min(right, s.width * 0.3)
   local box = { x = left, y = top, w = math.max(20, s.width - left - right), h = math.max(20, s.height - top - bottom) }
   if s.aspect then
      -- h / w of the frame
      local w = math.min(box.w, box.h / s.aspect)
      local h = w * s.aspect
      box.x, box.y, box.w, box.h = box.x + (box.w - w) / 2, box.y + (box.h - h) / 2, w, h
   end
   -- whole pixels keep lines sharp and what is cut off exact
   for k, v in pairs(box) do box[k] = math.floor(v + 0.5) end
   return box
end

local function furniture(out, s, x, y, box)
   local grid, marks = {}, {}
   for _, tick in ipairs(x.ticks) do
      if x:shown(tick[1]) then
         local at = math.floor(box.x + x:at(tick[1]) * box.w) + 0.5
         grid[#grid + 1] = { at, box.y, at, box.y + box.h }
         marks[#marks + 1] = { at, box.y + box.h, at, box.y + box.h - 5 }
         out:text('tick x', tick[2], at, box.y + box.h + 18, 'middle')
      end
   end
   for _, tick in ipairs(y.ticks) do
      if y:shown(tick[1]) then
         local at = math.floor(box.y + box.h - y:at(tick[1]) * box.h) + 0.5
         grid[#grid + 1] = { box.x, at, box.x + box.w, at }
         marks[#marks + 1] = { box.x, at, box.x + 5, at }
         out:text('tick y', tick[2], box.x - 7, at + 5, 'end')
      end
   end
   if s.grid then out:line('grid', grid, GREY, 1, true) end
   if s.title then out:text('title', s.title, box.x + box.w / 2, box.y - 12, 'middle') end
   if s.xlabel then out:text('xlabel', s.xlabel, box.x + box.w / 2, box.y + box.h + 40, 'middle') end
   if s.ylabel then out:text('ylabel', s.ylabel, 20, box.y + box.h / 2, 'middle', true) end
   return marks
end

local function border(out, box, marks)
   local l, t, r, b = box.x + 0.5, box.y + 0.5, box.x + box.w - 0.5, box.y + box.h - 0.5
   out:line('frame', { { l, t, r, t, r, b, l, b, l, t } }, BLACK, 1)
   if #marks > 0 then out:line('ticks', marks, BLACK, 1) end
end

-- runs of points that can be drawn, as parts
local function runs(n, point)
   local parts, part = {}
   for i = 1, n do
      local x, y = point(i)
      if x == x and y == y then
         if not part then
            part = {}
            parts[#parts + 1] = part
         end
         part[#part + 1], part[#part + 2] = x, y
      else
         part = nil
      end
   end
   return parts
end

local function rectangle(l, t, r, b) return { l, t, r, t, r, b, l, b } end

local draw = {}

function draw.filled(out, c, x, y, how)
   local part = {}
   for i = 1, #c.x do part[#part + 1], part[#part + 2] = x(c.x[i]), y(c.y[i]) end
   for i = c.y2 and #c.x or 0, 1, -1 do part[#part + 1], part[#part + 2] = x(c.x[i]), y(c.y2[i]) end
   for _, v in ipairs(part) do
      if v ~= v then return end
   end
   out:fill('filled', { part }, how.colour, how.opacity or 1)
end

function draw.boxes(out, c, x, y, how, settings)
   local half, parts, outlines = box_width(c, settings), {}, {}
   local ground = y(0)
   if ground ~= ground then ground = y.bottom end
   for i = 1, #c.x do
      local l, r, t = x(c.x[i] - half), x(c.x[i] + half), y(c.y[i])
      if l == l and r == r and t == t then
         parts[#parts + 1] = rectangle(l, t, r, ground)
         outlines[#outlines + 1] = { l, t, r, t, r, ground, l, ground, l, t }
      end
   end
   local solid = how.opacity or settings.fill
   if solid and solid > 0 then out:fill('boxes', parts, how.colour, solid) end
   out:line(solid and 'outlines' or 'boxes', outlines, how.colour, how.width)
end

function draw.impulses(out, c, x, y, how)
   local parts, ground = {}, y(0)
   if ground ~= ground then ground = y.bottom end
   for _, run in ipairs(runs(#c.x, function(i) return x(c.x[i]), y(c.y[i]) end)) do
      for k = 1, #run, 2 do parts[#parts + 1] = { run[k], ground, run[k], run[k + 1] } end
   end
   out:line('impulses', parts, how.colour, how.width)
end

function draw.steps(out, c, x, y, how)
   local parts = runs(2 * #c.x - 1, function(i)
      local at = math.floor(i / 2) + 1
      return x(c.x[at]), y(c.y[i % 2 == 1 and at or at - 1])
   end)
   out:line('steps', parts, how.colour, how.width)
end

function draw.lines(out, c, x, y, how)
   out:line('lines', runs(#c.x, function(i) return x(c.x[i]), y(c.y[i]) end), how.colour, how.width, how.dash)
end

function draw.vectors(out, c, x, y, how)
   local parts = {}
   for i = 1, #c.x do
      local x1, y1, x2, y2 = x(c.x[i]), y(c.y[i]), x(c.x[i] + c.dx[i]), y(c.y[i] + c.dy[i])
      if x1 == x1 and y1 == y1 and x2 == x2 and y2 == y2 then
         local angle, tip = math.atan2(y2 - y1, x2 - x1), math.min(8, math.sqrt((x2 - x1) ^ 2 + (y2 - y1) ^ 2) / 3)
         local part = { x1, y1, x2, y2 }
         for _, turn in ipairs { 2.7, -2.7 } do
            part[#part + 1], part[#part + 2] = x2 + tip * math.cos(angle + turn), y2 + tip * math.sin(angle + turn)
            part[#part + 1], part[#part + 2] = x2, y2
         end
         parts[#parts + 1] = part
      end
   end
   out:line('vectors', parts, how.colour, how.width)
end

local function places(c, x, y, box)
   local list = {}
   for i = 1, #c.x do
      local px, py = x(c.x[i]), y(c.y[i])
      if px >= box.x - 1 and px <= box.x + box.w + 1 and py >= box.y - 1 and py <= box.y + box.h + 1 then
         list[#list + 1], list[#list + 2] = px, py
      end
   end
   return list
end

function draw.dots(out, c, x, y, how, settings, box) out:marks('dots', places(c, x, y, box), 7, 0.8, how.colour) end

function draw.points(out, c, x, y, how, settings, box)
   out:marks('points', places(c, x, y, box), how.mark, 4 * how.size, how.colour)
end

local order = { 'filled', 'boxes', 'impulses', 'steps', 'lines', 'vectors', 'dots', 'points' }

-- what is left open in a style is told by the curve's number
local function complete(c, k, settings)
   local how, n = {}, c.style.index or k
   for key, value in pairs(c.style) do how[key] = value end
   n = math.max(1, math.floor(n))
   how.colour = how.colour or style.colours[(n - 1) % #style.colours + 1]
   how.mark, how.width = how.mark or n, how.width or settings.linewidth or 1
   how.size = how.size or settings.pointsize or 1
   how.dash = (how.dash or 1) > 1
   return how
end

-- the names of curves and how they are drawn, in a corner
local function legend(out, s, curves, hows, box)
   local entries, most = {}, 0
   for k, c in ipairs(curves) do
      if c.name ~= '' then
         entries[#entries + 1] = k
         most = math.max(most, letters(c.name))
      end
   end
   if #entries == 0 or s.nokey then return end
   local w, h, sample = most * LETTER + 54, #entries * (LINE + 2), 36
   local spare = { left = 8, center = (box.w - w) / 2, right = box.w - w - 8 }
   local down = { top = 6, middle = (box.h - h) / 2, center = (box.h - h) / 2, bottom = box.h - h - 8 }
   local left, top = box.x + spare[s.key[1]], box.y + down[s.key[2]]
   for row, k in ipairs(entries) do
      local c, how = curves[k], hows[k]
      local middle = top + (row - 0.5) * (LINE + 2)
      local from = left + w - sample
      out:text('legend', c.name, from - 8, middle + 5, 'end')
      if c.style.boxes or c.style.filled then
         local solid = how.opacity or c.style.filled and 1 or s.fill or 0
         local l, t, r, b = from, middle - 4, from + sample, middle + 4
         if solid > 0 then out:fill('sample', { rectangle(l, t, r, b) }, how.colour, solid) end
         out:line('sample', { { l, t, r, t, r, b, l, b, l, t } }, how.colour, 1)
      elseif c.style.lines or c.style.steps or c.style.impulses or c.style.vectors then
         out:line('sample', { { from, middle, from + sample, middle } }, how.colour, how.width, how.dash)
      end
      if c.style.points then out:marks('sample', { from + sample / 2, middle }, how.mark, 4 * how.size, how.colour) end
      if c.style.dots then out:marks('sample', { from + sample / 2, middle }, 7, 0.8, how.colour) end
   end
end

-- where values lie in the picture
local function scales(x, y, box)
   local across = function(v) return box.x + x:at(v) * box.w end
   local up = setmetatable({ bottom = box.y + box.h }, { __call = function(_, v) return box.y + box.h - y:at(v) * box.h end })
   return across, up
end

local function equal(s, x, y)
   if s.equal and not x.log and not y.log then s.aspect = (y.hi - y.lo) / (x.hi - x.lo) end
   if s.aspect then s.aspect = math.max(0.02, math.min(50, s.aspect)) end
end

local function draw_curves(out, s, content)
   local curves, hows = shaped(content.curves), {}
   local xs, ys = extents(curves, s)
   local x, y = axes_for(xs, ys, s, { tight = false })
   equal(s, x, y)
   local box = frame(s, y)
   local marks = furniture(out, s, x, y, box)
   local across, up = scales(x, y, box)
   out:clip(box.x, box.y, box.w, box.h)
   for k, c in ipairs(curves) do
      hows[k] = complete(c, k, s)
      for _, way in ipairs(order) do
         if c.style[way] then draw[way](out, c, across, up, hows[k], s, box) end
      end
   end
   out:unclip()
   border(out, box, marks)
   legend(out, s, curves, hows, box)
end

local function draw_matrix(out, s, content)
   local m = content.matrix
   local rows, columns = m:size(1), m:size(2)
   local lo, hi = axis.extent({ m:view(-1):totable() })
   local bar = axis.new({ { lo or 0, hi or 1 } }, { tight = true, range = s.cbrange, count = 8 })
   local colours = s.palette or content.palette
   local x, y = axes_for({ { -0.5, columns - 0.5 } }, { { -0.5, rows - 0.5 } }, s, { tight = true, reverse = 'y' })
   equal(s, x, y)
   local box = frame(s, y, not s.nobar and bar or nil)
   local marks = furniture(out, s, x, y, box)
   local across, up = scales(x, y, box)
   out:clip(box.x, box.y, box.w, box.h)
   local l, r, t, b = across(-0.5), across(columns - 0.5), up(-0.5), up(rows - 0.5)
   local pixels = palette.pixels(m, bar.lo, bar.hi, colours)
   if l == l and r == r and t == t and b == b then
      -- an axis that goes the other way
      if l > r then pixels, l, r = pixels:index(3, torch.range(columns, 1, -1):long()), r, l end
      if t > b then pixels, t, b = pixels:index(2, torch.range(rows, 1, -1):long()), b, t end
      out:picture('matrix', pixels, l, t, r - l, b - t)
   end
   out:unclip()
   border(out, box, marks)
   if s.nobar then return end
   local side = { x = box.x + box.w + 14, y = box.y, w = 22, h = box.h }
   local ramp = torch.range(bar.hi, bar.lo, -(bar.hi - bar.lo) / 127.5):narrow(1, 1, 128):view(-1, 1)
   out:picture('colours', palette.pixels(ramp, bar.lo, bar.hi, colours), side.x, side.y, side.w, side.h)
   local ticks = {}
   for _, tick in ipairs(bar.ticks) do
      if bar:shown(tick[1]) then
         local at = math.floor(side.y + side.h - bar:at(tick[1]) * side.h) + 0.5
         ticks[#ticks + 1] = { side.x + side.w - 4, at, side.x + side.w, at }
         out:text('tick colour', tick[2], side.x + side.w + 5, at + 5)
      end
   end
   border(out, side, ticks)
end

-- The drawing of a figure's content with its settings.
function chart.draw(content, settings)
   local s = setmetatable({}, { __index = settings })
   local out = scene.new(s.width, s.height)
   if content.matrix then
      draw_matrix(out, s, content)
   elseif content.solids then
      solid.draw(out, s, content, complete, legend)
   else
      draw_curves(out, s, content)
   end
   return out
end

return chart
