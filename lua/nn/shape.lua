-- Modules that only look at their input in another way.
do
   local Identity = torch.class('nn.Identity', 'nn.Module')
   function Identity:updateOutput(input)
      self.output = input
      return input
   end
   function Identity:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput
      return gradOutput
   end
   -- the results belong to others, so they are let go, not emptied
   function Identity:clearState()
      for _, name in ipairs { 'output', 'gradInput' } do
         if torch.isTensor(self[name]) then self[name] = self[name].new() else self[name] = {} end
      end
      return self
   end
end

-- A LongStorage from numbers or from one LongStorage.
local function sizesOf(first, ...)
   if torch.typename(first) == 'torch.LongStorage' then return torch.LongStorage(first:size()):copy(first) end
   return torch.LongStorage { first, ... }
end

local function product(sizes)
   local n = 1
   for i = 1, #sizes do
      if sizes[i] >= 0 then n = n * sizes[i] end
   end
   return n
end

do
   local View, parent = torch.class('nn.View', 'nn.Module')
   function View:__init(...)
      parent.__init(self)
      self:resetSize(...)
   end

   function View:resetSize(...)
      self.size = sizesOf(...)
      self.numElements = product(self.size)
      local open = 0
      for i = 1, #self.size do
         if self.size[i] < 0 then
            if self.size[i] ~= -1 then error('nn.View: a size should be positive or -1') end
            open = open + 1
         end
      end
      if open > 1 then error('nn.View: only one size may be left open with -1') end
      return self
   end

   function View:setNumInputDims(n)
      self.numInputDims = n
      return self
   end

   -- How many samples the input holds; nil for one sample without a batch dimension.
   local function samples(self, input)
      local dims = input:dim()
      local own = self.numInputDims or dims
      local inner, outer, open = 1, 1, false
      for d = 1, dims do
         if d > dims - own then inner = inner * input:size(d) else outer = outer * input:size(d) end
      end
      if inner % self.numElements ~= 0 then
         error(string.format('input view (%s) and desired view (%s) do not match',
            table.concat(input:size():totable(), 'x'), table.concat(self.size:totable(), 'x')))
      end
      for i = 1, #self.size do open = open or self.size[i] < 0 end
      local n = outer * (open and 1 or inner / self.numElements)
      if n == 1 and (not self.numInputDims or dims <= self.numInputDims) then return nil end
      return n
   end

   function View:updateOutput(input)
      self.output = self.output or input.new()
      local n = samples(self, input)
      if n then self.output:view(input, n, unpack(self.size:totable())) else self.output:view(input, self.size) end
      return self.output
   end

   function View:updateGradInput(input, gradOutput)
      self.gradInput = self.gradInput or gradOutput.new()
      self.gradInput:view(gradOutput, input:size())
      return self.gradInput
   end

   function View:__tostring__()
      return torch.type(self) .. '(' .. table.concat(self.size:totable(), ', ') .. ')'
   end
end

do
   local Reshape, parent = torch.class('nn.Reshape', 'nn.Module')
   function Reshape:__init(...)
      parent.__init(self)
      local arguments = { ... }
      if type(arguments[#arguments]) == 'boolean' then self.batchMode = table.remove(arguments) end
      self.size = sizesOf(unpack(arguments))
      self.nelement = 1
      self.batchsize = torch.LongStorage(#self.size + 1)
      for i = 1, #self.size do
         self.nelement = self.nelement * self.size[i]
         self.batchsize[i + 1] = self.size[i]
      end
   end

   -- The tensor itself, or a copy in a row that is kept in a field.
   local function inRow(self, field, tensor)
      if tensor:isContiguous() then return tensor end
      self[field] = self[field] or tensor.new()
      return self[field]:resizeAs(tensor):copy(tensor)
   end

   function Reshape:updateOutput(input)
      input = inRow(self, '_input', input)
      local whole = self.batchMode == false
      if self.batchMode == nil then whole = input:nElement() == self.nelement and input:size(1) ~= 1 end
      if whole then
         self.output:view(input, self.size)
      else
         self.batchsize[1] = input:size(1)
         self.output:view(input, self.batchsize)
      end
      return self.output
   end

   function Reshape:updateGradInput(input, gradOutput)
      self.gradInput:viewAs(inRow(self, '_gradOutput', gradOutput), input)
      return self.gradInput
   end

   function Reshape:clearState()
      nn.utils.clear(self, '_input', '_gradOutput')
      return parent.clearState(self)
   end

   function Reshape:__tostring__()
      return torch.type(self) .. '(' .. table.concat(self.size:totable(), 'x') .. ')'
   end
end
