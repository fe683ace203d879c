-- Containers: modules one after the other, and side by side.
local layers = require 'rekindle.export.layers'

layers.declare('Sequential', function(g, m, x)
   g.scope.chain = true
   for i, module in ipairs(m.modules) do x = g:walk(module, i, x) end
   return x
end)

local function each(g, m, inputs)
   local outputs = {}
   for i, module in ipairs(m.modules) do outputs[i] = g:walk(module, i, inputs(i)) end
   return outputs
end

layers.declare('Concat', function(g, m, x)
   return g:op('Concat', each(g, m, function() return x end), { axis = m.dimension - 1 })
end)

-- Smaller outputs lie in the middle of the largest, with zeros around.
layers.declare('DepthConcat', function(g, m, x, call)
   local parts, whole = each(g, m, function() return x end), g.dims(call.y)
   for i, part in ipairs(parts) do
      local before, after = {}, {}
      for d = 1, #whole do
         before[d], after[d] = 0, 0
         if d ~= m.dimension and not g.same(whole[d], g.dims(part)[d]) then
            if type(whole[d]) ~= 'number' then g:cannot('its parts differ in a dimension that is open') end
            local rest = whole[d] - g:size(part, d)
            before[d] = math.floor(rest / 2)
            after[d] = rest - before[d]
         end
      end
      parts[i] = g:pad(part, before, after, 0)
   end
   return g:op('Concat', parts, { axis = m.dimension - 1 })
end)

-- Each module gets a slice of the input.
layers.declare('Parallel', function(g, m, x)
   local parts, d = {}, m.inputDimension
   for i = 1, g:size(x, d) do
      local slice = g:op('Gather', { x, g:number(i - 1, 'int64') }, { axis = d - 1 })
      slice.sizes = {}
      for r, sizes in ipairs(x.sizes) do
         slice.sizes[r] = { unpack(sizes) }
         table.remove(slice.sizes[r], d)
      end
      parts[i] = g:walk(m.modules[i], i, slice)
   end
   return g:op('Concat', parts, { axis = m.outputDimension - 1 })
end)

layers.declare('ConcatTable', function(g, m, x) return each(g, m, function() return x end) end)
layers.declare('ParallelTable', function(g, m, x)
   return each(g, m, function(i) return g:entry(x, i) end)
end)
