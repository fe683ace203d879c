-- Package nnx: the modules and criteria of it that demos and tutorials use (docs/packages.md lists them), as classes of nn.
require 'torch'
require 'nn'
require 'xlua'

-- a global, as programs expect
rawset(_G, 'nnx', {})

require 'nnx.spatial'
require 'nnx.sampling'
require 'nnx.normalization'
require 'nnx.neighbours'
require 'nnx.scales'
require 'nnx.places'
require 'nnx.others'

return nnx
