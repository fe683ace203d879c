-- Package ipc: threads, what they share, connections, processes.
local native = require 'rekindle.native'
local rows = native.functions
local travel = require 'threads.travel'
local ipc = {}
package.loaded.ipc = ipc

-- how long a wait goes on before it looks whether the program was interrupted, in milliseconds
local PATIENCE = 200

local function class(name, methods)
   local mt = native.metatables['ipc.' .. name]
   for k, f in pairs(methods) do mt[k] = f end
   mt.__index = mt.__index or mt
   mt.__native, mt.__typename = true, 'ipc.' .. name
   return mt
end

-- ---- marshal: an object as it is now, to be read as often as one likes ----

class('marshal', { read = travel.unpack }).__typename = nil
function ipc.marshal(object, upvalues) return travel.pack(object, upvalues == true) end

-- ---- channel ----

local mailbox = rows['ipc.channel']
-- waits for a value, or not
local function read(box, now, again)
   repeat
      local state, parcel = mailbox.read(box, now and 0 or PATIENCE, again or false)
      again = false
      if parcel then return state, parcel end
   until now or state ~= 0
   return mailbox.state(box)
end

local function each(f, upvalues, ...)
   local state
   for i = 1, math.max(select('#', ...), 1) do state = f(travel.pack((select(i, ...)), upvalues)) end
   return state
end

class('channel', {
   write = function(box, ...) return each(function(parcel) return mailbox.write(box, parcel) end, false, ...) end,
   writeup = function(box, ...) return each(function(parcel) return mailbox.write(box, parcel) end, true, ...) end,
   read = function(box, now)
      local state, parcel = read(box, now)
      if parcel then return state, travel.unpack(parcel) end
      return state
   end,
   num_items = mailbox.len,
   close = mailbox.close,
   closed = function(box) return mailbox.state(box) ~= 0 end,
   drained = function(box) return mailbox.state(box) == 2 end,
})
ipc.channel = setmetatable({ OPEN = 0, CLOSED = 1, DRAINED = 2 }, { __call = function() return rows.ipc.mailbox() end })

-- ---- mutex ----

local gate = rows['ipc.mutex']
class('mutex', {
   lock = function(g)
      repeat until gate.lock(g, PATIENCE)
   end,
   unlock = gate.unlock,
   barrier = function(g, n)
      local round = gate.arrive(g, n)
      repeat until gate.passed(g, round, PATIENCE)
   end,
})
function ipc.mutex() return rows.ipc.gate() end

-- ---- sharedtable ----

local shared = rows['ipc.sharedtable']
local function received(value)
   if type(value) == 'userdata' then return travel.unpack(value) end
   return value
end
local function keyed(key)
   local kind = type(key)
   if kind ~= 'number' and kind ~= 'string' then error('ipc.sharedtable: expected a number or a text as key, got a ' .. kind, 3) end
   return key
end
local function sent(value)
   local kind = type(value)
   if kind == 'number' or kind == 'string' or kind == 'boolean' or kind == 'nil' then return value end
   return travel.pack(value, false)
end
class('sharedtable', {
   __index = function(t, key) return received(shared.get(t, keyed(key))) end,
   __newindex = function(t, key, value) shared.set(t, keyed(key), sent(value)) end,
   __len = function(t) return shared.len(t) end,
   __pairs = function(t)
      local place = 0
      return function()
         local entry = shared.following(t, place)
         if not entry then return nil end
         place = entry[1]
         return entry[2], received(entry[3])
      end
   end,
})
function ipc.sharedtable(values, move)
   local t = rows.ipc.table()
   for key, value in pairs(values or {}) do shared.set(t, keyed(key), sent(value)) end
   if move then
      for key in pairs(values or {}) do values[key] = nil end
   end
   return t
end
require 'rekindle.takes'(ipc, 'ipc.', { sharedtable = 'values:list?' })
ipc.sharedtable_size = shared.size

-- ---- map: a function in threads ----

local Map = torch.class('ipc.map_handle', {})
Map = torch.getmetatable 'ipc.map_handle'

-- what thread i gave: true and its results, or false and an error; nil while there is nothing
local function result_of(self, i, now)
   if not self.results[i] then
      repeat
         local ended = self.threads[i]:ended()
         local _, parcel = read(self.boxes[i], true)
         if not parcel and not now then
            _, parcel = mailbox.read(self.boxes[i], PATIENCE)
         end
         if parcel then
            self.results[i] = travel.unpack(parcel)
         elseif ended then
            self.results[i] = { n = 2, false, 'the thread has ended without a result' }
         end
      until now or self.results[i]
   end
   return self.results[i]
end

function Map:join()
   local all, count, problem = {}, 0, nil
   for i = 1, #self.boxes do
      local result = result_of(self, i)
      if not self.told[i] then
         if result[1] then
            for k = 2, result.n do
               count = count + 1
               all[count] = result[k]
            end
         else
            self.told[i] = true
            problem = problem or result[2]
         end
      end
   end
   if problem then error(problem, 0) end
   return unpack(all, 1, count)
end

function Map:checkErrors()
   for i = 1, #self.boxes do
      local result = result_of(self, i, true)
      if result and not result[1] and not self.told[i] then
         self.told[i] = true
         error(result[2], 0)
      end
   end
end

-- Calls f(..., i) in n threads, each with a Lua state of its own.
function ipc.map(n, f, ...)
   if type(n) ~= 'number' or n < 1 then error('ipc.map: expected a number of threads, got ' .. tostring(n), 2) end
   if type(f) ~= 'function' then error('ipc.map: expected a function, got a ' .. type(f), 2) end
   local ok, job = pcall(travel.pack, { f = f, n = select('#', ...), ... })
   if not ok then error('ipc.map: ' .. tostring(job), 2) end
   local threads = require 'threads'
   local self = setmetatable({ boxes = {}, threads = {}, results = {}, told = {} }, Map)
   for i = 1, n do
      self.boxes[i] = rows.ipc.mailbox()
      self.threads[i] = threads.Thread(("require 'ipc.worker' (%d, %d, %d)"):format(rows.threads.park(job),
         rows.threads.park(self.boxes[i]), i))
   end
   return self
end

-- ---- workqueue: questions of one thread, answers of others ----

-- which Lua state this is
local me = rows.ipc.identity()
local Queue = torch.class('ipc.queue', {})
Queue = torch.getmetatable 'ipc.queue'

local function boxes(self)
   if self.owner == me then return self.answers, self.questions end
   return self.questions, self.answers
end

function Queue:read(now)
   local from = boxes(self)
   local _, parcel = read(from, now, self.took == me)
   self.took = parcel and me or nil
   if parcel then return travel.unpack(parcel) end
   return nil
end
local function put(self, upvalues, ...)
   local _, to = boxes(self)
   each(function(parcel) return mailbox.write(to, parcel) end, upvalues, ...)
end
function Queue:write(...) put(self, false, ...) end
function Queue:writeup(...) put(self, true, ...) end
-- until every question was taken and every thread has asked for the next one
function Queue:drain()
   local _, to = boxes(self)
   repeat until mailbox.quiet(to, PATIENCE)
end
function Queue:close() end
-- `write` is not for files
function Queue:__write(file) file:writeObject { owner = self.owner, questions = self.questions, answers = self.answers } end
function Queue:__read(file)
   for name, value in pairs(file:readObject()) do self[name] = value end
end

local kept = {}
-- The queue of this name, or one without a name; and 1 where it is new. Its sizes grow by themselves.
function ipc.workqueue(name)
   if type(name) ~= 'string' then
      return setmetatable({ owner = me, questions = rows.ipc.mailbox(), answers = rows.ipc.mailbox() }, Queue), 1
   end
   local questions, answers, new = rows.ipc.pair(name)
   if new then kept[name] = me end
   -- whoever made it is its owner; others answer
   return setmetatable({ owner = kept[name], questions = questions, answers = answers }, Queue), new and 1 or 0
end

class('connection', {})
class('listener', {})

-- ---- processes ----

local process = rows['ipc.process']
local function entries(list, what, separator)
   if type(list) ~= 'table' then error(string.format('ipc.spawn: expected a table as %s, got a %s', what, type(list)), 3) end
   local texts = {}
   for i, v in ipairs(list) do texts[i] = tostring(v) .. separator end
   return table.concat(texts)
end

class('process', {
   pid = process.pid,
   running = function(p) return not process.ended(p) end,
   stdin = function(p, text)
      if text == nil then process.endInput(p) else process.stdin(p, text) end
   end,
   stdout = function(p, what)
      if type(what) == 'number' then return process.output(p, what) end
      if what == nil or what == '*line' or what == '*l' then return process.line(p) end
      if what == '*all' or what == '*a' then return process.output(p, 1e15) end
      error("ipc.spawn: stdout expects '*line', '*all' or a number of bytes, got " .. tostring(what), 2)
   end,
   stdoutFileId = process.pid,
   wait = function(p, signal)
      process.endInput(p)
      if signal then process.signal(p, signal) end
      local sleep = 0.0005
      while not process.ended(p) do
         sys.sleep(sleep)
         sleep = math.min(sleep * 1.5, 0.05)
      end
      return process.code(p)
   end,
})

function ipc.spawn(options)
   if type(options) ~= 'table' then error('ipc.spawn: expected a table of options, got a ' .. type(options), 2) end
   if type(options.file) ~= 'string' then error('ipc.spawn: expected a string as file, got a ' .. type(options.file), 2) end
   local args = entries(options.args or {}, 'args', '\0')
   if options.env then return rows.ipc.spawn(options.file, args, entries(options.env, 'env', '\0')) end
   return rows.ipc.spawn(options.file, args)
end

ipc.getpid, ipc.getppid = rows.ipc.getpid, rows.ipc.getppid
for _, name in ipairs { 'fork', 'waitpid' } do
   ipc[name] = function()
      error('ipc.' .. name .. ' is not there: a process with threads does not survive in two; ipc.map and ipc.spawn are', 2)
   end
end

-- ---- locked files ----

local locked = rows['ipc.flock']
class('flock', { read = locked.read, write = locked.write, close = locked.close })
-- waits until nobody else has the file, or gives nil where somebody has and `now` is true
function ipc.flock(path, now)
   while true do
      local file = rows.ipc.flock(path)
      if file or now then return file end
      sys.sleep(0.01)
   end
end

require 'ipc.sockets' (ipc)
require 'sys'

return ipc
