-- cudnn.RNN and its kin: layers of recurrent cells over whole sequences, one way or both, with cuDNN's order of weights: the
-- matrices of every layer and direction (of the input, then of the state), then their biases (likewise).
local expect = require 'nn.expect'
local RNN, parent = torch.class('cudnn.RNN', 'nn.Module')

local function part(tensor, h, k) return tensor:narrow(2, (k - 1) * h + 1, h) end

-- d * y * (1 - y) and d * (1 - y^2), into `into`
local function of_sigmoid(into, d, y) return into:copy(y):mul(-1):add(1):cmul(y):cmul(d) end
local function of_tanh(into, d, y) return into:copy(y):cmul(y):mul(-1):add(1):cmul(d) end

-- The kinds of cells. `x` holds what the input gives all gates, and gets their values; `r` what the state gives.
--   forward(s, t, x, r)    sets s.h[t] from s.before[t] (and s.c[t])
--   backward(s, t, dh, d, dr)   dh is the gradient of s.h[t]; sets those of the gates' sums, `dr` for the state's part where
--                          it differs, and gives what goes to the state before besides
local CELLS = {}
for mode, f in pairs {
   CUDNN_RNN_RELU = { function(x) x:cmax(0) end, function(into, d, y) into:copy(torch.gt(y, 0):typeAs(y)):cmul(d) end },
   CUDNN_RNN_TANH = { function(x) x:tanh() end, of_tanh },
} do
   CELLS[mode] = {
      gates = 1,
      forward = function(s, t, x, r)
         f[1](x:add(r))
         s.h[t]:copy(x)
      end,
      backward = function(s, t, dh, d) f[2](d, dh, s.gates[t]) end,
   }
end
-- gates: input, forget, new memory, output
CELLS.CUDNN_LSTM = {
   gates = 4,
   cells = true,
   forward = function(s, t, x, r, h)
      x:add(r)
      x:narrow(2, 1, 2 * h):sigmoid()
      part(x, h, 3):tanh()
      part(x, h, 4):sigmoid()
      local c = torch.cmul(s.c[t], part(x, h, 2), s.cells_before[t]):addcmul(part(x, h, 1), part(x, h, 3))
      torch.tanh(s.tc[t], c)
      torch.cmul(s.h[t], part(x, h, 4), s.tc[t])
   end,
   backward = function(s, t, dh, d, _, h)
      local g, dc = s.gates[t], s.dc
      local i, f, n, o = part(g, h, 1), part(g, h, 2), part(g, h, 3), part(g, h, 4)
      dc:add(of_tanh(dh.new():resizeAs(dh), torch.cmul(dh, o), s.tc[t]))
      of_sigmoid(part(d, h, 4), torch.cmul(dh, s.tc[t]), o)
      of_sigmoid(part(d, h, 1), torch.cmul(dc, n), i)
      of_sigmoid(part(d, h, 2), torch.cmul(dc, s.cells_before[t]), f)
      of_tanh(part(d, h, 3), torch.cmul(dc, i), n)
      dc:cmul(f)
   end,
}
-- gates: reset, update, new memory
CELLS.CUDNN_GRU = {
   gates = 3,
   forward = function(s, t, x, r, h)
      x:narrow(2, 1, 2 * h):add(r:narrow(2, 1, 2 * h)):sigmoid()
      s.rn[t]:copy(part(r, h, 3))
      local n = part(x, h, 3):addcmul(part(x, h, 1), s.rn[t]):tanh()
      -- (1 - update) * new + update * before
      torch.add(s.h[t], s.before[t], -1, n):cmul(part(x, h, 2)):add(n)
   end,
   backward = function(s, t, dh, d, dr, h)
      local g = s.gates[t]
      local r, z, n = part(g, h, 1), part(g, h, 2), part(g, h, 3)
      of_sigmoid(part(d, h, 2), torch.add(s.before[t], -1, n):cmul(dh), z)
      of_tanh(part(d, h, 3), torch.cmul(dh, z):mul(-1):add(dh), n)
      of_sigmoid(part(d, h, 1), torch.cmul(part(d, h, 3), s.rn[t]), r)
      dr:copy(d)
      part(dr, h, 3):cmul(r)
      return torch.cmul(dh, z)
   end,
}

function RNN:__init(inputSize, hiddenSize, numLayers, batchFirst, dropout, rememberStates)
   parent.__init(self)
   self.inputSize = expect.whole(self, inputSize, 'the size of inputs', 1)
   self.hiddenSize = expect.whole(self, hiddenSize, 'the size of states', 1)
   self.numLayers = expect.whole(self, numLayers or 1, 'the number of layers', 1)
   self.batchFirst, self.dropout, self.rememberStates = batchFirst or false, dropout or 0, rememberStates or false
   self.seqLength, self.miniBatch, self.numDirections = 1, 1, 1
   self.bidirectional, self.inputMode, self.mode = 'CUDNN_UNIDIRECTIONAL', 'CUDNN_LINEAR_INPUT', 'CUDNN_RNN_RELU'
   self.train = true
   self:reset()
end

function RNN:resetWeights()
   local n, gates, h = 0, CELLS[self.mode].gates, self.hiddenSize
   for layer = 1, self.numLayers do
      local inputs = layer == 1 and self.inputSize or h * self.numDirections
      n = n + self.numDirections * gates * h * (inputs + h + 2)
   end
   self.weight, self.gradWeight = nn.utils.parameter(n)
end

function RNN:reset(deviation)
   if not self.weight then self:resetWeights() end
   deviation = expect.number(self, deviation or 1 / math.sqrt(self.hiddenSize), 'reset: the bound')
   self.weight:uniform(-deviation, deviation)
end

-- Views of the parameters in a flat tensor: W and R (rows for all gates), bW and bR, for each layer and direction.
local function views(self, flat)
   local list, at, h = {}, 1, self.hiddenSize
   local rows = CELLS[self.mode].gates * h
   local function take(count)
      at = at + count
      return flat:narrow(1, at - count, count)
   end
   local n = self.numLayers * self.numDirections
   for k = 1, n do
      local inputs = k <= self.numDirections and self.inputSize or h * self.numDirections
      list[k] = { W = take(rows * inputs):view(rows, inputs), R = take(rows * h):view(rows, h) }
   end
   for k = 1, n do list[k].bW, list[k].bR = take(rows), take(rows) end
   return list
end

-- The views of each gate: weights()[k] are matrices as vectors, biases()[k] vectors, of layer and direction k.
local function split(self, names)
   local all, h = {}, self.hiddenSize
   for k, view in ipairs(views(self, self.weight)) do
      all[k] = {}
      for _, name in ipairs(names) do
         for gate = 1, CELLS[self.mode].gates do table.insert(all[k], view[name]:narrow(1, (gate - 1) * h + 1, h):view(-1)) end
      end
   end
   return all
end
function RNN:weights() return split(self, { 'W', 'R' }) end
function RNN:biases() return split(self, { 'bW', 'bR' }) end

function RNN:resetStates()
   self.hiddenInput, self.cellInput, self.gradHiddenInput, self.gradCellInput = nil, nil, nil, nil
end
for _, name in ipairs { 'resetRNNDescriptor', 'resetDropoutDescriptor', 'resetIODescriptors', 'resetHiddenDescriptors',
                        'resetCellDescriptors', 'resetWeightDescriptor', 'setMode', 'resetMode', 'fastest' } do
   RNN[name] = function(self) return self end
end

-- what backward needs of the last forward
local kept = setmetatable({}, { __mode = 'k' })

local function sequence(self, tensor, what)
   expect.tensor(self, tensor, what, 3)
   return (self.batchFirst and tensor:transpose(1, 2) or tensor):contiguous()
end

local function start(self, field, k, b)
   local given = self[field]
   if not given then return self.weight.new(b, self.hiddenSize):zero() end
   local sizes = { self.numLayers * self.numDirections, b, self.hiddenSize }
   if not torch.isTensor(given) or not given:isSize(torch.LongStorage(sizes)) then
      expect.fail(self, '%s of size %s expected, got %s', field, table.concat(sizes, 'x'), expect.brief(given))
   end
   return given[k]
end

-- One direction of a layer over a sequence.
local function run(self, cell, view, x, k)
   local t, b, h = x:size(1), x:size(2), self.hiddenSize
   local rows = cell.gates * h
   local s = { x = x, gates = x.new(t, b, rows), h = x.new(t, b, h), before = x.new(t, b, h),
      first = k % 2 == 0 and self.numDirections == 2 and t or 1 }
   s.step = s.first == 1 and 1 or -1
   s.last = s.first == 1 and t or 1
   if cell.cells then s.c, s.tc, s.cells_before = x.new(t, b, h), x.new(t, b, h), x.new(t, b, h) end
   if cell.gates == 3 then s.rn = x.new(t, b, h) end
   s.gates:view(t * b, rows):addmm(0, s.gates:view(t * b, rows), 1, x:view(t * b, -1), view.W:t())
   s.gates:view(t * b, rows):add(view.bW:view(1, rows):expand(t * b, rows))
   local state, c = start(self, 'hiddenInput', k, b), cell.cells and start(self, 'cellInput', k, b)
   local r, bias = x.new(b, rows), view.bR:view(1, rows):expand(b, rows)
   for i = s.first, s.last, s.step do
      s.before[i]:copy(state)
      if c then s.cells_before[i]:copy(c) end
      r:copy(bias):addmm(state, view.R:t())
      cell.forward(s, i, s.gates[i], r, h)
      state, c = s.h[i], c and s.c[i]
   end
   return s
end

function RNN:updateOutput(input)
   local x, cell = sequence(self, input, 'input'), CELLS[self.mode]
   if x:size(3) ~= self.inputSize then
      expect.fail(self, 'an input of %d features expected, got %s', self.inputSize, expect.brief(input))
   end
   local t, b, h, dirs = x:size(1), x:size(2), self.hiddenSize, self.numDirections
   self.seqLength, self.miniBatch = t, b
   local list, runs = views(self, self.weight), { masks = {} }
   local count = self.numLayers * dirs
   self.hiddenOutput = x.new(count, b, h)
   self.cellOutput = cell.cells and x.new(count, b, h) or nil
   for layer = 1, self.numLayers do
      local out = x.new(t, b, h * dirs)
      for dir = 1, dirs do
         local k = (layer - 1) * dirs + dir
         local s = run(self, cell, list[k], x, k)
         runs[k] = s
         out:narrow(3, (dir - 1) * h + 1, h):copy(s.h)
         self.hiddenOutput[k]:copy(s.h[s.last])
         if cell.cells then self.cellOutput[k]:copy(s.c[s.last]) end
      end
      if self.dropout > 0 and self.train ~= false and layer < self.numLayers then
         runs.masks[layer] = out.new():resizeAs(out):bernoulli(1 - self.dropout):div(1 - self.dropout)
         out:cmul(runs.masks[layer])
      end
      x = out
   end
   kept[self] = runs
   if self.rememberStates then
      self.hiddenInput = self.hiddenOutput:clone()
      self.cellInput = self.cellOutput and self.cellOutput:clone()
   end
   self.output = self.batchFirst and x:transpose(1, 2) or x
   return self.output
end

-- Back through one direction of a layer; gives the gradient of its input.
local function back(self, cell, view, s, outer, k)
   local t, b, h = s.x:size(1), s.x:size(2), self.hiddenSize
   local rows = cell.gates * h
   s.d = outer.new(t, b, rows)
   s.dr = cell.gates == 3 and outer.new(t, b, rows) or s.d
   local dh = self.gradHiddenOutput and start(self, 'gradHiddenOutput', k, b):clone() or outer.new(b, h):zero()
   s.dc = cell.cells and (self.gradCellOutput and start(self, 'gradCellOutput', k, b):clone() or outer.new(b, h):zero())
   for i = s.last, s.first, -s.step do
      dh:add(outer[i])
      local besides = cell.backward(s, i, dh, s.d[i], s.dr[i], h)
      dh = torch.mm(s.dr[i], view.R)
      if besides then dh:add(besides) end
   end
   self.gradHiddenInput[k]:copy(dh)
   if s.dc then self.gradCellInput[k]:copy(s.dc) end
   return torch.mm(s.d:view(t * b, rows), view.W):view(t, b, -1)
end

function RNN:updateGradInput(input, gradOutput)
   local runs, cell = kept[self], CELLS[self.mode]
   expect.forwardFirst(self, runs and torch.isTensor(input) and input:dim() == 3
      and input:nElement() == runs[1].x:nElement())
   expect.gradOutput(self, gradOutput, self.output)
   local outer, h, dirs = sequence(self, gradOutput, 'gradOutput'), self.hiddenSize, self.numDirections
   local list, count = views(self, self.weight), self.numLayers * dirs
   self.gradHiddenInput = outer.new(count, outer:size(2), h)
   self.gradCellInput = cell.cells and outer.new(count, outer:size(2), h) or nil
   for layer = self.numLayers, 1, -1 do
      if runs.masks[layer] then outer = torch.cmul(outer, runs.masks[layer]) end
      local inner
      for dir = 1, dirs do
         local k = (layer - 1) * dirs + dir
         local own = back(self, cell, list[k], runs[k], outer:narrow(3, (dir - 1) * h + 1, h), k)
         inner = inner and inner:add(own) or own
      end
      outer = inner
   end
   self.gradInput = self.batchFirst and outer:transpose(1, 2) or outer
   return self.gradInput
end

function RNN:accGradParameters(_, _, scale)
   local runs = kept[self]
   expect.forwardFirst(self, runs and runs[1].d)
   scale = scale or 1
   for k, view in ipairs(views(self, self.gradWeight)) do
      local s = runs[k]
      local n, rows = s.d:size(1) * s.d:size(2), s.d:size(3)
      local d, dr = s.d:view(n, rows), s.dr:view(n, rows)
      view.W:addmm(scale, d:t(), s.x:view(n, -1))
      view.R:addmm(scale, dr:t(), s.before:view(n, -1))
      view.bW:add(scale, d:sum(1):view(-1))
      view.bR:add(scale, dr:sum(1):view(-1))
   end
end

function RNN:clearState()
   kept[self] = nil
   nn.utils.clear(self, { 'hiddenInput', 'cellInput', 'gradHiddenInput', 'gradCellInput', 'hiddenOutput', 'cellOutput',
      'gradHiddenOutput', 'gradCellOutput' })
   return parent.clearState(self)
end

function RNN:__tostring__()
   return string.format('%s(%d -> %d, %d layer%s)', torch.type(self), self.inputSize, self.hiddenSize, self.numLayers,
      self.numLayers == 1 and '' or 's')
end

for name, mode in pairs { RNNReLU = 'CUDNN_RNN_RELU', RNNTanh = 'CUDNN_RNN_TANH', LSTM = 'CUDNN_LSTM', GRU = 'CUDNN_GRU' } do
   for _, both in ipairs { false, true } do
      local class = torch.class('cudnn.' .. (both and 'B' or '') .. name, 'cudnn.RNN')
      function class:__init(...)
         -- the first weights are drawn once, when their number is known
         self.reset = function() end
         RNN.__init(self, ...)
         self.reset = nil
         self.mode = mode
         if both then self.bidirectional, self.numDirections = 'CUDNN_BIDIRECTIONAL', 2 end
         self:reset()
      end
   end
end

return RNN
