-- Modules of your own: one written in Lua from nothing, and a subclass of one whose arithmetic is in Rust, together in
-- a Sequential.
require 'torch'
require 'nn'

-- a module that multiplies by a fixed number
local Scale, parent = torch.class('nn.Scale', 'nn.Module')

function Scale:__init(factor)
   parent.__init(self)
   self.factor = factor
end

function Scale:updateOutput(input)
   self.output:resizeAs(input):copy(input):mul(self.factor)
   return self.output
end

function Scale:updateGradInput(input, gradOutput)
   self.gradInput:resizeAs(gradOutput):copy(gradOutput):mul(self.factor)
   return self.gradInput
end

-- a Linear that counts its calls and clips what it gives
local Clipped, linear = torch.class('nn.ClippedLinear', 'nn.Linear')

function Clipped:__init(inputs, outputs, limit)
   linear.__init(self, inputs, outputs)
   self.limit, self.calls = limit, 0
end

function Clipped:updateOutput(input)
   linear.updateOutput(self, input)
   self.calls = self.calls + 1
   return self.output:clamp(-self.limit, self.limit)
end

torch.manualSeed(1)
local model = nn.Sequential():add(nn.Scale(0.5)):add(nn.ClippedLinear(4, 3, 0.4)):add(nn.Tanh())
print(model)
local input, target, criterion = torch.randn(2, 4), torch.randn(2, 3), nn.MSECriterion()
local first, last
for step = 1, 50 do
   local loss = criterion:forward(model:forward(input), target)
   model:zeroGradParameters()
   model:backward(input, criterion:backward(model.output, target))
   model:updateParameters(0.1)
   first, last = first or loss, loss
end
print(string.format('loss %.4f -> %.4f after %d calls', first, last, model:get(2).calls))
assert(last < first and model:get(2).calls == 50)
local copy = model:clone()
assert((copy:forward(input) - model:forward(input)):abs():max() == 0, 'a clone gives the same')
