-- Criteria that compare two inputs. Rust computes losses and gradients.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- A criterion whose input is a table of two. A number as target becomes a tensor of one element, except where Rust
-- takes it as it is (`plain`). One that `forgets` does not keep its loss in the output field.
local function comparing(name, spec)
   spec.parent = 'nn.Criterion'
   local setup = spec.setup
   function spec.setup(self, ...)
      self.gradInput = { torch.Tensor(), torch.Tensor() }
      if setup then setup(self, ...) end
   end
   local class, parent = define(name, spec)

   local function arguments(input, y)
      if torch.type(input) ~= 'table' or #input ~= 2 then
         expect.fail(name, 'a table of two inputs expected, got %s', expect.brief(input))
      end
      local first, second = input[1], input[2]
      expect.anyTensor(name, first, 'input[1]')
      expect.anyTensor(name, second, 'input[2]')
      if type(y) == 'number' and not spec.plain then y = first.new { y } end
      return first, second, y
   end
   function class:updateOutput(input, y)
      local loss = self:loss(arguments(input, y))
      if not spec.forgets then self.output = loss end
      return loss
   end
   function class:updateGradInput(input, y)
      local gradients = self.gradInput
      self:lossGradients(gradients[1], gradients[2], arguments(input, y))
      return gradients
   end
   return class, parent
end

local function averaging(self) self.sizeAverage = true end

do
   local Cosine, parent = comparing('CosineEmbeddingCriterion', { options = { { 'margin', 0 } }, setup = averaging })
   function Cosine:type(typename, ...)
      if typename == nil then return self._type end
      return parent.type(self, typename, ...)
   end
end

comparing('MarginRankingCriterion', { options = { { 'margin', 1 } }, setup = averaging })
comparing('L1HingeEmbeddingCriterion', { options = { { 'margin', 1 } }, plain = true })
comparing('DistanceRatioCriterion', { options = { { 'sizeAverage', true } }, forgets = true })
