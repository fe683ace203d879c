-- Runs once in a fresh state: makes the embedded files requirable and loads torch.
local sources = require('rekindle.native').sources

for _, name in ipairs { 'load', 'require' } do
   assert(loadstring(sources['rekindle.' .. name], '=rekindle/' .. name .. '.lua'))()
end

require 'torch'
