-- Package lfs (LuaFileSystem 1.8): attributes of files, folders, links, locks.
local rows = require('rekindle.native').functions.lfs
-- a global too, as programs expect
lfs = { _VERSION = 'LuaFileSystem 1.8.0', _DESCRIPTION = 'LuaFileSystem', _COPYRIGHT = 'see docs/packages.md' }

for _, name in ipairs { 'chdir', 'currentdir', 'mkdir', 'rmdir' } do lfs[name] = rows[name] end

-- ---- attributes ----

local names = rows.names()
local MODE, PERMISSIONS, TARGET = #names + 1, #names + 2, #names + 3
local places = { mode = MODE, permissions = PERMISSIONS }
for i, name in ipairs(names) do places[name] = i end

local function attributes(path, request, follow)
   local list, why, number = rows.attributes(path, follow)
   if not list then return nil, why, number end
   if type(request) == 'string' then
      if request == 'target' and not follow then return list[TARGET] end
      local place = places[request]
      if not place then error("invalid attribute name '" .. request .. "'", 3) end
      return list[place]
   end
   local found = type(request) == 'table' and request or {}
   for name, i in pairs(places) do found[name] = list[i] end
   if not follow then found.target = list[TARGET] end
   return found
end

function lfs.attributes(path, request)
   local found, why, number = attributes(path, request, true)
   if found == nil then return nil, why, number end
   return found
end

function lfs.symlinkattributes(path, request)
   local found, why, number = attributes(path, request, false)
   if found == nil then return nil, why, number end
   return found
end

-- ---- folders ----

local Dir = { __type = 'directory' }
Dir.__index = Dir

function Dir:next()
   if not self.names then error('closed directory', 2) end
   local i = self.at + 1
   self.at = i
   local name = self.names[i]
   if name == nil then self.names = nil end
   return name
end
function Dir:close() self.names = nil end

local function following(dir) return dir:next() end

function lfs.dir(path)
   local list, why = rows.entries(path)
   if not list then error(why, 2) end
   return following, setmetatable({ names = list, at = 0 }, Dir)
end

-- ---- links and times ----

function lfs.link(old, new, symbolic)
   return rows.link(old, new, symbolic and true or false)
end

function lfs.touch(path, access, modification)
   access = access or os.time()
   return rows.touch(path, access, modification or access)
end

-- ---- open files ----

local function open_file(file, name)
   local kind = io.type(file)
   if kind == 'file' then return file end
   if kind == 'closed file' then error(name .. ': closed file', 3) end
   error(string.format("bad argument #1 to '%s' (FILE* expected, got %s)", name, type(file)), 3)
end

-- On systems other than Windows the modes are the same.
function lfs.setmode(file, mode)
   open_file(file, 'setmode')
   if mode ~= 'binary' and mode ~= 'text' then
      error(string.format("bad argument #2 to 'setmode' (invalid option '%s')", tostring(mode)), 2)
   end
   return true, 'binary'
end

local ffi, set_lock
local function locking()
   if set_lock then return set_lock end
   ffi = require 'ffi'
   local fields = jit.os == 'Linux' and 'short type, whence; int64_t start, length; int pid;'
      or 'int64_t start, length; int pid; short type, whence;'
   ffi.cdef('struct rekindle_flock { ' .. fields .. [[ };
      int fileno(void *file);
      int fcntl(int fd, int command, ...);
      char *strerror(int number);
   ]])
   local linux = jit.os == 'Linux'
   local SETLK = linux and 6 or 8
   local kinds = linux and { r = 0, w = 1, u = 2 } or { r = 1, w = 3, u = 2 }
   function set_lock(file, kind, start, length)
      local lock = ffi.new('struct rekindle_flock', { type = kinds[kind], whence = 0, start = start, length = length })
      if ffi.C.fcntl(ffi.C.fileno(file), SETLK, lock) == 0 then return true end
      local number = ffi.errno()
      return nil, ffi.string(ffi.C.strerror(number)), number
   end
   return set_lock
end

local function position(value, i, name)
   local n = value == nil and 0 or tonumber(value)
   if not n then
      error(string.format("bad argument #%d to '%s' (number expected, got %s)", i, name, type(value)), 3)
   end
   return n
end

function lfs.lock(file, mode, start, length)
   open_file(file, 'lock')
   local kind = type(mode) == 'string' and mode:match('^[rw]')
   if not kind then error('lock: invalid mode', 2) end
   return locking()(file, kind, position(start, 3, 'lock'), position(length, 4, 'lock'))
end

function lfs.unlock(file, start, length)
   open_file(file, 'unlock')
   return locking()(file, 'u', position(start, 2, 'unlock'), position(length, 3, 'unlock'))
end

local Lock = {}
Lock.__index = Lock
function Lock:free()
   if self.path then os.remove(self.path) end
   self.path = nil
end

-- A link that is nobody's file is made at once or not at all.
function lfs.lock_dir(path, stale)
   local name = path .. '/lockfile.lfs'
   local there = rows.attributes(name, false)
   if there and stale then
      local age = os.time() - there[places.modification]
      if age > stale then os.remove(name) end
   end
   local made, why = rows.link('lock', name, true)
   if not made then return nil, why end
   return setmetatable({ path = name }, Lock)
end

require 'rekindle.takes'(lfs, 'lfs.', { lock_dir = 'path:text stale:number?' })

return lfs
