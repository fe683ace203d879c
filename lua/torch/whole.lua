-- Whole files: torch.save and torch.load, and the same in memory.
local torch = torch
local stream = require('rekindle.native').functions.stream
local objects = require 'torch.serialize'
local references, read_object = objects.references, objects.read_object

-- bytes from which on a file is worth a collection
local LARGE = 2 ^ 25

local function mode_of(name, mode)
   mode = mode or 'binary'
   if mode ~= 'binary' and mode ~= 'ascii' and mode ~= 'b32' and mode ~= 'b64' then
      error(name .. ': expected the mode "binary", "ascii", "b32" or "b64", got ' .. tostring(mode), 3)
   end
   return mode
end

local function prepare(file, mode, referenced)
   file[mode == 'ascii' and 'ascii' or 'binary'](file)
   if mode == 'b32' then file:longSize(4) elseif mode == 'b64' then file:longSize(8) end
   file:referenced(referenced ~= false)
   return file
end

-- reads the one object of a file and closes it
local function read_whole(file, mode, options)
   local m = references(file)
   m.detect = mode == 'binary'
   if options and options.functions == false then m.functions = false end
   m.quiet = options and options.quiet
   local ok, object = pcall(read_object, file, m)
   if not ok and type(object) == 'string' and not object:find('position %d') then
      -- what a class says of its own fields
      object = string.format('%s, before position %d of %s', object, file:position(), tostring(file))
   end
   file:close()
   if not ok then error(object, 0) end
   return object
end

-- the options of a call whose other arguments may be left out
local function options_of(...)
   for i = 1, select('#', ...) do
      local v = select(i, ...)
      if type(v) == 'table' then return v end
   end
end

function torch.save(path, object, mode, referenced)
   if type(path) ~= 'string' then error('torch.save: expected a file name, got ' .. torch.type(path), 2) end
   mode = mode_of('torch.save', mode)
   -- under a temporary name until it is whole, so that a failed save leaves what was there
   local file = prepare(torch.DiskFile(path, 'w', false, true), mode, referenced)
   local ok, why = pcall(file.writeObject, file, object)
   if not ok then
      file:discard()
      error(why, 0)
   end
   file:close()
end

-- What is said of a file that is something else than a .t7 of this mode.
local function explained(path, mode)
   local known, kind, advice, fitting = pcall(require('rekindle.native').functions.models.kind, path)
   if not known or kind:find('known kind') or fitting == (mode == 'ascii' and 'ascii' or 'binary') then return nil end
   return string.format('torch.load: <%s> is %s; %s', path, kind, advice)
end

function torch.load(path, mode, referenced, options)
   if type(path) ~= 'string' then error('torch.load: expected a file name, got ' .. torch.type(path), 2) end
   options = options_of(mode, referenced, options)
   mode = mode_of('torch.load', type(mode) ~= 'table' and mode or nil)
   local file = prepare(torch.DiskFile(path, 'r'), mode, referenced)
   -- what nothing refers to any more goes first: its memory is warm, and a great model fits twice in few machines
   if (stream.left(file) or 0) >= LARGE then collectgarbage() end
   local ok, object = pcall(read_whole, file, mode, options)
   if ok then return object end
   local text = explained(path, mode)
   error(text or object, text and 2 or 0)
end
torch.saveobj, torch.loadobj = torch.save, torch.load

function torch.serializeToStorage(object, mode)
   local file = prepare(torch.MemoryFile('rw'), mode_of('torch.serializeToStorage', mode))
   file:writeObject(object)
   local storage = file:storage()
   file:close()
   -- the storage of a memory file ends with a zero byte that is not content
   return storage:resize(#storage - 1)
end

function torch.serialize(object, mode)
   return torch.serializeToStorage(object, mode):string()
end

function torch.deserializeFromStorage(storage, mode, options)
   if torch.typename(storage) == 'torch.CharTensor' then
      -- its elements, which may be a part of its storage
      storage = storage:nElement() > 0 and storage:clone():storage() or torch.CharStorage()
   elseif torch.typename(storage) ~= 'torch.CharStorage' then
      error('torch.deserializeFromStorage: expected a CharStorage or a CharTensor, got ' .. torch.type(storage), 2)
   end
   options = options_of(mode, options)
   mode = mode_of('torch.deserializeFromStorage', type(mode) ~= 'table' and mode or nil)
   return read_whole(prepare(stream.reading(storage), mode), mode, options)
end

function torch.deserialize(text, mode, options)
   if type(text) ~= 'string' then error('torch.deserialize: expected a string, got ' .. torch.type(text), 2) end
   local storage = torch.CharStorage()
   storage:string(text)
   options = options_of(mode, options)
   mode = mode_of('torch.deserialize', type(mode) ~= 'table' and mode or nil)
   return read_whole(prepare(stream.reading(storage), mode), mode, options)
end
