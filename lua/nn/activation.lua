-- Activations: constructors; Rust computes.
for _, name in ipairs { 'Tanh', 'Sigmoid', 'SoftMax', 'LogSoftMax', 'Square', 'SoftSign', 'Exp', 'Log', 'LogSigmoid' } do
   torch.class('nn.' .. name, 'nn.Module')
end

for _, name in ipairs { 'Abs', 'Sqrt' } do
   local class, parent = torch.class('nn.' .. name, 'nn.Module')
   function class:__init() parent.__init(self) end
end

local function flag(value, default)
   if value == nil then value = default end
   if type(value) ~= 'boolean' then error('in-place flag must be boolean') end
   return value
end

do
   local Threshold, parent = torch.class('nn.Threshold', 'nn.Module')
   function Threshold:__init(threshold, value, inplace)
      parent.__init(self)
      self.threshold, self.val = threshold or 1e-6, value or 0
      self.inplace = flag(inplace, false)
      self:validateParameters()
   end

   -- In place, the gradient is read from the result: what was cut off must still be below the threshold.
   function Threshold:validateParameters()
      if type(self.threshold) ~= 'number' or type(self.val) ~= 'number' then
         error('nn.Threshold(threshold, value, [inplace]): threshold and value must be numbers')
      end
      self.inplace = flag(self.inplace, false)
      if self.inplace and self.val > self.threshold then
         error('in-place processing requires value (' .. self.val .. ') not exceed threshold (' .. self.threshold .. ')')
      end
   end
end

do
   local ReLU, parent = torch.class('nn.ReLU', 'nn.Threshold')
   function ReLU:__init(inplace) parent.__init(self, 0, 0, inplace) end
end

do
   local LeakyReLU, parent = torch.class('nn.LeakyReLU', 'nn.Module')
   function LeakyReLU:__init(slope, inplace)
      parent.__init(self)
      if type(slope) == 'boolean' then slope, inplace = nil, slope end
      self.negval, self.inplace = slope or 1 / 100, flag(inplace, false)
      if self.negval < 0 then self.inplace = false end
   end
   function LeakyReLU:__tostring__() return torch.type(self) .. string.format('(%g)', self.negval) end
end

do
   local ELU, parent = torch.class('nn.ELU', 'nn.Module')
   function ELU:__init(alpha, inplace)
      parent.__init(self)
      assert(type(alpha or 1) == 'number', 'alpha must be a number')
      self.alpha, self.inplace = alpha or 1, flag(inplace, false)
   end
   function ELU:__tostring__() return string.format('%s (alpha:%f)', torch.type(self), self.alpha) end
end

do
   local HardTanh, parent = torch.class('nn.HardTanh', 'nn.Module')
   function HardTanh:__init(low, high, inplace)
      parent.__init(self)
      self.min_val, self.max_val, self.inplace = low or -1, high or 1, flag(inplace, false)
      if self.max_val <= self.min_val then error('max_val must be larger than min_val') end
   end
end

do
   local Clamp, parent = torch.class('nn.Clamp', 'nn.HardTanh')
   function Clamp:__init(low, high) parent.__init(self, low, high) end
end

do
   local ReLU6, parent = torch.class('nn.ReLU6', 'nn.Module')
   ReLU6.min_val, ReLU6.max_val = 0, 6
   function ReLU6:__init(inplace)
      parent.__init(self)
      self.inplace = flag(inplace, false)
   end
end

for _, name in ipairs { 'HardShrink', 'SoftShrink' } do
   local class, parent = torch.class('nn.' .. name, 'nn.Module')
   function class:__init(lambda)
      parent.__init(self)
      self.lambda = lambda or 0.5
   end
end

do
   local SoftPlus, parent = torch.class('nn.SoftPlus', 'nn.Module')
   function SoftPlus:__init(beta)
      parent.__init(self)
      -- above the threshold the function is the identity
      self.beta, self.threshold = beta or 1, 20
   end
end

do
   local PReLU, parent = torch.class('nn.PReLU', 'nn.Module')
   function PReLU:__init(planes)
      parent.__init(self)
      self.nOutputPlane = planes or 0
      local n = math.max(self.nOutputPlane, 1)
      self.weight, self.gradWeight = torch.Tensor(n):fill(0.25), torch.Tensor(n):zero()
   end
   function PReLU:clearState()
      nn.utils.clear(self, 'gradWeightBuf', 'gradWeightBuf2')
      return parent.clearState(self)
   end
end
