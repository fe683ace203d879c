-- Layers with a weight matrix. Rust computes Linear's updateOutput, updateGradInput and accGradParameters.
local Linear, parent = torch.class('nn.Linear', 'nn.Module')

function Linear:__init(inputSize, outputSize, bias)
   parent.__init(self)
   self.weight, self.gradWeight = torch.Tensor(outputSize, inputSize), torch.Tensor(outputSize, inputSize):zero()
   if bias ~= false then
      self.bias, self.gradBias = torch.Tensor(outputSize), torch.Tensor(outputSize):zero()
   end
   self:reset()
end

function Linear:noBias()
   self.bias, self.gradBias = nil, nil
   return self
end

-- Uniform values around 0; with nn.oldSeed row by row, each with its bias, as first versions drew them.
function Linear:reset(deviation)
   local bound = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(self.weight:size(2))
   if not nn.oldSeed then
      self.weight:uniform(-bound, bound)
      if self.bias then self.bias:uniform(-bound, bound) end
      return self
   end
   for row = 1, self.weight:size(1) do
      self.weight:select(1, row):apply(function() return torch.uniform(-bound, bound) end)
      if self.bias then self.bias[row] = torch.uniform(-bound, bound) end
   end
   return self
end

-- A vector of as many ones as the batch has rows.
function Linear:updateAddBuffer(input)
   local rows = input:size(1)
   self.addBuffer = self.addBuffer or input.new()
   if self.addBuffer:nElement() ~= rows then self.addBuffer:resize(rows):fill(1) end
end

-- Sharing needs no detour through the gradients here.
function Linear:sharedAccUpdateGradParameters(input, gradOutput, rate)
   self:defaultAccUpdateGradParameters(input, gradOutput, rate)
end

function Linear:clearState()
   if self.addBuffer then self.addBuffer:set() end
   return parent.clearState(self)
end

function Linear:__tostring__()
   local sizes = string.format('(%d -> %d)', self.weight:size(2), self.weight:size(1))
   return torch.type(self) .. sizes .. (self.bias and '' or ' without bias')
end
