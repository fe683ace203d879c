-- Small things of package torch: threads, heap tracking, loading files beside a package.
local torch = torch
local native = require 'rekindle.native'
local ffi = require 'ffi'

for _, name in ipairs { 'getnumthreads', 'setnumthreads', 'getnumcores', 'getdefaulttensortype' } do
   torch[name] = native.functions.state[name]
end

-- Native memory always counts towards Lua's collector here, so that there is nothing to switch.
torch._heaptracking = true
function torch.setheaptracking(on)
   if type(on) ~= 'boolean' then error('setheaptracking: expected true or false, got ' .. type(on), 2) end
   torch._heaptracking = on
end

-- whether a file of Lua's io library is a terminal
local isatty
function torch.isatty(file)
   if io.type(file) ~= 'file' then
      error("bad argument #1 to 'isatty' (an open file expected, got " .. torch.type(file) .. ')', 2)
   end
   if not isatty then
      local dash = ffi.os == 'Windows' and '_' or ''
      local c = ('int rekindle_isatty(int) __asm__("-isatty"); int rekindle_fileno(void *) __asm__("-fileno");'):gsub('-', dash)
      ffi.cdef(c)
      function isatty(f) return ffi.C.rekindle_isatty(ffi.C.rekindle_fileno(f)) ~= 0 end
   end
   return isatty(file)
end

-- the folder of the file at a level of the stack
local function folder(level)
   local source = debug.getinfo(level + 1, 'S').source
   return source:match('^@(.*[/\\])') or './'
end

function torch.packageLuaPath(name)
   if name and type(name) ~= 'string' then error('packageLuaPath: a name expected, got a ' .. torch.type(name)) end
   if not name then
      local dir = folder(2)
      return (dir:gsub('[/\\]$', ''))
   end
   for path in string.gmatch(package.path, '[^;]+') do
      local file = path:gsub('%?', (name:gsub('%.', '/')))
      local f = io.open(file)
      if f then
         f:close()
         return (file:match('^(.*)[/\\][^/\\]*$'))
      end
   end
end

-- runs a file that lies beside the package that asks for it
function torch.include(package, file)
   if type(package) ~= 'string' or type(file) ~= 'string' then
      error('torch.include: the names of a package and of a file expected, got ' .. torch.type(package) .. ', ' .. torch.type(file))
   end
   local home = torch.packageLuaPath(package)
   if not home then error('torch.include: there is no package ' .. package .. ' in package.path') end
   dofile(string.format('%s/%s', home, file))
end

function include(file, level)
   if type(file) ~= 'string' then error('include: expected a file name, got ' .. type(file), 2) end
   return dofile(folder((level or 1) + 1) .. file)
end

-- names of other versions of Lua that programs use
table.unpack = table.unpack or unpack
string.gfind = string.gfind or string.gmatch

-- Prints what a function does and how it is called: torch.help('torch.add'), torch.help(torch.add), torch.help 'x:add'.
function torch.help(topic) return require('rekindle.help').show(topic) end
help = torch.help

-- the contents of the manual, or one of its pages
function browse(topic) return require('rekindle.help').browse(topic) end

function torch.updateerrorhandlers() end
function torch.updatethreadlocals() end

-- the generator that functions use when none is given
torch._gen = native.functions.state.defaultGenerator()
