-- nn.LookupTable: rows of a weight matrix by their numbers. Input (n) or (batch x n) of row numbers.
local expect = require 'nn.expect'
local asked = require 'nn.asked'
local LookupTable, parent = torch.class('nn.LookupTable', 'nn.Module')
LookupTable.__version = 4

function LookupTable:__init(nIndex, nOutput, ...)
   parent.__init(self)
   expect.count('LookupTable', nIndex, 'nIndex')
   expect.count('LookupTable', nOutput, 'nOutput')
   self.weight, self.gradWeight = nn.utils.parameter(nIndex, nOutput)
   local padding, maxNorm, normType = ...
   self:setPadding(padding or 0):setMaxNorm(maxNorm or nil):setNormType(normType or nil)
   self:reset()
end

-- What modules from older files lack.
function LookupTable:backCompatibility()
   self._count = self._count or torch.IntTensor()
   self._input = self._input or torch.LongTensor()
   self.shouldScaleGradByFreq = self.shouldScaleGradByFreq or false
end

-- The input as a LongTensor without gaps: itself, or a copy in _input; copiedInput tells which.
function LookupTable:makeInputContiguous(input)
   expect.anyTensor(self, input, 'input')
   local kind = torch._beside(self.weight, 'Long')
   self.copiedInput = torch.typename(input) ~= kind or not input:isContiguous()
   if not self.copiedInput then return input end
   if torch.typename(self._input) ~= kind then self._input = torch.getconstructortable(kind)() end
   return self._input:resize(input:size()):copy(input)
end

function LookupTable:reset(deviation)
   expect.number(self, deviation or 1, 'reset: the standard deviation')
   self.weight:normal(0, deviation or 1)
end

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

-- Row numbers as a LongTensor of the input's sizes, beside the weights.
local function numbers(self, input)
   if not torch.isTensor(input) or input:dim() < 1 or input:dim() > 2 then
      expect.fail(self, 'a vector or matrix of row numbers expected as input, got %s', expect.brief(input))
   end
   return input:type(torch._beside(self.weight, 'Long'))
end

-- Scales rows that are looked up and too long down to the largest norm.
function LookupTable:renorm(input)
   if self.maxNorm then self:shorten(self.weight, numbers(self, input)) end
end

local backCompatibility = asked(LookupTable, 'backCompatibility')

-- Whether a class of a program makes the numbers.
local function makesNumbers(self) return self.makeInputContiguous ~= LookupTable.makeInputContiguous end

function LookupTable:updateOutput(input)
   local theirs = makesNumbers(self)
   if not backCompatibility(self) and theirs then self:backCompatibility() end
   self:renorm(input)
   if theirs then input = self:makeInputContiguous(input) end
   return self:rows(self.weight, numbers(self, input))
end

function LookupTable:updateGradInput(input)
   expect.anyTensor(self, input, 'input', 1, 2)
   -- row numbers have no gradient
   local none = self.gradInput
   if torch.typename(none) ~= torch.typename(input) or not none:isSameSizeAs(input) then
      self.gradInput = nn.utils.zerosLike(input)
   end
   return self.gradInput
end

function LookupTable:accGradParameters(input, gradOutput, scale)
   expect.tensor(self, gradOutput, 'gradOutput')
   backCompatibility(self)
   -- as the forward left them
   if makesNumbers(self) and self.copiedInput then input = self._input end
   self:accRows(gradOutput, numbers(self, input), scale or 1)
end

-- Gives up the gradients: only accUpdateGradParameters works from here on.
function LookupTable:accUpdateOnly()
   self.gradWeight = nil
   return self
end

-- Sharing needs no detour through the gradients here.
LookupTable.sharedAccUpdateGradParameters = LookupTable.defaultAccUpdateGradParameters

do
   -- nn.OneHot: for each class number a row that is 1 in its place and 0 elsewhere. Numbers of any type; the output has
   -- the module's.
      local OneHot = require 'nn.define'('OneHot', {
      options = { { 'outputSize' } },
      setup = function(self) expect.whole('OneHot', self.outputSize, 'the number of classes', 1) end,
      scratch = { '_long' },
   })
   function OneHot:updateOutput(input)
      local n, class = self.outputSize, torch._beside(self.output, 'Long')
      self._long = torch.typename(self._long) == class and self._long or torch.getconstructortable(class)()
      if type(input) == 'number' then
         self._long:resize(1)[1] = input
      else
         if not torch.isTensor(input) or input:dim() == 0 then
            expect.fail(self, 'a class number or a tensor of them expected as input, got %s', expect.brief(input))
         end
         self._long:resize(input:size()):copy(input)
      end
      local long = self._long:view(-1, 1)
      local low, high = long:min(), long:max()
      if low < 1 or high > n then
         expect.fail(self, 'class numbers from 1 to %d expected, got %d', n, low < 1 and low or high)
      end
      local output = self.output:resize(long:size(1), n):zero()
      output:scatter(2, long, 1)
      if type(input) == 'number' then return output:resize(n) end
      local sizes = input:size():totable()
      sizes[#sizes + 1] = n
      return output:resize(torch.LongStorage(sizes))
   end
   -- Numbers have no gradient: zeros.
   function OneHot:updateGradInput(input)
      if type(input) == 'number' or not self.gradInput then return self.gradInput end
      return self.gradInput:resize(expect.anyTensor(self, input, 'input'):size()):zero()
   end
end
