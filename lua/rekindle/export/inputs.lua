-- Inputs of a network as a user writes them: `3x32x32`, `20:long` for row numbers (`:long` for one), `{12,{5,5}}` for a table. Sizes are
-- those of a sample: a batch comes before them.
local inputs = {}

local KINDS = { float = true, long = true, byte = true }

-- Reads one value from a text at a place; the value and the place behind it.
local function read(text, at)
   if text:sub(at, at) == '{' then
      local list = {}
      at = at + 1
      while text:sub(at, at) ~= '}' do
         local value
         value, at = read(text, at)
         if not value then return nil, at end
         list[#list + 1] = value
         local mark = text:sub(at, at)
         if mark == ',' then at = at + 1 elseif mark ~= '}' then return nil, at end
      end
      return list, at + 1
   end
   local sizes, kind, after = text:match('^([%dx]*):?(%a*)()', at)
   if not sizes or (kind ~= '' and not KINDS[kind]) or sizes == '' and kind == '' then return nil, at end
   local list = {}
   -- without sizes, a sample is one number
   if sizes == '' then return { sizes = list, kind = kind }, after end
   for n in (sizes .. 'x'):gmatch('(%d*)x') do
      if n == '' or tonumber(n) < 1 or tonumber(n) > 2 ^ 31 then return nil, at end
      list[#list + 1] = tonumber(n)
   end
   return { sizes = list, kind = kind ~= '' and kind or 'float' }, after
end

-- What a text says, or several texts as the entries of a table.
function inputs.parse(texts)
   local list = {}
   for i, text in ipairs(texts) do
      local value, at = read(text:gsub('%s', ''), 1)
      if not value or at <= #text:gsub('%s', '') then
         return nil, string.format('%q is no shape of an input: expected sizes like 3x32x32, 20:long for row numbers, ' ..
            'or {12,{5,5}}', text)
      end
      list[i] = value
   end
   return #list == 1 and list[1] or list
end

-- A text that says this.
function inputs.text(spec)
   if spec.sizes then
      return table.concat(spec.sizes, 'x') .. (spec.kind ~= 'float' and ':' .. spec.kind or '')
   end
   local parts = {}
   for i, entry in ipairs(spec) do parts[i] = inputs.text(entry) end
   return '{' .. table.concat(parts, ',') .. '}'
end

-- The same with larger sizes, for inputs that are open: all but the channels of planes and volumes, the length of a
-- sequence.
function inputs.larger(spec, by)
   if not spec.sizes then
      local list = {}
      for i, entry in ipairs(spec) do list[i] = inputs.larger(entry, by) end
      return list
   end
   local sizes = { unpack(spec.sizes) }
   if #sizes > 2 then
      for d = 2, #sizes do sizes[d] = sizes[d] + by end
   elseif #sizes == 2 or spec.kind == 'long' and #sizes == 1 then
      sizes[1] = sizes[1] + by
   end
   return { sizes = sizes, kind = spec.kind }
end

-- A sample: normal numbers, row numbers from 1 to `limit`, zeros and ones. `batch` samples, or one without a batch (nil).
function inputs.sample(spec, batch, typename, limit)
   if not spec.sizes then
      local list = {}
      for i, entry in ipairs(spec) do list[i] = inputs.sample(entry, batch, typename, limit) end
      return list
   end
   local sizes = torch.LongStorage(batch and { batch, unpack(spec.sizes) } or spec.sizes)
   if spec.kind == 'long' then return torch.LongTensor():resize(sizes):random(1, limit) end
   if spec.kind == 'byte' then return torch.ByteTensor():resize(sizes):random(0, 1) end
   return torch.randn(sizes):type(typename)
end

-- Tensors of floating-point numbers in this type; others as they are.
function inputs.cast(value, typename)
   if torch.isTensor(value) then
      local floating = torch.typename(value) == 'torch.FloatTensor' or torch.typename(value) == 'torch.DoubleTensor'
      return floating and value:type(typename) or value
   end
   local list = {}
   for i, entry in ipairs(value) do list[i] = inputs.cast(entry, typename) end
   return list
end

-- The smallest number of rows of the tables that are looked up in: what row numbers may be.
function inputs.limit(model)
   local least = nil
   require('rekindle.export.trace').modules(model, function(m)
      local n = torch.isTypeOf(m, 'nn.LookupTable') and torch.isTensor(m.weight) and m.weight:dim() > 0 and m.weight:size(1) or torch.isTypeOf(m, 'nn.OneHot') and tonumber(m.outputSize)
      if n then least = math.min(least or n, n) end
   end)
   return least or 1
end

-- The first module that computes: what it takes, where that is known.
local function first(m)
   if torch.isTypeOf(m, 'nn.gModule') then
      for _, child in ipairs(m.modules) do
         local found = first(child)
         if found then return found end
      end
      return nil
   end
   for _, name in ipairs { 'nn.Parallel', 'nn.ParallelTable', 'nn.MapTable' } do
      if torch.isTypeOf(m, name) then return nil end
   end
   for _, child in ipairs(m.modules or {}) do
      local found = first(child)
      if found then return found end
   end
   if m.weight or torch.isTypeOf(m, 'nn.OneHot') then return m end
end

-- Modules that give as many features as they get.
local function passes(m)
   if not m then return true end
   return not m.modules and not m.weight and (torch.isTypeOf(m, 'nn.Identity') or torch.isTypeOf(m, 'nn.Dropout') or
      torch.isTypeOf(m, 'nn.Tanh') or torch.isTypeOf(m, 'nn.Threshold') or torch.isTypeOf(m, 'nn.Copy'))
end

local wanted
-- What the part `i` of a graph's input is given to: as an input, or nil where nothing tells.
local function of_graph(graph, i)
   -- the node that stands for part i, behind the one that the inputs come from
   local function part(node)
      if graph.nInputs == 1 or node.data.selectindex == i then return node end
      for _, child in ipairs(node.data.module and {} or node.children) do
         local found = part(child)
         if found then return found end
      end
   end
   for _, node in ipairs(graph.forwardnodes) do
      if node.data == graph.innode.data then
         local source = part(node)
         return source and wanted(source)
      end
   end
end
function wanted(node)
   for _, child in ipairs(node.children) do
      local m = child.data.module
      local f = m and (torch.isTypeOf(m, 'nn.gModule') and m or first(m))
      local found
      if not m or passes(m) then found = wanted(child)
      elseif torch.isTypeOf(f, 'nn.gModule') then found = of_graph(f, child.data.mapindex[node.data])
      elseif torch.isTypeOf(f, 'nn.Linear') then found = { sizes = { f.weight:size(2) }, kind = 'float' }
      elseif torch.isTypeOf(f, 'nn.LookupTable') or torch.isTypeOf(f, 'nn.OneHot') then found = { sizes = {}, kind = 'long' } end
      if found then return found end
   end
end

-- Guesses for a graph of several inputs: where nothing tells of one, it is as large as others are, or as what linear
-- layers give, which it may be added to.
local function graph_guesses(graph)
   local list, sizes, seen, open = {}, {}, {}, false
   local function known(n)
      if not seen[n] then
         seen[n] = true
         sizes[#sizes + 1] = n
      end
   end
   for i = 1, graph.nInputs do
      list[i] = of_graph(graph, i) or false
      if list[i] and list[i].kind == 'float' then known(list[i].sizes[1]) end
      open = open or not list[i]
   end
   if not open then return { list } end
   for _, m in ipairs(graph.modules) do if torch.isTypeOf(m, 'nn.Linear') then known(m.weight:size(1)) end end
   local guesses = {}
   for g, n in ipairs(sizes) do
      guesses[g] = {}
      for i = 1, graph.nInputs do guesses[g][i] = list[i] or { sizes = { n }, kind = 'float' } end
   end
   return guesses
end

-- Sides of images that networks are made for.
local SIDES = { 224, 32, 28, 64, 96, 227, 231, 256, 128, 112, 299, 48, 16 }

-- What the input of a network may be, the likeliest first; empty where nothing tells.
function inputs.guesses(model)
   if torch.isTypeOf(model, 'nn.gModule') and model.nInputs > 1 then return graph_guesses(model) end
   local m = first(model)
   local function is(name) return torch.isTypeOf(m, 'nn.' .. name) end
   local function one(...) return { sizes = { ... }, kind = 'float' } end
   if not m then return {} end
   if is 'LookupTable' or is 'OneHot' then return { { sizes = { 20 }, kind = 'long' } } end
   if is 'Linear' then return { one(m.weight:size(2)) } end
   local list = {}
   if m.nInputPlane and m.kT then
      for _, side in ipairs { 112, 32, 16 } do list[#list + 1] = one(m.nInputPlane, 16, side, side) end
   elseif m.nInputPlane and m.kW then
      if is 'SpatialFullConvolution' then list[1] = one(m.nInputPlane, 1, 1) end
      for _, side in ipairs(SIDES) do list[#list + 1] = one(m.nInputPlane, side, side) end
      -- nets of one's own: whatever their first linear layer fits
      for side = 4, 100 do list[#list + 1] = one(m.nInputPlane, side, side) end
   elseif m.inputFrameSize then
      list[1] = one(100, m.inputFrameSize)
   end
   return list
end

return inputs
