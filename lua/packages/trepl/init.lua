-- Package trepl as a library: what programs ask of it beside the session, which `th` is.
require 'rekindle.print'
local trepl = { colors = require 'trepl.colors', colorize = require 'trepl.colorize' }

-- waits for lines and runs them, until the input ends or a line says `exit`
local function session()
   local run = require 'rekindle.run'
   io.write 'th> '
   for line in io.lines() do
      if line:match '^%s*exit%s*$' then break end
      local why = run.interact(line)
      if why then print(why) end
      io.write 'th> '
   end
end

return setmetatable(trepl, { __call = function() session() end })
