-- Normalizations.
local layers = require 'rekindle.export.layers'

local MODULES = { [2] = 'BatchNorm1d', [4] = 'BatchNorm2d', [5] = 'BatchNorm3d' }
layers.declare({ 'BatchNormalization', 'SpatialBatchNormalization', 'VolumetricBatchNormalization' }, function(g, m, x)
   local n = m.running_mean:nElement()
   local function of(field, value)
      if m[field] then return g:parameter(field, m[field], field:find('running') ~= nil) end
      return g:unseen(torch.Tensor(n):fill(value))
   end
   if MODULES[m.nDim] then
      g:torch('nn.%s(%d, eps=%s, momentum=%s%s)', MODULES[m.nDim], n, m.eps, m.momentum or 0.1,
         m.weight and '' or ', affine=False')
   end
   local scale, bias = of('weight', 1), of('bias', 0)
   local mean, var = of('running_mean', 0), of('running_var', 1)
   return g:batched(x, m.nDim, function(v)
      return g:op('BatchNormalization', { v, scale, bias, mean, var }, { epsilon = m.eps })
   end)
end)

-- By the p-norm of each sample, which is the last dimension.
local function normalize(g, x, p, eps, rank)
   local function sum(v) return g:add(g:reduce('Sum', v, { rank - 1 }, true), g:number(eps)) end
   if p == math.huge then
      return g:div(x, g:add(g:reduce('Max', g:op('Abs', { x }), { rank - 1 }, true), g:number(eps)))
   end
   if p == 2 then return g:div(x, g:power(sum(g:mul(x, x)), 0.5)) end
   return g:div(x, g:power(sum(g:power(g:op('Abs', { x }), p)), 1 / p))
end
layers.declare('Normalize', function(g, m, x) return normalize(g, x, m.p, m.eps, g.rank(x)) end)

-- The modules that it is made of, as they are made; otherwise it is the Sequential that it is.
layers.declare('LayerNormalization', function(g, m, x)
   local modules, rank = m.modules, g.rank(x)
   local names = { 'ConcatTable', 'CSubTable', 'Normalize', 'MulConstant', 'CMul', 'Add' }
   for i, module in ipairs(modules) do
      if torch.typename(module) ~= 'nn.' .. names[i] then return layers.functions['nn.Sequential'](g, m, x) end
   end
   local mean = g:reduce('Mean', x, { rank - 1 }, true)
   if rank == 2 then
      -- as in Torch7, each row of a batch gets the means one after the other, not its own
      local n = g:size(x, 2)
      local all = g:op('Expand', { g:transpose(mean, { 1, 0 }), g:ints { n, 1 } })
      mean = g:op('Reshape', { all, g:ints { -1, n } })
   end
   local y = g:sub(x, mean)
   y = g:mul(normalize(g, y, modules[3].p, modules[3].eps, rank), g:number(modules[4].constant_scalar))
   if modules[5] then y = g:mul(y, g:parameter('weight', modules[5].weight)) end
   return modules[6] and g:add(y, g:parameter('bias', modules[6].bias)) or y
end)

-- The neighbourhood has as many planes on both sides; of an even size, one less in all.
layers.declare('SpatialCrossMapLRN', function(g, m, x)
   local size = m.size % 2 == 1 and m.size or m.size - 1
   local alpha = m.alpha * size / m.size
   -- PyTorch's module takes the first dimension for the batch, whatever it is
   if g.rank(x) == 4 then g:torch('nn.LocalResponseNorm(%d, %s, %s, %s)', size, alpha, m.beta, m.k) end
   return g:batched(x, 4, function(v)
      return g:op('LRN', { v }, { size = size, alpha = alpha, beta = m.beta, bias = m.k })
   end)
end)
