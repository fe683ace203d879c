-- The package dok: named arguments and help texts, under the names that older packages call. It gives no value of its
-- own, so that require 'dok' is true, as in Torch7; the functions are in the global dok.
local arguments = require 'xlua.arguments'

dok = { usage = arguments.usage, unpack = arguments.unpack, error = arguments.error }
