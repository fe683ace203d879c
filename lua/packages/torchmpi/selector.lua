-- Which collective operation torchmpi.nn calls, by memory, machines and time: a table that programs may change.
local NAMES = { 'allreduceTensor', 'broadcastTensor', 'reduceTensor', 'sendreceiveTensor', 'allgatherTensor' }

local function choose(mpi)
   local selector = {}
   for _, memory in ipairs { 'cpu', 'gpu' } do
      selector[memory] = {}
      for _, machines in ipairs { 'singlenode', 'multinode' } do
         local sync, async = {}, {}
         for _, name in ipairs(NAMES) do sync[name], async[name] = mpi[name], mpi.async[name] end
         selector[memory][machines] = { sync = sync, async = async }
      end
   end
   return selector
end

local function check(value, ...)
   if value == nil then return { ... } end
   for _, known in ipairs { ... } do
      if value == known then return { value } end
   end
   error(string.format('torchmpi.collectiveSelectorToString: expected one of %s, got %s', table.concat({ ... }, ', '), tostring(value)), 3)
end

return function(mpi)
   mpi.collectiveSelector = choose(mpi)

   function mpi.collectiveSelectorToString(memory, machines, time, name)
      local names = {}
      for _, operation in ipairs(NAMES) do
         names[mpi[operation]], names[mpi.async[operation]] = 'MPI.' .. operation, 'MPI.async.' .. operation
         names[mpi.p2p[operation]], names[mpi.async.p2p[operation]] = 'MPI.p2p.' .. operation, 'MPI.async.p2p.' .. operation
      end
      local lines = {}
      for _, c in ipairs(check(memory, 'cpu', 'gpu')) do
         for _, s in ipairs(check(machines, 'singlenode', 'multinode')) do
            for _, a in ipairs(check(time, 'sync', 'async')) do
               for _, operation in ipairs(check(name, unpack(NAMES))) do
                  local chosen = mpi.collectiveSelector[c][s][a][operation]
                  lines[#lines + 1] = ('MPI.collectiveSelector.%-40s \t->\t %s\n'):format(table.concat({ c, s, a, operation }, '.'),
                     names[chosen] or 'a function of the program')
               end
            end
         end
      end
      return table.concat(lines)
   end

   -- which operations there are
   function mpi.collectiveAvailability(cpu, gpu)
      local lines = {}
      local function add(memory)
         lines[#lines + 1] = memory .. ' = {\n'
         for _, time in ipairs { '', 'async.' } do
            for _, way in ipairs(memory == 'gpu' and { '', 'p2p.', 'gloo.', 'nccl.', 'nccl.p2p.' } or { '', 'p2p.', 'gloo.' }) do
               for _, operation in ipairs { 'broadcast', 'reduce', 'allreduce', 'sendreceive', 'allgather' } do
                  local there = not way:find('gloo') and not way:find('nccl')
                  lines[#lines + 1] = ('\t%-35s \t->\t %s\n'):format('MPI.' .. time .. way .. operation .. 'Tensor',
                     there and 'available' or 'unavailable')
               end
            end
         end
         lines[#lines + 1] = '}\n'
      end
      if cpu ~= false then add 'cpu' end
      if gpu ~= false then add 'gpu' end
      return table.concat(lines)
   end
end
