-- Linear layers of inputs that list what is not zero.
local layers = require 'rekindle.export.layers'

layers.refuse({ 'SparseLinear', 'IndexLinear' },
   'its input lists the places and values that are not zero, for which ONNX and PyTorch have no counterpart')
