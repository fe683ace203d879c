-- Widgets: tables with properties and children. The one at the top is a window, which shows as a picture.
local painter = require 'rekindle.painter'
local pictures = require 'rekindle.pictures'
local widgets = {}

local Widget = { class = 'QWidget' }
local count = 0

local function number(v, default) return type(v) == 'number' and v == v and v or default end

-- How large a widget's surface is: whole pixels within what surfaces may have. One without a size fills the one it is in.
local function size_of(self)
   local properties, outer = rawget(self, 'properties'), rawget(self, 'parent')
   local size = properties.size or properties.geometry or properties.minimumSize
   if type(size) ~= 'table' then
      if outer then return size_of(outer) end
      size = {}
   end
   local function within(v, most) return math.max(1, math.min(most, math.floor(number(v, 1)))) end
   local w = within(size.width or 640, 16384)
   return w, within(size.height or 480, math.min(16384, 2 ^ 26 / w))
end

local methods = {}
for name in ([[update repaint raise lower setFocus adjustSize deleteLater activateWindow setMouseTracking setAttribute
   setWindowFlags updateGeometry]]):gmatch '%S+' do
   methods[name] = function() end
end
function methods:show() rawget(self, 'properties').visible = true end
function methods:hide() rawget(self, 'properties').visible = false end
function methods:close()
   rawget(self, 'properties').visible = false
   return true
end
function methods:totable() return rawget(self, 'properties') end

function Widget.__index(self, key)
   if methods[key] then return methods[key] end
   local found = rawget(self, 'properties')[key]
   if found ~= nil then return found end
   found = rawget(self, 'children')[key]
   if found ~= nil then return found end
   if key == 'class' then return rawget(self, 'kind') end
   if key == 'size' then
      local w, h = size_of(self)
      return _G.qt.QSize { width = w, height = h }
   elseif key == 'width' or key == 'height' then
      local w, h = size_of(self)
      return key == 'width' and w or h
   end
end

function Widget.__newindex(self, key, value)
   rawget(self, 'properties')[key] = value
   local surface = rawget(self, 'surface')
   if surface and (key == 'size' or key == 'geometry') then
      local w, h = size_of(self)
      if w ~= surface.w or h ~= surface.h then surface:resize(w, h) end
   end
end

-- A widget with these properties and children, within another or on its own.
function widgets.new(parent, kind, properties)
   local self = setmetatable({ kind = kind or 'QWidget', properties = properties or { visible = false }, children = {} }, Widget)
   if widgets.is(parent) then
      rawset(self, 'parent', parent)
   else
      count = count + 1
      rawset(self, 'id', 'window-' .. count)
   end
   return self
end

function widgets.is(v) return type(v) == 'table' and debug.getmetatable(v) == Widget end

-- Adds a child by its name.
function widgets.adopt(self, name, child)
   rawset(child, 'parent', self)
   -- names are those of the whole window, as programs ask for them
   local top = self
   while top do
      rawget(top, 'children')[name] = child
      top = rawget(top, 'parent')
   end
end

-- The surface that a widget is painted on.
function widgets.surface(self)
   local surface = rawget(self, 'surface')
   if not surface then
      surface = painter.new(size_of(self))
      rawset(self, 'surface', surface)
   end
   return surface
end

local function top_of(self)
   while rawget(self, 'parent') do self = rawget(self, 'parent') end
   return self
end

-- Shows what a widget's surface has, now or when the running command is done.
function widgets.present(self, now)
   local top = top_of(self)
   if rawget(top, 'properties').visible == false then return end
   local title = rawget(top, 'properties').windowTitle
   title = type(title) == 'string' and title ~= '' and title or nil
   local caption = title and not title:find '^image%.%a+$' and title or nil
   local function show()
      pictures.show { pixels = widgets.surface(self).canvas, id = rawget(top, 'id'), name = title or 'the window', caption = caption }
   end
   pictures.later(rawget(top, 'id'), show)
   if now then pictures.flush(rawget(top, 'id')) end
end

return widgets
