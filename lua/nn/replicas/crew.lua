-- The replicas of a network beside the network itself: each in a thread, or all on the program's own where a class of the
-- network is not known in other threads and nobody said how it gets there.
local Replica = require 'nn.replicas.replica'
local native = require 'rekindle.native'
local rows = native.functions.threads
local channel = native.functions['threads.Channel']
local threads = require 'threads'

-- ---- one in a thread ----

local Threaded = {}
Threaded.__index = Threaded

local function bytes(text) return torch.CharStorage():string(text) end

function Threaded.new(format)
   local self = setmetatable({ format = format, requests = threads._Channel(4), answers = threads._Channel(4), kept = {} },
      Threaded)
   self.thread = threads.Thread(("require 'nn.replicas.worker' (%d, %d)"):format(rows.park(self.requests),
      rows.park(self.answers)))
   return self
end

function Threaded:send(request)
   -- tensors of the program are not shared: they would be, for ever
   request.x, request.g = Replica.copied(request.x, self.kept, 'x'), Replica.copied(request.g, self.kept, 'g')
   self.requests:push(self.format.save(request):string())
end

function Threaded:receive()
   local text
   repeat
      -- asked before, since a thread may answer and end
      local ended = self.thread:ended()
      text = channel.pop(self.answers, threads._patience)
      if not text and ended then
         self.thread:free()
         return false, 'its thread has ended'
      end
   until text
   local answer = self.format.load(bytes(text))
   return answer.ok, answer.result
end

function Threaded:stop() self.requests:push 'stop' end

-- ---- one on the program's thread ----

local Here = {}
Here.__index = Here

function Here:send(request) self.request = request end
function Here:receive()
   if self.request.network then
      self.replica = Replica.new(self.request.network)
      return true, {}
   end
   return pcall(self.replica.answer, self.replica, self.request)
end
function Here:stop() end

-- ---- all of them ----

local Crew = {}
Crew.__index = Crew

-- packages that a thread loads because the program has
local function packages()
   local names = {}
   for _, name in ipairs { 'cutorch', 'cunn', 'cudnn', 'inn', 'nngraph', 'nnx', 'dpnn', 'rnn', 'torchmpi.BlockSequential' } do
      if package.loaded[name] then names[#names + 1] = name end
   end
   return names
end

-- `count` replicas; `init` is called in each thread first, with the replica's number.
-- `waiting` is how many requests have no answer yet: a crew whose wait was interrupted is of no use any more.
function Crew.new(count, init)
   local travel = require 'threads.travel'
   local self = setmetatable({ members = {}, copied = travel.pair(travel.copied), initialize = init, waiting = 0 }, Crew)
   local format = travel.pair(travel.shared)
   threads._own(self, count)
   for i = 1, count do self.members[i] = Threaded.new(format) end
   local members = self.members
   self.proxy = newproxy(true)
   getmetatable(self.proxy).__gc = function()
      for _, member in ipairs(members) do pcall(member.stop, member) end
   end
   return self
end

function Crew:stop()
   for _, member in ipairs(self.members) do member:stop() end
   getmetatable(self.proxy).__gc = nil
   threads._own(self, nil)
end

local function send(self, i, request)
   self.members[i]:send(request)
   self.waiting = self.waiting + 1
end

-- Hands the answers of the first replicas to `f`, in order; what is wrong with the first one that says so. All of them have
-- answered then.
local function answers(self, count, f)
   local problem
   for i = 1, count do
      local fine, result = self.members[i]:receive()
      self.waiting = self.waiting - 1
      if not fine then problem = problem or string.format('replica %d: %s', i + 1, tostring(result))
      elseif f and not problem then f(i, result) end
   end
   return problem
end

-- Has every replica become a copy of the network; the text of an error.
function Crew:load(network)
   local request = { packages = packages(), threads = math.max(1, math.floor(torch.getnumthreads() / (#self.members + 1))) }
   if not self.here then
      local ok, text = pcall(function() return self.copied.save(network):string() end)
      if ok then
         request.network = text
         if self.initialize then request.init = self.copied.save(self.initialize):string() end
         for i = 1, #self.members do
            request.number, request.seed = i + 1, not self.loaded and torch.initialSeed() + i or nil
            send(self, i, request)
         end
         local problem = answers(self, #self.members)
         self.loaded = true
         if not problem or self.initialize then return problem end
         self:stop()
      elseif self.initialize then
         return text
      end
      self.here = true
      for i = 1, #self.members do self.members[i] = setmetatable({}, Here) end
   end
   for i = 1, #self.members do send(self, i, { network = network:clone() }) end
   return answers(self, #self.members)
end

-- Sends a request to each of the first replicas, computes with `own` meanwhile, and hands every answer to `f`, in order.
-- Raises what went wrong, but not before everyone has answered.
function Crew:run(requests, own, f)
   for i, request in ipairs(requests) do send(self, i, request) end
   local threads = torch.getnumthreads()
   if not self.here then torch.setnumthreads(math.max(1, math.floor(threads / (#requests + 1)))) end
   local ok, why = xpcall(own, function(why) return why end)
   torch.setnumthreads(threads)
   local problem = answers(self, #requests, ok and f)
   if not ok then error(why, 0) end
   return problem
end

return Crew
