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
         for _, suffix in ipairs { 'onnx', 'pth' } do
            local path = string.format('%s/%s_%d_%s.%s', folder, name, i, suffix, suffix)
            export.convert(module, path, { input = single(input) })
            export.verify(module, path, { input = single(input) })
            print(string.format('%s\t%s\t%s', name, suffix, (path:gsub('%.%w+$', '.verify.py'))))
         end
      end)
      if not ok then print(string.format('%s\trefused\t%s', name, (tostring(why):gsub('\n', ' ')))) end
   end
end
