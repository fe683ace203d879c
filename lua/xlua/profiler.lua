-- xlua.Profiler: named stopwatches for real and processor time.
local clock = require('rekindle.native').functions.sys.clock
local Profiler = {}
Profiler.__index = Profiler

-- starts a watch; with 'fps' the report says how often a second it would go round
function Profiler:start(name, fps)
   if name == nil then error('xlua.Profiler:start: a name expected, got nothing', 2) end
   local event = self.events[name]
   if not event then
      event = { name = name }
      self.events[name] = event
      self.list[#self.list + 1] = event
   end
   event.cpu, event.real = os.clock(), clock()
   if fps == 'fps' then event.fps = true end
   if self.verbose then
      io.write('<', name, '>')
      io.flush()
   end
end

-- the watch of this name, or an error where the caller called
local function watch(self, name)
   local event = self.events[name]
   if not event then error('# ERROR: There is no such profiler - ' .. tostring(name) .. ', create it first', 3) end
   return event
end

function Profiler:setColor(name, color) watch(self, name).color = color end

-- the time since the start, over `divider` where there is one
local function passed(event, kind, now, divider)
   local time = (now - event[kind]) / (divider or 1)
   event[kind .. 'd'] = time
   return time
end

function Profiler:real(name, divider) return passed(watch(self, name), 'real', clock(), divider) end

function Profiler:cpu(name, divider) return passed(watch(self, name), 'cpu', os.clock(), divider) end

-- reads a watch; gives the real and the processor time, each over `divider`
function Profiler:lap(name, divider)
   local event = watch(self, name)
   local real, cpu = passed(event, 'real', clock(), divider), passed(event, 'cpu', os.clock(), divider)
   if self.verbose then
      io.write('\r')
      self:print(name)
   end
   return real, cpu
end

-- a watch that was not read yet shows -1
local function times(event) return event.reald or -1, event.cpud or -1 end

function Profiler:format(name)
   local real, cpu = times(watch(self, name))
   return ('$ real | cpu: %f | %f <%s>'):format(real, cpu, name)
end

function Profiler:formatAll()
   local lines = { '$ profiler report:' }
   for _, event in ipairs(self.list) do
      local real, cpu = times(event)
      local line = ('$ real %f | cpu %f <%s>'):format(real, cpu, event.name)
      lines[#lines + 1] = event.fps and line .. (' = %f fps'):format(1 / real) or line
   end
   return table.concat(lines, '\n')
end

for shown, text in pairs { print = 'format', printAll = 'formatAll' } do
   Profiler[shown] = function(self, ...)
      if not self.off then print(self[text](self, ...)) end
   end
end

local function new(mode, verbose)
   return setmetatable({ off = mode == 'off', verbose = verbose or false, events = {}, list = {} }, Profiler)
end

xlua.Profiler = new
rawset(_G, 'Profiler', new)
return new
