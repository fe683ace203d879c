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

function File:__init() error('torch.File is abstract: make a DiskFile, MemoryFile or PipeFile', 2) end

-- flags, and what is asked of a file without an argument
for _, name in ipairs { 'ascii', 'binary', 'autoSpacing', 'noAutoSpacing', 'quiet', 'pedantic', 'clearError', 'seekEnd',
   'synchronize', 'close', 'nativeEndianEncoding', 'littleEndianEncoding', 'bigEndianEncoding' } do
   File[name] = function(self)
      answer(name, io_native.command(handle(self, name), name))
      return self
   end
end
for _, name in ipairs { 'isQuiet', 'isReadable', 'isWritable', 'isBinary', 'isAutoSpacing', 'hasError' } do
   File[name] = function(self) return io_native.ask(handle(self, name), name) end
end

function File:position() return io_native.position(handle(self, 'position')) end

function File:seek(position)
   if type(position) ~= 'number' then error('seek: expected a position, got ' .. torch.type(position), 2) end
   answer('seek', io_native.seek(handle(self, 'seek'), position))
   return self
end

function File:longSize(n)
   answer('longSize', io_native.long_size(handle(self, 'longSize'), tonumber(n) or -1))
   return self
end

-- ends the use of a file without writing what it holds
function File:discard() io_native.discard(handle(self, 'discard')) end

function File:noBuffer() handle(self, 'noBuffer') return self end

-- scalars and runs of each type: readInt(), readInt(n), readInt(storage), writeInt(v), writeInt(storage)
for _, short in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double' } do
   local class = 'torch.' .. short .. 'Storage'
   local read, write = 'read' .. short, 'write' .. short
   File[read] = function(self, into)
      local h = handle(self, read)
      if into == nil then return (answer(read, io_native.read_one(h, short))) end
      if type(into) == 'number' then
         local s = torch.getconstructortable(class)(0)
         local got = answer(read, io_native.read_many(h, s, into))
         if got < into then s:resize(got) end
         return s
      elseif torch.typename(into) == class then
         return (answer(read, io_native.read_many(h, into, #into)))
      end
      error(string.format('%s: expected nothing, a number or a %s, got %s', read, class, torch.type(into)), 2)
   end
   File[write] = function(self, value)
      local h = handle(self, write)
      if type(value) == 'number' then
         answer(write, io_native.write_one(h, short, value))
         return
      elseif torch.typename(value) == class then
         return (answer(write, io_native.write_many(h, value)))
      end
      error(string.format('%s: expected a number or a %s, got %s', write, class, torch.type(value)), 2)
   end
end

function File:readBool() return self:readInt() ~= 0 end
function File:writeBool(value) return self:writeInt(value and 1 or 0) end

function File:readString(format)
   if type(format) ~= 'string' then error('readString: expected "*a" or "*l", got ' .. torch.type(format), 2) end
   return (answer('readString', io_native.read_string(handle(self, 'readString'), format)))
end
function File:writeString(text)
   if type(text) ~= 'string' then error('writeString: expected a string, got ' .. torch.type(text), 2) end
   return (answer('writeString', io_native.write_string(handle(self, 'writeString'), text)))
end

local function kind(name, open, parent)
   local class = torch.class(name, parent or 'torch.File')
   function class:__init(...) handles[self] = answer(name, open(...)) end
   class.__tostring__ = function(self)
      local on, open_, readable, writable = io_native.describe(handle(self, 'tostring'))
      local mode = (readable and 'r' or ' ') .. (writable and 'w' or ' ')
      local colon = name == 'torch.DiskFile' and '' or ':'
      return string.format('%s%s [status: %s -- mode%s %s]', name, on and ' on <' .. on .. '>' or '',
         open_ and 'open' or 'closed', colon, mode)
   end
   return class
end

local function modes(name, mode, allowed)
   mode = mode == nil and 'r' or mode
   if type(mode) ~= 'string' or not allowed[mode] then
      error(name .. ': expected a mode "r", "w" or "rw", got ' .. tostring(mode), 4)
   end
   return mode
end

local every = { r = true, w = true, rw = true }
kind('torch.DiskFile', function(path, mode, quiet)
   if type(path) ~= 'string' then error('torch.DiskFile: expected a file name, got ' .. torch.type(path), 3) end
   return io_native.disk(path, modes('torch.DiskFile', mode, every), quiet == true)
end)
kind('torch.PipeFile', function(command, mode, quiet)
   if type(command) ~= 'string' then error('torch.PipeFile: expected a command, got ' .. torch.type(command), 3) end
   return io_native.pipe(command, modes('torch.PipeFile', mode, { r = true, w = true }), quiet == true)
end, 'torch.DiskFile')
local Memory = kind('torch.MemoryFile', function(storage, mode)
   if type(storage) == 'string' or storage == nil then
      return io_native.memory(nil, modes('torch.MemoryFile', storage == nil and mode == nil and 'rw' or storage or mode, every))
   end
   if torch.typename(storage) ~= 'torch.CharStorage' then
      error('torch.MemoryFile: expected a CharStorage or a mode, got ' .. torch.type(storage), 3)
   end
   return io_native.memory(storage, modes('torch.MemoryFile', mode, every))
end)
function Memory:storage() return io_native.storage(handle(self, 'storage')) end

require 'torch.serialize'
