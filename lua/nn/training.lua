-- nn.StochasticGradient: one example after the other, with a decreasing rate.
local StochasticGradient = torch.class('nn.StochasticGradient')

function StochasticGradient:__init(module, criterion)
   self.module, self.criterion = module, criterion
   self.learningRate, self.learningRateDecay = 0.01, 0
   self.maxIteration = 25
   self.shuffleIndices, self.verbose = true, true
end

-- One pass over the data; returns the mean loss.
local function pass(self, dataset, order, rate)
   local net, loss, count = self.module, self.criterion, dataset:size()
   local after, total = self.hookExample or function() end, 0
   for t = 1, count do
      local example = dataset[order and order[t] or t]
      local x, y = example[1], example[2]
      total = total + loss:forward(net:forward(x), y)
      net:backwardUpdate(x, loss:updateGradInput(net.output, y), rate)
      after(self, example)
   end
   return total / count
end

function StochasticGradient:train(dataset)
   local order = self.shuffleIndices and torch.randperm(dataset:size(), 'torch.LongTensor') or nil
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
