-- Package loadcaffe: networks of Caffe as networks of nn. load(prototxt, caffemodel, [backend]) gives an nn.Sequential,
-- whose modules have the layers' names; layers of both kinds (`layers` and `layer`) are known.
require 'nn'
local natives = require('rekindle.native').functions.models
local models = require 'rekindle.models'
local reason = require 'rekindle.reason'
-- a global, as programs expect; C is made when it is read
loadcaffe = setmetatable({}, {
   __index = function(package, key)
      if key ~= 'C' then return nil end
      package.C = require 'loadcaffe.c'
      return package.C
   end,
})

local function fail(text, ...) error('loadcaffe.load: ' .. text:format(...), 0) end

-- 'INNER_PRODUCT' and 'InnerProduct' are one type
local function type_of(layer)
   local name = layer.type and layer.type[1] or ''
   return (tostring(name):lower():gsub('_', ''))
end

local function first(message, name, default)
   local list = message and message[name]
   if list == nil or list[1] == nil then return default end
   return list[1]
end

-- a size of a window: `kernel_size`, or `kernel_h` and `kernel_w`
local function pair(message, name, default)
   local both = message[name == 'kernel' and 'kernel_size' or name] or {}
   local h = first(message, name .. '_h', both[1] or default)
   return h, first(message, name .. '_w', both[2] or both[1] or default)
end

---------------------------------------------------------------------------------------------------- layers

-- name -> function(state, layer): a module, or nothing for a layer that has no part in evaluation
local makers = {}

local function weights_of(state, layer)
   local name = first(layer, 'name', '?')
   local weight = state.weights[name .. '.weight']
   if not weight then fail("<%s> has no weights for layer '%s'", state.binary, name) end
   return weight, state.weights[name .. '.bias']
end

local function fill(module, weight, bias)
   if module.weight:nElement() ~= weight:nElement() then
      fail('%s: the weights have %d elements, %d are wanted', torch.typename(module), weight:nElement(),
         module.weight:nElement())
   end
   module.weight:copy(weight)
   if not bias then
      if module.noBias then module:noBias() elseif module.bias then module.bias:zero() end
   else
      module.bias:copy(bias)
   end
   return module
end

local function convolution(state, p, from, to, weight, bias)
   local kh, kw = pair(p, 'kernel')
   local dh, dw = pair(p, 'stride', 1)
   local ph, pw = pair(p, 'pad', 0)
   local dilation = first(p, 'dilation', 1)
   local module
   if dilation ~= 1 then
      module = nn.SpatialDilatedConvolution(from, to, kw, kh, dw, dh, pw, ph, dilation, dilation)
   elseif state.backend == 'cudnn' then
      module = cudnn.SpatialConvolution(from, to, kw, kh, dw, dh, pw, ph)
   else
      module = nn.SpatialConvolution(from, to, kw, kh, dw, dh, pw, ph)
   end
   return fill(module, weight, bias)
end

function makers.convolution(state, layer)
   local p = first(layer, 'convolution_param') or fail("layer '%s' has no convolution_param", first(layer, 'name'))
   local weight, bias = weights_of(state, layer)
   local groups, to = first(p, 'group', 1), first(p, 'num_output')
   local kh, kw = pair(p, 'kernel')
   local from = weight:nElement() / (to * kh * kw)
   state.planes = to
   if groups == 1 then return convolution(state, p, from, to, weight, bias) end
   weight = weight:view(to, -1)
   if state.backend == 'cudnn' then
      local dh, dw = pair(p, 'stride', 1)
      local ph, pw = pair(p, 'pad', 0)
      return fill(cudnn.SpatialConvolution(from * groups, to, kw, kh, dw, dh, pw, ph, groups), weight, bias)
   end
   -- each group sees its part of the planes
   local all, part = nn.Concat(2), to / groups
   for g = 1, groups do
      local rows = { 1 + (g - 1) * part, part }
      all:add(nn.Sequential():add(nn.Narrow(2, 1 + (g - 1) * from, from)):add(convolution(state, p, from, part,
         weight:narrow(1, rows[1], rows[2]):contiguous(), bias and bias:view(-1):narrow(1, rows[1], rows[2]))))
   end
   return all
end

function makers.deconvolution(state, layer)
   local p = first(layer, 'convolution_param')
   local weight, bias = weights_of(state, layer)
   local to = first(p, 'num_output')
   local kh, kw = pair(p, 'kernel')
   local dh, dw = pair(p, 'stride', 1)
   local ph, pw = pair(p, 'pad', 0)
   if first(p, 'group', 1) ~= 1 then
      fail("layer '%s' is a deconvolution in groups, which nn does not have", first(layer, 'name'))
   end
   state.planes = to
   return fill(nn.SpatialFullConvolution(weight:nElement() / (to * kh * kw), to, kw, kh, dw, dh, pw, ph), weight, bias)
end

function makers.innerproduct(state, layer)
   local weight, bias = weights_of(state, layer)
   local to = first(first(layer, 'inner_product_param'), 'num_output')
   local module = fill(nn.Linear(weight:nElement() / to, to), weight, bias)
   if state.flat then return module end
   state.flat = true
   state:add(nn.View(-1):setNumInputDims(3), 'torch_view')
   return module
end

function makers.pooling(state, layer)
   local p = first(layer, 'pooling_param', {})
   local kind = first(p, 'pool', 'MAX')
   local average = kind == 'AVE' or kind == 1
   if kind ~= 'MAX' and kind ~= 0 and not average then
      fail("layer '%s' pools by %s, which nn does not have", first(layer, 'name'), tostring(kind))
   end
   if first(p, 'global_pooling') then
      local reduce = average and nn.Mean or nn.Max
      return nn.Sequential():add(reduce(4)):add(reduce(3)):add(nn.View(-1, 1, 1):setNumInputDims(1))
   end
   local kh, kw = pair(p, 'kernel')
   local dh, dw = pair(p, 'stride', 1)
   local ph, pw = pair(p, 'pad', 0)
   local package = state.backend == 'cudnn' and cudnn or nn
   return package[average and 'SpatialAveragePooling' or 'SpatialMaxPooling'](kw, kh, dw, dh, pw, ph):ceil()
end

function makers.relu(state, layer)
   local slope = first(first(layer, 'relu_param'), 'negative_slope', 0)
   if slope ~= 0 then return nn.LeakyReLU(slope, true) end
   return state.backend == 'cudnn' and cudnn.ReLU(true) or nn.ReLU(true)
end
function makers.prelu(state, layer)
   local weight = weights_of(state, layer)
   return fill(nn.PReLU(weight:nElement() > 1 and weight:nElement() or 0), weight, false)
end
function makers.lrn(_, layer)
   local p = first(layer, 'lrn_param', {})
   local region = first(p, 'norm_region', 'ACROSS_CHANNELS')
   if region ~= 'ACROSS_CHANNELS' and region ~= 0 then
      fail("layer '%s' normalizes within channels, which nn does not have", first(layer, 'name'))
   end
   return nn.SpatialCrossMapLRN(first(p, 'local_size', 5), first(p, 'alpha', 1), first(p, 'beta', 0.75), first(p, 'k', 1))
end
function makers.dropout(_, layer) return nn.Dropout(first(first(layer, 'dropout_param'), 'dropout_ratio', 0.5)) end
function makers.softmax() return nn.SoftMax() end
makers.softmaxwithloss, makers.softmaxloss = makers.softmax, makers.softmax
function makers.sigmoid() return nn.Sigmoid() end
makers.sigmoidcrossentropyloss = makers.sigmoid
function makers.tanh() return nn.Tanh() end
function makers.absval() return nn.Abs() end
function makers.bnll() return nn.SoftPlus() end
function makers.elu(_, layer) return nn.ELU(first(first(layer, 'elu_param'), 'alpha', 1), true) end
function makers.power(_, layer)
   local p = first(layer, 'power_param', {})
   local scale, shift, power = first(p, 'scale', 1), first(p, 'shift', 0), first(p, 'power', 1)
   local all = nn.Sequential():add(nn.MulConstant(scale)):add(nn.AddConstant(shift))
   return power == 1 and all or all:add(nn.Power(power))
end
function makers.flatten(state)
   if state.flat then return nn.Identity() end
   state.flat = true
   return nn.View(-1):setNumInputDims(3)
end

function makers.batchnorm(state, layer)
   local mean, variance = weights_of(state, layer)
   local factor = state.weights[first(layer, 'name') .. '.blob3']
   local scale = factor and factor:view(-1)[1] or 1
   scale = scale == 0 and 0 or 1 / scale
   local eps = first(first(layer, 'batch_norm_param'), 'eps', 1e-5)
   local module = nn.SpatialBatchNormalization(mean:nElement(), eps, nil, true)
   module.running_mean:copy(mean):mul(scale)
   module.running_var:copy(variance):mul(scale)
   module.weight:fill(1)
   module.bias:zero()
   module:evaluate()
   return module
end

function makers.scale(state, layer)
   local weight, bias = weights_of(state, layer)
   local before = state.net:size() > 0 and state.net:get(state.net:size())
   if before and torch.typename(before) == 'nn.SpatialBatchNormalization' then
      -- the two are one module here
      before.weight:copy(weight)
      if bias then before.bias:copy(bias) end
      return nil
   end
   local n = weight:nElement()
   local all = nn.Sequential():add(fill(nn.CMul(1, n, 1, 1), weight, false))
   if bias then
      local add = nn.CAdd(1, n, 1, 1)
      add.bias:copy(bias)
      all:add(add)
   end
   return all
end

-- what gives data, or matters in training alone
local SILENT = {}
for _, name in ipairs { 'data', 'imagedata', 'hdf5data', 'memorydata', 'windowdata', 'dummydata', 'input', 'accuracy',
   'silence', 'split', 'hdf5output', 'euclideanloss', 'hingeloss', 'infogainloss', 'contrastiveloss' } do SILENT[name] = true end

---------------------------------------------------------------------------------------------------- networks

-- whether a layer takes part in evaluation
local function counts(layer)
   for _, rule in ipairs(layer.include or {}) do if first(rule, 'phase') == 'TRAIN' then return false end end
   for _, rule in ipairs(layer.exclude or {}) do if first(rule, 'phase') == 'TEST' then return false end end
   return not SILENT[type_of(layer)]
end

-- fails for a network that is no chain of layers
local function check_chain(layers)
   local last
   local CHAINS = 'only chains of layers can be loaded'
   for _, layer in ipairs(layers) do
      local name, bottoms = first(layer, 'name', '?'), layer.bottom or {}
      local kind = type_of(layer)
      local labels = kind:find 'loss$' and 2 or 1
      if #bottoms > labels then fail("layer '%s' (%s) has %d inputs: %s", name, kind, #bottoms, CHAINS) end
      if last and bottoms[1] ~= last then
         fail("layer '%s' (%s) goes on from '%s', not from the layer before it: %s", name, kind, tostring(bottoms[1]), CHAINS)
      end
      if #(layer.top or {}) > 1 then fail("layer '%s' (%s) has %d outputs: %s", name, kind, #layer.top, CHAINS) end
      last = first(layer, 'top', last)
   end
end

-- Loads a network and its weights. backend: 'nn' (the default), or 'cudnn' with `th --cuda cpu`.
function loadcaffe.load(prototxt, binary, backend)
   backend = backend or 'nn'
   if type(prototxt) ~= 'string' or type(binary) ~= 'string' then
      error('loadcaffe.load: expected the names of a prototxt and a caffemodel', 2)
   end
   if backend == 'nn-cpu' then backend = 'nn' end
   if backend ~= 'nn' and backend ~= 'cudnn' then
      error("loadcaffe.load: expected the backend 'nn' or 'cudnn', got " .. tostring(backend), 2)
   end
   if backend == 'cudnn' then require 'cudnn' end
   local file, why = io.open(prototxt)
   if not file then error('loadcaffe.load: ' .. tostring(why), 2) end
   local text, unread = file:read '*a'
   file:close()
   if not text then error('loadcaffe.load: <' .. prototxt .. '>: ' .. tostring(unread), 2) end
   local ok, definition = pcall(natives.prototxt, text)
   if not ok then error('loadcaffe.load: <' .. prototxt .. '>: ' .. reason(definition), 2) end
   local layers = {}
   for _, layer in ipairs(definition.layer or definition.layers or {}) do
      if counts(layer) then layers[#layers + 1] = layer end
   end
   if #layers == 0 then error('loadcaffe.load: <' .. prototxt .. '> has no layers', 2) end
   local read, weights = pcall(models.load, binary)
   if not read then error('loadcaffe.load: ' .. reason(weights), 2) end
   local net = nn.Sequential()
   local state = { net = net, backend = backend, binary = binary, weights = weights }
   function state:add(module, name)
      module.name = name
      self.net:add(module)
   end
   local done, message = pcall(function()
      check_chain(layers)
      for _, layer in ipairs(layers) do
         local kind = type_of(layer)
         local maker = makers[kind]
         if not maker then
            fail("layer '%s' is a %s, which is not known", first(layer, 'name', '?'), tostring(first(layer, 'type')))
         end
         local module = maker(state, layer)
         if module then state:add(module, first(layer, 'name', '?')) end
      end
   end)
   if not done then error(message, 2) end
   return net:float()
end

return loadcaffe
