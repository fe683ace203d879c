-- Every class of nn (the list is nn_samples.lua) as ONNX and as PyTorch, with the scripts that compare.
-- Usage: th tests/lua/export_classes.lua FOLDER [CLASS]
require 'nn'
local export = require 'rekindle.export'
torch.manualSeed(1)
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or ''
local samples = dofile(here .. 'nn_samples.lua')
local folder, only = arg[1], arg[2]

local function single(value)
   if torch.isTensor(value) then return torch.typename(value) == 'torch.DoubleTensor' and value:float() or value end
   local list = {}
   for i, entry in ipairs(value) do list[i] = single(entry) end
   return list
end

local names = {}
for name in pairs(samples) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
   for i, sample in ipairs((not only or only == name) and samples[name] or {}) do
      local call, input = unpack(sample)
      local module = assert(loadstring('return nn.' .. call))()
      module:float()
      -- what has seen training data, and what a first pass makes
      if module.training then module:training() end
      pcall(module.forward, module, single(input))
      local ok, why = pcall(function()
         -- as PyTorch, and as ONNX with the oldest and the newest operations
         for _, way in ipairs { { 'pth' }, { 'onnx', 11 }, { 'onnx', 17 }, { 'onnx', 21 } } do
            local suffix, opset = unpack(way)
            local path = string.format('%s/%s_%d_%s%s.%s', folder, name, i, suffix, opset or '', suffix)
            export.convert(module, path, { input = input, opset = opset })
            export.verify(module, path, { input = input, opset = opset })
            print(string.format('%s\t%s%s\t%s', name, suffix, opset or '', (path:gsub('%.%w+$', '.verify.py'))))
         end
      end)
      if not ok then print(string.format('%s\trefused\t%s', name, (tostring(why):gsub('\n', ' ')))) end
   end
end
