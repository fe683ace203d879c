-- Softmax by a tree.
local layers = require 'rekindle.export.layers'

layers.refuse('SoftMaxTree', 'it takes targets as input and gives their log-probabilities, which training asks for')
