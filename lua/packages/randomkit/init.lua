-- Package randomkit: draws from many distributions, as numbers or as tensors, from Torch7's default generator.
local draw = require 'randomkit.discrete'
-- a global, as programs expect
randomkit = {}

-- what a parameter may be: words, and whether a number is that
local function within(words, test) return { words, test } end
local any = within('a number', function() return true end)
local positive = within('above 0', function(x) return x > 0 end)
local least = within('at least 0', function(x) return x >= 0 end)
local share = within('from 0 to 1', function(x) return x >= 0 and x <= 1 end)
local chance = within('above 0 and at most 1', function(x) return x > 0 and x <= 1 end)
local part = within('above 0 and below 1', function(x) return x > 0 and x < 1 end)
local whole = within('a whole number of at least 0', function(x) return x >= 0 and x < 2 ^ 53 end)

-- name -> its parameters, and 'long' where results are whole numbers ('int': where they go to an IntTensor)
local FUNCTIONS = {
   random = { 'long' }, long = { 'long' }, ulong = { 'long' }, interval = { 'long', { 'max', whole } },
   randint = { 'int', { 'low', any }, { 'high', any } },
   double = {}, gauss = {}, normal = { nil, { 'loc', any }, { 'scale', any } },
   uniform = { 'int', { 'low', any }, { 'high', any } },
   standard_exponential = {}, exponential = { nil, { 'scale', any } },
   standard_gamma = { nil, { 'shape', positive } }, gamma = { nil, { 'shape', positive }, { 'scale', any } },
   beta = { nil, { 'a', positive }, { 'b', positive } }, chisquare = { nil, { 'df', positive } },
   noncentral_chisquare = { nil, { 'df', positive }, { 'nonc', least } },
   f = { nil, { 'dfnum', positive }, { 'dfden', positive } },
   noncentral_f = { nil, { 'dfnum', positive }, { 'dfden', positive }, { 'nonc', least } },
   binomial = { 'long', { 'n', whole }, { 'p', share } }, binomial_btpe = { 'long', { 'n', whole }, { 'p', part } },
   binomial_inversion = { 'long', { 'n', whole }, { 'p', within('from 0 to below 1', function(x) return x >= 0 and x < 1 end) } },
   negative_binomial = { 'long', { 'n', positive }, { 'p', chance } },
   poisson = { 'long', { 'lam', within('from 0 to 9e15', function(x) return x >= 0 and x <= 9e15 end) } },
   poisson_mult = { 'long', { 'lam', least } },
   poisson_ptrs = { 'long', { 'lam', within('from 10 to 9e15', function(x) return x >= 10 and x <= 9e15 end) } },
   standard_cauchy = {}, standard_t = { nil, { 'df', positive } }, vonmises = { nil, { 'mu', any }, { 'kappa', least } },
   pareto = { nil, { 'a', positive } }, weibull = { nil, { 'a', positive } }, power = { nil, { 'a', positive } },
   laplace = { nil, { 'loc', any }, { 'scale', any } }, gumbel = { nil, { 'loc', any }, { 'scale', any } },
   logistic = { nil, { 'loc', any }, { 'scale', any } }, lognormal = { nil, { 'mean', any }, { 'sigma', any } },
   rayleigh = { nil, { 'mode', any } }, wald = { nil, { 'mean', positive }, { 'scale', positive } },
   zipf = { 'long', { 'a', within('at least 1.0001', function(x) return x >= 1.0001 end) } },
   geometric = { 'long', { 'p', chance } }, geometric_inversion = { 'long', { 'p', part } },
   geometric_search = { 'long', { 'p', within('from 1e-6 to 1', function(x) return x >= 1e-6 and x <= 1 end) } },
   hypergeometric = { 'long', { 'good', whole }, { 'bad', whole }, { 'sample', whole } },
   hypergeometric_hyp = { 'long', { 'good', whole }, { 'bad', whole }, { 'sample', whole } },
   hypergeometric_hrua = { 'long', { 'good', whole }, { 'bad', whole }, { 'sample', whole } },
   triangular = { nil, { 'left', any }, { 'mode', any }, { 'right', any } }, logseries = { 'long', { 'p', part } },
}

local function fail(name, text, ...) error('randomkit.' .. name .. ': ' .. string.format(text, ...), 0) end

-- What parameters have to be to each other.
local function together(name, a, b, c)
   if name:find '^hypergeometric' then
      if c > a + b then fail(name, 'sample should be at most good + bad, got %g of %g', c, a + b) end
   elseif name == 'triangular' then
      if not (a <= b and b <= c) then fail(name, 'left <= mode <= right expected, got %g, %g, %g', a, b, c) end
   elseif name == 'randint' and not (math.floor(a) <= math.floor(b) and b - a < 2 ^ 53) then
      fail(name, 'low <= high expected, got %g and %g', a, b)
   elseif name == 'binomial_inversion' and a > 0 and math.exp(a * math.log(1 - b)) == 0 then
      fail(name, 'n * p is too large for it, %g; binomial takes any', a * b)
   elseif name == 'binomial_btpe' and a * math.min(b, 1 - b) < 10 then
      fail(name, 'n * min(p, 1 - p) should be at least 10, got %g; binomial takes any', a * math.min(b, 1 - b))
   elseif name == 'negative_binomial' and not (a * (1 - b) / b < 1e14) then
      fail(name, 'n * (1 - p) / p should be below 1e14, got %g', a * (1 - b) / b)
   end
end

-- One number of a distribution. Whole numbers are what is before the point, as in C.
local function value_of(name, one, value)
   if one[2] == whole then value = value >= 0 and math.floor(value) or math.ceil(value) end
   if value ~= value or value == math.huge or value == -math.huge or not one[2][2](value) then
      fail(name, '%s should be %s, got %g', one[1], one[2][1], value)
   end
   return value
end
local function single(name, parameters, f, a, b, c)
   if a then a = value_of(name, parameters[1], a) end
   if b then b = value_of(name, parameters[2], b) end
   if c then c = value_of(name, parameters[3], c) end
   if b then together(name, a, b, c) end
   return f(a, b, c)
end

-- How many elements results and parameters have: each parameter has one or as many as the others.
local function count(name, parameters, given, result)
   local n = 1
   for i, value in ipairs(given) do
      local size = torch.isTensor(value) and value:nElement() or 1
      if size ~= 1 then
         if n ~= 1 and n ~= size then fail(name, 'Incoherent sizes for parameters: %s has %d elements, others %d', parameters[i][1], size, n) end
         n = size
      end
   end
   if not result then return n end
   if n ~= 1 and n ~= result:nElement() then
      fail(name, 'Parameter size (%d) does not match result size (%d)', n, result:nElement())
   end
   return result:nElement()
end

local function call(name, parameters, class, f, ...)
   local k, n = #parameters, select('#', ...)
   local given = { ... }
   for i = 1, n do
      if given[i] == nil then fail(name, 'argument %d is nil', i) end
   end
   if n ~= k and n ~= k + 1 then fail(name, 'need %d arguments and optionally, one result tensor, instead got %d arguments', k, n) end
   local result, tensors
   if n == k + 1 then
      result = table.remove(given, 1)
      if not torch.isTensor(result) then fail(name, 'a tensor expected as result, got %s', torch.type(result)) end
   end
   for i, value in ipairs(given) do
      if torch.isTensor(value) then
         tensors = true
         given[i] = value:double():contiguous():view(-1)
      elseif type(value) == 'number' or type(value) == 'cdata' then
         given[i] = tonumber(value) or fail(name, '%s should be a number', parameters[i][1])
      else
         fail(name, '%s should be a number or a tensor, got %s', parameters[i][1], torch.type(value))
      end
   end
   if not result and not tensors then return single(name, parameters, f, unpack(given, 1, k)) end
   local size = count(name, parameters, given, result)
   result = result or torch.getconstructortable(class)(size)
   local i = 0
   local function at(value) return type(value) == 'number' and value or value[value:nElement() == 1 and 1 or i] end
   return result:apply(function()
      i = i + 1
      if k == 0 then return f() end
      if k == 1 then return single(name, parameters, f, at(given[1])) end
      if k == 2 then return single(name, parameters, f, at(given[1]), at(given[2])) end
      return single(name, parameters, f, at(given[1]), at(given[2]), at(given[3]))
   end)
end

for name, entry in pairs(FUNCTIONS) do
   local parameters = {}
   for i = 2, 4 do parameters[i - 1] = entry[i] end
   local class, f = entry[1] == 'int' and 'torch.IntTensor' or 'torch.DoubleTensor', draw[name]
   randomkit[name] = function(...)
      local results = { pcall(call, name, parameters, class, f, ...) }
      if not results[1] then error(results[2], 2) end
      return results[2]
   end
end
randomkit.random_sample, randomkit.standard_normal = randomkit.double, randomkit.gauss

-- A ByteTensor of random bytes, as many as it has.
function randomkit.bytes(tensor)
   if torch.type(tensor) ~= 'torch.ByteTensor' then
      error('randomkit.bytes: a ByteTensor expected, got ' .. torch.type(tensor), 2)
   end
   return draw.fill(tensor)
end

-- The state of the default generator is that of the normal draw that waits, too.
local seed, get, set = torch.manualSeed, torch.getRNGState, torch.setRNGState
function torch.manualSeed(...)
   if select('#', ...) < 2 then draw.keep(nil) end
   return seed(...)
end
function torch.getRNGState(...)
   if select('#', ...) > 0 then return get(...) end
   local kept = draw.kept()
   return { torch = get(), randomkit = kept and string.format('%.17g', kept) or '' }
end
function torch.setRNGState(...)
   if select('#', ...) > 1 then return set(...) end
   local state = ...
   if torch.type(state) ~= 'table' or not state.torch or not state.randomkit then
      error('setRNGState: State was not saved with randomkit, cannot set it back', 2)
   end
   set(state.torch)
   draw.keep(tonumber(state.randomkit))
end

return randomkit
