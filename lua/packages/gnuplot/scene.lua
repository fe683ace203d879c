-- A drawing as a list of shapes, which the writers of files turn into theirs. Places are in pixels from the upper left
-- corner; a part is a flat list { x1, y1, x2, y2, ... }.
local scene = {}
scene.__index = scene

function scene.new(w, h) return setmetatable({ w = w, h = h, list = {} }, scene) end

local function add(self, shape)
   self.list[#self.list + 1] = shape
   return shape
end

-- A pen over parts: pen(x, y, down) adds a point to the part that it is drawing, or parts the line where it is lifted.
function scene.pen(parts)
   local part
   return function(x, y, down)
      if not down then
         part = nil
         return
      end
      if not part then
         part = {}
         parts[#parts + 1] = part
      end
      part[#part + 1], part[#part + 2] = x, y
   end
end

-- Lines through points; `role` says what they are of the plot.
function scene:line(role, parts, colour, width, dash)
   add(self, { kind = 'line', role = role, parts = parts, colour = colour, width = width or 1, dash = dash, opacity = 1 })
end
function scene:fill(role, parts, colour, opacity)
   add(self, { kind = 'fill', role = role, parts = parts, colour = colour, opacity = opacity or 1 })
end
-- anchor: 'start', 'middle' or 'end'; upright text goes upwards
function scene:text(role, text, x, y, anchor, upright)
   add(self, { kind = 'text', role = role, text = text, x = x, y = y, anchor = anchor or 'start', upright = upright })
end
-- a ByteTensor of 3 x rows x columns, scaled to a rectangle without smoothing
function scene:picture(role, pixels, x, y, w, h)
   add(self, { kind = 'picture', role = role, pixels = pixels, x = x, y = y, w = w, h = h })
end
-- what follows is cut off at a rectangle, until `unclip`
function scene:clip(x, y, w, h) add(self, { kind = 'clip', x = x, y = y, w = w, h = h }) end
function scene:unclip() add(self, { kind = 'unclip' }) end

local function moved(part, dx, dy)
   local result = {}
   for k = 1, #part, 2 do result[k], result[k + 1] = part[k] + dx, part[k + 1] + dy end
   return result
end

-- Puts another drawing into this one, its upper left corner at a place.
function scene:place(other, dx, dy)
   for _, shape in ipairs(other.list) do
      local copy = {}
      for key, value in pairs(shape) do copy[key] = value end
      if copy.x then copy.x, copy.y = copy.x + dx, copy.y + dy end
      if copy.parts then
         copy.parts = {}
         for k, part in ipairs(shape.parts) do copy.parts[k] = moved(part, dx, dy) end
      end
      add(self, copy)
   end
end

local function turned(n, first, r, x, y)
   local part = {}
   for k = 0, n - 1 do
      local angle = first + 2 * math.pi * k / n
      part[2 * k + 1], part[2 * k + 2] = x + r * math.cos(angle), y + r * math.sin(angle)
   end
   return part
end

local function closed(part)
   part[#part + 1], part[#part + 2] = part[1], part[2]
   return part
end

-- gnuplot's marks by their numbers: parts, and whether they are filled
local marks = {
   function(x, y, r) return { { x - r, y, x + r, y }, { x, y - r, x, y + r } } end,
   function(x, y, r) return { { x - r, y - r, x + r, y + r }, { x - r, y + r, x + r, y - r } } end,
   function(x, y, r)
      return { { x - r, y, x + r, y }, { x, y - r, x, y + r }, { x - r, y - r, x + r, y + r }, { x - r, y + r, x + r, y - r } }
   end,
   function(x, y, r) return { closed(turned(4, math.pi / 4, r * 1.3, x, y)) } end,
   function(x, y, r) return { turned(4, math.pi / 4, r * 1.3, x, y) }, true end,
   function(x, y, r) return { closed(turned(12, 0, r, x, y)) } end,
   function(x, y, r) return { turned(12, 0, r, x, y) }, true end,
   function(x, y, r) return { closed(turned(3, -math.pi / 2, r * 1.2, x, y)) } end,
   function(x, y, r) return { turned(3, -math.pi / 2, r * 1.2, x, y) }, true end,
   function(x, y, r) return { closed(turned(3, math.pi / 2, r * 1.2, x, y)) } end,
   function(x, y, r) return { turned(3, math.pi / 2, r * 1.2, x, y) }, true end,
   function(x, y, r) return { closed(turned(4, 0, r * 1.2, x, y)) } end,
   function(x, y, r) return { turned(4, 0, r * 1.2, x, y) }, true end,
}

-- Marks at places { x1, y1, ... }.
function scene:marks(role, places, mark, r, colour)
   local shape = marks[(math.max(1, math.floor(mark)) - 1) % #marks + 1]
   local all, filled = {}
   for k = 1, #places, 2 do
      local parts, full = shape(places[k], places[k + 1], r)
      filled = full
      for _, part in ipairs(parts) do all[#all + 1] = part end
   end
   if filled then self:fill(role, all, colour) else self:line(role, all, colour, 1) end
end

return scene
