-- What criterion:backward returns, and what becomes of it on the way back through a model.
--
-- The question behind it: "why is df_do -1 at the target and 0 elsewhere?" Each answer is checked against numeric
-- differences.
require 'torch'
require 'nn'

torch.manualSeed(1)
local target, n = 3, 5

-- the derivative of f(x) by every element of x, by differences
local function numeric(f, x)
   local g = x:clone()
   local h = 1e-5
   for i = 1, x:nElement() do
      local keep = x[i]
      x[i] = keep + h
      local up = f(x)
      x[i] = keep - h
      g[i] = (up - f(x)) / (2 * h)
      x[i] = keep
   end
   return g
end

local function check(name, got, wanted)
   local difference = (got - wanted):abs():max()
   print(string.format('%-58s largest difference %.1e', name, difference))
   assert(difference < 1e-6, name)
end

-- 1. Negative log likelihood: the loss is -output[target], so its derivative is -1 there and 0 elsewhere.
local scores = torch.randn(n)
local model, nll = nn.LogSoftMax(), nn.ClassNLLCriterion()
local output = model:forward(scores)
nll:forward(output, target)
local df_do = nll:backward(output, target):clone()
print('df_do of ClassNLLCriterion after LogSoftMax:')
print(df_do)
local expected = torch.zeros(n)
expected[target] = -1
check('NLL: -1 at the target, 0 elsewhere', df_do, expected)
check('NLL: against differences', df_do, numeric(function(o) return nll:forward(o, target) end, output:clone()))

-- 2. The softmax's own derivative turns it into output - onehot: every score gets its share of the blame.
local gradient = model:backward(scores, df_do):clone()
local onehot = torch.zeros(n)
onehot[target] = 1
print('what model:backward gives before the LogSoftMax: probabilities minus the one-hot target')
print(gradient)
check('LogSoftMax + NLL: softmax - onehot', gradient, torch.exp(output) - onehot)
check('LogSoftMax + NLL: against differences', gradient,
   numeric(function(s) return nll:forward(model:forward(s), target) end, scores:clone()))

-- 3. Mean squared error: 2/n (output - target), for every element.
local mse, wanted = nn.MSECriterion(), torch.randn(n)
local out = torch.randn(n)
mse:forward(out, wanted)
df_do = mse:backward(out, wanted):clone()
check('MSE: 2/n (output - target)', df_do, (out - wanted) * (2 / n))
check('MSE: against differences', df_do, numeric(function(o) return mse:forward(o, wanted) end, out:clone()))
print('all as it should be')
