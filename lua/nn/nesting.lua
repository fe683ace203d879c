-- Modules that change how tables are nested; the tensors in them stay what they are.
local define = require 'nn.define'
local expect = require 'nn.expect'

local function tables(self) self.output, self.gradInput = {}, {} end

do
   local FlattenTable = define('FlattenTable', {
      setup = function(self)
         tables(self)
         self.input_map = {}
      end,
   })

   -- Appends the leaves of a nesting to a list, and returns the nesting with their places in the list instead.
   local function flatten(value, list)
      if torch.type(value) ~= 'table' then
         list[#list + 1] = value
         return #list
      end
      local map = {}
      for i, entry in ipairs(value) do map[i] = flatten(entry, list) end
      return map
   end

   local function nested(map, list)
      if type(map) == 'number' then return list[map] end
      local value = {}
      for i, entry in ipairs(map) do value[i] = nested(entry, list) end
      return value
   end

   -- Whether the leaves of a nesting are where a map says, in this list.
   local function fits(value, map, list)
      if torch.type(value) ~= 'table' then return type(map) == 'number' and rawequal(list[map], value) end
      if type(map) ~= 'table' or #value ~= #map then return false end
      for i, entry in ipairs(value) do
         if not fits(entry, map[i], list) then return false end
      end
      return true
   end

   -- output and map stay the same tables as long as the same tensors come in
   function FlattenTable:updateOutput(input)
      expect.table(self, input, 'input')
      if not fits(input, self.input_map, self.output) then
         self.output = {}
         self.input_map = flatten(input, self.output)
      end
      return self.output
   end
   function FlattenTable:updateGradInput(_, gradOutput)
      self.gradInput = nested(self.input_map, expect.table(self, gradOutput, 'gradOutput', #self.output))
      return self.gradInput
   end
   function FlattenTable:clearState()
      tables(self)
      self.input_map = {}
      return self
   end
   -- there is nothing to convert; Torch7 returns nothing here
   function FlattenTable:type(typename)
      if not typename then return self._type end
      self:clearState()
   end
end

do
   -- rows become columns
   local function zip(self, list, what)
      expect.table(self, list, what, 1)
      local zipped = {}
      for i, row in ipairs(list) do expect.table(self, row, string.format('%s[%d]', what, i)) end
      for i = 1, #list[1] do
         zipped[i] = {}
         for j, row in ipairs(list) do zipped[i][j] = row[i] end
      end
      return zipped
   end
   local ZipTable = define('ZipTable', { setup = tables })
   function ZipTable:updateOutput(input)
      self.output = zip(self, input, 'input')
      return self.output
   end
   function ZipTable:updateGradInput(_, gradOutput)
      self.gradInput = zip(self, gradOutput, 'gradOutput')
      return self.gradInput
   end
end

-- A class over { one, { many... } }, whose output has an entry for each of the many: join(one, entry, self, i), and
-- back(gradient, self, i) gives the gradients of the two.
local function oneToMany(name, join, back)
   local class = define(name, { setup = tables })
   local function parts(self, input)
      if torch.type(input) ~= 'table' or #input ~= 2 or torch.type(input[2]) ~= 'table' then
         expect.fail(self, 'one value and a table of others expected as input, got %s', expect.brief(input))
      end
      if not torch.isTensor(input[1]) and torch.type(input[1]) ~= 'table' then
         expect.fail(self, 'a tensor or a table of tensors expected as input[1], got %s', expect.brief(input[1]))
      end
      return input[1], input[2]
   end
   -- Whether two nestings are of the same tensors.
   local function alike(a, b)
      if torch.isTensor(a) then
         return torch.isTensor(b) and torch.typename(a) == torch.typename(b) and a:nElement() == b:nElement()
      end
      if torch.type(a) ~= 'table' or torch.type(b) ~= 'table' then return false end
      for k, v in pairs(a) do
         if not alike(v, b[k]) then return false end
      end
      return true
   end
   function class:updateOutput(input)
      local one, entries = parts(self, input)
      local output = {}
      for i, entry in ipairs(entries) do output[i] = join(one, entry, self, i) end
      self.output = output
      return output
   end
   function class:updateGradInput(input, gradOutput)
      local sum, many = nn.utils.zerosLike(parts(self, input)), {}
      for i, gradient in ipairs(expect.table(self, gradOutput, 'gradOutput')) do
         local one, other = back(gradient, self, i)
         if not alike(sum, one) then
            expect.fail(self, 'gradOutput[%d] does not fit input[1]: got %s and %s', i, expect.brief(one, sum), expect.brief(sum, one))
         end
         nn.utils.recursiveAdd(sum, one)
         many[i] = nn.utils.recursiveCopy(nil, other)
      end
      self.gradInput = { sum, many }
      return self.gradInput
   end
end

oneToMany('ZipTableOneToMany', function(one, entry) return { one, entry } end,
   function(gradient, self, i)
      expect.table(self, gradient, string.format('gradOutput[%d]', i), 2)
      return gradient[1], gradient[2]
   end)
oneToMany('CAddTensorTable', function(one, entry, self, i)
   expect.anyTensor(self, one, 'input[1]')
   expect.anyTensor(self, entry, string.format('input[2][%d]', i))
   if torch.typename(entry) ~= torch.typename(one) then
      expect.fail(self, 'tensors of one type expected, got a %s as input[1] and a %s as input[2][%d]', torch.typename(one),
         torch.typename(entry), i)
   end
   if entry:nElement() ~= one:nElement() then
      expect.fail(self, 'tensors of one size expected, got %s as input[1] and %s as input[2][%d]', expect.brief(one),
         expect.brief(entry), i)
   end
   return torch.add(entry, one)
end, function(gradient, self, i)
   expect.anyTensor(self, gradient, string.format('gradOutput[%d]', i))
   return gradient, gradient
end)
