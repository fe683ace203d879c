-- Penlight: folders, and what is in them.
local utils = require 'pl.utils'
local path = require 'pl.path'
local lfs = require 'lfs'
local dir = {}
local assert_string = utils.assert_string

local function list(t) return setmetatable(t, require 'pl.List') end

-- a pattern of the shell as one of Lua's
local function pattern_of(mask)
   assert_string(1, mask)
   local pattern = mask:gsub('[%-%.%+%[%]%(%)%$%^%%]', '%%%1'):gsub('%*', '.*'):gsub('%?', '.')
   return '^' .. pattern .. '$'
end

function dir.fnmatch(name, mask)
   assert_string(1, name)
   return name:find(pattern_of(mask)) ~= nil
end
function dir.filter(names, mask)
   utils.assert_arg(1, names, 'table')
   local pattern, kept = pattern_of(mask), {}
   for _, name in ipairs(names) do
      if name:find(pattern) then kept[#kept + 1] = name end
   end
   return list(kept)
end

local function folder_arg(n, name, level)
   if type(name) ~= 'string' then error(("argument %d expected a 'string', got a '%s'"):format(n, type(name)), level) end
   if not path.isdir(name) then error(("argument %d: '%s' not a directory"):format(n, name), level) end
end

local function entries(folder, fits, mask)
   local pattern, found = mask and pattern_of(mask), {}
   for name in lfs.dir(folder) do
      if name ~= '.' and name ~= '..' and (not pattern or name:find(pattern)) then
         local full = path.join(folder, name)
         if fits(full) then found[#found + 1] = full end
      end
   end
   return list(found)
end
function dir.getfiles(folder, mask)
   folder = folder or '.'
   folder_arg(1, folder, 3)
   return entries(folder, path.isfile, mask)
end
function dir.getdirectories(folder)
   folder = folder or '.'
   folder_arg(1, folder, 3)
   return entries(folder, path.isdir)
end

-- `flag` false: not over a file that is there
function dir.copyfile(from, to, flag)
   assert_string(1, from)
   assert_string(2, to)
   if path.isdir(to) then to = path.join(to, path.basename(from)) end
   if flag == false and path.exists(to) then return false, 'File exists: ' .. to end
   local text, why = utils.readfile(from, true)
   if not text then return false, why end
   local ok, wrong = utils.writefile(to, text, true)
   if not ok then return false, wrong end
   return true
end
function dir.movefile(from, to)
   assert_string(1, from)
   assert_string(2, to)
   if path.isdir(to) then to = path.join(to, path.basename(from)) end
   local ok, why = os.rename(from, to)
   if ok then return true end
   -- to another disk
   if not path.exists(from) then return false, why end
   local copied, wrong = dir.copyfile(from, to)
   if not copied then return false, wrong end
   os.remove(from)
   return true
end

local function walked(folder, bottom_up, follow)
   local folders, files = {}, {}
   for name in lfs.dir(folder) do
      if name ~= '.' and name ~= '..' then
         local full = path.join(folder, name)
         local mode = follow and path.attrib(full, 'mode') or path.link_attrib(full, 'mode')
         if path.isdir(full) and (follow or mode ~= 'link') then folders[#folders + 1] = name
         else files[#files + 1] = name end
      end
   end
   if not bottom_up then coroutine.yield(folder, list(folders), list(files)) end
   for _, name in ipairs(folders) do walked(path.join(folder, name), bottom_up, follow) end
   if bottom_up then coroutine.yield(folder, list(folders), list(files)) end
end
-- iterates over folders: name, folders in it, files in it
function dir.walk(root, bottom_up, follow)
   folder_arg(1, root, 3)
   return coroutine.wrap(function() walked(root, bottom_up, follow) end)
end

function dir.rmtree(folder)
   folder_arg(1, folder, 3)
   if path.islink(folder) then return false, 'will not follow symlink' end
   for root, _, files in dir.walk(folder, true) do
      for _, name in ipairs(files) do
         local ok, why = os.remove(path.join(root, name))
         if not ok then return false, why end
      end
      local ok, why = path.rmdir(root)
      if not ok then return false, why end
   end
   return true
end

-- makes a folder with those above it
function dir.makepath(p)
   assert_string(1, p)
   p = path.normpath(p)
   if p == '' or p == '/' or path.isdir(p) then return true end
   local above = path.dirname(p)
   if above ~= '' and above ~= p then
      local ok, why = dir.makepath(above)
      if not ok then return ok, why end
   end
   local ok, why = path.mkdir(p)
   if not ok then return nil, why end
   return true
end

-- Copies a tree, with a function of two names that copies a file; what failed: folders, files.
function dir.clonetree(from, to, copy, verbose)
   folder_arg(1, from, 3)
   assert_string(2, to)
   if verbose == true then verbose = print end
   if path.normcase(path.abspath(from)) == path.normcase(path.abspath(to)) then return nil, 'cannot clone a tree onto itself' end
   local bad_folders, bad_files = {}, {}
   local ok, why = dir.makepath(to)
   if not ok then return nil, why end
   for root, _, files in dir.walk(from) do
      local target = path.normpath(path.join(to, path.relpath(root, from)))
      if verbose then verbose(root, '->', target) end
      if not dir.makepath(target) then bad_folders[#bad_folders + 1] = target end
      if copy then
         for _, name in ipairs(files) do
            if not copy(path.join(root, name), path.join(target, name)) then
               bad_files[#bad_files + 1] = path.join(root, name)
            end
         end
      end
   end
   return true, bad_folders, bad_files
end

-- iterates over all below a folder: the name and whether it is a folder
function dir.dirtree(root)
   folder_arg(1, root, 3)
   if root:sub(-1) == '/' and #root > 1 then root = root:sub(1, -2) end
   local function yield_all(folder)
      for name in lfs.dir(folder) do
         if name ~= '.' and name ~= '..' then
            local full = path.join(folder, name)
            local is_folder = path.isdir(full)
            coroutine.yield(full, is_folder)
            if is_folder and not path.islink(full) then yield_all(full) end
         end
      end
   end
   return coroutine.wrap(function() yield_all(root) end)
end
function dir.getallfiles(root, mask)
   folder_arg(1, root, 3)
   local pattern, found = mask and pattern_of(mask), {}
   for name, is_folder in dir.dirtree(root) do
      if not is_folder and (not pattern or path.basename(name):find(pattern)) then found[#found + 1] = name end
   end
   return list(found)
end

return dir
