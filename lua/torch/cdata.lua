-- Tensors and storages through LuaJIT's ffi: pointers to their numbers, C structures laid out as Torch7's, and objects
-- found again by their pointers.
local ffi = require 'ffi'
local torch = torch
local native = require 'rekindle.native'

local ctypes = { Byte = 'unsigned char', Char = 'char', Short = 'short', Int = 'int', Long = 'long', Float = 'float',
   Double = 'double', Half = 'THHalf' }
if ffi.sizeof('long') ~= 8 then ctypes.Long = 'int64_t' end
ffi.cdef 'typedef struct { unsigned short x; } __THHalf; typedef __THHalf THHalf;'

-- a structure -> the tensor or storage it shows, which lives as long as it does
local shown = setmetatable({}, { __mode = 'k' })
-- a tensor or storage -> the structure that shows it, while there is one
local structures = setmetatable({}, { __mode = 'kv' })
-- a tensor or storage -> the structure whose address was asked for, which lives as long as the object
local addressed = setmetatable({}, { __mode = 'k' })

-- The first fields are those of Torch7's C structures. They have names of their own here, so that reading a field by its
-- real name goes through `__index`, which first brings them up to date.
local declaration = [[
struct THxStorage {
   real *data_; ptrdiff_t size_; int refcount; char flag; void *allocator; void *allocatorContext;
   struct THxStorage *view;
};
struct THxTensor {
   long *size_; long *stride_; int nDimension_; THxStorage *storage_; ptrdiff_t storageOffset_; int refcount; char flag;
   long sizes_[16]; long strides_[16]; THxStorage store_;
};
]]
-- the names at once, for the declarations of C libraries that take tensors
for _, short in ipairs(native.types) do
   ffi.cdef((('typedef struct THxStorage THxStorage; typedef struct THxTensor THxTensor;'):gsub('THx', 'TH' .. short)))
end

local function fill_storage(c, s)
   c.data_, c.size_, c.refcount, c.flag = s:data(), s:size(), 1, 7
end

local function fill_tensor(c, x)
   local n = x:dim()
   for d = 1, n do c.sizes_[d - 1], c.strides_[d - 1] = x:size(d), x:stride(d) end
   c.size_, c.stride_, c.nDimension_ = n > 0 and c.sizes_ or nil, n > 0 and c.strides_ or nil, n
   local s = x:storage()
   if s then fill_storage(c.store_, s) end
   c.storage_, c.storageOffset_, c.refcount, c.flag = s and c.store_ or nil, x:storageOffset() - 1, 1, 1
end

local function cdata(x) return x:cdata() end

local fields = { data = 'data_', size = 'size_', stride = 'stride_', nDimension = 'nDimension_', storage = 'storage_',
   storageOffset = 'storageOffset_' }
local function index(fill)
   return function(c, k)
      local x = shown[c]
      if x ~= nil then
         fill(c, x)
         if k == 'storage' and x.storage then
            local s = x:storage()
            if s then return cdata(s) end
         end
      end
      local real = fields[k]
      if not real then error('no field ' .. tostring(k) .. ' in ' .. tostring(ffi.typeof(c)), 2) end
      return c[real]
   end
end

-- made when first asked for: a program that never looks through ffi does not wait for it
local declared = {}
local function constructors(short, ctype)
   local known = declared[short]
   if not known then
      local text = declaration:gsub('THx', 'TH' .. short):gsub('real', ctype)
      ffi.cdef(text)
      known = { tensor = ffi.metatype('TH' .. short .. 'Tensor', { __index = index(fill_tensor) }),
         storage = ffi.metatype('TH' .. short .. 'Storage', { __index = index(fill_storage) }) }
      declared[short] = known
   end
   return known
end

local function structure_of(kind, short, ctype, fill)
   return function(x, as_number)
      local make = constructors(short, ctype)[kind]
      if as_number then
         local c = addressed[x] or make()
         addressed[x] = c
         fill(c, x)
         return ffi.cast('intptr_t', ffi.cast('void *', c))
      end
      local c = structures[x]
      if not c then
         c = make()
         structures[x], shown[c] = c, x
      end
      fill(c, x)
      return c
   end
end

-- The object that a structure shows: for functions that take what `cdata` gives.
function torch._of_cdata(c) return shown[c] end

local references = {}      -- objects that `retain` keeps alive, with how often
local function retain(x) references[x] = (references[x] or 0) + 1 end
local function free(x)
   local n = references[x]
   if n then references[x] = n > 1 and n - 1 or nil end
end

for i, short in ipairs(native.types) do
   local ctype = ctypes[native.elements[i].name]
   local pointer = ffi.typeof(ctype .. ' *')
   local function data(x, as_number)
      local address = native.functions.state.address(x)
      -- a tensor without a storage points nowhere
      if not address then return as_number and ffi.cast('intptr_t', 0) or nil end
      if as_number then return ffi.cast('intptr_t', address) end
      return ffi.cast(pointer, address)
   end
   for kind, fill in pairs { tensor = fill_tensor, storage = fill_storage } do
      local mt = torch.getmetatable('torch.' .. short .. (kind == 'tensor' and 'Tensor' or 'Storage'))
      mt.data, mt.cdata, mt.retain, mt.free = data, structure_of(kind, short, ctype, fill), retain, free
   end
end

local function of_object(name, x, as_number)
   if x == nil then return nil end
   local f = torch.typename(x) and x[name]
   if not f then error(name .. ': expected a tensor or a storage, got ' .. torch.type(x), 3) end
   return f(x, as_number)
end
function torch.data(x, as_number) return of_object('data', x, as_number) end
function torch.cdata(x, as_number) return of_object('cdata', x, as_number) end

-- ---- objects by their pointers ----

local pointed = setmetatable({}, { __mode = 'v' })      -- a pointer that was handed out -> its object

function torch.pointer(x)
   local kind = type(x)
   if kind == 'nil' or kind == 'boolean' or kind == 'number' then
      error('Torch object, table, thread, cdata or function expected', 2)
   end
   local id = native.identity(x)
   if kind == 'userdata' then pointed[id] = x end
   return id
end

-- The object of a class behind a pointer that torch.pointer or cdata gave. It must still live.
function torch.pushudata(pointer, class)
   if type(class) ~= 'string' or not torch.getmetatable(class) then
      error('pushudata: expected a pointer and the name of a class, got ' .. tostring(class), 2)
   end
   local x
   if type(pointer) == 'cdata' then x = shown[pointer] end
   if x == nil and (type(pointer) == 'number' or type(pointer) == 'cdata') then
      local address = tonumber(ffi.cast('intptr_t', pointer))
      x = pointed[address]
      if x == nil then
         for object, c in pairs(addressed) do
            if tonumber(ffi.cast('intptr_t', ffi.cast('void *', c))) == address then x = object end
         end
      end
   end
   if x == nil then error('pushudata: there is no object at ' .. tostring(pointer), 2) end
   if torch.typename(x) ~= class then
      error('pushudata: expected a ' .. class .. ', there is a ' .. torch.type(x), 2)
   end
   return x
end
