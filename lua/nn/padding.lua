-- Values added at the sides of dimensions, or taken away there: Rust computes those that repeat or reflect the input.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- `pad` elements along a dimension: at the end, or at the start where it is negative; `index` is the place among the
   -- elements, counted from that side.
   local Padding = define('Padding', {
      options = {
         { 'dim', nil, 'number' }, { 'pad', nil, 'number' }, { 'nInputDim', nil, 'number' }, { 'value', 0, 'number' },
         { 'index', 1, 'number' },
      },
      setup = function(self)
         expect.whole('Padding', self.dim, 'the dimension', 1)
         expect.whole('Padding', self.pad, 'the number of elements', -math.huge)
         expect.whole('Padding', self.index, 'the place', 1)
      end,
   })

   -- Where the new elements go: the dimension, how many elements come before them, how many they are, how many follow.
   local function places(self, input)
      expect.anyTensor(self, input, 'input', 1, math.huge)
      local d = self.dim
      if self.nInputDim and input:dim() ~= self.nInputDim then d = d + 1 end
      if d > input:dim() then
         expect.fail(self, 'there is no dimension %d in the input, %s', d, expect.brief(input))
      end
      local n, before = input:size(d), self.index - 1
      if before > n then
         expect.fail(self, 'place %d is outside of dimension %d of the input, which has %d elements', self.index, d, n)
      end
      if self.pad > 0 then before = n - before end
      return d, before, math.abs(self.pad), n - before
   end
   -- Copies the parts around the new elements, forwards or backwards.
   local function around(whole, part, d, before, pad, after, copy)
      if before > 0 then copy(whole:narrow(d, 1, before), part:narrow(d, 1, before)) end
      if after > 0 then copy(whole:narrow(d, before + pad + 1, after), part:narrow(d, before + 1, after)) end
   end

   function Padding:updateOutput(input)
      local d, before, pad, after = places(self, input)
      local sizes = input:size()
      sizes[d] = sizes[d] + pad
      local output = self.output:resize(sizes)
      if pad > 0 then output:narrow(d, before + 1, pad):fill(self.value) end
      around(output, input, d, before, pad, after, function(whole, part) whole:copy(part) end)
      return output
   end
   function Padding:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local d, before, pad, after = places(self, expect.tensor(self, input, 'input'))
      local sizes = input:size()
      sizes[d] = sizes[d] + pad
      expect.gradOutput(self, gradOutput, sizes)
      local gradient = self.gradInput:resizeAs(input)
      around(gradOutput, gradient, d, before, pad, after, function(whole, part) part:copy(whole) end)
      return gradient
   end
end

-- A class of borders: how much comes to each side, where the first number stands for those that are not given.
local function bordering(name, fields, labels)
   local options, parts = {}, {}
   for i, field in ipairs(fields) do
      options[i], parts[i] = { field, nil, 'number' }, labels[i] .. '=%d'
   end
   local form = '(' .. table.concat(parts, ', ') .. ')'
   return define(name, {
      options = options,
      setup = function(self)
         for _, field in ipairs(fields) do
            self[field] = expect.whole(name, self[field] or self[fields[1]], field, -math.huge)
         end
      end,
      text = function(self)
         local list = {}
         for i, field in ipairs(fields) do list[i] = self[field] end
         return string.format(form, unpack(list))
      end,
   })
end

local sides, labels = { 'pad_l', 'pad_r', 'pad_t', 'pad_b' }, { 'l', 'r', 't', 'b' }
bordering('SpatialReflectionPadding', sides, labels)
bordering('SpatialReplicationPadding', sides, labels)
bordering('VolumetricReplicationPadding', { 'pleft', 'pright', 'ptop', 'pbottom', 'pfront', 'pback' },
   { 'left', 'right', 'top', 'bottom', 'front', 'back' })

do
   -- Zeros around planes; a negative number cuts off as many rows or columns.
   local ZeroPadding = bordering('SpatialZeroPadding', sides, labels)

   local function check(self, input)
      expect.anyTensor(self, input, 'input', 3, 4)
      local d = input:dim()
      local sizes = input:size()
      local height, width = sizes[d - 1] + self.pad_t + self.pad_b, sizes[d] + self.pad_l + self.pad_r
      if height < 1 or width < 1 then
         expect.fail(self, 'nothing is left of an input of %dx%d with padding l=%d, r=%d, t=%d, b=%d', sizes[d - 1],
            sizes[d], self.pad_l, self.pad_r, self.pad_t, self.pad_b)
      end
      sizes[d - 1], sizes[d] = height, width
      return sizes
   end
   -- The part of the input that is in the output, in both; nothing where none is.
   local function overlap(self, input, output)
      local d = input:dim()
      for k, pads in pairs { [d - 1] = { self.pad_t, self.pad_b }, [d] = { self.pad_l, self.pad_r } } do
         local first, last = math.max(0, -pads[1]), math.max(0, -pads[2])
         local length = input:size(k) - first - last
         if length < 1 then return end
         input = input:narrow(k, first + 1, length)
         output = output:narrow(k, math.max(0, pads[1]) + 1, length)
      end
      return input, output
   end

   function ZeroPadding:updateOutput(input)
      local output = self.output:resize(check(self, input)):zero()
      local part, place = overlap(self, input, output)
      if part then place:copy(part) end
      return output
   end
   function ZeroPadding:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.gradOutput(self, gradOutput, check(self, expect.tensor(self, input, 'input')))
      local gradient = self.gradInput:resizeAs(input)
      local part, place = overlap(self, gradient, gradOutput)
      -- what was cut off has no gradient
      if not part or part:nElement() < gradient:nElement() then gradient:zero() end
      if part then part:copy(place) end
      return gradient
   end
end
