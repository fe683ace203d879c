-- `th --profile`: spans of `tracing` around what modules and criteria compute, which src/spans sums up.
--
-- Objects of nn look their methods up through their class (torch.class). Once this has started, the lookup of a method
-- below gives a function that opens a span around it, so every call through an object counts: those of containers, of
-- graphs and of the program. Calls of a parent's method by its class (`parent.updateOutput(self, input)`) belong to the
-- object's own. Classes themselves stay as they are, whatever is redefined in them, and whenever.
local native = require 'rekindle.native'
local spans, clock = native.functions.spans, native.functions.system.monotonic
-- kept from programs that replace them
local getinfo, getlocal, running, pcall, stderr = debug.getinfo, debug.getlocal, coroutine.running, pcall, io.stderr
local raw_error, raw_traceback, raw_exit = error, debug.traceback, os.exit
local profile = {}

-- methods that are timed, and what they are called in tables
local METHODS = {
   updateOutput = 'forward', updateGradInput = 'gradInput', accGradParameters = 'accGradParameters', backward = 'backward',
}
-- How far above a call the one that made it may be, in frames of the stack. There are about five between a container and
-- its modules.
local REACH = 100

local started, file
local instances = setmetatable({}, { __mode = 'k' })    -- object -> what is known of it
local list = {}                                         -- the same in the order of their first calls, by number
local threads, thread_count = setmetatable({}, { __mode = 'k' }), 0
local timers = setmetatable({}, { __mode = 'k' })       -- functions that time others

------------------------------------------------------------------------------------------ who is called by whom

-- The timed call that the running one was made in, and its instance, from the stack itself: errors and coroutines leave
-- it right. Called by `enter`, which a timer calls.
local function enclosing()
   for level = 4, REACH do
      local info = getinfo(level, 'f')
      if not info then return nil end
      if timers[info.func] then
         local _, call = getlocal(level, 1)
         if call then
            local _, instance = getlocal(level, 2)
            return call, instance
         end
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

local function instance_of(object, outer)
   local instance = instances[object]
   if not instance then
      -- the object itself only weakly, so that programs keep their memory
      instance = { class = torch.type(object), object = setmetatable({ object }, { __mode = 'v' }), number = #list + 1 }
      instances[object] = instance
      list[instance.number] = instance
   end
   if outer and not instance.outer and not is_inside(outer, instance) then
      local container = outer.object[1]
      instance.outer, instance.step = outer, container and place(container, object)
   end
   return instance
end

------------------------------------------------------------------------------------------ spans

local function enter(method, object)
   local asked = clock()
   if type(object) ~= 'table' then return nil end
   local caller, outer = enclosing()
   local instance = instance_of(object, outer)
   local thread = running() or 'main'
   if not threads[thread] then
      thread_count = thread_count + 1
      threads[thread] = thread_count
   end
   return spans.enter(method, instance.class, instance.number, threads[thread], clock() - asked, caller), instance
end

local function leave(call, ...)
   if call then spans.leave(call) end
   return ...
end

local function timer_of(method, f)
   -- the first two variables are where `enclosing` finds them; by an index, f has no other name in tracebacks
   local held = { f }
   local function timer(...)
      local call, instance = enter(method, (...))
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

------------------------------------------------------------------------------------------ names

-- Gives every instance its `path`: the classes and places from the outermost container on, `Sequential.2.Linear`. Where
-- several outermost ones are of a class, all but the first have a number.
local function name_instances()
   local count = {}
   local function path(instance)
      if instance.path then return instance.path end
      local name = instance.class:match('[^.]+$') or instance.class
      if instance.outer then
         local step = instance.step and instance.step .. '.' or ''
         instance.path = path(instance.outer) .. '.' .. step .. name
      else
         count[name] = (count[name] or 0) + 1
         instance.path = count[name] == 1 and name or name .. '#' .. count[name]
      end
      return instance.path
   end
   for _, instance in ipairs(list) do path(instance) end
end

-- An object's own text where that is one line; else its class. Texts of containers have many, and those within them too.
local function text_of(instance)
   local object = instance.object[1]
   if object and not rawget(object, 'modules') then
      local ok, own = pcall(tostring, object)
      if ok and type(own) == 'string' and not own:find('%c') then return own end
   end
   return instance.class
end

------------------------------------------------------------------------------------------ start and end

-- Starts timing; at the end a trace goes to the file of this name, where there is one.
function profile.start(name)
   if started then return end
   started, file = true, name
   for _, f in ipairs { level_error, traceback, exit } do native.own_functions[f] = true end
   error, debug.traceback, os.exit = level_error, traceback, exit
   torch._watch(watch)
end

-- Prints the tables and writes the trace, once. Gives the text of an error, or nil.
function profile.finish()
   if not started then return nil end
   started = false
   torch._watch(nil)
   name_instances()
   for _, instance in ipairs(list) do spans.describe(instance.number, instance.path, text_of(instance)) end
   io.stdout:flush()
   stderr:write(spans.tables())
   if not file then return nil end
   local ok, more = pcall(spans.writeTrace, file)
   if not ok then return '--profile: ' .. tostring(more) end
   if more then stderr:write('the trace holds the first million calls\n') end
end

return profile
