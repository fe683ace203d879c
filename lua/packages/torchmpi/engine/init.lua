-- Engines for torchnet.
return require 'torchmpi.engine.sgdengine'
