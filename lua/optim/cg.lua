-- optim.cg: conjugate gradients (Polak and Ribiere) with Rasmussen's line search, which fits polynomials to values and
-- slopes and stops at the Wolfe-Powell conditions.
local step = require 'optim.step'
local steps = require('rekindle.native').functions.optim

-- One search along a direction. It keeps the start (f1, d1), the last point (f2, d2, at step z1), and the point before
-- it (f3, d3, at distance z3 from the last one); d is always a slope along the direction.
local Search = {}
Search.__index = Search

-- moves on by z2 and evaluates
function Search:move(z2)
   self.z1 = self.z1 + z2
   self.x:add(z2, self.direction)
   local f, g = step.evaluate('cg', self.opfunc, self.x)
   self.evaluations = self.evaluations + 1
   self.f2 = f
   self.d2 = steps.take(self.gradient, g, self.direction)
end

function Search:tooFar()
   return self.f2 > self.f1 + self.z1 * self.rho * self.d1 or self.d2 > -self.sig * self.d1
end

-- the coefficients of the cubic through the last two points
function Search:cubic()
   local z3 = self.z3
   local a = 6 * (self.f2 - self.f3) / z3 + 3 * (self.d2 + self.d3)
   local b = 3 * (self.f3 - self.f2) - z3 * (self.d3 + 2 * self.d2)
   return a, b, math.sqrt(b * b - a * self.d2 * z3 * z3)
end

-- Goes back while the step is too long; each move lands between the last two points.
function Search:interpolate()
   while self:tooFar() and self.left > 0 do
      self.limit = self.z1
      local z3, z2 = self.z3, nil
      if self.f2 > self.f1 then
         z2 = z3 - 0.5 * self.d3 * z3 * z3 / (self.d3 * z3 + self.f2 - self.f3)
      else
         local a, b, root = self:cubic()
         z2 = (root - b) / a
      end
      if z2 ~= z2 or math.abs(z2) == math.huge then z2 = z3 / 2 end
      -- z3 is negative here: not too close to either end
      z2 = math.max(math.min(z2, self.int * z3), (1 - self.int) * z3)
      self.z3 = z3 - z2
      self.left = self.left - 1
      self:move(z2)
   end
end

-- How far to go on when the step is too short: the cubic's minimum, kept within the limit known, if any, else within
-- `ext` times the step so far.
function Search:further()
   local z1, z3, limit = self.z1, self.z3, self.limit
   local _, b, root = self:cubic()
   local z2 = -self.d2 * z3 * z3 / (b + root)
   if z2 ~= z2 or math.abs(z2) == math.huge or z2 < 0 then
      return limit and (limit - z1) / 2 or z1 * (self.ext - 1)
   end
   if limit and z1 + z2 > limit then return (limit - z1) / 2 end
   if not limit and z1 + z2 > z1 * self.ext then return z1 * (self.ext - 1) end
   if z2 < -z3 * self.int then return -z3 * self.int end
   if limit and z2 < (limit - z1) * (1 - self.int) then return (limit - z1) * (1 - self.int) end
   return z2
end

-- Gives whether a good point was found.
function Search:run(first)
   self.z1 = 0
   self:move(first)
   self.f3, self.d3, self.z3 = self.f1, self.d1, -first
   while true do
      self:interpolate()
      if self:tooFar() then return false end
      if self.d2 > self.sig * self.d1 then return true end
      if self.left <= 0 or self.d2 ~= self.d2 or math.abs(self.f2) == math.huge then return false end
      local z2 = self:further()
      self.f3, self.d3, self.z3 = self.f2, self.d2, -z2
      self.left = self.left - 1
      self:move(z2)
   end
end

local function options_of(config)
   local function option(key, default) return step.number('cg', config, key, default) end
   local maxIter = option('maxIter', 20)
   return { rho = option('rho', 0.01), sig = option('sig', 0.5), int = option('int', 0.1), ext = option('ext', 3),
      ratio = option('ratio', 100), maxIter = maxIter, maxEval = option('maxEval', 1.25 * maxIter) }
end

local function swap(state, a, b) state[a], state[b] = state[b], state[a] end

-- s becomes the next conjugate direction; gives the slope along it
local function conjugate(state)
   local s, old, new = state.s, state.df1, state.df2
   local square, both, before = steps.products(new, old)
   local slope = steps.turn(s, (square - both) / before, new, -1, 1, new)
   swap(state, 'df1', 'df2')
   if slope > 0 then
      s:copy(state.df1):mul(-1)
      slope = -s:dot(s)
   end
   return slope
end

-- Options: rho (0.01) and sig (0.5) of the Wolfe-Powell conditions, int (0.1), ext (3), ratio (100), maxIter (20),
-- maxEval (1.25 maxIter). Gives x, the values of f on the way, and the number of evaluations.
return function(opfunc, x, config, state)
   config, state = step.begin('cg', opfunc, x, config, state)
   local o = options_of(config)
   for _, key in ipairs { 'df0', 'df1', 'df2', 'df3', 's', 'x0' } do step.scratch(state, key, x):resizeAs(x) end
   local f1, g = step.evaluate('cg', opfunc, x)
   state.df1:copy(g)
   local values, evaluations = { f1 }, 1
   local s = state.s:copy(state.df1):mul(-1)
   local slope = -s:dot(s)
   local first = 1 / (1 - slope)
   while evaluations < o.maxEval do
      state.x0:copy(x)
      state.df0:copy(state.df1)
      local search = setmetatable({ opfunc = opfunc, x = x, direction = s, gradient = state.df2, f1 = f1, d1 = slope,
         evaluations = evaluations, left = math.min(o.maxIter, o.maxEval - evaluations - 1),
         rho = o.rho, sig = o.sig, int = o.int, ext = o.ext }, Search)
      local found = search:run(first)
      evaluations = search.evaluations
      if found then
         f1 = search.f2
         values[#values + 1] = f1
         local next_slope = conjugate(state)
         -- the smallest normal number keeps the quotient finite
         first = search.z1 * math.min(o.ratio, slope / (next_slope - 2 ^ -1022))
         slope = next_slope
      else
         -- the first search that fails is the last, as in Torch7
         x:copy(state.x0)
         state.df1:copy(state.df0)
         break
      end
   end
   return x, values, evaluations
end
