-- Package trepl: functions that colour texts: `c.red 'x'`, `c.Blue 'bold'`, `c._green 'behind'`.
local colors = require 'trepl.colors'
local colorize = {}
for name, sequence in pairs(colors) do
   colorize[name] = function(text) return sequence .. tostring(text) .. colors.none end
end
return colorize
