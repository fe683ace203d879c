-- `th convert MODEL.t7 OUT`: a model of a file of Torch7 in the format that the suffix of OUT says.
local read_options = require 'rekindle.options'
local convert = {}

local USAGE = [[
th convert MODEL.t7 OUT [options]

OUT ends in .onnx, .pth (a state dict, and OUT.py which builds the network in PyTorch), .safetensors, .npz, .npy or .t7
(the layout of today). Nothing of the file is run.

   -input SIZES      sizes of a sample, without the batch: 3x32x32; 20:long for row numbers; several times, or
                     {12,{5,5}}, for tables. Guessed from the first layer where it is left out
   -fixed            the sizes are those of the whole input: no batch before them
   -open             other sizes of pictures, and lengths of sequences, are taken too, where the network does
   -model PATH       which model of the file, as protos.rnn
   -opset N          the version of ONNX's operations, 11 to 21 (17)
   -float, -double   the type of the numbers (float; for files of tensors and .t7 as they are)
   -ascii            .t7 as text
   -weights          .pth: tensors as they are, without a Python file
   -names FILE       new names of tensors, a line each: NEW in their order, or OLD NEW
   -external BYTES   ONNX: weights of more bytes go to OUT.data (2000000000)]]

local KNOWN = { input = 'list', fixed = false, open = false, model = true, opset = true, float = false, double = false, ascii = false,
   weights = false, names = true, external = true }

-- Options that have a meaning for some formats alone, and for which.
local GRAPHS = { onnx = true, pth = true }
local ONLY = {
   input = { GRAPHS, '.onnx and .pth' }, fixed = { GRAPHS, '.onnx and .pth' }, open = { GRAPHS, '.onnx and .pth' },
   opset = { { onnx = true }, '.onnx' }, external = { { onnx = true }, '.onnx' }, ascii = { { t7 = true }, '.t7' },
   weights = { { pth = true, tensors = true }, '.pth' }, names = { { tensors = true }, '.safetensors, .npz, and .pth with -weights' },
}

-- Refuses options that would do nothing.
local function demand_used(given, format)
   for name, only in pairs(ONLY) do
      if given[name] and not only[1][format] then error(string.format('th convert: -%s is for %s', name, only[2]), 0) end
   end
end

-- What a command is given, as options of rekindle.export, with the sizes of inputs.
function convert.options(command, given, input)
   if given.float and given.double then error(command .. ': -float or -double, not both', 0) end
   local function number(name)
      if not given[name] then return nil end
      local n = tonumber(given[name])
      if not n or n ~= math.floor(n) or n < 0 then
         error(string.format('%s: -%s: a whole number expected, got %s', command, name, given[name]), 0)
      end
      return n
   end
   return {
      input = input, fixed = given.fixed, open = given.open, opset = number 'opset', external = number 'external', ascii = given.ascii,
      weights = given.weights, type = given.double and 'double' or given.float and 'float' or nil, owned = true,
   }
end

-- An error about a file: what exports say, and what else goes wrong with fields that are not as their classes make them.
-- What functions were called on the way says nothing to who gave the command; `other` is a file that may be meant as well.
function convert.fail(command, path, why, other)
   why = tostring(why):gsub('^%S+%.lua:%d+: ', ''):gsub(' %(os error %d+%)', '')
   for _, name in ipairs { 'rekindle%.export', 'rekindle%.models%.%w+', 'onnx%.save', 'torch%.load', 'torch%.DiskFile' } do
      why = why:gsub('^' .. name .. ': ', '')
   end
   if why:find 'stack overflow' then why = 'it is nested deeper than can be followed, or contains itself' end
   local told = why:find(path, 1, true) or other and why:find(other, 1, true)
   error(command .. ': ' .. (told and why or path .. ': ' .. why), 0)
end

-- The object of a file, without what only graphics processors have, and the model in it where one is wanted.
function convert.read(command, path, at, wants_model)
   local export = require 'rekindle.export'
   local ok, object = pcall(export.load, path)
   if not ok then convert.fail(command, path, object) end
   object = export.home(object)
   if not wants_model and not at then return object end
   local model, why = export.choose(object, at)
   if not model then error(string.format('%s: %s: %s', command, path, why), 0) end
   return model
end

local function names_of(path)
   if not path then return nil end
   local file, why = io.open(path, 'r')
   if not file then error('th convert: -names: ' .. why, 0) end
   local text, unread = file:read '*a'
   file:close()
   if not text then error(string.format('th convert: -names: %s: %s', path, tostring(unread)), 0) end
   local names, i = {}, 0
   for line in text:gmatch '[^\r\n]+' do
      local old, new = line:match('^%s*(%S+)%s+(%S+)%s*$')
      if old then
         names[old] = new
      elseif line:find('%S') then
         i = i + 1
         names[i] = line:match('^%s*(%S+)%s*$')
      end
   end
   return names
end

local function tell(result)
   local lines = {}
   local function say(...) lines[#lines + 1] = string.format(...) end
   if result.input then
      say('input %s%s%s', result.input, result.batch and ' after a batch of any size' .. (result.open and ', or others' or '') or '',
         result.guessed and ' (guessed from the first layer; -input says another)' or '')
      if not result.batch and result.why_fixed then
         say('the sizes are fixed: the model takes no batch (%s)', result.why_fixed)
      end
   end
   say('wrote %s%s', result.path, result.tensors and string.format(', %d tensors', result.tensors) or '')
   if (result.functions or 0) > 0 then say('left out %d functions, which were not loaded', result.functions) end
   if result.python then say('wrote %s', result.python) end
   print(table.concat(lines, '\n'))
end

function convert.main(args)
   local command = 'th convert'
   local given, words = read_options(command, args, KNOWN, USAGE)
   if not given then return end
   if #words ~= 2 then error(USAGE, 0) end
   local export = require 'rekindle.export'
   local from, to = unpack(words)
   local format = export.format(to)
   if not format then
      error(string.format('%s: %s: expected a name that ends in .onnx, .pth, .safetensors, .npz, .npy or .t7', command, to), 0)
   end
   demand_used(given, format == 'pth' and given.weights and 'tensors' or format)
   local options = convert.options(command, given, given.input)
   options.names = names_of(given.names)
   local wants = format == 'onnx' or format == 'pth' and not options.weights
   local ok, result = pcall(export.convert, convert.read(command, from, given.model, wants), to, options)
   if not ok then convert.fail(command, from, result, to) end
   tell(result)
end

return convert
