-- nn: modules, containers and criteria. Lua keeps the objects, Rust computes.
require 'torch'

nn = nn or {}

-- One file per family, in the order in which they build on each other.
local families = {
   'utils', 'module', 'parameters', 'container', 'sequential', 'criterion', 'linear', 'distance', 'activation',
   'views', 'slices', 'reductions', 'elementwise', 'constants', 'dropout', 'gradients', 'padding', 'upsampling',
   'connections', 'convolution', 'pooling', 'sparse', 'featurepooling', 'normalization', 'neighbourhood',
   'criterion.pointwise', 'criterion.pairwise', 'criterion.combined', 'criterion.ctc', 'branches', 'wrappers', 'weightnorm', 'tables',
   'products', 'nesting', 'lookup', 'tree', 'copies', 'convert', 'kmeans', 'inspection', 'statedict', 'training', 'jacobian', 'hessian',
   'replicas', 'legacy', 'THNN',
}
for _, family in ipairs(families) do require('nn.' .. family) end

-- What Rust computes without any options needs no constructor.
local native = require 'rekindle.native'
local define = require 'nn.define'
for name in pairs(native.classes) do
   local own = name:match('^nn%.(.*)$')
   if own and not nn[own] then define(own) end
end

-- Kernels are for Float and Double; asking another type for one says so.
for i, kind in ipairs(native.types) do
   local class = torch.getconstructortable(torch.tensor_types[i])
   if native.elements[i].family ~= 'floating' and not class.nn then
      class.nn = setmetatable({}, {
         __index = function(_, name)
            error(string.format('%s is only supported for Float or Double Tensors, got torch.%sTensor', name, kind))
         end,
      })
   end
end

require('rekindle.absent').tell('nn', nn, 'class')

return nn
