-- Package randomkit: means and deviations of its distributions, calls with numbers and tensors, and states.
require 'randomkit'
local function fails(f, text)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
end
torch.manualSeed(1234567890)
-- numbers of the library itself
assert(math.abs(randomkit.double() - 0.61879477158567997) < 1e-15 and math.abs(randomkit.double() - 0.59162362775974664) < 1e-15)
torch.manualSeed(1234567890)
local b = randomkit.bytes(torch.ByteTensor(10))
assert(b[1] == 130 and b[4] == 158 and b[10] == 165)
torch.manualSeed(1234567890)
local i = randomkit.interval(torch.Tensor(3, 2), 188)
assert(i[1][1] == 130 and i[3][2] == 33)

-- name, parameters, mean, deviation (nil: there is none to compare)
local e = 0.5772156649
local CASES = {
   { 'double', {}, 0.5, 1 / math.sqrt(12) }, { 'gauss', {}, 0, 1 }, { 'normal', { 3, 2 }, 3, 2 }, { 'uniform', { -1, 3 }, 1, 4 / math.sqrt(12) },
   { 'random_sample', {}, 0.5, 1 / math.sqrt(12) }, { 'standard_normal', {}, 0, 1 },
   { 'standard_exponential', {}, 1, 1 }, { 'exponential', { 3 }, 3, 3 }, { 'standard_gamma', { 0.5 }, 0.5, math.sqrt(0.5) },
   { 'standard_gamma', { 1 }, 1, 1 }, { 'gamma', { 4, 2 }, 8, 4 }, { 'beta', { 0.5, 0.5 }, 0.5, math.sqrt(1 / 8) }, { 'beta', { 2, 3 }, 0.4, 0.2 },
   { 'chisquare', { 5 }, 5, math.sqrt(10) }, { 'noncentral_chisquare', { 5, 2 }, 7, math.sqrt(18) },
   { 'noncentral_chisquare', { 0.5, 2 }, 2.5, math.sqrt(9) }, { 'f', { 5, 20 }, 20 / 18 }, { 'noncentral_f', { 5, 20, 2 }, 20 * 7 / (5 * 18) },
   { 'binomial', { 10, 0.3 }, 3, math.sqrt(2.1) }, { 'binomial', { 10, 0.8 }, 8, math.sqrt(1.6) }, { 'binomial', { 200, 0.4 }, 80, math.sqrt(48) },
   { 'binomial', { 5000, 0.7 }, 3500, math.sqrt(1050) }, { 'binomial_btpe', { 1000, 0.1 }, 100, math.sqrt(90) },
   { 'binomial_inversion', { 20, 0.25 }, 5, math.sqrt(3.75) }, { 'negative_binomial', { 4, 0.5 }, 4, math.sqrt(8) },
   { 'poisson', { 3 }, 3, math.sqrt(3) }, { 'poisson', { 50 }, 50, math.sqrt(50) }, { 'poisson_mult', { 3 }, 3, math.sqrt(3) },
   { 'poisson_ptrs', { 30 }, 30, math.sqrt(30) }, { 'standard_t', { 10 }, 0, math.sqrt(1.25) }, { 'vonmises', { 0, 4 }, 0 },
   { 'vonmises', { 1, 1e8 }, 1, 1e-4 }, { 'vonmises', { 0, 0 }, 0, math.pi / math.sqrt(3) }, { 'pareto', { 5 }, 1.25 - 1 }, { 'weibull', { 1 }, 1, 1 },
   { 'power', { 2 }, 2 / 3 }, { 'laplace', { 1, 2 }, 1, math.sqrt(8) }, { 'gumbel', { 1, 2 }, 1 + 2 * e, 2 * math.pi / math.sqrt(6) },
   { 'logistic', { 1, 2 }, 1, 2 * math.pi / math.sqrt(3) }, { 'lognormal', { 0, 0.5 }, math.exp(0.125) },
   { 'rayleigh', { 2 }, 2 * math.sqrt(math.pi / 2) }, { 'wald', { 2, 8 }, 2, 1 }, { 'zipf', { 4 }, 1.2020569 / 1.0823232 },
   { 'geometric', { 0.5 }, 2, math.sqrt(2) }, { 'geometric', { 0.1 }, 10, math.sqrt(90) }, { 'geometric_search', { 0.25 }, 4, math.sqrt(12) },
   { 'geometric_inversion', { 0.25 }, 4, math.sqrt(12) }, { 'hypergeometric', { 20, 30, 8 }, 3.2 }, { 'hypergeometric', { 40, 30, 35 }, 20 },
   { 'hypergeometric_hyp', { 20, 30, 8 }, 3.2 }, { 'hypergeometric_hrua', { 200, 300, 100 }, 40 }, { 'triangular', { 0, 1, 5 }, 2 },
   { 'logseries', { 0.5 }, 0.5 / (0.5 * math.log(2)) }, { 'randint', { 3, 9 }, 6, 2 }, { 'interval', { 6 }, 3, 2 },
}
torch.manualSeed(5)
for _, case in ipairs(CASES) do
   local name, parameters, mean, deviation = unpack(case, 1, 4)
      local x = randomkit[name](torch.Tensor(20000), unpack(parameters))
   local spread = deviation or x:std()
   assert(math.abs(x:mean() - mean) < 6 * spread / math.sqrt(20000), name .. ': ' .. x:mean() .. ' in place of ' .. mean)
   assert(not deviation or math.abs(x:std() / deviation - 1) < 0.1, name .. ': deviation ' .. x:std())
   assert(type(randomkit[name](unpack(parameters))) == 'number')
end
for _, name in ipairs { 'random', 'long', 'ulong', 'standard_cauchy' } do assert(type(randomkit[name]()) == 'number') end
assert(randomkit.binomial(0, 0.5) == 0 and randomkit.binomial(7, 0) == 0 and randomkit.binomial(7, 1) == 7 and randomkit.poisson(0) == 0)
assert(randomkit.hypergeometric(3, 4, 7) == 3 and randomkit.hypergeometric(3, 4, 0) == 0 and randomkit.triangular(2, 2, 2) == 2)

-- parameters as tensors, results that are given
local many = randomkit.poisson(torch.Tensor { 1, 1000, 100000 })
assert(many:size(1) == 3 and many[2] > 800 and many[3] > 90000 and torch.typename(many) == 'torch.DoubleTensor')
assert(torch.typename(randomkit.randint(torch.Tensor { 1, 2 }, 5)) == 'torch.IntTensor')
local given = torch.FloatTensor(2, 3)
assert(randomkit.normal(given, torch.Tensor { 100 }, 1) == given and given:min() > 50)
local view = torch.zeros(4, 2)
randomkit.gamma(view:select(2, 1), 100, 1)
assert(view:select(2, 2):sum() == 0 and view:select(2, 1):min() > 30)
fails(function() randomkit.normal(1) end, 'randomkit.normal: need 2 arguments and optionally, one result tensor, instead got 1')
fails(function() randomkit.normal(3, 1, 1) end, 'a tensor expected as result, got number')
fails(function() randomkit.normal(nil, 1) end, 'argument 1 is nil')
fails(function() randomkit.normal('a', 1) end, 'loc should be a number or a tensor, got string')
fails(function() randomkit.normal(torch.ones(2), torch.ones(3)) end, 'Incoherent sizes for parameters')
fails(function() randomkit.normal(torch.ones(4), torch.ones(3), 1) end, 'Parameter size (3) does not match result size (4)')
fails(function() randomkit.bytes(torch.Tensor(2)) end, 'a ByteTensor expected')
-- what has no distribution is an error, and never a loop without an end
local BAD = { -1, 0, 1, 1.5, 1e300, 0 / 0, 1 / 0, 1e-300, 50 }
for name, f in pairs(randomkit) do
   for _, a in ipairs(BAD) do
      pcall(f, a)
      for _, c in ipairs(BAD) do
         pcall(f, a, c)
         pcall(f, a, c, 0.5)
         pcall(f, a, c, 60)
      end
   end
end
fails(function() randomkit.poisson(-1) end, 'randomkit.poisson: lam should be from 0 to 9e15, got -1')
fails(function() randomkit.geometric(0) end, 'p should be above 0 and at most 1')
fails(function() randomkit.randint(5, 1) end, 'low <= high expected')
fails(function() randomkit.hypergeometric(3, 4, 8) end, 'sample should be at most good + bad')

-- states: the other one of two normal draws is part of them
torch.manualSeed(9)
randomkit.gauss()
local state = torch.getRNGState()
local x = { randomkit.gauss(), randomkit.gauss(), torch.uniform() }
torch.setRNGState(torch.deserialize(torch.serialize(state)))
for k, value in ipairs { randomkit.gauss(), randomkit.gauss(), torch.uniform() } do assert(value == x[k]) end
torch.manualSeed(9)
local first = randomkit.gauss()
torch.manualSeed(9)
assert(randomkit.gauss() == first)
local own = torch.Generator()
torch.manualSeed(own, 3)
torch.setRNGState(own, torch.getRNGState(own))
fails(function() torch.setRNGState(torch.getRNGState(own)) end, 'State was not saved with randomkit')
print('all as it should be')
