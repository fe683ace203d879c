-- Modules that pass their input on and change what comes back: the gradient with another sign, with a penalty, or zero.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- A class whose output looks at the input's memory. back(result, self, gradOutput, input) makes the gradient.
local function passing(name, spec)
   local class = define(name, spec)
   function class:updateOutput(input)
      return self.output:set(expect.tensor(self, input, 'input'))
   end
   function class:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.gradOutput(self, gradOutput, expect.tensor(self, input, 'input'))
      return spec.back(self.gradInput:resizeAs(gradOutput), self, gradOutput, input)
   end
   return class
end

do
   -- The gradient times -lambda (Ganin and Lempitsky 2015).
   local Reversal = passing('GradientReversal', {
      options = { { 'lambda', 1, 'number' } },
      back = function(result, self, gradOutput) return result:mul(gradOutput, -self.lambda) end,
   })
   -- for objects of older files, which lack the field
   Reversal.lambda = 1
   function Reversal:setLambda(lambda) self.lambda = expect.number(self, lambda, 'lambda') end
end

passing('ZeroGrad', { back = function(result) return result:zero() end })

do
   -- Adds the gradient of l1weight * |x|_1, by the number of elements if sizeAverage is set; the loss stays in a field.
   local Penalty = define('L1Penalty', {
      options = {
         { 'l1weight', nil, 'number' }, { 'sizeAverage', false }, { 'provideOutput', true },
      },
      setup = function(self) expect.number('L1Penalty', self.l1weight, 'the weight') end,
   })
   local function weightFor(self, input)
      return self.sizeAverage and self.l1weight / input:nElement() or self.l1weight
   end
   function Penalty:updateOutput(input)
      expect.anyTensor(self, input, 'input')
      if not input.norm then
         expect.fail(self, 'a torch.FloatTensor or torch.DoubleTensor expected as input, got a %s', torch.typename(input))
      end
      self.loss = weightFor(self, input) * input:norm(1)
      self.output = input
      return input
   end
   function Penalty:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input')
      local gradient = self.gradInput:resizeAs(input):sign(input):mul(weightFor(self, input))
      if not self.provideOutput then return gradient end
      return gradient:add(expect.gradOutput(self, gradOutput, input))
   end
   -- the output is the caller's tensor
   function Penalty:clearState() return nn.utils.letGo(self) end
end
