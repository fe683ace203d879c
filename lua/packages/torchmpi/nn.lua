-- Networks that are the same in all processes: their parameters and gradients over MPI.
require 'nn'
local mpi = require 'torchmpi'
require 'torchmpi.BlockSequential'

local mpinn = { async = {} }

local function operation(tensor, time, name)
   local memory = torch.typename(tensor):find('Cuda') and 'gpu' or 'cpu'
   if not mpi.collectiveSelector then error('torchmpi: start comes first', 0) end
   return mpi.collectiveSelector[memory][mpi.needInterNodeCollectives and 'multinode' or 'singlenode'][time][name]
end

-- Tensors that lie one after another in a storage as one, so that there are few messages; each element once.
local function joined(tensors)
   local list, at, last = {}, nil, nil
   local seen = {}
   for _, t in ipairs(tensors) do
      local n = t:nElement()
      if n > 0 then
         local storage = torch.pointer(t:storage())
         local first = t:storageOffset()
         local place = storage .. ':' .. first .. ':' .. n
         if not seen[place] then
            seen[place] = true
            if t:isContiguous() and at == storage and last == first then
               local run = list[#list]
               list[#list] = run.new(run:storage(), run:storageOffset(), run:nElement() + n)
            elseif t:isContiguous() then
               list[#list + 1] = t.new(t:storage(), first, n)
            else
               list[#list + 1] = t
            end
            at, last = t:isContiguous() and storage or nil, first + n
         end
      end
   end
   return list
end

local function tensors_of(net, which)
   if type(net) ~= 'table' or not net.parameters then return {} end
   return joined((select(which, net:parameters())) or {})
end

-- ---- at once ----

-- The parameters of rank 0 for all, or their mean.
function mpinn.synchronizeParameters(net, withAllreduce)
   for _, w in ipairs(tensors_of(net, 1)) do
      if withAllreduce then
         operation(w, 'sync', 'allreduceTensor')(w)
         w:div(mpi.size())
      else
         operation(w, 'sync', 'broadcastTensor')(0, w)
      end
   end
end

-- The sum of all processes' gradients for all.
function mpinn.synchronizeGradients(net)
   for _, g in ipairs(tensors_of(net, 2)) do operation(g, 'sync', 'allreduceTensor')(g) end
end

function mpinn.checkWithAllreduce(net)
   for i, w in ipairs(tensors_of(net, 1)) do mpi.checkWithAllreduce(w, string.format('parameters %d of %s', i, torch.type(net))) end
end

-- ---- beside the rest of the pass ----

local async = mpinn.async
-- modules whose gradients are not summed
async.skipCollective = {}
-- what is on its way, and how often backward was called
local handles, count = {}, 0
local originals = setmetatable({}, { __mode = 'k' })

local function begin(m, gradients)
   if async.skipCollective[m] then return end
   for _, g in ipairs(joined(gradients)) do
      handles[#handles + 1] = operation(g, 'async', 'allreduceTensor')(g) or nil
   end
end

local function hook(m, frequency, counts)
   if originals[m] == nil then originals[m] = rawget(m, 'backward') or false end
   local original = originals[m] or m.backward
   m.backward = function(self, ...)
      local result = original(self, ...)
      if counts then count = count + 1 end
      if count % frequency == 0 and m.parameters then begin(m, (select(2, m:parameters())) or {}) end
      return result
   end
end

-- one block of parameters after another
local function hook_blocks(net, frequency)
   if originals[net] == nil then originals[net] = rawget(net, 'backward') or false end
   net.backward = function(self, input, gradOutput, scale)
      count = count + 1
      local result, gradient
      while gradOutput do
         result = gradOutput
         gradOutput, _, gradient = self:backwardStep(input, gradOutput, scale)
         if gradient and count % frequency == 0 then begin(net, { gradient }) end
      end
      return result
   end
end

local function leaves(net)
   if not torch.isTypeOf(net, 'nn.Container') then return net.parameters and { net } or {} end
   local list = {}
   for _, m in ipairs(net:listModules()) do
      if not torch.isTypeOf(m, 'nn.Container') then list[#list + 1] = m end
   end
   return list
end

-- From now on each module's gradients are on their way when its own backward is over, every `frequency`-th time.
function async.registerAsyncMPIBackward(net, frequency)
   frequency = frequency or 1
   if mpi.withCuda and not async.streams and not mpi.async.streams then
      error('torchmpi.nn.async.registerAsyncMPIBackward: call torchmpi.async.initStreams(true) first', 2)
   end
   if torch.isTypeOf(net, 'nn.BlockSequential') then return hook_blocks(net, frequency) end
   for i, m in ipairs(leaves(net)) do hook(m, frequency, i == 1) end
end

function async.unregisterAsyncMPIBackward(net)
   local list = torch.isTypeOf(net, 'nn.BlockSequential') and { net } or leaves(net)
   for _, m in ipairs(list) do
      if originals[m] ~= nil then
         m.backward = originals[m] or nil
         originals[m] = nil
      end
   end
end

-- Waits for gradients on their way.
function async.synchronizeGradients()
   local waiting = handles
   handles = {}
   for _, handle in ipairs(waiting) do mpi.syncHandle(handle) end
end

return mpinn
