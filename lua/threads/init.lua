-- Package threads: Lua states on threads of their own, which get jobs as functions.
local native = require 'rekindle.native'
local rows = native.functions
local threads = {}

-- how long a wait goes on before it looks whether the program was interrupted, in milliseconds
threads._patience = 200

local function class(name, methods)
   local mt = native.metatables['threads.' .. name]
   for k, f in pairs(methods) do mt[k] = f end
   mt.__index, mt.__native = mt, true
   mt.__typename = 'threads.' .. name
   function mt.free() end
   return mt
end

-- ---- Mutex ----

local mutex = rows['threads.Mutex']
class('Mutex', { id = mutex.id, unlock = mutex.unlock, lock = function(m)
   repeat until mutex.take(m, threads._patience)
end })
function threads.Mutex(id) return id and rows.threads.Mutex(id) or rows.threads.Mutex() end

-- ---- Condition ----

local condition = rows['threads.Condition']
class('Condition', { id = condition.id, signal = condition.signal, wait = function(c, m)
   local again = false
   repeat
      local signalled = condition.await(c, m, again, threads._patience)
      again = true
   until signalled
   m:lock()
end })
function threads.Condition(id) return id and rows.threads.Condition(id) or rows.threads.Condition() end

-- ---- Channel: texts from thread to thread ----

local channel = rows['threads.Channel']
class('Channel', { len = channel.len, room = channel.room, push = function(c, text)
   repeat until channel.push(c, text, threads._patience)
end, pop = function(c)
   local text
   repeat text = channel.pop(c, threads._patience) until text
   return text
end })
threads._Channel = rows.threads.Channel

-- ---- Thread ----

local thread = rows['threads.Thread']
-- waits for its end; what went wrong in it is told
local Thread = class('Thread', { ended = thread.ended })
function Thread.free(t)
   while not thread.ended(t) do require('sys').sleep(0.001) end
   local why = thread.join(t)
   if why then io.stderr:write('thread: ', why, '\n') end
end
function threads.Thread(code)
   if type(code) ~= 'string' then error('threads.Thread: expected a piece of Lua as text, got a ' .. type(code), 2) end
   return rows.threads.Thread(code)
end

threads.safe = require 'threads.safe'
require 'rekindle.takes'(threads, 'threads.', { safe = 'f:function' })
threads.Threads = require 'threads.threads'(threads)
threads.Queue = function(...) return require('threads.queue')(...) end

-- once the package was the class itself
return setmetatable(threads, { __call = function(_, ...) return threads.Threads(...) end, __index = threads.Threads })
