-- The package sys: time, shell commands, colours of the terminal.
require 'paths'
local native = require 'rekindle.native'

sys = { COLORS = require 'sys.colors', dirname = paths.dirname, concat = paths.concat }

-- time ------------------------------------------------------------------------------------------------------------

-- Seconds since 1970, with fractions.
sys.clock = native.clock

local started = native.clock()

function sys.tic() started = native.clock() end

-- Seconds since the last sys.tic; says them too if asked.
function sys.toc(verbose)
   local elapsed = native.clock() - started
   if verbose then print(elapsed) end
   return elapsed
end

local function seconds(name, value)
   local n = tonumber(value)
   if not n then error('sys.' .. name .. ': expected a number, got ' .. type(value), 3) end
   return math.max(n, 0)
end

function sys.sleep(s) native.sleep(seconds('sleep', s)) end

function sys.usleep(us) native.sleep(seconds('usleep', us) / 1e6) end

-- commands --------------------------------------------------------------------------------------------------------

local function command(name, text)
   if type(text) ~= 'string' then error('sys.' .. name .. ': expected a command as a string, got ' .. type(text), 3) end
   return text
end

-- What a shell command writes to its standard output, without white space at either end.
function sys.execute(text)
   local pipe = io.popen(command('execute', text))
   local said = pipe:read('*a')
   pipe:close()
   return said:match('^%s*(.-)%s*$')
end

-- The same through a file, for commands that need a real one; `readwhat` is a format of file:read.
function sys.fexecute(text, readwhat)
   command('fexecute', text)
   local name = os.tmpname()
   os.execute(text .. ' > ' .. name)
   local file = io.open(name)
   local said = file and file:read(readwhat or '*a')
   if file then file:close() end
   os.remove(name)
   return said and said:match('^(.-)%s*$')
end

-- What kind of system this is, as the machine says: 'linux', 'macos' or 'windows'.
function sys.uname()
   local kinds = { Darwin = 'macos', Windows = 'windows', Linux = 'linux' }
   local name = native.uname()
   return kinds[name] or name:lower()
end

sys.OS = sys.uname()
sys.prefix = paths.dirname(paths.execdir())

-- listings of a folder, as the shell gives them
for name, options in pairs { ls = '', ll = '-l', la = '-a', lla = '-l -a' } do
   sys[name] = function(folder)
      local quoted = "'" .. tostring(folder or '.'):gsub("'", "'\\''") .. "'"
      return sys.execute('ls ' .. options .. ' ' .. quoted)
   end
end

-- the rest --------------------------------------------------------------------------------------------------------

-- The folder and the name of the file that calls this.
function sys.fpath()
   local file = paths.thisfile(nil, 2)
   if not file then return paths.cwd(), nil end
   return paths.dirname(file), paths.basename(file)
end

-- The parts of a string between separators (a pattern); empty parts are left out.
function sys.split(text, separator)
   local parts, from = {}, 1
   while true do
      local first, last = text:find(separator, from)
      if first and last < first then
         error(string.format('sys.split: the separator %q matches nothing', separator), 2)
      end
      local part = text:sub(from, first and first - 1)
      if part ~= '' then parts[#parts + 1] = part end
      if not first then return parts end
      from = last + 1
   end
end

function sys.isNaN(number) return number ~= number end

return sys
