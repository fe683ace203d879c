-- A figure's content as a drawing: frame, ticks, title, legend, curves, or a matrix with its colour bar; or several of them.
local axis = require 'gnuplot.axis'
local curves = require 'gnuplot.curves'
local palette = require 'gnuplot.palette'
local scene = require 'gnuplot.scene'
local smooth = require 'gnuplot.smooth'
local solid = require 'gnuplot.solid'
local chart = {}

-- the font's line, and a width that holds any of its letters
local LINE, LETTER = 16, 9
local BLACK, GREY = { 0, 0, 0 }, { 190, 190, 190 }

-- how many letters a text in UTF-8 has
local function letters(text) return select(2, text:gsub('[^\128-\191]', '')) end

local function longest(ticks)
   local most = 0
   for _, tick in ipairs(ticks) do most = math.max(most, letters(tick[2])) end
   return most * LETTER
end

-- what smoothed curves are drawn from
local function shaped(list)
   local result = {}
   for _, c in ipairs(list) do
      if c.style.smooth then
         local x, y = smooth[c.style.smooth](c.x, c.y, c.style.weight)
         c = { name = c.name, style = c.style, x = x, y = y, box = c.box }
      end
      result[#result + 1] = c
   end
   return result
end

-- ticks in the words of a format
local function formatted(a, format)
   if not format or a.given then return a end
   for _, tick in ipairs(a.ticks) do
      local fine, text = pcall(string.format, format, tick[1])
      if format == '' then tick[2] = '' elseif fine then tick[2] = text end
   end
   return a
end

local function axes_for(xs, ys, s, more)
   local function made(lists, k)
      local a = axis.new(lists, { log = s['log' .. k], range = s[k .. 'range'], ticks = s[k .. 'tics'], step = s[k .. 'step'],
         reverse = (s[k .. 'reverse'] or false) ~= (more.reverse == k), tight = more.tight,
         -- as many ticks as have room
         count = k == 'x' and math.max(2, math.min(8, math.floor(s.width / 70))) or math.max(2, math.min(9, math.floor(s.height / 40))) })
      return formatted(a, not s[k .. 'tics'] and s[k .. 'format'])
   end
   return made(xs, 'x'), made(ys, 'y')
end

-- the entries of the legend: their numbers, and the width of the longest name
local function entries_of(s, list)
   local entries, most = {}, 0
   for k, c in ipairs(list or {}) do
      if c.name ~= '' then
         entries[#entries + 1] = k
         most = math.max(most, letters(c.name))
      end
   end
   return s.nokey and {} or entries, most * LETTER + 54
end

-- the lines of a text
local function lines_of(text)
   local list = {}
   for line in (text .. '\n'):gmatch '([^\n]*)\n' do list[#list + 1] = line end
   return list
end

-- the rectangle of the plot within the picture
local function frame(s, x, y, bar, list)
   local entries, wide = entries_of(s, list)
   local outside = #entries > 0 and s.keyout
   local left = longest(y.ticks) + 18 + (s.ylabel and LINE + 8 or 0)
   local right = (bar and 40 + longest(bar.ticks) + 20 or 24) + (outside == 'right' and wide + 8 or 0)
   local top = 14 + (s.title and #lines_of(s.title) * LINE + 8 or 0)
   local below = s.xrotate and longest(x.ticks) or 0
   local bottom = math.max(30, 14 + below) + (s.xlabel and LINE + 6 or 0) + (outside == 'below' and #entries * (LINE + 2) or 0)
   -- long labels leave the curves their room
   left, right, bottom = math.min(left, s.width * 0.4), math.min(right, s.width * 0.45), math.min(bottom, s.height * 0.5)
   local box = { x = left, y = top, below = math.max(18, below + 8) }
   box.w, box.h = math.max(4, s.width - left - right), math.max(4, s.height - top - bottom)
   if s.aspect then
      -- h / w of the frame
      local w = math.min(box.w, box.h / s.aspect)
      local h = w * s.aspect
      box.x, box.y, box.w, box.h = box.x + (box.w - w) / 2, box.y + (box.h - h) / 2, w, h
   end
   -- whole pixels keep lines sharp and what is cut off exact
   for k, v in pairs(box) do box[k] = math.floor(v + 0.5) end
   box.w, box.h = math.max(1, box.w), math.max(1, box.h)
   return box
end

local function furniture(out, s, x, y, box)
   local grid, marks = {}, {}
   for _, tick in ipairs(x.ticks) do
      if x:shown(tick[1]) then
         local at = math.floor(box.x + x:at(tick[1]) * box.w) + 0.5
         grid[#grid + 1] = { at, box.y, at, box.y + box.h }
         marks[#marks + 1] = { at, box.y + box.h, at, box.y + box.h - 5 }
         if s.xrotate then
            out:text('tick x', tick[2], at + 5, box.y + box.h + 6 + letters(tick[2]) * LETTER, 'start', true)
         else
            out:text('tick x', tick[2], at, box.y + box.h + 18, 'middle')
         end
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
   if s.title then
      local lines = lines_of(s.title)
      for k, line in ipairs(lines) do out:text('title', line, box.x + box.w / 2, box.y - 12 - (#lines - k) * LINE, 'middle') end
   end
   if s.xlabel then out:text('xlabel', s.xlabel, box.x + box.w / 2, box.y + box.h + box.below + 22, 'middle') end
   if s.ylabel then out:text('ylabel', s.ylabel, 20, box.y + box.h / 2, 'middle', true) end
   return marks
end

local function border(out, box, marks, absent)
   if absent then return end
   local l, t, r, b = box.x + 0.5, box.y + 0.5, box.x + box.w - 0.5, box.y + box.h - 0.5
   out:line('frame', { { l, t, r, t, r, b, l, b, l, t } }, BLACK, 1)
   if #marks > 0 then out:line('ticks', marks, BLACK, 1) end
end

local function rectangle(l, t, r, b) return { l, t, r, t, r, b, l, b } end

-- how a curve shows in the legend, between two places of a line
local function sample(out, c, how, s, from, to, middle)
   local drawn = c.style.default and how or c.style
   if drawn.boxes or drawn.filled or drawn.candles then
      local solid = how.opacity or drawn.filled and 1 or s.fill or 0
      local l, t, r, b = from, middle - 4, to, middle + 4
      if solid > 0 then out:fill('sample', { rectangle(l, t, r, b) }, how.colour, solid) end
      out:line('sample', { { l, t, r, t, r, b, l, b, l, t } }, how.colour, 1)
   elseif drawn.lines or drawn.impulses or drawn.steps or drawn.histeps or drawn.vectors or drawn.xerror or drawn.yerror then
      out:line('sample', { { from, middle, to, middle } }, how.colour, how.width, how.dash)
   end
   local at = { (from + to) / 2, middle }
   if drawn.points or (drawn.xerror or drawn.yerror) and not drawn.boxes then out:marks('sample', at, how.mark, 4 * how.size, how.colour) end
   if drawn.circles then out:marks('sample', at, 6, 4, how.colour) end
   if drawn.dots then out:marks('sample', at, 7, 0.8, how.colour) end
end

-- the names of curves and how they are drawn: in a corner, or outside of the frame
local function legend(out, s, list, hows, box)
   local entries, w = entries_of(s, list)
   if #entries == 0 then return end
   local h, length = #entries * (LINE + 2), 36
   local spare = { left = 8, center = (box.w - w) / 2, right = box.w - w - 8 }
   local down = { top = 6, middle = (box.h - h) / 2, center = (box.h - h) / 2, bottom = box.h - h - 8 }
   local left, top = box.x + spare[s.key[1]], box.y + down[s.key[2]]
   if s.keyout == 'right' then
      left = s.width - w - 8
   elseif s.keyout == 'below' then
      left, top = box.x + (box.w - w) / 2, s.height - h - 2
   end
   for row, k in ipairs(entries) do
      local c = list[k]
      local middle = top + (row - 0.5) * (LINE + 2)
      local from = left + w - length
      out:text('legend', c.name, from - 8, middle + 5, 'end')
      sample(out, c, hows[k], s, from, from + length, middle)
   end
end

-- where values lie in the picture
local function scales(x, y, box)
   local across = function(v) return box.x + x:at(v) * box.w end
   local up = setmetatable({ bottom = box.y + box.h }, { __call = function(_, v) return box.y + box.h - y:at(v) * box.h end })
   return across, up
end

-- `set label` and `set arrow`: in values, in parts of the frame or of the picture
local function annotations(out, s, across, up, box)
   local function spot(at)
      local function one(p, value, from, size, whole)
         if p[2] == 'graph' then return from + size * p[1] end
         if p[2] == 'screen' then return whole * p[1] end
         return value(p[1])
      end
      return one(at[1], across, box.x, box.w, s.width), one(at[2], up, box.y + box.h, -box.h, -s.height) + (at[2][2] == 'screen' and s.height or 0)
   end
   for _, entry in ipairs(s.arrows or {}) do
      local x1, y1 = spot(entry.from)
      local x2, y2 = spot(entry.to)
      if x1 == x1 and y1 == y1 and x2 == x2 and y2 == y2 then
         local parts = { { x1, y1, x2, y2 } }
         if entry.head then
            local angle = math.atan2(y2 - y1, x2 - x1)
            local function tip(turn) return x2 + 9 * math.cos(angle + turn), y2 + 9 * math.sin(angle + turn) end
            local lx, ly = tip(2.8)
            parts[2] = { lx, ly, x2, y2, tip(-2.8) }
         end
         out:line('arrow', parts, entry.colour or BLACK, entry.width or 1, entry.dash)
      end
   end
   for _, entry in ipairs(s.labels or {}) do
      local x, y = spot(entry.at)
      if x == x and y == y then out:text('label', entry.text, x, y + 5, entry.anchor) end
   end
end

local function equal(s, x, y)
   if s.equal and not x.log and not y.log then s.aspect = (y.hi - y.lo) / (x.hi - x.lo) end
   if s.aspect then s.aspect = math.max(0.02, math.min(50, s.aspect)) end
end

-- lines where x or y is 0
local function zeros(out, s, x, y, box)
   local parts = {}
   if s.xzero and y:shown(0) and not y.log then
      local at = math.floor(box.y + box.h - y:at(0) * box.h) + 0.5
      parts[#parts + 1] = { box.x, at, box.x + box.w, at }
   end
   if s.yzero and x:shown(0) and not x.log then
      local at = math.floor(box.x + x:at(0) * box.w) + 0.5
      parts[#parts + 1] = { at, box.y, at, box.y + box.h }
   end
   if #parts > 0 then out:line('zero', parts, BLACK, 1, true) end
end

local function draw_curves(out, s, content)
   local list, hows = shaped(content.curves), {}
   local xs, ys = curves.extents(list, s)
   if content.xtics and not s.xtics then s.xtics = content.xtics end
   local x, y = axes_for(xs, ys, s, { tight = false })
   equal(s, x, y)
   local box = frame(s, x, y, nil, list)
   local marks = furniture(out, s, x, y, box)
   local across, up = scales(x, y, box)
   zeros(out, s, x, y, box)
   out:clip(box.x, box.y, box.w, box.h)
   for k, c in ipairs(list) do
      hows[k] = curves.complete(c, k, s)
      curves.draw(out, c, across, up, hows[k], s, box)
   end
   out:unclip()
   for k, c in ipairs(list) do curves.mark(out, c, across, up, hows[k], s, box) end
   border(out, box, marks, s.noborder)
   annotations(out, s, across, up, box)
   legend(out, s, list, hows, box)
end

local function draw_matrix(out, s, content)
   local m = content.matrix
   local rows, columns = m:size(1), m:size(2)
   local lo, hi = axis.extent({ m:view(-1):totable() })
   local bar = axis.new({ { lo or 0, hi or 1 } }, { tight = true, range = s.cbrange, count = 8 })
   local colours = s.palette or content.palette
   -- rows go down from the first, unless they have places
   local e = content.extent or { -0.5, columns - 0.5, -0.5, rows - 0.5 }
   local x, y = axes_for({ { e[1], e[2] } }, { { e[3], e[4] } }, s, { tight = true, reverse = not content.extent and 'y' or nil })
   equal(s, x, y)
   local box = frame(s, x, y, not s.nobar and bar or nil)
   local marks = furniture(out, s, x, y, box)
   local across, up = scales(x, y, box)
   out:clip(box.x, box.y, box.w, box.h)
   local l, r, t, b = across(e[1]), across(e[2]), up(e[3]), up(e[4])
   local pixels = palette.pixels(m, bar.lo, bar.hi, colours)
   if l == l and r == r and t == t and b == b then
      -- an axis that goes the other way
      if l > r then pixels, l, r = pixels:index(3, torch.range(columns, 1, -1):long()), r, l end
      if t > b then pixels, t, b = pixels:index(2, torch.range(rows, 1, -1):long()), b, t end
      out:picture('matrix', pixels, l, t, r - l, b - t)
   end
   out:unclip()
   border(out, box, marks, s.noborder)
   annotations(out, s, across, up, box)
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

-- One plot as a drawing of its own.
local function one(content, settings, w, h)
   local s = setmetatable({ width = w, height = h }, { __index = settings })
   for k, name in ipairs { 'xrange', 'yrange', 'zrange' } do
      local range = (content.ranges or {})[k]
      if range then s[name] = range end
   end
   local out = scene.new(w, h)
   if content.matrix then
      draw_matrix(out, s, content)
   elseif content.solids and s.map and solid.flat(content) then
      draw_matrix(out, s, solid.flat(content))
   elseif content.solids then
      solid.draw(out, s, content, curves.complete, legend)
   else
      draw_curves(out, s, content)
   end
   return out
end

-- where a panel lies in the picture: its cell of the layout, or the part that `set size` and `set origin` name
local function panel_box(panel, w, h)
   local s = panel.settings
   if panel.rows then
      local top = panel.heading and LINE + 12 or 0
      local cw, ch = math.floor(w / panel.columns), math.floor((h - top) / panel.rows)
      return panel.column * cw, top + panel.row * ch, cw, ch
   end
   local size, origin = s.panel or { 1, 1 }, s.origin or { 0, 0 }
   local pw, ph = math.floor(w * size[1] + 0.5), math.floor(h * size[2] + 0.5)
   return math.floor(w * origin[1] + 0.5), math.floor(h * (1 - origin[2] - size[2]) + 0.5), pw, ph
end

-- The drawing of a figure with its settings: its content, or its panels. w and h are its size, where not that of the settings.
function chart.draw(figure, w, h)
   w, h = w or figure.settings.width, h or figure.settings.height
   if not figure.panels then
      local s = figure.settings
      if not s.panel and not s.origin then return one(figure.content, s, w, h) end
   end
   local out = scene.new(w, h)
   for _, panel in ipairs(figure.panels or { { content = figure.content, settings = figure.settings } }) do
      local x, y, pw, ph = panel_box(panel, w, h)
      if panel.heading then out:text('title', panel.heading, w / 2, LINE + 4, 'middle') end
      if pw >= 16 and ph >= 16 then out:place(one(panel.content, panel.settings, pw, ph), x, y) end
   end
   return out
end

return chart
