-- Package torchmpi: data-parallel training in many processes, over an MPI library that is found when the program starts. Without
-- a launcher there is one process, and everything answers.
local native = require 'rekindle.native'
local rows, tensors = native.functions.mpi, native.functions['mpi.tensor']
local mpi = require 'torchmpi.env'

-- operations on their way
do
   local handle = native.metatables['torchmpi.Handle']
   handle.__index, handle.__native, handle.__typename = handle, true, 'torchmpi.Handle'
   handle.wait, handle.done = native.functions['torchmpi.Handle'].wait, native.functions['torchmpi.Handle'].done
   local shards = native.metatables['torchmpi.Shards']
   shards.__index, shards.__native, shards.__typename = shards, true, 'torchmpi.Shards'
end

mpi.hasNCCL, mpi.hasGloo, mpi.hasGlooCuda = false, false, false
mpi.withCuda, mpi.started = false, false
mpi.async, mpi.p2p = { p2p = {} }, {}

-- ---- communicators: levels, of which one is the current ----

local levels, current, cartesian, span = {}, 0, false, { 0, 1 }

-- the row's communicator of a level
local function group(level)
   local entry = levels[level or current]
   if not entry then error('torchmpi: start comes first', 0) end
   return entry.group
end

mpi._group = group

local function distinct(list)
   local seen, count = {}, 0
   for _, v in ipairs(list) do
      if not seen[v] then seen[v], count = true, count + 1 end
   end
   return count
end

-- What a new communicator is like, from what its processes say.
local function describe(entry, parent)
   local sizes = rows.gather(parent, tostring(rows.size(entry.group)))
   entry.cartesian = distinct(sizes) == 1
   entry.keys = rows.gather(parent, entry.key)
   entry.nodes = distinct(rows.gather(entry.group, mpi.hostName))
   return entry
end

local C = {}
mpi.C = C

-- Those that give the same text are together, in the order of their ranks; the new level is the current one.
function C.torchmpi_push_communicator(key)
   if type(key) ~= 'string' then error('torchmpi_push_communicator: expected a text, got a ' .. type(key), 2) end
   local parent = group()
   local entry = describe({ group = rows.split(parent, key), key = key }, parent)
   entry.cartesian = entry.cartesian and cartesian
   levels[#levels + 1] = entry
   current = #levels
   return current
end

function C.torchmpi_set_communicator(level)
   if not levels[level] then
      error(string.format('torchmpi_set_communicator: expected a level from 0 to %d, got %s', #levels, tostring(level)), 2)
   end
   current = level
end

function C.torchmpi_is_cartesian_communicator() return current == 0 or levels[current].cartesian end
function C.torchmpi_num_nodes_in_communicator()
   group()
   return levels[current].nodes
end
function C.torchmpi_set_cartesian_communicator() cartesian = true end
function C.torchmpi_set_tree_communicator() cartesian = false end
function C.torchmpi_set_collective_span(first, last) span = { first, last } end

function mpi.communicatorNames()
   group()
   local lines = { string.format('current: %d intra', current) }
   for level = 0, #levels do
      local entry = levels[level]
      lines[#lines + 1] = string.format('l : %d -> key(%s) (%d in intercomm)  (%d in intracomm, I am rank %d) cartesian: %s%s', level,
         entry.key, distinct(entry.keys), rows.size(entry.group), rows.rank(entry.group),
         tostring(level == 0 or entry.cartesian), level == current and ' *' or '')
   end
   return table.concat(lines, '\n') .. '\n'
end
C.torchmpi_communicator_names = mpi.communicatorNames

-- ---- start and stop ----

local OPTIONS = { 'withCuda', 'withIPCGroups', 'customCommunicatorInit', 'withCartesianCommunicator', 'collectiveCommunicator' }
local KINDS = { customCommunicatorInit = 'function', collectiveCommunicator = 'function' }

local function options(...)
   local first = ...
   local given = {}
   if type(first) == 'table' then
      for key, value in pairs(first) do given[key == 'withCollectiveCommunicator' and 'collectiveCommunicator' or key] = value end
   else
      -- in order; a function may come before flags that are left out
      for i = 1, select('#', ...) do given[OPTIONS[i] or i] = (select(i, ...)) end
   end
   for key, value in pairs(given) do
      local known = false
      for _, name in ipairs(OPTIONS) do known = known or name == key end
      if not known then error(string.format('torchmpi.start: there is no option %s', tostring(key)), 3) end
      local wanted = KINDS[key] or 'boolean'
      if value and type(value) ~= wanted then
         error(string.format('torchmpi.start: expected a %s as %s, got a %s', wanted, key, type(value)), 3)
      end
   end
   return given
end

-- Two levels below the current one: all of it, and its processes machine by machine.
local function per_machine()
   local entry = current
   mpi.numCommunicators = C.torchmpi_push_communicator(mpi.hostName)
   C.torchmpi_set_collective_span(entry, entry + 1)
   C.torchmpi_set_communicator(entry)
   mpi.needInterNodeCollectives = C.torchmpi_num_nodes_in_communicator() > 1
   mpi.barrier()
end

function mpi.start(...)
   local given = options(...)
   if given.withCuda then
      if not torch.getmetatable('torch.CudaTensor') then
         error('torchmpi.start: withCuda needs a device, and there is none; leave it out, or have `th --cuda cpu` compute on the CPU', 2)
      end
      require 'cutorch'
   end
   mpi.library = rows.start()
   mpi.withCuda, mpi.ipcGroups, mpi.started = given.withCuda or false, given.withIPCGroups ~= false, true
   mpi.hostName = rows.machine()
   cartesian = given.withCartesianCommunicator or false
   levels, current = {}, 0
   levels[0] = describe({ group = 0, key = 'global' }, 0)
   mpi.numCommunicators = 0
   if given.customCommunicatorInit then
      mpi.numCommunicators = given.customCommunicatorInit()
      if type(mpi.numCommunicators) ~= 'number' then
         error("torchmpi.start: customCommunicatorInit should return the communicator hierarchy's depth", 2)
      end
      C.torchmpi_set_communicator(mpi.numCommunicators)
   end
   if given.collectiveCommunicator then given.collectiveCommunicator() else per_machine() end
   require('torchmpi.selector')(mpi)
end
C.torchmpi_start = mpi.start

function mpi.stop()
   if not mpi.started then error('torchmpi.stop: start comes first', 2) end
   mpi.started = false
   rows.stop()
   levels = {}
end
C.torchmpi_stop = mpi.stop

-- The end of the program: what was not stopped is; a program that failed ends the others too, which would wait for it.
function mpi._finish(failed)
   if not mpi.started then return end
   if failed then
      io.stdout:flush()
      io.stderr:flush()
      rows.abort()
   else
      mpi.stop()
   end
end

function mpi.rank() return rows.rank(group()) end
function mpi.size() return rows.size(group()) end
function mpi.barrier() rows.barrier(group()) end
C.torchmpi_rank, C.torchmpi_size, C.torchmpi_barrier = mpi.rank, mpi.size, mpi.barrier

-- ---- collective operations ----

function mpi.broadcastTensor(root, tensor) tensors.broadcastTensor(root, tensor, group()) end
function mpi.reduceTensor(root, input, output) tensors.reduceTensor(root, input, output or input, group()) end
function mpi.allreduceTensor(input, output) tensors.allreduceTensor(input, output or input, group()) end
function mpi.sendreceiveTensor(tensor, source, destination)
   tensors.sendreceiveTensor(tensor, source, destination, group())
end
function mpi.allgatherTensor(input, output) tensors.allgatherTensor(input, output, group()) end

local async = mpi.async
function async.broadcastTensor(root, tensor) return tensors['async.broadcastTensor'](root, tensor, group()) end
function async.reduceTensor(root, input, output)
   return tensors['async.reduceTensor'](root, input, output or input, group())
end
function async.allreduceTensor(input, output) return tensors['async.allreduceTensor'](input, output or input, group()) end
function async.sendreceiveTensor(tensor, source, destination)
   return tensors['async.sendreceiveTensor'](tensor, source, destination, group())
end
function async.allgatherTensor(input, output) return tensors['async.allgatherTensor'](input, output, group()) end

-- The library has algorithms of its own, for messages of any size; these names are theirs too.
for _, name in ipairs { 'broadcastTensor', 'reduceTensor', 'allreduceTensor', 'sendreceiveTensor', 'allgatherTensor' } do
   local at_once, begun = mpi[name], async[name]
   mpi.p2p[name] = function(...) return at_once(...) end
   async.p2p[name] = function(...) return begun(...) end
end

-- Point to point, for what is no collective operation.
function mpi.sendTensor(tensor, destination, tag) tensors.sendTensor(tensor, destination, tag or 0, group()) end
function mpi.receiveTensor(tensor, source, tag) tensors.receiveTensor(tensor, source, tag or 0, group()) end

-- Waits for what an asynchronous operation gave; nothing is there to wait for where one was over at once.
function mpi.syncHandle(handle)
   if handle == nil then return end
   if torch.typename(handle) ~= 'torchmpi.Handle' then
      error('torchmpi.syncHandle: expected what an asynchronous operation gave, got a ' .. torch.type(handle), 2)
   end
   handle:wait()
end

-- ---- numbers ----

for c_type, name in pairs { uint8_t = 'Byte', char = 'Char', short = 'Short', int = 'Int', long = 'Long', float = 'Float', double = 'Double' } do
   local make = torch[name .. 'Tensor']
   local function one(value)
      if type(value) ~= 'number' then error('torchmpi: expected a number, got a ' .. type(value), 3) end
      return make { value }
   end
   mpi['allreduce_' .. c_type] = function(value)
      local t = one(value)
      mpi.allreduceTensor(t)
      return t[1]
   end
   mpi['broadcast_' .. c_type] = function(root, value)
      local t = one(value)
      mpi.broadcastTensor(root, t)
      return t[1]
   end
   mpi['reduce_' .. c_type] = function(root, value)
      local t = one(value)
      mpi.reduceTensor(root, t)
      return t[1]
   end
   -- round the ring, to the next rank
   mpi['sendreceive_' .. c_type] = function(value, source, destination)
      local t, rank, size = one(value), mpi.rank(), mpi.size()
      mpi.sendreceiveTensor(t, source or (rank - 1) % size, destination or (rank + 1) % size)
      return t[1]
   end
end

-- Fails unless all processes have the same, by the mean and the variance of what they have.
function mpi.checkWithAllreduce(input, name)
   local values = torch.isTensor(input) and input:double():abs() or torch.DoubleTensor { math.abs(input) }
   local numbers = { values:mean(), values:nElement() > 1 and values:var() or 0 }
   -- all processes ask for both, whatever the first one says
   local all = { mpi.allreduce_double(numbers[1]) / mpi.size(), mpi.allreduce_double(numbers[2]) / mpi.size() }
   for i, what in ipairs { 'mean', 'variance' } do
      local own = numbers[i]
      if own ~= all[i] and not (math.abs(own - all[i]) <= 1e-7 * math.abs(own)) then
         error(string.format('%s: the processes differ: the %s of absolute values is %.17g here and %.17g on average',
            name or 'checkWithAllreduce', what, own, all[i]), 2)
      end
   end
end

-- ---- what programs for GPUs ask for ----

function async.initStreams()
   async.streams = { defaultStream = 0, copyToGPUStream = 1, copyToCPUStream = 2, localCollectiveStream = 3,
      globalCollectiveStream = 4 }
end

for name, value in pairs {
   small_cpu_broadcast_size = 2 ^ 13, small_cpu_allreduce_size = 2 ^ 16, small_gpu_broadcast_size = 2 ^ 13,
   small_gpu_allreduce_size = 2 ^ 16, min_buffer_size_per_cpu_collective = 2 ^ 17,
   min_buffer_size_per_gpu_collective = 2 ^ 17, max_buffer_size_per_cpu_collective = 2 ^ 22,
   max_buffer_size_per_gpu_collective = 2 ^ 22, broadcast_size_cpu_tree_based = 2 ^ 22,
   broadcast_size_gpu_tree_based = 2 ^ 22, num_buffers_per_cpu_collective = 1, num_buffers_per_gpu_collective = 1,
   collective_num_threads = 4, collective_thread_pool_size = 2 ^ 20, parameterserver_num_threads = 4,
   parameterserver_thread_pool_size = 2 ^ 20,
} do
   C['torchmpi_set_' .. name] = function(n) value = n end
   C['torchmpi_get_' .. name] = function() return value end
end
for _, name in ipairs { 'set_hierarchical_collectives', 'set_flat_collectives', 'set_staged_collectives',
   'set_direct_collectives', 'free_ipc_descriptors' } do
   C['torchmpi_' .. name] = function() end
end
for _, name in ipairs { 'nccl', 'gloo', 'gloo_cuda' } do C['torchmpi_has_' .. name] = function() return 0 end end

-- what is no function there is told
setmetatable(C, { __index = function(_, name) error('torchmpi.C has no ' .. tostring(name), 2) end })

return mpi
