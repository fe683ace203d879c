-- optim.de: differential evolution, which needs no gradient: candidates are mixed from the differences of others.
local step = require 'optim.step'

-- Two members of the population other than `own` and other than each other.
local function pick_two(random, count, own)
   local a, b
   repeat a = random(1, count) until a ~= own
   repeat b = random(1, count) until b ~= own and b ~= a
   return a, b
end

-- Fills `child` for member `own`: the base plus a scaled difference of two others, taken over entry by entry with
-- the crossover rate. Torch7 compares the entry that always comes over with the member's number instead of the
-- entry's; the draws and the results follow it.
local function breed(child, o, population, own, base)
   local a, b = pick_two(o.random, o.popsize, own)
   local entries = child:size(1)
   local whole = o.random(1, entries) == own
   local parent, first, second = population[own], population[a], population[b]
   for d = 1, entries do
      local comes = o.uniform(0, 1) < o.crossoverRate or whole
      child[d] = comes and base[d] + o.scaleFactor * (first[d] - second[d]) or parent[d]
   end
end

local function options_of(config, x)
   local function option(key, default) return step.number('de', config, key, default) end
   local o = {
      popsize = option('popsize', 10 * x:nElement()),
      scaleFactor = option('scaleFactor', 0.5),
      crossoverRate = option('crossoverRate', 0.9),
      minRegion = option('minRegion', -30),
      maxRegion = option('maxRegion', 30),
   }
   o.maxFEs = option('maxFEs', 100 * o.popsize)
   if o.popsize < 3 then error('optim.de: option popsize should be at least 3, got ' .. o.popsize, 3) end
   -- a generator of its own, always seeded alike: a run depends on its options only
   local generator = torch.Generator()
   torch.manualSeed(generator, 1)
   function o.uniform(lo, hi) return torch.uniform(generator, lo, hi) end
   function o.random(lo, hi) return torch.random(generator, lo, hi) end
   return o
end

-- opfunc: gives f(x); a gradient is ignored. x: only its type and size count. Options: popsize (10 per parameter),
-- scaleFactor (0.5), crossoverRate (0.9), maxFEs evaluations (100 popsize; a generation is always finished),
-- minRegion and maxRegion of the first population (-30, 30). Gives the best parameters and a tensor with all values
-- of f in order.
return function(opfunc, x, config, state)
   config = step.begin('de', opfunc, x, config, state)
   local o = options_of(config, x)
   local population = x.new(o.popsize, x:nElement())
   local children = x.new(o.popsize, x:nElement())
   local values, fitness = {}, {}
   local function evaluate(row)
      local f = opfunc(row:view(x:size()))
      values[#values + 1] = f
      return f
   end

   local base = 1
   for i = 1, o.popsize do
      local member = population[i]
      for d = 1, member:size(1) do member[d] = o.uniform(o.minRegion, o.maxRegion) end
      fitness[i] = evaluate(member)
      -- the first base is the worst member, as in Torch7; the first better child takes over
      if fitness[i] > fitness[base] then base = i end
   end
   local best, lowest = population[base]:clone(), fitness[base]
   while #values + 1 < o.maxFEs do
      for i = 1, o.popsize do breed(children[i], o, population, i, best) end
      for i = 1, o.popsize do
         local f = evaluate(children[i])
         if f < fitness[i] then
            population[i]:copy(children[i])
            fitness[i] = f
         end
         if f < lowest then
            best:copy(children[i])
            lowest = f
         end
      end
   end

   local winner = 1
   for i = 2, o.popsize do
      if fitness[i] < fitness[winner] then winner = i end
   end
   return population[winner]:clone():resize(x:size()), x.new(values)
end
