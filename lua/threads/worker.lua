-- What runs in each thread of a pool: jobs come as texts, results go back as texts.
local threads = require 'threads'
local rows = require('rekindle.native').functions.threads

local function traceback(why)
   if type(why) ~= 'string' then
      local mt = debug.getmetatable(why)
      why = mt and mt.__tostring and tostring(why) or '(error object is a ' .. type(why) .. ' value)'
   end
   local text = debug.traceback(why, 2)
   return (text:gsub("\n%s*%[C%]: in function 'xpcall'\n%s*threads/worker%.lua.*$", ''))
end

return function(id, serialization, jobs, own, results)
   jobs, own, results = rows.claim(jobs), rows.claim(own), rows.claim(results)
   __threadid = id
   local format
   -- in specific mode, where a pool begins, jobs come from the thread's own queue
   local queue = own
   local function run(text)
      format = format or require(serialization)
      local job = format.load(torch.CharStorage():string(text))
      local got = { n = 0 }
      local function keep(...) got = { n = select('#', ...), ... } end
      keep(xpcall(function() return job.f(unpack(job, 1, job.n)) end, traceback))
      return got
   end
   while true do
      local text = queue:pop()
      local number, message = text:match('^(%d+):(.*)$')
      if message == 'stop' then return end
      if message == 'switch' then
         queue = queue == own and jobs or own
      else
         local ok, got = xpcall(run, traceback, message)
         if not ok then got = { n = 2, false, got } end
         -- results that cannot be written are an error of the job
         local written, storage = pcall(function() return (format or require(serialization)).save(got) end)
         if not written then
            storage = require('threads.serialize').save { n = 2, false, storage }
            results:push(number .. ':' .. id .. ':e:' .. storage:string())
         else
            results:push(number .. ':' .. id .. ':r:' .. storage:string())
         end
      end
   end
end
