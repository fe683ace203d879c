-- The poolings and the normalization that inn has and nn does not.
local expect = require 'nn.expect'

do
   -- One value of each window, drawn with the values as weights; in evaluation their mean, weighted by themselves
   -- (Zeiler and Fergus 2013). Inputs are expected not to be negative.
   local class, parent = torch.class('inn.SpatialStochasticPooling', 'nn.SpatialMaxPooling')
   function class:__init(kW, kH, dW, dH)
      parent.__init(self, kW, kH, dW, dH)
      self:ceil()
   end
   -- The windows as rows of a matrix (those that hang over the end with zeros there), and the size of what they give.
   local function windows(self, input)
      local batch = input:dim() == 4 and input or input:view(1, input:size(1), input:size(2), input:size(3))
      local height, width = batch:size(3), batch:size(4)
      if height < self.kH or width < self.kW then
         expect.fail(self, 'an input of at least %dx%d expected, got %s', self.kH, self.kW, expect.brief(input))
      end
      local rows = math.ceil((height - self.kH) / self.dH) + 1
      local columns = math.ceil((width - self.kW) / self.dW) + 1
      local wide = input.new(batch:size(1), batch:size(2), (rows - 1) * self.dH + self.kH, (columns - 1) * self.dW + self.kW):zero()
      local seen = { math.min(height, wide:size(3)), math.min(width, wide:size(4)) }
      wide:narrow(3, 1, seen[1]):narrow(4, 1, seen[2]):copy(batch:narrow(3, 1, seen[1]):narrow(4, 1, seen[2]))
      local parts = wide:unfold(3, self.kH, self.dH):unfold(4, self.kW, self.dW):contiguous()
      return parts:view(-1, self.kH * self.kW), rows, columns
   end
   -- The place in its plane, from 1, of the place in each window.
   local function in_plane(self, places, rows, columns, size)
      places = places:add(-1):double():view(-1, rows, columns)
      local y = torch.floor(places / self.kW)
      local x = places - y * self.kW
      y:add(torch.range(0, rows - 1):mul(self.dH):view(1, rows, 1):expandAs(y)):clamp(0, size[1] - 1)
      x:add(torch.range(0, columns - 1):mul(self.dW):view(1, 1, columns):expandAs(x)):clamp(0, size[2] - 1)
      return y:mul(size[2]):add(x):add(1)
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      local values, rows, columns = windows(self, input)
      local planes = input:dim() == 4 and { input:size(1), input:size(2) } or { input:size(1) }
      local sizes = torch.LongStorage { unpack(planes) }
      sizes:resize(#planes + 2)
      sizes[#planes + 1], sizes[#planes + 2] = rows, columns
      if self.train == false then
         local sum = values:sum(2):clamp(1.2e-38, math.huge)
         self.indices = nil
         self.output:resize(sizes):copy(torch.cmul(values, values):sum(2):cdiv(sum))
         return self.output
      end
      local sums = values:cumsum(2)
      local drawn = sums:narrow(2, values:size(2), 1):clone():cmul(values.new(values:size(1), 1):uniform())
      local places = torch.getconstructortable(torch._beside(values, 'Long'))(values:size(1), 1)
      places:copy(sums:lt(drawn:expandAs(sums)):typeAs(places):sum(2)):add(1):clamp(1, values:size(2))
      self.output:resize(sizes):copy(values:gather(2, places))
      self.indices = in_plane(self, places, rows, columns, { input:size(input:dim() - 1), input:size(input:dim()) })
      return self.output
   end
   function class:updateGradInput(input, gradOutput)
      expect.tensor(self, input, 'input', 3, 4)
      expect.gradOutput(self, gradOutput, self.output)
      if not self.indices then expect.fail(self, 'backward follows a forward pass in training, where values are drawn') end
      local planes = self.indices:size(1)
      -- places in the whole input
      local first = torch.range(0, planes - 1):mul(input:nElement() / planes):view(planes, 1, 1)
      local places = torch.add(self.indices:double(), first:expandAs(self.indices))
      local long = torch.getconstructortable(torch._beside(input, 'Long'))(places:nElement()):copy(places)
      self.gradInput:resizeAs(input):zero()
      self.gradInput:view(-1):indexAdd(1, long, gradOutput:contiguous():view(-1))
      return self.gradInput
   end
end

do
   -- Maxima over grids of several sizes, { width, height } each, one after the other (He et al. 2014).
   local class, parent = torch.class('inn.SpatialPyramidPooling', 'nn.Concat')
   function class:__init(...)
      parent.__init(self, 1)
      local pyramid = { ... }
      if type(pyramid[1]) == 'table' and type(pyramid[1][1]) == 'table' then pyramid = pyramid[1] end
      if #pyramid == 0 then expect.fail(self, 'sizes of grids expected, as { 4, 4 }, { 3, 3 }, got none') end
      self.pyr = pyramid
      for i, size in ipairs(pyramid) do
         local what = string.format('grid %d', i)
         expect.table(self, size, what, 2)
         local w, h = expect.whole(self, size[1], 'the width of ' .. what, 1), expect.whole(self, size[2], 'the height of ' .. what, 1)
         parent.add(self, nn.Sequential():add(nn.SpatialAdaptiveMaxPooling(w, h)):add(nn.View(-1):setNumInputDims(3))
            :add(nn.Contiguous()))
      end
   end
   function class:updateOutput(input)
      expect.tensor(self, input, 'input', 3, 4)
      self.dimension = input:dim() - 2
      return parent.updateOutput(self, input)
   end
end

do
   -- x / (1 + alpha * (mean of the squares around it in its plane)) ^ beta
   local class, parent = torch.class('inn.SpatialSameResponseNormalization', 'nn.Sequential')
   function class:__init(size, alpha, beta)
      parent.__init(self)
      self.size = size == nil and 3 or expect.whole(self, size, 'the size', 1)
      self.alpha = alpha == nil and 5e-5 or expect.number(self, alpha, 'alpha')
      self.beta = beta == nil and 0.75 or expect.number(self, beta, 'beta')
      local pad = math.floor(self.size / 2)
      local around = nn.Sequential():add(nn.Square()):add(nn.SpatialAveragePooling(self.size, self.size, 1, 1, pad, pad))
         :add(nn.MulConstant(self.alpha, true)):add(nn.AddConstant(1, true)):add(nn.Power(self.beta))
      self:add(nn.ConcatTable():add(nn.Identity()):add(around)):add(nn.CDivTable())
   end
end
