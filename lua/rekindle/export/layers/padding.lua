-- Values added at the sides of dimensions, or taken away there.
local layers = require 'rekindle.export.layers'

-- Before and after each dimension, from those of the last ones.
local function sides(g, x, pairs_)
   local rank, before, after = g.rank(x), {}, {}
   for d = 1, rank do
      local pair = pairs_[d - rank + #pairs_]
      before[d], after[d] = pair and pair[1] or 0, pair and pair[2] or 0
   end
   return before, after
end

local function planes(m) return { { m.pad_t, m.pad_b }, { m.pad_l, m.pad_r } } end

layers.declare('SpatialZeroPadding', function(g, m, x)
   g:torch('nn.ZeroPad2d((%d, %d, %d, %d))', m.pad_l, m.pad_r, m.pad_t, m.pad_b)
   local before, after = sides(g, x, planes(m))
   return g:pad(x, before, after, 0)
end)
for name, mode in pairs { SpatialReflectionPadding = 'reflect', SpatialReplicationPadding = 'edge' } do
   layers.declare(name, function(g, m, x)
      local before, after = sides(g, x, planes(m))
      return g:pad(x, before, after, nil, mode)
   end)
end
layers.declare('VolumetricReplicationPadding', function(g, m, x)
   local before, after = sides(g, x, { { m.pfront, m.pback }, { m.ptop, m.pbottom }, { m.pleft, m.pright } })
   return g:pad(x, before, after, nil, 'edge')
end)

layers.declare('Padding', function(g, m, x)
   local rank, d = g.rank(x), m.dim
   if m.nInputDim and rank ~= m.nInputDim then d = d + 1 end
   local before, after = {}, {}
   for i = 1, rank do before[i], after[i] = 0, 0 end
   local count, at = math.abs(m.pad), m.index - 1
   if at == 0 then
      (m.pad > 0 and after or before)[d] = count
      return g:pad(x, before, after, m.value)
   end
   -- in the middle
   local n = g:size(x, d)
   if m.pad > 0 then at = n - at end
   local first = g:sized(g:slice(x, d - 1, 0, at), x, d, at)
   after[d] = count
   return g:op('Concat', { g:pad(first, before, after, m.value), g:slice(x, d - 1, at, n) }, { axis = d - 1 })
end)
