-- A network as a graph of ONNX operations, from which files of ONNX and modules of PyTorch are written.
--
-- A value is what a node gives or takes: { name, kind, sizes }. `kind` is 'float' (the graph's type, float or double),
-- 'int64' or 'bool'; `sizes` are its sizes in each of the runs that were traced, so that a size that differs between
-- them is one of the batch. Tables of a network are Lua tables of values. Constants are values too: lists of integers
-- (`list`), numbers (`number`), tensors (`weight`).
--
-- Nodes belong to scopes: a scope is a module of the network with what its evaluation does, operations and calls of
-- modules inside it, in order. Constants belong to the whole.
local number_text = require('rekindle.export.operations').number
local Graph = {}

-- what stands in the options of PyTorch's modules
local WORDS = {}
for word in ([[True False bias stride padding dilation output_padding groups affine eps momentum ceil_mode count_include_pad
   scale_factor mode bilinear trilinear align_corners float inf]]):gmatch('%S+') do WORDS[word] = true end
Graph.__index = Graph

local function new(options)
   return setmetatable({
      opset = options.opset or 17, double = options.double or false, nodes = {}, weights = {}, parameters = {},
      failures = {}, known = {}, used = {}, views = {}, starts = {}, unpooled = {}, kept = {},
   }, Graph)
end

-- ---- names and scopes ----

function Graph:name(wanted)
   local count = self.used[wanted]
   self.used[wanted] = (count or 0) + 1
   if not count then return wanted end
   return self:name(wanted .. '_' .. count)
end

-- A module at `place` (counted from 1, as messages and reports say it) whose weights' names begin with `prefix`.
function Graph:enter(module, place, prefix, x)
   local scope = { module = module, class = torch.typename(module), place = place, prefix = prefix, x = x, entries = {},
      parent = self.scope }
   self.scope = scope
   return scope
end

function Graph:leave(scope, y)
   scope.y = y
   self.scope = scope.parent
   if not scope.parent then
      self.root = scope
   else
      table.insert(scope.parent.entries, { call = scope, x = scope.x, y = y })
   end
end

-- How PyTorch calls what this scope computes, where it has a module for it whose state has the same names.
function Graph:torch(text, ...)
   local arguments = { ... }
   for i, v in ipairs(arguments) do if type(v) == 'number' then arguments[i] = number_text(v) end end
   if #arguments > 0 then text = string.format(text, unpack(arguments)) end
   -- fields of a file are among it, and it becomes code: nothing else than numbers and the words of options
   for word in text:match('^nn%.%w+%((.*)%)$'):gmatch('[%a_][%w_]*') do
      if not WORDS[word] and not word:find('^e%d*$') then self:cannot('a field of it is no number: %s', word) end
   end
   self.scope.torch = text
end

-- Raised where something cannot be expressed; the walk notes it and goes on.
local Refusal = {}
function Graph:cannot(text, ...) error(setmetatable({ why = string.format(text, ...) }, Refusal), 0) end
function Graph.is_refusal(err) return getmetatable(err) == Refusal end

-- ---- constants ----

local function constant(self, key, make)
   local value = self.known[key]
   if not value then
      value = make()
      value.constant = true
      self.known[key] = value
   end
   return value
end

local TENSORS = { float = 'torch.FloatTensor', int64 = 'torch.LongTensor' }
local function tensor_of(self, kind)
   return kind == 'float' and self.double and torch.DoubleTensor or torch.getconstructortable(TENSORS[kind])
end

-- Integers, as shapes and axes are.
function Graph:ints(list)
   local text = table.concat(list, ',')
   return constant(self, 'ints ' .. text, function()
      local weight = { name = self:name('ints_' .. text), tensor = torch.LongTensor(list) }
      return { name = weight.name, kind = 'int64', list = list, weight = weight }
   end)
end

-- A number without dimensions.
function Graph:number(v, kind)
   kind = kind or 'float'
   local text = string.format('%.17g', v)
   return constant(self, kind .. ' ' .. text, function()
      local weight = { name = self:name(kind .. '_' .. text), tensor = tensor_of(self, kind)(1):fill(v), scalar = true }
      return { name = weight.name, kind = kind, number = v, weight = weight }
   end)
end

local function key_of(tensor)
   return string.format('%s %d %s %s', torch.pointer(tensor:storage()), tensor:storageOffset(),
      table.concat(tensor:size():totable(), 'x'), table.concat(tensor:stride():totable(), ','))
end

-- The order of dimensions in which the elements of a tensor lie one behind the other; nil where there are gaps.
local function order_of(tensor)
   local order, strides = {}, tensor:stride():totable()
   for d = 1, tensor:dim() do order[d] = d end
   table.sort(order, function(a, b)
      if strides[a] ~= strides[b] then return strides[a] > strides[b] end
      return a < b
   end)
   local expected = 1
   for i = #order, 1, -1 do
      local d = order[i]
      if tensor:size(d) > 1 and strides[d] ~= expected then return nil end
      expected = expected * tensor:size(d)
   end
   return order
end

-- The value of a tensor: the same for the same memory. What another view of that memory sees, in another order, comes from
-- it by operations, so that it is stored once.
local function stored(self, tensor, name)
   local key = key_of(tensor)
   local value = self.views[key]
   if value then return value, value.first end
   local order = order_of(tensor)
   local start = string.format('%s %d %d', torch.pointer(tensor:storage()), tensor:storageOffset(), tensor:nElement())
   local first = order and self.starts[start]
   local kind = torch.typename(tensor) == 'torch.LongTensor' and 'int64' or 'float'
   if first then
      local sizes, back = {}, {}
      for i, d in ipairs(order) do sizes[i], back[d] = tensor:size(d), i - 1 end
      -- in the order of memory, then back into the tensor's
      local scope = self.scope
      self.scope = nil
      local row = self:op('Reshape', { first, self:ints(sizes) })
      value = self:op('Transpose', { row }, { perm = back })
      self.scope = scope
      value.kind, value.first = kind, first
   else
      local weight = { name = self:name(name), tensor = tensor }
      value = { name = weight.name, kind = kind, weight = weight, constant = true, memory = order, view = tensor }
      value.first = value
      -- what is laid out otherwise is put in a row once
      if order and tensor:isContiguous() then self.starts[start] = value end
   end
   self.views[key] = value
   return value, value.first
end

-- A tensor of the module's, by the name that it has in the module's state; a `buffer` is not trained. `view` is what
-- PyTorch and ONNX see of it.
function Graph:parameter(field, view, buffer)
   local scope = self.scope
   local name = scope.prefix .. field
   local value, first = stored(self, view, name)
   local own = { name = value.name, kind = value.kind, field = field, scope = scope, from = value, constant = true }
   if not self.parameters[name] then
      local entry = { name = name, tensor = view, buffer = buffer or false, value = value }
      -- the first that shows this memory
      if first.entry then entry.source = first.entry else first.entry = entry end
      self.parameters[name] = entry
      table.insert(self.parameters, entry)
   end
   scope.fields = scope.fields or {}
   if not scope.fields[field] then
      scope.fields[field] = { tensor = view, buffer = buffer or false }
      table.insert(scope.fields, field)
   end
   return own
end

-- A constant tensor that the module does not have, as a buffer of it.
function Graph:buffer(field, tensor)
   if torch.typename(tensor) ~= 'torch.LongTensor' then
      tensor = tensor:type(self.double and 'torch.DoubleTensor' or 'torch.FloatTensor')
   end
   return self:parameter(field, tensor:contiguous(), true)
end

-- Keeps a value of this module for modules elsewhere in the network, under the name of a field.
function Graph:keep(field, value)
   local keeps = self.scope.keeps or {}
   self.scope.keeps = keeps
   table.insert(keeps, { field = field, value = value })
   self.kept[value] = { scope = self.scope, field = field }
   return value
end

-- A constant tensor that no module shows in its state: PyTorch's own module does without it.
function Graph:unseen(tensor)
   local typename = self.double and 'torch.DoubleTensor' or 'torch.FloatTensor'
   local weight = { name = self:name 'constant', tensor = tensor:type(typename) }
   return { name = weight.name, kind = 'float', weight = weight, constant = true }
end

-- Numbers in a row, as Resize takes them: single precision in every graph.
function Graph:floats(list)
   local text = {}
   for i, v in ipairs(list) do text[i] = string.format('%.9g', v) end
   text = table.concat(text, ',')
   return constant(self, 'floats ' .. text, function()
      local tensor = #list > 0 and torch.FloatTensor(list) or torch.FloatTensor()
      local weight = { name = self:name('floats_' .. text), tensor = tensor, empty = #list == 0 }
      return { name = weight.name, kind = 'float', numbers = list, weight = weight }
   end)
end

-- The region of interest of a Resize, of which there is none.
function Graph:roi()
   if self.opset >= 13 then return false end
   return self:floats {}
end

-- Entry i of a table, or row i of a tensor.
function Graph:entry(value, i)
   if not value.name then return value[i] end
   local row = self:op('Gather', { value, self:number(i - 1, 'int64') }, { axis = 0 })
   if value.sizes then
      row.sizes = {}
      for r, sizes in ipairs(value.sizes) do row.sizes[r] = { unpack(sizes, 2) } end
   end
   return row
end

-- ---- operations ----

-- A node; gives its output, or as many as `outputs` says. `kind` is that of the first where it is not the input's.
function Graph:op(op, inputs, attributes, kind, outputs)
   local scope = self.scope
   local node = { op = op, inputs = inputs, attributes = attributes or {}, outputs = {}, scope = scope }
   local base = (scope and scope.place ~= '' and scope.place .. '.' or '') .. op
   for i = 1, outputs or 1 do
      local k = kind or inputs[1] and inputs[1].kind or 'float'
      if i > 1 then k = 'int64' end
      node.outputs[i] = { name = self:name(base), kind = k, node = node, scope = scope }
   end
   node.name = node.outputs[1].name
   table.insert(self.nodes, node)
   if scope then table.insert(scope.entries, node) end
   return unpack(node.outputs)
end

-- The sizes of a value: a number, or a table of those in each run where they differ, for each dimension.
function Graph.dims(value)
   local list = {}
   for d, n in ipairs(value.sizes[1]) do
      list[d] = n
      for _, sizes in ipairs(value.sizes) do
         if sizes[d] ~= n then
            list[d] = {}
            for r, s in ipairs(value.sizes) do list[d][r] = s[d] end
            break
         end
      end
   end
   return list
end

local function same(a, b)
   if type(a) ~= type(b) then return false end
   if type(a) == 'number' then return a == b end
   for r, n in ipairs(a) do if b[r] ~= n then return false end end
   return true
end
Graph.same = same

function Graph.rank(value) return #value.sizes[1] end

-- The size of a dimension, which must not be one of the batch.
function Graph:size(value, d)
   local n = self.dims(value)[d]
   if type(n) ~= 'number' then self:cannot('dimension %d of its input is the batch, or open, where it needs a size', d) end
   return n
end

-- A value in other dimensions, given as `dims` are.
function Graph:reshape(value, dims)
   local from, list, open = value.sizes and self.dims(value) or {}, {}, 0
   for d, n in ipairs(dims) do
      list[d] = n
      if type(n) ~= 'number' then
         open = open + 1
         list[d] = -1
      end
   end
   for d, n in ipairs(dims) do
      if open > 1 and list[d] == -1 and from[d] and same(from[d], n) then
         list[d], open = 0, open - 1
      end
   end
   if open > 1 then self:cannot('%d sizes of its output depend on the batch, or are open', open) end
   if #list == 0 then list = { 1 } end
   return self:op('Reshape', { value, self:ints(list) })
end

function Graph:transpose(value, perm)
   for i, p in ipairs(perm) do
      if p ~= i - 1 then return self:op('Transpose', { value }, { perm = perm }) end
   end
   return value
end

-- Operations whose axes are an input from some opset on, and an attribute before.
local function with_axes(self, op, since, value, axes, attributes)
   attributes = attributes or {}
   if self.opset >= since then return self:op(op, { value, self:ints(axes) }, attributes) end
   attributes.axes = axes
   return self:op(op, { value }, attributes)
end

function Graph:squeeze(value, axes) return with_axes(self, 'Squeeze', 13, value, axes) end
function Graph:unsqueeze(value, axes) return with_axes(self, 'Unsqueeze', 13, value, axes) end

-- The sum, mean, largest ... along axes ('Sum', 'Mean', 'Max', 'Min').
function Graph:reduce(how, value, axes, keep)
   return with_axes(self, 'Reduce' .. how, how == 'Sum' and 13 or 18, value, axes, { keepdims = keep and 1 or 0 })
end

-- the end of an axis, whatever its size
Graph.END = 2 ^ 53

-- Entries `first` to `last` (from 0 on, without the last; from the end where it is negative) of an axis.
function Graph:slice(value, axis, first, last)
   return self:op('Slice', { value, self:ints { first }, self:ints { last }, self:ints { axis } })
end

-- What is before and after each axis, as ONNX lists it; negative numbers cut off. `mode` as ONNX has it.
function Graph:pad(value, before, after, fill, mode)
   local pads, rank, any = {}, #before, false
   for i = 1, rank do
      pads[i], pads[rank + i] = math.max(before[i], 0), math.max(after[i], 0)
      any = any or pads[i] > 0 or pads[rank + i] > 0
      if before[i] < 0 or after[i] < 0 then
         local first, last = math.min(before[i], 0), math.min(after[i], 0)
         local part = self:slice(value, i - 1, -first, last < 0 and last or self.END)
         value = self:sized(part, value, i, function(n) return n + first + last end)
      end
   end
   if not any then return value end
   local inputs = { value, self:ints(pads) }
   if fill and (mode or 'constant') == 'constant' then inputs[3] = self:number(fill) end
   return self:op('Pad', inputs, { mode = mode or 'constant' })
end

-- A value with the sizes of another one, but for one dimension: n, or what a function makes of the other's.
function Graph:sized(value, like, d, n)
   value.sizes = {}
   for r, sizes in ipairs(like.sizes) do
      value.sizes[r] = { unpack(sizes) }
      value.sizes[r][d] = type(n) == 'function' and n(sizes[d]) or n
   end
   return value
end

function Graph:cast(value, kind)
   if value.kind == kind then return value end
   local to = { float = self.double and 11 or 1, int64 = 7, bool = 9 }
   return self:op('Cast', { value }, { to = to[kind] }, kind)
end

-- Softmax and kin along an axis: before opset 13 the axes behind it took part too.
function Graph:normalized(op, value, axis, rank)
   if self.opset >= 13 or axis == rank - 1 then return self:op(op, { value }, { axis = axis }) end
   local perm = {}
   for i = 1, rank do perm[i] = i - 1 end
   perm[axis + 1], perm[rank] = perm[rank], perm[axis + 1]
   local turned = self:op(op, { self:transpose(value, perm) }, { axis = rank - 1 })
   return self:transpose(turned, perm)
end

-- A value with a batch of one where the rank is one short of what an operation takes; f gets it, and its result is
-- without that batch again.
function Graph:batched(value, rank, f)
   if self.rank(value) ~= rank - 1 then return f(value) end
   local with = self:unsqueeze(value, { 0 })
   with.sizes = {}
   for r, sizes in ipairs(value.sizes) do with.sizes[r] = { 1, unpack(sizes) } end
   return self:squeeze(f(with), { 0 })
end

-- Row numbers that count from 0, of numbers that count from 1.
function Graph:fromOne(value)
   return self:op('Sub', { self:cast(value, 'int64'), self:number(1, 'int64') })
end

function Graph:add(a, b) return self:op('Add', { a, b }) end
function Graph:sub(a, b) return self:op('Sub', { a, b }) end
function Graph:mul(a, b) return self:op('Mul', { a, b }) end
function Graph:div(a, b) return self:op('Div', { a, b }) end
function Graph:power(a, p)
   if p == 1 then return a end
   if p == 2 then return self:mul(a, a) end
   if p == 0.5 then return self:op('Sqrt', { a }) end
   return self:op('Pow', { a, self:number(p) })
end

return new
