-- The number of the nearest center.
local layers = require 'rekindle.export.layers'

layers.declare('Kmeans', function(g, m, x)
   local centers = g:unsqueeze(g:parameter('weight', m.weight), { 0 })
   local apart = g:sub(g:unsqueeze(x, { 1 }), centers)
   local distance = g:reduce('Sum', g:mul(apart, apart), { 2 })
   local nearest = g:op('ArgMin', { distance }, { axis = 1, keepdims = 0 }, 'int64')
   return g:cast(g:add(nearest, g:number(1, 'int64')), 'float')
end)
