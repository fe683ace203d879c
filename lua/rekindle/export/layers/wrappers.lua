-- Containers around one module.
local layers = require 'rekindle.export.layers'

local function inner(g, m, x)
   g.scope.chain = true
   return g:walk(m.modules[1], 1, x)
end
layers.declare({ 'Decorator', 'DontCast', 'NaN', 'Profile', 'GPU', 'DataParallelTable' }, inner)

-- The first dimensions become one, and come back in the output.
layers.declare('Bottle', function(g, m, x, call)
   local module = m.modules[1]
   local inside = g:coming(module)
   if #inside.x.sizes[1] == g.rank(x) then return g:walk(module, 1, x) end
   local flat = g:reshape(x, g.dims(inside.x))
   flat.sizes = inside.x.sizes
   return g:reshape(g:walk(module, 1, flat), g.dims(call.y))
end)

-- One module for every entry of a table: copies share its parameters.
layers.declare('MapTable', function(g, m, x)
   local outputs = {}
   for i, entry in ipairs(x) do outputs[i] = g:walk(m.modules[i], m.shared and 1 or i, entry) end
   return outputs
end)

layers.refuse({ 'ModuleFromCriterion', 'CriterionTable' },
   'a criterion compares outputs with targets; a network that is evaluated has none')
