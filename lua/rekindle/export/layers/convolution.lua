-- Convolutions.
local layers = require 'rekindle.export.layers'

local spatial, volumetric = { 'H', 'W' }, { 'T', 'H', 'W' }

-- The fields of these axes as a list.
local function fields(m, axes, prefix, usual)
   local list = {}
   for i, axis in ipairs(axes) do list[i] = m[prefix .. axis] or usual end
   return list
end
local function tuple(list) return '(' .. table.concat(list, ', ') .. ')' end
local function any(list, usual)
   for _, n in ipairs(list) do if n ~= usual then return true end end
   return false
end
local function twice(list)
   local both = {}
   for _, side in ipairs { list, list } do for _, n in ipairs(side) do both[#both + 1] = n end end
   return both
end

-- What PyTorch's module takes besides planes and kernel, where it is not the usual.
local function options(pairs_)
   local text = ''
   for _, pair in ipairs(pairs_) do
      local name, list, usual = unpack(pair)
      if list and any(list, usual) then text = text .. string.format(', %s=%s', name, tuple(list)) end
   end
   return text
end

-- A convolution over these axes, of a weight in their dimensions.
local function convolve(axes)
   local n = #axes
   return function(g, m, x)
      local stride, pad = fields(m, axes, 'd', 1), fields(m, axes, 'pad', 0)
      local dilation, kernel = fields(m, axes, 'dilation', 1), fields(m, axes, 'k')
      local grouped = m.grouped or { count = m.groups or 1, weight = m.weight }
      local groups = grouped.count
      local weight = grouped.weight:view(m.nOutputPlane, m.nInputPlane / groups, unpack(kernel))
      g:torch('nn.Conv%dd(%d, %d, %s%s%s%s)', n, m.nInputPlane, m.nOutputPlane, tuple(kernel),
         options { { 'stride', stride, 1 }, { 'padding', pad, 0 }, { 'dilation', dilation, 1 } },
         groups > 1 and ', groups=' .. groups or '', m.bias and '' or ', bias=False')
      local w, b = g:parameter('weight', weight), m.bias and g:parameter('bias', m.bias)
      return g:batched(x, n + 2, function(v)
         return g:op('Conv', { v, w, b },
            { kernel_shape = kernel, strides = stride, pads = twice(pad), dilations = dilation, group = groups })
      end)
   end
end
layers.declare({ 'SpatialConvolution', 'SpatialConvolutionMM', 'SpatialDilatedConvolution' }, convolve(spatial))
layers.declare({ 'VolumetricConvolution', 'VolumetricDilatedConvolution' }, convolve(volumetric))

-- Transposed convolutions; a second input gives the sizes of the output, which the run has shown.
local function transposed(axes)
   local n = #axes
   return function(g, m, x, call)
      local stride, pad, kernel = fields(m, axes, 'd', 1), fields(m, axes, 'pad', 0), fields(m, axes, 'k')
      local adjust, own = fields(m, axes, 'adj', 0), x.name ~= nil
      local first = own and x or x[1]
      if not own then
         local rank = g.rank(first)
         for i = 1, n do
            local from, to = g:size(first, rank - n + i), call.y.sizes[1][rank - n + i]
            adjust[i] = to - ((from - 1) * stride[i] - 2 * pad[i] + kernel[i])
         end
      else
         g:torch('nn.ConvTranspose%dd(%d, %d, %s%s%s)', n, m.nInputPlane, m.nOutputPlane, tuple(kernel),
            options { { 'stride', stride, 1 }, { 'padding', pad, 0 }, { 'output_padding', adjust, 0 } },
            m.bias and '' or ', bias=False')
      end
      local w, b = g:parameter('weight', m.weight), m.bias and g:parameter('bias', m.bias)
      return g:batched(first, n + 2, function(v)
         return g:op('ConvTranspose', { v, w, b },
            { kernel_shape = kernel, strides = stride, pads = twice(pad), output_padding = adjust })
      end)
   end
end
layers.declare('SpatialFullConvolution', transposed(spatial))
layers.declare('VolumetricFullConvolution', transposed(volumetric))

-- Each input plane has output planes of its own: as many groups as input planes. The weight has the output planes of a
-- group first.
layers.declare('SpatialDepthWiseConvolution', function(g, m, x)
   local out, from = m.nOutputPlane, m.nInputPlane
   local stride, pad, kernel = fields(m, spatial, 'd', 1), fields(m, spatial, 'pad', 0), fields(m, spatial, 'k')
   local w = g:transpose(g:parameter('weight', m.weight:view(out, from, kernel[1], kernel[2])), { 1, 0, 2, 3 })
   w = g:op('Reshape', { w, g:ints { out * from, 1, kernel[1], kernel[2] } })
   local b = m.bias and g:op('Reshape', { g:transpose(g:parameter('bias', m.bias), { 1, 0 }), g:ints { -1 } })
   return g:batched(x, 4, function(v)
      return g:op('Conv', { v, w, b }, { kernel_shape = kernel, strides = stride, pads = twice(pad),
         dilations = { 1, 1 }, group = from })
   end)
end)

-- A convolution with a table of connections: of all planes, with zeros where there is none.
local function connected(op)
   return function(g, m, x)
      local full = op == 'ConvTranspose'
      local t = m.connTable
      local sizes = full and { m.nInputPlane, m.nOutputPlane } or { m.nOutputPlane, m.nInputPlane }
      local places = torch.LongTensor(t:size(1), 2)
      places:select(2, 1):copy(t:select(2, full and 1 or 2)):add(-1)
      places:select(2, 2):copy(t:select(2, full and 2 or 1)):add(-1)
      local zeros = g:buffer('zeros', torch.zeros(sizes[1], sizes[2], m.kH, m.kW))
      local w = g:op('ScatterND', { zeros, g:buffer('places', places), g:parameter('weight', m.weight) })
      local kernel, stride = { m.kH, m.kW }, { m.dH, m.dW }
      local more = full and { output_padding = { 0, 0 } } or { dilations = { 1, 1 }, group = 1 }
      more.kernel_shape, more.strides, more.pads = kernel, stride, { 0, 0, 0, 0 }
      local planes = sizes[full and 1 or 2]
      return g:batched(x, 4, function(v)
         -- planes that the table does not name are left out
         if g:size(v, 2) > planes then v = g:sized(g:slice(v, 1, 0, planes), v, 2, planes) end
         return g:op(op, { v, w, g:parameter('bias', m.bias) }, more)
      end)
   end
end
layers.declare('SpatialConvolutionMap', connected 'Conv')
layers.declare('SpatialFullConvolutionMap', connected 'ConvTranspose')

-- A kernel of its own for each place of the output: windows as columns, then a product at each place.
layers.declare('SpatialConvolutionLocal', function(g, m, x)
   local kh, kw, oh, ow = m.kH, m.kW, m.oH, m.oW
   local from, out, places = m.nInputPlane, m.nOutputPlane, m.oH * m.oW
   local weight = m.weight:view(places, out, from * kh * kw)
   local w, b = g:parameter('weight', weight), g:parameter('bias', m.bias)
   return g:batched(x, 4, function(v)
      local padded = g:pad(v, { 0, 0, m.padH, m.padW }, { 0, 0, m.padH, m.padW }, 0)
      -- the places of each window's elements in a padded plane: (places, kh * kw)
      local width = m.iW + 2 * m.padW
      local rows = torch.LongTensor(oh, ow, kh, kw)
      for r = 1, oh do
         for c = 1, ow do
            for i = 1, kh do
               for j = 1, kw do rows[r][c][i][j] = ((r - 1) * m.dH + i - 1) * width + (c - 1) * m.dW + j - 1 end
            end
         end
      end
      local planes = g:op('Reshape', { padded, g:ints { -1, from, (m.iH + 2 * m.padH) * width } })
      local windows = g:op('Gather', { planes, g:buffer('windows', rows:view(places, kh * kw)) }, { axis = 2 })
      -- (batch, from, places, window) to (places, from * window, batch)
      local columns = g:op('Reshape', { g:transpose(windows, { 2, 1, 3, 0 }), g:ints { places, from * kh * kw, -1 } })
      local y = g:transpose(g:op('MatMul', { w, columns }), { 2, 1, 0 })
      return g:add(g:op('Reshape', { y, g:ints { -1, out, oh, ow } }), g:unsqueeze(b, { 0 }))
   end)
end)

-- Frames come before features here; the kernel of a feature lies frame by frame.
layers.declare('TemporalConvolution', function(g, m, x)
   local from, out, k = m.inputFrameSize, m.outputFrameSize, m.kW
   local weight = m.weight:view(out, k, from):transpose(2, 3)
   local w, b = g:parameter('weight', weight), m.bias and g:parameter('bias', m.bias)
   local pad = m.padH or 0
   return g:batched(x, 3, function(v)
      local y = g:op('Conv', { g:transpose(v, { 0, 2, 1 }), w, b },
         { kernel_shape = { k }, strides = { m.dW }, pads = { pad, pad }, dilations = { 1 }, group = 1 })
      return g:transpose(y, { 0, 2, 1 })
   end)
end)

layers.declare('TemporalRowConvolution', function(g, m, x)
   local w, b = g:parameter('weight', m.weight), m.bias and g:parameter('bias', m.bias)
   return g:batched(x, 3, function(v)
      if not m.featFirst then v = g:transpose(v, { 0, 2, 1 }) end
      local y = g:op('Conv', { v, w, b },
         { kernel_shape = { m.kW }, strides = { m.dW }, pads = { 0, 0 }, dilations = { 1 }, group = m.inputFrameSize })
      return m.featFirst and y or g:transpose(y, { 0, 2, 1 })
   end)
end)
