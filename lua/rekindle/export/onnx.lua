-- A graph as a file of ONNX.
local native = require('rekindle.native').functions.onnx
local onnx = {}

local LIKE = { int64 = 'torch.LongTensor', uint8 = 'torch.ByteTensor', bool = 'torch.ByteTensor' }

local function like(g, kind)
   if kind == 'float' then return g.double and torch.DoubleTensor() or torch.FloatTensor() end
   return torch.getconstructortable(LIKE[kind])()
end

-- Attributes that begin with `_` are for PyTorch alone.
local function attributes(model, list)
   local names = {}
   for name in pairs(list) do if name:sub(1, 1) ~= '_' then names[#names + 1] = name end end
   table.sort(names)
   for _, name in ipairs(names) do
      local v = list[name]
      if type(v) == 'table' then native.ints(model, name, torch.LongStorage(v))
      elseif type(v) == 'string' then native.text(model, name, v)
      elseif onnx.floats[name] then native.float(model, name, v)
      else native.int(model, name, v) end
   end
end
-- attributes that are no integers
onnx.floats = { alpha = true, beta = true, bias = true, epsilon = true }

-- Sizes for a port: the batch where there is exactly it, open where there is something else that depends on it.
local function sizes(g, value, batches)
   local list = {}
   for d, n in ipairs(g.dims(value)) do
      list[d] = n
      if type(n) ~= 'number' then
         list[d] = batches and g.same(n, batches) and -1 or -2
      end
   end
   return torch.LongStorage(list)
end

-- The nodes that lead to outputs, and to the values of `keep`; the others are left out.
local function needed(g, keep)
   local wanted, nodes = {}, {}
   for _, value in ipairs(g.outputs) do wanted[value] = true end
   for value in pairs(keep or {}) do wanted[value] = true end
   for i = #g.nodes, 1, -1 do
      local node, used = g.nodes[i], false
      for _, output in ipairs(node.outputs) do used = used or wanted[output] end
      if used then
         nodes[#nodes + 1] = node
         for _, input in pairs(node.inputs) do
            if input then wanted[input.from or input] = true end
         end
      end
   end
   local ordered = {}
   for i = #nodes, 1, -1 do ordered[#ordered + 1] = nodes[i] end
   return ordered, wanted
end

local function put_weight(g, model, value, written)
   local weight = value.weight
   if not weight or written[weight] then return end
   written[weight] = true
   if weight.empty then
      native.weight(model, weight.name, torch.FloatTensor())
   else
      local tensor = weight.tensor
      if not tensor:isContiguous() then tensor = tensor:contiguous() end
      native[weight.scalar and 'scalar' or 'weight'](model, weight.name, tensor)
   end
end

-- Writes the graph. `options`: batches (the sizes of the batch in the runs), inline (bytes of weights from which on they
-- go to a file of their own), notes (names and texts for the file).
function onnx.write(g, path, options)
   local model, written = native.model(), {}
   local nodes = needed(g, options.keep)
   for _, node in ipairs(nodes) do
      local names, last = {}, 0
      for i = 1, table.maxn(node.inputs) do if node.inputs[i] then last = i end end
      for _, output in ipairs(node.outputs) do names[#names + 1] = output.name end
      for i = 1, last do
         local input = node.inputs[i]
         if input then
            local value = input.from or input
            put_weight(g, model, value, written)
            names[#names + 1] = value.name
         else
            names[#names + 1] = ''
         end
      end
      attributes(model, node.attributes)
      native.node(model, node.op, node.name, #node.outputs, unpack(names))
   end
   for _, value in ipairs(g.inputs) do
      native.port(model, true, value.name, like(g, value.kind), sizes(g, value, options.batches))
   end
   for _, value in ipairs(g.outputs) do
      native.port(model, false, value.name, like(g, value.kind), sizes(g, value, options.batches))
   end
   for name, text in pairs(options.notes or {}) do native.note(model, name, text) end
   native.save(model, path, g.opset, options.inline)
end

return onnx
