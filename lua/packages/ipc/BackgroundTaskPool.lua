-- Functions that run in threads, and whose results are asked for by number.
local ipc = require 'ipc'

return function(size, options)
   options = options or {}
   local queue = ipc.workqueue()
   local count, done, results, workers = 0, 0, {}, nil
   workers = ipc.map(size, function(q)
      while true do
         local task = q:read()
         if not task then return end
         local got = {}
         local function keep(ok, ...)
            got = { id = task.id, ok = ok, n = select('#', ...), ... }
         end
         keep(pcall(function() return task.f(unpack(task.args, 1, task.n)) end))
         local ok, why = pcall(q.write, q, got)
         if not ok then q:write { id = task.id, ok = false, n = 1, why } end
      end
   end, queue)
   local pool = {}

   -- takes results until that of `id` is there, or all
   local function collect(id, wait)
      while done < count and not (id and results[id]) do
         local result = queue:read(not wait)
         if not result then break end
         results[result.id], done = result, done + 1
      end
      return id and results[id] ~= nil or done == count
   end

   function pool.addTask(f, ...)
      if type(f) ~= 'function' then error('addTask: expected a function, got a ' .. type(f), 2) end
      collect()
      count = count + 1
      queue:write { id = count, f = f, args = { ... }, n = select('#', ...) }
      return count
   end
   function pool.hasTask() return done < count end
   function pool.isDone(id, wait) return collect(id, wait) end

   -- What the task gave, or its error; without a number, the last one's.
   function pool.getResult(id)
      collect(id, true)
      if options.closeOnLastTask and done == count and workers then
         for _ = 1, size do queue:write(nil) end
         workers:join()
         workers = nil
      end
      id = id or count
      local result = results[id]
      if not result then return nil end
      results[id] = nil
      if not result.ok then error(result[1], 0) end
      return unpack(result, 1, result.n)
   end

   return pool
end
