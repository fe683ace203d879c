-- What modules written in Lua demand of their inputs and options. Messages name the class, what came and what was
-- expected.
local text, sizes = require('nn.dimensions').text, require('nn.dimensions').sizes
local singular = require('rekindle.native').functions.help.singular

local expect = {}

-- A value in a few words; of two tensors the types, where these differ.
local function brief(value, other)
   if value == nil then return 'nothing' end
   if torch.isTensor(value) then
      if torch.isTensor(other) and torch.typename(value) ~= torch.typename(other) then
         return 'a ' .. torch.typename(value) .. ' of size ' .. text(value:size())
      end
      return value:dim() == 0 and 'an empty tensor' or 'a tensor of size ' .. text(value:size())
   end
   if torch.type(value) == 'table' then
      local class = getmetatable(value) and value.__typename
      if class then return string.format('the class %s (%s() makes an object of it)', class, class) end
      return 'a table of ' .. #value
   end
   if type(value) == 'string' then return string.format('the string "%s"', value) end
   if type(value) == 'number' then return 'the number ' .. tostring(value) end
   return 'a ' .. torch.type(value)
end
expect.brief = brief

-- Raises an error in the name of a module or of a class name.
function expect.fail(who, message, ...)
   local name = type(who) == 'string' and 'nn.' .. who or torch.type(who)
   error(name .. ': ' .. singular(string.format(message, ...)))
end
local fail = expect.fail

-- The type of tensors that a module computes with.
local function typeOf(self)
   if self._type then return self._type end
   local result = torch.isTensor(self.output) and self.output or self.gradInput
   return torch.isTensor(result) and torch.typename(result)
end

-- A tensor of any type, with `low` to `high` dimensions (as many as are given).
function expect.anyTensor(self, value, what, low, high)
   if not torch.isTensor(value) then fail(self, 'a tensor expected as %s, got %s', what, brief(value)) end
   if low then
      local dims = value:dim()
      if dims < low or dims > (high or low) then
         local wanted = low == (high or low) and low or high == math.huge and low .. ' or more' or low .. ' to ' .. high
         fail(self, '%s of %s dimension%s expected, got %s', what, wanted, wanted == 1 and '' or 's', brief(value))
      end
   end
   return value
end

-- A tensor of the module's own type.
function expect.tensor(self, value, what, low, high)
   -- comparing two metatables is all that a check costs where nothing is wrong
   local class = getmetatable(value)
   if class and not low and class == getmetatable(self.gradInput) then return value end
   local own, given = typeOf(self), torch.typename(value)
   if own and not torch.isTensor(value) then fail(self, 'a %s expected as %s, got %s', own, what, brief(value)) end
   expect.anyTensor(self, value, what, low, high)
   if own and own ~= given then
      local short = given:match('^torch%.(%a+)Tensor$')
      local ways = (short == 'Float' or short == 'Double' or short == 'Cuda') and string.format('module:%s() or ', short:lower()) or ''
      local kind = torch.isTypeOf(self, 'nn.Criterion') and 'criterion' or 'module'
      ways = ways:gsub('^module', kind)
      fail(self, 'the %s is %s, its %s %s; convert one: %s%s:%s()', kind, own, what, given, ways, what,
         ((own:match('^torch%.(%a+)Tensor$') or own):gsub('^%u', string.lower)))
   end
   return value
end

-- What can be added to a container: any object with methods, but no class and no plain value.
function expect.module(self, value, kind)
   kind = kind or 'module'
   if type(value) == 'table' and getmetatable(value) and torch.type(value) == 'table' and value.__typename then
      fail(self, '%s is a class, not a %s; write %s()', value.__typename, kind, value.__typename)
   end
   if (type(value) ~= 'table' and type(value) ~= 'userdata') or torch.isTensor(value) then
      fail(self, 'a %s to add expected, got %s', kind, brief(value))
   end
   return value
end

-- The gradient of an output of these sizes, a tensor or a LongStorage.
function expect.gradOutput(self, gradOutput, sizes)
   expect.tensor(self, gradOutput, 'gradOutput')
   if torch.isTensor(sizes) then
      if sizes:isSameSizeAs(gradOutput) then return gradOutput end
      if sizes:dim() == 0 then fail(self, 'forward comes before backward: there is no output yet') end
      sizes = sizes:size()
   elseif gradOutput:isSize(sizes) then
      return gradOutput
   end
   fail(self, 'gradOutput of the output\'s size %s expected, got %s', text(sizes), brief(gradOutput))
end

-- What a method got as its object: something else, or an object without that field, where it was called with a dot.
function expect.method(self, method, kind, field)
   if type(self) == 'table' and (not field or self[field]) then return end
   error(string.format("%s: expected a %s as self, got %s (call it with ':')", method, kind or 'module', brief(self)), 3)
end

-- A gradient with as many elements as `sizes`, a tensor, in any shape.
function expect.gradElements(self, gradOutput, sizes)
   expect.anyTensor(self, sizes, 'input')
   expect.tensor(self, gradOutput, 'gradOutput')
   if gradOutput:nElement() ~= sizes:nElement() then
      fail(self, 'gradOutput of %d elements expected, got %s', sizes:nElement(), brief(gradOutput))
   end
   return gradOutput
end

-- Whether the last forward was with the input that a backward is for.
function expect.forwardFirst(self, fits)
   if not fits then fail(self, 'forward comes before backward, with the same input') end
end

-- Sizes of the inputs that modules got last, for classes whose parts keep what backward needs.
local seen = setmetatable({}, { __mode = 'k' })
function expect.remember(self, input)
   local sizes = seen[self] or torch.LongStorage()
   seen[self] = sizes:resize(input:dim())
   for d = 1, input:dim() do sizes[d] = input:size(d) end
end
function expect.remembered(self, input) expect.forwardFirst(self, not seen[self] or input:isSize(seen[self])) end

-- The entries of a table of `n` tensors of the module's type, each with `low` to `high` dimensions.
function expect.tensors(self, input, n, low, high)
   if torch.type(input) ~= 'table' or #input ~= n then
      fail(self, 'a table of %d tensors expected as input, got %s', n, brief(input))
   end
   for i = 1, n do expect.tensor(self, input[i], string.format('input[%d]', i), low, high) end
   return unpack(input, 1, n)
end

-- A table of `least` or more tensors of the module's type; of any type where `check` is expect.anyTensor.
function expect.list(self, input, least, check)
   if torch.type(input) ~= 'table' or #input < least then
      fail(self, 'a table of %d or more tensors expected as input, got %s', least, brief(input))
   end
   check = check or expect.tensor
   for i, entry in ipairs(input) do check(self, entry, string.format('input[%d]', i)) end
   return input
end

-- A table, of `n` entries or more where that is told.
function expect.table(self, value, what, n)
   if torch.type(value) ~= 'table' or n and #value < n then
      fail(self, 'a table%s expected as %s, got %s', n and string.format(' of %d entries', n) or '', what, brief(value))
   end
   return value
end

-- A tensor, or a table of tensors and of such tables.
function expect.nested(self, value, what)
   if torch.isTensor(value) then return value end
   if torch.type(value) ~= 'table' then
      fail(self, 'a tensor or a table of tensors expected as %s, got %s', what, brief(value))
   end
   for key, entry in pairs(value) do expect.nested(self, entry, string.format('%s[%s]', what, tostring(key))) end
   return value
end

-- A whole number from `low` to `high`, as an option of a class.
function expect.whole(who, value, what, low, high)
   if type(value) ~= 'number' or value % 1 ~= 0 or value < low or value > (high or math.huge) then
      local range = high and string.format(' from %d to %d', low, high) or
         low > -math.huge and string.format(' from %d on', low) or ''
      fail(who, '%s should be a whole number%s, got %s', what, range, brief(value))
   end
   return value
end

-- A number of things, as an option of a class: from 1 on; what is no whole number is truncated where it is used.
function expect.count(who, value, what)
   if type(value) ~= 'number' or not (value >= 1 and value < 2 ^ 53) then
      fail(who, '%s should be a number from 1 on, got %s', what, brief(value))
   end
   return value
end

-- Sizes given as numbers or as one LongStorage, as a LongStorage of their own.
function expect.sizes(who, ...)
   if torch.typename((...)) ~= 'torch.LongStorage' then
      if select('#', ...) == 0 then fail(who, 'sizes expected, got nothing') end
      for i = 1, select('#', ...) do expect.whole(who, (select(i, ...)), 'size ' .. i, -math.huge) end
   end
   return sizes(...)
end

-- A type of tensors that there is; those of graphics processors are there where something stands for one.
function expect.machine(self, typename)
   if type(typename) == 'string' and typename:find('^torch%.Cuda') and not torch[typename:match('%.(.*)')] then
      if torch.getmetatable(typename) then fail(self, "there is no %s yet: require 'cutorch' first", typename) end
      fail(self, 'there is no GPU support in this build, and no %s; leave out the conversion, use float(), or have '
         .. '`th --cuda cpu` compute on the CPU', typename)
   end
   if type(typename) ~= 'string' or not typename:find('Tensor$') or not torch.getmetatable(typename) then
      fail(self, 'type: the name of a type of tensors expected, got %s', brief(typename))
   end
end

-- A place in a dimension or among dimensions: a whole number other than 0, from the end where it is negative.
function expect.place(who, value, what)
   if type(value) ~= 'number' or value % 1 ~= 0 then fail(who, '%s should be a whole number, got %s', what, brief(value)) end
   return value
end

-- What is converted already, by address, as those who convert hand it around.
function expect.cache(who, value)
   if value ~= nil and type(value) ~= 'table' then fail(who, 'type: the cache should be a table, got %s', brief(value)) end
   return value
end

-- How far a step goes.
function expect.rate(self, value)
   if type(value) ~= 'number' then fail(self, 'a learning rate expected, got %s', brief(value)) end
   return value
end

-- A number, as an option of a class.
function expect.number(who, value, what)
   if type(value) ~= 'number' then fail(who, '%s should be a number, got %s', what, brief(value)) end
   return value
end

return expect
