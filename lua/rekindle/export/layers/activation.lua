-- Activations.
local layers = require 'rekindle.export.layers'

-- One operation, and the module of PyTorch's that does it.
for name, op in pairs { Abs = 'Abs', Exp = 'Exp', Log = 'Log', Sqrt = 'Sqrt' } do
   layers.declare(name, function(g, _, x) return g:op(op, { x }) end)
end
for name, op in pairs { Sigmoid = 'Sigmoid', Tanh = 'Tanh', SoftSign = 'Softsign' } do
   layers.declare(name, function(g, _, x)
      g:torch('nn.%s()', op)
      return g:op(op, { x })
   end)
end

layers.declare('Square', function(g, _, x) return g:mul(x, x) end)
layers.declare('LogSigmoid', function(g, _, x)
   g:torch 'nn.LogSigmoid()'
   return g:op('Neg', { g:op('Softplus', { g:op('Neg', { x }) }) })
end)
layers.declare('TanhShrink', function(g, _, x)
   g:torch 'nn.Tanhshrink()'
   return g:sub(x, g:op('Tanh', { x }))
end)

-- What lies above the threshold, and a value in the place of the rest.
local function threshold(g, x, at, value)
   if at == 0 and value == 0 then return g:op('Relu', { x }) end
   return g:op('Where', { g:op('Greater', { x, g:number(at) }, nil, 'bool'), x, g:number(value) }, nil, 'float')
end
layers.declare('Threshold', function(g, m, x)
   g:torch('nn.Threshold(%s, %s)', m.threshold, m.val)
   return threshold(g, x, m.threshold, m.val)
end)
layers.declare('ReLU', function(g, m, x)
   if m.threshold == 0 and m.val == 0 then g:torch 'nn.ReLU()' end
   return threshold(g, x, m.threshold, m.val)
end)
layers.declare('LeakyReLU', function(g, m, x)
   g:torch('nn.LeakyReLU(%s)', m.negval)
   return g:op('LeakyRelu', { x }, { alpha = m.negval })
end)
-- in evaluation the mean of the slopes
layers.declare('RReLU', function(g, m, x)
   g:torch('nn.RReLU(%s, %s)', m.lower, m.upper)
   return g:op('LeakyRelu', { x }, { alpha = (m.lower + m.upper) / 2 })
end)
layers.declare('ELU', function(g, m, x)
   g:torch('nn.ELU(%s)', m.alpha)
   return g:op('Elu', { x }, { alpha = m.alpha })
end)
layers.declare({ 'HardTanh', 'Clamp' }, function(g, m, x)
   g:torch('nn.Hardtanh(%s, %s)', m.min_val, m.max_val)
   return g:op('Clip', { x, g:number(m.min_val), g:number(m.max_val) })
end)
layers.declare('ReLU6', function(g, _, x)
   g:torch 'nn.ReLU6()'
   return g:op('Clip', { x, g:number(0), g:number(6) })
end)
layers.declare('HardShrink', function(g, m, x)
   g:torch('nn.Hardshrink(%s)', m.lambda)
   local outside = g:op('Greater', { g:op('Abs', { x }), g:number(m.lambda) }, nil, 'bool')
   return g:op('Where', { outside, x, g:number(0) }, nil, 'float')
end)
layers.declare('SoftShrink', function(g, m, x)
   g:torch('nn.Softshrink(%s)', m.lambda)
   local function beyond(v) return g:op('Relu', { g:sub(v, g:number(m.lambda)) }) end
   return g:sub(beyond(x), beyond(g:op('Neg', { x })))
end)
layers.declare('SoftPlus', function(g, m, x)
   g:torch('nn.Softplus(%s, %s)', m.beta, m.threshold)
   if m.beta == 1 then return g:op('Softplus', { x }) end
   return g:div(g:op('Softplus', { g:mul(x, g:number(m.beta)) }), g:number(m.beta))
end)

-- One slope, or one for each plane: the first dimension of a sample, the second of a batch.
layers.declare('PReLU', function(g, m, x)
   local rank, n = g.rank(x), m.weight:nElement()
   local slope = g:parameter('weight', m.weight)
   if n == 1 then
      g:torch 'nn.PReLU(1)'
      return g:op('PRelu', { x, slope })
   end
   local plane = (rank == 1 or rank == 3) and 1 or 2
   if plane == 2 then g:torch('nn.PReLU(%d)', n) end
   local sizes = {}
   for d = 1, rank do sizes[d] = d == plane and n or 1 end
   return g:op('PRelu', { x, g:op('Reshape', { slope, g:ints(sizes) }) })
end)

-- The positive and the negative part, one behind the other among the features.
layers.declare('CReLU', function(g, m, x)
   local batch = m.nInputDims and g.rank(x) > m.nInputDims
   local both = { g:op('Relu', { x }), g:op('Relu', { g:op('Neg', { x }) }) }
   return g:op('Concat', both, { axis = batch and 1 or 0 })
end)

-- Half of the input, through gates that the other half gives.
layers.declare('GatedLinearUnit', function(g, m, x)
   local d = m.dim or g.rank(x)
   if d < 0 then d = g.rank(x) + d + 1 end
   local n = g:size(x, d)
   g:torch('nn.GLU(%d)', d - 1)
   return g:mul(g:slice(x, d - 1, 0, n / 2), g:op('Sigmoid', { g:slice(x, d - 1, n / 2, n) }))
end)

-- Over the features: dimension 1 of a vector and of planes, 2 of a batch of either.
local function features(rank) return (rank == 1 or rank == 3) and 0 or 1 end

layers.declare({ 'SoftMax', 'SpatialSoftMax' }, function(g, _, x)
   local axis = features(g.rank(x))
   g:torch('nn.Softmax(%d)', axis)
   return g:normalized('Softmax', x, axis, g.rank(x))
end)
layers.declare({ 'LogSoftMax', 'SpatialLogSoftMax' }, function(g, _, x)
   local axis = features(g.rank(x))
   g:torch('nn.LogSoftmax(%d)', axis)
   return g:normalized('LogSoftmax', x, axis, g.rank(x))
end)
layers.declare('SoftMin', function(g, _, x)
   local axis = features(g.rank(x))
   g:torch('nn.Softmin(%d)', axis)
   return g:normalized('Softmax', g:op('Neg', { x }), axis, g.rank(x))
end)
