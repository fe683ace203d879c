-- Modules that pass their input on in another type or another place in memory.
local define = require 'nn.define'
local expect = require 'nn.expect'

do
   -- From one type of tensor to another; the gradient goes the way back.
   local Copy, parent = define('Copy', {
      options = { { 'intype' }, { 'outtype' }, { 'forceCopy', false }, { 'dontCast' } },
      setup = function(self)
         local usual = torch.getdefaulttensortype()
         self.intype, self.outtype = self.intype or usual, self.outtype or usual
         for _, name in ipairs { self.intype, self.outtype } do
            if type(name) ~= 'string' or not name:find('^torch%.%a+Tensor$') then
               expect.fail('Copy', "the name of a tensor type expected, as 'torch.FloatTensor', got %s", expect.brief(name))
            end
         end
         self.gradInput = torch.Tensor():type(self.intype)
         self.output = torch.Tensor():type(self.outtype)
      end,
   })
   function Copy:updateOutput(input)
      if self.intype == self.outtype and not self.forceCopy then
         expect.anyTensor(self, input, 'input')
         local own = torch.typename(self.output)
         if torch.typename(input) ~= own then
            expect.fail(self, 'an input of type %s expected, got a %s', own, torch.typename(input))
         end
         self.output:set(input)
         return input
      end
      expect.anyTensor(self, input, 'input')
      return self.output:resize(input:size()):copy(input)
   end
   function Copy:updateGradInput(_, gradOutput)
      expect.anyTensor(self, gradOutput, 'gradOutput')
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
   function Contiguous:updateOutput(input) return inRow(self, 'output', expect.tensor(self, input, 'input')) end
   function Contiguous:updateGradInput(_, gradOutput)
      return inRow(self, 'gradInput', expect.tensor(self, gradOutput, 'gradOutput'))
   end
end

do
   -- A module that lives on a device. There is one here, so it is a wrapper that keeps the numbers; files from machines
   -- with several read it.
   local expect = require 'nn.expect'
   local GPU, parent = torch.class('nn.GPU', 'nn.Container')
   function GPU:__init(module, device, outdevice)
      if not torch.isTypeOf(module, 'nn.Module') then
         expect.fail('GPU', 'a module expected as argument 1, got %s', expect.brief(module))
      end
      parent.__init(self)
      self.device = expect.whole('GPU', device, 'the number of the device', 1)
      self.outdevice = expect.whole('GPU', outdevice or device, 'the number of the output\'s device', 1)
      self.modules[1] = module
      if module:type() == 'torch.CudaTensor' then self:cuda() end
   end
   for method, field in pairs { updateOutput = 'output', updateGradInput = 'gradInput' } do
      GPU[method] = function(self, ...)
         local module = self.modules[1]
         self[field] = module[method](module, ...)
         return self[field]
      end
   end
   function GPU:accGradParameters(...) self.modules[1]:accGradParameters(...) end
   for _, method in ipairs { 'accUpdateGradParameters', 'sharedAccUpdateGradParameters' } do
      GPU[method] = function(self)
         expect.fail(self, '%s is not there, as in Torch7; use backward and updateParameters', method)
      end
   end
   -- Everything is where it has to be.
   function GPU:recursiveModuleDevice(object) return object or self.modules[1] end
   function GPU:recursiveSetDevice(_, source) return source end
   function GPU:setDevice(device)
      self.device = device or self.device
      return self
   end
   function GPU:__tostring__()
      return string.format('%s(%d) @ %s', torch.type(self), self.device, tostring(self.modules[1]))
   end
end
