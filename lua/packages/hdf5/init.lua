-- Package hdf5: files of groups and datasets, with the interface of torch-hdf5.
local functions = require('rekindle.native').functions
local natives, methods = functions.hdf5, functions['hdf5.Handle']
if not natives then error('hdf5: this th was built without the feature hdf5', 0) end

-- a global, as programs expect
hdf5 = {}
hdf5._config = {}

local function joined(path, name)
   if name:sub(1, 1) == '/' then return name end
   return (path == '/' and '' or path) .. '/' .. name
end

local function fail(level, name, text, ...) error('hdf5.' .. name .. ': ' .. text:format(...), level + 1) end

---------------------------------------------------------------------------------------------------- options

local DataSetOptions = torch.class('hdf5.DataSetOptions', hdf5)

function DataSetOptions:__init() end

-- the sizes of the chunks that a dataset is cut into
function DataSetOptions:setChunked(...)
   local sizes = { ... }
   if #sizes == 0 then fail(2, 'DataSetOptions.setChunked', 'expected sizes') end
   for _, size in ipairs(sizes) do
      if type(size) ~= 'number' or size < 1 then
         fail(2, 'DataSetOptions.setChunked', 'expected positive sizes, got %s', tostring(size))
      end
   end
   self._chunking = sizes
   return self
end

-- compression of chunks, from 1 (fast) to 9 (small)
function DataSetOptions:setDeflate(level)
   self._deflate = level or 6
   return self
end

function DataSetOptions:__tostring()
   local chunks = self._chunking and table.concat(self._chunking, 'x') or 'none'
   return string.format('[hdf5.DataSetOptions: chunks %s, deflate %s]', chunks, tostring(self._deflate or 'none'))
end

---------------------------------------------------------------------------------------------------- datasets

local DataSet = torch.class('hdf5.HDF5DataSet', hdf5)

function DataSet:__init(file, path)
   rawset(self, '_file', file)
   rawset(self, '_path', path)
end

function DataSet:_item(name)
   local item = methods.item(self._file._handle, self._path)
   if not item or item[1] == 'group' then fail(3, 'HDF5DataSet.' .. name, "'%s' is no dataset any more", self._path) end
   return item
end

-- its sizes, as a table
function DataSet:dataspaceSize()
   local item = self:_item 'dataspaceSize'
   return item[3] and item[3]:totable() or {}
end

-- the class of its tensors: torch.FloatTensor ...
function DataSet:getTensorFactory()
   local item = self:_item 'getTensorFactory'
   if item[1] ~= 'tensor' then fail(2, 'HDF5DataSet.getTensorFactory', "'%s' holds %s", self._path, item[2]) end
   return torch[item[2]:match '%.(.*)$']
end

function DataSet:all()
   local item = self:_item 'all'
   if item[1] == 'texts' then
      local texts = methods.texts(self._file._handle, self._path)
      return #item[3] == 0 and texts[1] or texts
   elseif item[1] ~= 'tensor' then
      fail(2, 'HDF5DataSet.all', "'%s' holds %s, which Torch7 does not have", self._path, item[2])
   end
   return methods.read(self._file._handle, self._path)
end

-- The elements between places along each dimension, both included, or at one place: partial({ 1, 10 }, 3).
function DataSet:partial(...)
   local ranges, sizes = { ... }, self:dataspaceSize()
   if #ranges ~= #sizes then
      fail(2, 'HDF5DataSet.partial', "'%s' has %d dimensions, got %d ranges", self._path, #sizes, #ranges)
   end
   local places = torch.LongStorage(2 * #ranges)
   for d, range in ipairs(ranges) do
      if type(range) == 'number' then range = { range, range } end
      if type(range) ~= 'table' or type(range[1]) ~= 'number' or type(range[2] or range[1]) ~= 'number' then
         fail(2, 'HDF5DataSet.partial', 'range %d: expected { first, last } or a place', d)
      end
      local first, last = range[1], range[2] or range[1]
      if first < 1 or last < first or last > sizes[d] then
         fail(2, 'HDF5DataSet.partial', 'range %d: %d to %d of a dimension of %d', d, first, last, sizes[d])
      end
      places[2 * d - 1], places[2 * d] = first, last
   end
   return methods.read(self._file._handle, self._path, places)
end

-- Writes a tensor over a part of the dataset that begins at these places.
function DataSet:write(tensor, ...)
   local starts, all = { ... }, self:all()
   if not torch.isTensor(tensor) or #starts ~= all:dim() or tensor:dim() ~= all:dim() then
      fail(2, 'HDF5DataSet.write', "'%s' has %d dimensions: expected a tensor with as many and a place in each", self._path,
         all:dim())
   end
   local part = all
   for d, start in ipairs(starts) do
      if start < 1 or start + tensor:size(d) - 1 > all:size(d) then
         fail(2, 'HDF5DataSet.write', 'dimension %d: %d to %d of %d', d, start, start + tensor:size(d) - 1, all:size(d))
      end
      part = part:narrow(d, start, tensor:size(d))
   end
   part:copy(tensor)
   methods.replace(self._file._handle, self._path, all)
end

-- Adds a tensor behind the dataset's elements along the first dimension. The whole dataset is written again.
function DataSet:append(tensor, options)
   local all = torch.cat(self:all(), tensor:type(self:getTensorFactory()():type()), 1)
   methods.remove(self._file._handle, self._path)
   self._file:write(self._path, all, options)
end

function DataSet:close() end
function DataSet:__tostring() return string.format('[hdf5.HDF5DataSet %s in %s]', self._path, self._file._filename) end

---------------------------------------------------------------------------------------------------- groups

local Group = torch.class('hdf5.HDF5Group', hdf5)

function Group:__init(file, path)
   rawset(self, '_file', file)
   rawset(self, '_path', path)
end

-- what stands under a path, as an object
local function object_at(file, path)
   local item = methods.item(file._handle, path)
   if not item then return nil end
   if item[1] == 'group' then return hdf5.HDF5Group(file, path) end
   return hdf5.HDF5DataSet(file, path)
end

-- the names below a group, in order
function Group:_names()
   local groups, datasets = methods.names(self._file._handle, self._path)
   local names = {}
   for _, list in ipairs { groups, datasets } do for _, name in ipairs(list) do names[#names + 1] = name end end
   table.sort(names)
   return names
end

function Group:read(path)
   if path == nil or path == '/' or path == '' then return self end
   local found = object_at(self._file, joined(self._path, path))
   if not found then fail(2, 'HDF5Group.read', "there is no '%s' in '%s' of %s", path, self._path, self._file._filename) end
   return found
end

-- all datasets below, as tables of tables
function Group:all()
   local found = {}
   for _, name in ipairs(self:_names()) do found[name] = object_at(self._file, joined(self._path, name)):all() end
   return found
end

function Group:forEachChild(f)
   for _, name in ipairs(self:_names()) do f(name, object_at(self._file, joined(self._path, name))) end
end

local function write_table(group, data, options)
   methods.makeGroup(group._file._handle, group._path)
   local names = {}
   for name in pairs(data) do names[#names + 1] = name end
   table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
   for _, name in ipairs(names) do group:write(tostring(name), data[name], options) end
end

-- Writes a tensor or a text as a dataset, a table as a group.
function Group:write(path, data, options)
   if type(path) ~= 'string' then fail(2, 'write', 'expected a path, got %s', torch.type(path)) end
   if options ~= nil and torch.typename(options) ~= 'hdf5.DataSetOptions' then
      fail(2, 'write', 'expected hdf5.DataSetOptions behind the data, got %s', torch.type(options))
   end
   local full, handle = joined(self._path, path), self._file._handle
   if torch.isTensor(data) then
      local chunks = torch.LongStorage(options and options._chunking or {})
      if #chunks == 0 and options and options._deflate then
         -- compression needs chunks
         local sizes = data:size():totable()
         for d, size in ipairs(sizes) do sizes[d] = math.min(size, 128) end
         chunks = torch.LongStorage(sizes)
      end
      local typename = data:type()
      if typename:find '^torch%.Cuda' then data = typename == 'torch.CudaTensor' and data:float() or data:double() end
      methods.write(handle, full, data, chunks, options and options._deflate or 0)
   elseif type(data) == 'string' then
      methods.writeText(handle, full, data)
   elseif type(data) == 'table' and not torch.typename(data) then
      write_table(full == '/' and self or hdf5.HDF5Group(self._file, full), data, options)
   else
      fail(2, 'write', "'%s': expected a tensor, a text or a table of such, got %s", full, torch.type(data))
   end
end

function Group:append(path, data, options)
   local there = object_at(self._file, joined(self._path, path))
   if not there then return self:write(path, data, options) end
   if torch.typename(there) ~= 'hdf5.HDF5DataSet' then fail(2, 'append', "'%s' is no dataset", path) end
   there:append(data, options)
end

-- A dataset of zeros: create(path, size, size ..., [options]).
function Group:create(path, ...)
   local sizes = { ... }
   local options = torch.typename(sizes[#sizes]) == 'hdf5.DataSetOptions' and table.remove(sizes) or nil
   if torch.isStorage(sizes[1]) then sizes = sizes[1]:totable() end
   self:write(path, torch.zeros(torch.LongStorage(sizes)), options)
end

function Group:getOrCreateChild(name)
   local path = joined(self._path, name)
   if not methods.item(self._file._handle, path) then methods.makeGroup(self._file._handle, path) end
   return object_at(self._file, path)
end

function Group:createChild(name)
   methods.makeGroup(self._file._handle, joined(self._path, name))
   return hdf5.HDF5Group(self._file, joined(self._path, name))
end

function Group:close() end
function Group:__tostring() return string.format('[hdf5.HDF5Group %s in %s]', self._path, self._file._filename) end

---------------------------------------------------------------------------------------------------- files

local File = torch.class('hdf5.HDF5File', hdf5)

function File:__init(filename, mode)
   -- made empty when it is read from a file
   if type(filename) ~= 'string' then return end
   self._filename, self._mode = filename, mode or 'a'
   self._handle = natives.open(filename, self._mode)
   self._root = hdf5.HDF5Group(self, '/')
end

function File:filename() return self._filename end
function File:close() methods.close(self._handle) end

local function root(self, name)
   if not methods.isOpen(self._handle) then
      fail(3, 'HDF5File.' .. name, '<%s> is closed; hdf5.open opens it again', self._filename)
   end
   return self._root
end
function File:read(path) return root(self, 'read'):read(path) end
function File:all() return root(self, 'all'):all() end
function File:write(path, data, options) return root(self, 'write'):write(path, data, options) end
function File:append(path, data, options) return root(self, 'append'):append(path, data, options) end
function File:create(path, ...) return root(self, 'create'):create(path, ...) end

function File:__tostring()
   return string.format('[hdf5.HDF5File: %s%s]', self._filename, methods.isOpen(self._handle) and '' or ' (closed)')
end

-- an object of this class in a .t7 file is the name of the file, which is opened again
function File:__write(file) file:writeObject { filename = self._filename } end
function File:__read(file)
   local name = file:readObject().filename
   self:__init(name, io.open(name) and 'r+' or 'a')
end

-- Opens a file: 'r' to read, 'r+' to read and write, 'w' to make it anew, 'w-' where there is none, 'a' (the default)
-- for all.
function hdf5.open(filename, mode)
   if type(filename) ~= 'string' then error('hdf5.open: expected a file name, got ' .. torch.type(filename), 2) end
   return hdf5.HDF5File(filename, mode)
end

function hdf5.debugMode() end

return hdf5
