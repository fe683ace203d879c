-- Runs once in a fresh state: makes the embedded files requirable and loads torch.
local sources = require('rekindle.native').sources
-- what runs once is not worth compiling
local compiles = jit.status()
jit.off()

for _, name in ipairs { 'load', 'require' } do
   assert(loadstring(sources['rekindle.' .. name], '=rekindle/' .. name .. '.lua'))()
end

require 'torch'
if compiles then jit.on() end
