-- `th --profile`: times what modules and criteria compute, by class and by instance.
--
-- Objects of nn look their methods up through their class (torch.class). Once this has started, the lookup of a method
-- below gives a function that times it, so every call through an object counts: those of containers, of graphs and of
-- the program. Calls of a parent's method by its class (`parent.updateOutput(self, input)`) belong to the object's own.
-- Classes themselves stay as they are, whatever is redefined in them, and whenever.
local native = require 'rekindle.native'
local report = require 'rekindle.timings'
local clock = native.functions.system.monotonic
-- kept from programs that replace them
local getinfo, getlocal, running, pcall, stderr = debug.getinfo, debug.getlocal, coroutine.running, pcall, io.stderr
local raw_error, raw_traceback, raw_exit = error, debug.traceback, os.exit
local profile = {}

-- methods that are timed, and what they are called in tables
local METHODS = {
   updateOutput = 'forward', updateGradInput = 'gradInput', accGradParameters = 'accGradParameters', backward = 'backward',
}
-- A trace holds so many calls at most: 40 megabytes.
local MOST_EVENTS = 1000000
-- How far above a call the one that made it may be, in frames of the stack. There are about five between a container and
-- its modules.
local REACH = 100

local began, file
local instances = setmetatable({}, { __mode = 'k' })    -- object -> what is known of it
local list = {}                                         -- the same in the order of their first calls
local classes = {}                                      -- class name -> method -> sums
local events                                            -- instance, method, thread, start, duration; over and over
local threads, thread_count = setmetatable({}, { __mode = 'k' }), 0
local timers = setmetatable({}, { __mode = 'k' })       -- functions that time others

------------------------------------------------------------------------------------------ who is called by whom

-- The timed call that the running one was made in, from the stack itself: errors and coroutines leave it right.
-- Called by `enter`, which a timer calls.
local function enclosing()
   for level = 4, REACH do
      local info = getinfo(level, 'f')
      if not info then return nil end
      if timers[info.func] then
         local _, call = getlocal(level, 1)
         if call then return call end
      end
   end
end

-- Where an object is in another: its number among the modules, or the name of a field.
local function place(outer, object)
   local modules = rawget(outer, 'modules')
   for i, m in ipairs(type(modules) == 'table' and modules or {}) do
      if rawequal(m, object) then return tostring(i) end
   end
   local found
   local function candidate(name) if not found or name < found then found = name end end
   for key, value in next, outer do
      if rawequal(value, object) then
         candidate(tostring(key))
      elseif type(key) == 'string' and type(value) == 'table' and not getmetatable(value) then
         for i, entry in ipairs(value) do
            if rawequal(entry, object) then candidate(key .. '.' .. i) end
         end
      end
   end
   return found
end

local function is_inside(instance, other)
   while instance do
      if instance == other then return true end
      instance = instance.outer
   end
   return false
end

local function instance_of(object, parent)
   local instance = instances[object]
   if not instance then
      -- the object itself only weakly, so that programs keep their memory
      instance = { class = torch.type(object), object = setmetatable({ object }, { __mode = 'v' }), sums = {} }
      instances[object] = instance
      list[#list + 1] = instance
   end
   if parent and not instance.outer and not is_inside(parent.instance, instance) then
      local outer = parent.instance.object[1]
      instance.outer, instance.step = parent.instance, outer and place(outer, object)
   end
   return instance
end

------------------------------------------------------------------------------------------ timing

local function enter(method, object)
   local asked = clock()
   if type(object) ~= 'table' then return nil end
   local parent = enclosing()
   -- inside: what calls within took; lost: what timing them took, which is nobody's
   local call = { method = method, instance = instance_of(object, parent), parent = parent, inside = 0, lost = 0 }
   call.start = clock()
   call.asked = asked
   return call
end

local function add(sums, method, total, own)
   local sum = sums[method]
   if not sum then
      sum = { calls = 0, total = 0, own = 0 }
      sums[method] = sum
   end
   sum.calls, sum.total, sum.own = sum.calls + 1, sum.total + total, sum.own + own
end

local function note_event(call, now)
   local thread = running() or 'main'
   if not threads[thread] then
      thread_count = thread_count + 1
      threads[thread] = thread_count
   end
   local n = #events
   if n >= 5 * MOST_EVENTS then return end
   events[n + 1], events[n + 2], events[n + 3] = call.instance, call.method, threads[thread]
   events[n + 4], events[n + 5] = call.start - began, now - call.start
end

local function finish(call)
   local now = clock()
   local instance, method = call.instance, call.method
   local total = now - call.start - call.lost
   -- a call within one of its kind is part of that one's total
   local again, alike = false, false
   local above = call.parent
   while above do
      if above.method == method then
         again = again or above.instance == instance
         alike = alike or above.instance.class == instance.class
      end
      above = above.parent
   end
   local own = total - call.inside
   add(instance.sums, method, again and 0 or total, own)
   classes[instance.class] = classes[instance.class] or {}
   add(classes[instance.class], method, alike and 0 or total, own)
   if events then note_event(call, now) end
   local parent = call.parent
   if parent then
      parent.inside = parent.inside + total
      parent.lost = parent.lost + call.lost + (call.start - call.asked) + (clock() - now)
   end
end

local function leave(call, ...)
   if call then finish(call) end
   return ...
end

local function timer_of(method, f)
   -- `call` is the first variable, where `enclosing` finds it; by an index, f has no other name in tracebacks
   local held = { f }
   local function timer(...)
      local call = enter(method, (...))
      return leave(call, held[1](...))
   end
   timers[timer] = true
   return timer
end

local made = {}
for method in pairs(METHODS) do made[method] = setmetatable({}, { __mode = 'kv' }) end

-- what every module and criterion has computes nothing itself
local function is_common(method, f)
   for _, name in ipairs { 'nn.Module', 'nn.Criterion' } do
      local class = torch.getmetatable(name)
      if class and rawget(class, method) == f then return true end
   end
end

local function timed(method, f)
   if is_common(method, f) then return f end
   local timer = made[method][f]
   if not timer then
      timer = timer_of(METHODS[method], f)
      made[method][f] = timer
   end
   return timer
end

-- the lookup of a class, for torch._watch
local function watch(class, index)
   local up = class
   while up and up.__typename ~= 'nn.Module' and up.__typename ~= 'nn.Criterion' do
      up = debug.getmetatable(up)
      up = up and up.parent
   end
   if not up then return index end
   return function(object, key)
      local value = index(object, key)
      if METHODS[key] and type(value) == 'function' then return timed(key, value) end
      return value
   end
end

------------------------------------------------------------------------------------------ errors as without it

-- Levels do not count timers, so messages name the line that they would name without.
local function level_error(message, level)
   if type(level) ~= 'number' or level < 2 then return raw_error(message, level) end
   local at, left = 2, math.floor(level)
   while true do
      local info = getinfo(at, 'f')
      if not info then break end
      if not timers[info.func] then left = left - 1 end
      if left == 0 then break end
      at = at + 1
   end
   -- by a tail call, which leaves no frame of this function
   return raw_error(message, at - 1)
end

-- A traceback without timers; the functions that they time have the names they were called by.
local function shown(text)
   if type(text) ~= 'string' then return text end
   local own = '\n\trekindle/profile%.lua:%d+: in function '
   return (text:gsub('<[^\n]*>' .. own .. "('[^\n]*')", '%1'):gsub(own .. '[^\n]*', ''))
end

local function traceback(...)
   local n, first, second = select('#', ...), ...
   if n == 0 then return shown(raw_traceback('', 2)):sub(2) end
   if type(first) == 'thread' then return shown(raw_traceback(...)) end
   return shown(raw_traceback(first, (tonumber(second) or 1) + 1))
end

local function exit(code, ...)
   -- what it does not take is an error, and the program goes on
   if code == nil or type(code) == 'boolean' or tonumber(code) then
      local why = profile.finish()
      if why then stderr:write('th: ', why, '\n') end
   end
   return raw_exit(code, ...)
end

------------------------------------------------------------------------------------------ start and end

-- Starts timing; at the end a trace goes to the file of this name, where there is one. Gives the text of an error, or nil.
function profile.start(name)
   if began then return nil end
   if name then
      -- a file that cannot be written is an error now, not after hours
      local ok, opened = pcall(native.functions.files.DiskFile, name, 'w', false, true)
      if not ok then return '--profile: ' .. tostring(opened) end
      opened:discard()
      file, events = name, {}
   end
   for _, f in ipairs { level_error, traceback, exit } do native.own_functions[f] = true end
   error, debug.traceback, os.exit = level_error, traceback, exit
   torch._watch(watch)
   began = clock()
end

-- Prints the tables and writes the trace, once. Gives the text of an error, or nil.
function profile.finish()
   if not began then return nil end
   local results = { seconds = clock() - began, instances = list, classes = classes, events = events }
   began = nil
   torch._watch(nil)
   report.name(list)
   io.stdout:flush()
   report.print(results, stderr)
   if not file then return nil end
   local ok, why = pcall(report.write, results, file)
   if not ok then return '--profile: ' .. tostring(why) end
   if #events >= 5 * MOST_EVENTS then
      stderr:write(string.format('the trace holds the first %d calls\n', MOST_EVENTS))
   end
end

return profile
