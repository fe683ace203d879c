-- A tree of nodes: sums and such go up to the first node and down again, in a fixed order.
local walkTable = require('ipc.utils').walkTable
local links = require 'ipc.links'

local function tree_over(link, count)
   local self = { nodeIndex = link.node, numNodes = count, walkTable = walkTable }
   -- what the last reduction was about, for nodes that are through before others
   local last
   local kept = {}

   -- memory for what a child sends
   local function room(value)
      if not torch.isTensor(value) then return nil end
      local class = torch.typename(value)
      kept[class] = (kept[class] or value.new()):resize(value:size())
      return kept[class]
   end

   local function down(values)
      if link.parent then walkTable(values, function(v) return link.parent:recv(v) end) end
      -- those with the most below them first
      for i = #link.children, 1, -1 do
         walkTable(values, function(v) link.children[i]:send(v) end)
      end
   end

   -- One reduction; how many nodes were through.
   local function once(values, reduce, through)
      for _, child in ipairs(link.children) do
         walkTable(values, function(v)
            local other = child:recv(room(v))
            local result = reduce(v, other)
            -- what was received into is used again
            if torch.isTensor(other) and rawequal(result, other) then return other:clone() end
            return result
         end)
         through = through + child:recv()
      end
      if link.parent then
         walkTable(values, function(v) link.parent:send(v) end)
         link.parent:send(through)
      end
      down(values)
      if link.parent then through = link.parent:recv() end
      for i = #link.children, 1, -1 do link.children[i]:send(through) end
      return through
   end

   local function as_table(value)
      if type(value) == 'table' and not torch.typename(value) then return value, true end
      return { value }, false
   end

   -- All nodes' values put together by reduce(a, b), for all; and how many nodes gave one. A node that is through gives a
   -- function `zero`, with which it takes part until all others are through too.
   function self.allReduce(value, reduce, zero)
      if type(reduce) ~= 'function' then error('allReduce: expected a function that puts two values together, got a ' .. type(reduce), 2) end
      local values, is_table = as_table(value)
      local through
      if zero then
         if next(values) == nil then values = last end
         if values == nil then error('allReduce: a value is needed the first time', 2) end
         is_table = is_table or value == nil and self.table
         repeat
            local i = 0
            walkTable(values, function(v)
               i = i + 1
               return zero(v, i)
            end)
            through = once(values, reduce, 1)
         until through == count
      else
         last, self.table = values, is_table
         through = once(values, reduce, 0)
      end
      if is_table then return values, count - through end
      return values[1], count - through
   end

   -- The first node's value for all.
   function self.scatter(value)
      local values, is_table = as_table(value)
      down(values)
      if is_table then return values end
      return values[1]
   end

   function self.netStats()
      for _, c in ipairs(link.connections) do print(c:netStats()) end
   end

   return self
end

-- Node `nodeIndex` of `numNodes`, `base` of them below each: the first has the server that the others are clients of. Started by an
-- MPI launcher, with neither, the nodes are its processes.
return function(nodeIndex, numNodes, base, server, client, host, port)
   base = math.max(1, math.floor(base or 2))
   if server then
      return tree_over(links.root(server, numNodes, base, { node = 1, host = host, port = port }), numNodes)
   elseif client then
      return tree_over(links.node(nodeIndex, client, numNodes, base, host or '127.0.0.1'), numNodes)
   end
   return tree_over(links.over_mpi(numNodes, base), numNodes)
end
