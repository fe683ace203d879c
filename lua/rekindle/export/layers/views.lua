-- Modules whose output is the input looked at in another way.
local layers = require 'rekindle.export.layers'

layers.declare('Identity', function(g, _, x)
   g:torch 'nn.Identity()'
   return x
end)

-- The elements stay in their order; the run has shown the sizes.
layers.declare({ 'View', 'Reshape', 'Unsqueeze', 'Squeeze', 'Collapse' }, function(g, _, x, call)
   return g:reshape(x, g.dims(call.y))
end)

layers.declare('Replicate', function(g, m, x)
   local rank = g.rank(x)
   local d = m.dim + (m.ndim and rank > m.ndim and 1 or 0)
   local sizes = {}
   for i = 1, rank + 1 do sizes[i] = i == d and m.nfeatures or 1 end
   return g:op('Expand', { g:unsqueeze(x, { d - 1 }), g:ints(sizes) })
end)

layers.declare('Transpose', function(g, m, x)
   local rank, perm = g.rank(x), {}
   local batch = m.numInputDims and math.max(rank - m.numInputDims, 0) == 1 and 1 or 0
   for i = 1, rank do perm[i] = i - 1 end
   for _, pair in ipairs(m.permutations) do
      local a, b = pair[1] + batch, pair[2] + batch
      perm[a], perm[b] = perm[b], perm[a]
   end
   return g:transpose(x, perm)
end)
