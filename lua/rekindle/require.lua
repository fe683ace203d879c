-- Where `require` looks. In this order: package.preload; Torch's core, which is embedded; package.path and package.cpath,
-- with the places where LuaRocks and Debian put code for Lua 5.1; beside the requiring file; files by their names
-- (`./file.lua`, `weights.t7`); and last the other packages that are built in, so that a program's own copy of one wins.
local native = require 'rekindle.native'
local is_embedded, chunk = native.functions.embedded.has, native.functions.embedded.chunk
local BUNDLED = 'packages.'

-- ---- the paths ----

local home = os.getenv('HOME')
local roots = { '/usr/local', '/usr' }
if home then table.insert(roots, 1, home .. '/.luarocks') end

local function default_paths()
   local lua, c = { './?.lua' }, { './?.so' }
   for _, root in ipairs(roots) do
      lua[#lua + 1] = root .. '/share/lua/5.1/?.lua'
      lua[#lua + 1] = root .. '/share/lua/5.1/?/init.lua'
      c[#c + 1] = root .. '/lib/lua/5.1/?.so'
   end
   -- where Debian and its kin keep libraries of one kind of machine
   local machine = ({ x64 = 'x86_64', arm64 = 'aarch64' })[jit.arch]
   if jit.os == 'Linux' and machine then c[#c + 1] = '/usr/lib/' .. machine .. '-linux-gnu/lua/5.1/?.so' end
   c[#c + 1] = '/usr/local/lib/lua/5.1/loadall.so'
   return table.concat(lua, ';'), table.concat(c, ';')
end

-- what a variable of the environment says, where `;;` stands for the default
local function from_environment(name, default)
   local given = os.getenv(name)
   if not given then return default end
   local text = (';' .. given .. ';'):gsub(';;', function() return ';' .. default .. ';' end, 1)
   return (text:gsub(';;+', ';'):gsub('^;', ''):gsub(';$', ''))
end

do
   local lua, c = default_paths()
   package.path, package.cpath = from_environment('LUA_PATH', lua), from_environment('LUA_CPATH', c)
end

-- ---- loaders ----

local function embedded(name)
   if is_embedded(name) and name:sub(1, #BUNDLED) ~= BUNDLED then return chunk(name) end
   -- a class or function that has a file of its own in Torch7: require 'nn.Linear'
   local package_name, member = name:match('^(%a+)%.(%a+)$')
   local loaded = package_name and is_embedded(package_name) and package.loaded[package_name]
   if type(loaded) == 'table' and rawget(loaded, member) ~= nil then return function() return loaded[member] end end
   return '\n\tno embedded module \'' .. name .. '\''
end

-- whether a package is built in, and there for this process
local function built_in(name)
   return is_embedded(BUNDLED .. name) and not require('rekindle.rocks').needs_device(name)
end

local function bundled(name)
   if built_in(name) then return chunk(BUNDLED .. name) end
   return ''
end

local function exists(path)
   local file = io.open(path, 'r')
   -- a folder can be opened, but not read
   local is_file = file ~= nil and file:read(0) ~= nil or file ~= nil and file:seek('end') == 0
   if file then file:close() end
   return is_file
end

-- Runs what was read from a file. A file that ends in `return require 'part'` is gone from the stack by then, and this
-- function, which is still there, holds it.
local function run(chunk, ...)
   local function results(...) return ... end
   return results(chunk(...))
end

-- The file that the function at a level of the caller's stack is of, as `@folder/file.lua`; what else functions have as their
-- source; and nil where the stack has no more. Functions in C and of this program have none.
local function source_at(level)
   local info = debug.getinfo(level + 1, 'Sf')
   if not info then return nil end
   if info.func == run then
      local _, chunk = debug.getlocal(level + 1, 1)
      return type(chunk) == 'function' and debug.getinfo(chunk, 'S').source or ''
   end
   if info.source == '=rekindle/run.lua' then
      local script = require('rekindle.run').script
      return script and '@' .. script or ''
   end
   if info.what == 'C' or info.source:sub(1, 1) == '=' then return '' end
   return info.source
end

local function folder_of(source) return source:match('^@(.*[/\\])') or source:sub(1, 1) == '@' and './' or nil end

-- Files say where they are from the folder in which the program began, which it may have left.
local working = native.functions.paths.cwd
local began_in = working()
local function with_beginning(list)
   if not began_in or working() == began_in then return list end
   local all = {}
   for _, dir in ipairs(list) do
      all[#all + 1] = dir
      if not dir:find('^[/\\]') and not dir:find('^%a:') then all[#all + 1] = began_in .. '/' .. dir end
   end
   return all
end

-- the folders of the files that call require, nearest first, so that a program finds what lies beside it; and those files
local function folders()
   local level, tried, list, running = 3, {}, {}, {}
   while true do
      local source = source_at(level)
      if not source then return with_beginning(list), running end
      running[source] = true
      local dir = folder_of(source)
      if dir and not tried[dir] then
         tried[dir] = true
         list[#list + 1] = dir
      end
      level = level + 1
   end
end

local function code(path)
   local chunk, why = loadfile(path)
   if not chunk then error(why, 0) end
   return function(...) return run(chunk, ...) end
end

-- files that are no code, by their suffix
local readers = {
   t7 = function(path) return torch.load(path) end,
   json = function(path)
      local file = assert(io.open(path, 'r'))
      local text = file:read('*a')
      file:close()
      return require('cjson').decode(text)
   end,
   csv = function(path) return require('csvigo').load { path = path, verbose = false } end,
}
readers.net = readers.t7

-- what a file that is named with its suffix holds, as a function that gives it
local function whole_file(path)
   local suffix = path:match('%.(%w+)$')
   if suffix == 'lua' then return code(path) end
   -- either a script for `th` or an object
   if suffix == 'th' then return loadfile(path) and code(path) or function() return readers.t7(path) end end
   local reader = readers[suffix]
   return reader and function() return reader(path) end
end

-- what is at a path with or without its suffix: code first, objects, a folder's code
local SUFFIXES = { 'th', 't7', 'net', 'json', 'csv' }
local function at_path(base)
   if exists(base .. '.lua') then return code(base .. '.lua') end
   if exists(base) then return whole_file(base) or code(base) end
   for _, suffix in ipairs(SUFFIXES) do
      local path = base .. '.' .. suffix
      if exists(path) then return whole_file(path) end
   end
   if exists(base .. '/init.lua') then return code(base .. '/init.lua') end
end

local function beside(name)
   local list, running = folders()
   for _, dir in ipairs(list) do
      local base = dir .. name:gsub('%.', '/')
      for _, path in ipairs { base .. '.lua', base .. '/init.lua' } do
         -- a file named like the package that it is about does not mean itself
         if not running['@' .. path] and exists(path) then return code(path) end
      end
   end
   if not name:find('/') and not name:find('%.%w+$') then return '' end
   if not name:find('^/') then table.insert(list, 1, '') else list = { '' } end
   for _, dir in ipairs(list) do
      local chunk = at_path(dir .. name)
      if chunk then return chunk end
   end
   return ''
end

-- first: what is known of a name that nobody finds stands in the first line of the message
local function preloaded(name)
   local f = package.preload[name]
   if f ~= nil then return f end
   local hint = not is_embedded(name) and not built_in(name) and require('rekindle.rocks').hint(name)
   return (hint and ' ' .. hint or '') .. string.format("\n\tno field package.preload['%s']", name)
end

-- a file of package.path
local from_path = package.loaders[2]
package.loaders[2] = function(name)
   local chunk = from_path(name)
   if type(chunk) ~= 'function' then return chunk end
   return function(...) return run(chunk, ...) end
end
table.insert(package.loaders, 2, embedded)
package.loaders[#package.loaders + 1] = beside
package.loaders[#package.loaders + 1] = bundled
package.loaders[1] = preloaded

-- ---- names that begin with a dot ----

-- They are paths from the file that requires (from the working folder where there is none, as in the session), and what is
-- there runs each time: two folders have a './util' each. Where nothing is there, such a name is looked for as any other.
local ordinary = require
local DEEPEST = 150

-- The source of the nearest function of a program on the stack. Files that require each other are told before the stack is full.
local function requiring(name)
   -- the function that called require
   local level, source, files = 3, nil, 0
   while true do
      local info = debug.getinfo(level, 'f')
      if not info then return source end
      if info.func == run then files = files + 1 end
      if files > DEEPEST then
         error(string.format("require: files require each other without end, the last time '%s'", name), 3)
      end
      if not source or source == '' then source = source_at(level) end
      level = level + 1
   end
end

function require(name)
   if type(name) ~= 'string' and type(name) ~= 'number' then
      error(string.format("bad argument #1 to 'require' (string expected, got %s)", type(name)), 2)
   end
   if type(name) == 'string' and name:find('^%.') then
      local source = requiring(name)
      for _, dir in ipairs(with_beginning { source and folder_of(source) or '' }) do
         local path = dir .. name
         repeat
            local shorter = path:gsub('/%./', '/')
            local same = shorter == path
            path = shorter
         until same
         local chunk = at_path(path)
         if chunk then return chunk() end
      end
   end
   return ordinary(name)
end
