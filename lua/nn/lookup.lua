-- nn.LookupTable: rows of a weight matrix by their numbers. Input (n) or (batch x n) of row numbers.
local LookupTable, parent = torch.class('nn.LookupTable', 'nn.Module')
LookupTable.__version = 4

function LookupTable:__init(nIndex, nOutput, ...)
   parent.__init(self)
   self.weight, self.gradWeight = nn.utils.parameter(nIndex, nOutput)
   local padding, maxNorm, normType = ...
   self:setPadding(padding or 0):setMaxNorm(maxNorm or nil):setNormType(normType or nil)
   self:reset()
end

function LookupTable:reset(deviation) self.weight:normal(0, deviation or 1) end

for setter, field in pairs { setPadding = 'paddingValue', setMaxNorm = 'maxNorm', setNormType = 'normType' } do
   LookupTable[setter] = function(self, value)
      self[field] = value
      return self
   end
end

function LookupTable:scaleGradByFreq()
   self.shouldScaleGradByFreq = true
   return self
end

-- Row numbers as a LongTensor of the input's sizes.
local function numbers(input)
   if input:dim() < 1 or input:dim() > 2 then
      error('nn.LookupTable: a vector or matrix of row numbers expected, got ' .. input:dim() .. ' dimensions')
   end
   return input:long()
end

-- Scales rows that are looked up and too long down to the largest norm.
function LookupTable:renorm(input)
   if self.maxNorm then self:shorten(self.weight, numbers(input)) end
end

function LookupTable:updateOutput(input)
   self:renorm(input)
   return self:rows(self.weight, numbers(input))
end

function LookupTable:updateGradInput(input)
   -- row numbers have no gradient
   local none = self.gradInput
   if torch.typename(none) ~= torch.typename(input) or not none:isSameSizeAs(input) then
      self.gradInput = input.new():resizeAs(input):zero()
   end
   return self.gradInput
end

function LookupTable:accGradParameters(input, gradOutput, scale)
   self:accRows(gradOutput, numbers(input), scale or 1)
end

-- Gives up the gradients: only accUpdateGradParameters works from here on.
function LookupTable:accUpdateOnly()
   self.gradWeight = nil
   return self
end

-- Sharing needs no detour through the gradients here.
LookupTable.sharedAccUpdateGradParameters = LookupTable.defaultAccUpdateGradParameters
