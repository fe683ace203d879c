-- Package env: printing of tables with what they hold, and names of types.
require 'rekindle.print'
local env = {}
env.type = torch.type
env.print = print
function env.printerr(...)
   local texts = {}
   for i = 1, select('#', ...) do texts[i] = tostring((select(i, ...))) end
   io.stderr:write(table.concat(texts, ' '), '\n')
end
return env
