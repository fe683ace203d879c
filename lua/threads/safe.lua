-- A function that runs in one thread at a time. It can be sent to other threads, so it holds the mutex by its number.
local kept = setmetatable({}, { __mode = 'k' })

return function(f, mutex)
   if mutex ~= nil and torch.typename(mutex) ~= 'threads.Mutex' then
      error('threads.safe: mutex should be a threads.Mutex, got ' .. require('nn.expect').brief(mutex), 2)
   end
   local own = mutex or require('threads').Mutex()
   local id = own:id()
   local function safe(...)
      local lock = require('threads').Mutex(id)
      lock:lock()
      local function done(ok, ...)
         lock:unlock()
         if not ok then error((...), 0) end
         return ...
      end
      return done(pcall(f, ...))
   end
   kept[safe] = own
   return safe
end
