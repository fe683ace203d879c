-- `th kernel`: makes Jupyter know this program, or says where a frontend's connection file is.
local cjson = require 'cjson'
local read_options = require 'rekindle.options'
local folder = require 'rekindle.folder'
local kernel = {}

local USAGE = [[
th kernel install [options]    makes Jupyter know this th: notebooks offer it, jupyter console --kernel th begins with it
th kernel CONNECTION_FILE      is a kernel; Jupyter calls it so

   --user                for this user (what happens without an option)
   --prefix DIR          below DIR/share/jupyter/kernels
   --sys-prefix          in the Python environment that is active
   --name NAME           the folder, and what --kernel takes (th)
   --display-name TEXT   what notebooks show (Torch (Rekindle))
   --env NAME=VALUE      a variable of the kernel's environment, such as REKINDLE_CUDA=cpu; may be given several times]]

local KNOWN = { user = false, prefix = true, ['sys-prefix'] = false, name = true, ['display-name'] = true, env = 'list' }

local function fail(...) error('th kernel: ' .. string.format(...), 0) end

local function set(name)
   local value = os.getenv(name)
   return value ~= nil and value ~= '' and value or nil
end

-- where Jupyter looks for what belongs to a user
local function of_user()
   local data = set 'JUPYTER_DATA_DIR'
   if data then return data end
   local home = set 'HOME' or fail('--user: there is no HOME')
   if jit.os == 'OSX' then return home .. '/Library/Jupyter' end
   return (set 'XDG_DATA_HOME' or home .. '/.local/share') .. '/jupyter'
end

-- the Python environment that is active
local function sys_prefix()
   local prefix = set 'VIRTUAL_ENV' or set 'CONDA_PREFIX'
   if prefix then return prefix end
   local pipe = io.popen('python3 -c "import sys; print(sys.prefix)" 2>/dev/null')
   prefix = pipe and pipe:read('*l')
   if pipe then pipe:close() end
   return prefix or fail('--sys-prefix: no environment is active, and there is no python3')
end

local function install(given, program)
   local places = (given.user and 1 or 0) + (given.prefix and 1 or 0) + (given['sys-prefix'] and 1 or 0)
   if places > 1 then fail('install: --user, --prefix and --sys-prefix exclude each other') end
   local name = given.name or 'th'
   if not name:match('^[%w._-]+$') then fail("install: --name: expected letters, digits, '.', '_' and '-', got '%s'", name) end
   local spec = { argv = { program, 'kernel', '{connection_file}' }, display_name = given['display-name'] or 'Torch (Rekindle)',
      language = 'lua', interrupt_mode = 'signal' }
   for _, variable in ipairs(given.env or {}) do
      local key, value = variable:match('^([%a_][%w_]*)=(.*)$')
      if not key then fail('install: --env: expected NAME=VALUE, got %s', variable) end
      spec.env = spec.env or {}
      spec.env[key] = value
   end
   local top
   if given.prefix then
      top = given.prefix .. '/share/jupyter'
   elseif given['sys-prefix'] then
      top = sys_prefix() .. '/share/jupyter'
   else
      top = of_user()
   end
   local dir = top .. '/kernels/' .. name
   -- the folders around it; the last one tells what is wrong
   for at in dir:gmatch('()/') do paths.mkdir(dir:sub(1, at - 1)) end
   folder('th kernel install', dir)('kernel.json', cjson.encode(spec) .. '\n')
   print(string.format('installed %s\n   jupyter console --kernel %s\n   jupyter lab', dir, name))
end

-- Installs, or gives the connection file of the kernel to run.
function kernel.main(args, program)
   if #args == 0 then fail('expected install or a connection file\n%s', USAGE) end
   local given, words = read_options('th kernel', args, KNOWN, USAGE)
   if not given then return nil end
   if words[1] == 'install' then
      if #words > 1 then fail('install: unexpected %s', words[2]) end
      return install(given, program)
   end
   local option = next(given)
   if option then fail('--%s belongs to th kernel install', option) end
   if #words ~= 1 then fail('expected install or one connection file\n%s', USAGE) end
   return words[1]
end

return kernel
