-- nn.Dropout: drops elements with probability p and scales up the others, while training.
local define = require 'nn.define'

local function probability(p)
   if p < 0 or p >= 1 then error('nn.Dropout: a probability from 0 to less than 1 expected, got ' .. p) end
   return p
end

-- Its first version (`v1`) scales down in evaluation instead.
local Dropout = define('Dropout', {
   options = { { 'p', 0.5, 'number' } },
   setup = function(self, p, v1, inplace, stochasticInference)
      self:setp(p or 0.5)
      self.v2, self.inplace, self.stochastic_inference = not v1, inplace, stochasticInference or false
      self.train, self.noise = true, torch.Tensor()
   end,
   scratch = { 'noise' },
   text = function(self) return string.format('(%f)', self.p) end,
})

function Dropout:setp(p) self.p = probability(p) end

-- What a value is multiplied with: the noise while elements drop, else the share that stays in the first version, or 1.
local function weigh(self, field, value, drops)
   local result = nn.utils.place(self, field, value)
   if self.p == 0 then return result:mul(value, 1) end
   if drops then return result:cmul(value, self.noise) end
   return result:mul(value, self.v2 and 1 or 1 - self.p)
end

function Dropout:updateOutput(input)
   local drops = self.train or self.stochastic_inference
   if drops and self.p > 0 then
      self.noise:resizeAs(input):bernoulli(1 - self.p)
      if self.v2 then self.noise:div(1 - self.p) end
   end
   return weigh(self, 'output', input, drops)
end

function Dropout:updateGradInput(_, gradOutput) return weigh(self, 'gradInput', gradOutput, self.train) end
