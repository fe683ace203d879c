-- Modules that graphs need: criteria as modules, and tables of one element.
do
   local ModuleFromCriterion, parent = torch.class('nn.ModuleFromCriterion', 'nn.Module')

   -- The loss as a tensor of one element, for an input { prediction, target }.
   function ModuleFromCriterion:__init(criterion)
      parent.__init(self)
      self.criterion = criterion
      self.output = torch.Tensor(1)
      self.gradInput = { torch.Tensor(), torch.Tensor() }
   end

   function ModuleFromCriterion:updateOutput(input)
      self.output:resize(1):fill(self.criterion:updateOutput(input[1], input[2]))
      return self.output
   end

   -- a product of a number and what may be nested
   local function scale(value, by)
      if torch.isTensor(value) then return value:mul(by) end
      for _, v in ipairs(value) do scale(v, by) end
   end

   -- Targets get a gradient of zeros.
   function ModuleFromCriterion:updateGradInput(input, gradOutput)
      local prediction, target = input[1], input[2]
      local grad = self.gradInput
      grad[1] = nn.utils.recursiveCopy(grad[1], self.criterion:updateGradInput(prediction, target))
      scale(grad[1], gradOutput[1])
      grad[2] = nn.utils.recursiveFill(nn.utils.recursiveResizeAs(grad[2], target), 0)
      return grad
   end
end

do
   local JustElement, parent = torch.class('nngraph.JustElement', 'nn.Module')

   -- The only element of a table.
   function JustElement:__init()
      parent.__init(self)
      self.gradInput = {}
   end
   function JustElement:updateOutput(input)
      if type(input) ~= 'table' or #input ~= 1 then
         error('nngraph.JustElement: a table of one element expected, got ' ..
            (type(input) == 'table' and #input .. ' elements' or 'a ' .. torch.type(input)))
      end
      self.output = input[1]
      return self.output
   end
   function JustElement:updateGradInput(_, gradOutput)
      self.gradInput = { gradOutput }
      return self.gradInput
   end
end

do
   local JustTable, parent = torch.class('nngraph.JustTable', 'nn.Module')

   -- A table with the input as its only element.
   function JustTable:__init()
      parent.__init(self)
      self.output = {}
   end
   function JustTable:updateOutput(input)
      self.output = { input }
      return self.output
   end
   function JustTable:updateGradInput(_, gradOutput)
      self.gradInput = gradOutput[1]
      return self.gradInput
   end
end
