-- nnx: layers that treat each place of a picture (planes x height x width) alike.
require 'nn'
local expect = require 'nn.expect'

local function planes(self, input)
   expect.tensor(self, input, 'input (planes x height x width)', 3)
   return input:size(1), input:size(2), input:size(3)
end

-- nn.SpatialLinear(fanin, fanout): a linear layer of each place's values.
do
   local SpatialLinear, parent = torch.class('nn.SpatialLinear', 'nn.Module')

   function SpatialLinear:__init(fanin, fanout)
      parent.__init(self)
      self.fanin = expect.whole(self, fanin or 1, 'the number of planes', 1)
      self.fanout, self.weightDecay = expect.whole(self, fanout or 1, 'the number of planes of the output', 1), 0
      self.weight, self.gradWeight = nn.utils.parameter(self.fanout, self.fanin)
      self.bias, self.gradBias = nn.utils.parameter(self.fanout)
      self:reset()
   end

   function SpatialLinear:reset(stdv)
      stdv = stdv and expect.number(self, stdv, 'the deviation') * math.sqrt(3) or 1 / math.sqrt(self.weight:size(1))
      for i = 1, self.fanout do
         self.weight[i]:uniform(-stdv, stdv)
         self.bias[i] = torch.uniform(-stdv, stdv)
      end
   end

   local function matrix(x) return x:contiguous():view(x:size(1), -1) end
   local function check(self, input, gradOutput)
      local _, height, width = planes(self, input)
      expect.gradOutput(self, gradOutput, torch.LongStorage { self.fanout, height, width })
   end

   function SpatialLinear:updateOutput(input)
      local _, height, width = planes(self, input)
      self.output:resize(self.fanout, height * width)
      self.output:copy(self.bias:view(-1, 1):expandAs(self.output)):addmm(self.weight, matrix(input))
      self.output:resize(self.fanout, height, width)
      return self.output
   end
   function SpatialLinear:updateGradInput(input, gradOutput)
      check(self, input, gradOutput)
      self.gradInput:resize(self.fanin, input:size(2) * input:size(3)):mm(self.weight:t(), matrix(gradOutput))
      self.gradInput:resizeAs(input)
      return self.gradInput
   end
   function SpatialLinear:accGradParameters(input, gradOutput, scale)
      check(self, input, gradOutput)
      local gradient = matrix(gradOutput)
      self.gradWeight:addmm(scale or 1, gradient, matrix(input):t())
      self.gradBias:add(scale or 1, gradient:sum(2):view(-1))
   end
   function SpatialLinear:decayParameters(decay)
      expect.number(self, decay, 'the decay')
      self.weight:add(-decay, self.weight)
      self.bias:add(-decay, self.bias)
   end
end

-- nn.SpatialClassifier(classifier): a classifier of vectors, of the values at each place. With `spatialOutput` its
-- results are planes again, otherwise one row for each place.
do
   local SpatialClassifier, parent = torch.class('nn.SpatialClassifier', 'nn.Container')

   function SpatialClassifier:__init(classifier)
      parent.__init(self)
      if classifier ~= nil and not expect.module(self, classifier).updateOutput then
         expect.fail(self, 'a module expected as the classifier, got %s', expect.brief(classifier))
      end
      self.classifier, self.spatialOutput = classifier or nn.Sequential(), true
      self.modules = { self.classifier }
   end
   function SpatialClassifier:add(module)
      if not self.classifier.add then
         expect.fail(self, 'add: the classifier is a %s, not a container', torch.type(self.classifier))
      end
      self.classifier:add(module)
      return self
   end

   -- rows of places, from planes
   local function rows(self, name, x)
      self[name] = self[name] or x.new()
      local n = x:size(1)
      return self[name]:resize(x:nElement() / n, n):copy(x:contiguous():view(n, -1):t())
   end
   local function unrows(result, x, height, width)
      result:resize(x:size(2), x:size(1)):copy(x:t())
      return result:resize(x:size(2), height, width)
   end

   function SpatialClassifier:updateOutput(input)
      local _, height, width = planes(self, input)
      local output = self.classifier:updateOutput(rows(self, 'inputRows', input))
      if not self.spatialOutput then
         self.output = output
         return output
      end
      return unrows(self.output, output, height, width)
   end
   local function gradient(self, gradOutput)
      if not self.spatialOutput then return gradOutput end
      return rows(self, 'gradRows', expect.tensor(self, gradOutput, 'gradOutput', 3))
   end
   function SpatialClassifier:updateGradInput(input, gradOutput)
      local _, height, width = planes(self, input)
      local result = self.classifier:updateGradInput(rows(self, 'inputRows', input), gradient(self, gradOutput))
      return unrows(self.gradInput, result, height, width)
   end
   function SpatialClassifier:accGradParameters(input, gradOutput, scale)
      planes(self, input)
      self.classifier:accGradParameters(rows(self, 'inputRows', input), gradient(self, gradOutput), scale)
   end
end

-- nn.SpatialColorTransform(name): rgb2yuv, yuv2rgb, rgb2y as layers; rgb2hsl, hsl2rgb, rgb2hsv, hsv2rgb, rgb2nrgb and
-- rgb2y+nrgb without a gradient.
do
   local SpatialColorTransform, parent = torch.class('nn.SpatialColorTransform', 'nn.Module')
   local matrices = {
      rgb2yuv = { { 0.299, 0.587, 0.114 }, { -0.14713, -0.28886, 0.436 }, { 0.615, -0.51499, -0.10001 } },
      yuv2rgb = { { 1, 0, 1.13983 }, { 1, -0.39465, -0.58060 }, { 1, 2.03211, 0 } },
      rgb2y = { { 0.299, 0.587, 0.114 } },
   }
   local functions = {
      rgb2hsl = 'rgb2hsl', hsl2rgb = 'hsl2rgb', rgb2hsv = 'rgb2hsv', hsv2rgb = 'hsv2rgb', rgb2nrgb = 'rgb2nrgb',
   }

   function SpatialColorTransform:__init(name)
      parent.__init(self)
      self.transform = name
      if matrices[name] then
         self.islinear = true
         self.linear = nn.SpatialLinear(3, #matrices[name])
         self.linear.weight:copy(torch.Tensor(matrices[name]))
         self.linear.bias:zero()
      elseif not functions[name] and name ~= 'rgb2y+nrgb' then
         error(string.format("nn.SpatialColorTransform: expected a transform as 'rgb2yuv', got %s", tostring(name)), 2)
      end
   end
   function SpatialColorTransform:updateOutput(input)
      if self.islinear then
         self.output = self.linear:updateOutput(input)
         return self.output
      end
      local image = require 'image'
      if functions[self.transform] then
         self.output = image[functions[self.transform]](input)
      else
         local luma = image.rgb2y(input)
         self.output = torch.cat(luma:view(1, input:size(2), input:size(3)), image.rgb2nrgb(input), 1)
      end
      return self.output
   end
   function SpatialColorTransform:updateGradInput(input, gradOutput)
      if not self.islinear then
         expect.fail(self, "'%s' has no gradient", self.transform)
      end
      self.gradInput = self.linear:updateGradInput(input, gradOutput)
      return self.gradInput
   end
   function SpatialColorTransform:type(...)
      if self.linear then self.linear:type(...) end
      return parent.type(self, ...)
   end
end
