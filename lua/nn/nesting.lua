-- Modules that change how tables are nested; the tensors in them stay what they are.
local define = require 'nn.define'

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
      if type(input) ~= 'table' then error('nn.FlattenTable: a table expected, got a ' .. torch.type(input)) end
      if not fits(input, self.input_map, self.output) then
         self.output = {}
         self.input_map = flatten(input, self.output)
      end
      return self.output
   end
   function FlattenTable:updateGradInput(_, gradOutput)
      self.gradInput = nested(self.input_map, gradOutput)
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
   local function zip(list)
      local zipped = {}
      for i = 1, #list[1] do
         zipped[i] = {}
         for j, row in ipairs(list) do zipped[i][j] = row[i] end
      end
      return zipped
   end
   local ZipTable = define('ZipTable', { setup = tables })
   function ZipTable:updateOutput(input)
      self.output = zip(input)
      return self.output
   end
   function ZipTable:updateGradInput(_, gradOutput)
      self.gradInput = zip(gradOutput)
      return self.gradInput
   end
end

-- A class over { one, { many... } }, whose output has an entry for each of the many: join(one, entry), and
-- back(gradient) gives the gradients of the two.
local function oneToMany(name, join, back)
   local class = define(name, { setup = tables })
   function class:updateOutput(input)
      if #input ~= 2 then error('nn.' .. name .. ': one value and a table of others expected, got ' .. #input) end
      local output = {}
      for i, entry in ipairs(input[2]) do output[i] = join(input[1], entry) end
      self.output = output
      return output
   end
   function class:updateGradInput(input, gradOutput)
      local sum, many = nn.utils.zerosLike(input[1]), {}
      for i, gradient in ipairs(gradOutput) do
         local one, other = back(gradient)
         nn.utils.recursiveAdd(sum, one)
         many[i] = nn.utils.recursiveCopy(nil, other)
      end
      self.gradInput = { sum, many }
      return self.gradInput
   end
end

oneToMany('ZipTableOneToMany', function(one, entry) return { one, entry } end,
   function(gradient) return gradient[1], gradient[2] end)
oneToMany('CAddTensorTable', function(one, entry) return torch.add(entry, one) end,
   function(gradient) return gradient, gradient end)
