-- torch.File and its kinds: objects from Rust, whose methods are rows. What objects look like in a file is in
-- torch.serialize.
local native = require 'rekindle.native'
local torch = torch
local functions = native.functions

local File = torch.class('torch.File')
function File:__init() error('torch.File is abstract: make a DiskFile, MemoryFile or PipeFile', 3) end
for name, f in pairs(functions['torch.File']) do File[name] = f end
function File:writeBool(value) self:writeInt(value and 1 or 0) end

local function kind(short, parent)
   local name, open = 'torch.' .. short, functions.files[short]
   local class = native.metatables[name]
   for k, f in pairs(functions[name] or {}) do class[k] = f end
   class.__native, class.__index, class.new = true, class, open
   function class:__newindex(key) error(name .. ': a file has no field ' .. tostring(key), 2) end
   -- by a tail call, so that errors name the line of whoever makes the file
   torch._register(class, name, parent, function(_, ...) return open(...) end)
   return class
end
local Disk = kind('DiskFile', File)
kind('PipeFile', Disk)
kind('MemoryFile', File)

-- leaving the program at once still writes what files hold back, as C's exit does
local exit, synchronize = os.exit, functions.stream.synchronizeAll
function os.exit(...)
   synchronize()
   return exit(...)
end

require 'torch.whole'
