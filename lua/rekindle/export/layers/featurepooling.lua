-- Poolings by p-norms of windows, and the k largest elements of a sequence.
local layers = require 'rekindle.export.layers'

-- The power and its root around a sum of windows (kernel and stride over the last dimensions of v, which has n of them
-- behind batch and planes).
local function norms(g, v, n, kernel, stride, p)
   local elements, zeros = 1, {}
   for i = 1, n do elements = elements * kernel[i] end
   for i = 1, 2 * n do zeros[i] = 0 end
   local mean = g:op('AveragePool', { g:power(v, p) },
      { kernel_shape = kernel, strides = stride, pads = zeros, count_include_pad = 1 })
   return g:power(g:mul(mean, g:number(elements)), 1 / p)
end

-- The power is that of the modules which Torch7 makes it of.
layers.declare('SpatialLPPooling', function(g, m, x)
   local names = {}
   for i, module in ipairs(m.modules) do names[i] = torch.typename(module):match('[^.]*$') end
   names = table.concat(names, ' ')
   if names ~= 'Square SpatialAveragePooling MulConstant Sqrt' and names ~= 'Power SpatialAveragePooling MulConstant Power' then
      -- as older versions made it: the modules one after the other
      return layers.functions['nn.Sequential'](g, m, x)
   end
   local p = torch.typename(m.modules[1]) == 'nn.Square' and 2 or m.modules[1].pow
   return g:batched(x, 4, function(v) return norms(g, v, 2, { m.kH, m.kW }, { m.dH, m.dW }, p) end)
end)

-- Over neighbouring features: what comes before them is one dimension, what follows another.
layers.declare('FeatureLPPooling', function(g, m, x, call)
   local dims, first = g.dims(x), m.batch_mode and 2 or 1
   local batch, inner = first == 2 and dims[1] or 1, 1
   for d = first + 1, #dims do inner = inner * g:size(x, d) end
   local v = g:reshape(x, { batch, 1, g:size(x, first), inner })
   local y = norms(g, v, 2, { m.width, 1 }, { m.stride, 1 }, m.power)
   return g:reshape(y, g.dims(call.y))
end)

-- The places of the k largest, in their order.
layers.declare('TemporalDynamicKMaxPooling', function(g, m, x, call)
   local rank = g.rank(x)
   local axis = rank - 2
   local k = call.y.sizes[1][rank - 1]
   local function top(v, kind, largest)
      local values, places = g:op('TopK', { v, g:ints { k } }, { axis = axis, largest = largest, sorted = 1 }, kind, 2)
      return values, places
   end
   local _, places = top(x, 'float', 1)
   local ordered = top(places, 'int64', 0)
   return g:op('GatherElements', { x, ordered }, { axis = axis })
end)
