-- What torchmpi keeps of tensors from call to call, and how it is let go.
local cache = { tensorReferences = {}, parameterServers = {}, sendTensorReferences = {}, prefetchTensorReferences = {} }

function cache.freeReferencesToTensor(tensor)
   for _, kept in pairs { cache.tensorReferences, cache.sendTensorReferences, cache.prefetchTensorReferences } do kept[tensor] = nil end
   local server = cache.parameterServers[tensor]
   cache.parameterServers[tensor] = nil
   if server then require('torchmpi.parameterserver').free(server) end
end

function cache.freeAllTensorReferences()
   cache.tensorReferences, cache.sendTensorReferences, cache.prefetchTensorReferences = {}, {}, {}
   cache.parameterServers = {}
   require('torchmpi.parameterserver').freeAll()
end

-- there are none without a GPU
function cache.freeDescriptors() end

return cache
