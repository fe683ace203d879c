-- A tree whose first node says where it is with publish(host, port), which the others ask for with query().
return function(nodeIndex, numNodes, nodeHost, nodePort, publish, query)
   if numNodes == 1 then return require 'ipc.NullTree'() end
   local ipc, Tree = require 'ipc', require 'ipc.Tree'
   if nodeIndex == 1 then
      local server, port = ipc.server(nodeHost, nodePort)
      publish(nodeHost, port)
      return Tree(1, numNodes, 2, server, nil, nodeHost, port)
   end
   -- what an earlier tree left leads nowhere: it is asked again
   while true do
      local host, port = query()
      local ok, client = false, nil
      if host then ok, client = pcall(ipc.client, host, port, 0) end
      if ok then return Tree(nodeIndex, numNodes, 2, nil, client, nodeHost, nodePort) end
      sys.sleep(0.05)
   end
end
