-- Gradients that are summed over the nodes of a tree.
local function add(a, b) return a:add(b) end

return function(tree)
   if type(tree) ~= 'table' or not tree.allReduce then
      error('distlearn.AllReduceSGD: a tree expected, got ' .. require('nn.expect').brief(tree), 2)
   end
   -- steps of each node since the parameters were the same
   local steps = torch.LongTensor(tree.numNodes):zero()
   local self = {}

   function self.sumGradients(gradients)
      local _, nodes = tree.allReduce(gradients, add)
      steps[tree.nodeIndex] = steps[tree.nodeIndex] + 1
      return nodes
   end

   -- Their mean over the nodes that still have data.
   function self.sumAndNormalizeGradients(gradients)
      local nodes = self.sumGradients(gradients)
      if nodes > 1 then tree.walkTable(gradients, function(g) return g:mul(1 / nodes) end) end
   end

   -- The parameters of the node with the most steps for all; of the first one where nobody made a step.
   function self.synchronizeParameters(parameters)
      if steps[tree.nodeIndex] == 0 then
         tree.scatter(parameters)
         return
      end
      -- goes along with those that have more steps to make
      tree.allReduce(nil, add, function(g) return g:zero() end)
      tree.allReduce(steps, add)
      local most, longest = steps[1], 1
      for node = 2, tree.numNodes do
         if steps[node] > most then most, longest = steps[node], node end
      end
      if tree.nodeIndex ~= longest then tree.walkTable(parameters, function(p) return p:zero() end) end
      tree.allReduce(parameters, add)
      steps:zero()
   end

   return self
end
