-- Modules from tables of tensors to tensors and back.

-- Lets self.gradInput have one tensor per input, and returns it.
local function gradients(self, input)
   if torch.type(self.gradInput) ~= 'table' then self.gradInput = {} end
   for i = #self.gradInput, #input + 1, -1 do self.gradInput[i] = nil end
   for i = 1, #input do
      self.gradInput[i] = (self.gradInput[i] or input[1].new()):resizeAs(input[i])
   end
   return self.gradInput
end

do
   local CAddTable, parent = torch.class('nn.CAddTable', 'nn.Module')
   function CAddTable:__init(inplace)
      parent.__init(self)
      self.inplace, self.gradInput = inplace, {}
   end

   function CAddTable:updateOutput(input)
      if self.inplace then self.output:set(input[1]) else self.output:resizeAs(input[1]):copy(input[1]) end
      for i = 2, #input do self.output:add(input[i]) end
      return self.output
   end

   function CAddTable:updateGradInput(input, gradOutput)
      if not self.inplace then
         for _, g in ipairs(gradients(self, input)) do g:copy(gradOutput) end
         return self.gradInput
      end
      for i = 1, #input do self.gradInput[i] = (self.gradInput[i] or input[1].new()):set(gradOutput) end
      for i = #self.gradInput, #input + 1, -1 do self.gradInput[i] = nil end
      return self.gradInput
   end
end

do
   local CSubTable, parent = torch.class('nn.CSubTable', 'nn.Module')
   function CSubTable:__init()
      parent.__init(self)
      self.gradInput = {}
   end
   function CSubTable:updateOutput(input)
      self.output:resizeAs(input[1]):copy(input[1]):add(-1, input[2])
      return self.output
   end
   function CSubTable:updateGradInput(input, gradOutput)
      local g = gradients(self, { input[1], input[2] })
      g[1]:copy(gradOutput)
      g[2]:copy(gradOutput):mul(-1)
      return g
   end
end

do
   local CMulTable, parent = torch.class('nn.CMulTable', 'nn.Module')
   function CMulTable:__init()
      parent.__init(self)
      self.gradInput = {}
   end
   function CMulTable:updateOutput(input)
      self.output:resizeAs(input[1]):copy(input[1])
      for i = 2, #input do self.output:cmul(input[i]) end
      return self.output
   end
   -- products of all the others, so that zeros do no harm
   function CMulTable:updateGradInput(input, gradOutput)
      for i, g in ipairs(gradients(self, input)) do
         g:copy(gradOutput)
         for j, other in ipairs(input) do
            if j ~= i then g:cmul(other) end
         end
      end
      return self.gradInput
   end
   function CMulTable:clearState()
      nn.utils.clear(self, 'tout')
      return parent.clearState(self)
   end
end

do
   local JoinTable, parent = torch.class('nn.JoinTable', 'nn.Module')
   function JoinTable:__init(dimension, nInputDims)
      parent.__init(self)
      self.size = torch.LongStorage()
      self.dimension, self.nInputDims = dimension, nInputDims
      self.gradInput = {}
   end

   -- The dimension counted from 1, after a batch dimension where the inputs have one more than announced.
   function JoinTable:_getPositiveDimension(input)
      local d, dims = self.dimension, input[1]:dim()
      if d < 0 then return dims + d + 1 end
      if self.nInputDims and dims == self.nInputDims + 1 then return d + 1 end
      return d
   end

   function JoinTable:updateOutput(input)
      self.output:cat(input, self:_getPositiveDimension(input))
      return self.output
   end

   function JoinTable:updateGradInput(input, gradOutput)
      local d, offset = self:_getPositiveDimension(input), 1
      for i, g in ipairs(gradients(self, input)) do
         local n = input[i]:size(d)
         g:copy(gradOutput:narrow(d, offset, n))
         offset = offset + n
      end
      return self.gradInput
   end

   function JoinTable:type(typename, cache)
      self.gradInput = typename and {} or self.gradInput
      return parent.type(self, typename, cache)
   end
end

do
   local SplitTable, parent = torch.class('nn.SplitTable', 'nn.Module')
   function SplitTable:__init(dimension, nInputDims)
      parent.__init(self)
      self.dimension, self.nInputDims = dimension, nInputDims
   end

   function SplitTable:_getPositiveDimension(input)
      local d, dims = self.dimension, input:dim()
      if d < 0 then return dims + d + 1 end
      if self.nInputDims and dims == self.nInputDims + 1 then return d + 1 end
      return d
   end

   function SplitTable:updateOutput(input)
      local d, slices = self:_getPositiveDimension(input), {}
      for i = 1, input:size(d) do slices[i] = input:select(d, i) end
      self.output = slices
      return slices
   end

   function SplitTable:updateGradInput(input, gradOutput)
      if not self.gradInput then return nil end
      local d = self:_getPositiveDimension(input)
      self.gradInput:resizeAs(input)
      for i = 1, #gradOutput do self.gradInput:select(d, i):copy(gradOutput[i]) end
      return self.gradInput
   end
end
