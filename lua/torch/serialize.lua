-- Objects in files: numbers, strings, tables, functions and torch objects, with references, and torch.save/load.
--
-- Every object starts with an integer that tells its kind. Tables, functions and torch objects carry a number under
-- which later occurrences refer to them.
local torch = torch
local native = require 'rekindle.native'
local File = torch.getmetatable('torch.File')

local NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION, LEGACY_RECURSIVE, RECURSIVE = 0, 1, 2, 3, 4, 5, 6, 7, 8

local memory = setmetatable({}, { __mode = 'k' })      -- file -> what was written and read
local function references(file)
   local m = memory[file]
   if not m then
      m = { written = {}, count = 0, read = {}, keep = {}, referenced = true }
      memory[file] = m
   end
   return m
end

function File:isReferenced() return references(self).referenced end
function File:referenced(on)
   local m = references(self)
   m.referenced = on == nil or on
   m.written, m.read, m.keep, m.count = {}, {}, {}, 0
   return self
end

function File:isWritableObject(object)
   local kind = type(object)
   if kind == 'userdata' or kind == 'cdata' then
      return torch.typename(object) ~= nil and torch.getmetatable(torch.typename(object)).write ~= nil
   end
   return kind ~= 'thread'
end

-- ---- writing ----

local function write_text(file, text)
   file:writeInt(#text)
   file:writeString(text)
   if #text > 0 and not file:isBinary() and file:isAutoSpacing() then file:writeString('\n') end
end

-- whether the object was written before; writes its number
local function already(file, object)
   local m = references(file)
   local key = torch.pointer(object)
   local known = m.referenced and m.written[key]
   if known then
      file:writeInt(known)
      return true
   end
   m.count = m.count + 1
   if m.referenced then
      m.written[key] = m.count
      m.keep[m.count] = object       -- alive, so that its address is not given to another object
   end
   file:writeInt(m.count)
   return false
end

local function write_plain_fields(file, object)
   local fields = {}
   for k, v in pairs(object) do
      if file:isWritableObject(v) then
         fields[k] = v
      else
         io.stderr:write(string.format('$ Warning: cannot write object field <%s>\n', tostring(k)))
      end
   end
   file:writeObject(fields)
end

local writers = {}

function writers.table(file, object)
   local name = torch.typename(object)
   if name then return writers.object(file, object, name) end
   file:writeInt(TABLE)
   if already(file, object) then return end
   local count = 0
   for _ in pairs(object) do count = count + 1 end
   file:writeInt(count)
   for k, v in pairs(object) do
      file:writeObject(k)
      file:writeObject(v)
   end
end

function writers.object(file, object, name)
   file:writeInt(TORCH)
   if already(file, object) then return end
   write_text(file, 'V ' .. tostring(torch.version(object)))
   write_text(file, name)
   local write = object.write
   if write then
      write(object, file)
   elseif type(object) == 'table' then
      write_plain_fields(file, object)
   else
      error('writeObject: a ' .. name .. ' cannot be written', 3)
   end
end

writers['function'] = function(file, object)
   local dumped, code = pcall(string.dump, object)
   if not dumped then error('writeObject: a function of the host cannot be written', 3) end
   file:writeInt(RECURSIVE)
   if already(file, object) then return end
   local upvalues, i = {}, 1
   while true do
      local name, value = debug.getupvalue(object, i)
      if not name then break end
      upvalues[i] = { name = name, value = value }
      i = i + 1
   end
   write_text(file, code)
   file:writeObject(upvalues)
end

function File:writeObject(object)
   local kind = type(object)
   if kind == 'nil' then
      self:writeInt(NIL)
   elseif kind == 'number' then
      self:writeInt(NUMBER)
      self:writeDouble(object)
   elseif kind == 'boolean' then
      self:writeInt(BOOLEAN)
      self:writeBool(object)
   elseif kind == 'string' then
      self:writeInt(STRING)
      write_text(self, object)
   elseif kind == 'userdata' or kind == 'cdata' then
      local name = torch.typename(object)
      if not name then error('writeObject: a ' .. kind .. ' without a torch class cannot be written', 2) end
      writers.object(self, object, name)
   elseif writers[kind] then
      writers[kind](self, object)
   else
      error('writeObject: a ' .. kind .. ' cannot be written', 2)
   end
end

-- ---- reading ----

local function damaged(file, what)
   error(string.format('readObject: %s near position %d; the file is damaged or of another mode', what, file:position()), 0)
end

local function read_text(file)
   local size = file:readInt()
   if size < 0 then damaged(file, 'a string of ' .. size .. ' bytes') end
   if size == 0 then
      file:readChar(0)
      return ''
   end
   local text = file:readChar(size)
   if #text < size then damaged(file, string.format('a string of %d bytes of which %d are there', size, #text)) end
   return text:string()
end

local readers = {}

readers[NIL] = function() return nil end
readers[NUMBER] = function(file) return file:readDouble() end
readers[BOOLEAN] = function(file) return file:readBool() end
readers[STRING] = read_text

-- reads a number and hands back the object it refers to, or nil and the number
local function known(file)
   local index = file:readInt()
   if index < 0 then damaged(file, 'reference ' .. index) end
   local m = references(file)
   return m.referenced and m.read[index] or nil, index, m
end

readers[TABLE] = function(file)
   local object, index, m = known(file)
   if object ~= nil then return object end
   object = {}
   m.read[index] = object
   local count = file:readInt()
   if count < 0 then damaged(file, 'a table of ' .. count .. ' entries') end
   for _ = 1, count do
      local k = file:readObject()
      local v = file:readObject()
      if k == nil or k ~= k then damaged(file, 'a table without a key') end
      object[k] = v
   end
   return object
end

local warned = {}
local function unknown_class(name)
   if not warned[name] then
      warned[name] = true
      io.stderr:write(string.format("Warning: class '%s' is not known; its objects load as tables\n", name))
   end
   return setmetatable({}, { __typename = name })
end

-- tensors of machines with a GPU load as those of this one
local function local_name(name)
   local rest = name:match('^torch%.Cuda(%a*)$')
   if not rest then return name end
   if rest == 'Tensor' or rest == 'Storage' then return 'torch.Float' .. rest end
   return 'torch.' .. rest
end

readers[TORCH] = function(file)
   local object, index, m = known(file)
   if object ~= nil then return object end
   local version = read_text(file)
   local number = tonumber(version:match('^V (.*)$'))
   -- files older than versions start with the class at once
   local name = number and read_text(file) or version
   local factory = torch.factory(local_name(name))
   if factory then
      -- tensors and storages would take an argument for their content
      local native_class = rawget(torch.getmetatable(local_name(name)), '__native')
      if native_class then object = factory() else object = factory(file) end
   else
      object = unknown_class(name)
   end
   m.read[index] = object
   local read = object.read
   if read then
      read(object, file, number or 0)
   else
      local fields = file:readObject()
      if type(fields) ~= 'table' then damaged(file, 'a ' .. name .. ' without fields') end
      for k, v in pairs(fields) do object[k] = v end
   end
   return object
end

local function load_code(file)
   local code = read_text(file)
   if references(file).functions == false then
      return function() error('functions of this file were not loaded', 2) end
   end
   local f = loadstring(code)
   if not f then
      return function() error('this function was saved as bytecode of another LuaJIT and cannot run here', 2) end, true
   end
   return f
end

readers[RECURSIVE] = function(file, kind)
   local object, index, m = known(file)
   if object ~= nil then return object end
   local f, stub = load_code(file)
   m.read[index] = f
   local upvalues = file:readObject()
   if type(upvalues) ~= 'table' then damaged(file, 'a function without upvalues') end
   if not stub then
      for i, u in ipairs(upvalues) do
         if kind == LEGACY_RECURSIVE then
            debug.setupvalue(f, i, u)
         else
            debug.setupvalue(f, i, u.name == '_ENV' and _ENV or u.value)
         end
      end
   end
   return f
end
readers[LEGACY_RECURSIVE] = readers[RECURSIVE]

readers[FUNCTION] = function(file)
   local f = load_code(file)
   local upvalues = file:readObject()
   for i, u in ipairs(type(upvalues) == 'table' and upvalues or {}) do debug.setupvalue(f, i, u) end
   return f
end

function File:readObject()
   local kind = self:readInt()
   local reader = readers[kind]
   if not reader then damaged(self, 'object kind ' .. tostring(kind)) end
   return reader(self, kind)
end

-- ---- tensors and storages ----

for i, short in ipairs(native.types) do
   local tensor, storage = torch.getmetatable(torch.tensor_types[i]), torch.getmetatable(torch.storage_types[i])
   -- Half has no numbers of its own in files: its bytes are written as shorts are
   local run = short == 'Half' and 'Short' or short

   function tensor:write(file)
      local n = self:dim()
      file:writeInt(n)
      local sizes, strides = torch.LongStorage(n), torch.LongStorage(n)
      for d = 1, n do sizes[d], strides[d] = self:size(d), self:stride(d) end
      file:writeLong(sizes)
      file:writeLong(strides)
      file:writeLong(self:storageOffset())
      file:writeObject(self:storage())
   end

   function tensor:read(file)
      local n = file:readInt()
      if n < 0 or n > 1000 then damaged(file, 'a tensor of ' .. n .. ' dimensions') end
      local sizes, strides = file:readLong(n), file:readLong(n)
      local offset = file:readLong()
      local data = file:readObject()
      if data == nil then return end
      if torch.typename(data) ~= torch.storage_types[i] then
         damaged(file, 'a tensor over ' .. torch.type(data))
      end
      if n == 0 then
         self:set(data)
         self:resize(0)
         return
      end
      local last = offset
      for d = 1, n do
         if sizes[d] < 0 or strides[d] < 0 then damaged(file, 'a tensor with a negative size') end
         last = last + math.max(sizes[d] - 1, 0) * strides[d]
      end
      if offset < 1 or last > #data then damaged(file, 'a tensor larger than its storage') end
      self:set(data, offset, sizes, strides)
   end

   function storage:write(file)
      file:writeLong(#self)
      if #self > 0 or not file:isBinary() then file['write' .. run](file, native.as_storage(self, run)) end
   end

   function storage:read(file)
      local n = file:readLong()
      if n < 0 then damaged(file, 'a storage of ' .. n .. ' elements') end
      local got = file['read' .. run](file, n)
      if #got < n then damaged(file, string.format('a storage of %d elements of which %d are there', n, #got)) end
      native.adopt_storage(self, got)
   end
end

-- ---- whole files ----

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

function torch.save(path, object, mode, referenced)
   if type(path) ~= 'string' then error('torch.save: expected a file name, got ' .. torch.type(path), 2) end
   mode = mode_of('torch.save', mode)
   local file = prepare(torch.DiskFile(path, 'w'), mode, referenced)
   local ok, why = pcall(file.writeObject, file, object)
   if not ok then
      file:discard()
      error(why, 0)
   end
   file:close()
end

function torch.load(path, mode, referenced, options)
   if type(path) ~= 'string' then error('torch.load: expected a file name, got ' .. torch.type(path), 2) end
   if type(referenced) == 'table' then referenced, options = nil, referenced end
   if type(mode) == 'table' then mode, options = nil, mode end
   mode = mode_of('torch.load', mode)
   local file = prepare(torch.DiskFile(path, 'r'), mode, referenced)
   if options and options.functions == false then references(file).functions = false end
   local object = file:readObject()
   file:close()
   return object
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

function torch.deserializeFromStorage(storage, mode)
   if torch.typename(storage) ~= 'torch.CharStorage' then
      error('torch.deserializeFromStorage: expected a CharStorage, got ' .. torch.type(storage), 2)
   end
   return torch.deserialize(storage:string(), mode)
end

function torch.deserialize(text, mode)
   if type(text) ~= 'string' then error('torch.deserialize: expected a string, got ' .. torch.type(text), 2) end
   local storage = torch.CharStorage()
   storage:string(text .. '\0')
   local file = prepare(torch.MemoryFile(storage, 'r'), mode_of('torch.deserialize', mode))
   local object = file:readObject()
   file:close()
   return object
end
