-- The kernels by Torch7's names, with their usual arguments, for modules that call them themselves:
--
--    input.THNN.Threshold_updateOutput(input:cdata(), output:cdata(), threshold, val, inplace)
--
-- Tensors come as they are or as their cdata; those that may be missing as nil.
local native = require 'rekindle.native'
local classes = native.classes

local THNN = {}
local functions = {}

-- What Torch7's own modules use to call a kernel.
function THNN.optionalTensor(tensor) return tensor and tensor:cdata() or nil end
function THNN.getState() return nil end

------------------------------------------------------------------------------------------------------- arguments

-- 'input output [kT kW kH] dT': lists of names by how many arguments there are; those in brackets may be missing.
local function forms(order)
   local all, some = {}, {}
   local optional = false
   for word in order:gmatch('%S+') do
      optional = optional or word:sub(1, 1) == '['
      local name = word:gsub('[%[%]]', '')
      all[#all + 1] = name
      if not optional then some[#some + 1] = name end
      if word:sub(-1) == ']' then optional = false end
   end
   return { [#some] = some, [#all] = all }, table.concat(all, ', ')
end

-- The tensor behind what `cdata` gave; nil for a null pointer.
local function object(kernel, name, value)
   if value == nil then return nil end
   local tensor = torch._of_cdata(value)
   if not tensor then
      error(string.format('THNN.%s: %s is no tensor, nor the cdata of one that still lives', kernel, name))
   end
   return tensor
end

-- A kernel whose arguments, by these names, are the fields of the table that `run` gets.
local function kernel(name, order, run)
   local byCount, usage
   functions[name] = function(...)
      if not byCount then byCount, usage = forms(order) end
      local n = select('#', ...)
      local names = byCount[n]
      if not names then error(string.format('THNN.%s: %d arguments; it takes (%s)', name, n, usage)) end
      local fields, values = {}, { ... }
      for i = 1, n do
         local value = values[i]
         if type(value) == 'cdata' then value = object(name, names[i], value) end
         fields[names[i]] = value
      end
      run(fields)
   end
end

-- Calls what a class has in Rust, with the fields as the object, and those named as arguments. `prepare` derives fields
-- that the kernel is not given.
local function rust(class, method, prepare, first, second, third)
   local f
   return function(fields)
      f = f or classes['nn.' .. class][method]
      if prepare then prepare(fields) end
      if third then return f(fields, fields[first], fields[second], fields[third]) end
      if second then return f(fields, fields[first], fields[second]) end
      return f(fields, fields[first])
   end
end

-- The kernels of a layer. `spec` has
--
--   class      the class that has them, where its name is another one
--   fields     what all of them end with, before the scale
--   forward, gradient, accumulate   what stands between the tensors that all layers have and those fields
--   methods    the names in Rust of these three, where they are others
--   prepare    called with the fields before
local usual = { 'updateOutput', 'updateGradInput', 'accGradParameters' }
local function layer(name, spec)
   local class, fields, methods = spec.class or name, spec.fields or '', spec.methods or usual
   local function order(...) return table.concat({ ... }, ' ') end
   kernel(name .. '_updateOutput', order('input output', spec.forward or '', fields),
      rust(class, methods[1], spec.prepare, 'input'))
   kernel(name .. '_updateGradInput', order('input gradOutput gradInput', spec.gradient or '', fields),
      rust(class, methods[2], spec.prepare, 'input', 'gradOutput'))
   if spec.accumulate then
      kernel(name .. '_accGradParameters', order('input gradOutput', spec.accumulate, fields, 'scale'),
         rust(class, methods[3], spec.prepare, 'input', 'gradOutput', 'scale'))
   end
end

------------------------------------------------------------------------------------------------------- activations

for name, spec in pairs {
   Abs = {},
   Square = {},
   Sqrt = { forward = 'eps', gradient = 'output' },
   LogSigmoid = { forward = 'buffer', gradient = 'buffer' },
   Sigmoid = { gradient = 'output' },
   Tanh = { gradient = 'output' },
   SoftMax = { gradient = 'output' },
   LogSoftMax = { gradient = 'output' },
   HardShrink = { fields = 'lambda' },
   SoftShrink = { fields = 'lambda' },
   HardTanh = { fields = 'min_val max_val inplace' },
   LeakyReLU = { fields = 'negval inplace' },
   Threshold = { fields = 'threshold val inplace' },
   ELU = { gradient = 'output', fields = 'alpha inplace' },
   SoftPlus = { gradient = 'output', fields = 'beta threshold' },
   GatedLinear = { class = 'GatedLinearUnit', fields = 'dim' },
} do layer(name, spec) end

-- The generator may be a pointer that only Torch7 knows: the default one then.
kernel('RReLU_updateOutput', 'input output noise lower upper train inplace generator', function(fields)
   local generator = torch.isTypeOf(fields.generator, 'torch.Generator') and fields.generator or nil
   classes['nn.RReLU'].updateOutput(fields, fields.input, generator)
end)
kernel('RReLU_updateGradInput', 'input gradOutput gradInput noise lower upper train inplace', function(fields)
   if fields.train and fields.upper - fields.lower > 1e-6 then
      return classes['nn.RReLU'].updateGradInput(fields, fields.input, fields.gradOutput)
   end
   fields.negval = (fields.lower + fields.upper) / 2
   return classes['nn.LeakyReLU'].updateGradInput(fields, fields.input, fields.gradOutput)
end)

layer('PReLU', { forward = 'weight [nOutputPlane]', gradient = 'weight [nOutputPlane]' })
kernel('PReLU_accGradParameters',
   'input gradOutput gradInput weight gradWeight gradWeightBuf gradWeightBuf2 [nOutputPlane] scale',
   rust('PReLU', 'accGradParameters', nil, 'input', 'gradOutput', 'scale'))

layer('Linear', { forward = 'weight bias addBuffer', gradient = 'weight' })
kernel('Linear_accGradParameters', 'input gradOutput gradInput weight bias gradWeight gradBias addBuffer scale',
   rust('Linear', 'accGradParameters', nil, 'input', 'gradOutput', 'scale'))

---------------------------------------------------------------------------------------------------------- criteria

local function criterion(name, fields, gradient)
   local loss = rust(name, 'loss', nil, 'input', 'target')
   kernel(name .. '_updateOutput', 'input target output ' .. fields, function(given)
      local sum, weight = loss(given)
      given.output:resize(1):fill(sum)
      if given.total_weight then given.total_weight:resize(1):fill(weight) end
   end)
   kernel(name .. '_updateGradInput', 'input target gradInput ' .. fields,
      rust(name, gradient or 'updateGradInput', nil, 'input', 'target'))
end

for _, name in ipairs { 'MSECriterion', 'AbsCriterion', 'SmoothL1Criterion', 'SoftMarginCriterion', 'DistKLDivCriterion' } do
   criterion(name, 'sizeAverage')
end
criterion('BCECriterion', 'sizeAverage weights')
criterion('MarginCriterion', 'sizeAverage margin')
criterion('ClassNLLCriterion', 'sizeAverage weights total_weight [ignoreIndex]', 'lossGradient')
criterion('SpatialClassNLLCriterion', 'sizeAverage weights total_weight [ignoreIndex]', 'lossGradient')
criterion('MultiMarginCriterion', 'sizeAverage p weights margin', 'lossGradient')
criterion('MultiLabelMarginCriterion', 'isTarget sizeAverage', 'lossGradient')

kernel('L1Cost_updateOutput', 'input output', function(fields)
   fields.output:resize(1):fill(classes['nn.L1Cost'].loss(fields, fields.input))
end)
kernel('L1Cost_updateGradInput', 'input gradOutput gradInput', rust('L1Cost', 'updateGradInput', nil, 'input'))

------------------------------------------------------------------------------------------------------ convolutions

local planar, volume = 'kW kH dW dH padW padH', 'kT kW kH dT dW dH padT padW padH'

-- The sizes of a window that only the weight knows: its last dimensions, frames before rows before columns.
local function window(fields)
   local weight = fields.weight or fields.gradWeight
   if not weight then return end
   local d = weight:dim()
   fields.kW, fields.kH = fields.kW or weight:size(d), fields.kH or weight:size(d - 1)
   if d > 4 then fields.kT = fields.kT or weight:size(d - 2) end
end
-- Backward needs the output's sizes alone, which are those of its gradient.
local function sizes(fields)
   window(fields)
   for _, name in ipairs { 'weight', 'gradWeight' } do
      local w, inputs = fields[name], fields.kT and fields.kT * fields.kH * fields.kW
      -- a matrix gets the dimensions of a volume
      if w and inputs and w:dim() == 2 then
         fields[name] = w:view(w:size(1), w:size(2) / inputs, fields.kT, fields.kH, fields.kW)
      end
   end
   fields.output = fields.output or fields.gradOutput
end

-- A convolution with these workspaces between the weights and the fields, in each of its kernels.
local function convolution(name, fields, forward, gradient, accumulate, spec)
   spec = spec or {}
   spec.fields, spec.prepare = fields, spec.prepare or sizes
   spec.forward, spec.gradient = 'weight bias ' .. forward, 'weight ' .. gradient
   spec.accumulate = 'gradWeight gradBias ' .. accumulate
   layer(name, spec)
end

local full = { 'convolve', 'gradient', 'accumulate' }
local unfolded, columns = 'finput fgradInput', 'columns ones'
local function transposed(class) return { class = class, methods = full } end

convolution('SpatialConvolutionMM', planar, unfolded, unfolded, unfolded)
convolution('SpatialDepthWiseConvolution', planar, unfolded, unfolded, unfolded)
convolution('SpatialDilatedConvolution', planar .. ' dilationW dilationH', columns, 'columns', columns)
convolution('SpatialFullConvolution', planar .. ' adjW adjH', columns, 'columns', columns,
   transposed 'SpatialFullConvolution')
convolution('SpatialFullDilatedConvolution', planar .. ' dilationW dilationH adjW adjH', columns, 'columns', columns,
   transposed 'SpatialFullConvolution')

local steps = 'dT dW dH padT padW padH'
convolution('VolumetricConvolution', steps, unfolded, 'finput', unfolded)
convolution('VolumetricConvolutionMM', volume, 'finput', unfolded, 'finput', { class = 'VolumetricConvolution' })
convolution('VolumetricDilatedConvolution', volume .. ' dilationT dilationW dilationH', columns, 'columns', columns)
convolution('VolumetricFullConvolution', '[kT kW kH] ' .. steps .. ' adjT adjW adjH', unfolded, unfolded, unfolded,
   transposed 'VolumetricFullConvolution')
convolution('VolumetricFullDilatedConvolution',
   '[kT kW kH] ' .. steps .. ' dilationT dilationW dilationH adjT adjW adjH', unfolded, unfolded, unfolded,
   transposed 'VolumetricFullConvolution')

for _, name in ipairs { 'SpatialConvolutionMap', 'SpatialFullConvolutionMap' } do
   layer(name, {
      forward = 'weight bias', gradient = 'weight bias', accumulate = 'gradWeight gradBias',
      fields = 'connTable nInputPlane nOutputPlane dW dH', prepare = window,
   })
end

-- A weight of three dimensions: positions, planes of the output, what each is made of.
local function eachPlace(fields)
   for _, name in ipairs { 'weight', 'gradWeight' } do
      local w = fields[name]
      if w and w:dim() == 3 then
         fields[name] = w:view(fields.oH, fields.oW, w:size(2), w:size(3) / (fields.kH * fields.kW), fields.kH, fields.kW)
      end
   end
end
convolution('SpatialConvolutionLocal', planar .. ' iW iH oW oH', unfolded, unfolded, unfolded, { prepare = eachPlace })

layer('TemporalConvolution', { forward = 'weight bias', gradient = 'weight', accumulate = 'gradWeight gradBias', fields = 'kW dW' })
kernel('TemporalConvolution_updateOutput', 'input output weight bias kW dW inputFrameSize outputFrameSize',
   rust('TemporalConvolution', 'updateOutput', nil, 'input'))

do
   -- With features first, frames and features change places, and results are written back the other way round.
   local function swapped(x) return x:transpose(x:dim() - 1, x:dim()) end
   local function rows(method, result)
      return function(fields)
         local f, x, g = classes['nn.TemporalRowConvolution'][method], fields.input, fields.gradOutput
         local own = fields.featFirst and result and fields[result]
         if fields.featFirst then x, g = swapped(x), g and swapped(g) end
         if own then fields[result] = own.new() end
         if fields.scale then f(fields, x, g, fields.scale) elseif g then f(fields, x, g) else f(fields, x) end
         if own then own:resizeAs(swapped(fields[result])):copy(swapped(fields[result])) end
      end
   end
   local name, ends = 'TemporalRowConvolution', ' finput fgradInput kW dW padW featFirst'
   kernel(name .. '_updateOutput', 'input output weight bias' .. ends, rows('convolve', 'output'))
   kernel(name .. '_updateGradInput', 'input gradOutput gradInput weight' .. ends, rows('gradient', 'gradInput'))
   kernel(name .. '_accGradParameters', 'input gradOutput gradWeight gradBias' .. ends .. ' scale', rows('accumulate'))
end

---------------------------------------------------------------------------------------------------------- poolings

local function maxima(name, fields)
   layer(name, { forward = 'indices', gradient = 'indices', fields = fields, methods = { 'pool', 'updateGradInput' } })
end
maxima('SpatialMaxPooling', planar .. ' ceil_mode')
maxima('SpatialDilatedMaxPooling', planar .. ' dilationW dilationH ceil_mode')
maxima('VolumetricMaxPooling', '[kT kW kH] ' .. steps .. ' ceil_mode')
maxima('VolumetricDilatedMaxPooling', '[kT kW kH] ' .. steps .. ' dilationT dilationW dilationH ceil_mode')
maxima('TemporalMaxPooling', 'kW dW')

-- An average counts what it adds up.
local function divide(fields) fields.divide = true end
layer('SpatialAveragePooling', { fields = planar .. ' ceil_mode count_include_pad', prepare = divide })
layer('VolumetricAveragePooling', { fields = 'kT kW kH dT dW dH [padT padW padH ceil_mode count_include_pad]' })

-- The sizes that backward is not given.
local function adapted(fields)
   local g = fields.gradOutput
   if g then fields.W, fields.H = g:size(g:dim()), g:size(g:dim() - 1) end
end
for name, spec in pairs {
   SpatialAdaptiveMaxPooling = { 'indices', 'pool' },
   SpatialAdaptiveAveragePooling = { '', 'updateOutput' },
} do
   kernel(name .. '_updateOutput', 'input output ' .. spec[1] .. ' W H', rust(name, spec[2], nil, 'input'))
   kernel(name .. '_updateGradInput', 'input gradOutput gradInput ' .. spec[1],
      rust(name, 'updateGradInput', adapted, 'input', 'gradOutput'))
end

for name, axes in pairs { SpatialFractionalMaxPooling = { 'W', 'H' }, VolumetricFractionalMaxPooling = { 'T', 'W', 'H' } } do
   local outs, pools = 'out' .. table.concat(axes, ' out'), 'poolSize' .. table.concat(axes, ' poolSize')
   local function run(method, backward)
      return function(fields)
         local values = { fields.input, backward and fields.gradOutput or nil }
         for _, axis in ipairs(axes) do values[#values + 1] = fields['out' .. axis] end
         return classes['nn.' .. name][method](fields, unpack(values))
      end
   end
   local order = table.concat({ outs, pools, 'indices' }, ' ')
   kernel(name .. '_updateOutput', 'input output ' .. order .. ' randomSamples', run('pool'))
   kernel(name .. '_updateGradInput', 'input gradOutput gradInput ' .. order, run('gradient', true))
end

for name, fields in pairs {
   SpatialMaxUnpooling = 'indices owidth oheight',
   VolumetricMaxUnpooling = 'indices otime owidth oheight ' .. steps,
} do layer(name, { fields = fields, methods = { 'unpool', 'gradient' } }) end

for name, spec in pairs {
   SpatialSubSampling = { 'nInputPlane', 'kW kH dW dH' },
   TemporalSubSampling = { 'inputFrameSize', 'kW dW', ' inputFrameSize' },
} do
   local function count(fields)
      fields[spec[1]] = fields[spec[1]] or (fields.weight or fields.gradWeight):nElement()
   end
   layer(name, {
      forward = 'weight bias', gradient = 'weight', accumulate = 'gradWeight gradBias', fields = spec[2], prepare = count,
   })
   if spec[3] then
      kernel(name .. '_updateOutput', 'input output weight bias ' .. spec[2] .. spec[3], rust(name, 'updateOutput', nil, 'input'))
   end
end

------------------------------------------------------------------------------------------- padding and upsampling

for _, name in ipairs { 'SpatialReflectionPadding', 'SpatialReplicationPadding' } do
   layer(name, { fields = 'pad_l pad_r pad_t pad_b' })
end
layer('VolumetricReplicationPadding', { fields = 'pleft pright ptop pbottom pfront pback' })

for name, dims in pairs { SpatialUpSamplingNearest = 2, VolumetricUpSamplingNearest = 3 } do
   kernel(name .. '_updateOutput', 'input output scale_factor', function(fields)
      classes['nn.UpSampling'].repeated(fields, fields.input, dims, fields.scale_factor)
   end)
   kernel(name .. '_updateGradInput', 'input gradOutput gradInput scale_factor', function(fields)
      classes['nn.UpSampling'].repeatedGradient(fields, fields.input, fields.gradOutput, dims, fields.scale_factor)
   end)
end

-- The sizes of input and output; the gradient is not given the input, but its sizes.
for name, spec in pairs {
   SpatialUpSamplingBilinear = { 'bilinear', { 'H', 'W' } },
   VolumetricUpSamplingTrilinear = { 'trilinear', { 'T', 'H', 'W' } },
} do
   local method, axes = unpack(spec)
   local outs, ins = 'out' .. table.concat(axes, ' out'), 'in' .. table.concat(axes, ' in')
   local function list(fields, prefix, ...)
      local values = { ... }
      for _, axis in ipairs(axes) do values[#values + 1] = fields[prefix .. axis] end
      return unpack(values)
   end
   kernel(name .. '_updateOutput', 'input output ' .. outs, function(fields)
      classes['nn.UpSampling'][method](fields, list(fields, 'out', fields.input))
   end)
   kernel(name .. '_updateGradInput', 'gradOutput gradInput batch planes ' .. ins .. ' ' .. outs, function(fields)
      local g = fields.gradOutput
      local input = fields.gradInput:resize(torch.LongStorage { list(fields, 'in', fields.batch, fields.planes) })
      if g:dim() < input:dim() then input:resize(torch.LongStorage { list(fields, 'in', fields.planes) }) end
      classes['nn.UpSampling'][method .. 'Gradient'](fields, list(fields, 'out', input, g))
   end)
end

------------------------------------------------------------------------------------------------------------- others

do
   local statistics = 'running_mean running_var save_mean save_std train'
   local function dims(fields) fields.nDim = fields.input:dim() end
   kernel('BatchNormalization_updateOutput', 'input output weight bias ' .. statistics .. ' momentum eps',
      rust('BatchNormalization', 'updateOutput', dims, 'input'))
   local gradient = rust('BatchNormalization', 'updateGradInput', dims, 'input', 'gradOutput')
   local accumulate = rust('BatchNormalization', 'accGradParameters', nil, 'input', 'gradOutput', 'scale')
   kernel('BatchNormalization_backward',
      'input gradOutput gradInput gradWeight gradBias weight ' .. statistics .. ' scale eps', function(fields)
      if fields.gradInput then gradient(fields) else dims(fields) end
      if fields.gradWeight or fields.gradBias then accumulate(fields) end
   end)
end

kernel('LookupTable_accGradParameters',
   'input gradOutput gradWeight count sorted indices shouldScaleGradByFreq paddingValue scale', function(fields)
   classes['nn.LookupTable'].accRows(fields, fields.gradOutput, fields.input, fields.scale)
end)
kernel('LookupTable_renorm', 'indices weight maxNorm normType',
   rust('LookupTable', 'shorten', nil, 'weight', 'indices'))

require('nn.kernels')(kernel)

THNN.kernels = {}
for i, name in ipairs(torch.tensor_types) do
   if native.elements[i].family == 'floating' then
      THNN.kernels[name], torch.getmetatable(name).THNN = functions, functions
   end
end

return THNN
