-- inn.utils: networks without their batch normalizations, for evaluation.
local utils = inn.utils

-- what dropout does in evaluation takes its place
function utils.testModel(net) return net:evaluate() end

-- which normalization can become part of which layer, by their names in nn and cudnn
local FITS = { SpatialBatchNormalization = 'SpatialConvolution', BatchNormalization = 'Linear',
               VolumetricBatchNormalization = 'VolumetricConvolution' }

local function kind_of(module) return tostring(torch.typename(module)):match '^c?u?d?nn%.(.*)$' or '' end

-- 1 / (the deviation) of each plane
local function inverse_deviation(norm)
   return norm.running_var and (norm.running_var + norm.eps):pow(-0.5) or norm.running_std:clone()
end

-- Makes a normalization part of the layer before it.
local function fold(layer, norm)
   local factor = inverse_deviation(norm)
   local planes = layer.weight:size(1)
   if not layer.bias then
      layer.bias = norm.running_mean:clone():zero()
      layer.gradBias = layer.bias:clone()
   end
   local shift = layer.bias:clone():add(-1, norm.running_mean):cmul(factor)
   if norm.weight then
      factor:cmul(norm.weight)
      shift:cmul(norm.weight):add(norm.bias)
   end
   local rows = layer.weight:view(planes, -1)
   rows:cmul(factor:view(planes, 1):expandAs(rows))
   layer.bias:copy(shift)
end

local function fold_within(net)
   local chain = torch.isTypeOf(net, 'nn.Sequential')
   local i = 1
   while i <= #net.modules do
      local module, before = net.modules[i], chain and net.modules[i - 1]
      local wanted = before and FITS[kind_of(module)]
      if module.modules then
         fold_within(module)
      elseif wanted and kind_of(before):find(wanted, 1, true) == 1 and before.weight then
         fold(before, module)
         net:remove(i)
         i = i - 1
      end
      i = i + 1
   end
end

-- Makes batch normalizations part of the layers before them, in place; tells of those that have none.
function utils.foldBatchNorm(net)
   fold_within(net)
   for kind in pairs(FITS) do
      for _, package in ipairs { 'nn.', 'cudnn.' } do
         local left = net:findModules(package .. kind)
         if #left > 0 then print('inn.utils.foldBatchNorm: there is no layer to fold these into:', left) end
      end
   end
end

-- Puts constants (inn.ConstAffine) in place of batch normalizations, in place; the network is given back.
function utils.BNtoFixed(net, inplace)
   return net:replace(function(module)
      if not kind_of(module):find 'BatchNormalization' then return module end
      local fixed = inn.ConstAffine(module.running_mean:nElement(), inplace):type(module.running_mean:type())
      fixed.a:copy(inverse_deviation(module))
      fixed.b:copy(module.running_mean):cmul(fixed.a):mul(-1)
      if module.weight then
         fixed.a:cmul(module.weight)
         fixed.b:cmul(module.weight):add(module.bias)
      end
      return fixed
   end)
end

-- How far the outputs for an input lie apart before and after f(net, ...).
function utils.testSurgery(input, f, net, ...)
   local before = net:forward(input):clone()
   f(net, ...)
   return (before - net:forward(input)):abs():max()
end

require 'rekindle.takes'(utils, 'inn.utils.', { testModel = 'net:module', foldBatchNorm = 'net:container',
   BNtoFixed = 'net:module', testSurgery = 'input:tensor f:function net:module' })
