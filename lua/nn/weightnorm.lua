-- Weights as length times direction, w = g v / |v|, where v and g are learned in the place of w (Salimans and Kingma
-- 2016): for a linear layer, and around any module with a weight. Rust computes Linear.
local expect = require 'nn.expect'

-- Modules whose weight has served as a buffer, as in Torch7: what v and g make has to be put into it again.
local stale = setmetatable({}, { __mode = 'k' })

-- Adds the gradients of v and g, from that of the weight (`slope`, a matrix like v): of g it is slope . v / |v|, of v
-- scale (slope - v (slope . v) / |v|^2), where scale = g / |v|. Nothing is changed before everything is computed: the
-- gradients may be the parameters themselves. `buffer` gets what is taken from the gradient of v.
local function splitGradient(slope, v, norm, scale, gradV, gradG, buffer)
   local along = buffer:resizeAs(v):cmul(slope, v):sum(2):cdiv(norm)
   local toward = torch.cdiv(along, norm):cmul(scale)
   buffer:cmul(v, toward:expandAs(v))
   slope:cmul(scale:expandAs(v)):add(-1, buffer)
   gradV:add(slope:viewAs(gradV))
   gradG:add(along:viewAs(gradG))
end

do
   local LinearWeightNorm, parent = torch.class('nn.LinearWeightNorm', 'nn.Linear')

   function LinearWeightNorm:__init(inputSize, outputSize, bias, eps)
      nn.Module.__init(self)
      self.inputSize = expect.whole('LinearWeightNorm', inputSize, 'inputSize', 1)
      self.outputSize = expect.whole('LinearWeightNorm', outputSize, 'outputSize', 1)
      self.eps = eps or 1e-16
      self.v, self.gradV = nn.utils.parameter(outputSize, inputSize)
      self.g, self.gradG = nn.utils.parameter(outputSize, 1)
      self.weight, self.gradWeight = nn.utils.parameter(outputSize, inputSize)
      self.norm, self.scale = torch.Tensor(outputSize, 1), torch.Tensor(outputSize, 1)
      if bias ~= false then self.bias, self.gradBias = nn.utils.parameter(outputSize) end
      self:reset()
   end

   function LinearWeightNorm:reset(deviation)
      nn.utils.draw(self, self.inputSize, deviation, self.v, self.bias)
      self.g:norm(self.v, 2, 2)
      return self
   end

   -- v and g that make a weight: the module's own, or the one that is given.
   function LinearWeightNorm:initFromWeight(weight)
      weight = weight or self.weight
      self.g:norm(weight, 2, 2):clamp(self.eps, math.huge)
      self.v:copy(weight)
      return self
   end

   function LinearWeightNorm.fromLinear(linear)
      if not torch.isTypeOf(linear, 'nn.Linear') then
         expect.fail('LinearWeightNorm.fromLinear', 'an nn.Linear expected, got %s', expect.brief(linear))
      end
      local weight = linear.weight
      local module = nn.LinearWeightNorm(weight:size(2), weight:size(1), linear.bias ~= nil):type(linear:type())
      module.weight:copy(weight)
      if linear.bias then module.bias:copy(linear.bias) end
      return module:initFromWeight()
   end

   function LinearWeightNorm:toLinear()
      self:updateWeightMatrix()
      local linear = nn.Linear(self.inputSize, self.outputSize, self.bias ~= nil):type(self:type())
      linear.weight:copy(self.weight)
      if self.bias then linear.bias:copy(self.bias) end
      return linear
   end

   function LinearWeightNorm:parameters()
      if self.bias then return { self.v, self.g, self.bias }, { self.gradV, self.gradG, self.gradBias } end
      return { self.v, self.g }, { self.gradV, self.gradG }
   end

   function LinearWeightNorm:updateWeightMatrix()
      self.norm:norm(self.v, 2, 2):clamp(self.eps, math.huge)
      local scale = self.scale:cdiv(self.g, self.norm)
      self.weight:resizeAs(self.v):cmul(self.v, scale:expandAs(self.v))
      stale[self] = nil
   end

   local function check(self, input, ...)
      expect.tensor(self, input, 'input', 1, 2)
      local d = input:dim()
      if input:size(d) ~= self.inputSize then
         expect.fail(self, 'samples of %d features expected as input, got %s', self.inputSize, expect.brief(input))
      end
      if select('#', ...) == 0 then return end
      local sizes = input:size()
      sizes[d] = self.outputSize
      expect.gradOutput(self, (...), sizes)
   end

   -- While it is not trained, the weight stays as it is.
   function LinearWeightNorm:updateOutput(input)
      check(self, input)
      if self.train ~= false or stale[self] or self.weight:dim() == 0 then self:updateWeightMatrix() end
      return parent.updateOutput(self, input)
   end
   function LinearWeightNorm:evaluate()
      if self.train ~= false then self:updateWeightMatrix() end
      parent.evaluate(self)
   end

   function LinearWeightNorm:updateGradInput(input, gradOutput)
      check(self, input, gradOutput)
      if stale[self] then self:updateWeightMatrix() end
      return parent.updateGradInput(self, input, gradOutput)
   end
   function LinearWeightNorm:accGradParameters(input, gradOutput, scale)
      check(self, input, gradOutput)
      if self.norm:dim() == 0 then self:updateWeightMatrix() end
      self.gradWeight:resizeAs(self.v):zero()
      parent.accGradParameters(self, input, gradOutput, scale or 1)
      local buffer = self.train ~= false and self.weight or self.v.new()
      stale[self] = self.train ~= false or nil
      splitGradient(self.gradWeight, self.v, self.norm, self.scale, self.gradV, self.gradG, buffer)
   end

   function LinearWeightNorm:defaultAccUpdateGradParameters(input, gradOutput, rate)
      expect.rate(self, rate)
      local gradV, gradG, gradBias = self.gradV, self.gradG, self.gradBias
      self.gradV, self.gradG, self.gradBias = self.v, self.g, self.bias
      self:accGradParameters(input, gradOutput, -rate)
      self.gradV, self.gradG, self.gradBias = gradV, gradG, gradBias
   end
   LinearWeightNorm.sharedAccUpdateGradParameters = LinearWeightNorm.defaultAccUpdateGradParameters

   -- what v and g make again
   function LinearWeightNorm:clearState()
      nn.utils.clear(self, 'weight', 'gradWeight', 'norm', 'scale')
      return parent.clearState(self)
   end
end

do
   -- Around a module: v has a row for each entry of the weight's dimension `outputDim`.
   local WeightNorm, parent = torch.class('nn.WeightNorm', 'nn.Decorator')

   function WeightNorm:__init(module, outputDim)
      if not torch.isTypeOf(module, 'nn.Module') then
         expect.fail('WeightNorm', 'a module with a weight expected, got %s', expect.brief(module))
      end
      if not torch.isTensor(module.weight) then
         expect.fail('WeightNorm', 'a module with a weight expected, got %s, which has none', torch.type(module))
      end
      parent.__init(self, module)
      local weight = module.weight
      self.weight, self.gradWeight, self.bias, self.gradBias = weight, module.gradWeight, module.bias, module.gradBias
      self.outputDim = expect.whole('WeightNorm', outputDim or 1, 'outputDim', 1, weight:dim())
      self.weightSize = weight:size()
      local sizes = self.weightSize:totable()
      table.insert(sizes, 1, table.remove(sizes, self.outputDim))
      self.viewOut = torch.LongStorage(sizes)
      local n = sizes[1]
      self.viewIn = torch.LongStorage { n, weight:nElement() / n }
      self.v, self.gradV = nn.utils.parameter(self.viewIn)
      self.g, self.gradG = torch.Tensor(n, 1), torch.zeros(n)
      self._norm, self._scale = torch.Tensor(n, 1), torch.Tensor(n, 1)
      self:resetInit(self.viewIn[2])
      self:type(module:type())
      self:updateWeight()
   end

   -- First values for an output that depends on `inputSize` inputs (He et al. 2015).
   function WeightNorm:resetInit(inputSize)
      expect.count(self, inputSize, 'the number of inputs')
      self.v:normal(0, math.sqrt(2 / inputSize))
      self.g:norm(self.v, 2, 2)
      if self.bias then self.bias:zero() end
   end

   -- Tensors of the weight's sizes with outputDim in front as a matrix, and back.
   function WeightNorm:permuteIn(tensor)
      expect.anyTensor(self, tensor, 'tensor', self.outputDim, math.huge)
      for d = self.outputDim, 2, -1 do tensor = tensor:transpose(d, d - 1) end
      return tensor:contiguous():view(self.viewIn)
   end
   function WeightNorm:permuteOut(tensor)
      expect.anyTensor(self, tensor, 'tensor')
      tensor = tensor:view(self.viewOut)
      for d = 2, self.outputDim do tensor = tensor:transpose(d - 1, d) end
      return tensor
   end

   -- The square of a length is taken with this on top, so that none is 0.
   local EPSILON = 1e-4
   function WeightNorm:updateWeight()
      local v, product = self.v, self._product or self.v.new()
      self._product = product:resizeAs(v)
      local norm = self._norm:sum(product:cmul(v, v), 2):add(EPSILON):sqrt()
      local scale = self._scale:resizeAs(norm):cdiv(self.g:viewAs(norm), norm)
      self.modules[1].weight:copy(self:permuteOut(product:cmul(v, scale:expandAs(v))))
      stale[self] = nil
   end

   function WeightNorm:parameters()
      local values, gradients = { self.v, self.g }, { self.gradV, self.gradG }
      values[3], gradients[3] = self.bias, self.gradBias
      return values, gradients
   end
   function WeightNorm:zeroGradParameters() nn.Module.zeroGradParameters(self) end
   function WeightNorm:updateParameters(rate) nn.Module.updateParameters(self, rate) end

   function WeightNorm:updateOutput(input)
      if self.train ~= false or stale[self] then self:updateWeight() end
      return parent.updateOutput(self, input)
   end
   function WeightNorm:evaluate()
      if self.train ~= false or stale[self] then self:updateWeight() end
      parent.evaluate(self)
   end

   function WeightNorm:updateGradInput(input, gradOutput)
      if stale[self] then self:updateWeight() end
      return parent.updateGradInput(self, input, gradOutput)
   end
   function WeightNorm:accGradParameters(input, gradOutput, scale)
      local module = self.modules[1]
      module.gradWeight:zero()
      module:accGradParameters(input, gradOutput, scale or 1)
      local slope = self:permuteIn(module.gradWeight)
      -- the sizes in which Torch7 leaves them
      self.gradV:resize(self.viewOut)
      self.gradG:resize(self.viewIn[1], 1)
      local buffer = self.train ~= false and module.weight:view(self.viewIn) or self._product
      stale[self] = self.train ~= false or nil
      splitGradient(slope, self.v, self._norm, self._scale, self.gradV, self.gradG, buffer)
   end
   for _, method in ipairs { 'accUpdateGradParameters', 'sharedAccUpdateGradParameters' } do
      WeightNorm[method] = function(self, input, gradOutput, rate)
         nn.Module.sharedAccUpdateGradParameters(self, input, gradOutput, rate)
      end
   end

   -- Files have v and g only.
   function WeightNorm:write(file)
      local module = self.modules[1]
      local weight, gradWeight = module.weight, module.gradWeight
      local function put(w, g)
         self.weight, self.gradWeight, module.weight, module.gradWeight = w, g, w, g
      end
      if stale[self] then self:updateWeight() end
      put(nil, nil)
      local ok, why = pcall(parent.write, self, file)
      put(weight, gradWeight)
      if not ok then error(why, 0) end
   end
   function WeightNorm:read(file, ...)
      parent.read(self, file, ...)
      local module = self.modules[1]
      if not module.weight then
         module.weight, module.gradWeight = self.v.new(self.weightSize), self.v.new(self.weightSize):zero()
         self:updateWeight()
      end
      self.weight, self.gradWeight = module.weight, module.gradWeight
   end
end
