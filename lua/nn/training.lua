-- nn.StochasticGradient: one example after the other, with a decreasing rate.
local expect = require 'nn.expect'
local StochasticGradient = torch.class('nn.StochasticGradient')

function StochasticGradient:__init(module, criterion)
   self.module, self.criterion = module, criterion
   self.learningRate, self.learningRateDecay = 0.01, 0
   self.maxIteration = 25
   self.shuffleIndices, self.verbose = true, true
end

local who = 'StochasticGradient'

-- The number of examples of a dataset: an object with size() and examples by their numbers.
local function sizeOf(dataset)
   local kind = torch.type(dataset)
   if (type(dataset) ~= 'table' and type(dataset) ~= 'userdata') or type(dataset.size) ~= 'function' then
      expect.fail(who, 'a dataset with a function size() and examples { input, target } by their numbers expected, got %s',
         kind == 'table' and 'a table without that function' or expect.brief(dataset))
   end
   return expect.whole(who, dataset:size(), 'what size() of the dataset gives', 0)
end

-- Example number i: its input and its target.
local function exampleOf(dataset, i)
   local example = dataset[i]
   local kind = type(example)
   if (kind ~= 'table' and kind ~= 'userdata') or example[1] == nil or example[2] == nil then
      expect.fail(who, 'an example { input, target } expected as entry %d of the dataset, got %s', i, expect.brief(example))
   end
   return example, example[1], example[2]
end

-- One pass over the data; returns the mean loss.
local function pass(self, dataset, order, rate)
   local net, loss, count = self.module, self.criterion, sizeOf(dataset)
   local after, total = self.hookExample or function() end, 0
   for t = 1, count do
      local example, x, y = exampleOf(dataset, order and order[t] or t)
      total = total + loss:forward(net:forward(x), y)
      net:backwardUpdate(x, loss:updateGradInput(net.output, y), rate)
      after(self, example)
   end
   return total / count
end

function StochasticGradient:train(dataset)
   local order = self.shuffleIndices and torch.randperm(sizeOf(dataset), 'torch.LongTensor') or nil
   local rate, iteration = self.learningRate, 1
   print('# StochasticGradient: training')
   while true do
      local loss = pass(self, dataset, order, rate)
      if self.verbose then print('# current error = ' .. loss) end
      if self.hookIteration then self.hookIteration(self, iteration, loss) end
      iteration = iteration + 1
      rate = self.learningRate / (1 + iteration * self.learningRateDecay)
      if self.maxIteration > 0 and iteration > self.maxIteration then
         print('# StochasticGradient: you have reached the maximum number of iterations')
         print('# training error = ' .. loss)
         return
      end
   end
end
