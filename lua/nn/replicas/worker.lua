-- What runs in the thread of a replica: requests come as texts, answers go back as texts. What a replica computes with stays
-- in its thread; tensors that cross are buffers of their own, since calls on shared memory wait for each other.
require 'threads'
require 'nn'
local Replica = require 'nn.replicas.replica'
local rows = require('rekindle.native').functions.threads
local travel = require 'threads.travel'
local copied, shared = travel.pair(travel.copied), travel.pair(travel.shared)

local function bytes(text) return torch.CharStorage():string(text) end

-- Makes the replica that a request describes.
local function make(request)
   for _, name in ipairs(request.packages) do pcall(require, name) end
   if request.seed then
      torch.manualSeed(request.seed)
      if cutorch then cutorch.manualSeed(request.seed) end
   end
   torch.setnumthreads(request.threads)
   if request.init then copied.load(bytes(request.init))(request.number) end
   return Replica.new(copied.load(bytes(request.network)))
end

return function(requests, answers)
   requests, answers = rows.claim(requests), rows.claim(answers)
   local replica
   local kept = {}
   while true do
      local text = requests:pop()
      if text == 'stop' then return end
      local ok, result = xpcall(function()
         local request = shared.load(bytes(text))
         if request.network then
            replica, kept = make(request), {}
            return {}
         end
         return Replica.copied(replica:answer(request), kept, '')
      end, function(why)
         return type(why) == 'string' and why or debug.traceback(tostring(why))
      end)
      answers:push(shared.save({ ok = ok, result = result }):string())
   end
end
