-- What runs in each thread of ipc.map.
local ipc = require 'ipc'
local rows = require('rekindle.native').functions
local travel = require 'threads.travel'
require 'threads'

return function(job, box, i)
   job, box = rows.threads.claim(job), rows.threads.claim(box)
   local got
   local function keep(...) got = { n = select('#', ...), ... } end
   keep(xpcall(function()
      local task = travel.unpack(job)
      task[task.n + 1] = i
      return task.f(unpack(task, 1, task.n + 1))
   end, function(why)
      return type(why) == 'string' and debug.traceback(why, 2) or 'an error that is a ' .. type(why)
   end))
   local ok, why = pcall(box.write, box, got)
   if not ok then box:write { n = 2, false, why } end
end
