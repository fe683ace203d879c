-- The sys package: the clock, commands of the shell, colours, and names of files.
local native = require 'rekindle.native'
local paths = require 'paths'
local sys = rawget(_G, 'sys') or {}
rawset(_G, 'sys', sys)
for name, f in pairs(native.functions.sys) do sys[name] = f end

sys.dirname, sys.concat = paths.dirname, paths.concat
sys.prefix = paths.dirname(paths.execdir() or '/usr/bin')

local clock = sys.clock
local started = clock()
function sys.tic() started = clock() end

-- seconds since tic; printed where asked for
function sys.toc(verbose)
   local passed = clock() - started
   if verbose then print(passed) end
   return passed
end

-- what a command writes, errors too, without space around it
function sys.execute(command)
   local pipe = assert(io.popen(command .. ' 2>&1'))
   local text = pipe:read('*a')
   pipe:close()
   return (text:gsub('^%s*', ''):gsub('%s*$', ''))
end

-- the same by way of a file, of which `format` says what is read
function sys.fexecute(command, format)
   if format and type(format) ~= 'number' and not tostring(format):find('^%*?[anlL]') then
      error("sys.fexecute: *a, *l, *n or a number of bytes expected, got '" .. format .. "'")
   end
   local name = os.tmpname()
   os.execute(command .. ' >' .. name .. ' 2>&1')
   local f = assert(io.open(name))
   local text = f:read(format or '*a')
   f:close()
   os.remove(name)
   return type(text) == 'string' and text:gsub('^%s*', ''):gsub('%s*$', '') or text
end

function sys.uname() return sys.OS end
sys.OS = ({ Linux = 'linux', Darwin = 'macos', Windows = 'windows' })[paths.uname()] or paths.uname()

for name, flags in pairs { ls = '', ll = ' -l', la = ' -a', lla = ' -la' } do
   sys[name] = function(where) return sys.execute('ls' .. flags .. ' ' .. (where or '.')) end
end

-- the parts between separators, without an empty one at either end
function sys.split(text, pattern)
   text, pattern = tostring(text), tostring(pattern)
   local parts, from = {}, 1
   local first, last = text:find(pattern, from)
   while first and last >= first do
      if first > 1 then parts[#parts + 1] = text:sub(from, first - 1) end
      from = last + 1
      first, last = text:find(pattern, from)
   end
   if from <= #text then parts[#parts + 1] = text:sub(from) end
   return parts
end

function sys.isNaN(x) return x ~= x end

-- the directory and the name of the file that calls
function sys.fpath()
   local source = debug.getinfo(2, 'S').source:match('^@(.*)$')
   local file = paths.concat(source or '.')
   return paths.dirname(file), paths.basename(file)
end

local COLORS = { none = '\27[0m' }
for i, name in ipairs { 'black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white' } do
   COLORS[name] = ('\27[0;%dm'):format(29 + i)
   COLORS[name:sub(1, 1):upper() .. name:sub(2)] = ('\27[1;%dm'):format(29 + i)
   COLORS['_' .. name] = ('\27[%dm'):format(39 + i)
end
sys.COLORS = COLORS

require 'rekindle.takes'(sys, 'sys.', {
   execute = 'command:text', fexecute = 'command:text format:text?', split = 'text:text pattern:text', ls = 'where:text?',
   ll = 'where:text?', la = 'where:text?', lla = 'where:text?',
})

return sys
