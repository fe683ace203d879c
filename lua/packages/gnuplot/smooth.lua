-- Curves made smooth: splines, Bezier curves, and points of one place put together.
local smooth = {}

-- how many points a smoothed curve is drawn from
local function samples(n) return math.max(200, math.min(2 * n, 4000)) end

-- The finite points by x, with what `merge(sum, count)` makes of the y at one x.
local function ordered(xs, ys, merge)
   local order, x, y = {}, {}, {}
   for i = 1, #xs do
      if math.abs(xs[i]) < math.huge and math.abs(ys[i]) < math.huge then order[#order + 1] = i end
   end
   table.sort(order, function(a, b) return xs[a] < xs[b] or xs[a] == xs[b] and a < b end)
   local at, sum, count = nil, 0, 0
   local function close()
      if count > 0 then x[#x + 1], y[#y + 1] = at, merge(sum, count) end
   end
   for _, i in ipairs(order) do
      if xs[i] ~= at then
         close()
         at, sum, count = xs[i], 0, 0
      end
      sum, count = sum + ys[i], count + 1
   end
   close()
   return x, y
end

local function mean(sum, count) return sum / count end
local function total(sum) return sum end

-- the piecewise cubic with these values and second derivatives at x
local function sampled(x, y, m)
   local n, k, sx, sy = #x, 1, {}, {}
   local count = samples(n)
   for s = 0, count do
      local at = x[1] + (x[n] - x[1]) * s / count
      while k < n - 1 and at > x[k + 1] do k = k + 1 end
      local h, a, b = x[k + 1] - x[k], x[k + 1] - at, at - x[k]
      sx[#sx + 1] = at
      sy[#sy + 1] = (m[k] * a ^ 3 + m[k + 1] * b ^ 3) / (6 * h) + (y[k] / h - m[k] * h / 6) * a
         + (y[k + 1] / h - m[k + 1] * h / 6) * b
   end
   return sx, sy
end

-- The natural cubic spline through points.
function smooth.csplines(xs, ys)
   local x, y = ordered(xs, ys, mean)
   local n = #x
   if n < 3 then return x, y end
   -- second derivatives, from the tridiagonal system
   local m, c = { 0 }, { 0 }
   for i = 2, n - 1 do
      local h, g = x[i] - x[i - 1], x[i + 1] - x[i]
      local slope = (y[i + 1] - y[i]) / g - (y[i] - y[i - 1]) / h
      local pivot = 2 * (h + g) - h * c[i - 1]
      c[i] = g / pivot
      m[i] = (6 * slope - h * m[i - 1]) / pivot
   end
   m[n] = 0
   for i = n - 1, 2, -1 do m[i] = m[i] - c[i] * m[i + 1] end
   return sampled(x, y, m)
end

-- The smoothing spline: the curve f of least sum of weight (f(x) - y)^2 plus the integral of f''^2 (Reinsch 1967).
function smooth.acsplines(xs, ys, weight)
   local x, y = ordered(xs, ys, mean)
   local n = #x
   weight = weight or 1
   if n < 3 or not (weight > 0) then return x, y end
   -- (R + Q' Q / weight) m = Q' y, of bandwidth 2
   local h, d0, d1, d2, b = {}, {}, {}, {}, {}
   for i = 1, n - 1 do h[i] = x[i + 1] - x[i] end
   local function q(i) return 1 / h[i - 1], -1 / h[i - 1] - 1 / h[i], 1 / h[i] end
   for i = 2, n - 1 do
      local a, c, e = q(i)
      d0[i] = (h[i - 1] + h[i]) / 3 + (a * a + c * c + e * e) / weight
      b[i] = a * y[i - 1] + c * y[i] + e * y[i + 1]
      if i < n - 1 then
         local a2, c2 = q(i + 1)
         d1[i] = h[i] / 6 + (c * a2 + e * c2) / weight
      end
      if i < n - 2 then d2[i] = e * q(i + 2) / weight end
   end
   -- L D L', then back
   local u, v, m = {}, {}, {}
   for i = 2, n - 1 do
      if i > 2 then d0[i] = d0[i] - u[i - 1] ^ 2 * d0[i - 1] end
      if i > 3 then d0[i] = d0[i] - v[i - 2] ^ 2 * d0[i - 2] end
      if i < n - 1 then
         if i > 2 then d1[i] = d1[i] - u[i - 1] * v[i - 1] * d0[i - 1] end
         u[i] = d1[i] / d0[i]
      end
      if i < n - 2 then v[i] = d2[i] / d0[i] end
      if i > 2 then b[i] = b[i] - u[i - 1] * b[i - 1] end
      if i > 3 then b[i] = b[i] - v[i - 2] * b[i - 2] end
   end
   for i = n - 1, 2, -1 do
      m[i] = b[i] / d0[i]
      if i < n - 1 then m[i] = m[i] - u[i] * m[i + 1] end
      if i < n - 2 then m[i] = m[i] - v[i] * m[i + 2] end
   end
   m[1], m[n] = 0, 0
   local f = {}
   for i = 1, n do
      local pull = 0
      for k = math.max(2, i - 1), math.min(n - 1, i + 1) do
         local a, c, e = q(k)
         pull = pull + m[k] * (k == i - 1 and e or k == i and c or a)
      end
      f[i] = y[i] - pull / weight
   end
   return sampled(x, f, m)
end

-- The Bezier curve of these points; of many, in the logarithms of its weights.
local function bezier(x, y)
   local n, sx, sy = #x - 1, {}, {}
   if n < 2 then return x, y end
   local binomial = { [0] = 0 }
   for k = 1, n do binomial[k] = binomial[k - 1] + math.log(n - k + 1) - math.log(k) end
   local count = n > 1000 and 200 or samples(n)
   for s = 0, count do
      local t, px, py = s / count, 0, 0
      if s == 0 or s == count then
         px, py = x[s == 0 and 1 or n + 1], y[s == 0 and 1 or n + 1]
      else
         local up, down = math.log(t), math.log(1 - t)
         for k = 0, n do
            local w = math.exp(binomial[k] + k * up + (n - k) * down)
            px, py = px + w * x[k + 1], py + w * y[k + 1]
         end
      end
      sx[#sx + 1], sy[#sy + 1] = px, py
   end
   return sx, sy
end

function smooth.bezier(xs, ys)
   local x, y = {}, {}
   for i = 1, #xs do
      if math.abs(xs[i]) < math.huge and math.abs(ys[i]) < math.huge then x[#x + 1], y[#y + 1] = xs[i], ys[i] end
   end
   return bezier(x, y)
end
function smooth.sbezier(xs, ys) return bezier(ordered(xs, ys, mean)) end
function smooth.unique(xs, ys) return ordered(xs, ys, mean) end
function smooth.frequency(xs, ys) return ordered(xs, ys, total) end
function smooth.cumulative(xs, ys)
   local x, y = ordered(xs, ys, total)
   for i = 2, #y do y[i] = y[i] + y[i - 1] end
   return x, y
end

return smooth
