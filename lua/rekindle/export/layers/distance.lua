-- Distances and angles, to learned centers or between two inputs.
local layers = require 'rekindle.export.layers'

-- With a batch of one where there is none; the results are rows.
local function rows(g, x, f) return g:batched(x, 2, f) end

-- |x - w_j| for the columns w_j of the weight, each feature scaled by its entry of diagCov.
layers.declare({ 'Euclidean', 'WeightedEuclidean' }, function(g, m, x)
   local weight = g:unsqueeze(g:parameter('weight', m.weight), { 0 })
   local scale = m.diagCov and g:unsqueeze(g:parameter('diagCov', m.diagCov), { 0 })
   return rows(g, x, function(v)
      local apart = g:sub(g:unsqueeze(v, { 2 }), weight)
      if scale then apart = g:mul(apart, scale) end
      return g:power(g:reduce('Sum', g:mul(apart, apart), { 1 }), 0.5)
   end)
end)

-- The angle's cosine to each row of the weight; 1e-12 keeps lengths from 0.
layers.declare('Cosine', function(g, m, x)
   local weight = g:parameter('weight', m.weight)
   local function length(v, keep) return g:add(g:power(g:reduce('Sum', g:mul(v, v), { 1 }, keep), 0.5), g:number(1e-12)) end
   return rows(g, x, function(v)
      local y = g:op('MatMul', { v, g:transpose(weight, { 1, 0 }) })
      return g:div(g:div(y, length(v, true)), length(weight, false))
   end)
end)

-- A class over two inputs: f(g, a, b, m), both batches. One sample gives one number, as a vector.
local function between(name, f)
   layers.declare(name, function(g, m, x, call)
      local a, b = x[1], x[2]
      if g.rank(a) == 2 then
         local y = f(g, a, b, m)
         return #call.y.sizes[1] == 2 and g:unsqueeze(y, { 1 }) or y
      end
      return f(g, g:unsqueeze(a, { 0 }), g:unsqueeze(b, { 0 }), m)
   end)
end
local function dot(g, a, b) return g:reduce('Sum', g:mul(a, b), { 1 }) end

between('DotProduct', dot)
between('CosineDistance', function(g, a, b)
   local function inverse(v) return g:div(g:number(1), g:add(dot(g, v, v), g:number(1e-12))) end
   return g:mul(dot(g, a, b), g:power(g:mul(inverse(a), inverse(b)), 0.5))
end)
between('PairwiseDistance', function(g, a, b, m)
   local apart = g:op('Abs', { g:sub(a, b) })
   return g:power(g:reduce('Sum', g:power(apart, m.norm), { 1 }), 1 / m.norm)
end)
