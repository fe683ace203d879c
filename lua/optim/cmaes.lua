-- optim.cmaes: evolution with an adapted covariance matrix (Hansen's CMA-ES), which needs no gradient.
local step = require 'optim.step'

-- The strategy: the distribution (mean, sigma, C = B D^2 B') and the paths and rates by which it learns.
local Strategy = {}
Strategy.__index = Strategy

-- how much each of the better half counts; of an odd number, half a candidate counts in the logarithm only
local function weights_of(mu)
   local weights, sum, squares = {}, 0, 0
   for i = 1, math.max(math.floor(mu), 1) do
      weights[i] = math.log(mu + 0.5) - math.log(i)
      sum = sum + weights[i]
   end
   for i = 1, #weights do
      weights[i] = weights[i] / sum
      squares = squares + weights[i] ^ 2
   end
   return weights, 1 / squares
end

function Strategy.new(x, lambda, sigma)
   local n = x:nElement()
   local weights, mueff = weights_of(lambda / 2)
   local c1 = 2 / ((n + 1.3) ^ 2 + mueff)
   local cs = (mueff + 2) / (n + mueff + 5)
   local s = {
      n = n, lambda = lambda, sigma = sigma, weights = weights, mueff = mueff, c1 = c1, cs = cs,
      cc = (4 + mueff / n) / (n + 4 + 2 * mueff / n),
      cmu = math.min(1 - c1, 2 * (mueff - 2 + 1 / mueff) / ((n + 2) ^ 2 + mueff)),
      damps = 2 * mueff / lambda + 0.3 + cs,
      mean = x:clone():view(-1),
      pc = x.new(n):zero(), ps = x.new(n):zero(),
      C = torch.eye(n):typeAs(x), B = torch.eye(n):typeAs(x), D = x.new(n):fill(1),
      evaluations = 0, decomposed = 0,
   }
   return setmetatable(s, Strategy)
end

-- Brings B and D up to date. That costs n^3, so it waits until C has changed noticeably.
function Strategy:decompose()
   if self.evaluations - self.decomposed <= self.lambda / (self.c1 + self.cmu) / self.n / 10 then return end
   self.decomposed = self.evaluations
   local squared, basis = torch.symeig(self.C, 'V', 'U')
   -- rounding may leave a tiny negative eigenvalue
   self.D = squared:clamp(1e-40, math.huge):sqrt()
   self.B = basis
end

-- a new candidate, flat
function Strategy:sample()
   local z = self.mean.new(self.n):normal(0, 1)
   return torch.mv(self.B, z:cmul(self.D)):mul(self.sigma):add(self.mean)
end

-- the step of the mean in the coordinates in which the distribution is round
function Strategy:whitened(move)
   local y = torch.mv(self.B:t(), move):cdiv(self.D)
   return torch.mv(self.B, y)
end

-- A generation: candidates x with their values f, sorted from best to worst. The function gets them in the shape of x.
local function candidates(strategy, opfunc, x)
   strategy:decompose()
   local tried = {}
   for k = 1, strategy.lambda do tried[k] = { x = strategy:sample(), order = k } end
   for _, t in ipairs(tried) do
      local f = opfunc(t.x:view(x:size()))
      -- nan has no place in an order
      t.f = f == f and f or math.huge
      strategy.evaluations = strategy.evaluations + 1
   end
   table.sort(tried, function(a, b) return a.f < b.f or (a.f == b.f and a.order < b.order) end)
   return tried
end

-- Learns from the candidates, sorted from best to worst.
function Strategy:learn(sorted)
   local old, sigma, n = self.mean, self.sigma, self.n
   self.mean = old.new(n):zero()
   for i, w in ipairs(self.weights) do self.mean:add(w, sorted[i].x) end
   local move = (self.mean - old):div(sigma)

   local cs, cc, c1, cmu = self.cs, self.cc, self.c1, self.cmu
   self.ps:mul(1 - cs):add(math.sqrt(cs * (2 - cs) * self.mueff), self:whitened(move))
   local length = self.ps:dot(self.ps) / n
   local settled = 1 - (1 - cs) ^ (2 * self.evaluations / self.lambda)
   -- a long path means that sigma is about to jump; the covariance should not follow it
   local short = length / settled < 2 + 4 / (n + 1)
   self.pc:mul(1 - cc)
   if short then self.pc:add(math.sqrt(cc * (2 - cc) * self.mueff), move) end

   local kept = 1 - c1 - cmu + (short and 0 or c1 * cc * (2 - cc))
   -- the path and the moves of the better half, each with its share: one product, which goes once through C
   local moves = old.new(#self.weights + 1, n)
   moves[1]:copy(self.pc)
   for i = 1, #self.weights do moves[i + 1]:add(sorted[i].x, -1, old):div(sigma) end
   local shares = moves:clone()
   shares[1]:mul(c1)
   for i, w in ipairs(self.weights) do shares[i + 1]:mul(cmu * w) end
   self.C:addmm(kept, self.C, 1, shares:t(), moves)
   self.sigma = sigma * math.exp(math.min(0.6, cs / self.damps * (length - 1) / 2))
end

-- Why to stop after a generation with these values, sorted: reason and limit, or nil.
function Strategy:finished(o, values)
   local widest, narrowest = self.D:max(), self.D:min()
   if self.evaluations >= o.maxEval then return 'evals', o.maxEval end
   if o.ftarget and values[1] <= o.ftarget then return 'ftarget', o.ftarget end
   if widest > 1e7 * narrowest then return 'condition', 1e7 end
   if #values > 1 and values[#values] - values[1] < 1e-12 then return 'tolfun', 1e-12 end
   if self.sigma * widest < 1e-11 then return 'tolx', 1e-11 end
end

-- One line about the generation, for the first two and every `every`-th; a heading ten times less often.
function Strategy:report(generation, every, lowest)
   if generation == 1 or generation % (10 * every) == 0 then print('evals:\t ax-ratio max(std)   f-value') end
   if generation <= 2 or generation % every == 0 then
      local spread = self.sigma * math.sqrt(torch.diag(self.C):max())
      print(string.format('%s:  %6.1f %8.1e %s', self.evaluations, self.D:max() / self.D:min(), spread, lowest))
   end
end

local function options_of(config, x)
   local function option(key, default) return step.number('cmaes', config, key, default) end
   local n = x:nElement()
   return {
      sigma = option('sigma', 0.5),
      popsize = option('popsize', 4 + math.floor(3 * math.log(n))),
      maxEval = option('maxEval', 1000 * n * n),
      ftarget = option('ftarget'),
      verb_disp = option('verb_disp', 100),
      min_iterations = option('min_iterations', 1),
   }
end

local function check_type(x)
   local name = torch.typename(x)
   if name ~= torch._beside(x, 'Float') and name ~= torch._beside(x, 'Double') then
      error('optim.cmaes: argument 2 should be a Float- or DoubleTensor, got a ' .. name, 3)
   end
end

-- opfunc: gives f(x); a gradient is ignored. x: the start, unchanged. Options: sigma (0.5), the first spread; popsize
-- (4 + 3 log n); maxEval (1000 n^2); ftarget, a value good enough; min_iterations (1), generations before any reason
-- to stop counts; verb_disp (100), how many generations between two lines of progress, 0 for none. Gives the best
-- parameters as a vector, {f at the start, the best of each generation, the best}, and the number of evaluations of
-- candidates.
return function(opfunc, x, config, state)
   config = step.begin('cmaes', opfunc, x, config, state)
   check_type(x)
   local o = options_of(config, x)
   local strategy = Strategy.new(x, o.popsize, o.sigma)
   local best, lowest, found = x:clone():view(-1), math.huge, 0
   local history = { (opfunc(x:clone())) }
   local generation, why, limit = 0, nil, nil
   while not why or generation < o.min_iterations do
      generation = generation + 1
      local tried = candidates(strategy, opfunc, x)
      local values = {}
      for k, t in ipairs(tried) do values[k] = t.f end
      history[#history + 1] = values[1]
      if values[1] < lowest then
         lowest, found = values[1], generation
         best:copy(tried[1].x)
      end
      strategy:learn(tried)
      if o.verb_disp > 0 then strategy:report(generation, o.verb_disp, values[1]) end
      why, limit = strategy:finished(o, values)
   end
   if o.verb_disp > 0 then
      print('termination by', why, '=', limit)
      print('best f-value =', lowest)
      print('solution = ')
      print(best)
      print('best found at iteration: ', found, ' , total iterations: ', generation)
   end
   history[#history + 1] = lowest
   return best, history, strategy.evaluations
end
