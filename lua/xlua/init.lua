-- The package xlua: help texts and named arguments, printing, a progress bar, and small additions to Lua's libraries.
require 'paths'
require 'sys'

xlua = {}

local parts = { 'arguments', 'text', 'session', 'progress' }
for _, part in ipairs(parts) do
   for name, f in pairs(require('xlua.' .. part)) do xlua[name] = f end
end
xlua.OptionParser = require 'xlua.OptionParser'
xlua.Profiler = require 'xlua.Profiler'

-- short names that scripts use
xerror, xprint, xrequire = xlua.error, xlua.print, xlua.require

return xlua
