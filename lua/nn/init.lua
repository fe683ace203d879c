-- nn: modules, containers and criteria. Lua keeps the objects, Rust computes.
require 'torch'

nn = nn or {}

-- One file per family, in the order in which they build on each other.
local families = {
   'utils', 'module', 'parameters', 'container', 'sequential', 'criterion', 'linear', 'distance', 'activation',
   'views', 'slices', 'reductions', 'elementwise', 'constants', 'dropout', 'gradients', 'padding', 'upsampling',
   'connections', 'convolution', 'pooling', 'sparse', 'featurepooling', 'normalization', 'neighbourhood',
   'criterion.pointwise', 'criterion.pairwise', 'criterion.combined', 'branches', 'wrappers', 'weightnorm', 'tables',
   'products', 'nesting', 'lookup', 'copies', 'convert', 'kmeans', 'inspection', 'training', 'jacobian', 'hessian',
   'legacy', 'THNN',
}
for _, family in ipairs(families) do require('nn.' .. family) end

-- What Rust computes without any options needs no constructor.
local define = require 'nn.define'
for name in pairs(require('rekindle.native').classes) do
   local own = name:match('^nn%.(.*)$')
   if own and not nn[own] then define(own) end
end

-- Kernels are for Float and Double; asking another type for one says so.
for _, element in ipairs(require('rekindle.native').element_types) do
   local kind = element.name
   local class = torch[kind .. 'Tensor']
   if element.family ~= 'floating' and class and not class.nn then
      class.nn = setmetatable({}, {
         __index = function(_, name)
            error(string.format('%s is only supported for Float or Double Tensors, got torch.%sTensor', name, kind))
         end,
      })
   end
end

require('rekindle.absent').tell('nn', nn, 'class')

return nn
