-- Curves as shapes: what each style draws, and how far it reaches.
local axis = require 'gnuplot.axis'
local scene = require 'gnuplot.scene'
local series = require 'gnuplot.series'
local style = require 'gnuplot.style'
local curves = {}

-- half the distance to the neighbours, or a fixed width
function curves.half_width(c, settings)
   if c.box or settings.boxwidth then return (c.box or settings.boxwidth) / 2 end
   local sorted, least = {}, math.huge
   for i, v in ipairs(c.x) do sorted[i] = v == v and v or 0 end
   table.sort(sorted)
   for i = 2, #sorted do
      if sorted[i] > sorted[i - 1] then least = math.min(least, sorted[i] - sorted[i - 1]) end
   end
   return least < math.huge and least / 2 or 0.5
end

-- How a curve is drawn: what its style says, then the figure's `set style line`, then what its number tells.
function curves.complete(c, k, settings)
   local how, n = {}, c.style.index or k
   for key, value in pairs(c.style) do how[key] = value end
   if how.default then
      for key, value in pairs(settings.datastyle or { lines = true, points = true }) do how[key] = value end
   end
   n = math.max(1, math.floor(n))
   for key, value in pairs((settings.lines or {})[n] or {}) do
      if how[key] == nil then how[key] = value end
   end
   how.colour = how.colour or style.colours[(n - 1) % #style.colours + 1]
   if not how.labels then how.mark = how.mark or style.mark(n) end
   how.width = how.width or settings.linewidth or (how.lines or how.steps) and 2 or 1
   how.size = how.size or settings.pointsize or 1
   how.dash = (how.dash or 1) > 1
   return how
end

-- all numbers of the curves that the axes have to hold
function curves.extents(list, settings)
   local xs, ys = {}, {}
   for _, c in ipairs(list) do
      xs[#xs + 1], ys[#ys + 1] = c.x, c.y
      for _, key in ipairs { 'xlow', 'xhigh' } do xs[#xs + 1] = c[key] end
      for _, key in ipairs { 'y2', 'ylow', 'yhigh', 'close' } do ys[#ys + 1] = c[key] end
      if c.style.base then ys[#ys + 1] = { c.style.base } end
      if c.radius then
         local left, right = series.around(c.x, c.radius)
         xs[#xs + 1], xs[#xs + 2] = left, right
      end
      if c.style.boxes or c.style.candles then
         local lo, hi = axis.extent({ c.x })
         local half = c.widths and select(2, axis.extent({ c.widths })) or curves.half_width(c, settings)
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

-- runs of points that can be drawn, as parts
local function runs(n, point)
   local parts = {}
   local pen = scene.pen(parts)
   for i = 1, n do
      local x, y = point(i)
      pen(x, y, x == x and y == y)
   end
   return parts
end

local function rectangle(l, t, r, b) return { l, t, r, t, r, b, l, b } end

local draw = {}

-- from a curve to another, to a height, or closed in itself; what is no number parts it
function draw.filled(out, c, x, y, how)
   local parts = {}
   local base = how.base and y(how.base)
   if base and base ~= base then base = y.bottom end
   local function other(i) return c.y2 and y(c.y2[i]) or base end
   local first
   for i = 1, #c.x + 1 do
      local px, py, qy = x(c.x[i] or 0 / 0), y(c.y[i] or 0 / 0), (c.y2 or base) and i <= #c.x and other(i) or 0
      local fine = px == px and py == py and qy == qy
      if fine then first = first or i end
      if first and not fine then
         local part = {}
         for k = first, i - 1 do part[#part + 1], part[#part + 2] = x(c.x[k]), y(c.y[k]) end
         for k = (c.y2 or base) and i - 1 or 0, first, -1 do part[#part + 1], part[#part + 2] = x(c.x[k]), other(k) end
         parts[#parts + 1], first = part, nil
      end
   end
   if #parts > 0 then out:fill('filled', parts, how.colour, how.opacity or 1) end
end

function draw.boxes(out, c, x, y, how, settings)
   local parts, outlines, half = {}, {}, curves.half_width(c, settings)
   local ground = y(0)
   if ground ~= ground then ground = y.bottom end
   for i = 1, #c.x do
      local w = c.widths and c.widths[i] / 2 or half
      local l, r, t = x(c.x[i] - w), x(c.x[i] + w), y(c.y[i])
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

-- Of a very long part what shows: of neighbours in one column of pixels the first, the lowest, the highest and the last.
local LONG = 20000
local function thinned(part)
   if #part < 2 * LONG then return part end
   local result, k = {}, 1
   local function put(at) result[#result + 1], result[#result + 2] = part[at], part[at + 1] end
   while k < #part do
      local column, low, high, last = math.floor(part[k]), k, k, k
      while part[last + 2] and math.floor(part[last + 2]) == column do
         last = last + 2
         if part[last + 1] < part[low + 1] then low = last end
         if part[last + 1] > part[high + 1] then high = last end
      end
      put(k)
      if math.min(low, high) > k then put(math.min(low, high)) end
      if math.max(low, high) > math.min(low, high) then put(math.max(low, high)) end
      if last > math.max(low, high) then put(last) end
      k = last + 2
   end
   return result
end

function draw.lines(out, c, x, y, how)
   local parts = runs(#c.x, function(i) return x(c.x[i]), y(c.y[i]) end)
   for k, part in ipairs(parts) do parts[k] = thinned(part) end
   out:line('lines', parts, how.colour, how.width, how.dash)
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

-- a value's bar from low to high, with short lines at its ends
local function bar(parts, x1, y1, x2, y2)
   if x1 ~= x1 or y1 ~= y1 or x2 ~= x2 or y2 ~= y2 then return end
   parts[#parts + 1] = { x1, y1, x2, y2 }
   local dx, dy = x1 == x2 and 4 or 0, y1 == y2 and 4 or 0
   parts[#parts + 1] = { x1 - dx, y1 - dy, x1 + dx, y1 + dy }
   parts[#parts + 1] = { x2 - dx, y2 - dy, x2 + dx, y2 + dy }
end

function draw.xerror(out, c, x, y, how, settings, box)
   local parts = {}
   for i = 1, c.xlow and #c.x or 0 do
      local at = y(c.y[i])
      bar(parts, x(c.xlow[i]), at, x(c.xhigh[i]), at)
   end
   out:line('errors', parts, how.colour, how.width)
   if not how.lines and not how.boxes and not how.yerror then draw.points(out, c, x, y, how, settings, box) end
end

function draw.yerror(out, c, x, y, how, settings, box)
   local parts = {}
   for i = 1, c.ylow and #c.x or 0 do
      local at = x(c.x[i])
      bar(parts, at, y(c.ylow[i]), at, y(c.yhigh[i]))
   end
   out:line('errors', parts, how.colour, how.width)
   if not how.lines and not how.boxes then draw.points(out, c, x, y, how, settings, box) end
end

-- from where a day opens to where it closes, within its lowest and highest; boxes, or bars with short lines
function draw.candles(out, c, x, y, how, settings)
   local half, lines, bodies, outlines = curves.half_width(c, settings) * 0.6, {}, {}, {}
   for i = 1, #c.x do
      local at, open, low, high, close = x(c.x[i]), y(c.y[i]), y(c.ylow[i]), y(c.yhigh[i]), y(c.close[i])
      local l, r = x(c.x[i] - half), x(c.x[i] + half)
      if at == at and l == l and r == r and open == open and low == low and high == high and close == close then
         if how.bars then
            lines[#lines + 1], lines[#lines + 2], lines[#lines + 3] = { at, low, at, high }, { l, open, at, open }, { at, close, r, close }
         else
            lines[#lines + 1], lines[#lines + 2] = { at, low, at, math.max(open, close) }, { at, math.min(open, close), at, high }
            outlines[#outlines + 1] = { l, open, r, open, r, close, l, close, l, open }
            -- what falls is filled
            if close > open then bodies[#bodies + 1] = rectangle(l, open, r, close) end
         end
      end
   end
   if #bodies > 0 then out:fill('bodies', bodies, how.colour, how.opacity or settings.fill or 0.5) end
   out:line('candles', lines, how.colour, how.width)
   if #outlines > 0 then out:line('outlines', outlines, how.colour, how.width) end
end

function draw.circles(out, c, x, y, how)
   local parts = {}
   for i = 1, #c.x do
      local px, py = x(c.x[i]), y(c.y[i])
      local r = math.abs(x(c.x[i] + c.radius[i]) - px)
      if r == r and py == py and r < 1e4 then
         local part = {}
         for k = 0, 36 do
            local angle = math.pi * k / 18
            part[2 * k + 1], part[2 * k + 2] = px + r * math.cos(angle), py + r * math.sin(angle)
         end
         parts[#parts + 1] = part
      end
   end
   if how.opacity then out:fill('filled circles', parts, how.colour, how.opacity) end
   out:line('circles', parts, how.colour, how.width)
end

function draw.labels(out, c, x, y, how, settings, box)
   for i = 1, #c.x do
      local px, py = x(c.x[i]), y(c.y[i])
      if px >= box.x and px <= box.x + box.w and py >= box.y and py <= box.y + box.h then
         out:text('label', c.texts[i], px + (how.mark and 6 or 0), py + 5, how.mark and 'start' or 'middle')
      end
   end
   if how.mark and not how.points then draw.points(out, c, x, y, how, settings, box) end
end

-- steps that change half way between places
function draw.histeps(out, c, x, y, how)
   local n, part = #c.x, {}
   for i = 1, n do
      local left = i > 1 and (c.x[i - 1] + c.x[i]) / 2 or c.x[i] - (n > 1 and (c.x[2] - c.x[1]) / 2 or 0.5)
      local right = i < n and (c.x[i] + c.x[i + 1]) / 2 or c.x[i] + (n > 1 and (c.x[n] - c.x[n - 1]) / 2 or 0.5)
      part[#part + 1], part[#part + 2], part[#part + 3], part[#part + 4] = x(left), y(c.y[i]), x(right), y(c.y[i])
   end
   out:line('steps', runs(#part / 2, function(k) return part[2 * k - 1], part[2 * k] end), how.colour, how.width)
end

-- what ends at the frame, and what stands on places within it and may hang over
local inner = { 'filled', 'boxes', 'candles', 'impulses', 'steps', 'histeps', 'lines', 'vectors', 'circles', 'xerror', 'yerror' }
local outer = { 'dots', 'points', 'labels' }

local function draw_ways(ways, out, c, x, y, how, settings, box)
   for _, way in ipairs(ways) do
      if how[way] then draw[way](out, c, x, y, how, settings, box) end
   end
end

-- Draws a curve in all the ways of its style that end at the frame. x and y give places in the picture, box is the frame.
function curves.draw(...) draw_ways(inner, ...) end

-- The rest: its marks and texts.
function curves.mark(...) draw_ways(outer, ...) end

return curves
