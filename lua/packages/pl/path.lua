-- Penlight: names of files and folders.
local utils = require 'pl.utils'
local lfs = require 'lfs'
local path = {}
local sub, gsub = string.sub, string.gsub
local assert_string = utils.assert_string

path.sep, path.dirsep, path.is_windows = '/', ':', false
path.attrib, path.link_attrib, path.dir = lfs.attributes, lfs.symlinkattributes, lfs.dir
path.chdir, path.mkdir, path.rmdir, path.currentdir = lfs.chdir, lfs.mkdir, lfs.rmdir, lfs.currentdir

local function mode_of(p, attributes) return attributes(p, 'mode') end
function path.isdir(p)
   assert_string(1, p)
   return mode_of(p, path.attrib) == 'directory'
end
function path.isfile(p)
   assert_string(1, p)
   return mode_of(p, path.attrib) == 'file'
end
function path.islink(p)
   assert_string(1, p)
   return mode_of(p, path.link_attrib) == 'link'
end
function path.getsize(p)
   assert_string(1, p)
   return path.attrib(p, 'size')
end
function path.exists(p)
   assert_string(1, p)
   return path.attrib(p, 'mode') ~= nil and p
end
for name, field in pairs { getatime = 'access', getmtime = 'modification', getctime = 'change' } do
   path[name] = function(p)
      assert_string(1, p)
      return path.attrib(p, field)
   end
end

-- the folder and the name in it
function path.splitpath(p)
   assert_string(1, p)
   local dir, name = p:match('^(.*)/([^/]*)$')
   if not dir then return '', p end
   return dir, name
end
function path.splitext(p)
   assert_string(1, p)
   local stem, extension = p:match('^(.*)(%.[^./]*)$')
   if not stem then return p, '' end
   return stem, extension
end
function path.dirname(p)
   assert_string(1, p)
   return (path.splitpath(p))
end
function path.basename(p)
   assert_string(1, p)
   return (select(2, path.splitpath(p)))
end
function path.extension(p)
   assert_string(1, p)
   return (select(2, path.splitext(p)))
end

function path.isabs(p)
   assert_string(1, p)
   return sub(p, 1, 1) == '/'
end
function path.abspath(p, folder)
   assert_string(1, p)
   if folder then assert_string(2, folder) end
   folder = folder or path.currentdir()
   p = gsub(p, '[\\/]$', '')
   if not path.isabs(p) then p = path.join(folder, p) end
   return path.normpath(p)
end

-- an absolute part starts anew
function path.join(first, second, ...)
   assert_string(1, first)
   assert_string(2, second)
   local joined = first
   for i, part in ipairs { second, ... } do
      assert_string(i + 1, part)
      if path.isabs(part) or joined == '' then
         joined = part
      else
         joined = joined .. (sub(joined, -1) == '/' and '' or '/') .. part
      end
   end
   return joined
end

function path.normcase(p)
   assert_string(1, p)
   return p
end
-- without `.`, `..` and empty parts
function path.normpath(p)
   assert_string(1, p)
   -- two slashes at the beginning have a meaning of their own
   local root = p:match('^//[^/]') and '//' or p == '//' and '//' or p:match('^/') or ''
   local parts = {}
   for part in p:gmatch('[^/]+') do
      if part == '..' and #parts > 0 and parts[#parts] ~= '..' then
         parts[#parts] = nil
      elseif part ~= '.' then
         parts[#parts + 1] = part
      end
   end
   local result = root .. table.concat(parts, '/')
   return result == '' and '.' or result
end
-- the way from a folder
function path.relpath(p, from)
   assert_string(1, p)
   if from then assert_string(2, from) end
   from = from or path.currentdir()
   local target, base = {}, {}
   for part in path.abspath(p, from):gmatch('[^/]+') do target[#target + 1] = part end
   for part in path.abspath(from):gmatch('[^/]+') do base[#base + 1] = part end
   local n = 0
   while n < #base and n < #target and base[n + 1] == target[n + 1] do n = n + 1 end
   local parts = {}
   for _ = n + 1, #base do parts[#parts + 1] = '..' end
   for i = n + 1, #target do parts[#parts + 1] = target[i] end
   return #parts == 0 and '.' or table.concat(parts, '/')
end
function path.expanduser(p)
   assert_string(1, p)
   if sub(p, 1, 1) ~= '~' then return p end
   local home = os.getenv('HOME')
   if not home then return nil, "failed to expand '~' (HOME not set)" end
   return home .. sub(p, 2)
end
function path.tmpname() return os.tmpname() end

-- the longest folder that two names begin with
function path.common_prefix(a, b)
   assert_string(1, a)
   assert_string(2, b)
   if #a > #b then a, b = b, a end
   local dir = a
   if a == b then return path.dirname(a) end
   while dir ~= '' do
      if sub(b, 1, #dir) == dir and (sub(b, #dir + 1, #dir + 1) == '/' or sub(dir, -1) == '/') then
         return (gsub(dir, '(.)/$', '%1'))
      end
      dir = path.dirname(dir)
   end
   return ''
end

-- the file that require would load
function path.package_path(name)
   assert_string(1, name)
   local found, why = package.searchpath(name, package.path)
   if found then return found, true end
   found = package.searchpath(name, package.cpath)
   if found then return found, false end
   return utils.raise('cannot find module on path: ' .. tostring(why))
end

return path
