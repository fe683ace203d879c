-- A queue of jobs: functions with their arguments, taken and run by whichever thread asks next.
local threads = require 'threads'
local Queue = torch.class('threads.Queue', {})
local mt = torch.getmetatable 'threads.Queue'

function mt:__init(room)
   self.channel = threads._Channel(room)
   self.serialization = threads.Threads.__serialize or 'threads.serialize'
end
function mt:addjob(callback, ...)
   local save = require(self.serialization).save
   self.channel:push(save({ f = callback, n = select('#', ...), ... }):string())
end
function mt:dojob()
   local job = require(self.serialization).load(torch.CharStorage():string(self.channel:pop()))
   return job.f(unpack(job, 1, job.n))
end

return function(...) return torch.getconstructortable('threads.Queue')(...) end
