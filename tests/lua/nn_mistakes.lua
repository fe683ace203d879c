-- The mistakes that programs with nn and optim make most: each ends in an error that says what came and what to do.
require 'nn'
require 'optim'
torch.manualSeed(1)
local T = torch
local function randn(...) return T.randn(...) end
local x = randn(2, 3)

local tried = 0
-- where messages say that it happened: here, and not in a file of the host
local here = debug.getinfo(1, 'S').short_src .. ':'
local function says(text, f)
   tried = tried + 1
   local ok, message = pcall(f)
   local place = tostring(message):gsub('In %d+ module of [^\n]*:\n', '')
   assert(ok or place:sub(1, #here) == here, 'no line of this file: ' .. tostring(message))
   assert(not ok, 'no error where one with this is expected: ' .. text)
   assert(tostring(message):find(text, 1, true), 'expected ' .. text .. ', got ' .. tostring(message))
end

-- two types of numbers, at the first call
local function types(kind, what, suffix)
   return string.format('the %s is torch.DoubleTensor, its %s torch.FloatTensor; convert one: %s:float() or %s:double()',
      kind, what, kind, what) .. (suffix or '')
end
for _, made in ipairs {
   'Max(1)', 'Min(2)', 'Sum(1)', 'Mean(1)', 'CMul(3)', 'CAdd(3)', 'Add(3)', 'Mul()', 'Power(2)', 'AddConstant(1)',
   'Linear(3, 2)', 'Tanh()', 'PReLU()', 'BatchNormalization(3)', 'MulConstant(2)', 'Transpose({1, 2})', 'Contiguous()', 'Dropout()', 'View(3, 2)', 'Reshape(3, 2)',
} do
   local module = assert(loadstring('return nn.' .. made))()
   says('nn.' .. made:match('^%w+') .. ': ' .. types('module', 'input'), function() module:forward(x:float()) end)
end
says('nn.CSubTable: the module is torch.DoubleTensor, its input[1] torch.FloatTensor', function()
   nn.CSubTable():forward { x:float(), x:float() }
end)
says('nn.Copy: an input of type torch.DoubleTensor expected, got a torch.FloatTensor', function()
   nn.Copy():forward(x:float())
end)
for _, class in ipairs { 'MSECriterion', 'AbsCriterion', 'SmoothL1Criterion', 'BCECriterion', 'DistKLDivCriterion' } do
   local y = T.rand(3)
   local name = 'nn.' .. class .. ': '
   says(name .. types('criterion', 'input'), function() nn[class]():forward(y:float(), y:float()) end)
   says(name .. types('criterion', 'target'), function() nn[class]():forward(y, y:float()) end)
   says(name .. 'a torch.DoubleTensor expected as target, got nothing', function() nn[class]():forward(y) end)
end

-- class targets
for _, class in ipairs { 'ClassNLLCriterion', 'CrossEntropyCriterion', 'MultiMarginCriterion' } do
   local function forward(target)
      return function() nn[class]():forward(randn(3), target) end
   end
   for _, target in ipairs { 'x', {}, true } do says('a class number or a tensor of them expected as target', forward(target)) end
   says('a class number or a tensor of them expected as target, got nothing', forward(nil))
   says('a class number expected as target, got nan', forward(0 / 0))
   says('target class 0 out of range 1..3', forward(0))
   says('target class 4 out of range 1..3', forward(4))
   says(types('criterion', 'input'), function() nn[class]():forward(x:float(), T.Tensor { 1, 2 }) end)
end

-- classes for modules, constructors without their arguments, calls with a dot
for _, container in ipairs { nn.Sequential(), nn.Concat(1), nn.ConcatTable(), nn.ParallelTable() } do
   local name = T.type(container)
   says(name .. ': nn.Tanh is a class, not a module; write nn.Tanh()', function() container:add(nn.Tanh) end)
   says(name .. ': a module to add expected, got nothing', function() container:add() end)
   says(name .. ': a module to add expected, got the number 3', function() container:add(3) end)
   -- programs add fields that are nil, which is an error of Sequential alone
   local size = #container.modules
   if name == 'nn.Sequential' then
      says(name .. ': a module to add expected, got nothing', function() container:add(nil) end)
   else
      assert(container:add(nil) == container and #container.modules == size)
   end
end
says('nn.Sequential: nn.Tanh is a class', function() nn.Sequential():insert(nn.Tanh, 1) end)
says('nn.Linear: inputSize should be a number from 1 on, got nothing', function() nn.Linear() end)
says('nn.Linear: outputSize should be a number from 1 on, got the string "b"', function() nn.Linear(3, 'b') end)
says('nn.LookupTable: nIndex should be a number from 1 on, got nothing', function() nn.LookupTable() end)
says('nn.TemporalConvolution: kW should be a number from 1 on, got nothing', function() nn.TemporalConvolution(3, 2) end)
says('nn.Maxout: outputSize should be a number from 1 on, got nothing', function() nn.Maxout(3) end)
says('nn.Add: inputSize should be a number from 1 on, got nothing', function() nn.Add() end)
says('nn.PReLU: nOutputPlane should be a number, got a string', function() nn.PReLU('x') end)
says('nn.Transpose: pairs of dimensions expected', function() nn.Transpose(1, 2) end)
says('nn.JoinTable: the dimension should be a whole number, got nothing', function() nn.JoinTable():forward { x, x } end)
says('nn.Concat: the dimension should be a whole number from 1 on, got nothing', function()
   nn.Concat():add(nn.Tanh()):forward(x)
end)
says('nn.ParallelCriterion: nn.MSECriterion is a class, not a criterion; write nn.MSECriterion()', function()
   nn.ParallelCriterion():add(nn.MSECriterion)
end)
says('nn.MapTable: a table expected as input, got a tensor of size 2x3', function()
   nn.MapTable():add(nn.Tanh()):forward(x)
end)
says('nn.Decorator: a module inside expected', function() nn.Decorator():forward(x) end)
says('nn.CosineEmbeddingCriterion: a table of two inputs expected, got a tensor of size 2x3', function()
   nn.CosineEmbeddingCriterion():forward(x, 1)
end)
local linear, mse = nn.Linear(3, 2), nn.MSECriterion()
for _, method in ipairs { 'forward', 'backward', 'parameters', 'getParameters', 'zeroGradParameters', 'updateParameters' } do
   says(method .. ": expected a module as self, got a tensor of size 2x3 (call it with ':')", function() linear[method](x, x) end)
end
for _, method in ipairs { 'forward', 'backward' } do
   says(method .. ": expected a criterion as self, got a tensor of size 2x3 (call it with ':')", function() mse[method](x, x) end)
end
says("add: expected a container as self, got a nn.Tanh (call it with ':')", function() nn.Sequential().add(nn.Tanh()) end)

-- backward before forward, inputs of another kind
for made, gradOutput in pairs { ['Max(1)'] = randn(3), ['Concat(1):add(nn.Linear(3, 2))'] = randn(2, 2) } do
   local module = assert(loadstring('return nn.' .. made))()
   says('nn.' .. made:match('^%w+') .. ': forward comes before backward', function() module:backward(x, gradOutput) end)
end
says('nn.CrossEntropyCriterion: forward comes before backward', function()
   nn.CrossEntropyCriterion():backward(x, T.Tensor { 1, 2 })
end)
local parallel = nn.ParallelTable():add(nn.Tanh()):add(nn.Tanh())
says('nn.ParallelTable: a table with an input for each of 2 modules expected, got a table of 1', function()
   parallel:forward { x }
end)
says('nn.ParallelTable: a table with an input for each of 2 modules expected, got the number 1', function()
   parallel:forward(1)
end)
assert(#parallel:forward(x) == 2, 'rows of a tensor are inputs, as in Torch7')
-- backward of what is neither a vector nor a matrix computes nothing, as in Torch7
for _, input in ipairs { randn(2, 4, 3), T.Tensor() } do
   local module = nn.Linear(3, 2)
   module:zeroGradParameters()
   module:backward(input, T.randn(2, 4, 2))
   assert(module.gradWeight:norm() == 0 and module.gradInput:isSameSizeAs(input))
   says('nn.Linear: input must be vector or matrix', function() module:forward(input) end)
end
for _, class in ipairs { 'SoftMax', 'SoftMin', 'LogSoftMax' } do
   says('nn.' .. class .. ': expected gradOutput of size [2 x 3], got [3 x 2]', function()
      local module = nn[class]()
      module:forward(x)
      module:backward(x, T.randn(3, 2))
   end)
end
says('nn.BCECriterion: input between 0 and 1 expected, got NaN', function()
   nn.BCECriterion():forward(T.Tensor { 0.5, 0 / 0 }, T.Tensor { 1, 0 })
end)
says('invalid multinomial distribution (a probability is nan)', function() T.multinomial(T.Tensor { 0 / 0, 1 }, 1) end)

-- fields that are no dimensions, or no longer fit
for _, n in ipairs { 0, -1, 0.5, 0 / 0 } do
   says('nn.Bottle: the number of input dimensions should be a whole number from 1 on', function()
      nn.Bottle(nn.Linear(3, 2), n):forward(randn(4, 2, 3))
   end)
   says('dimension', function() nn.utils.addSingletonDimension(x, n) end)
end
says('addSingletonDimension: a tensor expected', function() nn.utils.addSingletonDimension(3, 1) end)
local function slices(...) return nn.Parallel(...):add(nn.Linear(3, 2)):add(nn.Linear(3, 2)) end
says('nn.Parallel: inputDimension should be a whole number from 1 to 2, got the number nan', function()
   slices(0 / 0, 1):forward(x)
end)
says('nn.Parallel: outputDimension should be a whole number from 1 to 1, got the number 5', function()
   slices(1, 5):forward(x)
end)
for _, gradOutput in ipairs { randn(3), randn(2, 2) } do
   says("nn.Parallel: gradOutput of the output's size 4 expected", function()
      local module = slices(1, 1)
      module:forward(x)
      module:backward(x, gradOutput)
   end)
end
do
   local module = nn.Threshold(0, 1)
   module:forward(x)
   module.inplace = true
   says('nn.Threshold: in place, val (1) may not lie above threshold (0)', function() module:forward(x) end)
   says('nn.Threshold: in place, val (1) may not lie above threshold (0)', function() module:backward(x, x) end)
   module.threshold = 'a'
   says('nn.Threshold: threshold should be a number, got the string "a"', function() module:forward(x) end)
end

-- no graphics processor
says('nn.Linear: there is no GPU support in this build', function() linear:cuda() end)
says('nn.MSECriterion: there is no GPU support in this build', function() mse:cuda() end)

-- optimisers' states
for _, name in ipairs { 'sgd', 'nag', 'adam', 'adamax', 'adagrad', 'adadelta', 'rmsprop', 'asgd', 'rprop', 'lbfgs' } do
   local function f(p) return p:dot(p), p * 2 end
   local state = { learningRate = 0.1, momentum = 0.9, dampening = 0, maxIter = 3 }
   optim[name](f, T.ones(3), state)
   says('optim.' .. name .. ': the state was made for 3 parameters, and x has 5', function() optim[name](f, T.ones(5), state) end)
end

-- datasets
local function train(dataset)
   return function()
      local trainer = nn.StochasticGradient(nn.Linear(3, 2), nn.MSECriterion())
      trainer.maxIteration, trainer.verbose = 1, false
      local say = print
      print = function() end
      local ok, why = pcall(trainer.train, trainer, dataset)
      print = say
      if not ok then error(why, 0) end
   end
end
local function sized(n, ...) return { size = function() return n end, ... } end
says('nn.StochasticGradient: a dataset with a function size()', train {})
says('nn.StochasticGradient: a dataset with a function size()', train(nil))
says('what size() of the dataset gives should be a whole number from 0 on, got the string "x"', train(sized('x')))
says('what size() of the dataset gives should be a whole number', train(x))
says('an example { input, target } expected as entry 1 of the dataset, got a table of 1', train(sized(1, { x })))
says('an example { input, target } expected as entry 1 of the dataset, got nothing', train(sized(1)))
train(sized(1, { randn(3), randn(2) }))()

-- second derivatives are those of the differences
nn.hessian.enable()
for _, case in ipairs {
   { nn.Linear(3, 2), randn(4, 3) }, { nn.SpatialConvolution(2, 3, 2, 2), randn(2, 4, 4) },
   { nn.SpatialConvolutionLocal(1, 2, 4, 4, 2, 2), randn(1, 4, 4) },
   { nn.SpatialConvolutionMap(nn.tables.full(2, 3), 2, 2), randn(2, 4, 4) },
} do
   for _, part in ipairs { 'Input', 'Weight', 'Bias' } do
      assert(nn.Jacobian['testDiagHessian' .. part](case[1], case[2]) < 1e-6, T.type(case[1]) .. ' ' .. part)
   end
end
-- weights in another shape, as torch/nn's own test puts them, are seen as the layer's fields say
do
   local layer, plain = nn.SpatialConvolutionLocal(2, 3, 5, 4, 2, 3), nn.SpatialConvolution(2, 3, 2, 3)
   torch.repeatTensor(layer.bias, plain.bias:view(3, 1, 1), 1, layer.oH, layer.oW)
   torch.repeatTensor(layer.weight, plain.weight:view(1, 1, 2, 3, 2, 3), layer.oW, layer.oH, 1, 1, 1, 1)
   local input = randn(2, 2, 4, 5)
   assert((layer:forward(input) - plain:forward(input)):abs():max() < 1e-12)
end
do
   local layer, keys, values = nn.IndexLinear(5, 2), T.LongTensor { 1, 4 }, randn(2)
   assert((layer:forward { keys, values } - layer:forward { keys, values, 2 }):abs():max() == 0)
end

-- what a constructor lets through is told where it is used
for made, text in pairs {
   ['Select(1)'] = 'nn.Select: the index should be a whole number, got nothing',
   ["Sum('a')"] = 'nn.Sum: the dimension should be a whole number, got the string "a"',
   ["Max('a')"] = 'nn.Max: the dimension should be a whole number, got the string "a"',
   ["Max(1, 'a')"] = 'nn.Max: the number of input dimensions should be a whole number, got the string "a"',
   ["Squeeze('a')"] = 'nn.Squeeze: the dimension should be a whole number, got the string "a"',
   ['Bottle()'] = 'nn.Bottle: a module inside expected, there is none',
   ['CriterionTable()'] = 'nn.CriterionTable: a criterion inside expected, got nothing',
} do
   local module = assert(loadstring('return nn.' .. made))()
   says(text, function() module:forward(x) end)
end
do
   local layer = nn.Linear(2, 3)
   says('nn.Linear: type: the cache should be a table, got a boolean', function() layer:float(true) end)
   says('nn.Linear: type: the cache should be a table, got the number 3', function() layer:type('torch.FloatTensor', 3) end)
   says('nn.Linear: type: the name of a type of tensors expected, got the string "torch.FooTensor"', function()
      layer:type('torch.FooTensor')
   end)
   says('nn.Linear: share: a module with a tensor weight expected, got nothing', function() layer:share(nil, 'weight') end)
   says('nn.Sequential: share: a container of as many modules expected', function()
      nn.Sequential():add(layer):share(nn.Sequential(), 'weight')
   end)
   says('nn.Linear:apply: f should be a function, got nothing', function() layer:apply() end)
   says('nn.Linear:replace: f should be a function, got nothing', function() layer:replace() end)
   says('nn.Linear: reset: the standard deviation should be a number, got the string "a"', function() layer:reset('a') end)
   says('nn.Linear: a learning rate expected, got nothing', function() layer:accUpdateGradParameters(randn(2), randn(3)) end)
   says('nn.Add: a tensor expected as input, got a table of 0', function() nn.Add(3):accGradParameters({}, randn(3)) end)
   says('nn.Sequential: there are 0 modules, none at 3', function() nn.Sequential():remove(3) end)
   says('nn.Sequential: a module can be inserted at 1 to 1, not at 5', function() nn.Sequential():insert(layer, 5) end)
end
require 'nngraph'
do
   local a, b = nn.Identity()(), nn.Identity()()
   says("nngraph: Don't pass the same input twice.", function() nn.gModule({ a }, { b, b }) end)
   says('nngraph.Node:annotate: annotations should be a table, got nothing', function() a:annotate() end)
end
local function sum(v) return v:sum(), v:clone() end
says('optim.lbfgs: option lineSearch should be a function like optim.lswolfe, got the number 3', function()
   optim.lbfgs(sum, randn(3), { lineSearch = 3 })
end)
says('optim.checkgrad: the step should be a number, got the string "a"', function() optim.checkgrad(sum, randn(3), 'a') end)
says('optim.ConfusionMatrix: expected the number of classes or a list of their names', function() optim.ConfusionMatrix() end)
says('the prediction 4 is out of range, there are 3 classes', function() optim.ConfusionMatrix(3):add(4, 1) end)
require 'image'
says('image.erode: expected a matrix of numbers', function() image.erode(T.HalfTensor(3, 3)) end)
says('image.gaussian1D: sigma should be a number, got a boolean', function() image.gaussian1D(0, true) end)
says('image.jetColormap: expected a number of colours from 1 on, got a torch.LongStorage', function()
   image.jetColormap(T.LongStorage { 1 })
end)
says('image.y2jet: expected an image of another type than torch.HalfTensor', function() image.y2jet(T.HalfTensor(2, 3)) end)
says('image.toDisplayTensor: padding should be a number, got a string', function() image.toDisplayTensor(x, 'U') end)
says('image.toDisplayTensor: the argument input is missing', function() image.toDisplayTensor { padding = 1 } end)

print(tried .. ' mistakes, all as it should be')
