-- Modules that pass their input on in another type or another place in memory.
local define = require 'nn.define'

do
   -- From one type of tensor to another; the gradient goes the way back.
   local Copy, parent = define('Copy', {
      options = { { 'intype' }, { 'outtype' }, { 'forceCopy', false }, { 'dontCast' } },
      setup = function(self)
         local usual = torch.getdefaulttensortype()
         self.intype, self.outtype = self.intype or usual, self.outtype or usual
         self.gradInput = torch.Tensor():type(self.intype)
         self.output = torch.Tensor():type(self.outtype)
      end,
   })
   function Copy:updateOutput(input)
      if self.intype == self.outtype and not self.forceCopy then
         self.output:set(input)
         return input
      end
      return self.output:resize(input:size()):copy(input)
   end
   function Copy:updateGradInput(_, gradOutput)
      return self.gradInput:resize(gradOutput:size()):copy(gradOutput)
   end
   function Copy:type(typename, ...)
      if typename and self.dontCast then return self end
      return parent.type(self, typename, ...)
   end
end

do
   -- A tensor without gaps: the input itself, or a copy.
   local Contiguous = define 'Contiguous'
   local function inRow(self, field, tensor)
      local result = self[field]
      if tensor:isContiguous() then return result:set(tensor) end
      -- what was a view before must not be written into
      return result:set(tensor:clone())
   end
   function Contiguous:updateOutput(input) return inRow(self, 'output', input) end
   function Contiguous:updateGradInput(_, gradOutput) return inRow(self, 'gradInput', gradOutput) end
end
