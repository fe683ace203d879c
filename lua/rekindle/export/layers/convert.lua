-- nn.Convert: what it has built for its input.
local layers = require 'rekindle.export.layers'

layers.declare('Convert', function(g, m, x, call)
   local module = m.converter
   local inside = g:coming(module)
   x = g:cast(x, 'float')
   local with = #inside.x.sizes[1] ~= g.rank(x)
   local v = x
   if with then v = g:unsqueeze(x, { m.inputBatchDim - 1 }) end
   v.sizes = inside.x.sizes
   local y = g:walk(module, 1, v)
   if #call.y.sizes[1] < g.rank(y) then return g:squeeze(y, { m.outputBatchDim - 1 }) end
   return y
end)
