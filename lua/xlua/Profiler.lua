-- xlua.Profiler: measures named stretches of a program, real and processor time.
require 'sys'

local Profiler = {}
Profiler.__index = Profiler

-- Begins (again) to measure `name`. Further words: 'fps' to report a rate as well, 'cpu' or 'gpu' are accepted for
-- the sake of old scripts and change nothing.
function Profiler:start(name, ...)
   local event = self.events[name]
   if not event then
      event = { name = name, color = 'black', reals = -1, cpu = -1, fps = false }
      self.events[name] = event
      table.insert(self.list, event)
   end
   for i = 1, select('#', ...) do
      if select(i, ...) == 'fps' then event.fps = true end
   end
   event.start_real, event.start_cpu = sys.clock(), os.clock()
end

local function find(self, name, what)
   local event = self.events[name]
   if not event then error('Profiler:' .. what .. ': There is no such profiler - ' .. tostring(name) .. ', create it first', 3) end
   return event
end

-- The colour in which `name` is printed: a name of sys.COLORS.
function Profiler:setColor(name, color) find(self, name, 'setColor').color = color end

-- Seconds since the start of `name`: real, then processor. `count` is how many items were handled meanwhile.
function Profiler:lap(name, count)
   local event = find(self, name, 'lap')
   event.reals, event.cpu = sys.clock() - event.start_real, os.clock() - event.start_cpu
   if event.fps then event.rate = (count or 1) / event.reals end
   if self.verbose then self:print(name) end
   return event.reals, event.cpu
end

local function rate(event) return event.rate and string.format(' = %f fps', event.rate) or '' end

-- The last lap of `name` as a line; -1 before there is one.
function Profiler:format(name)
   local event = find(self, name, 'format')
   return string.format('$ real | cpu: %f | %f <%s>', event.reals, event.cpu, event.name) .. rate(event)
end

-- The last laps of everything, in the order in which they were started.
function Profiler:formatAll()
   local lines = { '$ profiler report:' }
   for i, event in ipairs(self.list) do
      lines[i + 1] = string.format('$ real %f | cpu %f <%s>', event.reals, event.cpu, event.name) .. rate(event)
   end
   return table.concat(lines, '\n')
end

function Profiler:print(name)
   if self.off then return end
   local event = find(self, name, 'print')
   print((sys.COLORS[event.color] or '') .. self:format(name) .. sys.COLORS.none)
end

function Profiler:printAll()
   if not self.off then print(self:formatAll()) end
end

-- Words: 'off' for one that prints nothing, 'verbose' to print every lap.
return function(...)
   local profiler = setmetatable({ events = {}, list = {}, off = false, verbose = false }, Profiler)
   for i = 1, select('#', ...) do
      local word = select(i, ...)
      if word == 'off' then profiler.off = true elseif word == 'verbose' then profiler.verbose = true end
   end
   return profiler
end
