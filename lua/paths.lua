-- The paths package: names of files, directories, and what is in them.
local native = require 'rekindle.native'
local system, rows = native.functions.system, native.functions.paths
local is_dir, is_file, list = rows.dirp, rows.filep, rows.dir
local paths = rawget(_G, 'paths') or {}
rawset(_G, 'paths', paths)
for name, f in pairs(rows) do paths[name] = f end

-- the i-th argument as a string, or the error that a C function would give
local function string(name, i, count, value)
   if type(value) == 'number' then return tostring(value) end
   if type(value) ~= 'string' then
      local got = i > count and 'no value' or type(value)
      error(("bad argument #%d to '%s' (string expected, got %s)"):format(i, name, got), 3)
   end
   return value
end

function paths.dirname(...)
   local p = string('dirname', 1, select('#', ...), (...))
   local trimmed = p:match('^(.-)/*$')
   if trimmed == '' then return p == '' and '.' or '/' end
   local dir = trimmed:match('^(.*)/[^/]*$')
   if not dir then return '.' end
   return dir == '' and '/' or dir
end

function paths.basename(...)
   local p = string('basename', 1, select('#', ...), (...))
   local suffix = select(2, ...)
   local name = p:match('([^/]*)/*$')
   if suffix ~= nil then
      suffix = string('basename', 2, 2, suffix)
      if suffix ~= '' then
         if suffix:sub(1, 1) ~= '.' then suffix = '.' .. suffix end
         if name:sub(-#suffix) == suffix then name = name:sub(1, -#suffix - 1) end
      end
   end
   return name
end

-- what follows the last dot; no value at all without one
function paths.extname(...)
   local ext = string('extname', 1, select('#', ...), (...)):match('%.([^.]*)$')
   if ext then return ext end
end

function paths.rmall(p, sure)
   if sure ~= 'yes' then return nil, "missing second argument ('yes')" end
   if not is_dir(p) and not is_file(p) then return nil, 'not a file or directory', p end
   return system.removeAll(p)
end

paths.home = system.home() or '.'

function paths.is_win() return paths.uname() == 'Windows' or nil end
function paths.is_mac() return paths.uname() == 'Darwin' or nil end

-- iterates over the names in a directory, filtered by a pattern or a function
function paths.files(dir, filter)
   local keep = filter
   if type(filter) == 'string' then
      keep = function(name) return name:find(filter) end
   elseif filter ~= nil and type(filter) ~= 'function' then
      error('Expecting optional arg 2 to be function or string. Got : ' .. type(filter), 2)
   end
   local names, i = list(dir) or {}, 0
   return function()
      repeat i = i + 1 until names[i] == nil or not keep or keep(names[i])
      return names[i]
   end
end

function paths.iterdirs(dir)
   return paths.files(dir, function(name)
      return name ~= '.' and name ~= '..' and is_dir(dir .. '/' .. name)
   end)
end

function paths.iterfiles(dir)
   return paths.files(dir, function(name) return is_file(dir .. '/' .. name) end)
end

-- the first of the programs that is in a directory of PATH
function paths.findprogram(...)
   for i = 1, select('#', ...) do
      local name = tostring((select(i, ...)))
      if name:find('/', 1, true) then
         if is_file(name) then return paths.concat(name) end
      else
         for dir in (os.getenv('PATH') or ''):gmatch('[^:]+') do
            local p = paths.concat(dir, name)
            if is_file(p) then return p end
         end
      end
   end
end

function paths.getregistryvalue()
   error('This function exists only on windows', 2)
end

-- the absolute name of the file whose code is at this level of the stack; nil outside files
local function fileAt(level)
   local info = debug.getinfo(level + 1, 'S')
   local source = info and info.source:match('^@(.*)$')
   return source and paths.concat(source)
end

-- The file that calls, or `name` beside it. A depth of 2 is the caller, 3 the caller's caller.
function paths.thisfile(name, depth)
   local file = fileAt(depth or 2)
   if type(name) ~= 'string' then return file end
   return paths.concat(file and paths.dirname(file) or paths.cwd(), name)
end

function paths.dofile(name, depth)
   local file = fileAt(depth or 2)
   local chunk, why = loadfile(paths.concat(file and paths.dirname(file) or paths.cwd(), name))
   if not chunk then error('paths.dofile: ' .. tostring(why)) end
   local results = { chunk() }
   return unpack(results)
end

-- require, for a C library too
function paths.require(name) return require(name) end

require 'rekindle.takes'(paths, 'paths.', {
   thisfile = 'name:value? depth:whole?', dofile = 'name:text depth:whole?', require = 'name:text', findprogram = 'name:text',
})

return paths
