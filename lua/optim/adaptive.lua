-- The methods that give every parameter a step of its own size, from what its gradients have been like so far.
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

local methods = {}

-- Adds a method: `defaults` names its options, `move(o, state, x, dfdx)` changes x. Every one has weightDecay (0), and
-- gives x and {f(x)}, f before the step. `greeting` is said where no table can keep the state.
local function method(name, defaults, move, greeting)
   defaults.weightDecay = 0
   local names = {}
   for key in pairs(defaults) do names[#names + 1] = key end
   table.sort(names)
   methods[name] = function(opfunc, x, config, state)
      if greeting and config == nil and state == nil then print(greeting) end
      config, state = step.begin(name, opfunc, x, config, state)
      local o = {}
      for i = 1, #names do
         local key = names[i]
         o[key] = step.number(name, config, key, defaults[key])
      end
      local fx, dfdx = step.evaluate(name, opfunc, x)
      move(o, state, x, dfdx)
      return x, { fx }
   end
end

-- How often `key` of the state was counted before, which is one more from now on.
local function count(state, key)
   local before = state[key] or 0
   state[key] = before + 1
   return before
end

-- Averages start at 0; this is how much of their final size they have after t steps.
local function grown(keep, t) return 1 - keep ^ t end

-- Kingma and Ba: running averages of the gradient and of its square.
method('adam', { learningRate = 1e-3, learningRateDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 },
   function(o, state, x, dfdx)
      local before = count(state, 't')
      local mean, square = step.zeros(state, 'm', dfdx), step.zeros(state, 'v', dfdx)
      local rate = step.decayed(o.learningRate, o.learningRateDecay, before)
      rate = rate * math.sqrt(grown(o.beta2, before + 1)) / grown(o.beta1, before + 1)
      steps.adam(x, dfdx, mean, square, step.scratch(state, 'denom', dfdx), rate, o.weightDecay, o.beta1, o.beta2, o.epsilon)
   end)

-- Adam with the infinity norm: the largest recent gradient instead of the average square.
method('adamax', { learningRate = 0.002, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-38 }, function(o, state, x, dfdx)
   local mean, norm = step.zeros(state, 'm', dfdx), step.zeros(state, 'u', dfdx)
   -- as Torch7 keeps them in the state: one tensor of the faded norm and the size of the new gradient, and the larger of
   -- the two with a first dimension of size 1
   if not state.max then
      local sizes = dfdx:size():totable()
      state.max = dfdx.new(torch.LongStorage { 2, unpack(sizes) }):zero()
      norm:resize(torch.LongStorage { 1, unpack(sizes) })
   end
   local rate = o.learningRate / grown(o.beta1, count(state, 't') + 1)
   steps.adamax(x, dfdx, mean, norm, state.max, rate, o.weightDecay, o.beta1, o.beta2, o.epsilon)
end)

-- The sum of all squares so far; the small number keeps parameters that never had a gradient where they are.
method('adagrad', { learningRate = 1e-3, learningRateDecay = 0 }, function(o, state, x, dfdx)
   local rate = step.decayed(o.learningRate, o.learningRateDecay, count(state, 'evalCounter'))
   local total = step.zeros(state, 'paramVariance', dfdx)
   steps.adagrad(x, dfdx, total, step.scratch(state, 'paramStd', dfdx), rate, o.weightDecay, 1e-10)
end, 'no state table, ADAGRAD initializing')

-- Steps in the units of the parameters, from running averages of squared gradients and squared steps; there is no rate.
method('adadelta', { rho = 0.9, eps = 1e-6 }, function(o, state, x, dfdx)
   local square, changes = step.zeros(state, 'paramVariance', dfdx), step.zeros(state, 'accDelta', dfdx)
   local scale, delta = step.scratch(state, 'paramStd', dfdx), step.scratch(state, 'delta', dfdx)
   steps.adadelta(x, dfdx, square, scale, changes, delta, o.weightDecay, o.rho, o.eps)
   count(state, 'evalCounter')
end, 'no state table, ADADELTA initializing')

-- A running average of squared gradients, which may start from something else than 0.
method('rmsprop', { learningRate = 1e-2, alpha = 0.99, epsilon = 1e-8, initialMean = 0 }, function(o, state, x, dfdx)
   if not state.m then step.scratch(state, 'm', dfdx):fill(o.initialMean) end
   steps.rmsprop(x, dfdx, state.m, step.scratch(state, 'tmp', dfdx), o.learningRate, o.weightDecay, o.alpha, o.epsilon)
end)

return methods
