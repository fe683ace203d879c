-- `th verify MODEL.t7 OUT`: whether a converted file computes what the model does, layer by layer.
local convert = require 'rekindle.convert'
local read_options = require 'rekindle.options'
local verify = {}

local USAGE = [[
th verify MODEL.t7 OUT [options]

Runs the model here, and writes its input, what every layer gives, and the result to OUT.verify.npz, and the script that
compares OUT with them to OUT.verify.py, which is run where a Python with onnxruntime or torch is found
(REKINDLE_PYTHON, else python3). Files of tensors and .t7 are compared at once.

   -shape SIZES      sizes of a sample, as -input of th convert
   -input FILE       the input: .npy, or .npz with arrays input1, input2.1 ... for tables
   -n N              samples of a batch (4)
   -seed S           of the random input (1)
   -tolerance T      largest relative difference (1e-5)
   -fixed, -model PATH, -float, -double   as th convert]]

local KNOWN = { input = true, shape = 'list', n = true, seed = true, tolerance = true, fixed = false, model = true,
   float = false, double = false }

local function quoted(text) return "'" .. text:gsub("'", "'\\''") .. "'" end

-- The arrays of a file, by name and in order.
local function arrays_of(path)
   if not path then return nil end
   local ok, found, names = pcall(require('rekindle.models').load, path)
   if not ok then convert.fail('th verify: -input', path, found) end
   local arrays = {}
   for i, name in ipairs(names) do arrays[i], arrays[name] = found[name], found[name] end
   return arrays
end

-- Runs the script; nil where no Python has what it needs.
local function run(result, out, format, tolerance)
   local python = os.getenv 'REKINDLE_PYTHON' or 'python3'
   local module = format == 'onnx' and 'onnxruntime' or 'torch'
   local probe = string.format('%s -c %s >/dev/null 2>&1', quoted(python), quoted('import numpy, ' .. module))
   if os.execute(probe) ~= true then
      print(string.format('wrote %s and %s\nno Python with numpy and %s was found: python3 %s compares them there',
         result.arrays, result.script, module, result.script))
      return nil
   end
   io.stdout:flush()
   local done, _, code = os.execute(string.format('%s %s -tolerance %s', quoted(python), quoted(result.script), quoted(tolerance)))
   if done == true then return true end
   -- the script says so with 1; else it did not come as far
   if code ~= 1 then error(string.format('th verify: %s could not be compared, as is told above', out), 0) end
   return false
end

local function table_of(result, tolerance)
   local shown = 0
   for _, row in ipairs(result.rows) do
      local name, difference = unpack(row)
      if type(difference) ~= 'number' or difference > 0 or shown < 200 then
         shown = shown + 1
         if type(difference) == 'number' then difference = string.format('%.3g', difference) end
         print(string.format('%-48s %s', name, difference))
      end
   end
   local agrees = result.worst <= tolerance
   print(string.format('%s: the largest relative difference is %.3g', agrees and 'agrees' or 'differs', result.worst))
   return agrees
end

function verify.main(args)
   local command = 'th verify'
   local given, words = read_options(command, args, KNOWN, USAGE)
   if not given then return end
   if #words ~= 2 then error(USAGE, 0) end
   local export = require 'rekindle.export'
   local from, out = unpack(words)
   local format = export.format(out)
   local tolerance = tonumber(given.tolerance or '1e-5')
   if not tolerance then error(command .. ': -tolerance: a number expected', 0) end
   local n, seed = tonumber(given.n or 4), tonumber(given.seed or 1)
   if not n or n < 1 or n ~= math.floor(n) or not seed then error(command .. ': -n and -seed take whole numbers', 0) end
   if not format then
      error(string.format('%s: %s: expected a file of .onnx, .pth, .safetensors, .npz, .npy or .t7', command, out), 0)
   end
   local file = io.open(out, 'rb')
   if not file then error(string.format('%s: there is no %s', command, out), 0) end
   file:close()
   local options = convert.options(command, given, given.shape)
   options.n, options.seed, options.arrays = n, seed, arrays_of(given.input)
   if options.arrays and not given.shape then
      -- the sizes are those of the arrays
      local first = options.arrays[1]
      if #options.arrays == 1 and first and first:dim() > 1 and not given.fixed then
         local kind = torch.typename(first) == 'torch.LongTensor' and ':long' or ''
         options.input = table.concat(first:size():totable(), 'x', 2) .. kind
      end
   end
   local object = convert.read(command, from, given.model, format == 'onnx' or format == 'pth')
   if format == 't7' then
      -- the model of both files, where there is one
      object, options.model = export.choose(object, given.model) or object, given.model
   end
   local ok, result = pcall(export.verify, object, out, options)
   if not ok then convert.fail(command, from, result, out) end
   local agrees
   if result.rows then agrees = table_of(result, tolerance) else agrees = run(result, out, format, given.tolerance or '1e-5') end
   if agrees == false then error(string.format('%s: %s differs from %s', command, out, from), 0) end
end

return verify
