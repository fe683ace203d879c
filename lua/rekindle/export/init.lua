-- Package rekindle.export: networks of nn as files of other programs, with proof that they compute the same.
--
--   export.convert(model, path, options)   writes the file that the path's suffix says
--   export.verify(model, path, options)    compares the file with the model, layer by layer
--   export.graph(model, options)           the operations, for programs
local graphs = require 'rekindle.export.walk'
local inputs = require 'rekindle.export.inputs'
local models = require 'rekindle.export.model'
local export = {}

local function wrong(text, ...) error('rekindle.export: ' .. string.format(text, ...), 0) end

-- The options as a table of the kinds of values that they have.
local KINDS = { opset = 'number', external = 'number', type = 'string', names = 'table', n = 'number', seed = 'number' }
local function options_of(options)
   if options ~= nil and type(options) ~= 'table' then wrong('expected a table of options, got %s', torch.type(options)) end
   for name, kind in pairs(KINDS) do
      local value = options and options[name]
      if value ~= nil and type(value) ~= kind then wrong("option '%s': a %s expected, got %s", name, kind, torch.type(value)) end
   end
   local input = options and options.input
   if input ~= nil and type(input) ~= 'string' and type(input) ~= 'table' and not torch.isTensor(input) then
      wrong("option 'input': sizes as a text, a list of these, or tensors expected, got %s", torch.type(input))
   end
   return options or {}
end

local TYPES = { float = 'torch.FloatTensor', double = 'torch.DoubleTensor' }

-- The network in evaluation and of this type; the caller's own where it is of the type already.
local function prepared(model, typename, owned)
   if not owned and model:type() ~= typename then model = model:clone() end
   if model:type() ~= typename or owned then model:type(typename) end
   -- a graph has one type
   require('rekindle.export.trace').modules(model, function(m)
      if torch.isTypeOf(m, 'nn.DontCast') then
         m.modules[1]:type(typename)
         m.moduleType = typename
      end
   end)
   return model, require('rekindle.export.trace').evaluating(model)
end

-- The batches of the two runs that tell which sizes are those of the batch.
local BATCHES = { 2, 3 }

local function attempt(model, spec, options, typename, batches)
   local limit, list = inputs.limit(model), {}
   for i, n in ipairs(batches or { false }) do list[i] = inputs.sample(spec, n or nil, typename, limit) end
   local g, why = graphs(model, list, options)
   if g then g.spec, g.batches = spec, batches end
   return g, why
end

-- With sizes that are open besides the batch: one more run with larger ones, which networks of several poolings take in
-- steps.
local function open_attempt(model, spec, options, typename)
   local limit, why = inputs.limit(model), nil
   for _, by in ipairs { 32, 64, 16, 8 } do
      local list = {}
      for i, n in ipairs(BATCHES) do list[i] = inputs.sample(spec, n, typename, limit) end
      list[3] = inputs.sample(inputs.larger(spec, by), BATCHES[1], typename, limit)
      local g
      g, why = graphs(model, list, options)
      if g then
         g.spec, g.batches = spec, { BATCHES[1], BATCHES[2], BATCHES[1] }
         return g
      end
   end
   return nil, why
end

-- The first line of an error that is none about where it came up.
local function first_line(text)
   local where = ''
   for line in (tostring(text) .. '\n'):gmatch('([^\n]*)\n') do
      if not line:find('^In %d+ module of') then return where .. line:gsub('^%S+%.lua:%d+: ', '') end
      where = where .. line .. ' '
   end
   return where
end

-- In batches where the network takes them, else as a sample of fixed sizes.
local function graph_of(model, spec, options, typename)
   local g, why
   if options.open then return open_attempt(model, spec, options, typename) end
   if not options.fixed then g, why = attempt(model, spec, options, typename, BATCHES) end
   if g or options.batch then return g, why end
   local fixed, other = attempt(model, spec, options, typename)
   if fixed then fixed.why_fixed = why and first_line(why) end
   return fixed, why or other
end

-- The graph of a network. Options:
--   input      sizes of a sample as a text or a list of texts (3x32x32), or a tensor or table of tensors, which is then
--              the whole input; without it they are guessed from the first layer
--   opset      the version of ONNX's operations (17)
--   type       'float' or 'double'
--   open       the sizes of pictures and sequences are open too, not the batch alone
--   fixed      the sizes are those of the whole input: no batch before them
function export.graph(model, options)
   options = options_of(options)
   if torch.isTypeOf(model, 'nn.Criterion') then
      wrong('%s cannot be expressed: %s', torch.type(model), require('rekindle.export.layers').criterion)
   end
   if not torch.isTypeOf(model, 'nn.Module') and not models.is_module(model) then
      wrong('expected a module of nn, got a %s', torch.type(model))
   end
   local typename = TYPES[options.type or 'float']
   if not typename then wrong("the type 'float' or 'double' expected, got %s", tostring(options.type)) end
   local unknown = models.unknown(model)
   if #unknown > 0 then wrong('this model cannot be expressed:\n%s', models.complaint(unknown)) end
   local restore
   model, restore = prepared(model, typename, options.owned)
   local known = { opset = options.opset, double = options.type == 'double', fixed = options.fixed, open = options.open }
   local ok, g, why = pcall(export.run, model, options.input, known, typename)
   restore()
   if not ok then error(g, 0) end
   if not g then wrong('%s', why) end
   if #g.failures > 0 then wrong('this model cannot be expressed:\n%s', models.complaint(g.failures)) end
   if #g.outputs == 0 then wrong('the model gives no tensors, and a file of it would compute nothing') end
   g.model = model
   return g
end

-- Whether each output has the batch in front.
local function whole_batches(g)
   for _, value in ipairs(g.outputs) do
      if not g.batches or not g.same(g.dims(value)[1], g.batches) then return false end
   end
   return true
end

-- The graph from the input that is given, or from the first guess that the network takes.
function export.run(model, input, options, typename)
   if torch.isTensor(input) or type(input) == 'table' and not input.sizes and type(input[1]) ~= 'string' and
      not (input[1] and input[1].sizes) then
      input = inputs.cast(input, typename)
      local g, why = graphs(model, { input }, options)
      if g then g.sample = input end
      return g, why and 'the model does not take this input: ' .. first_line(why)
   end
   local list
   if input then
      local spec, why = input, nil
      if type(input) == 'string' or type(input[1]) == 'string' then
         spec, why = inputs.parse(type(input) == 'string' and { input } or input)
      end
      if not spec then return nil, why end
      list = { spec }
   else
      list = inputs.guesses(model)
      if #list == 0 then return nil, 'the input cannot be guessed from the first layer: say its sizes, as in -input 3x32x32' end
   end
   local first, second
   for _, spec in ipairs(list) do
      local g, why = graph_of(model, spec, options, typename)
      if g then
         g.guessed = not input
         -- of guesses, one that gives a result for each sample
         if input or whole_batches(g) then return g end
         second = second or g
      end
      first = first or why
   end
   if second then return second end
   local text, tried = first_line(first), inputs.text(list[1])
   if text:find('nn.LookupTable', 1, true) and not tried:find ':long' then
      text = text .. '; what is looked up are row numbers, as in -input 20:long'
   end
   return nil, string.format('the model does not take an input of %s%s: %s', tried,
      #list > 1 and string.format(', nor of the %d other sizes that were tried; say them, as in -input 3x32x32', #list - 1) or '', text)
end

-- ---- files ----

local FORMATS = { onnx = 'onnx', pth = 'pth', pt = 'pth', safetensors = 'tensors', npz = 'tensors', npy = 'tensors', t7 = 't7' }

function export.format(path)
   if type(path) ~= 'string' then wrong('expected a file name, got %s', torch.type(path)) end
   local suffix = path:match('%.(%w+)$')
   return suffix and FORMATS[suffix:lower()]
end

-- Writes a network, or for files of tensors any object, into a file whose suffix says what: .onnx, .pth (with NAME.py),
-- .safetensors, .npz, .npy, .t7. Options are those of `graph`, and:
--   ascii      .t7 as text
--   names      new names of tensors: old -> new, or a list in their order
--   weights    .pth without the Python file: the tensors as they are
--   external   bytes of weights from which on ONNX has them in a file of their own
-- Gives a table that says what was written.
function export.convert(model, path, options)
   options = options_of(options)
   local format = export.format(path)
   if not format then wrong('%s: expected a name that ends in .onnx, .pth, .safetensors, .npz, .npy or .t7', path) end
   if format == 'pth' and options.weights then format = 'tensors' end
   return require('rekindle.export.files')[format](export, model, path, options)
end

function export.verify(model, path, options)
   return require('rekindle.export.verify')(export, model, path, options_of(options))
end

function export.load(path)
   if type(path) ~= 'string' then wrong('expected a file name, got %s', torch.type(path)) end
   return models.read(path)
end

export.choose, export.home = models.choose, models.home

return export
