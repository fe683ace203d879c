-- Draws of package randomkit of whole numbers.
local draw = require 'randomkit.continuous'
local log, exp, sqrt, floor, ceil, abs = math.log, math.exp, math.sqrt, math.floor, math.ceil, math.abs
local random, uniform = torch.random, draw.double

function draw.random() return random() end
function draw.ulong() return random() * 4294967296 + random() end
function draw.long() return floor(draw.ulong() / 2) end

-- 0 to max: bits of as many places as max has, until they are no more than it
function draw.interval(max)
   max = floor(max)
   if max == 0 then return 0 end
   local mask = 1
   while mask - 1 < max do mask = mask * 2 end
   while true do
      local value = max <= 4294967295 and random() % mask or draw.ulong() % mask
      if value <= max then return value end
   end
end
function draw.randint(low, high)
   low, high = floor(low), floor(high)
   return low + draw.interval(high - low)
end

-- the logarithm of gamma, by Stirling's series from 7 on
local SERIES = { 1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360360, 1 / 156, -3617 / 122400, 43867 / 244188, -174611 / 125400 }
local function log_gamma(x)
   if x == 1 or x == 2 then return 0 end
   local down = x <= 7 and floor(7 - x) or 0
   local at = x + down
   local sum, square = 0, 1 / (at * at)
   for k = #SERIES, 1, -1 do sum = sum * square + SERIES[k] end
   local value = sum / at + 0.5 * log(2 * math.pi) + (at - 0.5) * log(at) - at
   for _ = 1, down do
      at = at - 1
      value = value - log(at)
   end
   return value
end

-- Adds up probabilities from 0 on.
function draw.binomial_inversion(n, p)
   local q = 1 - p
   local first = exp(n * log(q))
   if n == 0 or p == 0 then
      uniform()
      return 0
   end
   local bound = math.min(n, n * p + 10 * sqrt(n * p * q + 1))
   bound = floor(bound)
   local x, share, u = 0, first, uniform()
   while u > share do
      x = x + 1
      if x > bound then
         x, share, u = 0, first, uniform()
      else
         u = u - share
         share = (n - x + 1) * p * share / (x * q)
      end
   end
   return x
end

-- one of the four terms of Stirling's correction
local function correction(x)
   local s = x * x
   return (13680 - (462 - (132 - (99 - 140 / s) / s) / s) / s) / x / 166320
end

-- The plan of BTPE (Kachitvichyanukul and Schmeiser, 1988) for n and p: a triangle, a parallelogram and two tails over the
-- binomial.
local function plan(n, p)
   local t = { r = math.min(p, 1 - p) }
   t.q = 1 - t.r
   local mean = n * t.r + t.r
   t.m = floor(mean)
   t.p1 = floor(2.195 * sqrt(n * t.r * t.q) - 4.6 * t.q) + 0.5
   t.xm = t.m + 0.5
   t.xl, t.xr = t.xm - t.p1, t.xm + t.p1
   t.c = 0.134 + 20.5 / (15.3 + t.m)
   local a = (mean - t.xl) / (mean - t.xl * t.r)
   t.left = a * (1 + a / 2)
   a = (t.xr - mean) / (t.xr * t.q)
   t.right = a * (1 + a / 2)
   t.p2 = t.p1 * (1 + 2 * t.c)
   t.p3 = t.p2 + t.c / t.left
   t.p4 = t.p3 + t.c / t.right
   return t
end
-- Whether a candidate is taken.
local function accepted(t, n, y, v)
   local k, variance = abs(y - t.m), n * t.r * t.q
   if k == 0 then return v <= 1 end
   local rho = (k / variance) * ((k * (k / 3 + 0.625) + 1 / 6) / variance + 0.5)
   local square, A = -k * k / (2 * variance), log(v)
   if A < square - rho then return true end
   if A > square + rho then return false end
   local x1, f1, z, w = y + 1, t.m + 1, n + 1 - t.m, n - y + 1
   return A <= t.xm * log(f1 / x1) + (n - t.m + 0.5) * log(z / w) + (y - t.m) * log(w * t.r / (x1 * t.q))
      + correction(f1) + correction(z) + correction(x1) + correction(w)
end
function draw.binomial_btpe(n, p)
   local t = plan(n, p)
   while true do
      local u, v, y = uniform() * t.p4, uniform(), nil
      if u <= t.p1 then
         y = floor(t.xm - t.p1 * v + u)
         return p > 0.5 and n - y or y
      elseif u <= t.p2 then
         local x = t.xl + (u - t.p1) / t.c
         v = v * t.c + 1 - abs(t.m - x + 0.5) / t.p1
         if v <= 1 then y = floor(x) end
      elseif u <= t.p3 then
         y = floor(t.xl + log(v) / t.left)
         v = v * (u - t.p2) * t.left
         if y < 0 then y = nil end
      else
         y = floor(t.xr - log(v) / t.right)
         v = v * (u - t.p3) * t.right
         if y > n then y = nil end
      end
      if y and accepted(t, n, y, v) then return p > 0.5 and n - y or y end
   end
end
function draw.binomial(n, p)
   local q = 1 - p
   if p <= 0.5 then return p * n <= 30 and draw.binomial_inversion(n, p) or draw.binomial_btpe(n, p) end
   return n - (q * n <= 30 and draw.binomial_inversion(n, q) or draw.binomial_btpe(n, q))
end

function draw.poisson_mult(mean)
   local limit, product, n = exp(-mean), 1, 0
   while true do
      product = product * uniform()
      if product <= limit then return n end
      n = n + 1
   end
end
-- Hoermann's PTRS (1993).
function draw.poisson_ptrs(mean)
   local root, l = sqrt(mean), log(mean)
   local b = 0.931 + 2.53 * root
   local a = -0.059 + 0.02483 * b
   local inverse, vr = 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2)
   while true do
      local u, v = uniform() - 0.5, uniform()
      local us = 0.5 - abs(u)
      local k = floor((2 * a / us + b) * u + mean + 0.43)
      if us >= 0.07 and v <= vr then return k end
      if k >= 0 and not (us < 0.013 and v > us)
         and log(v) + log(inverse) - log(a / (us * us) + b) <= -mean + k * l - log_gamma(k + 1) then return k end
   end
end
function draw.poisson(mean)
   if mean == 0 then return 0 end
   return mean >= 10 and draw.poisson_ptrs(mean) or draw.poisson_mult(mean)
end
function draw.negative_binomial(n, p) return draw.poisson(draw.gamma(n, (1 - p) / p)) end

function draw.zipf(a)
   local b = 2 ^ (a - 1)
   if b == math.huge then return 1 end
   while true do
      local u, v = 1 - uniform(), uniform()
      local x = floor(u ^ (-1 / (a - 1)))
      local t = (1 + 1 / x) ^ (a - 1)
      if x >= 1 and x < 2 ^ 63 and v * x * (t - 1) / (b - 1) <= t / b then return x end
   end
end

function draw.geometric_search(p)
   local x, sum, share, u = 1, p, p, uniform()
   while u > sum do
      share = share * (1 - p)
      sum, x = sum + share, x + 1
   end
   return x
end
function draw.geometric_inversion(p) return ceil(log(1 - uniform()) / log(1 - p)) end
function draw.geometric(p) return p >= 1 / 3 and draw.geometric_search(p) or draw.geometric_inversion(p) end

function draw.hypergeometric_hyp(good, bad, sample)
   if sample == 0 or good == 0 then return 0 end
   if bad == 0 then return sample end
   local rest, least, left = bad + good - sample, math.min(bad, good), sample
   local y = least
   while y > 0 do
      y = y - floor(uniform() + y / (rest + left))
      left = left - 1
      if left == 0 then break end
   end
   local z = least - y
   return good > bad and sample - z or z
end
-- Stadlober's HRUA*.
function draw.hypergeometric_hrua(good, bad, sample)
   if sample == 0 or good == 0 then return 0 end
   if bad == 0 then return sample end
   local least, largest, all = math.min(good, bad), math.max(good, bad), good + bad
   local m = math.min(sample, all - sample)
   local share = least / all
   local middle = m * share + 0.5
   local width = sqrt((all - m) * sample * share * (1 - share) / (all - 1) + 0.5)
   local spread = 1.7155277699214135 * width + 0.8989161620588988
   local function weight(z)
      return log_gamma(z + 1) + log_gamma(least - z + 1) + log_gamma(m - z + 1) + log_gamma(largest - m + z + 1)
   end
   local mode = weight(floor((m + 1) * (least + 1) / (all + 2)))
   local bound = math.min(math.min(m, least) + 1, floor(middle + 16 * width))
   local z
   while true do
      local x, y = uniform(), uniform()
      local w = middle + spread * (y - 0.5) / x
      if w >= 0 and w < bound then
         z = floor(w)
         local t = mode - weight(z)
         if x * (4 - x) - 3 <= t or x * (x - t) < 1 and 2 * log(x) <= t then break end
      end
   end
   if good > bad then z = m - z end
   return m < sample and good - z or z
end
function draw.hypergeometric(good, bad, sample)
   return sample > 10 and draw.hypergeometric_hrua(good, bad, sample) or draw.hypergeometric_hyp(good, bad, sample)
end

function draw.logseries(p)
   local r = log(1 - p)
   while true do
      local v = uniform()
      if v >= p then return 1 end
      local q = 1 - exp(r * uniform())
      if v <= q * q then
         local x = floor(1 + log(v) / log(q))
         if x >= 1 and x < math.huge then return x end
      else
         return v >= q and 1 or 2
      end
   end
end

-- Bytes of a ByteTensor, four from each number.
function draw.fill(tensor)
   local place, word = 0, 0
   return tensor:apply(function()
      if place % 4 == 0 then word = random() end
      place = place + 1
      local byte = word % 256
      word = floor(word / 256)
      return byte
   end)
end

return draw
