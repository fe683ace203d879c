-- A pool of threads.
local rows = require('rekindle.native').functions.threads

return function(threads)
   local Threads = { __serialize = 'threads.serialize' }
   Threads.__index = Threads
   local pools = setmetatable({}, { __mode = 'k' })

   -- Notes who has threads. Those that were given up have them until they are collected, and Lua does not see how large a
   -- thread is, so it is asked to look when there are many.
   local owners = setmetatable({}, { __mode = 'k' })
   function threads._own(owner, count)
      local alive = 0
      for _, n in pairs(owners) do alive = alive + n end
      if alive > 32 then collectgarbage() end
      owners[owner] = count
   end

   function Threads.serialization(name)
      if type(name) ~= 'string' then error('Threads.serialization: expected the name of a package', 2) end
      local there, format = pcall(require, name)
      if not there or type(format) ~= 'table' or type(format.save) ~= 'function' or type(format.load) ~= 'function' then
         error(string.format("Threads.serialization: '%s' is no package with functions save and load", name), 2)
      end
      Threads.__serialize = name
   end

   -- lets threads end that nobody can reach any more
   local function stop(channels)
      for _, c in ipairs(channels) do c:push '0:stop' end
   end
   -- at a program's end the channels may be gone before the pool: then its threads end with the program
   local function give_up(channels, jobs, count)
      pcall(stop, channels)
      for _ = 1, count do pcall(stop, { jobs }) end
   end

   local function start(n, ...)
      if type(n) ~= 'number' or n < 1 then error('threads.Threads: expected a number of threads, got ' .. tostring(n), 3) end
      for i = 1, select('#', ...) do
         local f = select(i, ...)
         if type(f) ~= 'function' then error('threads.Threads: expected functions after the number, got a ' .. type(f), 3) end
      end
      local self = setmetatable({ N = n, name = 'threads', endcallbacks = {}, running = 0, last = 0, threads = {},
         threadspecificqueues = {}, threadqueue = threads._Channel(n), mainqueue = threads._Channel(1e9),
         __specific = true, __serialize = Threads.__serialize }, Threads)
      self.format = require(self.__serialize)
      threads._own(self, n)
      for i = 1, n do
         self.threadspecificqueues[i] = threads._Channel(n)
         local code = ("require 'threads.worker' (%d, %q, %d, %d, %d)"):format(i, self.__serialize,
            rows.park(self.threadqueue), rows.park(self.threadspecificqueues[i]), rows.park(self.mainqueue))
         self.threads[i] = threads.Thread(code)
      end
      pools[self] = true
      local channels = self.threadspecificqueues
      local proxy = newproxy(true)
      local jobs, count = self.threadqueue, n
      getmetatable(proxy).__gc = function() give_up(channels, jobs, count) end
      self.proxy = proxy
      -- what the last function gave in each thread
      local results = {}
      for k = 1, select('#', ...) do
         local f = select(k, ...)
         for i = 1, n do self:addjob(i, f, function(...) results[i] = { ... } end, i) end
         -- later functions may need what this one did
         self:synchronize()
      end
      self:specific(false)
      return self, results
   end

   local function check(self)
      if self.ended then error('threads: this pool has been terminated', 3) end
   end

   local function queue_of(self, id)
      if not self.__specific then return self.threadqueue end
      local queue = type(id) == 'number' and self.threadspecificqueues[id]
      if not queue then
         error(('threads: in specific mode the number of a thread comes first (1..%d), got %s'):format(self.N, tostring(id)), 3)
      end
      return queue
   end

   function Threads:isrunning() return not self.ended end

   function Threads:specific(on)
      if on == nil then return self.__specific end
      if type(on) ~= 'boolean' then
         error('specific: true or false expected, got ' .. require('nn.expect').brief(on), 2)
      end
      check(self)
      self:synchronize()
      if on ~= self.__specific then
         for i = 1, self.N do
            -- each thread takes one, and then looks elsewhere
            local queue = self.__specific and self.threadspecificqueues[i] or self.threadqueue
            queue:push '0:switch'
         end
         self.__specific = on
      end
   end

   function Threads:acceptsjob(id)
      check(self)
      local queue = queue_of(self, id)
      return queue:len() < queue:room()
   end
   -- errors of jobs are raised where their results are asked for, so none is ever waiting
   function Threads:haserror() return false end
   function Threads:hasjob() return self.running > 0 end

   function Threads:addjob(...)
      check(self)
      local id, from = nil, 1
      if self.__specific then id, from = (...), 2 end
      local queue = queue_of(self, id)
      local callback, endcallback = select(from, ...)
      if type(callback) ~= 'function' then
         error('addjob: expected a function as job, got a ' .. type(callback), 2)
      end
      if endcallback ~= nil and type(endcallback) ~= 'function' then
         error('addjob: expected a function that gets the results, got a ' .. type(endcallback), 2)
      end
      local n = math.max(select('#', ...) - from - 1, 0)
      local job = { f = callback, n = n }
      for i = 1, n do job[i] = (select(from + 1 + i, ...)) end
      local text = self.format.save(job):string()
      while queue:len() >= queue:room() and self.running > 0 do self:dojob() end
      self.last = self.last + 1
      self.endcallbacks[self.last] = endcallback or function() end
      self.running = self.running + 1
      queue:push(self.last .. ':' .. text)
   end

   local function endcallback_error(thread)
      return function(why)
         if type(why) ~= 'string' then return why end
         return debug.traceback(('[thread %d endcallback] %s'):format(thread, why), 2)
      end
   end

   -- waits for a result and hands it to its function
   function Threads:dojob()
      check(self)
      if self.running == 0 then error('dojob: there is no job to wait for', 2) end
      local text = self.mainqueue:pop()
      local number, thread, kind, message = text:match('^(%d+):(%d+):(%a):(.*)$')
      number, thread = tonumber(number), tonumber(thread)
      local endcallback = self.endcallbacks[number]
      self.endcallbacks[number] = nil
      self.running = self.running - 1
      local format = kind == 'e' and require 'threads.serialize' or self.format
      local got = format.load(torch.CharStorage():string(message))
      if not got[1] then error(('[thread %d callback] %s'):format(thread, tostring(got[2])), 0) end
      local ok, why = xpcall(endcallback, endcallback_error(thread), unpack(got, 2, got.n))
      if not ok then error(why, 0) end
   end

   function Threads:synchronize()
      if self.ended then return end
      while self.running > 0 do self:dojob() end
   end

   function Threads:terminate()
      if self.ended then return end
      self:synchronize()
      self.ended = true
      for i = 1, self.N do
         (self.__specific and self.threadspecificqueues[i] or self.threadqueue):push '0:stop'
      end
      for _, t in ipairs(self.threads) do t:free() end
      getmetatable(self.proxy).__gc = nil
      pools[self] = nil
      threads._own(self, nil)
   end

   -- the end of the program waits for jobs that were given to pools which it still has
   function threads._finish()
      for pool in pairs(pools) do
         local ok, why = pcall(pool.synchronize, pool)
         if not ok then io.stderr:write(tostring(why), '\n') end
      end
   end

   for name, method in pairs(Threads) do
      if type(method) == 'function' and name ~= 'serialization' then
         Threads[name] = function(self, ...)
            if type(self) ~= 'table' or not self.threadqueue then
               error(string.format("%s: expected a pool of threads as self, got %s (call it with ':')", name,
                  require('nn.expect').brief(self)), 2)
            end
            return method(self, ...)
         end
      end
   end

   return setmetatable(Threads, { __call = function(_, ...) return start(...) end })
end
