-- Modules that reduce one dimension.
local layers = require 'rekindle.export.layers'
local locate = require('nn.dimensions').locate

for name, how in pairs { Sum = 'Sum', Mean = 'Sum', Max = 'Max', Min = 'Min' } do
   layers.declare(name, function(g, m, x)
      local rank = g.rank(x)
      local d = locate(m.dimension, rank, m.nInputDims)
      -- the only dimension stays
      local keep = rank == 1 or m.squeeze == false
      return g:reduce(how == 'Sum' and m.sizeAverage and 'Mean' or how, x, { d - 1 }, keep)
   end)
end
