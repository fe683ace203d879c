-- loadcaffe.C: what loadcaffe's library in C has, for programs that load networks step by step:
--
--   local handle = ffi.new('void*[1]')
--   C.loadBinary(handle, prototxt, caffemodel)
--   C.convertProtoToLua(handle, path, backend)    -- a file that gives { { name, module }, ... }, without weights
--   C.loadModule(handle, name, weight:cdata(), bias:cdata())
--   C.destroyBinary(handle)
local ffi = require 'ffi'

local C = {}
local open = {}      -- number in the handle -> { prototxt, binary, net }

-- The library keeps its pointer in the second place of an array that programs make with one, and they look there whether
-- a file was loaded. From here on such arrays have that place.
local new = ffi.new
function ffi.new(kind, ...)
   if kind == 'void*[1]' then kind = 'void*[2]' end
   return new(kind, ...)
end

local function check(name, handle)
   if type(handle) ~= 'cdata' or not ffi.istype('void *[2]', handle) then
      error(string.format("loadcaffe.C.%s: expected ffi.new('void*[1]') as handle, made after loadcaffe.C was read, got %s", name,
         type(handle) == 'cdata' and tostring(ffi.typeof(handle)) or torch.type(handle)), 3)
   end
   return tonumber(ffi.cast('intptr_t', handle[1]))
end
local function opened(name, handle)
   local entry = open[check(name, handle)]
   if not entry then error('loadcaffe.C.' .. name .. ': no network is loaded with this handle', 3) end
   return entry
end
local function text(name, value, what)
   if type(value) ~= 'string' then
      error(string.format('loadcaffe.C.%s: %s should be a string, got %s', name, what, torch.type(value)), 3)
   end
end

-- What cannot be loaded is told, and the handle stays as it is.
function C.loadBinary(handle, prototxt, binary)
   check('loadBinary', handle)
   text('loadBinary', prototxt, 'prototxt')
   text('loadBinary', binary, 'caffemodel')
   local ok, net = pcall(loadcaffe.load, prototxt, binary)
   if not ok then
      print("Couldn't load " .. binary .. ': ' .. tostring(net))
      return
   end
   local id = 1
   while open[id] do id = id + 1 end
   open[id] = { prototxt = prototxt, binary = binary, net = net }
   handle[1] = ffi.cast('void *', id)
   print('Successfully loaded ' .. binary)
end

function C.destroyBinary(handle)
   opened('destroyBinary', handle)
   open[check('destroyBinary', handle)] = nil
   handle[1] = nil
end

-- class, without its package -> the constructor's arguments, and what is called behind it
local function window(m) return { m.kW, m.kH, m.dW, m.dH, m.padW, m.padH }, m.ceil_mode and ':ceil()' end
local function planes(m) return { m.nInputPlane, m.nOutputPlane, m.kW, m.kH, m.dW, m.dH, m.padW, m.padH } end
local function plain() return {} end
local ARGUMENTS = {
   SpatialConvolution = function(m)
      local list = planes(m)
      list[9] = m.groups
      return list
   end,
   SpatialDilatedConvolution = function(m)
      local list = planes(m)
      list[9], list[10] = m.dilationW, m.dilationH
      return list
   end,
   SpatialFullConvolution = planes,
   Linear = function(m) return { m.weight:size(2), m.weight:size(1) } end,
   SpatialMaxPooling = window, SpatialAveragePooling = window,
   ReLU = function(m) return { m.inplace } end,
   LeakyReLU = function(m) return { m.negval, m.inplace } end,
   ELU = function(m) return { m.alpha, m.inplace } end,
   PReLU = function(m) return { m.nOutputPlane } end,
   SpatialCrossMapLRN = function(m) return { m.size, m.alpha, m.beta, m.k } end,
   Dropout = function(m) return { m.p } end,
   View = function() return { -1 }, ':setNumInputDims(3)' end,
   SoftMax = plain, Sigmoid = plain, Tanh = plain, Abs = plain, SoftPlus = plain, Identity = plain,
}

-- A module without its weights, as Lua would make it.
local function constructor(module)
   local package, class = torch.typename(module):match '^(%w+)%.(%w+)$'
   local arguments = ARGUMENTS[class]
   if not arguments then
      error(string.format("loadcaffe.C.convertProtoToLua: layer '%s' is an %s here, which is no line of such a file; "
         .. 'loadcaffe.load gives the network', module.name, torch.typename(module)), 3)
   end
   local list, behind = arguments(module)
   for i, value in ipairs(list) do list[i] = type(value) == 'number' and string.format('%.9g', value) or tostring(value) end
   return package .. '.' .. class .. '(' .. table.concat(list, ', ') .. ')' .. (behind or '')
end

-- Programs for the CPU leave out lines 2 and 4.
function C.convertProtoToLua(handle, path, backend)
   local entry = opened('convertProtoToLua', handle)
   text('convertProtoToLua', path, 'the path')
   if backend ~= nil and backend ~= 'nn' then entry.net = loadcaffe.load(entry.prototxt, entry.binary, backend) end
   local lines = { "require 'nn'", '', backend == 'cudnn' and "require 'cudnn'" or '', '', 'local model = {}' }
   for _, module in ipairs(entry.net.modules) do
      lines[#lines + 1] = string.format('table.insert(model, {%q, %s})', module.name, constructor(module))
   end
   lines[#lines + 1] = 'return model\n'
   local ok, why = require('pl.utils').writefile(path, table.concat(lines, '\n'))
   if not ok then error('loadcaffe.C.convertProtoToLua: ' .. tostring(why), 2) end
end

local function tensor(value, what)
   local x = torch.isTensor(value) and value or type(value) == 'cdata' and torch._of_cdata(value)
   if not x then
      error(string.format('loadcaffe.C.loadModule: %s should be the cdata of a tensor, got %s', what, torch.type(value)), 3)
   end
   return x
end

-- The weights of a layer; zeros as its biases where it has none.
function C.loadModule(handle, name, weight, bias)
   local entry = opened('loadModule', handle)
   weight, bias = tensor(weight, 'weight'), tensor(bias, 'bias')
   for _, module in ipairs(entry.net.modules) do
      if module.name == name and module.weight then
         weight:resize(module.weight:size()):copy(module.weight)
         if module.bias then
            bias:resize(module.bias:size()):copy(module.bias)
         else
            bias:resize(module.weight:size(1)):zero()
         end
         return
      end
   end
   error("loadcaffe.C.loadModule: there is no layer '" .. tostring(name) .. "' with weights", 2)
end

return C
