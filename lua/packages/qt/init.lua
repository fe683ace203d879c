-- Package qt, without Qt: what programs paint and show goes where pictures go (a notebook, a terminal, a file). There are no windows that
-- anyone could click into, so signals of mouse and keys never come, and timers run within qt.doevents alone.
local widgets = require 'qt.widgets'
local port = require 'qt.port'
local clock = require('rekindle.native').functions.system.monotonic

local qt = { QWidget = widgets.new, QtLuaPainter = port.new, QImage = port.image }

-- ---- values ----

-- a maker of values with these fields, given by name or by place
local function value(kind, ...)
   local names = { ... }
   local class = { class = kind }
   class.__index = class
   function class:totable()
      local copy = {}
      for key, v in pairs(self) do copy[key] = v end
      return copy
   end
   function class:tostring() return kind end
   class.__tostring = class.tostring
   qt[kind] = function(...)
      local self, first = {}, ...
      if type(first) == 'table' then
         for key, v in pairs(first) do self[key] = v end
      else
         for k, name in ipairs(names) do self[name] = (select(k, ...)) end
      end
      return setmetatable(self, class)
   end
end
for _, kind in ipairs { 'QSize', 'QSizeF' } do value(kind, 'width', 'height') end
for _, kind in ipairs { 'QPoint', 'QPointF' } do value(kind, 'x', 'y') end
for _, kind in ipairs { 'QRect', 'QRectF' } do value(kind, 'x', 'y', 'width', 'height') end
value('QFont', 'family')
value('QPen', 'color')
value('QBrush', 'color')
value('QIcon', 'file')
value('QTransform')

local plain_colour
value('QColor', 'r', 'g', 'b', 'a')
plain_colour = qt.QColor
function qt.QColor(...)
   local c = require('rekindle.painter').colour(...)
   if not c then error('qt.QColor: expected a name, #rrggbb or three numbers from 0 to 1, got ' .. tostring((...)), 2) end
   return plain_colour { r = c[1] / 255, g = c[2] / 255, b = c[3] / 255, a = 1 }
end

-- The name of an object's class; nil for what is no object of Qt.
function qt.type(v)
   local class = type(v) == 'table' and v.class
   return type(class) == 'string' and class or nil
end
function qt.isa(v, kind)
   local own = qt.type(v)
   return own ~= nil and (own == kind or kind == 'QObject' or kind == 'QWidget' and widgets.is(v))
end

-- ---- signals and timers ----

local Timer = { class = 'QTimer' }
Timer.__index = Timer
local running = setmetatable({}, { __mode = 'k' })
local told = false

function qt.QTimer() return setmetatable({ interval = 0, singleShot = false, active = false }, Timer) end
function Timer:start(ms)
   if type(ms) == 'number' then self.interval = ms end
   self.active, self.due, running[self] = true, clock() + (tonumber(self.interval) or 0) / 1000, true
   if told or qt.inside then return end
   told = true
   io.stderr:write('qt: there is no window system here: timers run while the program is in qt.doevents() alone, not when it has ended\n')
end
function Timer:stop() self.active, running[self] = false, nil end
function Timer:deleteLater() self:stop() end

local Listener = { class = 'QtLuaListener' }
Listener.__index = Listener
function qt.QtLuaListener(widget) return setmetatable({ widget = widget }, Listener) end

-- Calls f for a signal of an object. Signals of mouse, keys and sizes never come.
function qt.connect(object, signal, f)
   if type(object) ~= 'table' or type(signal) ~= 'string' then
      error('qt.connect: expected an object and the name of a signal, got ' .. torch.type(object) .. ' and ' .. torch.type(signal), 2)
   end
   local slots = rawget(object, 'slots')
   if not slots then
      slots = {}
      rawset(object, 'slots', slots)
   end
   if type(f) == 'function' then slots[#slots + 1] = { signal = signal, f = f } end
   return true
end
function qt.disconnect(object, signal, f)
   local slots = type(object) == 'table' and rawget(object, 'slots') or {}
   for k = #slots, 1, -1 do
      if (signal == nil or slots[k].signal == signal) and (f == nil or slots[k].f == f) then table.remove(slots, k) end
   end
   return true
end

local function emit(object, signal, ...)
   local slots = {}
   for k, slot in ipairs(rawget(object, 'slots') or {}) do slots[k] = slot end
   for _, slot in ipairs(slots) do
      if slot.signal == signal then slot.f(...) end
   end
end

-- Runs the timers that are due, once each; with `wait` it waits for the first of them.
function qt.doevents(wait)
   local due, next_time = {}, nil
   for timer in pairs(running) do
      if timer.due <= clock() then due[#due + 1] = timer end
      next_time = math.min(next_time or timer.due, timer.due)
   end
   if wait and #due == 0 and next_time then
      require('sys').sleep(math.max(0, next_time - clock()))
      return qt.doevents(false)
   end
   table.sort(due, function(a, b) return a.due < b.due end)
   local fine, why = true, nil
   qt.inside = true
   for _, timer in ipairs(due) do
      if timer.active then
         if timer.singleShot then timer:stop() else timer.due = clock() + (tonumber(timer.interval) or 0) / 1000 end
         fine, why = pcall(emit, timer, 'timeout()')
         if not fine then break end
      end
   end
   qt.inside = false
   if not fine then error(why, 0) end
end

-- nobody would end a pause
function qt.pause() return nil end
function qt.openUrl() return false end

qt.qApp = { class = 'QApplication', processEvents = function() qt.doevents() end, quit = function() end }
function qt.qApp.runsWithoutGraphics() return true end

_G.qt = qt
return qt
