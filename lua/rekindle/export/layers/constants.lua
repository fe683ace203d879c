-- Modules that scale or shift everything alike.
local layers = require 'rekindle.export.layers'

layers.declare('MulConstant', function(g, m, x) return g:mul(x, g:number(m.constant_scalar)) end)
layers.declare('AddConstant', function(g, m, x)
   local c = m.constant_scalar
   if type(c) == 'number' then return g:add(x, g:number(c)) end
   return g:add(x, g:buffer('constant', c))
end)
layers.declare('Power', function(g, m, x) return g:power(x, m.pow) end)
layers.declare('Mul', function(g, m, x) return g:mul(x, g:parameter('weight', m.weight)) end)

layers.declare('Add', function(g, m, x)
   local bias, dims = g:parameter('bias', m.bias), g.dims(x)
   if m.scalar or #dims == 1 then return g:add(x, bias) end
   -- the elements of a sample in a row, in its dimensions
   local sizes, count = {}, 1
   for d = 2, #dims do
      sizes[d - 1] = g:size(x, d)
      count = count * dims[d]
   end
   if count ~= m.bias:nElement() then g:cannot('an input of one sample in several dimensions') end
   if #sizes == 1 then return g:add(x, bias) end
   return g:add(x, g:op('Reshape', { bias, g:ints(sizes) }))
end)

-- The value, once for each sample of a batch.
layers.declare('Constant', function(g, m, x, call)
   local value = g:buffer('value', m.value)
   local n = g.dims(call.y)[1]
   if not m.nInputDim or g.rank(x) <= m.nInputDim then
      -- a value that does not come from the input
      return g:op('Identity', { value })
   end
   value = g:unsqueeze(value, { 0 })
   if type(n) == 'number' then
      local sizes = { n }
      for d = 1, m.value:dim() do sizes[d + 1] = 1 end
      return g:op('Expand', { value, g:ints(sizes) })
   end
   local batch = g:slice(g:op('Shape', { x }, nil, 'int64'), 0, 0, 1)
   local ones = {}
   for d = 1, m.value:dim() do ones[d] = 1 end
   return g:op('Expand', { value, g:op('Concat', { batch, g:ints(ones) }, { axis = 0 }, 'int64') })
end)
