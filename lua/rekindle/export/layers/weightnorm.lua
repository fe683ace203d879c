-- Weights as length times direction: in evaluation they are the weights that these make.
local layers = require 'rekindle.export.layers'

layers.declare('WeightNorm', function(g, m, x)
   g.scope.chain = true
   return g:walk(m.modules[1], 1, x)
end)
