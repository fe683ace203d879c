-- Rows of a weight matrix by their numbers, which count from 1 as in Torch7.
local layers = require 'rekindle.export.layers'

layers.declare('LookupTable', function(g, m, x)
   if m.maxNorm then
      -- rows that are too long become shorter when they are looked up
      m:shorten(m.weight, torch.range(1, m.weight:size(1)):long())
   end
   return g:op('Gather', { g:parameter('weight', m.weight), g:fromOne(x) }, { axis = 0 })
end)

layers.declare('OneHot', function(g, m, x)
   local values = g:buffer('values', torch.Tensor { 0, 1 })
   return g:op('OneHot', { g:fromOne(x), g:number(m.outputSize, 'int64'), values }, { axis = -1 }, 'float')
end)
