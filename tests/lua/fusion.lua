-- Graphs whose elementwise nodes are computed together, against the same graphs run node by node (as nngraph.setDebug runs
-- them): outputs, gradients, and the fields of inner modules, which are made when they are read. In double, so that sums of
-- several gradients in another order agree to 1e-12.
require 'nngraph'
local failures, compared, fused = 0, 0, 0
local function fail(...)
   failures = failures + 1
   if failures < 20 then print(string.format(...)) end
end

local function compare(what, x, y)
   if torch.isTensor(y) then
      if not torch.isTensor(x) or not x:isSameSizeAs(y) then return fail('%s: %s and %s', what, tostring(x), tostring(y)) end
      compared = compared + 1
      local scale = y:nElement() > 0 and math.max(1, y:clone():abs():max()) or 1
      local d = y:nElement() > 0 and (x - y):abs():max() or 0
      if not (d <= 1e-12 * scale) then fail('%s differs by %g', what, d) end
   elseif type(y) == 'table' then
      if type(x) ~= 'table' then return fail('%s: %s', what, tostring(x)) end
      for k, v in pairs(y) do compare(what .. '.' .. tostring(k), x[k], v) end
   end
end

local function plainly(f)
   nngraph.setDebug(true)
   local results = { pcall(f) }
   nngraph.setDebug(false)
   if not results[1] then error(results[2], 0) end
   return unpack(results, 2)
end

-- Passes of two graphs that are built alike: fused here, node by node there; inner fields are compared at `look`.
local function agree(what, build, inputs, look)
   torch.manualSeed(1)
   local a = build()
   torch.manualSeed(1)
   local b = plainly(build)
   for round = 1, 4 do
      local x, y = inputs(round), inputs(round)
      a:zeroGradParameters()
      b:zeroGradParameters()
      local out, expected = a:forward(x), plainly(function() return b:forward(y) end)
      compare(what .. ' output', out, expected)
      local function gradient(value)
         if torch.isTensor(value) then return value:clone():mul(0.5):add(0.1) end
         local list = {}
         for i, v in ipairs(value) do list[i] = gradient(v) end
         return list
      end
      if round == look then
         for i, m in ipairs(a.modules) do compare(what .. ' ' .. torch.type(m), m.output, b.modules[i].output) end
      end
      local g = gradient(expected)
      local gi = a:backward(x, g)
      compare(what .. ' gradInput', gi, plainly(function() return b:backward(y, g) end))
      local _, ga = a:parameters()
      local _, gb = b:parameters()
      compare(what .. ' parameters', ga or {}, gb or {})
      for _, m in ipairs(a.modules) do if rawget(m, 'gradInput') == nil then fused = fused + 1 end end
      if round == 4 then
         local copy = a:clone()
         compare(what .. ' copy', copy:forward(x), expected)
         for i, m in ipairs(a.modules) do
            compare(what .. ' ' .. torch.type(m) .. '.output', m.output, b.modules[i].output)
            compare(what .. ' ' .. torch.type(m) .. '.gradInput', m.gradInput, b.modules[i].gradInput)
         end
      end
   end
end

local function randoms(...)
   local sizes = { ... }
   return function(round)
      torch.manualSeed(100 + round)
      local list = {}
      for i, s in ipairs(sizes) do list[i] = torch.randn(unpack(s)) end
      return #list == 1 and list[1] or list
   end
end

-- Cells as programs wrote them.
local function lstm(width)
   return function()
      local x, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
      local sums = nn.CAddTable()({ nn.Linear(width, 4 * width)(x), nn.Linear(width, 4 * width)(h) })
      local i, f, o, g = nn.SplitTable(2)(nn.Reshape(4, width)(sums)):split(4)
      i, f, o, g = nn.Sigmoid()(i), nn.Sigmoid()(f), nn.Sigmoid()(o), nn.Tanh()(g)
      local next_c = nn.CAddTable()({ nn.CMulTable()({ f, c }), nn.CMulTable()({ i, g }) })
      return nn.gModule({ x, c, h }, { next_c, nn.CMulTable()({ o, nn.Tanh()(next_c) }) })
   end
end
local function lstm_of_slices(width)
   return function()
      local x, c, h = nn.Identity()(), nn.Identity()(), nn.Identity()()
      local sums = nn.CAddTable()({ nn.Linear(width, 4 * width)(x), nn.Linear(width, 4 * width)(h) })
      local gates = nn.Sigmoid()(nn.Narrow(2, 1, 3 * width)(sums))
      local i, f, o = nn.Narrow(2, 1, width)(gates), nn.Narrow(2, width + 1, width)(gates), nn.Narrow(2, 2 * width + 1, width)(gates)
      local g = nn.Tanh()(nn.Narrow(2, 3 * width + 1, width)(sums))
      local next_c = nn.CAddTable()({ nn.CMulTable()({ f, c }), nn.CMulTable()({ i, g }) })
      return nn.gModule({ x, c, h }, { next_c, nn.CMulTable()({ o, nn.Tanh()(next_c) }) })
   end
end
local function gru(width)
   return function()
      local x, h = nn.Identity()(), nn.Identity()()
      local function gate() return nn.CAddTable()({ nn.Linear(width, width)(x), nn.Linear(width, width)(h) }) end
      local z, r = nn.Sigmoid()(gate()), nn.Sigmoid()(gate())
      local candidate = nn.Tanh()(nn.CAddTable()({ nn.Linear(width, width)(nn.CMulTable()({ r, h })), nn.Linear(width, width)(x) }))
      local keep = nn.CMulTable()({ nn.AddConstant(1, false)(nn.MulConstant(-1, false)(z)), h })
      return nn.gModule({ x, h }, { nn.CAddTable()({ keep, nn.CMulTable()({ z, candidate }) }) })
   end
end
for width, counts in pairs { { 1, 5 }, [7] = { 5, 33 }, [128] = { 9 }, [600] = { 3 } } do
   for look = 2, 5 do
      for _, rows in ipairs(counts) do
         local three = randoms({ rows, width }, { rows, width }, { rows, width })
         agree('lstm', lstm(width), three, look)
         agree('lstm of slices', lstm_of_slices(width), three, look)
         agree('gru', gru(width), randoms({ rows, width }, { rows, width }), look)
      end
   end
end

-- Graphs drawn at random.
local activations = { 'Tanh', 'Sigmoid', 'Exp', 'Abs', 'Square', 'SoftSign', 'LogSigmoid', 'TanhShrink', 'ReLU' }
local function drawn(seed, width)
   return function()
      torch.manualSeed(seed)
      local ins, nodes = {}, {}
      for i = 1, torch.random(1, 3) do
         ins[i] = nn.Identity()()
         nodes[i] = ins[i]
      end
      local unused = {}
      for _, n in ipairs(nodes) do unused[n] = true end
      local function pick()
         local n = nodes[torch.random(#nodes)]
         unused[n] = nil
         return n
      end
      for _ = 1, torch.random(4, 14) do
         local kind, n = torch.random(9), nil
         if kind <= 4 then
            n = nn[activations[torch.random(#activations)]]()(nn.Tanh()(pick()))
         elseif kind <= 7 then
            local list, has = {}, {}
            for _ = 1, torch.random(2, 3) do
               local from = pick()
               if not has[from] then list[#list + 1], has[from] = from, true end
            end
            local name = #list == 2 and kind == 7 and 'CSubTable' or kind == 6 and 'CMulTable' or 'CAddTable'
            n = #list > 1 and nn[name]()(list) or nn.MulConstant(0.5)(list[1])
         elseif kind == 8 then
            n = nn.Linear(width, width)(pick())
         else
            local a, b = nn.SplitTable(2)(nn.Reshape(2, width)(nn.Linear(width, 2 * width)(pick()))):split(2)
            n = nn.CMulTable()({ nn.Sigmoid()(a), b })
         end
         nodes[#nodes + 1] = n
         unused[n] = true
      end
      local outs = {}
      for _, n in ipairs(nodes) do if unused[n] then outs[#outs + 1] = n end end
      return nn.gModule(ins, outs)
   end
end
for seed = 1, 60 do
   local width, rows = 1 + seed % 9, 1 + seed % 4
   torch.manualSeed(seed)
   local sizes = {}
   for i = 1, torch.random(1, 3) do sizes[i] = { rows, width } end
   agree('graph ' .. seed, drawn(seed, width), randoms(unpack(sizes)), 2 + seed % 4)
end

-- Sizes, types and modules that change between passes; programs that watch or replace what a module does.
do
   local x = lstm(4)()
   local function pass(m, rows, typename)
      local list = {}
      torch.manualSeed(rows)
      for i = 1, 3 do list[i] = torch.randn(rows, 4):type(typename or 'torch.DoubleTensor') end
      local out = m:forward(list)
      return m:backward(list, { out[1]:clone(), out[2]:clone() })
   end
   local y = x:clone()
   for _, rows in ipairs { 3, 3, 3, 2, 2, 5, 3, 3, 1, 1 } do
      compare('rows ' .. rows, pass(x, rows), plainly(function() return pass(y, rows) end))
   end
   x:float()
   for _ = 1, 3 do
      local g = pass(x, 3, 'torch.FloatTensor')
      assert(g[1]:type() == 'torch.FloatTensor')
   end
   x:double():clearState()
   y:float():double()
   for _ = 1, 3 do compare('after clearState', pass(x, 3), plainly(function() return pass(y, 3) end)) end
   -- views and constants that a program moves
   local function slid()
      local input = nn.Identity()()
      local part = nn.Narrow(2, 1, 4)(input)
      return nn.gModule({ input }, { nn.Sigmoid()(nn.MulConstant(2)(nn.Tanh()(part))) })
   end
   local a, b, wide = slid(), slid(), torch.randn(3, 12)
   for k = 1, 8 do
      for _, m in ipairs { a, b } do
         m:findModules('nn.Narrow')[1].index = 1 + math.floor(k / 2)
         m:findModules('nn.MulConstant')[1].constant_scalar = k < 5 and 2 or 3
      end
      compare('moved ' .. k, a:forward(wide), plainly(function() return b:forward(wide) end))
      local g = torch.randn(3, 4)
      compare('moved back ' .. k, a:backward(wide, g), plainly(function() return b:backward(wide, g) end))
   end
   local calls = 0
   for _, m in ipairs(x:findModules('nn.Tanh')) do
      local f = m.updateOutput
      m.updateOutput = function(...)
         calls = calls + 1
         return f(...)
      end
   end
   pass(x, 3)
   assert(calls == 2, 'modules with methods of their own are called')

   -- methods and settings that come between the passes, outputs of other sizes, passes by nodes in between
   for _, name in ipairs { 'updateGradInput', 'accGradParameters' } do
      local cell, node, seen = lstm(4)(), lstm(4)(), 0
      for k, w in ipairs(cell:parameters()) do (node:parameters())[k]:copy(w) end
      for round = 1, 6 do
         local list = {}
         torch.manualSeed(round)
         for i = 1, 3 do list[i] = torch.randn(3, 4) end
         local function back(m)
            local out = m:forward(list)
            if round == 4 then
               for _, inner in ipairs(m:findModules('nn.Sigmoid')) do
                  local f = inner[name]
                  inner[name] = function(...)
                     seen = seen + 1
                     return f(...)
                  end
               end
            elseif round == 2 then
               m:findModules('nn.Tanh')[1].output:resize(12)
            end
            return m:backward(list, { out[1]:clone(), out[2]:clone() })
         end
         local expected = plainly(function() return back(node) end)
         seen = 0
         if round == 3 then plainly(function() back(cell) end) else compare(name, back(cell), expected) end
         assert(seen == (round < 4 and 0 or 3), 'methods that come between the passes are called')
      end
   end
   local function added()
      local a, b = nn.Identity()(), nn.Identity()()
      return nn.gModule({ a, b }, { nn.Tanh()(nn.Square()(nn.CAddTable()({ nn.Exp()(a), b }))) })
   end
   local one, other = added(), added()
   for round = 1, 6 do
      if round == 4 then
         for _, m in ipairs { one, other } do m:findModules('nn.CAddTable')[1].inplace = true end
      end
      local list = { torch.randn(3, 4), torch.randn(3, 4) }
      local g = torch.randn(3, 4)
      local function both(m) return { m:forward(list):clone(), m:backward(list, g) } end
      compare('in place', both(one), plainly(function() return both(other) end))
   end
end
-- the table of outputs is the graph's own: what a program put behind them is gone with the next pass
do
   local a = nn.Identity()()
   local graph = nn.gModule({ a }, { nn.Tanh()(a), nn.Sigmoid()(a) })
   for _ = 1, 4 do
      local out = graph:forward(torch.randn(2, 2))
      if #out ~= 2 then fail('%d outputs where there are 2', #out) end
      table.insert(out, torch.ones(3))
   end
end
assert(fused > 1000, 'groups are found: ' .. fused)
assert(compared > 10000)
print(string.format('%d comparisons, %d failures', compared, failures))
assert(failures == 0)
