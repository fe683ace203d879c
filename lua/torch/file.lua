-- torch.File and its kinds: the methods of files, on handles from Rust. What objects look like in a file is in
-- torch.serialize.
local native = require 'rekindle.native'
local torch = torch
local io_native = native.file

local File = torch.class('torch.File')
local handles = setmetatable({}, { __mode = 'k' })     -- file object -> native handle

local function handle(self, name)
   local h = handles[self]
   if not h then error(name .. ': expected a torch.File, got ' .. torch.type(self), 3) end
   return h
end

-- a native answer: nil and a message is an error, unless the file is quiet and only keeps the mark
local function answer(name, value, why, ...)
   if value == nil and why ~= nil then error(name .. ': ' .. why, 3) end
   return value, why, ...
end

-- the level of whoever called into the package, for errors about what a constructor was given
local function outside()
   local level = 2
   while (debug.getinfo(level, 'S') or { source = '' }).source:find('^=torch/') do level = level + 1 end
   return level - 1
end

function File:__init() error('torch.File is abstract: make a DiskFile, MemoryFile or PipeFile', outside()) end

-- flags, and what is asked of a file without an argument
local function command(class, name)
   local run = io_native[name]
   class[name] = function(self)
      answer(name, run(handle(self, name)))
      return self
   end
end
for _, name in ipairs { 'ascii', 'binary', 'autoSpacing', 'noAutoSpacing', 'quiet', 'pedantic', 'clearError', 'seekEnd',
   'synchronize' } do
   command(File, name)
end
for _, name in ipairs { 'isQuiet', 'isReadable', 'isWritable', 'isBinary', 'isAutoSpacing', 'hasError' } do
   local run = io_native[name]
   File[name] = function(self) return (run(handle(self, name))) end
end

-- ends the use of a file without putting it in the place of an older one
function File:discard() io_native.discard(handle(self, 'discard')) end
function File:close() answer('close', io_native.close(handle(self, 'close'))) end
function File:position() return (answer('position', io_native.position(handle(self, 'position')))) end

function File:seek(position)
   if type(position) ~= 'number' then error('seek: expected a position, got ' .. torch.type(position), 2) end
   answer('seek', io_native.seek(handle(self, 'seek'), position))
   return self
end

local function longSize(self, n)
   local h = handle(self, 'longSize')
   if n ~= nil and type(n) ~= 'number' then error('longSize: expected 0, 4 or 8, got ' .. torch.type(n), 2) end
   answer('longSize', io_native.setLongSize(h, n or 0))
   return self
end

-- scalars and runs of each type: readInt(), readInt(n), readInt(storage), writeInt(v), writeInt(storage)
local function scalars(short)
   local class = 'torch.' .. short .. 'Storage'
   local read, write = 'read' .. short, 'write' .. short
   local read_one, write_one = io_native[read], io_native[write]
   File[read] = function(self, into)
      local h = handle(self, read)
      if into == nil then return (answer(read, read_one(h))) end
      if type(into) == 'number' then
         local s = torch.getconstructortable(class)(0)
         local got = answer(read, io_native.read_many(h, s, into))
         if got < #s then s:resize(got) end
         return s
      elseif torch.typename(into) == class then
         return (answer(read, io_native.read_many(h, into, #into)))
      end
      error(string.format('%s: expected nothing, a number or a %s, got %s', read, class, torch.type(into)), 2)
   end
   File[write] = function(self, value, ...)
      local h = handle(self, write)
      if select('#', ...) > 0 then error(write .. ': expected one argument, got more', 2) end
      if type(value) == 'number' then
         answer(write, write_one(h, value))
         return
      elseif torch.typename(value) == class then
         return (answer(write, io_native.write_many(h, value)))
      end
      error(string.format('%s: expected a number or a %s, got %s', write, class, torch.type(value)), 2)
   end
end
for _, element in ipairs(native.element_types) do
   if element.family ~= 'storage only' then scalars(element.name) end
end

function File:readBool() return self:readInt() ~= 0 end
function File:writeBool(value) self:writeInt(value and 1 or 0) end

function File:readString(format)
   if type(format) ~= 'string' then error('readString: expected "*a" or "*l", got ' .. torch.type(format), 2) end
   return (answer('readString', io_native.readString(handle(self, 'readString'), format)))
end
function File:writeString(text)
   if type(text) ~= 'string' then error('writeString: expected a string, got ' .. torch.type(text), 2) end
   return (answer('writeString', io_native.writeString(handle(self, 'writeString'), text)))
end

-- what torch.serialize needs beyond methods
io_native.handle = handle

local function kind(name, open, parent)
   local class = torch.class(name, parent or 'torch.File')
   function class:__init(...)
      local h, why = open(...)
      -- a file that cannot be opened quietly is none
      if h == nil and why == nil then return end
      if h == nil then error(name .. ': ' .. why, outside()) end
      handles[self] = h
   end
   class.__tostring__ = function(self) return io_native.describe(handle(self, 'tostring')) end
   return class
end

local function modes(name, mode, default, allowed)
   if mode == nil then mode = default end
   if type(mode) ~= 'string' or not allowed[mode] then
      error(name .. ': expected a mode "r", "w" or "rw", got ' .. tostring(mode), outside())
   end
   return mode
end

local every = { r = true, w = true, rw = true }
local function open_disk(path, mode, quiet, atomic)
   if type(path) ~= 'string' then error('torch.DiskFile: expected a file name, got ' .. torch.type(path), outside()) end
   mode = modes('torch.DiskFile', mode, 'r', every)
   local h, why = io_native.disk(path, mode, quiet == true, atomic == true)
   if h == nil and quiet == true then return nil end
   return h, why
end
local Disk = kind('torch.DiskFile', open_disk)
local Pipe = kind('torch.PipeFile', function(command, mode, quiet)
   if type(command) ~= 'string' then error('torch.PipeFile: expected a command, got ' .. torch.type(command), outside()) end
   return io_native.pipe(command, modes('torch.PipeFile', mode, 'r', { r = true, w = true }), quiet == true)
end, 'torch.DiskFile')
local Memory = kind('torch.MemoryFile', function(storage, mode)
   if type(storage) == 'string' or storage == nil then
      return io_native.memory(nil, modes('torch.MemoryFile', storage or mode, 'rw', every))
   end
   if torch.typename(storage) ~= 'torch.CharStorage' then
      error('torch.MemoryFile: expected a CharStorage or a mode, got ' .. torch.type(storage), outside())
   end
   -- to read the whole of a storage, without a zero at its end
   if mode == 'bytes' then return io_native.bytes(storage) end
   return io_native.memory(storage, modes('torch.MemoryFile', mode, 'rw', every))
end)
function Memory:storage() return (answer('storage', io_native.storage(handle(self, 'storage')))) end

-- a DiskFile that could not be opened quietly is nil
for _, class in ipairs { Disk, Pipe } do
   local make = class.new
   local function quietly_nil(...)
      local file = make(...)
      if handles[file] then return file end
      return nil
   end
   class.new = quietly_nil
   debug.getmetatable(class.__constructor).__call = function(_, ...) return quietly_nil(...) end
end

Memory.longSize, Disk.longSize = longSize, longSize
for _, name in ipairs { 'noBuffer', 'nativeEndianEncoding', 'littleEndianEncoding', 'bigEndianEncoding' } do
   command(Disk, name)
end
local little = string.byte(require('ffi').string(require('ffi').new('int[1]', 1), 1)) == 1
function Disk.isLittleEndianCPU() return little end
function Disk.isBigEndianCPU() return not little end

-- leaving the program at once still writes what files hold back, as C's exit does
local exit = os.exit
function os.exit(...)
   for _, h in pairs(handles) do io_native.synchronize(h) end
   return exit(...)
end

require 'torch.whole'
