-- Containers around one module: what they do besides passing everything on to it, or copies of it for many inputs.
local define = require 'nn.define'
local expect = require 'nn.expect'
local asked = require 'nn.asked'

-- Methods that give the results of the inner module, and those without a result.
local RESULTS = { updateOutput = 'output', updateGradInput = 'gradInput' }
local STEPS = { 'accGradParameters', 'accUpdateGradParameters', 'sharedAccUpdateGradParameters' }

-- Lets a container class pass everything on to its first module.
local function within(self, method)
   local inner = self.modules[1]
   if type(inner) == 'table' and inner[method] then return inner end
   expect.fail(self, 'a module inside expected, %s', inner == nil and 'there is none' or 'got ' .. expect.brief(inner))
end

local function decorate(class)
   for method, field in pairs(RESULTS) do
      class[method] = function(self, ...)
         local inner = within(self, method)
         self[field] = inner[method](inner, ...)
         return self[field]
      end
   end
   for _, method in ipairs(STEPS) do
      class[method] = function(self, ...)
         local inner = within(self, method)
         inner[method](inner, ...)
      end
   end
   function class:__tostring__() return torch.type(self) .. ' @ ' .. tostring(self.modules[1]) end
end

local Decorator = define('Decorator', {
   parent = 'nn.Container',
   setup = function(self, module) self.modules[1] = module end,
})
Decorator.decorate = decorate
decorate(Decorator)

-- A class made from Decorator, whose constructor takes the module and then `options`.
local function wrapper(name, spec)
   spec.parent = 'nn.Decorator'
   local setup = spec.setup
   table.insert(spec.options, 1, { 'inside' })
   function spec.setup(self, module, ...)
      self.inside, self.modules[1] = nil, module
      if setup then setup(self, module, ...) end
   end
   return define(name, spec)
end

do
   -- Lets a module work on inputs with more dimensions: the first ones become one, and come back in the output.
   local Bottle, parent = wrapper('Bottle', {
      options = { { 'nInputDim', 2 }, { 'nOutputDim' } },
      setup = function(self) self.nOutputDim = self.nOutputDim or self.nInputDim end,
   })

   local function joined(first, rest)
      local sizes = {}
      for _, part in ipairs { first, rest } do
         for _, n in ipairs(part) do sizes[#sizes + 1] = n end
      end
      return torch.LongStorage(sizes)
   end
   -- The tensor with the first dimensions as one, so that there are `own`, and the sizes of those; the tensor itself
   -- where it has no more.
   local function flat(tensor, own)
      local rest, first, count = tensor:size():totable(), {}, 1
      if #rest <= own then return tensor end
      while #rest >= own do
         first[#first + 1] = table.remove(rest, 1)
         count = count * first[#first]
      end
      return tensor:view(joined({ count }, rest)), first
   end

   -- The input as the module takes it.
   local function bottled(self, input)
      expect.anyTensor(self, input, 'input')
      if input:dim() == 0 then expect.fail(self, 'an input with elements expected, got %s', expect.brief(input)) end
      return flat(input, expect.whole(self, self.nInputDim, 'the number of input dimensions', 1))
   end

   function Bottle:updateOutput(input)
      within(self, 'updateOutput')
      local matrix, first = bottled(self, input)
      local output = self.modules[1]:updateOutput(matrix)
      if not first then
         self.output = output
         return output
      end
      if output:dim() ~= self.nOutputDim then
         expect.fail(self, 'an output of %s dimensions expected from the module, got %d', self.nOutputDim, output:dim())
      end
      local rest = output:size():totable()
      table.remove(rest, 1)
      self.output = output:view(joined(first, rest))
      return self.output
   end
   -- The gradient in the sizes of the module's own output.
   local function inner(self, gradOutput)
      local output = within(self, 'updateGradInput').output
      expect.anyTensor(self, gradOutput, 'gradOutput')
      expect.forwardFirst(self, torch.isTensor(output) and output:dim() > 0)
      if gradOutput:nElement() ~= output:nElement() then expect.gradOutput(self, gradOutput, self.output) end
      return gradOutput:contiguous():view(output:size())
   end

   function Bottle:updateGradInput(input, gradOutput)
      local gradient = within(self, 'updateGradInput'):updateGradInput(bottled(self, input), inner(self, gradOutput))
      self.gradInput = gradient and gradient:view(input:size())
      return self.gradInput
   end
   for _, method in ipairs(STEPS) do
      Bottle[method] = function(self, input, gradOutput, by)
         local matrix = bottled(self, input)
         parent[method](self, matrix, inner(self, gradOutput), by)
      end
   end
end

do
   -- Keeps the type of a module while the network around it changes its own; inputs and outputs are cast on the way.
   local DontCast, parent = wrapper('DontCast', {
      options = { { 'castin', false }, { 'castout' }, { 'moduleType' } },
      setup = function(self, module)
         if self.castout == nil then self.castout = self.castin end
         expect.module(self, module)
         if not module.type then expect.fail(self, 'a module expected as argument 1, got %s', expect.brief(module)) end
         self.moduleType = self.moduleType or module:type()
      end,
   })

   -- The tensors of a value in another type, when wanted.
   local function cast(value, typename, wanted)
      if not wanted then return value end
      if torch.isTensor(value) then return value:type(typename) end
      local list = {}
      for key, entry in pairs(value) do list[key] = cast(entry, typename, true) end
      return list
   end
   local function inside(self, input, gradOutput)
      if self.castin then expect.nested(self, input, 'input') end
      if self.castout then expect.nested(self, gradOutput, 'gradOutput') end
      return cast(input, self.moduleType, self.castin), cast(gradOutput, self.moduleType, self.castout)
   end

   function DontCast:updateOutput(input)
      self.output = cast(self.modules[1]:updateOutput((inside(self, input, {}))), self._type, self.castout)
      return self.output
   end
   function DontCast:updateGradInput(input, gradOutput)
      self.gradInput = cast(self.modules[1]:updateGradInput(inside(self, input, gradOutput)), self._type, self.castin)
      return self.gradInput
   end
   for _, method in ipairs(STEPS) do
      DontCast[method] = function(self, input, gradOutput, by)
         local x, g = inside(self, input, gradOutput)
         parent[method](self, x, g, by)
      end
   end
   -- only the results outside change; a question is answered with the module itself, as in Torch7
   function DontCast:type(typename, cache)
      if typename then
         self._type = typename
         expect.cache(self, cache)
         for _, field in pairs(RESULTS) do self[field] = nn.utils.recursiveType(self[field], typename, cache) end
      end
      return self
   end
end

do
   -- Looks for NaN in everything that goes through a module.
   local count = 0
   local NaN, parent = wrapper('NaN', {
      options = { { 'id' } },
      setup = function(self)
         if self.id == nil then
            count = count + 1
            self.id = count
         end
      end,
   })
   function NaN:__tostring__()
      return string.format('%s(%s) @ %s', torch.type(self), tostring(self.id), tostring(self.modules[1]))
   end

   function NaN:recursiveIsNaN(value)
      if torch.isTensor(value) then return value:nElement() > 0 and torch.ne(value, value):max() > 0 end
      if type(value) ~= 'table' then return value ~= value end
      for _, entry in pairs(value) do
         if self:recursiveIsNaN(entry) then return true end
      end
      return false
   end
   local function blame(self, what)
      error(string.format('NaN found in %s of module :\n%s', what, tostring(self)))
   end

   -- A result without NaN is right, whatever it was made of.
   function NaN:updateOutput(input)
      within(self, 'parameters')
      local output = parent.updateOutput(self, input)
      if self:recursiveIsNaN(output) then
         if self:recursiveIsNaN(input) then blame(self, 'input') end
         blame(self, self:recursiveIsNaN((self:parameters())) and 'parameters' or 'output')
      end
      return output
   end
   function NaN:updateGradInput(input, gradOutput)
      local gradient = parent.updateGradInput(self, input, gradOutput)
      if self:recursiveIsNaN(gradient) then
         blame(self, self:recursiveIsNaN(gradOutput) and 'gradOutput' or 'gradInput')
      end
      return gradient
   end
   function NaN:accGradParameters(...)
      parent.accGradParameters(self, ...)
      local _, gradients = self:parameters()
      if self:recursiveIsNaN(gradients) then blame(self, 'gradParameters') end
   end
end

do
   -- One module for every entry of a table; copies share its parameters, unless told otherwise.
   local MapTable, parent = define('MapTable', {
      parent = 'nn.Container',
      options = { { 'module' }, { 'shared', true } },
      setup = function(self)
         self.sharedparams = { 'weight', 'bias', 'gradWeight', 'gradBias' }
         self.output, self.gradInput = {}, {}
         if self.module then
            local module = self.module
            self.module = nil
            self:add(module)
         end
      end,
   })

   function MapTable:add(module)
      if self.module then error('nn.MapTable: one module expected, there is one already') end
      self.module, self.modules[1] = expect.module(self, module), module
      return self
   end

   -- Lets there be n copies or more.
   function MapTable:_extend(n)
      expect.whole(self, n, 'the number of modules', 0)
      if not self.module then expect.fail(self, 'a module expected, there is none yet') end
      if n > 1 and type(self.module.clone) ~= 'function' then
         expect.fail(self, 'a module that can be copied expected, got %s', expect.brief(self.module))
      end
      self.modules[1] = self.module
      for i = #self.modules + 1, n do
         local names = self.shared and self.sharedparams or {}
         self.modules[i] = self.module:clone(unpack(names))
      end
   end

   -- Lets there be n copies, the module itself among them.
   function MapTable:resize(n)
      expect.whole(self, n, 'the number of modules', 0)
      for i = #self.modules, n + 1, -1 do self.modules[i] = nil end
      self:_extend(n)
      return self
   end

   local extend = asked(MapTable, '_extend')

   -- Runs a method of every copy with its input and the rest of its arguments, into a table of results.
   local function each(self, method, entries, input, gradOutput, by)
      if torch.type(entries) ~= 'table' then entries = {} end
      expect.table(self, input, 'input')
      if method ~= 'updateOutput' then
         expect.table(self, gradOutput, 'gradOutput')
         extend(self, #input)
         expect.forwardFirst(self, #self.modules >= #input)
      end
      for i = 1, math.max(#input, #entries) do
         local x = input[i]
         local g = gradOutput and gradOutput[i]
         entries[i] = x ~= nil and self:rethrowErrors(self.modules[i], i, method, x, g, by) or nil
      end
      return entries
   end

   function MapTable:updateOutput(input)
      if not self.module then error('nn.MapTable: a module expected, there is none yet') end
      expect.table(self, input, 'input')
      if #self.modules < #input then self:_extend(#input) end
      self.output = each(self, 'updateOutput', self.output, input)
      return self.output
   end
   for _, method in ipairs { 'updateGradInput', 'backward' } do
      MapTable[method] = function(self, ...)
         self.gradInput = each(self, method, self.gradInput, ...)
         return self.gradInput
      end
   end
   for _, method in ipairs { 'accGradParameters', 'accUpdateGradParameters' } do
      MapTable[method] = function(self, ...) each(self, method, {}, ...) end
   end

   -- shared parameters change once, not once per copy
   for _, method in ipairs { 'zeroGradParameters', 'updateParameters' } do
      MapTable[method] = function(self, ...)
         if not self.shared then return parent[method](self, ...) end
         if self.module then return self.module[method](self.module, ...) end
      end
   end

   -- the copies are made again when they are needed
   function MapTable:clearState()
      self:resize(1)
      return parent.clearState(self)
   end

   function MapTable:__tostring__()
      return torch.type(self) .. ' {\n  ' .. tostring(self.module):gsub('\n', '\n        ') .. '\n}'
   end
end
