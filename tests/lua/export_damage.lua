-- Damaged models are converted, or give an error that names the command; nothing else happens.
-- Usage: th tests/lua/export_damage.lua FOLDER [ROUNDS]
require 'nn'
require 'nngraph'
local convert = require 'rekindle.convert'
local folder, rounds = arg[1], tonumber(arg[2] or 60)
torch.manualSeed(1)

local x = nn.Identity()()
local models = {
   nn.Sequential():add(nn.SpatialConvolution(1, 2, 3, 3)):add(nn.SpatialBatchNormalization(2)):add(nn.ReLU())
      :add(nn.SpatialMaxPooling(2, 2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(18, 4)):add(nn.LogSoftMax()):float(),
   nn.Sequential():add(nn.LookupTable(5, 3)):add(nn.TemporalConvolution(3, 2, 2)):add(nn.Max(1, 2))
      :add(nn.ConcatTable():add(nn.Identity()):add(nn.Linear(2, 2))):add(nn.CAddTable()),
   nn.gModule({ x }, { nn.CMulTable() { nn.Sigmoid()(nn.Linear(4, 3)(x)), nn.Linear(4, 3)(x) } }),
}
local texts = {}
for i, model in ipairs(models) do texts[i] = torch.serialize(model) end

local formats = { 'onnx', 'pth', 'npz', 't7' }
local shown = print
for round = 1, rounds do
   local text = texts[torch.random(#texts)]
   for _ = 1, torch.random(4) do
      local at, way = torch.random(#text), torch.random(3)
      local new = way == 1 and '\255\255\255\127' or way == 2 and '\0\0\0\0' or string.char(torch.random(256) - 1)
      text = text:sub(1, at - 1) .. new .. text:sub(at + #new)
   end
   local path = folder .. '/damaged.t7'
   local file = assert(io.open(path, 'wb'))
   file:write(text)
   file:close()
   print = function() end
   local ok, why = pcall(convert.main, { path, folder .. '/out.' .. formats[torch.random(#formats)] })
   print = shown
   if not ok and not tostring(why):find('^th convert: ') then error(string.format('round %d: %s', round, tostring(why))) end
end
print('done')
