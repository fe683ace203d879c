-- optim.cmaes: evolution with an adapted covariance matrix (Hansen's CMA-ES), which needs no gradient.
local step = require 'optim.step'

-- The strategy: the distribution (mean, sigma, C = B D^2 B') and the paths and rates by which it learns.
local Strategy = {}
Strategy.__index = Strategy

local function weights_of(mu)
   local weights, sum, squares = {}, 0, 0
   for i = 1, mu do
      weights[i] = math.log(mu + 0.5) - math.log(i)
      sum = sum + weights[i]
   end
   for i = 1, mu do
      weights[i] = weights[i] / sum
      squares = squares + weights[i] ^ 2
   end
   return weights, 1 / squares
end

function Strategy.new(x, lambda, sigma)
   local n = x:nElement()
   local mu = math.max(math.floor(lambda / 2), 1)
   local weights, mueff = weights_of(mu)
   local c1 = 2 / ((n + 1.3) ^ 2 + mueff)
   local cs = (mueff + 2) / (n + mueff + 5)
   local s = {
      n = n, lambda = lambda, sigma = sigma, weights = weights, mueff = mueff, c1 = c1, cs = cs,
      cc = (4 + mueff / n) / (n + 4 + 2 * mueff / n),
      cmu = math.min(1 - c1, 2 * (mueff - 2 + 1 / mueff) / ((n + 2) ^ 2 + mueff)),
      damps = 1 + cs + 2 * math.max(0, math.sqrt((mueff - 1) / (n + 1)) - 1),
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
   local z = self.mean.new(self.n)
   for i = 1, self.n do z[i] = torch.normal(0, 1) end
   return torch.mv(self.B, z:cmul(self.D)):mul(self.sigma):add(self.mean)
end

-- the step of the mean in the coordinates in which the distribution is round
function Strategy:whitened(move)
   local y = torch.mv(self.B:t(), move):cdiv(self.D)
   return torch.mv(self.B, y)
end

-- Learns from the candidates, sorted from best to worst.
function Strategy:learn(sorted)
   local old, sigma, n = self.mean, self.sigma, self.n
   self.mean = old.new(n):zero()
   for i, w in ipairs(self.weights) do self.mean:add(w, sorted[i]) end
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
   self.C:mul(kept):addr(c1, self.pc, self.pc)
   for i, w in ipairs(self.weights) do
      local y = (sorted[i] - old):div(sigma)
      self.C:addr(cmu * w, y, y)
   end
   self.sigma = sigma * math.exp(math.min(1, cs / self.damps * (length - 1) / 2))
end

-- Why to stop, or nil.
function Strategy:finished(o, lowest)
   if self.evaluations >= o.maxEval then return 'maxEval' end
   if o.ftarget and lowest <= o.ftarget then return 'ftarget' end
   local widest, narrowest = self.D:max(), self.D:min()
   if widest > 1e7 * narrowest then return 'condition number' end
   if self.sigma * widest < 1e-11 then return 'tolerance of x' end
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
   }
end

local function check_type(x)
   local name = torch.typename(x)
   if name ~= torch._beside(x, 'Float') and name ~= torch._beside(x, 'Double') then
      error('optim.cmaes: argument 2 should be a Float- or DoubleTensor, got a ' .. name, 3)
   end
end

-- opfunc: gives f(x); a gradient is ignored. x: the start, unchanged. Options: sigma (0.5), the first spread; popsize
-- (4 + 3 log n); maxEval (1000 n^2); ftarget, a value good enough; verb_disp (100), how many evaluations between
-- two lines of progress, 0 for none. Gives the best parameters, {f at the start, the best of each generation, the
-- best}, and the number of evaluations of candidates.
return function(opfunc, x, config, state)
   config = step.begin('cmaes', opfunc, x, config, state)
   check_type(x)
   local o = options_of(config, x)
   local strategy = Strategy.new(x, o.popsize, o.sigma)
   local best, lowest = x:clone(), math.huge
   local values = { (opfunc(x:clone())) }
   local said = 0
   while not strategy:finished(o, lowest) do
      strategy:decompose()
      local tried = {}
      for k = 1, strategy.lambda do
         local candidate = strategy:sample()
         local f = opfunc(candidate:view(x:size()))
         if f ~= f then f = math.huge end
         tried[k] = { x = candidate, f = f, order = k }
         strategy.evaluations = strategy.evaluations + 1
      end
      table.sort(tried, function(a, b) return a.f < b.f or (a.f == b.f and a.order < b.order) end)
      values[#values + 1] = tried[1].f
      if tried[1].f < lowest then
         lowest = tried[1].f
         best:copy(tried[1].x)
      end
      local sorted = {}
      for k, t in ipairs(tried) do sorted[k] = t.x end
      strategy:learn(sorted)
      if o.verb_disp > 0 and strategy.evaluations - said >= o.verb_disp then
         said = strategy.evaluations
         print(string.format('%6d evaluations: best f %g, sigma %g', said, lowest, strategy.sigma))
      end
   end
   values[#values + 1] = lowest
   return best, values, strategy.evaluations
end
