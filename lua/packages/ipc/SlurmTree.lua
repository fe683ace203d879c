-- A tree of the tasks of a Slurm job: over MPI where srun starts it, or by a file that all machines see.
return function(path, tasksPerGpu)
   local count, node = tonumber(os.getenv 'SLURM_NTASKS'), (tonumber(os.getenv 'SLURM_PROCID') or 0) + 1
   if not count then error('ipc.SlurmTree: this is no task of a Slurm job (SLURM_NTASKS is not set)', 2) end
   local gpu = math.floor((tonumber(os.getenv 'SLURM_LOCALID') or 0) / (tasksPerGpu or 1)) + 1
   if os.getenv 'PMI_RANK' or os.getenv 'PMIX_RANK' then
      local ok, tree = pcall(require 'ipc.MPITree')
      if ok then return tree, gpu end
   end
   local folder = path or (os.getenv 'HOME' .. '/.torch')
   local name = folder .. '/' .. os.getenv 'SLURM_JOB_ID' .. '.tree'
   local host = os.getenv 'SLURMD_NODENAME' or '127.0.0.1'
   local publish, query = require 'ipc.place'(name, name .. '.new')
   local tree = require 'ipc.DiscoveredTree'(node, count, host, nil, publish, query)
   if node == 1 then os.remove(name) end
   return tree, gpu
end
