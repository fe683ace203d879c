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
   function o.fill(t) return t:uniform(generator, o.minRegion, o.maxRegion) end
   function o.uniform(lo, hi) return torch.uniform(generator, lo, hi) end
   function o.random(lo, hi) return torch.random(generator, lo, hi) end
   return o
end

-- opfunc: gives f of a vector; a gradient is ignored. x: only its type and number of elements count. Options: popsize
-- (10 per parameter), scaleFactor (0.5), crossoverRate (0.9), maxFEs evaluations (100 popsize; a generation is always
-- finished), minRegion and maxRegion of the first population (-30, 30). Gives the best parameters as a vector, and a
-- tensor of maxFEs values of f in order, zeros after the last.
return function(opfunc, x, config, state)
   config = step.begin('de', opfunc, x, config, state)
   local o = options_of(config, x)
   local population = x.new(o.popsize, x:nElement())
   local children = x.new(o.popsize, x:nElement())
   -- in the precision of x, as the values that are given back
   local fitness, tried = x.new(o.popsize), x.new(o.popsize)
   local values, count = x.new(math.max(o.maxFEs, o.popsize)):zero(), 0
   local function evaluate(row, into, i)
      into[i] = opfunc(row)
      count = count + 1
      -- a generation that was begun is finished
      if count > values:size(1) then values:resize(count) end
      values[count] = into[i]
   end

   local base = 1
   o.fill(population)
   for i = 1, o.popsize do
      evaluate(population[i], fitness, i)
      -- the first base is the worst member, as in Torch7; the first better child takes over
      if fitness[i] > fitness[base] then base = i end
   end
   local best, lowest = population[base]:clone(), fitness[base]
   while count + 1 < o.maxFEs do
      for i = 1, o.popsize do
         breed(children[i], o, population, i, best)
         evaluate(children[i], tried, i)
      end
      for i = 1, o.popsize do
         -- a child as good as its parent takes its place, which lets a population walk over a plateau
         if tried[i] <= fitness[i] then
            population[i]:copy(children[i])
            fitness[i] = tried[i]
            if fitness[i] < lowest then
               best:copy(children[i])
               lowest = fitness[i]
            end
         end
      end
   end
   return best, values
end
