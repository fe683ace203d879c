-- Layers with a weight matrix.
local layers = require 'rekindle.export.layers'

-- input * weight' + bias, of one sample or a batch; `field` names the weight.
local function linear(g, x, weight, bias)
   return g:batched(x, 2, function(rows)
      return g:op('Gemm', { rows, weight, bias }, { transB = 1 })
   end)
end

layers.declare({ 'Linear', 'LinearWeightNorm' }, function(g, m, x)
   g:torch('nn.Linear(%d, %d%s)', m.weight:size(2), m.weight:size(1), m.bias and '' or ', bias=False')
   return linear(g, x, g:parameter('weight', m.weight), m.bias and g:parameter('bias', m.bias))
end)

-- y_k = x1 W_k x2 + b_k: rows of x1 times all of W, then times x2.
layers.declare('Bilinear', function(g, m, x)
   local w = m.weight
   local out, p, q = w:size(1), w:size(2), w:size(3)
   local rows = g:transpose(g:op('Reshape', { g:parameter('weight', w), g:ints { out * p, q } }), { 1, 0 })
   local through = g:op('Reshape', { g:op('MatMul', { x[2], rows }), g:ints { -1, out, p } })
   local y = g:squeeze(g:op('MatMul', { through, g:unsqueeze(x[1], { 2 }) }), { 2 })
   return m.bias and g:add(y, g:parameter('bias', m.bias)) or y
end)

-- The columns of the partition.
layers.declare('PartialLinear', function(g, m, x)
   local rows = m.network:get(1):get(2).weight
   local chosen = g:buffer('partition', m.partition:long() - 1)
   local y = g:op('MatMul', { x, g:transpose(g:op('Gather', { g:parameter('weight', rows), chosen }, { axis = 0 }), { 1, 0 }) })
   if not m.bias then return y end
   return g:add(y, g:op('Gather', { g:parameter('bias', m.bias), chosen }, { axis = 1 }))
end)
