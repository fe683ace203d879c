-- xlua.Profiler: named stopwatches for real and processor time.
local xlua = xlua
local clock = require('rekindle.native').functions.sys.clock
local Profiler = {}
Profiler.__index = Profiler

function Profiler:start(name, fps)
   if self.off then return end
   local event = self.events[name]
   if not event then
      event = { name = name }
      self.events[name] = event
      self.list[#self.list + 1] = event
   end
   event.fps = fps and true or event.fps
   event.real, event.cpu = -1, -1
   event.realStart, event.cpuStart = clock(), os.clock()
end

function Profiler:setColor(name, color)
   local event = self.events[name]
   if not event then
      if not self.off then error('# ERROR: There is no such profiler - ' .. name .. ', create it first', 2) end
      event = { name = name }
      self.events[name] = event
   end
   event.color = color
end

-- stops a watch; gives the real and the processor time
function Profiler:lap(name, steps)
   if self.off then return end
   local event = self.events[name]
   if not event then error('there is no such profiler - ' .. tostring(name), 2) end
   event.real, event.cpu = clock() - event.realStart, os.clock() - event.cpuStart
   event.steps = steps or 1
   if self.verbose then self:print(name) end
   return event.real, event.cpu
end

local function colored(event, text)
   local sys = rawget(_G, 'sys')
   local code = event.color and sys and sys.COLORS and sys.COLORS[event.color]
   return code and code .. text .. sys.COLORS.none or text
end

function Profiler:format(name)
   local e = self.events[name]
   if not e or not e.real then return '' end
   local text
   if e.real < 0 then
      text = ('$ real | cpu: %f | %f <%s>'):format(e.real, e.cpu, e.name)
   else
      text = ('$ real %f | cpu %f <%s>'):format(e.real, e.cpu, e.name)
      if e.fps then text = text .. (' = %f fps'):format((e.steps or 1) / e.real) end
   end
   return colored(e, text)
end

function Profiler:formatAll()
   local lines = { '$ profiler report:' }
   for _, e in ipairs(self.list) do lines[#lines + 1] = self:format(e.name) end
   return table.concat(lines, '\n')
end

for shown, text in pairs { print = 'format', printAll = 'formatAll' } do
   Profiler[shown] = function(self, ...)
      if not self.off then print(self[text](self, ...)) end
   end
end

function xlua.Profiler(mode, verbose)
   return setmetatable({ off = mode == 'off', verbose = verbose or mode == 'verbose' or false, events = {}, list = {} }, Profiler)
end
rawset(_G, 'Profiler', xlua.Profiler)
return xlua.Profiler
