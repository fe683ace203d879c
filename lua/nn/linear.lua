-- Layers with a weight matrix. Rust computes Linear's updateOutput, updateGradInput and accGradParameters.
local define = require 'nn.define'

local Linear = define('Linear', {
   setup = function(self, inputSize, outputSize, bias)
      self.weight, self.gradWeight = nn.utils.parameter(outputSize, inputSize)
      if bias ~= false then self.bias, self.gradBias = nn.utils.parameter(outputSize) end
      self:reset()
   end,
   scratch = { 'addBuffer' },
   text = function(self)
      local sizes = string.format('(%d -> %d)', self.weight:size(2), self.weight:size(1))
      return sizes .. (self.bias and '' or ' without bias')
   end,
})

function Linear:noBias()
   self.bias, self.gradBias = nil, nil
   return self
end

function Linear:reset(deviation)
   nn.utils.draw(self.weight:size(2), deviation, self.weight, self.bias)
   return self
end

-- A vector of as many ones as the batch has rows.
function Linear:updateAddBuffer(input)
   local ones, rows = self.addBuffer or input.new(), input:size(1)
   if ones:nElement() ~= rows then ones:resize(rows):fill(1) end
   self.addBuffer = ones
end

-- Sharing needs no detour through the gradients here.
Linear.sharedAccUpdateGradParameters = Linear.defaultAccUpdateGradParameters
