-- Kernels of Torch7 that no class of Rust's has alone, from tensor operations: fused recurrent cells, sparse layers,
-- sampling by a grid, and convolutions unfolded into matrices. `kernel` declares one (nn.THNN).
local classes = require('rekindle.native').classes

------------------------------------------------------------------------------------------------- recurrent cells

-- Part k of n equal ones of a matrix's columns.
local function part(x, k, n)
   local width = x:size(2) / n
   return x:narrow(2, (k - 1) * width + 1, width)
end

-- Adds a bias, where there is one, to every row.
local function biased(x, bias)
   return bias and x + bias:view(1, -1):expandAs(x) or x:clone()
end

-- g s (1 - s): backward of the logistic function with the value s.
local function throughSigmoid(g, s) return torch.cmul(g, s):addcmul(-1, torch.cmul(g, s), s) end
-- g (1 - t^2): backward of tanh with the value t.
local function throughTanh(g, t) return g:clone():addcmul(-1, torch.cmul(g, t), t) end

-- Gated recurrent units (Cho et al. 2014), after the products with the weights. `storage` keeps the gates, the new
-- state, the old one and what the reset gate multiplies.
local function gru(kernel)
   kernel('GRUFused_updateOutput', 'input hidden bias1 bias2 hx output storage', function(a)
      local x, h = biased(a.input, a.bias1), biased(a.hidden, a.bias2)
      local gates = (x:narrow(2, 1, x:size(2) / 3 * 2) + h:narrow(2, 1, x:size(2) / 3 * 2)):sigmoid()
      local reset, update = part(gates, 1, 2), part(gates, 2, 2)
      local new = torch.cmul(reset, part(h, 3, 3)):add(part(x, 3, 3)):tanh()
      a.output:resizeAs(new):copy(new):addcmul(1, update, a.hx - new)
      a.storage:resize(new:size(1), new:size(2) * 5)
      for k, value in ipairs { reset, update, new, a.hx, part(h, 3, 3) } do part(a.storage, k, 5):copy(value) end
   end)
   kernel('GRUFused_updateGradInput', 'gradInInput gradInHidden gradOutput gradInputHx storage', function(a)
      local g, s = a.gradOutput, a.storage
      local reset, update, new, old, inner = part(s, 1, 5), part(s, 2, 5), part(s, 3, 5), part(s, 4, 5), part(s, 5, 5)
      local kept = torch.cmul(g, update)
      local toNew = throughTanh(g - kept, new)
      local toUpdate = throughSigmoid(torch.cmul(g, old - new), update)
      local toReset = throughSigmoid(torch.cmul(toNew, inner), reset)
      a.gradInputHx:resizeAs(kept):copy(kept)
      for _, into in ipairs { a.gradInInput, a.gradInHidden } do
         into:resize(g:size(1), g:size(2) * 3)
         part(into, 1, 3):copy(toReset)
         part(into, 2, 3):copy(toUpdate)
         part(into, 3, 3):copy(toNew)
      end
      part(a.gradInHidden, 3, 3):cmul(reset)
   end)
end

-- Long short-term memory (Hochreiter and Schmidhuber 1997), likewise; the gates stay in `input`: input, forget, cell, output.
local function lstm(kernel)
   kernel('LSTMFused_updateOutput', 'input hidden bias1 bias2 cell output outputCell', function(a)
      local gates = biased(a.input, a.bias1):add(biased(a.hidden, a.bias2))
      for k = 1, 4 do
         local gate = part(gates, k, 4)
         if k == 3 then gate:tanh() else gate:sigmoid() end
      end
      a.input:copy(gates)
      local cell = torch.cmul(part(gates, 2, 4), a.cell):addcmul(1, part(gates, 1, 4), part(gates, 3, 4))
      a.outputCell:resizeAs(cell):copy(cell)
      a.output:resizeAs(cell):cmul(torch.tanh(cell), part(gates, 4, 4))
   end)
   kernel('LSTMFused_updateGradInput', 'storage gradInGates cx cy gradOutput gradOutputCell gradInputCx', function(a)
      local s, g = a.storage, a.gradOutput
      local input, forget, cell, output = part(s, 1, 4), part(s, 2, 4), part(s, 3, 4), part(s, 4, 4)
      local bounded = torch.tanh(a.cy)
      local toCell = throughTanh(torch.cmul(g, output), bounded):add(a.gradOutputCell)
      a.gradInGates:resizeAs(s)
      part(a.gradInGates, 1, 4):copy(throughSigmoid(torch.cmul(toCell, cell), input))
      part(a.gradInGates, 2, 4):copy(throughSigmoid(torch.cmul(toCell, a.cx), forget))
      part(a.gradInGates, 3, 4):copy(throughTanh(torch.cmul(toCell, input), cell))
      part(a.gradInGates, 4, 4):copy(throughSigmoid(torch.cmul(g, bounded), output))
      a.gradInputCx:resizeAs(toCell):cmul(toCell, forget)
   end)
end

--------------------------------------------------------------------------------------------------- sparse layers

-- Samples, columns and values of a sparse batch: rows of the three (n x 3), or in older programs samples (b x n x 2)
-- of column and value.
local function triples(input)
   if input:dim() == 2 then return input:select(2, 1):long(), input:select(2, 2):long(), input:select(2, 3) end
   local b, n = input:size(1), input:size(2)
   local sample = torch.range(1, b):long():view(b, 1):expand(b, n):contiguous():view(-1)
   local flat = input:contiguous():view(b * n, 2)
   return sample, flat:select(2, 1):long(), flat:select(2, 2)
end

-- What the values of a batch multiply, times them: one row for each.
local function times(rows, values) return rows:cmul(values:contiguous():view(-1, 1):expandAs(rows)) end

local function sparse(kernel)
   local function forward(a)
      local sample, column, values = triples(a.input)
      if a.input:dim() == 3 then a.output:resize(a.input:size(1), a.weight:size(1)) end
      a.output:copy(a.bias:view(1, -1):expandAs(a.output))
      a.output:indexAdd(1, sample, times(a.weight:t():index(1, column), values))
   end
   local function accumulate(a)
      local sample, column, values = triples(a.input)
      local gradients = times(a.gradOutput:index(1, sample), values):mul(a.scale)
      a.gradWeight:t():indexAdd(1, column, gradients)
      a.gradBias:add(a.scale, a.gradOutput:sum(1):view(-1))
      if a.weightDecay ~= 0 then a.gradWeight:add(a.weightDecay, a.weight) end
   end
   local function zero(a)
      local _, column = triples(a.lastInput)
      a.gradWeight:indexFill(2, column, 0)
      a.gradBias:zero()
   end
   local function update(a)
      local touched = a.gradWeight.new(a.gradWeight:size(2)):zero()
      local _, column = triples(a.lastInput)
      touched:indexFill(1, column, 1)
      a.weight:addcmul(-a.learningRate, a.gradWeight, touched:view(1, -1):expandAs(a.gradWeight))
      a.bias:add(-a.learningRate, a.gradBias)
   end
   for _, older in ipairs { false, true } do
      local function name(method)
         return 'SparseLinear_' .. (older and 'legacy' .. method:sub(1, 1):upper() .. method:sub(2) or method)
      end
      kernel(name 'updateOutput', 'input output weight bias', forward)
      kernel(name 'accGradParameters', 'input gradOutput gradWeight gradBias weight bias weightDecay scale', accumulate)
      kernel(name 'zeroGradParameters', 'gradWeight gradBias lastInput', zero)
      kernel(name 'updateParameters', 'weight bias gradWeight gradBias lastInput learningRate', update)
   end
end

local function indexed(kernel)
   -- Columns of the weights that normalization takes; keys plus the offset are rows from 0.
   local function prepare(a)
      a.normalize, a.offset = a.weight:size(2) - a.bias:nElement(), a.keysOffset
      return classes['nn.IndexLinear']
   end
   local batch = 'keys keysOffset values sizes cumSumSizes '
   kernel('IndexLinear_updateOutput', batch .. 'output weight bias normalizedValues train', function(a)
      -- a C int, of which nothing but 0 is false
      a.train = a.train ~= 0 and a.train
      if type(a.train) == 'number' then a.train = true end
      prepare(a).combine(a, a.values, a.keys, a.sizes)
   end)
   kernel('IndexLinear_accGradParameters',
      batch .. 'gradOutput gradWeight gradBias weight bias valuesBuffer weightDecay scale', function(a)
      prepare(a).gradients(a, a.values, a.gradOutput, a.keys, a.sizes, a.scale, a.gradWeight)
   end)
   kernel('IndexLinear_accUpdateGradParameters', batch .. 'gradOutput weight bias weightDecay scale', function(a)
      local class = prepare(a)
      a.gradBias = a.bias.new():resizeAs(a.bias):zero()
      local gradients = class.gradients(a, a.values, a.gradOutput, a.keys, a.sizes, 1, a.weight.new())
      class.step(a, gradients, a.keys, a.scale)
      a.bias:add(-a.scale, a.gradBias)
   end)
   kernel('IndexLinear_updateParameters',
      'gradWeight gradBias weight bias runningKeys cumSumSizes keysOffset weightDecay learningRate', function(a)
      prepare(a).step(a, a.gradWeight, a.runningKeys, a.learningRate)
      a.bias:add(-a.learningRate, a.gradBias)
   end)
end

---------------------------------------------------------------------------------------------- sampling by a grid

-- Calls f(weights, positions, slopes along x, slopes along y) for each of the four neighbours of every place that the
-- grid (h x w x 2, from -1 to 1 in x and y) asks for. Neighbours outside of the plane have weight 0.
local function neighbours(grid, height, width, f)
   local x = grid:select(3, 1):contiguous():view(-1):add(1):mul((width - 1) / 2)
   local y = grid:select(3, 2):contiguous():view(-1):add(1):mul((height - 1) / 2)
   local left, top = torch.floor(x), torch.floor(y)
   for across = 0, 1 do
      for down = 0, 1 do
         local column, row = left + across, top + down
         local wx = across == 1 and x - left or (x - left):mul(-1):add(1)
         local wy = down == 1 and y - top or (y - top):mul(-1):add(1)
         local inside = column:ge(0):cmul(column:lt(width)):cmul(row:ge(0)):cmul(row:lt(height)):typeAs(x)
         local position = row:clamp(0, height - 1):mul(width):add(column:clamp(0, width - 1)):long():add(1)
         f(torch.cmul(wx, wy):cmul(inside), position, wy:cmul(inside):mul(2 * across - 1),
            wx:cmul(inside):mul(2 * down - 1))
      end
   end
end

local function sampler(kernel)
   -- The planes of one sample as rows, and the sizes.
   local function planes(x) return x:contiguous():view(x:size(1), -1) end
   local function check(a)
      local x, g = a.input, a.grid
      if x:dim() ~= 4 or g:dim() ~= 4 or g:size(1) ~= x:size(1) or g:size(4) ~= 2 then
         error('THNN.SpatialGridSamplerBilinear: input (n x c x h x w) and grid (n x h x w x 2) expected')
      end
      return x:size(1), x:size(2), x:size(3), x:size(4)
   end
   kernel('SpatialGridSamplerBilinear_updateOutput', 'input grid output', function(a)
      local n, c, height, width = check(a)
      local output = a.output:resize(n, c, a.grid:size(2), a.grid:size(3)):zero()
      for i = 1, n do
         local to, from = output[i]:view(c, -1), planes(a.input[i])
         neighbours(a.grid[i]:clone(), height, width, function(weight, position)
            to:addcmul(1, from:index(2, position), weight:view(1, -1):expandAs(to))
         end)
      end
   end)
   kernel('SpatialGridSamplerBilinear_updateGradInput', 'input gradInput grid gradGrid gradOutput', function(a)
      local n, c, height, width = check(a)
      a.gradInput:resizeAs(a.input):zero()
      a.gradGrid:resizeAs(a.grid):zero()
      for i = 1, n do
         local from, g = planes(a.input[i]), planes(a.gradOutput[i])
         local to = a.gradInput[i]:view(c, -1)
         local gx, gy = a.gradGrid[i]:select(3, 1), a.gradGrid[i]:select(3, 2)
         neighbours(a.grid[i]:clone(), height, width, function(weight, position, alongX, alongY)
            to:indexAdd(2, position, torch.cmul(g, weight:view(1, -1):expandAs(g)))
            local slope = from:index(2, position):cmul(g):sum(1):view(-1)
            gx:add((width - 1) / 2, alongX:cmul(slope):view(gx:size()))
            gy:add((height - 1) / 2, alongY:cmul(slope):view(gy:size()))
         end)
      end
   end)
end

----------------------------------------------------------------------------- neighbouring features, and unfolding

local function others(kernel)
   local FeatureLPPooling = nn.FeatureLPPooling
   local fields = 'power width stride batch_mode'
   kernel('FeatureLPPooling_updateOutput', 'input output ' .. fields, function(a)
      FeatureLPPooling.updateOutput(a, a.input)
   end)
   kernel('FeatureLPPooling_updateGradInput', 'gradOutput input output gradInput ' .. fields, function(a)
      FeatureLPPooling.updateGradInput(a, a.input, a.gradOutput)
   end)

   -- A convolution's windows as the columns of a matrix (planes * kH * kW x oH * oW), and back by adding them up.
   local order = 'finput input kW kH dW dH padW padH planes inputWidth inputHeight outputWidth outputHeight'
   local function windows(a)
      local rows, columns = a.planes * a.kH * a.kW, a.outputHeight * a.outputWidth
      if a.finput:nElement() ~= rows * columns then
         error(string.format('THNN.unfolded: finput of %d x %d elements expected', rows, columns))
      end
      local padded = a.input.new(a.planes, a.inputHeight + 2 * a.padH, a.inputWidth + 2 * a.padW):zero()
      local inner = padded:narrow(2, a.padH + 1, a.inputHeight):narrow(3, a.padW + 1, a.inputWidth)
      local all = padded:unfold(2, a.kH, a.dH):unfold(3, a.kW, a.dW)
      all = all:narrow(2, 1, a.outputHeight):narrow(3, 1, a.outputWidth):permute(1, 4, 5, 2, 3)
      return all, inner, a.finput:view(a.planes, a.kH, a.kW, a.outputHeight, a.outputWidth)
   end
   kernel('unfolded_copy', order, function(a)
      local all, inner, matrix = windows(a)
      inner:copy(a.input)
      matrix:copy(all)
   end)
   kernel('unfolded_acc', order, function(a)
      local all, inner, matrix = windows(a)
      for row = 1, a.kH do
         -- elements of one place in the window do not overlap
         for column = 1, a.kW do all:select(2, row):select(2, column):add(matrix:select(2, row):select(2, column)) end
      end
      a.input:add(inner)
   end)
end

return function(kernel)
   for _, family in ipairs { gru, lstm, sparse, indexed, sampler, others } do family(kernel) end
end
