-- Helpers over tensors, nested tables of them, and modules.
nn.utils = nn.utils or {}
local utils = nn.utils
local expect = require 'nn.expect'
local takes = require 'rekindle.takes'

local function isObject(v)
   return torch.isTypeOf(v, 'nn.Module') or torch.isTypeOf(v, 'nn.Criterion')
end

-- What was converted already, by the address of the old tensor or storage. The old one is kept, so that its address
-- is not used again meanwhile.
local function once(cache, old, make)
   local key = torch.pointer(old)
   local entry = cache[key]
   if not entry then
      entry = { old = old, new = make(old) }
      cache[key] = entry
   end
   return entry.new
end

local function convertTensor(tensor, typename, cache)
   if torch.typename(tensor) == typename then return tensor end
   return once(cache, tensor, function()
      local new = torch.Tensor():type(typename)
      local storage = tensor:storage()
      if not storage then return new end
      local shared = once(cache, storage, function()
         local class = typename:gsub('^torch%.', ''):gsub('Tensor$', 'Storage')
         return torch[class](storage:size()):copy(storage)
      end)
      return new:set(shared, tensor:storageOffset(), tensor:size(), tensor:stride())
   end)
end

-- Converts tensors, modules and tables of them to a type; what shared a storage shares one afterwards.
local function convert(value, typename, cache)
   if torch.isTensor(value) then return convertTensor(value, typename, cache) end
   if isObject(value) then
      value:type(typename, cache)
   elseif torch.type(value) == 'table' then
      for k, v in pairs(value) do value[k] = convert(v, typename, cache) end
   end
   return value
end
function utils.recursiveType(value, typename, cache)
   if type(typename) ~= 'string' then
      error('nn.utils.recursiveType: the name of a type of tensors expected, got ' .. expect.brief(typename))
   end
   if cache ~= nil and type(cache) ~= 'table' then
      error('nn.utils.recursiveType: the cache should be a table, got ' .. expect.brief(cache))
   end
   return convert(value, typename, cache or {})
end

-- Makes `into` the same nesting of tables as `from`, and calls leaf(tensor, tensor) for what meets.
local function follow(into, from, leaf)
   if torch.type(from) == 'table' then
      if torch.type(into) ~= 'table' then into = { into } end
      for k, v in pairs(from) do into[k] = follow(into[k], v, leaf) end
      for k in pairs(into) do
         if from[k] == nil then into[k] = nil end
      end
      return into
   end
   if not torch.isTensor(from) then
      error('expecting nested tensors or tables. Got ' .. torch.type(into) .. ' and ' .. torch.type(from) .. ' instead')
   end
   if not torch.isTensor(into) then into = from.new() end
   leaf(into, from)
   return into
end

function utils.recursiveResizeAs(into, from)
   return follow(into, from, function(t, s) t:resize(s:size()) end), from
end

function utils.recursiveCopy(into, from)
   return follow(into, from, function(t, s) t:resize(s:size()):copy(s) end), from
end

function utils.recursiveFill(value, number)
   if torch.isTensor(value) then
      value:fill(number)
   elseif torch.type(value) == 'table' then
      for _, v in pairs(value) do utils.recursiveFill(v, number) end
   else
      error('expecting tensor or table thereof. Got ' .. torch.type(value) .. ' instead')
   end
   return value
end

-- Zeros in the nesting and sizes of a value.
function utils.zerosLike(value)
   if torch.isTensor(value) then
      local zeros = value.new():resizeAs(value)
      -- halves know little more than copies
      return zeros.zero and zeros:zero() or zeros:copy(torch.zeros(value:size()))
   end
   if torch.type(value) ~= 'table' then error('nn.utils.zerosLike: a tensor or a table of tensors expected, got ' .. expect.brief(value)) end
   local list = {}
   for key, entry in pairs(value) do list[key] = utils.zerosLike(entry) end
   return list
end

-- recursiveAdd(t, [factor,] s)
function utils.recursiveAdd(t, factor, s)
   if s == nil then factor, s = 1, factor end
   if type(factor) ~= 'number' then error('recursiveAdd: a number expected as factor, got ' .. expect.brief(factor)) end
   if torch.isTensor(t) and torch.isTensor(s) then
      t:add(factor, s)
   elseif torch.type(t) == 'table' and torch.type(s) == 'table' then
      for k, v in pairs(t) do utils.recursiveAdd(v, factor, s[k]) end
   else
      error('expecting nested tensors or tables. Got ' .. torch.type(t) .. ' and ' .. torch.type(s) .. ' instead')
   end
   return t, s
end

-- addSingletonDimension([view,] tensor [, dimension])
function utils.addSingletonDimension(...)
   local view, tensor, dim
   if torch.isTensor((select(2, ...))) then view, tensor, dim = ... else tensor, dim = ... end
   if view ~= nil and not torch.isTensor(view) then
      error('addSingletonDimension: a tensor expected as view, got ' .. expect.brief(view))
   end
   if not torch.isTensor(tensor) then error('addSingletonDimension: a tensor expected, got ' .. torch.type(tensor)) end
   dim = dim or 1
   if type(dim) ~= 'number' then
      error('addSingletonDimension: expected a number as dimension, got ' .. torch.type(dim))
   end
   local n = tensor:dim()
   -- written so that nan does not pass
   if not (dim >= 1 and dim <= n + 1 and dim % 1 == 0) then
      error(string.format('invalid dimension %s. Tensor is of %d dimensions.', dim, n))
   end
   local sizes, strides = tensor:size():totable(), tensor:stride():totable()
   table.insert(sizes, dim, 1)
   table.insert(strides, dim, 1)
   view = view or tensor.new()
   return view:set(tensor:storage(), tensor:storageOffset(), torch.LongStorage(sizes), torch.LongStorage(strides))
end

-- A view of the input, which is copied first where its elements do not lie in a row.
function utils.contiguousView(output, input, ...)
   if not torch.isTensor(input) or output ~= nil and not torch.isTensor(output) then
      local wrong = torch.isTensor(input) and output or input
      error('nn.utils.contiguousView: two tensors expected, got ' .. expect.brief(wrong))
   end
   output = output or input.new()
   if not input:isContiguous() then input = output:resize(input:size()):copy(input) end
   return output:view(input, ...)
end

-- Empties fields: tensors lose their storage, tables their entries, anything else becomes nil.
function utils.clear(object, ...)
   local names = { ... }
   if type(object) ~= 'table' then error('nn.utils.clear: an object expected, got ' .. expect.brief(object)) end
   if torch.type(names[1]) == 'table' then names = names[1] end
   for _, name in ipairs(names) do
      local value = object[name]
      if torch.isTensor(value) then
         value:set()
      elseif value ~= nil then
         object[name] = torch.type(value) == 'table' and {} or nil
      end
   end
   return object
end

-- Lets go of results that belong to other modules: empty ones take their place, and theirs stay as they are.
function utils.letGo(object)
   for _, name in ipairs { 'output', 'gradInput' } do
      local value = object[name]
      if torch.isTensor(value) then
         object[name] = value.new()
      elseif value ~= nil then
         object[name] = type(value) == 'table' and {} or nil
      end
   end
   return object
end

-- The fields of an object as a plain table.
function utils.fields(object)
   local list = {}
   for name, value in pairs(object) do list[name] = value end
   return list
end

-- A copy of an object, as a file would give it back.
function utils.written(object)
   local file = torch.MemoryFile('rw'):binary()
   file:writeObject(object)
   file:seek(1)
   local copy = file:readObject()
   file:close()
   return copy
end

-- First values of parameters, all drawn uniformly around 0: up to 1 / sqrt(inputs), or with a standard deviation.
function utils.draw(self, inputs, deviation, ...)
   if type(inputs) ~= 'number' then error('nn.utils.draw: a number of inputs expected, got ' .. expect.brief(inputs)) end
   if deviation and type(deviation) ~= 'number' then
      expect.fail(self, 'reset: the standard deviation should be a number, got %s', expect.brief(deviation))
   end
   local bound = deviation and deviation * math.sqrt(3) or 1 / math.sqrt(inputs)
   for _, tensor in ipairs { ... } do tensor:uniform(-bound, bound) end
end

-- A parameter of these sizes with its gradient.
function utils.parameter(...)
   local value = torch.Tensor(...)
   return value, torch.Tensor(value:size()):zero()
end

-- The field as a place for a result that starts from `value`: a view of it in place, else a tensor of its own.
function utils.place(self, field, value)
   if type(self) ~= 'table' then error('nn.utils.place: a module expected, got ' .. expect.brief(self)) end
   local result = self[field]
   if not torch.isTensor(result) or not torch.isTensor(value) then
      error(string.format('nn.utils.place: two tensors expected, got %s and %s', expect.brief(result), expect.brief(value)))
   end
   if self.inplace then return result:set(value) end
   return result:resizeAs(value)
end

-- The field as a result of the type of `like`: the tensor that is there, if it is of that type.
function utils.typed(self, field, like)
   if type(self) ~= 'table' then error('nn.utils.typed: a module expected, got ' .. expect.brief(self)) end
   if not torch.isTensor(like) then error('nn.utils.typed: a tensor expected, got ' .. expect.brief(like)) end
   if torch.typename(self[field]) ~= torch.typename(like) then self[field] = like.new() end
   return self[field]
end

-- A list of tensors, with copies of this type in place of those of others.
function utils.inType(list, typename)
   if type(list) ~= 'table' then error('nn.utils.inType: a table of tensors expected, got ' .. expect.brief(list)) end
   local copies
   for i, tensor in ipairs(list) do
      if torch.isTensor(tensor) and torch.typename(tensor) ~= typename then
         copies = copies or { unpack(list) }
         copies[i] = tensor:type(typename)
      end
   end
   return copies or list
end

-- The text of containers whose modules work side by side.
function utils.branchText(container)
   local lines, last = { torch.type(container) .. ' {', '  input' }, #container.modules
   for i, m in ipairs(container.modules) do
      local mark, margin = '    |`-> (', '\n    |    '
      if i == last then mark, margin = '     `-> (', '\n         ' end
      lines[#lines + 1] = mark .. i .. '): ' .. tostring(m):gsub('\n', margin)
   end
   lines[#lines + 1] = '     ... -> output'
   lines[#lines + 1] = '}'
   return table.concat(lines, '\n')
end

takes(utils, 'nn.utils.', { branchText = 'container:container', fields = 'object:list', letGo = 'object:list' })

return utils
