-- Weights that a network multiplies by several times: what a product keeps of them has to go with every change. Networks whose
-- weights' address the program knows keep nothing; both must be equal to the last bit.
require 'nn'
local compared = 0
local function equal(what, a, b)
   compared = compared + 1
   assert(a:isSameSizeAs(b) and (a - b):abs():max() == 0 and a:eq(a):all(), what)
end

local file = os.tmpname()
-- a layer's weights as a matrix
local function matrix(net, i)
   local w = net:get(i).weight
   return w:view(w:size(1), -1)
end
-- what programs do with weights: the parameters in one piece, the layers
local changes = {
   nothing = function() end,
   add = function(p) p:add(0.01) end,
   step = function(p, _, g) p:add(-0.1, g) end,
   update = function(_, net) net:updateParameters(0.1) end,
   zero = function(p) p:zero() end,
   reset = function(_, net)
      torch.manualSeed(5)
      net:reset()
   end,
   element = function(p) p[700] = 0.5 end,
   matrix = function(_, net) matrix(net, 1)[{ 3, 5 }] = 2 end,
   row = function(_, net) net:get(1).weight[7]:fill(0.25) end,
   column = function(_, net) net:get(3).weight:select(2, 9):mul(-1) end,
   transposed = function(_, net) matrix(net, 3):t():narrow(1, 2, 5):add(1) end,
   range = function(_, net) matrix(net, 1)[{ { 2, 9 }, { 1, 3 } }] = 0.125 end,
   storage = function(p) p:storage()[900] = -1 end,
   fill = function(p) p:storage():fill(0.01) end,
   copied = function(p) p:storage():copy(torch.range(1, p:nElement()):type(p:type()):div(1e6):storage()) end,
   view = function(p) p:view(-1, 1):narrow(1, 100, 50):zero() end,
   apply = function(p) p:apply(function(v) return v * 0.5 end) end,
   map = function(p) p:map(p, function(v, w) return v + w / 3 end) end,
   masked = function(p) p:maskedFill(p:gt(0.05), 0) end,
   indexed = function(_, net) net:get(1).weight:indexFill(1, torch.LongTensor { 1, 3 }, 0.5) end,
   indexCopied = function(_, net) net:get(1).weight:indexAdd(2, torch.LongTensor { 2 }, net:get(1).weight:narrow(2, 1, 1)) end,
   scattered = function(_, net)
      matrix(net, 3):scatter(1, torch.LongTensor(1, matrix(net, 3):size(2)):fill(2), 0.75)
   end,
   renormed = function(_, net) net:get(1).weight:renorm(2, 1, 0.5) end,
   product = function(_, net)
      local w = matrix(net, 1)
      w:addr(0.1, torch.ones(w:size(1)):type(w:type()), torch.ones(w:size(2)):type(w:type()))
   end,
   uniform = function(p)
      torch.manualSeed(8)
      p:uniform(-0.1, 0.1)
   end,
   written = function(p)
      local f = torch.DiskFile(file, 'w')
      for i = 1, 300 do f:writeDouble(i / 1000) end
      f:close()
      f = torch.DiskFile(file, 'r')
      local s = f:readDouble(300)
      f:close()
      p:narrow(1, 1, 300):copy(torch.DoubleTensor(s))
   end,
   loaded = function(p)
      torch.save(file, p)
      p:copy(torch.load(file):mul(0.9))
   end,
   shared = function(_, net)
      local other = net:clone('weight', 'bias')
      other:get(1).weight:mul(1.5)
   end,
   set = function(_, net) net:get(1).weight = net:get(1).weight:clone():add(0.01) end,
   inner = function(_, net)
      net:get(1).weight:set(net:get(1).weight:storage(), 5, net:get(1).weight:size())
   end,
   sorted = function(_, net)
      local w = net:get(1).weight
      torch.sort(w, torch.LongTensor(), w:clone(), 2)
   end,
   resized = function(p) p:storage():resize(p:storage():size() + 100) end,
}

-- networks, and the sizes of their inputs and outputs
local networks = {
   linear = {
      net = function() return nn.Sequential():add(nn.Linear(130, 300)):add(nn.Tanh()):add(nn.Linear(300, 70)) end,
      input = { 40, 130 },
      output = { 40, 70 },
   },
   -- the first in Winograd's way where it is Float, the second with few positions
   planes = {
      net = function()
         local net = nn.Sequential():add(nn.SpatialConvolution(34, 32, 3, 3, 1, 1, 1, 1)):add(nn.Tanh())
         return net:add(nn.SpatialConvolution(32, 70, 3, 3, 2, 2))
      end,
      input = { 1, 34, 15, 13 },
      output = { 1, 70, 7, 6 },
   },
   -- rows of pixels, and many positions of few planes
   rows = {
      net = function()
         local net = nn.Sequential():add(nn.SpatialConvolution(20, 22, 1, 1)):add(nn.Tanh())
         return net:add(nn.SpatialConvolution(22, 48, 3, 3))
      end,
      input = { 1, 20, 18, 32 },
      output = { 1, 48, 16, 30 },
   },
}

local function run(network, change, kind, exposed)
   torch.manualSeed(2)
   local net = network.net():type(kind)
   local p, g = net:getParameters()
   if exposed then p:data() end
   local seen = {}
   for _ = 1, 3 do
      for k = 1, 3 do
         torch.manualSeed(k)
         local x, d = torch.randn(unpack(network.input)):type(kind), torch.randn(unpack(network.output)):type(kind)
         table.insert(seen, net:forward(x):clone())
         table.insert(seen, net:backward(x, d):clone())
      end
      changes[change](p, net, g)
   end
   return seen
end

for name, network in pairs(networks) do
   for change in pairs(changes) do
      for _, kind in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
         local one, other = run(network, change, kind, false), run(network, change, kind, true)
         for i = 1, #one do equal(table.concat({ name, change, kind, i }, ' '), one[i], other[i]) end
      end
   end
end
-- what is not finite goes the plain way, whatever is kept
local conv = nn.SpatialConvolution(32, 32, 3, 3, 1, 1, 1, 1):float()
local x = torch.FloatTensor(1, 32, 16, 16):uniform()
local plain = conv:forward(x):clone()
for _ = 1, 3 do equal('finite', conv:forward(x), plain) end
x[1][3][8][8] = math.huge
for _ = 1, 3 do
   assert(conv:forward(x)[1][1]:clone():apply(function(v) return v - v == 0 and 1 or 0 end):sum() == 16 * 16 - 9)
end
x[1][3][8][8] = 0
assert((conv:forward(x) - plain):abs():max() < 1)
os.remove(file)
print(compared .. ' comparisons: all as it should be')
