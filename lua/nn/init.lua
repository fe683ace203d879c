-- nn: modules, containers and criteria. Lua keeps the objects, Rust computes.
require 'torch'

nn = nn or {}

-- one file per family, in the order in which they build on each other
local families = {
   'utils', 'module', 'parameters', 'container', 'sequential', 'criterion',
   'linear', 'activation', 'composed', 'shape', 'reductions', 'elementwise', 'dropout', 'spatial', 'normalization', 'losses', 'embeddings', 'branches', 'tables', 'slices', 'constants', 'lookup', 'training',
}
for _, family in ipairs(families) do require('nn.' .. family) end

return nn
