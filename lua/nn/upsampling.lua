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

   -- Repeats the elements of dimensions 3 and on, the last one first: for a dimension, what follows is a row that is
   -- written `s` times. Going back, such rows are added up, dimension 3 first.
   local function repeated(self, result, input, s)
      local d, value, typename = input:dim(), input:contiguous(), torch.typename(input)
      for k = d, 3, -1 do
         local sizes = value:size()
         local row = 1
         for i = k + 1, d do row = row * sizes[i] end
         sizes[k] = sizes[k] * s
         local wide = k == 3 and result or keep(self, typename .. k, function() return input.new() end)
         wide:resize(sizes)
         local copies, once = wide:view(-1, s, row), value:view(-1, row)
         for j = 1, s do copies:select(2, j):copy(once) end
         value = wide
      end
      return result
   end
   local function summed(self, result, gradOutput, s)
      local d, value, typename = gradOutput:dim(), gradOutput:contiguous(), torch.typename(gradOutput)
      for k = 3, d do
         local sizes = value:size()
         local row = 1
         for i = k + 1, d do row = row * sizes[i] end
         sizes[k] = sizes[k] / s
         local sum = k == d and result or keep(self, typename .. k, function() return gradOutput.new() end)
         sum:resize(sizes)
         local copies, once = value:view(-1, s, row), sum:view(-1, row)
         once:copy(copies:select(2, 1))
         for j = 2, s do once:add(copies:select(2, j)) end
         value = sum
      end
      return result
   end

   function UpSampling:updateOutput(input)
      expect.tensor(self, input, 'input', 4, 5)
      self:setSize(input)
      if self.mode == 'nearest' then return repeated(self, self.output, input, self.scale_factor) end
      return interpolate(self, self.output, input, self.inputSize, self.outputSize)
   end
   function UpSampling:updateGradInput(input, gradOutput)
      if not self.gradInput then return end
      expect.tensor(self, input, 'input', 4, 5)
      self:setSize(input)
      local sizes = input:size()
      for k = 1, #sizes do sizes[k] = self.outputSize[k] end
      expect.gradOutput(self, gradOutput, sizes)
      if self.mode == 'nearest' then return summed(self, self.gradInput, gradOutput, self.scale_factor) end
      return interpolate(self, self.gradInput, gradOutput, self.outputSize, self.inputSize, true)
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
      local places = resize(self.output, input, n, planes, h * r, w * r):view(n, planes, h, r, w, r)
      places:permute(1, 2, 4, 6, 3, 5):copy(input:view(n, planes, r, r, h, w))
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
