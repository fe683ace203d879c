-- Modules that graphs need: from tables of one element and to them.
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
