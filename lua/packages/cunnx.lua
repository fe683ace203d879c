-- The package cunnx: what there is of it are the classes of nn, and those of nnx where that is installed.
require 'cunn'
pcall(require, 'nnx')

return nn
