-- Objects whose files the tests damage: of every kind that a file can hold, small. Gives the texts of their files.
require 'nn'
local shared = torch.range(1, 6):resize(2, 3)
local up = 3
local cycle = { name = 'cycle' }
cycle.self = cycle
local net = nn.Sequential():add(nn.Linear(2, 2)):add(nn.Tanh()):add(nn.BatchNormalization(2))
local objects = {
   { 1, -0.5, 'text', '', true, false, { [1.5] = 'key', [true] = {} } },
   { shared, shared:t(), shared:storage(), torch.IntTensor{ 1, 2 }, torch.LongStorage{ 5 }, torch.HalfTensor{ 1 }, torch.ByteTensor(), torch.CharTensor{ 65 } },
   { cycle, function(x) return x + up end, function() up = up + 1 end },
   net,
   { torch.Tensor{ { 1 }, { 2 } }:expand(2, 3), torch.Generator() },
}
local texts = {}
for _, object in ipairs(objects) do
   texts[#texts + 1] = torch.serialize(object)
   texts[#texts + 1] = torch.serialize(object, 'ascii')
end
return unpack(texts)
