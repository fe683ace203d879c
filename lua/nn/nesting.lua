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

do
   -- An entry of a table that goes around the modules between: PushTable takes it out, each PullTable puts it in again. What
   -- comes back to the PullTables is added up.
   local function letGo(self)
      self.taken, self._gradInput = nil, nil
      return nn.utils.letGo(self)
   end
   -- All fields but this one, which leads to the other module, and from there back again.
   local function typeWithout(class, parent, field)
      function class:type(typename, ...)
         if not typename then return parent.type(self) end
         local other = self[field]
         self[field] = nil
         local ok, message = pcall(parent.type, self, typename, ...)
         self[field] = other
         if not ok then error(message, 0) end
         return self
      end
   end
   local function place(name)
      return function(self, ...) expect.whole(name, select(name == 'PullTable' and 2 or 1, ...), 'the place in the table', 1) end
   end

   local Push, module = define('PushTable', {
      options = { { '_index' } },
      setup = function(self, ...)
         place 'PushTable'(self, ...)
         tables(self)
         self._pulls = {}
      end,
   })
   function Push:pull(index)
      local pull = nn.PullTable(self, index)
      self._pulls[#self._pulls + 1] = pull
      return pull
   end
   function Push:updateOutput(input)
      expect.table(self, input, 'input', self._index)
      local output = { unpack(input) }
      local taken = table.remove(output, self._index)
      self.taken, self.output, self._forward = taken, output, true
      return output
   end
   -- Whether a gradient has the nesting of a value, and as many elements.
   local function fits(gradient, value)
      if torch.isTensor(value) then return torch.isTensor(gradient) and gradient:nElement() == value:nElement() end
      if torch.type(value) ~= 'table' or torch.type(gradient) ~= 'table' then return false end
      for key, entry in pairs(value) do
         if not fits(gradient[key], entry) then return false end
      end
      return true
   end
   -- Called by the PullTables, before the gradient of what is left of the table comes.
   function Push:_updateGradInput(gradient)
      if not self._forward then
         -- gradients of several types are added up in that of the first
         nn.utils.recursiveAdd(self._gradInput, (nn.utils.recursiveCopy(nn.utils.zerosLike(self._gradInput), gradient)))
         return
      end
      if torch.type(self._gradInput) ~= torch.type(gradient) then self._gradInput = nil end
      self._gradInput, self._forward = nn.utils.recursiveCopy(self._gradInput, gradient), false
   end
   function Push:updateGradInput(input, gradOutput)
      expect.table(self, input, 'input', self._index)
      expect.table(self, gradOutput, 'gradOutput')
      if #gradOutput ~= #input - 1 then
         expect.fail(self, 'a table of %d gradients expected as gradOutput, got %s', #input - 1, expect.brief(gradOutput))
      end
      -- what nobody pulled has no gradient
      if self._forward then
         expect.nested(self, input[self._index], string.format('input[%d]', self._index))
         self._gradInput = nn.utils.zerosLike(input[self._index])
      end
      local gradients = { unpack(gradOutput) }
      table.insert(gradients, self._index, self._gradInput)
      -- the next pass begins anew
      self.gradInput, self._forward = gradients, true
      return gradients
   end
   Push.clearState = letGo
   typeWithout(Push, module, '_pulls')

   local Pull = define('PullTable', {
      options = { { '_push' }, { '_index' } },
      setup = function(self, push, index)
         if not torch.isTypeOf(push, 'nn.PushTable') then
            expect.fail('PullTable', 'an nn.PushTable expected, got %s', expect.brief(push))
         end
         place 'PullTable'(self, push, index)
         tables(self)
      end,
   })
   -- What a table without this entry is: the table, or the one value that stands for it.
   local function listed(self, input)
      if torch.type(input) == 'table' then return input end
      return { expect.anyTensor(self, input, 'input') }
   end
   function Pull:updateOutput(input)
      local output = { unpack(listed(self, input)) }
      if self._index > #output + 1 then
         expect.fail(self, 'a table of %d or more entries expected as input, got %s', self._index - 1, expect.brief(input))
      end
      local taken = self._push.taken
      expect.forwardFirst(self._push, taken ~= nil)
      table.insert(output, self._index, taken)
      self.output = output
      return output
   end
   function Pull:updateGradInput(input, gradOutput)
      local n = #listed(self, input) + 1
      local taken = self._push.taken
      expect.forwardFirst(self._push, taken ~= nil)
      if torch.type(gradOutput) ~= 'table' or #gradOutput ~= n or self._index > n then
         expect.fail(self, 'a table of %d gradients expected as gradOutput, got %s', n, expect.brief(gradOutput))
      end
      local gradients = { unpack(gradOutput) }
      local own = table.remove(gradients, self._index)
      if not fits(own, taken) then
         expect.fail(self, 'a gradient like the entry that was pulled, %s, expected as gradOutput[%d], got %s',
            expect.brief(taken), self._index, expect.brief(own))
      end
      self._push:_updateGradInput(own)
      self.gradInput = torch.type(input) == 'table' and gradients or gradients[1]
      return self.gradInput
   end
   Pull.clearState = letGo
   typeWithout(Pull, module, '_push')
end
