-- nn.LookupTable: rows of a weight matrix by their numbers. Input (n) or (batch x n) of row numbers.
local LookupTable, parent = torch.class('nn.LookupTable', 'nn.Module')
LookupTable.__version = 4

function LookupTable:__init(nIndex, nOutput, paddingValue, maxNorm, normType)
   parent.__init(self)
   self.weight, self.gradWeight = torch.Tensor(nIndex, nOutput), torch.Tensor(nIndex, nOutput):zero()
   self.paddingValue = paddingValue or 0
   self.maxNorm, self.normType = maxNorm or nil, normType or nil
   self:reset()
end

function LookupTable:reset(deviation) self.weight:normal(0, deviation or 1) end

function LookupTable:setPadding(value)
   self.paddingValue = value
   return self
end

function LookupTable:setMaxNorm(value)
   self.maxNorm = value
   return self
end

function LookupTable:setNormType(value)
   self.normType = value
   return self
end

function LookupTable:scaleGradByFreq()
   self.shouldScaleGradByFreq = true
   return self
end

-- Row numbers in a row, as a LongTensor.
local function numbers(input)
   if input:dim() ~= 1 and input:dim() ~= 2 then error('input must be a vector or matrix') end
   return input:long():contiguous():view(-1)
end

-- Scales rows that are looked up and too long down to the largest norm.
function LookupTable:renorm(input)
   if not self.maxNorm then return end
   local kind, seen = self.normType or 2, {}
   if kind <= 0 then error('non-positive-norm not supported') end
   local rows = numbers(input)
   for i = 1, rows:size(1) do
      local k = rows[i]
      if not seen[k] then
         seen[k] = true
         local row = self.weight[k]
         local norm = row:norm(kind)
         if norm > self.maxNorm then row:mul(self.maxNorm / (norm + 1e-7)) end
      end
   end
end

function LookupTable:updateOutput(input)
   self:renorm(input)
   local rows = numbers(input)
   self.output:resize(rows:size(1), self.weight:size(2)):index(self.weight, 1, rows)
   if input:dim() == 2 then self.output = self.output:view(input:size(1), input:size(2), self.weight:size(2)) end
   return self.output
end

function LookupTable:updateGradInput(input)
   -- row numbers have no gradient
   if torch.type(self.gradInput) ~= torch.type(input) then self.gradInput = input.new() end
   if not self.gradInput:isSameSizeAs(input) then self.gradInput:resizeAs(input):zero() end
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
function LookupTable:sharedAccUpdateGradParameters(input, gradOutput, rate)
   self:defaultAccUpdateGradParameters(input, gradOutput, rate)
end
