-- Whether a file computes what the network does: expected results for every layer, and a Python script that compares.
local files = require 'rekindle.export.files'
local inputs = require 'rekindle.export.inputs'
local script = require 'rekindle.export.script'
local trace = require 'rekindle.export.trace'

local function fail(text, ...) error('rekindle.export: ' .. string.format(text, ...), 0) end

-- ---- what is compared ----

-- The scopes that compute something themselves: { scope, path in PyTorch }.
local function layers_of(g)
   local list = {}
   local function visit(scope)
      local own = false
      for _, entry in ipairs(scope.entries) do
         if entry.call then visit(entry.call) else own = true end
      end
      if (own or #scope.entries == 0) and scope.parent then list[#list + 1] = scope end
   end
   visit(g.root)
   return list
end

local function leaves(value, list)
   list = list or {}
   if torch.isTensor(value) or value.name then
      list[#list + 1] = value
   else
      for _, entry in ipairs(value) do leaves(entry, list) end
   end
   return list
end

-- The nesting of an input as names of the file of arrays.
local function nesting(value, name)
   if torch.isTensor(value) then return "'" .. name .. "'" end
   local parts = {}
   for i, entry in ipairs(value) do parts[i] = nesting(entry, name == 'input' and name .. i or name .. '.' .. i) end
   return '[' .. table.concat(parts, ', ') .. ']'
end

local function kept(tensor) return tensor:dim() > 0 and tensor:clone() or nil end

-- Runs the model in evaluation and gives { entries for the file, layers for the script }.
local function expected(g, model, input)
   local entries, layers, results = {}, {}, {}
   local wanted = {}
   for _, scope in ipairs(layers_of(g)) do
      wanted[scope.module] = wanted[scope.module] or {}
      wanted[scope.module][scope.call] = true
   end
   local names = leaves(g.x)
   for i, tensor in ipairs(leaves(input)) do entries[i] = { names[i].name, tensor:clone() } end
   local restore = trace.evaluating(model)
   local output, why = trace.run(model, input, function(module, _, y, call)
      if wanted[module] and wanted[module][call] then
         results[module] = results[module] or {}
         local list = {}
         for i, value in ipairs(leaves(y)) do list[i] = torch.isTensor(value) and kept(value) end
         results[module][call] = list
      end
   end)
   restore()
   if output == nil then fail('the model does not take this input: %s', tostring(why):match('[^\n]*')) end
   local calls = {}
   for _, scope in ipairs(layers_of(g)) do
      local values, list = leaves(scope.y), results[scope.module] and results[scope.module][scope.call] or {}
      local path = scope.prefix:gsub('%.$', '')
      calls[path] = (calls[path] or 0) + 1
      local keys, onnx = {}, {}
      for i, value in ipairs(values) do
         if list[i] then
            local key = string.format('layer/%s%s%s', scope.place, calls[path] > 1 and '/' .. calls[path] or '',
               #values > 1 and '[' .. i .. ']' or '')
            entries[#entries + 1] = { key, list[i] }
            keys[#keys + 1] = key
            onnx[#onnx + 1] = value.name
         end
      end
      layers[#layers + 1] = { place = scope.place, class = scope.class, keys = keys, onnx = onnx, path = path,
         call = calls[path] }
   end
   local outputs = torch.isTensor(output) and { output } or leaves(output)
   for i, value in ipairs(g.outputs) do entries[#entries + 1] = { value.name, outputs[i]:clone() } end
   return entries, layers
end

-- ---- files of tensors, and .t7 ----

-- The largest difference over the largest absolute value; nothing where all is alike, nan included.
local function relative(found, wanted)
   local a, b = found:double(), wanted:double()
   local nan = torch.ne(a, a)
   if nan:max() > 0 or torch.ne(b, b):max() > 0 then
      -- where one has a nan, so must the other
      if not nan:equal(torch.ne(b, b)) then return math.huge end
      a, b = a:clone(), b:clone()
      a:maskedFill(nan, 0)
      b:maskedFill(nan, 0)
   end
   local difference = torch.add(a, -1, b)
   -- infinities that are alike have no difference
   difference:maskedFill(torch.eq(a, b), 0)
   return torch.abs(difference):max() / math.max(torch.abs(b):max(), 1e-300)
end

-- Compares the tensors of an object with those of a file, or of another object.
local function same_tensors(object, path)
   local nested, found = require('rekindle.export.model').nested, {}
   if type(path) == 'string' then
      found = require('rekindle.models').load(path)
   else
      for _, entry in ipairs(nested(path)) do found[entry[1]] = entry[2] end
   end
   local rows, worst = {}, 0
   for _, entry in ipairs(nested(object)) do
      local name, tensor = unpack(entry)
      local other, difference = found[name], math.huge
      if other and other:isSameSizeAs(tensor) then
         difference = relative(other, tensor)
      end
      rows[#rows + 1] = { name, other and difference or 'missing' }
      worst = math.max(worst, difference)
   end
   return { rows = rows, worst = worst }
end

-- Random inputs, or those of a file of arrays.
local function input_of(g, options, typename)
   if options.arrays then
      local list, names = leaves(g.x), {}
      for i, value in ipairs(list) do names[value] = i end
      local function fill(value)
         if not value.name then
            local entries = {}
            for i, entry in ipairs(value) do entries[i] = fill(entry) end
            return entries
         end
         local tensor = options.arrays[value.name] or #list == 1 and options.arrays[1]
         if not tensor then fail('the file of inputs has no array %q', value.name) end
         return value.kind == 'float' and tensor:type(typename) or tensor
      end
      return fill(g.x)
   end
   if g.sample then return g.sample end
   torch.manualSeed(options.seed or 1)
   return inputs.sample(g.spec, g.batches and (options.n or 4) or nil, typename, inputs.limit(g.model))
end

local function compare_t7(export, model, path, options)
   local models = require 'rekindle.export.model'
   local other = models.home(models.read(path))
   if not torch.isTypeOf(model, 'nn.Module') then return same_tensors(model, other) end
   local why
   other, why = models.choose(other, options.model)
   if not other then fail('%s: %s', path, why) end
   local g = export.graph(model, options)
   local typename = options.type == 'double' and 'torch.DoubleTensor' or 'torch.FloatTensor'
   local input = input_of(g, options, typename)
   local entries, layers = expected(g, g.model, input)
   other:type(typename)
   local h = export.graph(other, { input = (nn.utils.recursiveCopy(nil, input)), type = options.type })
   local theirs = expected(h, other, input)
   local at, rows, worst = {}, {}, 0
   for _, entry in ipairs(theirs) do at[entry[1]] = entry[2] end
   local function difference(key, tensor)
      local value = at[key]
      if not value or value:nElement() ~= tensor:nElement() then return math.huge end
      return relative(value, tensor)
   end
   for _, entry in ipairs(entries) do
      local d = difference(entry[1], entry[2])
      rows[#rows + 1] = { entry[1], d }
      worst = math.max(worst, d)
   end
   return { rows = rows, worst = worst, layers = #layers }
end

-- Writes PATH.verify.npz and PATH.verify.py for ONNX and PyTorch, and compares other files at once. Gives a table: `script`
-- and `arrays` (their names), or `rows` of names with relative differences, and `worst` of them.
return function(export, model, path, options)
   local format = export.format(path)
   if format == 'tensors' then return same_tensors(model, path) end
   if format == 't7' then return compare_t7(export, model, path, options) end
   if not torch.isTypeOf(model, 'nn.Module') then fail('expected a module of nn, got a %s', torch.type(model)) end
   if not format then fail('%s: expected a file of .onnx, .pth, .safetensors, .npz or .t7', path) end
   local typename = options.type == 'double' and 'torch.DoubleTensor' or 'torch.FloatTensor'
   local g = export.graph(model, options)
   local input = input_of(g, options, typename)
   local entries, layers = expected(g, g.model, input)
   local stem = path:gsub('%.%w+$', '') .. '.verify'
   require('rekindle.models').save(stem .. '.npz', entries)
   local outputs = {}
   for i, value in ipairs(g.outputs) do outputs[i] = value.name end
   files.write_text(stem .. '.py',
      script(format, path, stem .. '.npz', files.python_of(path), nesting(input, 'input'), outputs, layers))
   return { script = stem .. '.py', arrays = stem .. '.npz', layers = #layers, batch = g.batches ~= nil,
      input = g.spec and inputs.text(g.spec) }
end
