-- Modules that change the gradient alone.
local layers = require 'rekindle.export.layers'

layers.declare({ 'GradientReversal', 'ZeroGrad', 'L1Penalty' }, function(g, _, x)
   g:torch 'nn.Identity()'
   return x
end)
