-- A tree whose first node is where everybody knows.
return function(nodeIndex, numNodes, nodeHost, nodePort, rootHost, rootPort)
   return require 'ipc.DiscoveredTree'(nodeIndex, numNodes, nodeHost, nodePort, function() end, function() return rootHost, rootPort end)
end
