-- Penlight: all modules as globals, loaded when they are asked for.
return require 'pl.import_into' (_G)
