-- Noise in training: elements (nn.Dropout) or whole planes and volumes that drop with probability p, and nn.WhiteNoise.
local define = require 'nn.define'
local expect = require 'nn.expect'

local function probability(p)
   if not (expect.number('Dropout', p, 'the probability') >= 0 and p < 1) then
      expect.fail('Dropout', 'a probability from 0 to less than 1 expected, got %s', tostring(p))
   end
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
   if self.p ~= 0 and drops then return result:cmul(value, self.noise) end
   return result:mul(value, (self.v2 or self.p == 0) and 1 or 1 - probability(self.p))
end

function Dropout:updateOutput(input)
   expect.tensor(self, input, 'input')
   if self.p ~= 0 and (self.train or self.stochastic_inference) then return self:drop(input) end
   return weigh(self, 'output', input, false)
end

function Dropout:updateGradInput(_, gradOutput)
   expect.tensor(self, gradOutput, 'gradOutput')
   if self.train and self.p ~= 0 then expect.gradElements(self, gradOutput, self.noise) end
   return weigh(self, 'gradInput', gradOutput, self.train)
end

local function onlyInTraining(self)
   if not self.train then expect.fail(self, 'there is a gradient only in training; call module:training() first') end
end

-- Whole planes (`inner` = 2 dimensions) or volumes (3) drop. Nothing is scaled up; in evaluation all is scaled down.
for name, inner in pairs { SpatialDropout = 2, VolumetricDropout = 3 } do
   local class = define(name, {
      options = { { 'p', 0.5, 'number' }, { 'stochastic_inference', false } },
      setup = function(self) self.train, self.noise = true, torch.Tensor() end,
      scratch = { 'noise' },
      text = function(self) return string.format('(%f)', self.p) end,
   })
   function class:setp(p) self.p = expect.number(self, p, 'the probability') end

   -- One element of noise for each plane of the input.
   local function draw(self, input)
      local sizes, d = input:size(), input:dim()
      for k = d - inner + 1, d do sizes[k] = 1 end
      return self.noise:resize(sizes):bernoulli(1 - self.p)
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', inner + 1, inner + 2)
      local output = self.output:resizeAs(input)
      if not (self.train or self.stochastic_inference) then return output:mul(input, 1 - self.p) end
      return output:cmul(input, draw(self, input):expandAs(input))
   end
   function class:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      onlyInTraining(self)
      expect.gradOutput(self, gradOutput, expect.tensor(self, input, 'input', inner + 1, inner + 2))
      expect.forwardFirst(self, self.output:isSameSizeAs(input) and self.noise:dim() == input:dim())
      return self.gradInput:resizeAs(gradOutput):cmul(gradOutput, self.noise:expandAs(gradOutput))
   end
end

do
   -- Normal noise is added; in evaluation its mean.
   local WhiteNoise = define('WhiteNoise', {
      options = { { 'mean', 0, 'number' }, { 'std', 0.1, 'number' } },
      setup = function(self) self.noise, self.train = torch.Tensor(), true end,
      scratch = { 'noise' },
      text = function(self) return string.format(' mean: %f, std: %f', self.mean, self.std) end,
   })
   function WhiteNoise:updateOutput(input)
      expect.tensor(self, input, 'input')
      if not self.train then return self.output:add(input, self.mean) end
      return self:disturb(input)
   end
   function WhiteNoise:updateGradInput(_, gradOutput)
      if not self.gradInput then return end
      onlyInTraining(self)
      expect.tensor(self, gradOutput, 'gradOutput')
      return self.gradInput:resizeAs(gradOutput):copy(gradOutput)
   end
end
