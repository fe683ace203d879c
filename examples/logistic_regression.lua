-- Logistic regression from a CSV file: which flats are sold? Columns become tensors, texts become numbers, and weights
-- can be read.
--
--   th examples/logistic_regression.lua
--   th examples/logistic_regression.lua -file FILE -target COLUMN
require 'nn'
require 'optim'
require 'csvigo'

local here = paths.dirname(paths.thisfile())

local cmd = torch.CmdLine()
cmd:text('Logistic regression from a CSV file')
cmd:option('-file', here .. '/data/flats.csv', 'the file, with names in its first line')
cmd:option('-target', 'sold', 'the column to predict: 0 or 1')
cmd:option('-test', 40, 'rows to test on, the last ones')
cmd:option('-iterations', 50, 'of L-BFGS, at most')
cmd:option('-decay', 1e-3, 'L2 penalty on the weights')
local opt = cmd:parse(arg or {})

-- ---- the file: a table of columns, each a table of texts ----

local columns, names = csvigo.load { path = opt.file, verbose = false, column_order = true }
if not columns[opt.target] then error('no column ' .. opt.target .. ' in ' .. opt.file) end
local function numbers(column)
   local result = torch.Tensor(#column)
   for i, text in ipairs(column) do result[i] = tonumber(text) or (text == 'yes' and 1 or 0) end
   return result
end

local inputs, labels = {}, {}
for _, name in ipairs(names) do
   if name ~= opt.target then
      labels[#labels + 1] = name
      inputs[#inputs + 1] = numbers(columns[name]):view(-1, 1)
   end
end
local x, y = torch.cat(inputs, 2), numbers(columns[opt.target])
-- each column with mean 0 and deviation 1, so that weights can be compared
x:add(-1, x:mean(1):expandAs(x))
x:cdiv(x:std(1):expandAs(x))
local n = x:size(1) - opt.test
print(string.format('%d rows to learn from, %d to test on, columns: %s', n, opt.test, table.concat(labels, ', ')))

-- ---- the model ----

local layer = nn.Linear(x:size(2), 1)
local model = nn.Sequential():add(layer):add(nn.Sigmoid())
local criterion = nn.BCECriterion()
local parameters, gradients = model:getParameters()
parameters:zero()

local train, target = x:narrow(1, 1, n), y:narrow(1, 1, n):view(n, 1)
local function feval()
   gradients:zero()
   local output = model:forward(train)
   local loss = criterion:forward(output, target) + opt.decay / 2 * layer.weight:norm() ^ 2
   model:backward(train, criterion:backward(output, target))
   layer.gradWeight:add(opt.decay, layer.weight)
   return loss, gradients
end
local _, losses = optim.lbfgs(feval, parameters, { maxIter = opt.iterations })
print(string.format('loss %.4f, then %.4f', losses[1], losses[#losses]))

local confusion = optim.ConfusionMatrix { 'no', 'yes' }
local output = model:forward(x:narrow(1, n + 1, opt.test))
for i = 1, opt.test do confusion:add(output[i][1] > 0.5 and 2 or 1, y[n + i] + 1) end
print(confusion)
for i, label in ipairs(labels) do print(string.format('%-12s %+.2f', label, layer.weight[1][i])) end
print(string.format('%.0f%% are told rightly', 100 * confusion.totalValid))
