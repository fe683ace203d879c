-- Modules that scale or shift everything alike, by constants or by parameters.
local function take(self, field, value)
   if self.inplace then self[field]:set(value) else self[field]:resizeAs(value):copy(value) end
   return self[field]
end

do
   local MulConstant, parent = torch.class('nn.MulConstant', 'nn.Module')
   function MulConstant:__init(factor, inplace)
      parent.__init(self)
      assert(type(factor) == 'number', 'input is not scalar!')
      self.constant_scalar = factor
      if inplace ~= nil and type(inplace) ~= 'boolean' then error('in-place flag must be boolean') end
      self.inplace = inplace or false
   end
   function MulConstant:updateOutput(input) return take(self, 'output', input):mul(self.constant_scalar) end
   function MulConstant:updateGradInput(input, gradOutput)
      if not self.gradInput then return nil end
      local g = take(self, 'gradInput', gradOutput):mul(self.constant_scalar)
      -- in place, the input gets its old values back
      if self.inplace then input:div(self.constant_scalar) end
      return g
   end
end

do
   local AddConstant, parent = torch.class('nn.AddConstant', 'nn.Module')
   function AddConstant:__init(constant, inplace)
      parent.__init(self)
      self.constant_scalar = constant
      if inplace ~= nil and type(inplace) ~= 'boolean' then error('in-place flag must be boolean') end
      self.inplace = inplace or false
   end
   function AddConstant:updateOutput(input)
      local output = take(self, 'output', input)
      if type(self.constant_scalar) == 'number' then return output:add(self.constant_scalar) end
      return output:add(self.constant_scalar:expandAs(output))
   end
   function AddConstant:updateGradInput(input, gradOutput)
      local g = take(self, 'gradInput', gradOutput)
      if self.inplace then
         local c = self.constant_scalar
         if type(c) == 'number' then input:add(-c) else input:add(-1, c:expandAs(input)) end
      end
      return g
   end
end

do
   local Power, parent = torch.class('nn.Power', 'nn.Module')
   function Power:__init(exponent)
      parent.__init(self)
      assert(exponent ~= nil, 'power expected')
      self.pow = exponent
   end
   function Power:updateOutput(input)
      return self.output:resizeAs(input):copy(input):pow(self.pow)
   end
   function Power:updateGradInput(input, gradOutput)
      return self.gradInput:resizeAs(input):copy(input):pow(self.pow - 1):cmul(gradOutput):mul(self.pow)
   end
end

do
   local Mul, parent = torch.class('nn.Mul', 'nn.Module')
   function Mul:__init()
      parent.__init(self)
      self.weight, self.gradWeight = torch.Tensor(1), torch.Tensor(1):zero()
      self:reset()
   end
   function Mul:reset(deviation)
      local bound = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(self.weight:size(1))
      self.weight:uniform(-bound, bound)
   end
   function Mul:updateOutput(input) return self.output:resizeAs(input):copy(input):mul(self.weight[1]) end
   function Mul:updateGradInput(input, gradOutput)
      return self.gradInput:resizeAs(input):zero():add(self.weight[1], gradOutput)
   end
   function Mul:accGradParameters(input, gradOutput, scale)
      self.gradWeight[1] = self.gradWeight[1] + (scale or 1) * input:dot(gradOutput)
   end
end

do
   local Add, parent = torch.class('nn.Add', 'nn.Module')
   function Add:__init(size, scalar)
      parent.__init(self)
      if scalar then assert(size == 1) end
      self.scalar = scalar
      self.bias, self.gradBias = torch.Tensor(size), torch.Tensor(size):zero()
      self._ones = torch.Tensor { 1 }
      self:reset()
   end
   function Add:reset(deviation)
      local bound = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(self.bias:size(1))
      self.bias:uniform(-bound, bound)
   end

   -- The tensor as rows of as many columns as there are biases.
   local function asRows(tensor, rows, width)
      return tensor:contiguous():view(rows, width)
   end

   function Add:updateOutput(input)
      local output = self.output:resizeAs(input):copy(input)
      if self.scalar then return output:add(self.bias[1]) end
      if input:isSameSizeAs(self.bias) then return output:add(self.bias) end
      local rows, width = input:size(1), self.bias:size(1)
      output:view(rows, -1):add(self.bias:view(1, width):expand(rows, width))
      return output
   end
   function Add:updateGradInput(_, gradOutput)
      if self.gradInput then return self.gradInput:resizeAs(gradOutput):copy(gradOutput) end
   end
   function Add:accGradParameters(_, gradOutput, scale)
      scale = scale or 1
      if self.scalar then
         self.gradBias[1] = self.gradBias[1] + scale * gradOutput:sum()
      elseif gradOutput:isSameSizeAs(self.gradBias) then
         self.gradBias:add(scale, gradOutput)
      else
         self.gradBias:add(scale, asRows(gradOutput, gradOutput:size(1), self.bias:size(1)):sum(1):view(-1))
      end
   end
end
