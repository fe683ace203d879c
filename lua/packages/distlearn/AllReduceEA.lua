-- Elastic averaging (Zhang, Choromanska and LeCun, 2015) without a server: every node keeps the centre itself, and moves it by the
-- sum of all nodes' differences.
local function add(a, b) return a:add(b) end

return function(tree, tau, alpha)
   if type(tree) ~= 'table' or not tree.allReduce or type(tau) ~= 'number' or tau < 1 or type(alpha) ~= 'number' then
      error('distlearn.AllReduceEA: expected a tree, a number of steps from 1 on and a weight', 2)
   end
   local self, step = {}, 0
   local centre, difference, flat

   local function begin(parameters)
      if centre then return end
      centre, difference, flat = {}, {}, {}
      tree.walkTable(parameters, function(p)
         flat[#flat + 1] = p
         centre[#flat], difference[#flat] = p:clone(), p:clone()
      end)
   end

   -- the node and the centre move towards each other
   local function approach(i)
      difference[i]:copy(flat[i]):add(-1, centre[i]):mul(alpha)
      flat[i]:add(-1, difference[i])
      return difference[i]
   end
   local function follow()
      for i, c in ipairs(centre) do c:add(difference[i]) end
   end

   -- Each `tau`-th step nodes move towards the centre.
   function self.averageParameters(parameters)
      begin(parameters)
      step = step + 1
      if step % tau == 0 then
         for i = 1, #flat do approach(i) end
         tree.allReduce(difference, add)
         follow()
      end
   end

   -- goes along with nodes that have more steps to make
   local function finish()
      if step == 0 then return end
      for _, d in ipairs(difference) do d:zero() end
      tree.allReduce(difference, add, function(_, i)
         centre[i]:add(difference[i])
         return approach(i)
      end)
      follow()
      step = 0
   end

   -- The first node's centre for all: rounding lets them drift apart.
   function self.synchronizeCenter(parameters)
      begin(parameters)
      finish()
      tree.scatter(centre)
   end

   -- The first node's parameters for all, and for the centre.
   function self.synchronizeParameters(parameters)
      begin(parameters)
      finish()
      tree.scatter(parameters)
      local i = 0
      tree.walkTable(parameters, function(p)
         i = i + 1
         centre[i]:copy(p)
      end)
   end

   return self
end
