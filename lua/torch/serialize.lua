-- Objects in files: numbers, strings, tables, functions and torch objects, with references, and torch.save/load.
--
-- Every object starts with an integer that tells its kind. Tables, functions and torch objects carry a number under
-- which later occurrences refer to them.
local torch = torch
local native = require 'rekindle.native'
local stream = native.functions.stream
local File = torch.getmetatable('torch.File')

local NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN, FUNCTION, LEGACY_RECURSIVE, RECURSIVE = 0, 1, 2, 3, 4, 5, 6, 7, 8
-- Most objects inside each other: graphs of large networks are chains of nodes, so this is deep. Each DEEPER levels a
-- coroutine goes on, since a Lua stack has room for no more with classes that write and read themselves.
local DEEPEST, DEEPER = 100000, 1000

-- file -> what was written to and read from it, and how it is read:
-- functions: whether code is compiled; quiet: whether nothing is told of classes that are not known; strict: whether an
-- unknown class is an error; detect: the size of longs is open
local memory = setmetatable({}, { __mode = 'k' })
local function references(file)
   local m = memory[file]
   if not m then
      -- an owner of the file of its own: the state goes with the object, and must not keep it
      local h = stream.share(file)
      m = { h = h, written = {}, count = 0, read = {}, keep = {}, referenced = true, depth = 0, path = {},
         joints = {}, labels = {}, hooked = {}, parked = {}, strict = torch.typename(file) == 'torch.MemoryFile' }
      memory[file] = m
   end
   return m
end

function File:isReferenced() return references(self).referenced end
function File:referenced(on)
   local m = references(self)
   m.referenced = on == nil or on
   m.written, m.read, m.keep, m.joints, m.labels, m.hooked, m.count, m.depth = {}, {}, {}, {}, {}, {}, 0, 0
   return self
end

-- what a class says of writing: `__write` comes first
local function writer_of(object) return object.__write or object.write end
-- some of Lua's own functions are written in Lua here, as the print of `th`
local function of_lua(f) return not native.own_functions[f] and debug.getinfo(f, 'S').what ~= 'C' end

function File:isWritableObject(object)
   local kind = type(object)
   if kind == 'nil' then return NIL
   elseif kind == 'number' then return NUMBER
   elseif kind == 'string' then return STRING
   elseif kind == 'boolean' then return BOOLEAN
   elseif kind == 'function' then return of_lua(object) and RECURSIVE or nil
   elseif torch.typename(object) then
      if kind == 'table' or writer_of(object) then return TORCH end
      return nil
   end
   return kind == 'table' and TABLE or nil
end

-- ---- writing ----

local function unwritable(m, what, why)
   local path, first = {}, math.max(#m.path - 15, 1)
   if first > 1 then path[1] = ' ... ' end
   for i = first, #m.path do
      local key = m.path[i]
      path[#path + 1] = type(key) == 'string' and '.' .. key or '[' .. tostring(key) .. ']'
   end
   m.depth, m.path = 0, {}
   error(string.format('writeObject: cannot write %s at <?>%s%s', what, table.concat(path), why or ''))
end

local function written(value, why)
   if value == nil then error('writeObject: ' .. tostring(why)) end
end

local function write_int(m, v) written(stream.writeInt(m.h, v)) end

local function write_text(m, text) written(stream.writeText(m.h, text)) end

-- whether the object was written before; writes its number
local function already(m, object)
   -- two objects of one storage are one object in a file
   local key = type(object) == 'table' and object or native.identity(object)
   local known = m.referenced and m.written[key]
   if known then
      write_int(m, known)
      return true
   end
   m.count = m.count + 1
   if m.referenced then
      m.written[key] = m.count
      m.keep[m.count] = object       -- alive, so that its address is not given to another object
   end
   write_int(m, m.count)
   return false
end

local write_object

-- What a coroutine gave. Its errors go on as they are, the first one's with the program's line in front where none could be found
-- within: looking for it among the thousands of calls of each would take seconds.
local function outcome(first, fine, ...)
   if fine then return ... end
   local placed = not first or type((...)) ~= 'string' or (...):find('^[^\n]-:%d+: ')
   error((...), placed and 0 or 1)
end

-- A function that goes on from this depth.
local function deeper(depth, f)
   if depth % DEEPER ~= DEEPER - 1 then return f end
   return function(...) return outcome(depth < DEEPER, coroutine.resume(coroutine.create(f), ...)) end
end

local function write_member(file, m, key, value, hook)
   local at = #m.path + 1
   m.path[at] = key
   write_object(file, m, value, hook)
   m.path[at] = nil
end

-- what a hook gives for an object: asked once, so that references to one object stay references to one
local function hooked(m, hook, object)
   local kind = type(object)
   if kind == 'nil' or kind == 'number' then return hook(object) end
   local instead = m.hooked[object]
   if instead == nil then
      instead = hook(object)
      m.hooked[object] = instead
   end
   return instead
end

local function write_table(file, m, object, hook)
   local count = 0
   for _ in pairs(object) do count = count + 1 end
   write_int(m, count)
   for k, v in pairs(object) do
      write_object(file, m, k, hook)
      -- in messages a function's upvalue goes by its name, not by its place in the lists that hold it
      local label = m.labels[object]
      if label == nil then label = k end
      if label then write_member(file, m, label, v, hook) else write_object(file, m, v, hook) end
   end
end

local function write_fields(file, m, object, hook)
   local fields = {}
   for k, v in pairs(object) do
      if file:isWritableObject(v) then
         fields[k] = v
      else
         io.stderr:write(string.format('$ Warning: cannot write object field <%s>\n', tostring(k)))
      end
   end
   write_object(file, m, fields, hook)
end

local function write_torch(file, m, object, name, hook)
   local write = writer_of(object)
   if not write and type(object) ~= 'table' then unwritable(m, 'a ' .. name) end
   write_int(m, TORCH)
   if already(m, object) then return end
   write_text(m, 'V ' .. tostring(torch.version(object) or 1))
   write_text(m, name)
   if write then write(object, file) else write_fields(file, m, object, hook) end
end

local function write_function(file, m, object)
   local dumped, code
   if of_lua(object) then dumped, code = pcall(string.dump, object) end
   if not dumped then unwritable(m, 'a function of the host') end
   write_int(m, RECURSIVE)
   if already(m, object) then return end
   local upvalues, i = {}, 1
   while true do
      local name, value = debug.getupvalue(object, i)
      if not name then break end
      -- functions that share a variable give it the same number
      local variable = debug.upvalueid(object, i)
      local id = m.joints[variable]
      if not id then
         id = (m.joints.count or 0) + 1
         m.joints.count, m.joints[variable] = id, id
      end
      upvalues[i] = { name = name, id = id, value = value }
      m.labels[upvalues[i]] = name
      i = i + 1
   end
   m.labels[upvalues] = false
   write_text(m, code)
   write_object(file, m, upvalues)
end

-- What another Lua state finds by a number: a file that travels has `travel`, which keeps such objects and gives them.
local PARKED = 'threads.Parked'
local function write_parked(m, object, number)
   write_int(m, TORCH)
   if already(m, object) then return end
   write_text(m, 'V 1')
   write_text(m, PARKED)
   written(stream.writeLong(m.h, number))
end

-- What has members, or is not to be written.
local function write_nested(file, m, object, kind, hook)
   if m.travel then
      local key = kind == 'table' and object or native.identity(object)
      -- what was written before is a reference
      local number = m.written[key] and m.parked[key] or m.travel.leave(object)
      if number then
         m.parked[key] = number
         return write_parked(m, object, number)
      end
   end
   local name = torch.typename(object)
   if name then
      write_torch(file, m, object, name, hook)
   elseif kind == 'table' then
      write_int(m, TABLE)
      if not already(m, object) then write_table(file, m, object, hook) end
   elseif kind == 'function' then
      write_function(file, m, object)
   else
      unwritable(m, 'a ' .. kind)
   end
end

function write_object(file, m, object, hook)
   if hook then object = hooked(m, hook, object) end
   local kind = type(object)
   if kind == 'number' then
      write_int(m, NUMBER)
      written(stream.writeDouble(m.h, object))
   elseif kind == 'string' then
      write_int(m, STRING)
      write_text(m, object)
   elseif kind == 'boolean' then
      write_int(m, BOOLEAN)
      write_int(m, object and 1 or 0)
   elseif kind == 'nil' then
      write_int(m, NIL)
   else
      local depth = m.depth
      if depth >= DEEPEST then unwritable(m, 'objects nested deeper than ' .. DEEPEST) end
      m.depth = depth + 1
      deeper(depth, write_nested)(file, m, object, kind, hook)
      m.depth = depth
   end
end

-- name: of the object, for messages; hook: what is written instead of an object
function File:writeObject(object, name, hook)
   local m = references(self)
   local at = #m.path + 1
   if name ~= nil then m.path[at] = name end
   write_object(self, m, object, hook)
   m.path[at] = nil
end

-- ---- reading ----

local function damaged(m, what)
   m.depth = 0
   local where = ''
   -- errors of the file itself say where
   if not what:find(' at position %d+ of <') then
      where = string.format(', before position %s of %s', tostring(m.h:position()), tostring(m.h))
   end
   error(string.format('readObject: %s%s; the file is damaged or of another mode', what, where))
end

local function got(m, value, why)
   if value == nil then damaged(m, tostring(why)) end
   return value
end

local function read_int(m) return got(m, stream.readInt(m.h)) end

local function read_text(m)
   local size = read_int(m)
   if size < 0 then damaged(m, 'a string of ' .. size .. ' bytes') end
   local text, why = stream.readBytes(m.h, size)
   if not text then damaged(m, 'a string: ' .. why) end
   -- a quiet file gives what there is
   if #text < size then damaged(m, string.format('a string of %d bytes of which %d are there', size, #text)) end
   return text
end

-- reads a number and hands back the object it refers to, or nil and the number
local function known(m)
   local index = read_int(m)
   if index < 0 then damaged(m, 'reference ' .. index) end
   return m.referenced and m.read[index] or nil, index
end

local readers = {}
local function read_object(file, m)
   local kind = read_int(m)
   if kind == NUMBER then return got(m, stream.readDouble(m.h))
   elseif kind == STRING then return read_text(m)
   elseif kind == BOOLEAN then return read_int(m) ~= 0
   elseif kind == NIL then return nil end
   local reader = readers[kind]
   if not reader then damaged(m, 'object kind ' .. tostring(kind)) end
   local depth = m.depth
   if depth >= DEEPEST then damaged(m, 'objects nested deeper than ' .. DEEPEST) end
   m.depth = depth + 1
   local object = deeper(depth, reader)(file, m, kind)
   m.depth = depth
   return object
end

function File:readObject() return read_object(self, references(self)) end

readers[TABLE] = function(file, m)
   local object, index = known(m)
   if object ~= nil then return object end
   object = {}
   m.read[index] = object
   local count = read_int(m)
   if count < 0 then damaged(m, 'a table of ' .. count .. ' entries') end
   for _ = 1, count do
      local k = read_object(file, m)
      local v = read_object(file, m)
      if k == nil or k ~= k then damaged(m, 'a table entry without a key') end
      object[k] = v
   end
   return object
end

local warned = {}
local function unknown_class(m, name, version)
   -- perhaps only its package is missing
   local package_name = name:match('^%a+')
   local hint = package_name and native.functions.embedded.has(package_name) and not package.loaded[package_name]
      and string.format(" (require '%s' first)", package_name) or ''
   if m.strict then damaged(m, 'unknown Torch class <' .. name .. '>' .. hint) end
   if not name:find('^[%w_][%w_.]*$') or #name > 200 then damaged(m, 'a class named ' .. string.format('%q', name:sub(1, 80))) end
   if not warned[name] and not m.quiet then
      warned[name] = true
      io.stderr:write(string.format("Warning: class '%s' is not known%s; its objects load as tables\n", name, hint))
   end
   return setmetatable({}, { __typename = name, __version = version })
end

-- What machines with a GPU write loads as what the host has, unless there is what stands for a GPU: then the package
-- of the class is loaded.
local function local_name(name)
   local layer = name:match('^cudnn%.(%a+)$')
   if layer then
      if torch.getmetatable('torch.CudaTensor') then
         require 'cudnn'
      elseif nn then
         for _, known in ipairs(require 'nn.cudnn') do
            if known == layer then return 'nn.' .. layer end
         end
      end
      return name
   end
   if name:find('^inn%.') or name == 'nn.DataParallelTable' then
      if torch.getmetatable('torch.CudaTensor') then require(name:find('^inn') and 'inn' or 'cunn') end
      return name
   end
   local rest = name:match('^torch%.Cuda(%a*)$')
   if not rest then return name end
   if torch.getmetatable(name) then
      require 'cutorch'
      return name
   end
   if rest == 'Tensor' or rest == 'Storage' then return 'torch.Float' .. rest end
   return 'torch.' .. rest
end

-- A module of a machine with a GPU that loads as the host's.
local function brought_home(m, object, class, name, version)
   -- what it says of its tensors
   local kind = rawget(object, '_type')
   if type(kind) == 'string' and kind:find('^torch%.Cuda') then object._type = local_name(kind) end
   if class ~= name and (tonumber(rawget(object, 'groups')) or 1) > 1 then
      -- a convolution of cuDNN's in groups, which nn does not have
      if not m.quiet then
         io.stderr:write(string.format('Warning: a %s in groups is not known without `th --cuda cpu`; it loads as a table\n', name))
      end
      debug.setmetatable(object, { __typename = name, __version = version })
   end
   return object
end

readers[TORCH] = function(file, m)
   local object, index = known(m)
   if object ~= nil then return object end
   local version = read_text(m)
   local number = tonumber(version:match('^V (.*)$'))
   -- files older than versions start with the class at once
   local name = number and read_text(m) or version
   if name == PARKED and m.travel then
      object = m.travel.arrive(got(m, stream.readLong(m.h)))
      m.read[index] = object
      return object
   end
   local class = local_name(name)
   local factory = torch.factory(class)
   if not factory and m.travel then
      -- a new state may not have the package yet
      local package_name = class:match('^%a+')
      if package_name and native.functions.embedded.has(package_name) then require(package_name) end
      factory = torch.factory(class)
   end
   if factory then
      -- tensors and storages would take an argument for their content
      if rawget(torch.getmetatable(class), '__native') then object = factory() else object = factory(file) end
   else
      object = unknown_class(m, name, number)
   end
   m.read[index] = object
   local read = object.__read or object.read
   if read then
      read(object, file, number or 0)
   else
      local fields = read_object(file, m)
      if type(fields) ~= 'table' then damaged(m, 'a ' .. name .. ' without fields') end
      for k, v in pairs(fields) do object[k] = v end
   end
   return type(object) == 'table' and brought_home(m, object, class, name, number) or object
end

local function stub(why) return function() error(why, 2) end end

-- the function, and whether it is the real one
local function load_code(m)
   local code = read_text(m)
   if m.functions == false then return stub('functions of this file were not loaded'), false end
   local why = native.functions.state.checkBytecode(code)
   if why then damaged(m, 'a function: ' .. why) end
   local f = loadstring(code)
   if not f then
      return stub('this function was saved as bytecode of another LuaJIT and cannot run here'), false
   end
   return f, true
end

readers[RECURSIVE] = function(file, m, kind)
   local object, index = known(m)
   if object ~= nil then return object end
   local f, real = load_code(m)
   m.read[index] = f
   local upvalues = read_object(file, m)
   if type(upvalues) ~= 'table' then damaged(m, 'a function without upvalues') end
   if not real then return f end
   for i, u in ipairs(upvalues) do
      if kind == LEGACY_RECURSIVE then
         debug.setupvalue(f, i, u)
      elseif type(u) ~= 'table' then
         damaged(m, 'an upvalue that is a ' .. type(u))
      else
         local shared = u.id ~= nil and m.joints[u.id]
         if shared and debug.getupvalue(f, i) then
            debug.upvaluejoin(f, i, shared.f, shared.i)
         elseif debug.setupvalue(f, i, u.value) and u.id ~= nil then
            m.joints[u.id] = { f = f, i = i }
         end
      end
   end
   return f
end
readers[LEGACY_RECURSIVE] = readers[RECURSIVE]

readers[FUNCTION] = function(file, m)
   local f, real = load_code(m)
   local upvalues = read_object(file, m)
   if real and type(upvalues) == 'table' then
      for i, u in ipairs(upvalues) do debug.setupvalue(f, i, u) end
   end
   return f
end

-- ---- tensors and storages ----

-- whether at `at` an integer stands that begins the storage of a tensor
local function is_storage(m, at)
   if got(m, stream.left(m.h)) < 8 then return false end
   local back = m.h:position()
   m.h:seek(back + at)
   local kind, index
   if stream.left(m.h) >= 4 then kind = stream.readInt(m.h) end
   if kind == TORCH and stream.left(m.h) >= 4 then index = stream.readInt(m.h) end
   m.h:seek(back)
   return kind == NIL or kind == TORCH and index ~= nil and index > 0
end

-- Longs take 4 bytes in files from Windows and 32-bit systems. The first tensor tells: behind its 2n + 1 longs comes
-- its storage.
local function detect_by_tensor(m, n)
   m.detect = false
   if not is_storage(m, (2 * n + 1) * 8) and is_storage(m, (2 * n + 1) * 4) then m.h:longSize(4) end
end

-- a storage that comes first tells only if it would be larger than the file
local function detect_by_storage(m, width)
   m.detect = false
   local left, back = stream.left(m.h), m.h:position()
   if left < 8 then m.h:longSize(4) return end
   local n = stream.readLong(m.h)
   m.h:seek(back)
   if n >= 0 and n * width <= left - 8 then return end
   m.h:longSize(4)
   n = stream.readLong(m.h)
   m.h:seek(back)
   if n < 0 or n * (width == 8 and 4 or width) > left - 4 then m.h:longSize(8) end
end

local function read_longs(m, n)
   local s = torch.LongStorage()
   got(m, stream.readStorage(m.h, s, n))
   if #s < n then damaged(m, 'sizes that are cut off') end
   return s
end

-- lays a tensor over its storage after seeing that it fits
local function lay(m, tensor, data, sizes, strides, offset, n)
   local last, count = offset, 1
   for d = 1, n do
      if sizes[d] < 0 or strides[d] < 0 then damaged(m, 'a tensor with a negative size or stride') end
      last = last + math.max(sizes[d] - 1, 0) * strides[d]
      count = count * sizes[d]
   end
   if count >= 2 ^ 53 then damaged(m, 'a tensor of ' .. count .. ' elements') end
   if count > 0 and (offset < 1 or last > #data) then
      damaged(m, string.format('a tensor that reaches element %.0f of a storage of %d', last, #data))
   end
   tensor:set(data, offset, sizes, strides)
end

for i, short in ipairs(native.types) do
   local tensor, storage = torch.getmetatable(torch.tensor_types[i]), torch.getmetatable(torch.storage_types[i])
   local width = native.elements[i].size

   function tensor:write(file)
      local m, n = references(file), self:dim()
      write_int(m, n)
      local sizes, strides = torch.LongStorage(n), torch.LongStorage(n)
      for d = 1, n do sizes[d], strides[d] = self:size(d), self:stride(d) end
      written(stream.writeStorage(m.h, sizes))
      written(stream.writeStorage(m.h, strides))
      written(stream.writeLong(m.h, self:storageOffset()))
      write_object(file, m, self:storage())
   end

   function tensor:read(file)
      local m = references(file)
      local n = read_int(m)
      if n < 0 or n > 1000 then damaged(m, 'a tensor of ' .. n .. ' dimensions') end
      if m.detect then detect_by_tensor(m, n) end
      local sizes, strides = read_longs(m, n), read_longs(m, n)
      local offset = got(m, stream.readLong(m.h))
      local data = read_object(file, m)
      if data == nil then
         if n > 0 then damaged(m, 'a tensor without a storage') end
         return
      end
      if torch.typename(data) ~= torch.storage_types[i] then damaged(m, 'a tensor over a ' .. torch.type(data)) end
      if n == 0 then
         self:set(data)
         self:resize(0)
         return
      end
      lay(m, self, data, sizes, strides, offset, n)
   end

   function storage:write(file)
      local m = references(file)
      written(stream.writeLong(m.h, #self))
      written(stream.writeStorage(m.h, self))
   end

   function storage:read(file)
      local m = references(file)
      if m.detect then detect_by_storage(m, width) end
      local n = got(m, stream.readLong(m.h))
      if n < 0 then damaged(m, 'a storage of ' .. n .. ' elements') end
      local there, why = stream.readStorage(m.h, self, n)
      if not there or there < n then
         damaged(m, string.format('a storage of %.0f elements: %s', n, why or there .. ' are there'))
      end
   end
end

-- What torch.save and torch.load need of this file: its parts are no methods of files.
return { references = references, read_object = read_object }
