-- nn.Dropout: drops elements with probability p and scales up the others, while training.
local Dropout, parent = torch.class('nn.Dropout', 'nn.Module')

local function probability(p)
   if p < 0 or p >= 1 then error('<Dropout> illegal percentage, must be 0 <= p < 1') end
   return p
end

-- `v1` asks for the first version, which scales down in evaluation instead.
function Dropout:__init(p, v1, inplace, stochasticInference)
   parent.__init(self)
   self.p = probability(p or 0.5)
   self.v2 = not v1
   self.inplace, self.stochastic_inference = inplace, stochasticInference or false
   self.train = true
   self.noise = torch.Tensor()
end

function Dropout:setp(p) self.p = probability(p) end

local function take(self, field, value)
   if self.inplace then self[field]:set(value) else self[field]:resizeAs(value):copy(value) end
   return self[field]
end

function Dropout:updateOutput(input)
   local output = take(self, 'output', input)
   if self.p > 0 and (self.train or self.stochastic_inference) then
      self.noise:resizeAs(input):bernoulli(1 - self.p)
      if self.v2 then self.noise:div(1 - self.p) end
      output:cmul(self.noise)
   elseif self.p > 0 and not self.v2 then
      output:mul(1 - self.p)
   end
   return output
end

function Dropout:updateGradInput(_, gradOutput)
   local gradient = take(self, 'gradInput', gradOutput)
   if self.train then
      if self.p > 0 then gradient:cmul(self.noise) end
   elseif not self.v2 and self.p > 0 then
      gradient:mul(1 - self.p)
   end
   return gradient
end

function Dropout:clearState()
   if self.noise then self.noise:set() end
   return parent.clearState(self)
end

function Dropout:__tostring__() return string.format('%s(%f)', torch.type(self), self.p) end
