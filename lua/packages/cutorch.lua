-- The package cutorch where `th --cuda cpu` has it: the types of torch.CudaTensor, and one device to compute on. Its memory
-- is the host's, so work is done when a call returns: streams, events and synchronization have nothing to wait for.
local native = require 'rekindle.native'
local torch = torch
local state = native.functions.state
cutorch = {}
local cutorch = cutorch

torch._open 'Cuda'

-- ---- conversions ----

local each_class = {}
for i, name in ipairs(torch.tensor_types) do each_class[i] = torch.getmetatable(name) end

local device_classes = {}
for i = #native.element_types + 1, #native.types do
   local short, name = native.types[i], torch.tensor_types[i]
   if short:find('^Cuda') then
      device_classes[#device_classes + 1] = name
      -- cuda, cudaLong
      local method = short:gsub('^C', 'c')
      for _, class in ipairs(each_class) do
         class[method] = function(self) return self:type(name) end
      end
   end
end
for _, class in ipairs(each_class) do
   function class:copyAsync(from) return self:copy(from) end
end

-- ---- places and masks ----

-- Programs of the time when the device had numbers of one type give them in these.
local is_floating = { ['torch.CudaTensor'] = true, ['torch.CudaDoubleTensor'] = true }

-- with the argument behind the first number, the places along a dimension, as whole numbers
local function with_places(f)
   return function(...)
      local n = select('#', ...)
      for i = 1, math.min(n - 1, 3) do
         if type((select(i, ...))) == 'number' then
            local places = select(i + 1, ...)
            if not is_floating[torch.typename(places)] then break end
            local given = { ... }
            given[i + 1] = places:cudaLong()
            return f(unpack(given, 1, n))
         end
      end
      return f(...)
   end
end

-- with this argument, counted from the end where it is negative, as a mask
local function with_mask(f, at)
   return function(...)
      local n = select('#', ...)
      local i = at > 0 and at or n + 1 + at
      if i < 2 or not is_floating[torch.typename((select(i, ...)))] then return f(...) end
      local given = { ... }
      given[i] = given[i]:cudaByte()
      return f(unpack(given, 1, n))
   end
end

for _, name in ipairs { 'index', 'indexCopy', 'indexAdd', 'indexFill', 'gather', 'scatter' } do
   if torch[name] then torch[name] = with_places(torch[name]) end
   for _, class in ipairs(device_classes) do
      local method = torch.getmetatable(class)[name]
      if method then torch.getmetatable(class)[name] = with_places(method) end
   end
end
for name, at in pairs { maskedFill = 2, maskedCopy = 2, maskedSelect = -1 } do
   for _, class in ipairs(device_classes) do
      local method = torch.getmetatable(class)[name]
      if method then torch.getmetatable(class)[name] = with_mask(method, at) end
   end
end

-- ---- the device ----

local function wrong(name, what, got, level)
   error(string.format('cutorch.%s: %s, got %s', name, what, tostring(got)), level or 3)
end

-- a device's number, or nil where one may be left out
local function device_number(name, device, optional)
   if device == nil and optional then return 1 end
   if type(device) ~= 'number' then wrong(name, 'the number of a device expected', device, 4) end
   if device ~= 1 then wrong(name, 'invalid device ordinal: there is one device, number 1', device, 4) end
   return device
end

function cutorch.getDeviceCount() return 1 end
function cutorch.getDevice() return 1 end
function cutorch.setDevice(device) device_number('setDevice', device) end
function cutorch.withDevice(device, f, ...)
   device_number('withDevice', device)
   return f(...)
end
function cutorch.deviceReset() end

local function object_device(self) return (torch.isStorage(self) and #self or self:nElement()) > 0 and 1 or 0 end
for _, name in ipairs(device_classes) do
   for _, kind in ipairs { name, (name:gsub('Tensor$', 'Storage')) } do
      torch.getmetatable(kind).getDevice = object_device
   end
end

-- bytes of memory, free and in all
local function memory()
   local free, total = 0, 0
   local file = io.open('/proc/meminfo')
   if file then
      local text = file:read('*a')
      file:close()
      free = (tonumber(text:match('MemAvailable:%s*(%d+)')) or 0) * 1024
      total = (tonumber(text:match('MemTotal:%s*(%d+)')) or 0) * 1024
   end
   return free, total
end

function cutorch.getMemoryUsage(device)
   device_number('getMemoryUsage', device, true)
   return memory()
end

function cutorch.getDeviceProperties(device)
   device_number('getDeviceProperties', device)
   local free, total = memory()
   return {
      name = 'host memory', major = 3, minor = 5, freeGlobalMem = free, totalGlobalMem = total, totalConstMem = 65536,
      sharedMemPerBlock = 49152, regsPerBlock = 65536, warpSize = 32, maxThreadsPerBlock = 1024,
      maxThreadsPerMultiProcessor = 2048, maxThreadsDim = { 1024, 1024, 64 }, maxGridSize = { 2147483647, 65535, 65535 },
      multiProcessorCount = torch.getnumthreads(), clockRate = 1000000, memoryClockRate = 1000000, memoryBusWidth = 64,
      l2CacheSize = 0, textureAlignment = 512, memPitch = 2147483647, deviceOverlap = 1, asyncEngineCount = 1,
      integrated = 1, canMapHostMemory = 1, unifiedAddressing = 1, kernelExecTimeoutEnabled = 0, computeMode = 0,
      concurrentKernels = 1, ECCEnabled = 0, pciBusID = 0, pciDeviceID = 0, pciDomainID = 0, tccDriver = 0,
   }
end

cutorch.driverVersion, cutorch.runtimeVersion = 8000, 8000
function cutorch.getDriverVersion() return cutorch.driverVersion end
function cutorch.getRuntimeVersion() return cutorch.runtimeVersion end

-- CudaHalfTensor keeps and converts numbers; there is no arithmetic of halves
cutorch.hasHalf = false
function cutorch.hasHalfInstructions() return false end
function cutorch.hasFastHalfInstructions() return false end

function cutorch.getState() return cutorch._state end
-- what C code would be given
cutorch._state = require('ffi').new('void *')

for _, name in ipairs { 'getPeerToPeerAccess', 'getKernelPeerToPeerAccess' } do
   cutorch[name] = function(...)
      for _, device in ipairs { ... } do
         if type(device) == 'number' then device_number(name, device) end
      end
      return true
   end
end
function cutorch.setPeerToPeerAccess() end
function cutorch.setKernelPeerToPeerAccess() end

-- ---- streams and events: everything is done at once ----

local streams, stream, handles, handle = 0, 0, 0, 1

for _, name in ipairs { 'synchronize', 'synchronizeAll', 'streamSynchronize', 'streamWaitFor', 'streamWaitForMultiDevice',
                        'streamBarrier', 'streamBarrierMultiDevice', 'setHeapTracking', 'reserveWorkspace' } do
   cutorch[name] = function() end
end
function cutorch.reserveStreams(n) streams = math.max(streams, tonumber(n) or 0) end
function cutorch.getNumStreams() return streams end
function cutorch.getStream() return stream end
function cutorch.setStream(n)
   if type(n) ~= 'number' or n < 0 or n > streams then
      wrong('setStream', string.format('a stream from 0 to %d expected (reserveStreams makes them)', streams), n)
   end
   stream = n
end
function cutorch.setDefaultStream() stream = 0 end
function cutorch.reserveBlasHandles(n) handles = math.max(handles, tonumber(n) or 0) end
function cutorch.getNumBlasHandles() return math.max(handles, 1) end
function cutorch.getBlasHandle() return handle end
function cutorch.setBlasHandle(n) handle = n end

cutorch.Event = torch.class('cutorch.Event', cutorch)
for _, name in ipairs { 'record', 'waitOn', 'synchronize' } do cutorch.Event[name] = function() end end

-- ---- memory ----

function cutorch.isCachingAllocatorEnabled() return false end
function cutorch.isManagedPtr() return false end

-- a tensor of the host from which copies to the device may go on in the background
for suffix, class in pairs { [''] = 'torch.FloatTensor', Double = 'torch.DoubleTensor', Long = 'torch.LongTensor',
                             Int = 'torch.IntTensor', Byte = 'torch.ByteTensor', Char = 'torch.CharTensor',
                             Short = 'torch.ShortTensor', Half = 'torch.HalfTensor' } do
   local make = torch.getconstructortable(class)
   cutorch['createCuda' .. 'Host' .. suffix .. 'Tensor'] = function(...) return make(...) end
end
cutorch.createFloatCudaHostTensor = cutorch.createCudaHostTensor

-- ---- random numbers: a generator of the device's own ----

local generator = state.deviceGenerator 'torch.CudaTensor'

function cutorch.manualSeed(seed)
   torch.manualSeed(generator, seed)
   return seed
end
function cutorch.seed() return torch.seed(generator) end
cutorch.manualSeedAll, cutorch.seedAll = cutorch.manualSeed, cutorch.seed
function cutorch.initialSeed() return torch.initialSeed(generator) end
function cutorch.getRNGState() return torch.getRNGState(generator) end
function cutorch.setRNGState(bytes) return torch.setRNGState(generator, bytes) end

require('rekindle.absent').tell('cutorch', cutorch, 'function')

return cutorch
