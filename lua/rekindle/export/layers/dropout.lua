-- Noise in training, and what is left of it in evaluation.
local layers = require 'rekindle.export.layers'

local function certain(g, m)
   if m.stochastic_inference then g:cannot('it draws noise in evaluation too (stochastic_inference)') end
end

layers.declare('Dropout', function(g, m, x)
   certain(g, m)
   -- the first version scales down in evaluation
   if not m.v2 and m.p > 0 then return g:mul(x, g:number(1 - m.p)) end
   g:torch('nn.Dropout(%s)', m.p)
   return x
end)
layers.declare({ 'SpatialDropout', 'VolumetricDropout' }, function(g, m, x)
   certain(g, m)
   return g:mul(x, g:number(1 - m.p))
end)
layers.declare('WhiteNoise', function(g, m, x)
   return m.mean == 0 and x or g:add(x, g:number(m.mean))
end)
