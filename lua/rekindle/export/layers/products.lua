-- Products of the entries of a table.
local layers = require 'rekindle.export.layers'

local function turned(g, v, turn)
   if not turn then return v end
   return g:transpose(v, g.rank(v) == 3 and { 0, 2, 1 } or { 1, 0 })
end

layers.declare('MM', function(g, m, x)
   return g:op('MatMul', { turned(g, x[1], m.transA), turned(g, x[2], m.transB) })
end)
layers.declare('MV', function(g, m, x)
   local rank = g.rank(x[1])
   local y = g:op('MatMul', { turned(g, x[1], m.trans), g:unsqueeze(x[2], { rank - 1 }) })
   return g:squeeze(y, { rank - 1 })
end)

-- The sum of the experts, each times its weight in the gate.
layers.declare('MixtureTable', function(g, m, x)
   local gate, experts = x[1], x[2]
   local batch = g.rank(gate) == 2
   if experts.name then
      local d, rank = m.dim or (batch and 2 or 1), g.rank(experts)
      local dims = {}
      for i = 1, rank do dims[i] = i == d and g:size(gate, batch and 2 or 1) or i == 1 and batch and g.dims(gate)[1] or 1 end
      return g:reduce('Sum', g:mul(experts, g:reshape(gate, dims)), { d - 1 })
   end
   local sum
   for i, expert in ipairs(experts) do
      local weight = g:slice(gate, batch and 1 or 0, i - 1, i)
      if batch then
         local dims = { g.dims(gate)[1] }
         for d = 2, g.rank(expert) do dims[d] = 1 end
         weight = g:reshape(g:sized(weight, gate, 2, 1), dims)
      end
      local part = g:mul(expert, weight)
      sum = sum and g:add(sum, part) or part
   end
   return sum
end)
