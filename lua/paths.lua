-- The package paths: names of files, and what is under them.
local native = require 'rekindle.native'

paths = { home = native.home() }

local function check_string(name, position, value, count)
   if type(value) == 'string' or type(value) == 'number' then return tostring(value) end
   local got = value == nil and position > count and 'no value' or type(value)
   error(string.format("bad argument #%d to '%s' (string expected, got %s)", position, name, got), 3)
end

-- names -----------------------------------------------------------------------------------------------------------

-- A name without the separators at its end, except the one that is the root.
local function trimmed(name)
   local short = name:gsub('/+$', '')
   if short == '' and name ~= '' then return '/' end
   return short
end

-- The last part of a name, without the suffix (given with or without its dot).
function paths.basename(...)
   local name, suffix = ...
   name = trimmed(check_string('basename', 1, name, select('#', ...)))
   local base = name:match('[^/]*$')
   if suffix == nil then return base end
   suffix = check_string('basename', 2, suffix, 2)
   if suffix == '' then return base end
   if suffix:sub(1, 1) ~= '.' then suffix = '.' .. suffix end
   if #base >= #suffix and base:sub(-#suffix) == suffix then return base:sub(1, -#suffix - 1) end
   return base
end

-- What is before the last part of a name.
function paths.dirname(...)
   local name = trimmed(check_string('dirname', 1, (...), select('#', ...)))
   local folder = name:match('^(.*)/[^/]*$')
   if not folder then return '.' end
   if folder == '' then return '/' end
   -- '//a//b' keeps its odd separators, as it does in Torch7
   return folder
end

-- What follows the last dot, which may be in the name of a folder; nothing at all without a dot.
function paths.extname(...)
   local name = check_string('extname', 1, (...), select('#', ...))
   local extension = name:match('%.([^.]*)$')
   if extension then return extension end
end

-- Puts names one after the other, resolving '.' and '..'. The result is absolute: relative names start at the current
-- folder.
function paths.concat(...)
   local parts = {}
   for part in native.cwd():gmatch('[^/]+') do parts[#parts + 1] = part end
   for i = 1, select('#', ...) do
      local name = check_string('concat', i, (select(i, ...)), select('#', ...))
      if name:sub(1, 1) == '/' then parts = {} end
      for part in name:gmatch('[^/]+') do
         if part == '..' then
            parts[#parts] = nil
         elseif part ~= '.' then
            parts[#parts + 1] = part
         end
      end
   end
   return '/' .. table.concat(parts, '/')
end

-- the system ------------------------------------------------------------------------------------------------------

paths.cwd = native.cwd
paths.execdir = native.execdir
paths.tmpname = native.tmpname
paths.uname = native.uname

function paths.is_win() if native.uname() == 'Windows' then return true end end

function paths.is_mac() if native.uname() == 'Darwin' then return true end end

function paths.getregistryvalue() error('paths.getregistryvalue: This function exists only on windows', 2) end

-- The first of the named programs that lies in a folder of $PATH; nil if there is none.
function paths.findprogram(...)
   for i = 1, select('#', ...) do
      local name = check_string('findprogram', i, (select(i, ...)), select('#', ...))
      if name:find('/', 1, true) then
         local full = paths.concat(name)
         if native.is_file(full) then return full end
      else
         for folder in (os.getenv('PATH') or ''):gmatch('[^:]+') do
            local full = paths.concat(folder, name)
            if native.is_file(full) then return full end
         end
      end
   end
   return nil
end

-- files and folders -----------------------------------------------------------------------------------------------

function paths.filep(...)
   return native.is_file(check_string('filep', 1, (...), select('#', ...)))
end

function paths.dirp(...)
   return native.is_dir(check_string('dirp', 1, (...), select('#', ...)))
end

-- true, or nil and why not
local function outcome(done, why)
   if done then return true end
   return nil, why
end

function paths.mkdir(...)
   return outcome(native.mkdir(check_string('mkdir', 1, (...), select('#', ...))))
end

function paths.rmdir(...)
   return outcome(native.rmdir(check_string('rmdir', 1, (...), select('#', ...))))
end

-- Removes a file, or a folder with everything in it; the second argument must be 'yes', so that nobody does this by
-- accident.
function paths.rmall(...)
   local name, sure = ...
   name = check_string('rmall', 1, name, select('#', ...))
   if sure ~= 'yes' then return nil, "missing second argument ('yes')" end
   if not (native.is_dir(name) or native.is_file(name)) then return nil, 'not a file or directory' end
   return outcome(native.remove_all(name))
end

-- All names in a folder, '.' and '..' among them, in no order; nil where there is no such folder.
function paths.dir(...)
   return native.list_dir(check_string('dir', 1, (...), select('#', ...)))
end

-- an iterator over the names in a folder that `keep` accepts
local function each(folder, keep)
   local names, i = native.list_dir(folder) or {}, 0
   return function()
      repeat i = i + 1 until names[i] == nil or keep(names[i])
      return names[i]
   end
end

-- Iterates over the names in a folder, filtered by a pattern or a function; '.' and '..' are names too.
function paths.files(...)
   local folder, filter = ...
   folder = check_string('files', 1, folder, select('#', ...))
   local keep = filter
   if filter == nil then
      keep = function() return true end
   elseif type(filter) == 'string' then
      keep = function(name) return name:find(filter) end
   elseif type(filter) ~= 'function' then
      error('paths.files: Expecting optional arg 2 to be function or string. Got : ' .. torch.type(filter), 2)
   end
   return each(folder, keep)
end

function paths.iterfiles(...)
   local folder = check_string('iterfiles', 1, (...), select('#', ...))
   return each(folder, function(name) return native.is_file(paths.concat(folder, name)) end)
end

function paths.iterdirs(...)
   local folder = check_string('iterdirs', 1, (...), select('#', ...))
   return each(folder, function(name)
      return name ~= '.' and name ~= '..' and native.is_dir(paths.concat(folder, name))
   end)
end

-- the running file ------------------------------------------------------------------------------------------------

-- the file of the function at a level of the stack, absolute; nil where it was not loaded from a file
local function file_at(level)
   local info = debug.getinfo(level + 1, 'S')
   local name = info and info.source:match('^@(.*)$')
   return name and paths.concat(name)
end

-- The file that calls this, or with a name: the file of that name beside it.
function paths.thisfile(name, level)
   local this = file_at((tonumber(level) or 1) + 1)
   if not this or not name then return this end
   return paths.concat(paths.dirname(this), name)
end

-- Runs a file named relative to the file that calls this.
function paths.dofile(name, level)
   local this = file_at((tonumber(level) or 1) + 1)
   return dofile(paths.concat(this and paths.dirname(this) or native.cwd(), name))
end

-- require: Lua modules, then C modules whose library exports luaopen_NAME.
function paths.require(name)
   return require(name)
end

return paths
