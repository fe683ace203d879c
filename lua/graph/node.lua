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

-- Calls before(node) and after(node) for nodes that are not marked as visited, children between the two; it is for them to
-- mark nodes. Without recursion, as below.
local DEEPEST = 1000000
function Node:visit(before, after)
   if self.visited then return end
   if before then before(self) end
   local path, nextChild = { self }, { 1 }
   while #path > 0 do
      local node, k = path[#path], nextChild[#path]
      local child = node.children[k]
      if not child then
         path[#path], nextChild[#path] = nil, nil
         if after then after(node) end
      else
         nextChild[#path] = k + 1
         if not child.visited then
            if #path == DEEPEST then error('graph.Node:visit: a path through the graph does not end; is there a cycle?') end
            if before then before(child) end
            path[#path + 1], nextChild[#path + 1] = child, 1
         end
      end
   end
end

-- As dfs and bfs, for the nodes that are not marked yet; marks them, in `visited` and in `marked`, and gives them in their order.
function Node:dfs_dirty(f)
   local order = {}
   self:visit(function(node) node.visited = true end, function(node)
      f(node)
      order[#order + 1] = node
   end)
   return order
end

function Node:bfs_dirty(f)
   local order, at = { self }, 1
   self.marked = true
   while order[at] do
      f(order[at])
      for _, child in ipairs(order[at].children) do
         if not child.marked then
            child.marked = true
            order[#order + 1] = child
         end
      end
      at = at + 1
   end
   return order
end

-- Whether a way leads from one of the nodes that can be reached back to it.
function Node:hasCycle()
   local state, path, nextChild = { [self] = 'open' }, { self }, { 1 }
   while #path > 0 do
      local node, k = path[#path], nextChild[#path]
      local child = node.children[k]
      if not child then
         path[#path], nextChild[#path], state[node] = nil, nil, 'done'
      else
         nextChild[#path] = k + 1
         if state[child] == 'open' then return true end
         if not state[child] then
            state[child] = 'open'
            path[#path + 1], nextChild[#path + 1] = child, 1
         end
      end
   end
   return false
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

require 'rekindle.takes'(Node, ':', {
   add = 'child:node|list', walk = 'seen:list f:function', dfs = 'f:function', bfs = 'f:function', dfs_dirty = 'f:function',
   bfs_dirty = 'f:function', visit = 'before:function? after:function?',
})

return Node
