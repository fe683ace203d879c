-- nn.CTCCriterion: label sequences that are not aligned with the input.
local define = require 'nn.define'
local expect = require 'nn.expect'

local CTC = define('CTCCriterion', { parent = 'nn.Criterion', options = { { 'batchFirst', false, 'boolean' } } })

-- The numbers in a table or a vector.
local function numbers(self, value, what)
   if torch.isTensor(value) then
      expect.anyTensor(self, value, what, 0, 1)
      return value:dim() == 0 and {} or value:totable()
   end
   expect.table(self, value, what)
   for i = 1, #value do
      local entry = value[i]
      if type(entry) ~= 'number' then
         expect.fail(self, 'a number expected as %s[%d], got %s', what, i, expect.brief(entry))
      end
   end
   return value
end

-- The input or its gradient as (batch x frames x classes).
local function batched(self, input, samples)
   if input:dim() == 3 and samples == 1 and math.min(input:size(1), input:size(2)) == 1 then
      -- one sequence, whichever dimension its frames are in
      return input:contiguous():view(1, -1, input:size(3))
   end
   if input:dim() == 3 then return self.batchFirst and input or input:transpose(1, 2) end
   if input:size(1) % samples ~= 0 then
      expect.fail(self, 'rows in multiples of %d expected as input, one for each target, got %s', samples, expect.brief(input))
   end
   return input:contiguous():view(input:size(1) / samples, samples, input:size(2)):transpose(1, 2)
end

-- What the kernels take: the input, the labels of all samples, how many each has, and how many frames of each count.
-- `samples` is the number of samples.
local function prepare(self, input, target, sizes)
   expect.tensor(self, input, 'input', 2, 3)
   expect.table(self, target, 'target', 1)
   local labels, lengths, samples = {}, {}, #target
   for i, entry in ipairs(target) do
      local own = numbers(self, entry, string.format('target[%d]', i))
      lengths[i] = #own
      for _, label in ipairs(own) do labels[#labels + 1] = label end
   end
   local frames = batched(self, input, samples)
   if frames:size(1) ~= samples then
      expect.fail(self, 'an input of %d samples expected, one for each target, got %d', samples, frames:size(1))
   end
   self.sizes = sizes and numbers(self, sizes, 'sizes') or torch.LongTensor(samples):fill(frames:size(2)):totable()
   if #self.sizes ~= samples then expect.fail(self, '%d sizes expected, one for each target, got %d', samples, #self.sizes) end
   local long = torch.getconstructortable(torch._beside(input, 'Long'))
   return frames, long(labels), long(lengths), long(self.sizes), samples
end

-- The loss of each sample.
function CTC:costs(input, target, sizes)
   local frames, labels, lengths, counted = prepare(self, input, target, sizes)
   return self:losses(frames, labels, lengths, counted)
end

function CTC:updateOutput(input, target, sizes)
   local costs, sum = self:costs(input, target, sizes), 0
   for _, cost in ipairs(costs) do sum = sum + cost end
   self.output = sum / #costs
   return self.output
end

function CTC:updateGradInput(input, target, sizes)
   local frames, labels, lengths, counted, samples = prepare(self, input, target, sizes or self.sizes)
   expect.anyTensor(self, self.gradInput, 'the field gradInput'):resizeAs(input)
   self:lossGradient(frames, labels, lengths, counted, batched(self, self.gradInput, samples))
   return self.gradInput
end

-- With how many frames of each sample count, which backward remembers.
function CTC:forward(input, target, sizes)
   expect.method(self, 'forward', 'criterion')
   if sizes == nil then self.sizes = nil end
   return self:updateOutput(input, target, sizes)
end
function CTC:backward(input, target, sizes)
   expect.method(self, 'backward', 'criterion')
   return self:updateGradInput(input, target, sizes)
end
