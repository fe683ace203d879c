-- A tree of the processes that an MPI launcher started; one node where there is none.
return function()
   local mpi = require 'torchmpi'
   if not mpi.started then mpi.start() end
   if mpi.size() == 1 then return require 'ipc.NullTree'() end
   return require 'ipc.Tree'(mpi.rank() + 1, mpi.size(), 2)
end
