-- Poolings. The run has shown the sizes of the output, so that windows that hang over the end are padding at the end,
-- whatever an operation makes of rounding up.
local layers = require 'rekindle.export.layers'

local function fields(m, names, usual)
   local list = {}
   for i, name in ipairs(names) do list[i] = m[name] or usual end
   return list
end
local function named(prefix, axes)
   local list = {}
   for i, axis in ipairs(axes) do list[i] = prefix .. axis end
   return list
end
local function tuple(list) return '(' .. table.concat(list, ', ') .. ')' end
local spatial, volumetric = { 'H', 'W' }, { 'T', 'H', 'W' }

local function last(list, n) return { unpack(list, #list - n + 1) } end

-- Whether the size of one of the last n dimensions is open.
local function is_open(g, x, n)
   for _, size in ipairs(last(g.dims(x), n)) do if type(size) ~= 'number' then return true end end
   return false
end

-- How far the windows reach over the end of each dimension; where sizes are open, as far as over the start.
local function overhang(g, x, call, n, kernel, stride, pad, dilation)
   if is_open(g, x, n) then return pad end
   local after, output, rank = {}, last(call.y.sizes[1], n), g.rank(x)
   for i = 1, n do
      local reach = (output[i] - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1
      after[i] = math.max(reach - g:size(x, rank - n + i) - pad[i], 0)
   end
   return after
end

-- Before and after, as ONNX lists them.
local function sides(before, after)
   local list = {}
   for _, side in ipairs { before, after } do for _, n in ipairs(side) do list[#list + 1] = n end end
   return list
end

-- The places of maxima are an output of its own, for what unpools.
local function maxima(axes)
   local n = #axes
   local kernels, strides, pads, dilations = named('k', axes), named('d', axes), named('pad', axes), named('dilation', axes)
   return function(g, m, x, call)
      local kernel, stride = fields(m, kernels), fields(m, strides, 1)
      local pad, dilation = fields(m, pads, 0), fields(m, dilations, 1)
      g:torch('nn.MaxPool%dd(%s, %s, %s, %s, ceil_mode=%s)', n, tuple(kernel), tuple(stride), tuple(pad), tuple(dilation),
         m.ceil_mode and 'True' or 'False')
      local after = overhang(g, x, call, n, kernel, stride, pad, dilation)
      local y, places
      y = g:batched(x, n + 2, function(v)
         local pooled
         pooled, places = g:op('MaxPool', { v },
            { kernel_shape = kernel, strides = stride, pads = sides(pad, after), dilations = dilation,
              _pad = pad, _ceil = m.ceil_mode or false, ceil_mode = is_open(g, x, n) and m.ceil_mode and 1 or nil }, nil, g.unpooled[m] and 2 or 1)
         if places then
            local shape = g:op('Shape', { v }, nil, 'int64')
            g.unpooled[m] = { places = g:keep('places', places), shape = g:keep('shape', shape) }
         end
         return pooled
      end)
      return y
   end
end
layers.declare({ 'SpatialMaxPooling', 'SpatialDilatedMaxPooling' }, maxima(spatial))
layers.declare({ 'VolumetricMaxPooling', 'VolumetricDilatedMaxPooling' }, maxima(volumetric))

layers.declare('TemporalMaxPooling', function(g, m, x)
   return g:batched(x, 3, function(v)
      local y = g:op('MaxPool', { g:transpose(v, { 0, 2, 1 }) },
         { kernel_shape = { m.kW }, strides = { m.dW }, pads = { 0, 0 }, dilations = { 1 }, _pad = { 0 }, _ceil = false })
      return g:transpose(y, { 0, 2, 1 })
   end)
end)

-- Zeros with the input's elements where the maxima were.
local function unpooling(n)
   return function(g, m, x)
      local from = g.unpooled[m.pooling]
      if type(from) ~= 'table' then g:cannot('the pooling that it belongs to does not come before it in the network') end
      local shape = from.shape
      local function row(v) return g:op('Reshape', { v, g:ints { -1 } }) end
      local count = g:op('ReduceProd', { shape }, { keepdims = 1 })
      local zeros = g:op('Expand', { g:buffer('zero', torch.zeros(1)), count }, nil, 'float')
      local filled = g:op('ScatterElements', { zeros, row(from.places), row(x) }, { axis = 0 })
      local y = g:op('Reshape', { filled, shape })
      return g.rank(x) == n + 1 and g:squeeze(y, { 0 }) or y
   end
end
layers.declare('SpatialMaxUnpooling', unpooling(2))
layers.declare('VolumetricMaxUnpooling', unpooling(3))

-- Sums of windows over the axes: an average of what is padded with zeros, times the elements of a window.
local function averages(g, x, n, kernel, stride, pad, after)
   local before, behind = { 0, 0 }, { 0, 0 }
   for i = 1, n do before[i + 2], behind[i + 2] = pad[i], after[i] end
   local zeros = {}
   for i = 1, n do zeros[i] = 0 end
   return g:op('AveragePool', { g:pad(x, before, behind, 0) },
      { kernel_shape = kernel, strides = stride, pads = sides(zeros, zeros), count_include_pad = 1 })
end

-- What each window is divided by, over its elements in all: (1 x 1 x output).
local function shares(g, x, output, kernel, stride, pad, counts_padding)
   local rank = g.rank(x)
   local function inside(axis, first, last)
      return math.max(math.min(last, g:size(x, rank - 2 + axis)) - math.max(first, 0), 0)
   end
   local factors, plain = torch.Tensor(1, 1, output[1], output[2]), true
   for r = 1, output[1] do
      for c = 1, output[2] do
         local divisor = 1
         for axis, at in ipairs { r, c } do
            local first = (at - 1) * stride[axis] - pad[axis]
            local stop = math.min(first + kernel[axis], g:size(x, rank - 2 + axis) + pad[axis])
            divisor = divisor * (counts_padding and stop - first or inside(axis, first, stop))
         end
         factors[1][1][r][c] = kernel[1] * kernel[2] / divisor
         plain = plain and divisor == kernel[1] * kernel[2]
      end
   end
   return not plain and factors or nil
end

layers.declare('SpatialAveragePooling', function(g, m, x, call)
   local kernel, stride, pad = { m.kH, m.kW }, { m.dH or 1, m.dW or 1 }, { m.padH or 0, m.padW or 0 }
   local divides = m.divide ~= false
   if divides then
      g:torch('nn.AvgPool2d(%s, %s, %s, ceil_mode=%s, count_include_pad=%s)', tuple(kernel), tuple(stride), tuple(pad),
         m.ceil_mode and 'True' or 'False', m.count_include_pad and 'True' or 'False')
   end
   if is_open(g, x, 2) and divides then
      return g:batched(x, 4, function(v)
         return g:op('AveragePool', { v }, { kernel_shape = kernel, strides = stride, pads = sides(pad, pad),
            count_include_pad = m.count_include_pad and 1 or 0, ceil_mode = m.ceil_mode and 1 or 0 })
      end)
   end
   local after = overhang(g, x, call, 2, kernel, stride, pad, { 1, 1 })
   local factors = divides and shares(g, x, last(call.y.sizes[1], 2), kernel, stride, pad, m.count_include_pad)
   return g:batched(x, 4, function(v)
      local y = averages(g, v, 2, kernel, stride, pad, after)
      if not divides then return g:mul(y, g:number(m.kH * m.kW)) end
      -- with a module of PyTorch's, its state knows no such constant
      if factors and g.scope.torch then return g:mul(y, g:unseen(factors)) end
      return factors and g:mul(y, g:buffer('shares', factors)) or y
   end)
end)

layers.declare('VolumetricAveragePooling', function(g, m, x)
   local kernel, stride = { m.kT, m.kH, m.kW }, { m.dT, m.dH, m.dW }
   g:torch('nn.AvgPool3d(%s, %s)', tuple(kernel), tuple(stride))
   return g:batched(x, 5, function(v) return averages(g, v, 3, kernel, stride, { 0, 0, 0 }, { 0, 0, 0 }) end)
end)

-- Windows that divide the input evenly, along rows, then along columns.
local function adaptive(how, module, bounds)
   return function(g, m, x)
      local rank = g.rank(x)
      local sizes, wanted = { g:size(x, rank - 1), g:size(x, rank) }, { m.H, m.W }
      local pytorch = true
      for i = 1, 2 do
         for k = 0, wanted[i] - 1 do
            local first, stop = bounds(k, wanted[i], sizes[i])
            pytorch = pytorch and first == math.floor(k * sizes[i] / wanted[i]) and
               stop == math.ceil((k + 1) * sizes[i] / wanted[i])
         end
      end
      if pytorch then g:torch('nn.%s((%d, %d))', module, m.H, m.W) end
      local y = x
      for i = 1, 2 do
         local axis, n, parts = rank - 3 + i, wanted[i], {}
         for k = 0, n - 1 do
            local first, stop = bounds(k, n, sizes[i])
            parts[k + 1] = g:reduce(how, n == 1 and y or g:slice(y, axis, first, stop), { axis }, true)
         end
         y = n == 1 and parts[1] or g:op('Concat', parts, { axis = axis })
      end
      return y
   end
end
-- maxima round in single precision, as Torch7 does
local function single(k, output, input)
   local function at(i)
      return (torch.FloatTensor { i } / output * input)[1]
   end
   return math.floor(at(k)), math.ceil(at(k + 1))
end
local function exact(k, output, input)
   return math.floor(k * input / output), math.ceil((k + 1) * input / output)
end
layers.declare('SpatialAdaptiveMaxPooling', adaptive('Max', 'AdaptiveMaxPool2d', single))
layers.declare('SpatialAdaptiveAveragePooling', adaptive('Mean', 'AdaptiveAvgPool2d', exact))

-- Sums of windows, times a weight and plus a bias for each plane.
layers.declare('SpatialSubSampling', function(g, m, x)
   local function plane(field) return g:op('Reshape', { g:parameter(field, m[field]), g:ints { -1, 1, 1 } }) end
   local y = g:batched(x, 4, function(v)
      local y = averages(g, v, 2, { m.kH, m.kW }, { m.dH, m.dW }, { 0, 0 }, { 0, 0 })
      return g:mul(y, g:number(m.kH * m.kW))
   end)
   return g:add(g:mul(y, plane 'weight'), plane 'bias')
end)
layers.declare('TemporalSubSampling', function(g, m, x)
   local y = g:batched(x, 3, function(v)
      local y = averages(g, g:transpose(v, { 0, 2, 1 }), 1, { m.kW }, { m.dW }, { 0 }, { 0 })
      return g:mul(g:transpose(y, { 0, 2, 1 }), g:number(m.kW))
   end)
   return g:add(g:mul(y, g:parameter('weight', m.weight)), g:parameter('bias', m.bias))
end)

layers.refuse({ 'SpatialFractionalMaxPooling', 'VolumetricFractionalMaxPooling' },
   'its windows are drawn at random in evaluation too')
