-- Inner methods of Torch7's classes, which classes of programs call and replace.
require 'nn'
require 'nngraph'
torch.manualSeed(1)
local x = torch.randn(2, 3, 4)

local function same(a, b) assert(a == b, tostring(a) .. ' ~= ' .. tostring(b)) end
local function says(text, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(text, 1, true), tostring(why))
end

-- the dimension that a module works along, counted from the start and past that of a batch
for _, class in ipairs { 'Max', 'Min', 'Sum', 'Mean', 'SplitTable', 'JoinTable' } do
   local input = class == 'JoinTable' and { x, x } or x
   local function place(...) return nn[class](...):_getPositiveDimension(input) end
   same(place(2), 2)
   same(place(-1), 3)
   same(place(1, 2), 2)
   same(place(1, 3), 1)
   says('nn.' .. class .. ': the dimension should be a whole number', place, 'a')
   says('nn.' .. class, function() nn[class](1):_getPositiveDimension(3) end)

   -- one that a class has instead is asked by forward and backward
   local name = 'nn.Last' .. class
   local Last = torch.class(name, 'nn.' .. class)
   function Last:_getPositiveDimension() return 3 end
   local wanted, got = nn[class](3), nn['Last' .. class](1)
   local output, output2 = wanted:forward(input), got:forward(input)
   if class == 'SplitTable' then
      same(#output2, 4)
   else
      assert(output:equal(output2))
   end
   local gradient, gradient2 = wanted:backward(input, output), got:backward(input, output2)
   if class == 'JoinTable' then gradient, gradient2 = gradient[1], gradient2[1] end
   assert(gradient:equal(gradient2))
end

for _, class in ipairs { 'Max', 'Min' } do
   local module = nn[class](1)
   module:_lazyInit()
   same(module._output:type(), 'torch.DoubleTensor')
   same(module._indices:type(), 'torch.LongTensor')
   local output, indices = module._output, module._indices
   module:_lazyInit()
   assert(rawequal(module._output, output) and rawequal(module._indices, indices))
end

-- what a batch has to be
do
   local bn = nn.BatchNormalization(3)
   bn:checkInputDim(torch.randn(5, 3))
   says('nn.BatchNormalization: a batch of 2 dimensions expected', bn.checkInputDim, bn, torch.randn(3))
   says('nn.BatchNormalization: 3 features expected', bn.checkInputDim, bn, torch.randn(5, 4))
   says('nn.BatchNormalization: a tensor expected as input, got nothing', bn.checkInputDim, bn)
   bn:evaluate()
   bn:checkInputDim(torch.randn(3))
   nn.SpatialBatchNormalization(3):checkInputDim(torch.randn(5, 3, 2, 2))
   says('of 5 dimensions', function() nn.VolumetricBatchNormalization(3):checkInputDim(torch.randn(5, 3, 2, 2)) end)
end

-- row numbers of lookup tables
do
   local lookup = nn.LookupTable(5, 2)
   lookup:backCompatibility()
   same(lookup._count:type(), 'torch.IntTensor')
   same(lookup._input:type(), 'torch.LongTensor')
   same(lookup.shouldScaleGradByFreq, false)
   local long = torch.LongTensor { { 1, 2 }, { 3, 4 } }
   assert(rawequal(lookup:makeInputContiguous(long), long) and lookup.copiedInput == false)
   local turned = lookup:makeInputContiguous(long:t())
   assert(turned:isContiguous() and turned:equal(long:t()) and lookup.copiedInput == true)
   assert(rawequal(turned, lookup._input))
   same(nn.LookupTable(5, 2):makeInputContiguous(torch.Tensor { 1, 5 }):type(), 'torch.LongTensor')
   says('nn.LookupTable: a tensor expected as input', lookup.makeInputContiguous, lookup, 3)
end

-- copies of a module, as many as there are inputs or more
do
   local map = nn.MapTable(nn.Linear(2, 2))
   map:_extend(3)
   same(#map.modules, 3)
   same(torch.pointer(map.modules[3].weight:storage()), torch.pointer(map.module.weight:storage()))
   map:_extend(2)
   same(#map.modules, 3)
   map:resize(2)
   same(#map.modules, 2)
   says('nn.MapTable: the number of modules should be a whole number', map._extend, map, 'a')
   says('nn.MapTable: a module expected, there is none yet', function() nn.MapTable():_extend(2) end)
end

-- the place of a new dimension: the first input tells what a sample is
do
   same(nn.Unsqueeze(1, 2):_getActualPosition(x), 2)
   local unsqueeze = nn.Unsqueeze(1)
   same(unsqueeze:_getActualPosition(x), 1)
   same(unsqueeze.numInputDims, 3)
   same(unsqueeze:_getActualPosition(x:view(1, 2, 3, 4)), 2)
   says('nn.Unsqueeze: there is no place 4', function() nn.Unsqueeze(4, 2):_getActualPosition(x) end)
   says('nn.Unsqueeze: an input of 3 dimensions or more expected', unsqueeze._getActualPosition, unsqueeze, x[1])
end

-- walks through graphs
do
   local a, b, c, d = graph.Node 'a', graph.Node 'b', graph.Node 'c', graph.Node 'd'
   a:add { b, c }
   b:add(d)
   c:add(d)
   local function words(list)
      local out = {}
      for i, node in ipairs(list) do out[i] = node.data end
      return table.concat(out)
   end
   local before, after = {}, {}
   a:visit(function(node) before[#before + 1] = node end, function(node) after[#after + 1] = node end)
   -- nobody marked a node
   same(words(before), 'abdcd')
   same(words(after), 'dbdca')
   local seen = {}
   same(words(a:dfs_dirty(function(node) seen[#seen + 1] = node end)), 'dbca')
   same(words(seen), 'dbca')
   assert(a.visited and d.visited)
   same(#a:dfs_dirty(function() end), 0)
   same(words(a:bfs_dirty(function() end)), 'abcd')
   assert(a.marked and d.marked)
   a:visit(function() error('visited before') end)
   for _, node in ipairs { a, b, c, d } do node.visited, node.marked = false, false end
   same(a:hasCycle(), false)
   d:add(b)
   same(a:hasCycle(), true)
   same(c:hasCycle(), true)
   assert(not a.visited and not a.marked)
   says('a path through the graph does not end', a.visit, a, function() end)
   -- as deep as unrolled networks are
   local first = graph.Node(0)
   local last = first
   for i = 1, 50000 do
      local node = graph.Node(i)
      last:add(node)
      last = node
   end
   same(first:hasCycle(), false)
   same(#first:dfs_dirty(function() end), 50001)
   same(nn.Identity()(nn.Identity()()):hasCycle(), false)
end

-- Passes ask the methods that classes of programs have instead of ours: how often at least in forward, in updateGradInput
-- and in accGradParameters.
do
   local samples = dofile((debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or '') .. 'nn_samples.lua')
   local ASKED = {
      BatchNormalization = { checkInputDim = { 1, 2, 2 } }, SpatialBatchNormalization = { checkInputDim = { 1, 2, 2 } },
      VolumetricBatchNormalization = { checkInputDim = { 1, 2, 2 } }, UpSampling = { setSize = { 1, 0, 0 } },
      Bilinear = { __assertInput = { 1, 0, 0 }, __assertInputGradOutput = { 0, 1, 1 } }, Convert = { buildConverter = { 1, 0, 0 } },
      DepthConcat = { windowNarrow = { 2, 2, 2 } }, SpatialUpSamplingBilinear = { setSize = { 1, 0, 0 } },
      IndexLinear = { flattenInputs = { 1, 0, 0 }, reshapeInput = { 1, 0, 0 }, longTensor = { 1, 0, 0 } },
      SparseLinear = { reshapeInput = { 1, 0, 1 } }, LinearWeightNorm = { updateWeightMatrix = { 1, 0, 0 } },
      LookupTable = { backCompatibility = { 1, 0, 1 }, renorm = { 1, 0, 0 }, makeInputContiguous = { 1, 0, 0 } },
      Max = { _lazyInit = { 1, 1, 0 } }, Min = { _lazyInit = { 1, 1, 0 } }, MapTable = { _extend = { 1, 1, 1 } },
      NaN = { recursiveIsNaN = { 1, 1, 1 } }, Unsqueeze = { _getActualPosition = { 1, 0, 0 } },
      SpatialFractionalMaxPooling = { getOutputSizes_ = { 1, 1, 0 }, initSampleBuffer_ = { 1, 0, 0 }, getBufferSize_ = { 1, 0, 0 } },
      VolumetricFractionalMaxPooling = { getOutputSizes_ = { 1, 1, 0 }, initSampleBuffer_ = { 1, 0, 0 }, getBufferSize_ = { 1, 0, 0 } },
      SpatialFullConvolution = { backCompatibility = { 1, 1, 1 } }, VolumetricFullConvolution = { backCompatibility = { 1, 1, 1 } },
      SpatialMaxUnpooling = { setParams = { 1, 1, 0 } }, VolumetricMaxUnpooling = { setParams = { 1, 1, 0 } },
      Threshold = { validateParameters = { 1, 1, 0 } }, ReLU = { validateParameters = { 1, 1, 0 } },
      WeightNorm = { updateWeight = { 1, 0, 0 }, permuteOut = { 1, 0, 0 }, permuteIn = { 0, 0, 1 } },
      Sequential = { rethrowErrors = { 1, 1, 1 } }, Concat = { rethrowErrors = { 2, 2, 2 } },
      ParallelTable = { rethrowErrors = { 2, 2, 2 } }, ConcatTable = { rethrowErrors = { 2, 2, 2 } },
      LayerNormalization = { rethrowErrors = { 4, 4, 4 } },
   }
   local function copied(value)
      if torch.isTensor(value) then return value:clone() end
      for i, entry in ipairs(value) do value[i] = copied(entry) end
      return value
   end
   local function agree(a, b)
      if torch.isTensor(a) then return a:equal(b) end
      for i, entry in ipairs(a) do
         if not agree(entry, b[i]) then return false end
      end
      return #a == #b
   end
   for class, methods in pairs(ASKED) do
      local text, input = unpack(samples[class][1])
      for method, wanted in pairs(methods) do
         local own, count = nn[class][method], 0
         local Sub = torch.class('nn.Sub' .. class .. method, 'nn.' .. class)
         Sub[method] = function(...)
            count = count + 1
            return own(...)
         end
         torch.manualSeed(2)
         local ours = assert(loadstring('return nn.' .. text))()
         torch.manualSeed(2)
         local theirs = assert(loadstring('return nn.Sub' .. class .. method .. text:sub(#class + 1)))()
         local passes = {
            function(m) return m:forward(input) end,
            function(m) return m:updateGradInput(input, copied(m.output)) end,
            function(m) m:accGradParameters(input, copied(m.output), 1) end,
         }
         for i, pass in ipairs(passes) do
            torch.manualSeed(3)
            local result = pass(ours)
            torch.manualSeed(3)
            count = 0
            local other = pass(theirs)
            assert(count >= wanted[i], string.format('%s asks %s %d times in pass %d', class, method, count, i))
            assert(result == nil or agree(result, other), class)
         end
      end
   end

   -- what a class checks by itself may have other sizes
   local Any = torch.class('nn.AnyNormalization', 'nn.BatchNormalization')
   function Any:checkInputDim(t) assert(t:dim() > 1) end
   local input, gradOutput = torch.randn(4, 3, 5), torch.randn(4, 3, 5)
   local any, spatial = nn.AnyNormalization(3), nn.SpatialBatchNormalization(3)
   spatial.weight:copy(any.weight)
   for _ = 1, 2 do
      local output, batch = any:forward(input), input:view(4, 3, 5, 1)
      assert(output:equal(spatial:forward(batch):view(4, 3, 5)))
      assert(any:backward(input, gradOutput):equal(spatial:backward(batch, gradOutput:view(4, 3, 5, 1)):view(4, 3, 5)))
      for _, field in ipairs { 'running_mean', 'running_var', 'save_mean', 'save_std', 'gradWeight', 'gradBias' } do
         assert(any[field]:equal(spatial[field]), field)
      end
      same(rawget(any, 'nDim'), nil)
      any:evaluate()
      spatial:evaluate()
   end
   says('nn.BatchNormalization', function() any:forward(torch.randn(4, 2, 5)) end)
   local One = torch.class('nn.OneSample', 'nn.BatchNormalization')
   function One:checkInputDim() end
   says('nn.BatchNormalization', function() nn.OneSample(3):forward(torch.randn(3)) end)
   says('nn.OneSample: a tensor expected as input', function() nn.OneSample(3):forward(3) end)

   -- numbers that a class makes of its inputs
   local Shifted = torch.class('nn.ShiftedTable', 'nn.LookupTable')
   function Shifted:makeInputContiguous(t)
      self._input:resize(t:size()):copy(t):add(1)
      self.copiedInput = true
      return self._input
   end
   local table = nn.ShiftedTable(4, 2)
   assert(table:forward(torch.LongTensor { 0, 3 })[2]:equal(table.weight[4]))
   table:zeroGradParameters()
   table:backward(torch.LongTensor { 0, 3 }, torch.ones(2, 2))
   same(table.gradWeight[1]:sum(), 2)
   same(table.gradWeight[2]:sum(), 0)

   -- flags that programs give as numbers
   local first = torch.ones(2)
   assert(nn.CAddTable(1):forward { first, torch.ones(2) }:equal(torch.Tensor { 2, 2 }) and first[1] == 2)
   assert(nn.CAddTable(0):forward { first, torch.ones(2) }:equal(torch.Tensor { 3, 3 }) and first[1] == 2)
   says("nn.CAddTable.updateOutput: field 'inplace' is a string, expected a boolean", function()
      nn.CAddTable('yes'):forward { first, first }
   end)

   -- a column of scores, a vector of targets, and a weight for each of them
   local scores, answers, weights = torch.rand(4, 1), torch.Tensor { 1, 0, 0, 1 }, torch.Tensor { 1, 2, 3, 4 }
   for _, class in ipairs { 'BCECriterion', 'MultiLabelSoftMarginCriterion' } do
      local column, vector = nn[class](weights), nn[class](weights)
      same(column:forward(scores, answers), vector:forward(scores:view(4), answers))
      assert(column:backward(scores, answers):equal(vector:backward(scores:view(4), answers):view(4, 1)))
      says(class .. ': 3 weights do not fit', nn[class](torch.ones(3)).forward, nn[class](torch.ones(3)), scores, answers)
   end

   -- NaN that does not reach the output is nobody's fault
   local nan = nn.NaN(nn.Narrow(1, 1, 2), 1)
   assert(nan:forward(torch.Tensor { 1, 2, 0 / 0 }):equal(torch.Tensor { 1, 2 }))
   says('NaN found in input of module', nan.forward, nan, torch.Tensor { 0 / 0, 1, 2 })
end
print('inner methods, all as they should be')
