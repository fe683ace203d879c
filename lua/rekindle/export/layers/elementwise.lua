-- One parameter per element of a sample.
local layers = require 'rekindle.export.layers'

-- The parameter in dimensions that are repeated over the input.
local function spread(g, m, field, x)
   local sizes, rank = m.size:totable(), g.rank(x)
   local value, n = g:parameter(field, m[field]), m[field]:nElement()
   local dims = g.dims(x)
   local count = 1
   for _, size in ipairs(dims) do count = type(size) == 'number' and count and count * size or nil end
   if count == n then return g:op('Reshape', { value, g:ints(dims) }) end
   if rank == #sizes + 1 then table.insert(sizes, 1, 1) end
   if rank == #sizes then return g:op('Reshape', { value, g:ints(sizes) }) end
   -- samples of as many elements, in other dimensions
   local last, product = rank + 1, 1
   while product < n and last > 1 and type(dims[last - 1]) == 'number' do
      last = last - 1
      product = product * dims[last]
   end
   if product ~= n then g:cannot('its parameters do not fit dimensions of the input') end
   return g:op('Reshape', { value, g:ints { unpack(dims, last) } })
end

layers.declare('CMul', function(g, m, x) return g:mul(x, spread(g, m, 'weight', x)) end)
layers.declare('CAdd', function(g, m, x) return g:add(x, spread(g, m, 'bias', x)) end)
