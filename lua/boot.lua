-- Runs once in a fresh state: makes the embedded files requirable and loads torch.
local chunk = require('rekindle.native').functions.embedded.chunk
-- what runs once is not worth compiling
local compiles = jit.status()
jit.off()

for _, name in ipairs { 'load', 'require' } do chunk('rekindle.' .. name)() end

require 'torch'
if compiles then jit.on() end
