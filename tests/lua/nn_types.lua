-- Modules that select or copy take tensors of other types than their own, as in Torch7: what selects gives tensors of the
-- input's type, what copies gives its own. What computes refuses them, with a message that names both types.
require 'nn'
torch.manualSeed(1)
local matrix = torch.range(1, 6):view(2, 3)
local types = { 'Byte', 'Short', 'Int', 'Long', 'Float', 'Double' }
local tried = 0

local function kind(t) return torch.isTensor(t) and torch.type(t):match('torch%.(%a+)Tensor') end
local function same(got, wanted)
   if type(got) ~= 'table' then
      assert(got:isSize(wanted:size()) and (got:double() - wanted:double()):abs():max() == 0)
   else
      for i, entry in ipairs(wanted) do same(got[i], entry) end
   end
end
-- Outputs are `given`, the name of a type or nil for the input's; `own` is what the module gives for its own type.
local function takes(make, input, given)
   local own = make():forward(input('Double'))
   for _, name in ipairs(types) do
      local module = make()
      for _ = 1, 2 do
         local output = module:forward(input(name))
         local first = torch.isTensor(output) and output or output[1]
         assert(kind(first) == (given or name), string.format('%s of %s gives %s', torch.type(module), name, kind(first)))
         same(output, own)
      end
      -- afterwards its own type as before
      same(module:forward(input('Double')), own)
      tried = tried + 1
   end
end
local function as(x) return function(name) return x:type('torch.' .. name .. 'Tensor') end end
local function pair(name) return { as(matrix)(name), as(matrix)(name) + 1 } end

takes(function() return nn.SplitTable(1) end, as(matrix))
takes(function() return nn.SplitTable(1, 1) end, as(matrix))
takes(function() return nn.CAddTensorTable() end, function(name) return { as(matrix)(name), pair(name) } end)
takes(function() return nn.JoinTable(2) end, pair, 'Double')
takes(function() return nn.JoinTable(1) end, function(name) return { matrix, as(matrix)(name), as(matrix)('Int') } end, 'Double')
takes(function() return nn.Padding(1, 2, 1, 7, 2) end, as(torch.range(1, 3)), 'Double')
takes(function() return nn.Padding(2, -1) end, as(matrix), 'Double')
takes(function() return nn.SpatialZeroPadding(1, -1, 0, 1) end, as(matrix:view(1, 2, 3)), 'Double')
takes(function() return nn.Concat(1):add(nn.Identity()):add(nn.Identity()) end, as(matrix), 'Double')
takes(function() return nn.DepthConcat(1):add(nn.Identity()):add(nn.Identity()) end, as(matrix:view(1, 2, 3)), 'Double')
takes(function() return nn.Parallel(1, 1):add(nn.Identity()):add(nn.Identity()) end, as(matrix), 'Double')
takes(function() return nn.TemporalDynamicKMaxPooling(1) end, as(matrix))
takes(function() return nn.PixelShuffle(2) end, as(torch.range(1, 16):view(4, 2, 2)))
local function clusters()
   local module = nn.Kmeans(2, 3)
   module.weight:copy(torch.Tensor { { 1, 2, 3 }, { 4, 4, 4 } })
   return module
end
takes(clusters, as(matrix), 'Double')
for _, name in ipairs(types) do
   torch.manualSeed(3)
   local module, own = clusters(), clusters()
   for _, start in ipairs { 'initRandom', 'initKmeansPlus' } do
      torch.manualSeed(3)
      module[start](module, as(matrix)(name))
      torch.manualSeed(3)
      own[start](own, matrix)
      same(module.weight, own.weight)
   end
   assert(kind(module:updateGradInput(as(matrix)(name), matrix)) == 'Double')
   -- gradients are for the input, and of its type, whatever that of gradOutput
   local shuffle, planes = nn.PixelShuffle(2), torch.range(1, 16):view(4, 2, 2)
   shuffle:forward(as(planes)(name))
   local gradient = shuffle:backward(as(planes)(name), torch.range(1, 16):view(1, 4, 4))
   assert(kind(gradient) == name and gradient:sum() == 136)
end
for _, p in ipairs { 1, 2, 3 } do
   local a, b = torch.Tensor { 1, 5, 2 }, torch.Tensor { 2, 3, 6 }
   local own = nn.PairwiseDistance(p)
   own:forward { a, b }
   local gradients = own:backward({ a, b }, torch.Tensor { 2 })
   for _, gradOutput in ipairs { torch.Tensor { 2 }, torch.FloatTensor { 2 } } do
      local module = nn.PairwiseDistance(p)
      local output = module:forward { a:float(), b:float() }
      assert(kind(output) == 'Double' and math.abs(output[1] - own.output[1]) < 1e-6)
      local got = module:backward({ a:float(), b:float() }, gradOutput)
      for i = 1, 2 do assert(kind(got[i]) == 'Float' and (got[i]:double() - gradients[i]):abs():max() < 1e-6) end
      -- afterwards its own type as before
      module:forward { a, b }
      got = module:backward({ a, b }, torch.Tensor { 2 })
      for i = 1, 2 do assert(kind(got[i]) == 'Double' and (got[i] - gradients[i]):abs():max() == 0) end
   end
end
for _, name in ipairs { 'Float', 'Double' } do
   local penalty = nn.L1Penalty(0.5)
   assert(kind(penalty:forward(as(matrix)(name))) == name and penalty.loss == 10.5)
end

-- gradients of what is joined have the type of each input
local join = nn.JoinTable(2)
for _, names in ipairs { { 'Float', 'Int' }, { 'Int', 'Float' }, { 'Double', 'Double' } } do
   local input = { as(matrix)(names[1]), as(matrix)(names[2]) }
   local gradients = join:backward(input, join:forward(input))
   for i, name in ipairs(names) do
      assert(kind(gradients[i]) == name)
      same(gradients[i], matrix)
   end
end

-- elsewhere the message says what to do
local function refuses(module, input, gradOutput, text)
   local ok, message = pcall(function()
      local output = module:forward(input)
      if gradOutput then module:backward(input, gradOutput == true and output or gradOutput) end
   end)
   assert(not ok and tostring(message):find(text, 1, true), tostring(message))
end
local floats = matrix:float()
refuses(nn.CAddTable(), { floats, floats }, nil, 'nn.CAddTable: the module is torch.DoubleTensor, its input torch.FloatTensor')
refuses(nn.CAddTensorTable(), { floats, { matrix } }, nil, 'nn.CAddTensorTable: tensors of one type expected')
refuses(nn.SplitTable(1), floats, true, 'nn.SplitTable: the module is torch.DoubleTensor, its input torch.FloatTensor')
refuses(nn.Padding(1, 1), floats, true, 'nn.Padding: the module is torch.DoubleTensor, its input torch.FloatTensor')
refuses(nn.SpatialZeroPadding(1), floats:view(1, 2, 3), true, 'nn.SpatialZeroPadding: the module is')
refuses(nn.PairwiseDistance(), { floats, floats }, nil, 'nn.PairwiseDistance: the module is torch.DoubleTensor')
refuses(nn.PairwiseDistance(), { floats[1], floats[1] }, torch.ones(2), 'nn.PairwiseDistance: forward comes before backward')
refuses(nn.TemporalDynamicKMaxPooling(1), floats, true, 'nn.TemporalDynamicKMaxPooling: the module is torch.DoubleTensor, its input')
refuses(nn.PixelShuffle(1), matrix:view(1, 2, 3), floats, "nn.PixelShuffle: gradOutput of the output's size expected")
refuses(nn.Kmeans(2, 3), floats, true, 'nn.Kmeans: the module is torch.DoubleTensor, its input torch.FloatTensor')
refuses(nn.L1Penalty(1), floats, true, 'nn.L1Penalty: the module is torch.DoubleTensor')
refuses(nn.JoinTable(1), { floats, 5 }, nil, 'nn.JoinTable: a tensor expected as input[2], got the number 5')
refuses(nn.SplitTable(1), 5, nil, 'nn.SplitTable: a tensor expected as input, got the number 5')
print(tried .. ' inputs, all as it should be')
