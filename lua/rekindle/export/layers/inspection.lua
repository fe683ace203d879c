-- Modules that tell what goes through them.
local layers = require 'rekindle.export.layers'

layers.declare('PrintSize', function(g, _, x)
   g:torch 'nn.Identity()'
   return x
end)
