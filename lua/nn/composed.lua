-- Activations built from other activations and operations on tensors.
do
   local SoftMin, parent = torch.class('nn.SoftMin', 'nn.Module')
   function SoftMin:updateOutput(input)
      self.mininput = (self.mininput or input.new()):resizeAs(input):copy(input):mul(-1)
      self.inner = self.inner or nn.SoftMax():type(input:type())
      self.output = self.inner:updateOutput(self.mininput)
      return self.output
   end
   function SoftMin:updateGradInput(input, gradOutput)
      self.mininput = (self.mininput or input.new()):resizeAs(input):copy(input):mul(-1)
      self.inner = self.inner or nn.SoftMax():type(input:type())
      self.inner.output = self.output
      self.gradInput = self.inner:updateGradInput(self.mininput, gradOutput):mul(-1)
      return self.gradInput
   end
   function SoftMin:clearState()
      self.inner = nil
      nn.utils.clear(self, 'mininput')
      return parent.clearState(self)
   end
end

do
   local TanhShrink, parent = torch.class('nn.TanhShrink', 'nn.Module')
   function TanhShrink:__init()
      parent.__init(self)
      self.tanh = nn.Tanh()
   end
   function TanhShrink:updateOutput(input)
      self.output:resizeAs(input):copy(input):add(-1, self.tanh:updateOutput(input))
      return self.output
   end
   function TanhShrink:updateGradInput(input, gradOutput)
      local inner = self.tanh:updateGradInput(input, gradOutput)
      self.gradInput:resizeAs(input):copy(gradOutput):add(-1, inner)
      return self.gradInput
   end
   function TanhShrink:clearState()
      self.tanh:clearState()
      return parent.clearState(self)
   end
end

do
   local RReLU, parent = torch.class('nn.RReLU', 'nn.Module')
   function RReLU:__init(lower, upper, inplace)
      parent.__init(self)
      self.lower, self.upper = lower or 1 / 8, upper or 1 / 3
      assert(self.lower <= self.upper and self.lower >= 0 and self.upper >= 0,
         'nn.RReLU: expected 0 <= lower <= upper')
      self.noise = torch.Tensor()
      self.train, self.inplace = true, inplace or false
   end

   -- The slope of every element: 1 above zero; below, drawn in training and the middle in evaluation.
   function RReLU:updateOutput(input)
      self.noise:resizeAs(input)
      local cut = input:le(0)
      self.noise:fill(1)
      local n = cut:sum()
      if n > 0 then
         local slopes = input.new(n)
         if self.train then slopes:uniform(self.lower, self.upper) else slopes:fill((self.lower + self.upper) / 2) end
         self.noise:maskedCopy(cut, slopes)
      end
      if self.inplace then self.output:set(input) else self.output:resizeAs(input):copy(input) end
      self.output:cmul(self.noise)
      return self.output
   end

   function RReLU:updateGradInput(_, gradOutput)
      if self.inplace then
         self.gradInput:set(gradOutput)
      else
         self.gradInput:resizeAs(gradOutput):copy(gradOutput)
      end
      return self.gradInput:cmul(self.noise)
   end

   function RReLU:__tostring__()
      return string.format('%s (l:%f, u:%f)', torch.type(self), self.lower, self.upper)
   end
   function RReLU:clearState()
      self.noise:set()
      return parent.clearState(self)
   end
end

do
   local CReLU, parent = torch.class('nn.CReLU', 'nn.Module')
   function CReLU:__init(nInputDims, inplace)
      parent.__init(self)
      self.nInputDims, self.inplace = nInputDims, inplace or false
   end

   -- The dimension that doubles: the first after those of the batch.
   local function doubled(self, input)
      return input:dim() == self.nInputDims and 1 or input:dim() - self.nInputDims + 1
   end

   function CReLU:updateOutput(input)
      local d = doubled(self, input)
      self.output = torch.cat(input, -input, d):cmax(0)
      return self.output
   end
   function CReLU:updateGradInput(input, gradOutput)
      local d = doubled(self, input)
      local n = input:size(d)
      local up, down = gradOutput:narrow(d, 1, n), gradOutput:narrow(d, n + 1, n)
      self.gradInput:resizeAs(input):copy(up):cmul(input:gt(0):typeAs(input))
      self.gradInput:add(-1, torch.cmul(down, input:lt(0):typeAs(input)))
      return self.gradInput
   end
end

-- Soft maxima over the planes: the plain ones use dimension 1 for 3D, 2 for 4D already.
for _, name in ipairs { 'SoftMax', 'LogSoftMax' } do
   local class = torch.class('nn.Spatial' .. name, 'nn.Module')
   class.updateOutput, class.updateGradInput = nn[name].updateOutput, nn[name].updateGradInput
end

do
   local Gate, parent = torch.class('nn.GatedLinearUnit', 'nn.Module')
   function Gate:__init(dim)
      parent.__init(self)
      self.sigmoid, self.dim = nn.Sigmoid(), dim
   end

   -- The two halves of a tensor along the gated dimension (the last one unless given).
   local function halves(self, tensor)
      local d = self.dim or tensor:dim()
      assert(d <= tensor:dim() and tensor:size(d) % 2 == 0,
         'nn.GatedLinearUnit: expected an even size in dimension ' .. d)
      local n = tensor:size(d) / 2
      return tensor:narrow(d, 1, n), tensor:narrow(d, n + 1, n)
   end
   function Gate:updateOutput(input)
      local values, gates = halves(self, input)
      self.output:resizeAs(values):copy(values):cmul(self.sigmoid:updateOutput(gates))
      return self.output
   end
   function Gate:updateGradInput(input, gradOutput)
      local values, gates = halves(self, input)
      self.gradInput:resizeAs(input)
      local up, down = halves(self, self.gradInput)
      up:copy(self.sigmoid.output):cmul(gradOutput)
      down:copy(self.sigmoid:updateGradInput(gates, torch.cmul(gradOutput, values)))
      return self.gradInput
   end
end
