-- One parameter per element of a sample (or per row, column... where a size is 1): products and biases.

-- The sizes given as numbers or one LongStorage.
local function sizesOf(first, ...)
   if torch.typename(first) == 'torch.LongStorage' then return first end
   return torch.LongStorage { first, ... }
end

-- A parameter seen as large as the input; a batch repeats it.
local function spread(self, parameter, input)
   local sizes = self.size:totable()
   if input:dim() == #sizes + 1 then table.insert(sizes, 1, 1) end
   if parameter:nElement() == input:nElement() then return parameter:view(input:size()) end
   if #sizes ~= input:dim() then
      local rows = parameter:nElement()
      return parameter:view(1, rows):expand(input:nElement() / rows, rows):contiguous():view(input:size())
   end
   return parameter:view(torch.LongStorage(sizes)):expandAs(input)
end

-- Adds `tensor`, summed over what `spread` repeated, to a gradient.
local function gather(self, grad, tensor, scale)
   if grad:nElement() == tensor:nElement() then return grad:add(scale, tensor:contiguous():viewAs(grad)) end
   local sizes = self.size:totable()
   if tensor:dim() == #sizes + 1 then table.insert(sizes, 1, 1) end
   if #sizes ~= tensor:dim() then
      return grad:add(scale, tensor:contiguous():view(-1, grad:nElement()):sum(1):viewAs(grad))
   end
   for d, n in ipairs(sizes) do
      if n == 1 and tensor:size(d) ~= 1 then tensor = tensor:sum(d) end
   end
   return grad:add(scale, tensor:contiguous():viewAs(grad))
end

local function initial(self, field, deviation)
   local bound = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(self[field]:nElement())
   self[field]:uniform(-bound, bound)
end

do
   local CMul, parent = torch.class('nn.CMul', 'nn.Module')
   function CMul:__init(...)
      parent.__init(self)
      self.size = sizesOf(...)
      self.weight, self.gradWeight = torch.Tensor(self.size), torch.Tensor(self.size)
      self.output:resize(self.size)
      self:reset()
   end
   function CMul:reset(deviation) initial(self, 'weight', deviation) end
   function CMul:updateOutput(input)
      self.output:resizeAs(input):copy(input):cmul(spread(self, self.weight, input))
      return self.output
   end
   function CMul:updateGradInput(input, gradOutput)
      self.gradInput:resizeAs(input):copy(gradOutput):cmul(spread(self, self.weight, input))
      return self.gradInput
   end
   function CMul:accGradParameters(input, gradOutput, scale)
      gather(self, self.gradWeight, torch.cmul(input, gradOutput), scale or 1)
   end
end

do
   local CAdd, parent = torch.class('nn.CAdd', 'nn.Module')
   function CAdd:__init(...)
      parent.__init(self)
      self.size = sizesOf(...)
      self.bias, self.gradBias = torch.Tensor(self.size), torch.Tensor(self.size)
      self.output:resize(self.size)
      self:reset()
   end
   function CAdd:reset(deviation) initial(self, 'bias', deviation) end
   function CAdd:updateOutput(input)
      self.output:resizeAs(input):copy(input):add(spread(self, self.bias, input))
      return self.output
   end
   function CAdd:updateGradInput(input, gradOutput)
      self.gradInput:resizeAs(input):copy(gradOutput)
      return self.gradInput
   end
   function CAdd:accGradParameters(_, gradOutput, scale)
      gather(self, self.gradBias, gradOutput, scale or 1)
   end
end
