-- graph.Node: a node with some data and its children.
local Node = torch.class('graph.Node')

function Node:__init(data, id)
   self.data, self.id = data, id or 0
   self.children = {}
   self.visited, self.marked = false, false
end

-- Another node over the same data, without children.
function Node:twin()
   local node = torch.factory(torch.typename(self))()
   graph.Node.__init(node, self.data, self.id)
   return node
end

-- Adds a child, or a list of them. A child counts once.
function Node:add(child)
   if type(child) == 'table' and not torch.typename(child) then
      for _, c in ipairs(child) do self:add(c) end
   elseif not self.children[child] then
      local place = #self.children + 1
      self.children[place], self.children[child] = child, place
   end
end

-- Calls f for all nodes that can be reached and are not in `seen`, children before their parents. Without recursion:
-- an unrolled network is a chain of thousands of nodes.
function Node:walk(seen, f)
   if seen[self] then return end
   seen[self] = true
   local path, nextChild = { self }, { 1 }
   while #path > 0 do
      local node, k = path[#path], nextChild[#path]
      local child = node.children[k]
      if child then
         nextChild[#path] = k + 1
         if not seen[child] then
            seen[child] = true
            path[#path + 1], nextChild[#path + 1] = child, 1
         end
      else
         path[#path], nextChild[#path] = nil, nil
         f(node)
      end
   end
end

-- Depth first, children before their parents.
function Node:dfs(f) self:walk({}, f) end

-- Breadth first.
function Node:bfs(f)
   local queue, seen, at = { self }, { [self] = true }, 1
   while queue[at] do
      f(queue[at])
      for _, child in ipairs(queue[at].children) do
         if not seen[child] then
            seen[child] = true
            queue[#queue + 1] = child
         end
      end
      at = at + 1
   end
end

-- The graph of all that can be reached from here.
function Node:graph()
   local g = graph.Graph()
   self:bfs(function(node)
      for _, child in ipairs(node.children) do g:add(graph.Edge(node, child)) end
   end)
   return g
end

function Node:label() return tostring(self.data) end
function Node:graphNodeName() return 'Node' .. self.id end
function Node:graphNodeAttributes() return {} end

return Node
