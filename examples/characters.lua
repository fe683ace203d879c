-- A model of characters: an LSTM cell as a graph, cloned for each step with shared weights, learns to go on with a text
-- and then writes one.
--
--   th examples/characters.lua                            learns from this manual's own words
--   th examples/characters.lua -text FILE -size 128 -epochs 20 -length 500
require 'nn'
require 'nngraph'
require 'optim'

local cmd = torch.CmdLine()
cmd:text('Learns the characters of a text and writes one')
cmd:option('-text', '', 'file to learn from')
cmd:option('-size', 48, 'units of the cell')
cmd:option('-steps', 24, 'characters in a sample')
cmd:option('-batch', 16, 'samples in a step')
cmd:option('-epochs', 6, 'passes over the text')
cmd:option('-rate', 0.01, 'step size')
cmd:option('-length', 120, 'characters to write')
cmd:option('-temperature', 0.6, 'how daring the writer is')
cmd:option('-seed', 1, 'of the random numbers')
local opt = cmd:parse(arg or {})
torch.manualSeed(opt.seed)

-- ---- the text: characters as numbers ----

local function read(name)
   local file = assert(io.open(name, 'r'))
   local text = file:read('*a')
   file:close()
   return text
end
local text = opt.text ~= '' and read(opt.text)
   or ('a tensor is a view of a storage. many tensors see one storage. a module gives an output for an input, and a '
      .. 'gradient for a gradient. '):rep(24)
local index, letters = {}, {}
local data = torch.LongTensor(#text)
for i = 1, #text do
   local c = text:sub(i, i)
   if not index[c] then
      letters[#letters + 1] = c
      index[c] = #letters
   end
   data[i] = index[c]
end
print(string.format('%d characters, %d different ones', #text, #letters))

-- rows of the text beside each other, and as targets the same one character later
local columns = math.floor((data:size(1) - 1) / opt.batch)
if columns < opt.steps then error('the text is too short for samples of ' .. opt.steps .. ' characters') end
local x = data:narrow(1, 1, opt.batch * columns):view(opt.batch, columns)
local y = data:narrow(1, 2, opt.batch * columns):view(opt.batch, columns)

-- ---- the cell: {character, c, h} to {c, h, log probabilities} ----

local function lstm(vocabulary, size)
   local input, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
   local sums = nn.CAddTable()({ nn.LookupTable(vocabulary, 4 * size)(input), nn.Linear(size, 4 * size)(h) })
   local parts = nn.SplitTable(2)(nn.Reshape(4, size)(sums))
   local function gate(i, activation) return activation()(nn.SelectTable(i)(parts)) end
   local next_c = nn.CAddTable()({
      nn.CMulTable()({ gate(1, nn.Sigmoid), c }), nn.CMulTable()({ gate(2, nn.Sigmoid), gate(3, nn.Tanh) }),
   })
   local next_h = nn.CMulTable()({ gate(4, nn.Sigmoid), nn.Tanh()(next_c) })
   local output = nn.LogSoftMax()(nn.Linear(size, vocabulary)(next_h))
   return nn.gModule({ input, c, h }, { next_c, next_h, output })
end

local cell = lstm(#letters, opt.size)
local parameters, gradients = cell:getParameters()
parameters:uniform(-0.08, 0.08)
print(string.format('%d parameters', parameters:nElement()))

-- one clone for each step: its own buffers, everyone's weights
local clones, criterions = {}, {}
for t = 1, opt.steps do
   clones[t] = cell:clone('weight', 'bias', 'gradWeight', 'gradBias')
   criterions[t] = nn.ClassNLLCriterion()
end

-- ---- training ----

local at, state = 1, nil
local function feval()
   if at + opt.steps - 1 > columns then at, state = 1, nil end
   state = state or { torch.zeros(opt.batch, opt.size), torch.zeros(opt.batch, opt.size) }
   gradients:zero()
   local before, outputs, loss = { [1] = state }, {}, 0
   for t = 1, opt.steps do
      local c, h, output = unpack(clones[t]:forward { x:select(2, at + t - 1), before[t][1], before[t][2] })
      before[t + 1], outputs[t] = { c, h }, output
      loss = loss + criterions[t]:forward(output, y:select(2, at + t - 1))
   end
   local dc, dh = torch.zeros(opt.batch, opt.size), torch.zeros(opt.batch, opt.size)
   for t = opt.steps, 1, -1 do
      local doutput = criterions[t]:backward(outputs[t], y:select(2, at + t - 1))
      local _, new_dc, new_dh = unpack(clones[t]:backward({ x:select(2, at + t - 1), before[t][1], before[t][2] },
         { dc, dh, doutput }))
      dc, dh = new_dc, new_dh
   end
   -- the next sample goes on where this one ended
   state = { before[opt.steps + 1][1]:clone(), before[opt.steps + 1][2]:clone() }
   at = at + opt.steps
   gradients:div(opt.steps):clamp(-5, 5)
   return loss / opt.steps, gradients
end

local config = { learningRate = opt.rate, alpha = 0.95 }
local steps = math.floor(columns / opt.steps)
for epoch = 1, opt.epochs do
   local sum = 0
   for _ = 1, steps do
      local _, losses = optim.rmsprop(feval, parameters, config)
      sum = sum + losses[1]
   end
   print(string.format('epoch %d: loss %.3f', epoch, sum / steps))
end

-- ---- writing ----

local c, h, written = torch.zeros(1, opt.size), torch.zeros(1, opt.size), { letters[data[1]] }
local last = torch.LongTensor { data[1] }
for _ = 2, opt.length do
   local next_c, next_h, output = unpack(cell:forward { last, c, h })
   c, h = next_c:clone(), next_h:clone()
   local p = torch.exp(output[1] / opt.temperature)
   last = torch.multinomial(p:div(p:sum()), 1)
   written[#written + 1] = letters[last[1]]
end
print(table.concat(written))
