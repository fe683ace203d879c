-- One function that runs in a thread.
return function(f, ...)
   local pool = require 'ipc.BackgroundTaskPool'(1, { closeOnLastTask = true })
   pool.addTask(f, ...)
   local function getResult() return pool.getResult(1) end
   return { isDone = pool.isDone, getResult = getResult, getResults = getResult }
end
