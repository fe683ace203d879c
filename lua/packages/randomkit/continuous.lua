-- Draws of package randomkit from continuous distributions, by the methods that its library has, from the same numbers of
-- Torch7's generator.
local draw = {}
local log, exp, sqrt, floor, cos, abs = math.log, math.exp, math.sqrt, math.floor, math.cos, math.abs
local random = torch.random

-- 53 bits, in [0, 1)
local function uniform()
   local high, low = floor(random() / 32), floor(random() / 64)
   return (high * 67108864 + low) / 9007199254740992
end
draw.double = uniform

-- Marsaglia's polar method gives two at a time; the other one waits here.
local waiting
function draw.gauss()
   if waiting then
      local value = waiting
      waiting = nil
      return value
   end
   local x, y, r
   repeat
      x = 2 * uniform() - 1
      y = 2 * uniform() - 1
      r = x * x + y * y
   until r < 1 and r ~= 0
   local factor = sqrt(-2 * log(r) / r)
   waiting = factor * x
   return factor * y
end
local gauss = draw.gauss
-- What waits, for states of the generator.
function draw.kept() return waiting end
function draw.keep(value) waiting = value end

function draw.uniform(low, high) return low + (high - low) * uniform() end
function draw.normal(mean, deviation) return mean + deviation * gauss() end
function draw.lognormal(mean, deviation) return exp(mean + deviation * gauss()) end
function draw.standard_exponential() return -log(1 - uniform()) end
local exponential = draw.standard_exponential
function draw.exponential(scale) return scale * exponential() end

-- Below 1 by rejection (Devroye, p. 304), above by Marsaglia and Tsang (2000).
local function gamma(shape)
   if shape == 1 then return exponential() end
   if shape < 1 then
      while true do
         local u, v = uniform(), exponential()
         if u <= 1 - shape then
            local x = u ^ (1 / shape)
            if x <= v then return x end
         else
            local y = -log((1 - u) / shape)
            local x = (1 - shape + shape * y) ^ (1 / shape)
            if x <= v + y then return x end
         end
      end
   end
   local b = shape - 1 / 3
   local c = 1 / sqrt(9 * b)
   while true do
      local x, v
      repeat
         x = gauss()
         v = 1 + c * x
      until v > 0
      v = v * v * v
      local u = uniform()
      if u < 1 - 0.0331 * (x * x) * (x * x) or log(u) < 0.5 * x * x + b * (1 - v + log(v)) then return b * v end
   end
end
draw.standard_gamma = gamma
function draw.gamma(shape, scale) return scale * gamma(shape) end

-- Joehnk's method where both are at most 1, else as a share of two gammas.
function draw.beta(a, b)
   if a <= 1 and b <= 1 then
      while true do
         local u, v = uniform(), uniform()
         local x, y = u ^ (1 / a), v ^ (1 / b)
         if x + y <= 1 then return x / (x + y) end
      end
   end
   local first = gamma(a)
   return first / (first + gamma(b))
end

function draw.chisquare(df) return 2 * gamma(df / 2) end
local chisquare = draw.chisquare
-- Below one degree there is no such sum; then it is a chi-square whose degrees are drawn.
function draw.noncentral_chisquare(df, nonc)
   if df <= 1 then return chisquare(df + 2 * draw.poisson(nonc / 2)) end
   local rest = chisquare(df - 1)
   local n = gauss() + sqrt(nonc)
   return rest + n * n
end
function draw.f(dfnum, dfden)
   local above = chisquare(dfnum) * dfden
   return above / (chisquare(dfden) * dfnum)
end
function draw.noncentral_f(dfnum, dfden, nonc)
   local above = draw.noncentral_chisquare(dfnum, nonc) * dfden
   return above / (chisquare(dfden) * dfnum)
end
function draw.standard_t(df)
   local n = gauss()
   return sqrt(df / 2) * n / sqrt(gamma(df / 2))
end
function draw.standard_cauchy()
   local above = gauss()
   return above / gauss()
end

-- An angle in -pi to pi, by Best and Fisher (1979); where it is so narrow that it is normal, as that.
function draw.vonmises(mu, kappa)
   if kappa < 1e-8 then return math.pi * (2 * uniform() - 1) end
   local angle
   if kappa > 1e6 then
      angle = gauss() / sqrt(kappa)
   else
      local r = 1 + sqrt(1 + 4 * kappa * kappa)
      local rho = (r - sqrt(2 * r)) / (2 * kappa)
      local s = (1 + rho * rho) / (2 * rho)
      local w, y, v
      repeat
         local z = cos(math.pi * uniform())
         w = (1 + s * z) / (s + z)
         y = kappa * (s - w)
         v = uniform()
      until y * (2 - y) - v >= 0 or log(y / v) + 1 - y >= 0
      angle = math.acos(w)
      if uniform() < 0.5 then angle = -angle end
   end
   angle = angle + mu
   local around = (abs(angle) + math.pi) % (2 * math.pi) - math.pi
   return angle < 0 and -around or around
end

function draw.pareto(a) return exp(exponential() / a) - 1 end
function draw.weibull(a) return exponential() ^ (1 / a) end
function draw.power(a) return (1 - exp(-exponential())) ^ (1 / a) end
function draw.laplace(mean, scale)
   local u = uniform()
   if u < 0.5 then return mean + scale * log(u + u) end
   return mean - scale * log(2 - u - u)
end
function draw.gumbel(mean, scale) return mean - scale * log(-log(1 - uniform())) end
function draw.logistic(mean, scale)
   local u = uniform()
   return mean + scale * log(u / (1 - u))
end
function draw.rayleigh(mode) return mode * sqrt(-2 * log(1 - uniform())) end
function draw.wald(mean, scale)
   local y = gauss()
   y = mean * y * y
   local x = mean + mean / (2 * scale) * (y - sqrt(4 * scale * y + y * y))
   if uniform() <= mean / (mean + x) then return x end
   return mean * mean / x
end
function draw.triangular(left, mode, right)
   local base, u = right - left, uniform()
   if base == 0 then return mode end
   if u <= (mode - left) / base then return left + sqrt(u * (mode - left) * base) end
   return right - sqrt((1 - u) * (right - mode) * base)
end

return draw
