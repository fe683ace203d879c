-- optim.lswolfe: a line search for the strong Wolfe conditions: the step lowers f enough (c1) and ends where the
-- slope is small (c2). First it walks forward until a good step lies in between, then it narrows that bracket.
local interpolate = require 'optim.interpolate'
local step = require 'optim.step'

-- What both phases share: evaluating the function along the line, and the two conditions.
local Line = {}
Line.__index = Line

function Line:at(t)
   self.x:copy(self.origin):add(t, self.direction)
   local f, g = step.evaluate('lswolfe', self.opfunc, self.x)
   self.evaluations = self.evaluations + 1
   -- a copy, since many functions give the same tensor each time
   return { t = t, f = f, g = g:clone(), slope = g:dot(self.direction) }
end

-- written so that a value of nan is too high
function Line:tooHigh(p) return not (p.f <= self.f + self.c1 * p.t * self.slope) end

function Line:flat(p) return math.abs(p.slope) <= -self.c2 * self.slope end

-- Gives two points around an acceptable step, or one that is acceptable, and the number of iterations.
function Line:bracket(first)
   local start = { t = 0, f = self.f, g = self.g, slope = self.slope }
   local previous, current = start, self:at(first)
   for i = 0, self.maxIter - 1 do
      if self:tooHigh(current) or (i > 1 and current.f >= previous.f) then return previous, current, i end
      if self:flat(current) then return current, nil, i end
      if current.slope >= 0 then return previous, current, i end
      local t = interpolate.polynomial({ previous, current }, current.t + 0.01 * (current.t - previous.t), 10 * current.t)
      previous, current = current, self:at(t)
   end
   return start, current, self.maxIter
end

-- A trial step inside the bracket. Two trials in a row that hug an end of it are replaced by one further inside.
local function trial(low, high, hugged)
   local least, most = math.min(low.t, high.t), math.max(low.t, high.t)
   local width = most - least
   local t = interpolate.cubic(low, high)
   if math.min(most - t, t - least) / width >= 0.1 then return t, false end
   if not hugged and t < most and t > least then return t, true end
   if math.abs(t - most) < math.abs(t - least) then return most - 0.1 * width, false end
   return least + 0.1 * width, false
end

-- Narrows the bracket, beginning with iteration i; gives its better end.
function Line:zoom(a, b, i)
   local low, high = a, b
   if b.f < a.f then low, high = b, a end
   local hugged, t = false, nil
   while i < self.maxIter do
      t, hugged = trial(low, high, hugged)
      local p = self:at(t)
      i = i + 1
      if self:tooHigh(p) or p.f >= low.f then
         high = p
         -- the conditions may fail by a hair at a point that is lower all the same
         if high.f < low.f then low, high = high, low end
      else
         if self:flat(p) then return p end
         if p.slope * (high.t - low.t) >= 0 then high = low end
         low = p
      end
      if math.abs((low.t - high.t) * p.slope) < self.tolX then break end
   end
   return low
end

-- x: the start, moved to the end of the step; t: the first step to try; d: the direction; f, g: value and gradient at
-- x; gtd: the slope g.d; options: c1 (1e-4), c2 (0.9), tolX (1e-9), maxIter (20).
-- Gives f, g, x, the step, and how often the function was evaluated.
return function(opfunc, x, t, d, f, g, gtd, options)
   options = step.begin('lswolfe', opfunc, x, options)
   for name, value in pairs { t = t or false, f = f or false, gtd = gtd or false } do
      if type(value) ~= 'number' then
         error(string.format('optim.lswolfe: %s should be a number, got %s', name, value and 'a ' .. torch.type(value) or 'nothing'))
      end
   end
   if not torch.isTensor(d) or not torch.isTensor(g) then
      error('optim.lswolfe: tensors expected as direction (argument 4) and gradient (argument 6)')
   end
   local line = setmetatable({
      opfunc = opfunc, x = x, origin = x:clone(), direction = d, f = f, g = g:clone(), slope = gtd, evaluations = 0,
      c1 = step.number('lswolfe', options, 'c1', 1e-4), c2 = step.number('lswolfe', options, 'c2', 0.9),
      tolX = step.number('lswolfe', options, 'tolX', 1e-9), maxIter = step.number('lswolfe', options, 'maxIter', 20),
   }, Line)
   local a, b, iterations = line:bracket(t)
   local best = a
   if b then best = line:zoom(a, b, iterations) end
   x:copy(line.origin):add(best.t, d)
   return best.f, best.g, x, best.t, line.evaluations
end
