-- Planes without the mean of each place's neighbourhood, and by its standard deviation.
local layers = require 'rekindle.export.layers'
-- sums over the neighbourhood as convolutions to one plane: a matrix for each plane, or a column and then a row
local weights = require('nn.neighbourhood').weights

local function over(g, v, weight, groups)
   local kh, kw = weight.view:size(3), weight.view:size(4)
   local ph, pw = math.floor(kh / 2), math.floor(kw / 2)
   return g:op('Conv', { v, weight.value },
      { kernel_shape = { kh, kw }, strides = { 1, 1 }, pads = { ph, pw, ph, pw }, dilations = { 1, 1 }, group = groups })
end

-- What a network of nn's estimates for each place: the weighted sum over all planes.
local function estimate(g, m, net, v, planes, name)
   local down, across = weights(net)
   if across then
      local rows = across:view(planes, 1, across:size(2), across:size(3))
      v = over(g, v, { view = rows, value = g:buffer(name .. 'Rows', rows) }, planes)
   end
   return over(g, v, { view = down, value = g:buffer(name, down) }, 1)
end

-- How much of the weights lies inside, for each place: (1 x 1 x H x W).
local function inside(g, net, h, w, planes)
   local ones = torch.typename(net.modules[1]) == 'nn.Square' and net or net
   local down, across = weights(ones)
   local plane = torch.ones(1, planes, h, w):typeAs(down)
   local function sums(weight, groups, from)
      local kh, kw = weight:size(3), weight:size(4)
      local conv
      if groups > 1 then
         conv = nn.SpatialConvolution(planes, planes, kw, kh, 1, 1, math.floor(kw / 2), math.floor(kh / 2)):type(down:type())
         conv.weight:zero()
         for i = 1, planes do conv.weight[i][i]:copy(weight[i][1]) end
      else
         conv = nn.SpatialConvolution(planes, 1, kw, kh, 1, 1, math.floor(kw / 2), math.floor(kh / 2)):type(down:type())
         conv.weight:copy(weight)
      end
      conv.bias:zero()
      return conv:updateOutput(from)
   end
   if across then plane = sums(across:view(planes, 1, across:size(2), across:size(3)), planes, plane):clone() end
   return sums(down, 1, plane)
end

local function subtract(g, m, v, prefix)
   local planes = m.nInputPlane
   local coef = inside(g, m.meanestimator, g:size(v, 3), g:size(v, 4), planes)
   local mean = estimate(g, m, m.meanestimator, v, planes, prefix .. 'kernel')
   return g:sub(v, g:div(mean, g:buffer(prefix .. 'inside', coef)))
end

local function divide(g, m, v, prefix)
   local planes = m.nInputPlane
   local coef = inside(g, m.meanestimator, g:size(v, 3), g:size(v, 4), planes)
   local deviation = g:power(estimate(g, m, m.stdestimator, g:mul(v, v), planes, prefix .. 'kernel'), 0.5)
   deviation = g:div(deviation, g:buffer(prefix .. 'inside', coef))
   local above = g:op('Greater', { deviation, g:number(m.threshold) }, nil, 'bool')
   return g:div(v, g:op('Where', { above, deviation, g:number(m.thresval) }, nil, 'float'))
end

layers.declare('SpatialSubtractiveNormalization', function(g, m, x)
   return g:batched(x, 4, function(v) return subtract(g, m, v, '') end)
end)
layers.declare('SpatialDivisiveNormalization', function(g, m, x)
   return g:batched(x, 4, function(v) return divide(g, m, v, '') end)
end)
layers.declare('SpatialContrastiveNormalization', function(g, m, x)
   local first, second = unpack(m.normalizer.modules)
   return g:batched(x, 4, function(v)
      local y = subtract(g, first, v, 'first_')
      y.sizes = v.sizes
      return divide(g, second, y, 'second_')
   end)
end)
