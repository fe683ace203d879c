-- Networks as graphs, with nngraph: a module that is called gives a node, and nodes are the inputs of other modules' calls.
-- A recurrent cell with gates is built as one graph, cloned once a step with shared weights, and learns to tell whether
-- a sequence of signs has more pluses than minuses.
--
--    th examples/graph.lua
require 'nngraph'
require 'optim'

torch.manualSeed(1)
local size, steps, batch = 8, 7, 20

-- h' = z * h + (1 - z) * tanh(W x + U h), with the gate z = sigmoid(V x + S h)
local function cell()
   local x, h = nn.Identity()(), nn.Identity()()
   local function sum() return nn.CAddTable()({ nn.Linear(1, size)(x), nn.Linear(size, size)(h) }) end
   local gate = nn.Sigmoid()(sum()):annotate { name = 'gate' }
   local new = nn.Tanh()(sum()):annotate { name = 'candidate' }
   local keep = nn.CMulTable()({ gate, h })
   local take = nn.CMulTable()({ nn.AddConstant(1)(nn.MulConstant(-1)(gate)), new })
   return nn.gModule({ x, h }, { nn.CAddTable()({ keep, take }) })
end

-- the steps and the answer from the last state; one vector for the weights of both
local first, answer = cell(), nn.Sequential():add(nn.Linear(size, 2)):add(nn.LogSoftMax())
local weights, gradients = nn.Sequential():add(first):add(answer):getParameters()
local cells = { first }
for t = 2, steps do cells[t] = first:clone('weight', 'bias', 'gradWeight', 'gradBias') end
local criterion = nn.ClassNLLCriterion()

local function sample()
   local x = torch.rand(steps, batch, 1):mul(2):floor():mul(2):add(-1)
   return x, x:sum(1):view(batch):gt(0):double():add(1)
end

local function forward(x)
   local h = { [0] = torch.zeros(batch, size) }
   for t = 1, steps do h[t] = cells[t]:forward { x[t], h[t - 1] } end
   return h, answer:forward(h[steps])
end

local state = { learningRate = 0.03 }
for step = 1, 150 do
   local _, loss = optim.adam(function()
      gradients:zero()
      local x, target = sample()
      local h, output = forward(x)
      local value = criterion:forward(output, target)
      local gradient = answer:backward(h[steps], criterion:backward(output, target))
      for t = steps, 1, -1 do gradient = cells[t]:backward({ x[t], h[t - 1] }, gradient)[2] end
      return value, gradients
   end, weights, state)
   if step % 50 == 0 then print(string.format('step %d: loss %.3f', step, loss[1])) end
end

local x, target = sample()
local _, output = forward(x)
local _, class = output:max(2)
local right = class:view(batch):double():eq(target):sum()
print(string.format('%d of %d new sequences are answered rightly', right, batch))
assert(right >= 0.9 * batch)
