-- Minimum of a polynomial through a few points with known values and slopes, as line searches need it. A point is a
-- table {t =, f =, slope =}; a value or slope that is nan is unknown.
local interpolate = {}

local function finite(v) return v == v and v ~= math.huge and v ~= -math.huge end

-- The minimum of the cubic through two points, kept between them; the middle where the cubic has no minimum.
function interpolate.cubic(a, b)
   if b.t < a.t then a, b = b, a end
   local middle = (a.t + b.t) / 2
   if a.t == b.t then return middle end
   local d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
   local d2 = math.sqrt(d1 * d1 - a.slope * b.slope)
   local t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
   if not finite(t) then return middle end
   return math.min(math.max(t, a.t), b.t)
end

-- value of the polynomial with ascending coefficients c
local function value(c, x)
   local y = 0
   for i = #c, 1, -1 do y = y * x + c[i] end
   return y
end

local function derivative(c)
   local d = {}
   for i = 2, #c do d[i - 1] = (i - 1) * c[i] end
   return d
end

-- the root of c between lo and hi, where c has opposite signs
local function bisect(c, lo, hi)
   local rising = value(c, lo) < 0
   for _ = 1, 200 do
      local mid = (lo + hi) / 2
      if mid == lo or mid == hi then return mid end
      if (value(c, mid) < 0) == rising then lo = mid else hi = mid end
   end
   return (lo + hi) / 2
end

-- The real roots of c in [lo, hi] at which it changes sign. Between two extrema a polynomial is monotone, so the
-- roots of the derivative, found in the same way, separate its roots.
local function roots(c, lo, hi)
   local found = {}
   if #c < 2 then return found end
   local cuts = roots(derivative(c), lo, hi)
   cuts[#cuts + 1] = hi
   local left = lo
   for _, right in ipairs(cuts) do
      local a, b = value(c, left), value(c, right)
      if a == 0 then
         found[#found + 1] = left
      elseif a * b < 0 then
         found[#found + 1] = bisect(c, left, right)
      end
      left = right
   end
   if value(c, hi) == 0 then found[#found + 1] = hi end
   return found
end

-- solves the rows [coefficients | right side] by elimination with row exchange; nil where they are singular
local function solve(rows)
   local n = #rows
   for k = 1, n do
      local best = k
      for i = k + 1, n do
         if math.abs(rows[i][k]) > math.abs(rows[best][k]) then best = i end
      end
      rows[k], rows[best] = rows[best], rows[k]
      local pivot = rows[k][k]
      if not finite(pivot) or math.abs(pivot) < 1e-14 then return nil end
      for i = k + 1, n do
         local factor = rows[i][k] / pivot
         for j = k, n + 1 do rows[i][j] = rows[i][j] - factor * rows[k][j] end
      end
   end
   local x = {}
   for k = n, 1, -1 do
      local sum = rows[k][n + 1]
      for j = k + 1, n do sum = sum - rows[k][j] * x[j] end
      x[k] = sum / rows[k][k]
   end
   return x
end

-- coefficients, in u = (t - origin) / scale, of the polynomial that meets every known value and slope
local function fit(points, origin, scale)
   local unknowns = 0
   for _, p in ipairs(points) do
      unknowns = unknowns + (finite(p.f) and 1 or 0) + (finite(p.slope) and 1 or 0)
   end
   local rows = {}
   for _, p in ipairs(points) do
      local u = (p.t - origin) / scale
      local level, rise = {}, {}
      for j = 1, unknowns do
         level[j] = u ^ (j - 1)
         rise[j] = j == 1 and 0 or (j - 1) * u ^ (j - 2)
      end
      level[unknowns + 1], rise[unknowns + 1] = p.f, p.slope * scale
      if finite(p.f) then rows[#rows + 1] = level end
      if finite(p.slope) then rows[#rows + 1] = rise end
   end
   return solve(rows)
end

-- Where between lo and hi (by default the outermost points) the polynomial through the points is lowest, and how low.
-- Where there is no such polynomial, the middle and nil.
function interpolate.polynomial(points, lo, hi)
   local first, last = math.huge, -math.huge
   for _, p in ipairs(points) do first, last = math.min(first, p.t), math.max(last, p.t) end
   lo, hi = lo or first, hi or last
   local scale = last > first and last - first or 1
   local c = fit(points, first, scale)
   if not c then return (lo + hi) / 2, nil end

   local candidates = { lo, hi }
   for _, p in ipairs(points) do candidates[#candidates + 1] = p.t end
   for _, u in ipairs(roots(derivative(c), (lo - first) / scale, (hi - first) / scale)) do
      candidates[#candidates + 1] = first + u * scale
   end
   local where, lowest = (lo + hi) / 2, math.huge
   for _, t in ipairs(candidates) do
      if t >= lo and t <= hi then
         local y = value(c, (t - first) / scale)
         if y < lowest then where, lowest = t, y end
      end
   end
   return where, lowest
end

return interpolate
