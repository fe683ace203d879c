-- nnx: pictures of other sizes. Each of these is a product with one matrix along the height and one along the width,
-- whose gradient is the product with their transposes.
require 'nn'
local expect = require 'nn.expect'
local options = require 'nnx.options'

local function numbers(names)
   local list = {}
   for i, name in ipairs(names) do list[i] = { name, 'number' } end
   return list
end

local function dimensions(self, input)
   expect.anyTensor(self, input, 'input (planes x height x width, or a batch of them)', 3, 4)
   local n = input:dim()
   return input:size(n - 1), input:size(n)
end

-- rows * x * columns' of each plane
local function apply(result, x, rows, columns)
   local n = x:dim()
   local count = x:nElement() / (x:size(n - 1) * x:size(n))
   local lead = x:size()
   local wide = torch.mm(x:contiguous():view(-1, x:size(n)), columns:t()):view(count, x:size(n - 1), columns:size(1))
   result:resize(count, rows:size(1), columns:size(1))
   result:bmm(rows:contiguous():view(1, rows:size(1), rows:size(2)):expand(count, rows:size(1), rows:size(2)), wide)
   lead[n - 1], lead[n] = rows:size(1), columns:size(1)
   return result:resize(lead)
end

-- the matrices for planes of one size and another, kept while sizes and type are the same
local function matrices(self, input, toHeight, toWidth)
   local height, width = dimensions(self, input)
   local key = string.format('%s %d %d %d %d', input:type(), height, width, toHeight, toWidth)
   if self.matricesFor ~= key then
      self.matricesFor = key
      self.rows = self:matrix(height, toHeight, 'h'):type(input:type())
      self.columns = self:matrix(width, toWidth, 'w'):type(input:type())
   end
   return self.rows, self.columns
end

-- A class from what it makes of its options, the length of a dimension of the output, and the matrix that takes one
-- length to the other. Where `open` is set, backward takes gradients of any height and width.
local function define(name, init, length, matrix, open)
   local class, parent = torch.class('nn.' .. name, 'nn.Module')
   function class:__init(...)
      parent.__init(self)
      init(self, { ... })
   end
   class.matrix = matrix
   function class:updateOutput(input)
      local height, width = dimensions(self, input)
      local rows, columns = matrices(self, input, length(self, height, 'h'), length(self, width, 'w'))
      return apply(self.output, input, rows, columns)
   end
   function class:updateGradInput(input, gradOutput)
      local height, width = dimensions(self, input)
      local sizes, n = input:size(), input:dim()
      sizes[n - 1], sizes[n] = length(self, height, 'h'), length(self, width, 'w')
      expect.tensor(self, gradOutput, 'gradOutput', n)
      if open then
         for d = n - 1, n do sizes[d] = gradOutput:size(d) end
      end
      expect.gradOutput(self, gradOutput, sizes)
      local rows, columns = matrices(self, input, sizes[n - 1], sizes[n])
      return apply(self.gradInput, gradOutput, rows:t(), columns:t())
   end
end

-- each place from the two between which it lies, corners on corners
local function interpolation(size, to)
   local result, ratio = torch.zeros(to, size), to > 1 and (size - 1) / (to - 1) or 0
   for i = 1, to do
      local at = ratio * (i - 1)
      local low = math.min(math.floor(at), size - 1)
      local high = math.min(low + 1, size - 1)
      result[i][low + 1] = result[i][low + 1] + 1 - (at - low)
      result[i][high + 1] = result[i][high + 1] + at - low
   end
   return result
end

-- nn.SpatialReSampling{rwidth, rheight} or {owidth, oheight}: bilinear, corners on corners
define('SpatialReSampling', function(self, given)
   options(self, 'SpatialReSampling', given, numbers { 'rwidth', 'rheight', 'owidth', 'oheight' })
   if not (self.rwidth or self.owidth) or not (self.rheight or self.oheight) then
      error('nn.SpatialReSampling: expected rwidth and rheight, or owidth and oheight', 3)
   end
end, function(self, size, which)
   local to
   if which == 'h' then to = self.oheight or self.rheight * size else to = self.owidth or self.rwidth * size end
   return math.max(1, math.floor(to))
end, function(_, size, to) return interpolation(size, to) end, true)

-- nn.SpatialUpSampling(dW, dH): each value dH x dW times
define('SpatialUpSampling', function(self, given)
   options(self, 'SpatialUpSampling', given, numbers { 'dW', 'dH' })
   if not self.dW or not self.dH then error('nn.SpatialUpSampling: expected dW and dH', 3) end
end, function(self, size, which)
   return size * (which == 'h' and self.dH or self.dW)
end, function(_, size, to)
   local result, times = torch.zeros(to, size), to / size
   for i = 1, to do result[i][math.floor((i - 1) / times) + 1] = 1 end
   return result
end)

-- nn.SpatialDownSampling(rW, rH): means of rH x rW values
define('SpatialDownSampling', function(self, given)
   options(self, 'SpatialDownSampling', given, numbers { 'rW', 'rH' })
   if not self.rW or not self.rH then error('nn.SpatialDownSampling: expected rW and rH', 3) end
end, function(self, size, which)
   local ratio = which == 'h' and self.rH or self.rW
   if size < ratio then
      expect.fail('SpatialDownSampling', 'the input is too small: %d places for a ratio of %g', size, ratio)
   end
   return math.floor(size / ratio)
end, function(self, size, to, which)
   local result, ratio = torch.zeros(to, size), which == 'h' and self.rH or self.rW
   for i = 1, to do result[i]:narrow(1, (i - 1) * ratio + 1, ratio):fill(1 / ratio) end
   return result
end)

-- nn.SpatialReSamplingEx{rwidth, rheight, owidth, oheight, mode, yDim, xDim}: any two neighbouring dimensions, both larger or
-- both smaller. Modes are bilinear; simple, which repeats values or takes the first of each block; and average, which takes
-- means of blocks.
do
   local Ex, parent = torch.class('nn.SpatialReSamplingEx', 'nn.Module')
   local MODES = { simple = 0, average = 1, bilinear = 2 }

   function Ex:__init(...)
      parent.__init(self)
      options(self, 'SpatialReSamplingEx', { ... }, {
         { 'rwidth', 'number' }, { 'rheight', 'number' }, { 'owidth', 'number' }, { 'oheight', 'number' },
         { 'mode', 'string', 'simple' }, { 'yDim', 'number', 2 }, { 'xDim', 'number', 3 },
      })
      self.mode_c = MODES[self.mode]
      if not self.mode_c then
         expect.fail(self, "mode 'simple', 'average' or 'bilinear' expected, got %s", expect.brief(self.mode))
      end
      expect.whole(self, self.yDim, 'yDim', 1)
      if self.yDim + 1 ~= self.xDim then
         expect.fail(self, 'yDim and xDim should follow each other, got %d and %g', self.yDim, self.xDim)
      end
      for _, side in ipairs { 'width', 'height' } do
         if not (self['o' .. side] or self['r' .. side]) then expect.fail(self, 'r%s or o%s expected', side, side) end
         if self['o' .. side] then expect.whole(self, self['o' .. side], 'o' .. side, 1) end
      end
   end

   function Ex:matrix(size, to)
      if self.mode == 'bilinear' then return interpolation(size, to) end
      local result = torch.zeros(to, size)
      if to >= size then
         local times = math.ceil(to / size)
         for i = 1, to do result[i][math.floor((i - 1) / times) + 1] = 1 end
         return result
      end
      local block = math.floor(size / to)
      for i = 1, to do
         if self.mode == 'average' then
            result[i]:narrow(1, (i - 1) * block + 1, block):fill(1 / block)
         else
            result[i][(i - 1) * block + 1] = 1
         end
      end
      return result
   end

   -- What lies before the two dimensions and behind them, and the two.
   local function sizes(self, input)
      expect.tensor(self, input, 'input', self.xDim, math.huge)
      local before, after = 1, 1
      for d = 1, self.yDim - 1 do before = before * input:size(d) end
      for d = self.xDim + 1, input:dim() do after = after * input:size(d) end
      local height, width = input:size(self.yDim), input:size(self.xDim)
      local toHeight = self.oheight or math.floor(self.rheight * height + 0.5)
      local toWidth = self.owidth or math.floor(self.rwidth * width + 0.5)
      if toHeight < 1 or toWidth < 1 then
         expect.fail(self, 'nothing is left of an input of %dx%d at the ratios %g and %g', height, width, self.rheight or 1,
            self.rwidth or 1)
      end
      if (toHeight >= height) ~= (toWidth >= width) then
         expect.fail(self, 'both dimensions should become larger, or both smaller, got %dx%d to %dx%d', height, width,
            toHeight, toWidth)
      end
      return before, after, height, width, toHeight, toWidth
   end
   -- x (before x h x w x after) as planes
   local function planes(x, before, after, h, w)
      local all = x:contiguous():view(before, h, w, after)
      return all:permute(1, 4, 2, 3):contiguous():view(before * after, h, w)
   end
   local function through(self, result, x, like, rows, columns, before, after)
      local found = apply(self.output.new(), x, rows, columns)
      local h, w = found:size(2), found:size(3)
      local all = like:size()
      all[self.yDim], all[self.xDim] = h, w
      return result:resize(all):copy(found:view(before, after, h, w):permute(1, 3, 4, 2))
   end

   function Ex:updateOutput(input)
      local before, after, h, w, toH, toW = sizes(self, input)
      local x = planes(input, before, after, h, w)
      local rows, columns = matrices(self, x, toH, toW)
      return through(self, self.output, x, input, rows, columns, before, after)
   end
   function Ex:updateGradInput(input, gradOutput)
      local before, after, h, w, toH, toW = sizes(self, input)
      local wanted = input:size()
      wanted[self.yDim], wanted[self.xDim] = toH, toW
      expect.gradOutput(self, gradOutput, wanted)
      local rows, columns = matrices(self, planes(input, before, after, h, w), toH, toW)
      local g = planes(gradOutput, before, after, toH, toW)
      return through(self, self.gradInput, g, input, rows:t(), columns:t(), before, after)
   end
end

-- nn.SpatialPadding(left, right, top, bottom [, y dimension, x dimension, value]); negative sizes cut
do
   local SpatialPadding, parent = torch.class('nn.SpatialPadding', 'nn.Module')

   function SpatialPadding:__init(left, right, top, bottom, yDim, xDim, value)
      parent.__init(self)
      for side, size in pairs { l = left or false, r = right or left, t = top or left, b = bottom or left } do
         self['pad_' .. side] = expect.whole(self, size or nil, 'the padding', -math.huge)
      end
      self.y_dim = expect.whole(self, yDim or 2, 'the dimension of the height', 1)
      self.x_dim = expect.whole(self, xDim or 3, 'the dimension of the width', 1)
      self.val = expect.number(self, value or 0, 'the value')
   end

   -- the part of the input that is seen, and where it lies in the output
   local function parts(self, input, output)
      for _, side in ipairs { { self.y_dim, self.pad_t, self.pad_b }, { self.x_dim, self.pad_l, self.pad_r } } do
         local dim, before, after = unpack(side)
         local cut_before, cut_after = math.max(-before, 0), math.max(-after, 0)
         input = input:narrow(dim, 1 + cut_before, input:size(dim) - cut_before - cut_after)
         output = output:narrow(dim, 1 + math.max(before, 0), input:size(dim))
      end
      return input, output
   end

   local function padded(self, input)
      expect.tensor(self, input, 'input', math.max(self.y_dim, self.x_dim), math.huge)
      local sizes = input:size()
      sizes[self.y_dim] = sizes[self.y_dim] + self.pad_t + self.pad_b
      sizes[self.x_dim] = sizes[self.x_dim] + self.pad_l + self.pad_r
      if sizes[self.y_dim] < 1 or sizes[self.x_dim] < 1 then
         expect.fail(self, 'the input is too small: of %s nothing is left', expect.brief(input))
      end
      return sizes
   end

   function SpatialPadding:updateOutput(input)
      local sizes = padded(self, input)
      self.output:resize(sizes):fill(self.val)
      local from, to = parts(self, input, self.output)
      to:copy(from)
      return self.output
   end
   function SpatialPadding:updateGradInput(input, gradOutput)
      expect.gradOutput(self, gradOutput, padded(self, input))
      self.gradInput:resizeAs(input):zero()
      local to, from = parts(self, self.gradInput, gradOutput)
      to:copy(from)
      return self.gradInput
   end
end
