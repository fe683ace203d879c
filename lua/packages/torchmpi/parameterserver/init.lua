-- Tensors whose parts the processes keep for each other, and answer for whatever the program does meanwhile.
local rows = require('rekindle.native').functions
local mpi = require 'torchmpi'
local cache = require 'torchmpi.cache'
local tensors = rows['mpi.tensor']
local ps = require 'torchmpi.parameterserver.env'

local alive = {}

-- Each process of the current communicator keeps its part of its own tensor. All of them do so.
function ps.init(tensor)
   local server = tensors['parameterserver.init'](tensor, mpi._group())
   alive[#alive + 1] = server
   return server
end

-- Sends each process its part, which it takes by the rule: 'none', 'zero', 'copy' or 'add'.
function ps.send(server, tensor, rule) return tensors['parameterserver.send'](server, tensor, rule or 'none') end

-- Asks each process for its part: the tensor has them when the handle is waited for.
function ps.receive(server, tensor) return tensors['parameterserver.receive'](server, tensor) end

ps.syncHandle = mpi.syncHandle

function ps.syncHandles(handles)
   for _, handle in ipairs(handles) do mpi.syncHandle(handle) end
   return {}
end

-- Lets the parts go. All processes do so.
function ps.free(server)
   for i, other in ipairs(alive) do
      if rawequal(other, server) then
         table.remove(alive, i)
         break
      end
   end
   rows.mpi['parameterserver.free'](server)
end

function ps.freeAll()
   while #alive > 0 do ps.free(alive[#alive]) end
end

-- ---- lists of tensors, as `parameters()` gives them ----

local function on_host(tensor)
   return torch.typename(tensor):find('Cuda') and tensor:float() or tensor
end

local function known(list, what)
   for i, t in ipairs(list) do
      if not torch.isTensor(t) then error(string.format('torchmpi.parameterserver.%s: a tensor expected as entry %d, got a %s', what, i, torch.type(t)), 3) end
      if not cache.parameterServers[t] then error(string.format('torchmpi.parameterserver.%s: initTensors comes first', what), 3) end
   end
end

function ps.initTensors(list)
   for _, t in ipairs(list) do
      if not cache.parameterServers[t] then
         local own = on_host(t)
         cache.parameterServers[t] = ps.init(own)
         cache.prefetchTensorReferences[t] = own:clone()
      end
   end
end

-- Begins to fetch what the servers have; the handles.
function ps.prefetchTensors(list)
   known(list, 'prefetchTensors')
   local handles = {}
   for i, t in ipairs(list) do handles[i] = ps.receive(cache.parameterServers[t], cache.prefetchTensorReferences[t]) end
   return handles
end

-- Calls rule(fetched, tensor) for each tensor.
function ps.integrateTensors(list, rule)
   known(list, 'integrateTensors')
   for _, t in ipairs(list) do rule(cache.prefetchTensorReferences[t], t) end
end

-- Sends an update for each tensor, after `prepare(update)` where that is given; the handles.
function ps.sendTensors(list, updates, rule, prepare)
   known(list, 'sendTensors')
   local handles = {}
   for i, t in ipairs(list) do
      local update = updates[i]
      if update then
         if prepare then update = prepare(update) or update end
         handles[#handles + 1] = ps.send(cache.parameterServers[t], on_host(update), rule)
      end
   end
   return handles
end

require 'torchmpi.parameterserver.update'

return ps
