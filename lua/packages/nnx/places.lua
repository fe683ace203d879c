-- nnx: values that are limited, rearranged or chosen by their place; margins; a module of functions.
local define = require 'nn.define'
local expect = require 'nn.expect'
local options = require 'nnx.options'

-- nn.FunctionWrapper(init, updateOutput, updateGradInput): a module of functions that are called with it.
do
   local FunctionWrapper, parent = torch.class('nn.FunctionWrapper', 'nn.Module')
   function FunctionWrapper:__init(init, forward, backward)
      parent.__init(self)
      for i, f in ipairs { init or false, forward or false, backward or false } do
         if type(f) ~= 'function' then
            expect.fail('FunctionWrapper', 'a function expected as %s, got %s',
               ({ 'init', 'updateOutput', 'updateGradInput' })[i], expect.brief(f or nil))
         end
      end
      init(self)
      self.fn_updateOutput, self.fn_updateGradInput = forward, backward
   end
   function FunctionWrapper:updateOutput(input)
      self.output = self:fn_updateOutput(input)
      return self.output
   end
   function FunctionWrapper:updateGradInput(input, gradOutput)
      self.gradInput = self:fn_updateGradInput(input, gradOutput)
      return self.gradInput
   end
end

-- nn.SaturatedLU(low, value, high, value2): the input, with a value for what is below `low` and one for what is above `high`.
do
   local SaturatedLU = define('SaturatedLU', {
      options = { { 'threshold', -1, 'number' }, { 'val', -1, 'number' }, { 'threshold2', 1, 'number' }, { 'val2', 1, 'number' } },
   })
   local function replaced(self, result, input, from, low, high)
      result:resizeAs(input):copy(from)
      result:maskedFill(input:lt(self.threshold), low)
      result:maskedFill(input:gt(self.threshold2), high)
      return result
   end
   function SaturatedLU:updateOutput(input)
      return replaced(self, self.output, expect.tensor(self, input, 'input'), input, self.val, self.val2)
   end
   function SaturatedLU:updateGradInput(input, gradOutput)
      expect.gradElements(self, gradOutput, expect.tensor(self, input, 'input'))
      return replaced(self, self.gradInput, input, gradOutput, 0, 0)
   end
end

-- nn.PixelSort(r): the r x r values of each block of a plane become r * r planes of one value each, as nn.PixelShuffle undoes.
do
   local PixelSort = define('PixelSort', {
      options = { { 'downscaleFactor' } },
      setup = function(self)
         self.downscaleFactorSquared = expect.whole('PixelSort', self.downscaleFactor, 'the factor', 1) ^ 2
      end,
   })
   local function sizes(self, input)
      expect.tensor(self, input, 'input', 3, 4)
      local n, r = input:dim(), self.downscaleFactor
      local batch, planes, h, w = n == 4 and input:size(1) or 1, input:size(n - 2), input:size(n - 1), input:size(n)
      if h % r ~= 0 or w % r ~= 0 then
         expect.fail(self, 'a height and width in multiples of %d expected as input, got %s', r, expect.brief(input))
      end
      return batch, planes, h / r, w / r, r
   end
   function PixelSort:updateOutput(input)
      local batch, planes, h, w, r = sizes(self, input)
      local blocks = input:contiguous():view(batch, planes, h, r, w, r):permute(1, 2, 4, 6, 3, 5)
      local all = input:size()
      all[#all - 2], all[#all - 1], all[#all] = planes * r * r, h, w
      self.output:resize(all):view(batch, planes, r, r, h, w):copy(blocks)
      return self.output
   end
   function PixelSort:updateGradInput(input, gradOutput)
      local batch, planes, h, w, r = sizes(self, input)
      local all = input:size()
      all[#all - 2], all[#all - 1], all[#all] = planes * r * r, h, w
      expect.gradOutput(self, gradOutput, all)
      local blocks = gradOutput:contiguous():view(batch, planes, r, r, h, w):permute(1, 2, 5, 3, 6, 4)
      self.gradInput:resizeAs(input):view(batch, planes, h, r, w, r):copy(blocks)
      return self.gradInput
   end
end

-- nn.SpatialMaxSampling{owidth, oheight}: planes of another size, whose values are the largest of those in their place.
do
   local SpatialMaxSampling, parent = torch.class('nn.SpatialMaxSampling', 'nn.Module')
   function SpatialMaxSampling:__init(...)
      parent.__init(self)
      options(self, 'SpatialMaxSampling', { ... }, { { 'owidth', 'number', nil, true }, { 'oheight', 'number', nil, true } })
      expect.whole(self, self.owidth, 'owidth', 1)
      expect.whole(self, self.oheight, 'oheight', 1)
   end
   local function span(i, from, to)
      local first = math.floor((i - 1) * from / to)
      return first + 1, math.max(1, math.floor(i * from / to) - first)
   end
   function SpatialMaxSampling:updateOutput(input)
      expect.tensor(self, input, 'input', 3)
      local planes, height, width = input:size(1), input:size(2), input:size(3)
      local output = self.output:resize(planes, self.oheight, self.owidth)
      local places = torch.LongTensor(planes, self.oheight, self.owidth)
      for y = 1, self.oheight do
         local top, h = span(y, height, self.oheight)
         for x = 1, self.owidth do
            local left, w = span(x, width, self.owidth)
            local block = input:narrow(2, top, h):narrow(3, left, w):contiguous():view(planes, h * w)
            local most, at = block:max(2)
            output:select(3, x):select(2, y):copy(most)
            -- numbers in a block as numbers in the plane, and below in all planes
            at:apply(function(k) return (top - 1 + math.floor((k - 1) / w)) * width + left + (k - 1) % w end)
            places:select(3, x):select(2, y):copy(at)
         end
      end
      for k = 2, planes do places[k]:add((k - 1) * height * width) end
      self.places = places
      expect.remember(self, input)
      return output
   end
   function SpatialMaxSampling:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 3)
      expect.forwardFirst(self, self.places)
      expect.remembered(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      self.gradInput:resizeAs(input):zero():view(-1):indexAdd(1, self.places:view(-1), gradOutput:contiguous():view(-1))
      return self.gradInput
   end
end

-- nn.DistMarginCriterion(): how far other classes come into the margin of the lowest of a sample's targets, lists of classes that
-- end with 0; by the number of classes where sizeAverage is set.
do
   local DistMargin = define('DistMarginCriterion', {
      parent = 'nn.Criterion', setup = function(self) self.sizeAverage = true end,
   })
   -- Calls f(scores, their number, which of them the targets are, the row) for each sample.
   local function each(self, input, target, f)
      expect.tensor(self, input, 'input', 1, 2)
      expect.anyTensor(self, target, 'target', input:dim())
      if target:nElement() ~= input:nElement() or target:size(1) ~= input:size(1) then
         expect.fail(self, 'a target of the input\'s size expected, got %s and %s', expect.brief(target), expect.brief(input))
      end
      local n = input:size(input:dim())
      local rows, targets = input:contiguous():view(-1, n), target:double():contiguous():view(-1, n)
      for i = 1, rows:size(1) do
         local own = {}
         for k = 1, n do
            local class = targets[i][k]
            if class == 0 then break end
            own[k] = expect.whole(self, class, 'a target', 1, n)
         end
         if #own > 0 then f(rows[i], torch.LongTensor(own), i, n) end
      end
   end
   -- Whether each score is within the margin of the lowest target, and how far.
   local function margins(scores, own)
      local chosen = scores:index(1, own)
      local least, at = chosen:min(1)
      local z = scores + (1 - least[1])
      z:indexFill(1, own, 0)
      return z:cmax(0), own[at[1]]
   end
   function DistMargin:updateOutput(input, target)
      local sum = 0
      each(self, input, target, function(scores, own, _, n)
         sum = sum + margins(scores, own):sum() / (self.sizeAverage and n or 1)
      end)
      self.output = sum
      return sum
   end
   function DistMargin:updateGradInput(input, target)
      local result = self.gradInput:resizeAs(input):zero()
      each(self, input, target, function(scores, own, i, n)
         local z, lowest = margins(scores, own)
         local row = result:view(-1, n)[i]
         row:copy(z:gt(0)):div(self.sizeAverage and n or 1)
         row[lowest] = -row:sum()
      end)
      return result
   end
end
