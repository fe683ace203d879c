-- Functions with a fast way for usual layouts, against plain loops over elements, in layouts of all kinds.
local function same(a, b, how)
   local x, y = a:double(), b:double()
   assert(x:isSameSizeAs(y), how)
   assert(x:dim() == 0 or (x - y):abs():max() <= 1e-5 * math.max(1, y:clone():abs():max()), how)
end

-- matrices of these sizes: plain, turned, part of a larger one, with rows that lie apart
local function matrices(class, rows, cols)
   local function fresh(n, m) return class(n, m):copy(torch.DoubleTensor(n, m):uniform(-9, 9)) end
   return {
      plain = fresh(rows, cols),
      turned = fresh(cols, rows):t(),
      part = fresh(rows + 3, cols + 2):narrow(1, 2, rows):narrow(2, 3, cols),
      apart = fresh(rows * 2, cols):unfold(1, 1, 2):select(3, 1),
   }
end

for _, class in ipairs { torch.FloatTensor, torch.DoubleTensor, torch.IntTensor, torch.LongTensor, torch.ShortTensor } do
   local name = class.__typename
   for _, size in ipairs { { 1, 1 }, { 3, 7 }, { 7, 3 }, { 33, 70 }, { 2, 131 } } do
      local rows, cols = size[1], size[2]
      for how, m in pairs(matrices(class, rows, cols)) do
         how = table.concat({ name, rows, cols, how }, ' ')
         for _, k in ipairs { 0, 1, -1, 5, -5, 1000, -1000 } do
            local low, high = class(rows, cols), class(rows, cols)
            for i = 1, rows do
               for j = 1, cols do
                  low[i][j] = j - i <= k and m[i][j] or 0
                  high[i][j] = j - i >= k and m[i][j] or 0
               end
            end
            same(torch.tril(m, k), low, how .. ' tril')
            same(torch.triu(m, k), high, how .. ' triu')
            local own = m:clone():t():clone():t()
            same(own:tril(k), low, how .. ' tril of itself')
         end

         -- limits in the wrong order too: the lower one is asked first
         for _, limit in ipairs { { -3, 4 }, { 4, -3 }, { 2, 2 } } do
            local want = class(rows, cols)
            for i = 1, rows do
               for j = 1, cols do
                  local v = m[i][j]
                  want[i][j] = v < limit[1] and limit[1] or v > limit[2] and limit[2] or v
               end
            end
            same(torch.clamp(m, limit[1], limit[2]), want, how .. ' clamp')
         end

         -- a matrix and a vector, whose elements may lie apart
         local v = matrices(class, cols, 1).apart:select(2, 1)
         local want = class(rows):zero()
         for i = 1, rows do
            for j = 1, cols do want[i] = want[i] + m[i][j] * v[j] end
         end
         if name ~= 'torch.ShortTensor' then same(torch.mv(m, v), want, how .. ' mv') end

         local places = torch.nonzero(m)
         local count = 0
         for i = 1, rows do
            for j = 1, cols do
               if m[i][j] ~= 0 then
                  count = count + 1
                  assert(places[count][1] == i and places[count][2] == j, how .. ' nonzero')
               end
            end
         end
         assert(count == (places:dim() > 0 and places:size(1) or 0))
      end
   end
end
local list = torch.Tensor { 0, 3, 0, 0, -1, 0 / 0, 0 }
same(torch.nonzero(list), torch.LongTensor { { 2 }, { 5 }, { 6 } }, 'nonzero of a vector')
assert(torch.clamp(list, 0, 1)[6] ~= torch.clamp(list, 0, 1)[6], 'what is no number stays')

-- slices scaled to a norm
for _, class in ipairs { torch.FloatTensor, torch.DoubleTensor } do
   for how, m in pairs(matrices(class, 6, 10)) do
      for d = 1, 2 do
         for _, p in ipairs { 1, 2, 3, 0.5 } do
            local most = 12
            local want = m:clone()
            for i = 1, m:size(d) do
               local norm = m:select(d, i):norm(p)
               if norm > most then want:select(d, i):mul(most / (norm + 1e-7)) end
            end
            same(torch.renorm(m, p, d, most), want, 'renorm ' .. how)
            same(m:clone():renorm(p, d, most), want, 'renorm of itself ' .. how)
            local into = class(10, 6):t()
            same(into:renorm(m, p, d, most), want, 'renorm into ' .. how)
         end
      end
   end
end

-- batches: results that lie turned or over one another
for _, n in ipairs { 1, 5, 40 } do
   local a, b = torch.randn(n, 9, 11), torch.randn(n, 7, 11):transpose(2, 3)
   local want = torch.Tensor(n, 9, 7)
   for i = 1, n do want[i]:mm(a[i], b[i]) end
   same(torch.bmm(a, b), want, 'bmm')
   local turned = torch.ones(7, 9, n):transpose(1, 3)
   same(turned:baddbmm(2, turned, 1, a, b), want + 2, 'baddbmm into a turned batch')
   local over = torch.zeros(9, 7)
   over:view(1, 9, 7):expand(n, 9, 7):baddbmm(0, over:view(1, 9, 7):expand(n, 9, 7), 1, a, b)
   same(over, want[n], 'baddbmm over one result')
end

-- rows and columns by a list, of plain and other layouts, into results of both kinds
for how, m in pairs(matrices(torch.DoubleTensor, 9, 7)) do
   for d, list in ipairs { torch.LongTensor { 9, 1, 1, 5 }, torch.LongTensor { 7, 2, 7 } } do
      local want = d == 1 and torch.Tensor(4, 7) or torch.Tensor(9, 3)
      for i = 1, list:size(1) do want:select(d, i):copy(m:select(d, list[i])) end
      same(m:index(d, list), want, 'index ' .. how)
      -- this form gives the list back, as in Torch7
      local turned, own = torch.Tensor(want:size(2), want:size(1)):t(), m:clone()
      turned:index(m, d, list)
      same(turned, want, 'index into a turned result ' .. how)
      own:index(own, d, list)
      same(own, want, 'index into itself ' .. how)
   end
end
assert(torch.range(1, 5):index(1, torch.LongTensor { 5, 5, 2 }):sum() == 12)

-- content by position
for _, class in ipairs { torch.FloatTensor, torch.DoubleTensor, torch.IntTensor, torch.ByteTensor } do
   local apart = class(100, 2):select(2, 1)
   same(torch.range(apart, 1, 100), torch.range(1, 100), 'range apart')
   same(torch.range(class(), 3, 90, 1), torch.range(3, 90), 'range')
end
local big = torch.range(1, 100000, 0.5)
assert(big:size(1) == 199999 and big[199999] == 100000 and big[100001] == 50001)

-- functions of Lua on every element
for how, m in pairs(matrices(torch.DoubleTensor, 5, 6)) do
   local want, seen = m:clone(), {}
   for i = 1, 5 do
      for j = 1, 6 do want[i][j] = 2 * m[i][j] end
   end
   m:apply(function(v)
      seen[#seen + 1] = v
      return 2 * v
   end)
   same(m, want, 'apply ' .. how)
   same(torch.Tensor(seen) * 2, want:view(30), 'order of apply ' .. how)
   local other = torch.randn(6, 5):t()
   same(m:clone():map(other, function(a, b) return a + b end), want + other, 'map ' .. how)
   same(m:clone():map(other:clone():view(30), function(a, b) return a + b end), want + other, 'map of a vector ' .. how)
   same(m:clone():map2(other, m, function(a, b, c) return a + b * c end), want + torch.cmul(other, want), 'map2 ' .. how)
end
-- which may change the tensor meanwhile
local x = torch.range(1, 10)
local ok, why = pcall(x.apply, x, function(v)
   x:storage():resize(3)
   collectgarbage()
   return v
end)
assert(not ok and type(why) == 'string')
local y = torch.range(1, 10)
y:apply(function(v)
   y:resize(2, 5)
   return v + 1
end)
same(y:view(10), torch.range(2, 11), 'a tensor that gets another shape')
assert(not pcall(y.apply, y, function() return 'text' end) and not pcall(y.apply, y, 7))

-- what is made anew is zero, even in memory that was used before
for _, n in ipairs { 20000, 100000, 1000000 } do
   for _ = 1, 3 do torch.Tensor(n):fill(7) end
   collectgarbage()
   assert(torch.Tensor(n):sum() == 0 and torch.Tensor(5):resize(n):narrow(1, 6, n - 5):abs():sum() == 0)
   local s = torch.DoubleStorage(n):fill(7)
   s = nil
   collectgarbage()
   assert(torch.Tensor(torch.DoubleStorage(n)):sum() == 0)
end

-- layers that write where they wrote before, whatever became of that place; one sample, and batches
require 'nn'
local function linear(size, out, batch)
   local m = nn.Linear(size, out)
   -- sizes of so many columns, and tensors of them without and with gaps
   local function sizes(...) return unpack(batch and { batch, ... } or { ... }) end
   local function gaps(n) return torch.randn(sizes(n, 2)):select(batch and 3 or 2, 1) end
   local function row(t, k) return batch and t[k] or t end
   local x, g = torch.randn(sizes(size)), torch.randn(sizes(out))
   local function check(x, g, how)
      how = how .. string.format(' of a layer of %d and %d, %s', size, out, batch and 'batch of ' .. batch or 'one sample')
      local weight, y, gradInput = m.weight:clone(), torch.zeros(sizes(out)), torch.zeros(sizes(size))
      local gradWeight, gradBias = m.gradWeight:clone(), m.gradBias:clone()
      for k = 1, batch or 1 do
         local x, g, y, gradInput = row(x, k), row(g, k), row(y, k), row(gradInput, k)
         for i = 1, out do
            y[i] = m.bias[i]
            gradBias[i] = gradBias[i] + 0.5 * g[i]
            for j = 1, size do
               y[i] = y[i] + weight[{ i, j }] * x[j]
               gradInput[j] = gradInput[j] + weight[{ i, j }] * g[i]
               gradWeight[{ i, j }] = gradWeight[{ i, j }] + 0.5 * g[i] * x[j]
            end
         end
      end
      same(m:updateGradInput(x, g), gradInput, 'gradInput ' .. how)
      m:accGradParameters(x, g, 0.5)
      same(m.gradWeight, gradWeight, 'gradWeight ' .. how)
      same(m.gradBias, gradBias, 'gradBias ' .. how)
      same(m:updateOutput(x), y, 'output ' .. how)
   end
   m:zeroGradParameters()
   check(x, g, 'at first')
   check(x, g, 'again')
   m.output:storage():resize(0)
   m.gradInput:storage():resize(0)
   check(x, g, 'without memory')
   m.output:resize(2, 3, 4)
   m.gradInput:resize(2, 3, 4)
   check(x, g, 'of another shape')
   m.output, m.gradInput = gaps(out), gaps(size)
   check(x, g, 'with gaps')
   check(gaps(size), gaps(out), 'of operands with gaps')
   m.bias, m.gradBias = torch.randn(out, 2):select(2, 1), torch.zeros(out, 2):select(2, 1)
   check(x, g, 'of parameters with gaps')
   if size == out then
      local y = m:forward(x):clone()
      m.output = x:clone()
      same(m:updateOutput(m.output), y, 'an output that is the input')
      local gradInput = m:updateGradInput(x, g):clone()
      m.gradInput = g:clone()
      same(m:updateGradInput(x, m.gradInput), gradInput, 'a gradInput that is the gradOutput')
   end
   if not batch then
      m.gradBias = torch.randn(out)
      local sums = m.gradBias * 1.5
      m:accGradParameters(x:clone(), m.gradBias, 0.5)
      same(m.gradBias, sums, 'a gradBias that is the gradOutput')
   end
   -- gradients that lie over one another
   m.gradWeight = torch.zeros(out, size)
   m.gradBias = m.gradWeight:view(-1):narrow(1, 1, out)
   m:accGradParameters(x, g, 1)
   local rows = g:view(batch or 1, out)
   local gradWeight = torch.mm(rows:t(), x:view(batch or 1, size))
   gradWeight:view(-1):narrow(1, 1, out):add(torch.sum(rows, 1))
   same(m.gradWeight, gradWeight, 'a gradBias in the gradWeight')
end
for _, size in ipairs { 1, 3, 10, 20, 40 } do
   for _, out in ipairs { 1, 4, 10, 13, 70 } do
      linear(size, out)
      for _, batch in ipairs { 1, 2, 4, 33 } do linear(size, out, batch) end
   end
end

-- the best along a dimension: the first of the best, and nan wins
for _, class in ipairs { torch.FloatTensor, torch.DoubleTensor, torch.ByteTensor, torch.LongTensor } do
   for _, size in ipairs { { 1, 17 }, { 7, 3 }, { 9, 33 }, { 4, 100 }, { 13, 270 } } do
      for how, m in pairs(matrices(class, size[1], size[2])) do
         m:apply(function(v) return math.abs(v) % 5 end)
         if class == torch.FloatTensor or class == torch.DoubleTensor then
            for _ = 1, size[2] / 3 do m[math.random(size[1])][math.random(size[2])] = 0 / 0 end
         end
         local values, places = torch.max(m, 1)
         for j = 1, size[2] do
            local at = 1
            for i = 2, size[1] do
               local v, best = m[i][j], m[at][j]
               if best == best and (v ~= v or v > best) then at = i end
            end
            local v, best = values[1][j], m[at][j]
            local what = table.concat({ class.__typename, size[1], size[2], how }, ' ')
            assert(places[1][j] == at and (v == best or v ~= v and best ~= best), 'max ' .. what)
         end
      end
   end
end
print('as plain loops')
