-- The methods that give every parameter a step of its own size, from what its gradients have been like so far.
local step = require 'optim.step'

local methods = {}

-- Adds a method: `defaults` names its options, `move(o, state, x, dfdx)` changes x. Every one has weightDecay (0), and
-- gives x and {f(x)}, f before the step.
local function method(name, defaults, move)
   defaults.weightDecay = 0
   local names = {}
   for key in pairs(defaults) do names[#names + 1] = key end
   table.sort(names)
   methods[name] = function(opfunc, x, config, state)
      config, state = step.begin(name, opfunc, x, config, state)
      local o = {}
      for i = 1, #names do
         local key = names[i]
         o[key] = step.number(name, config, key, defaults[key])
      end
      local fx, dfdx = step.evaluate(name, opfunc, x)
      step.penalise(dfdx, o.weightDecay, x)
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

-- A running average in state[key]: of the gradient, or of its square.
local function average(state, key, keep, value, square)
   local sum = step.zeros(state, key, value):mul(keep)
   if square then return sum:addcmul(1 - keep, value, value) end
   return sum:add(1 - keep, value)
end

-- The root of a tensor, kept in state[key]; small numbers are added under it and to it.
local function root(state, key, tensor, under, added)
   return step.scratch(state, key, tensor):add(tensor, under):sqrt():add(added)
end

-- Averages start at 0; this is how much of their final size they have after t steps.
local function grown(keep, t) return 1 - keep ^ t end

-- Kingma and Ba: running averages of the gradient and of its square.
method('adam', { learningRate = 1e-3, learningRateDecay = 0, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 },
   function(o, state, x, dfdx)
      local before = count(state, 't')
      local mean, square = average(state, 'm', o.beta1, dfdx), average(state, 'v', o.beta2, dfdx, true)
      local rate = step.decayed(o.learningRate, o.learningRateDecay, before)
      rate = rate * math.sqrt(grown(o.beta2, before + 1)) / grown(o.beta1, before + 1)
      x:addcdiv(-rate, mean, root(state, 'denom', square, 0, o.epsilon))
   end)

-- Adam with the infinity norm: the largest recent gradient instead of the average square.
method('adamax', { learningRate = 0.002, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-38 }, function(o, state, x, dfdx)
   local mean, norm = average(state, 'm', o.beta1, dfdx), step.zeros(state, 'u', dfdx)
   -- stacked, because Torch7 keeps it so in the state: the faded norm, and the size of the new gradient
   if not state.max then state.max = dfdx.new(torch.LongStorage { 2, unpack(dfdx:size():totable()) }):zero() end
   state.max[1]:mul(norm, o.beta2)
   state.max[2]:abs(dfdx):add(o.epsilon)
   torch.max(norm, state.max, 1)
   x:addcdiv(-o.learningRate / grown(o.beta1, count(state, 't') + 1), mean, norm)
end)

-- The sum of all squares so far; the small number keeps parameters that never had a gradient where they are.
method('adagrad', { learningRate = 1e-3, learningRateDecay = 0 }, function(o, state, x, dfdx)
   local total = step.zeros(state, 'paramVariance', dfdx):addcmul(1, dfdx, dfdx)
   local rate = step.decayed(o.learningRate, o.learningRateDecay, count(state, 'evalCounter'))
   x:addcdiv(-rate, dfdx, root(state, 'paramStd', total, 0, 1e-10))
end)

-- Steps in the units of the parameters, from running averages of squared gradients and squared steps; there is no rate.
method('adadelta', { rho = 0.9, eps = 1e-6 }, function(o, state, x, dfdx)
   local square = average(state, 'paramVariance', o.rho, dfdx, true)
   local scale = root(state, 'paramStd', square, o.eps, 0)
   local delta = root(state, 'delta', step.zeros(state, 'accDelta', dfdx), o.eps, 0):cdiv(scale):cmul(dfdx)
   x:add(-1, delta)
   average(state, 'accDelta', o.rho, delta, true)
   count(state, 'evalCounter')
end)

-- A running average of squared gradients, which may start from something else than 0.
method('rmsprop', { learningRate = 1e-2, alpha = 0.99, epsilon = 1e-8, initialMean = 0 }, function(o, state, x, dfdx)
   if not state.m then step.scratch(state, 'm', dfdx):fill(o.initialMean) end
   local square = average(state, 'm', o.alpha, dfdx, true)
   x:addcdiv(-o.learningRate, dfdx, root(state, 'tmp', square, 0, o.epsilon))
end)

return methods
