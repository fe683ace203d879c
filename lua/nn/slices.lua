-- Modules that pick a part of their input; the gradient of the rest is 0.

-- A dimension counted from the end becomes one counted from the start, an index likewise.
local function fromEnd(value, count) return value < 0 and count + value + 1 or value end

do
   local Select, parent = torch.class('nn.Select', 'nn.Module')
   function Select:__init(dimension, index)
      parent.__init(self)
      self.dimension, self.index = dimension, index
   end
   local function place(self, input)
      local d = fromEnd(self.dimension, input:dim())
      return d, fromEnd(self.index, input:size(d))
   end
   function Select:updateOutput(input)
      local part = input:select(place(self, input))
      self.output:resizeAs(part)
      return self.output:copy(part)
   end
   function Select:updateGradInput(input, gradOutput)
      self.gradInput:resizeAs(input):zero()
      self.gradInput:select(place(self, input)):copy(gradOutput)
      return self.gradInput
   end
end

do
   local SelectTable, parent = torch.class('nn.SelectTable', 'nn.Module')
   function SelectTable:__init(index)
      parent.__init(self)
      self.index, self.gradInput = index, {}
   end
   local function key(self, input)
      return type(self.index) == 'number' and fromEnd(self.index, #input) or self.index
   end
   function SelectTable:updateOutput(input)
      local value = input[key(self, input)]
      assert(value, 'index does not exist in the input table')
      self.output = value
      return value
   end
   local function zeros(value)
      if torch.isTensor(value) then return value.new():resizeAs(value):zero() end
      local t = {}
      for k, v in pairs(value) do t[k] = zeros(v) end
      return t
   end
   function SelectTable:updateGradInput(input, gradOutput)
      self.gradInput = zeros(input)
      local chosen = key(self, input)
      self.gradInput[chosen] = nn.utils.recursiveCopy(self.gradInput[chosen], gradOutput)
      return self.gradInput
   end
   function SelectTable:__tostring__() return torch.type(self) .. '(' .. tostring(self.index) .. ')' end
end
