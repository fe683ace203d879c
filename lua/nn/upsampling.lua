-- More rows and columns than the input has: by repeating or interpolating elements, or from planes that hold them.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- Planes (4 dimensions, with the batch) or volumes (5), by a factor or to a given size.
   local UpSampling = define('UpSampling', {
      setup = function(self, size, mode)
         self.mode = mode and tostring(mode):find('linear') and 'linear' or 'nearest'
         if type(size) == 'table' then
            if self.mode == 'nearest' then
               expect.fail('UpSampling', 'a factor expected for mode nearest, got a table; linear takes sizes')
            end
            self.oheight = expect.whole('UpSampling', size.oheight, 'oheight', 1)
            self.owidth = expect.whole('UpSampling', size.owidth, 'owidth', 1)
            if size.odepth then self.odepth = expect.whole('UpSampling', size.odepth, 'odepth', 1) end
         else
            self.scale_factor = expect.whole('UpSampling', size, 'the factor', 1)
         end
         self.inputSize, self.outputSize = torch.LongStorage(5), torch.LongStorage(5)
      end,
      text = function(self)
         local size = self.scale_factor and self.scale_factor .. 'x' or
            (self.odepth and self.odepth .. 'x' or '') .. self.oheight .. 'x' .. self.owidth
         return string.format('(%s, %s)', size, self.mode)
      end,
   })

   -- Fills inputSize and outputSize; the fifth number is 0 for planes.
   function UpSampling:setSize(input)
      local d, from, to = input:dim(), self.inputSize, self.outputSize
      for k = 1, 5 do from[k] = k <= d and input:size(k) or 0 end
      for k = 1, 5 do to[k] = k > 2 and from[k] * (self.scale_factor or 0) or from[k] end
      if self.scale_factor then return end
      if d == 5 then
         if not self.odepth then expect.fail(self, 'odepth expected for an input of 5 dimensions, there is none') end
         to[3] = self.odepth
      end
      to[d - 1], to[d] = self.oheight, self.owidth
   end

   -- The sizes of the tensor that an output is, with `between` after each number from the third on.
   local function interleaved(sizes, dims, between)
      local list = {}
      for k = 1, dims do
         list[#list + 1] = sizes[k]
         if k > 2 then list[#list + 1] = between end
      end
      return torch.LongStorage(list)
   end

   -- One matrix per dimension makes `count` elements of `n`; positions are single precision, as in Torch7.
   local function interpolation(like, n, count)
      local single, matrix = torch.FloatTensor(1), like.new(count, n):zero()
      local function rounded(value)
         single[1] = value
         return single[1]
      end
      local ratio = count > 1 and rounded((n - 1) / (count - 1)) or 0
      for k = 1, count do
         local position = rounded(ratio * (k - 1))
         local at = math.floor(position)
         local part = rounded(position - at)
         local next_ = math.min(at + 2, n)
         matrix[k][at + 1] = 1 - part
         matrix[k][next_] = matrix[k][next_] + part
      end
      return matrix
   end
   -- What modules keep from call to call, besides their fields: matrices, and a buffer for each dimension.
   local kept = setmetatable({}, { __mode = 'k' })
   local function keep(self, key, make)
      local own = kept[self] or {}
      kept[self] = own
      own[key] = own[key] or make()
      return own[key]
   end

   -- Changes dimensions 3 and on from the sizes `from` to the sizes `to`, the last one first. Going back, by the
   -- transposes of the matrices that lead from `to` to `from`.
   local function interpolate(self, result, tensor, from, to, back)
      local d, typename = tensor:dim(), torch.typename(tensor)
      local value = tensor:contiguous()
      for k = d, 3, -1 do
         local n, count = from[k], to[k]
         if n ~= count then
            local matrix = keep(self, string.format('%s %d %d %s', typename, n, count, tostring(back)), function()
               if back then return interpolation(tensor, count, n):t():contiguous() end
               return interpolation(tensor, n, count)
            end)
            local outer, inner, sizes = 1, 1, value:size()
            for i = 1, d do
               if i < k then outer = outer * sizes[i] elseif i > k then inner = inner * sizes[i] end
            end
            sizes[k] = count
            local product = keep(self, typename .. k .. tostring(back), function() return tensor.new() end)
            if inner == 1 then
               product:resize(outer, count):mm(value:view(outer, n), matrix:t())
            else
               product:resize(outer, count, inner)
               product:bmm(matrix:view(1, count, n):expand(outer, count, n), value:view(outer, n, inner))
            end
            value = product:view(sizes)
         end
      end
      return result:resizeAs(value):copy(value)
   end

   local function sizesOf(storage, d)
      local list = {}
      for k = 1, d do list[k] = storage[k] end
      return torch.LongStorage(list)
   end

   function UpSampling:updateOutput(input)
      expect.tensor(self, input, 'input', 4, 5)
      self:setSize(input)
      local d, s = input:dim(), self.scale_factor
      if self.mode == 'linear' then return interpolate(self, self.output, input, self.inputSize, self.outputSize) end
      local output = self.output:resize(sizesOf(self.outputSize, d))
      local wide = interleaved(self.inputSize, d, s)
      output:view(wide):copy(input:contiguous():view(interleaved(self.inputSize, d, 1)):expand(wide))
      return output
   end
   function UpSampling:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input', 4, 5)
      self:setSize(input)
      local d, s = input:dim(), self.scale_factor
      expect.gradOutput(self, gradOutput, sizesOf(self.outputSize, d))
      if self.mode == 'linear' then
         return interpolate(self, self.gradInput, gradOutput, self.outputSize, self.inputSize, true)
      end
      local sum = gradOutput:contiguous():view(interleaved(self.inputSize, d, s))
      for k = sum:dim(), 4, -2 do sum = sum:sum(k) end
      return self.gradInput:resizeAs(input):copy(sum)
   end
end

do
   -- r * r planes become one of r times the height and width (Shi et al. 2016).
   local PixelShuffle = define('PixelShuffle', {
      options = { { 'upscaleFactor' } },
      setup = function(self)
         local r = expect.whole('PixelShuffle', self.upscaleFactor, 'the factor', 1)
         self.upscaleFactorSquared = r * r
      end,
   })

   -- Batch, planes of the output, height and width of the input.
   local function sizes(self, input)
      expect.tensor(self, input, 'input', 3, 4)
      local d = input:dim()
      local planes = input:size(d - 2)
      if planes % self.upscaleFactorSquared ~= 0 then
         expect.fail(self, 'planes in multiples of %d expected as input, got %d', self.upscaleFactorSquared, planes)
      end
      if not input:isContiguous() then
         expect.fail(self, 'a contiguous input expected; input:contiguous() gives one')
      end
      return d == 4 and input:size(1) or 1, planes / self.upscaleFactorSquared, input:size(d - 1), input:size(d)
   end
   -- resizes a result, with the batch where the input has one
   local function resize(result, input, n, ...)
      if input:dim() == 4 then return result:resize(n, ...) end
      return result:resize(...)
   end

   function PixelShuffle:updateOutput(input)
      local n, planes, h, w = sizes(self, input)
      local r = self.upscaleFactor
      local parts = input:view(n, planes, r, r, h, w):permute(1, 2, 5, 3, 6, 4)
      resize(self.output, input, n, planes, h * r, w * r):view(n, planes, h, r, w, r):copy(parts)
      return self.output
   end
   function PixelShuffle:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      local n, planes, h, w = sizes(self, input)
      local r = self.upscaleFactor
      expect.gradOutput(self, gradOutput, self.output)
      expect.forwardFirst(self, gradOutput:nElement() == input:nElement() and gradOutput:size(gradOutput:dim()) == w * r)
      local parts = gradOutput:contiguous():view(n, planes, h, r, w, r):permute(1, 2, 4, 6, 3, 5)
      self.gradInput:resizeAs(input):view(n, planes, r, r, h, w):copy(parts)
      return self.gradInput
   end
end
