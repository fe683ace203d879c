-- Fields of inner modules of graphs whose nodes are computed together: they are those of the pass, whatever a program did
-- to its tensors, modules and graphs since. Each act is done to a graph and to the same graph run node by node.
require 'nngraph'
local failures, compared = 0, 0

local function fail(...)
   failures = failures + 1
   print(string.format(...))
end

local function compare(what, x, y)
   if torch.isTensor(y) then
      compared = compared + 1
      if not torch.isTensor(x) or not x:isSameSizeAs(y) then return fail('%s: %s and %s', what, tostring(x), tostring(y)) end
      local d = y:nElement() > 0 and (x - y):abs():max() or 0
      if not (d <= 1e-12) then fail('%s differs by %g', what, d) end
   elseif type(y) == 'table' then
      if type(x) ~= 'table' then return fail('%s: %s', what, tostring(x)) end
      for k, v in pairs(y) do compare(what .. '.' .. tostring(k), x[k], v) end
   elseif x ~= y then
      fail('%s: %s and %s', what, tostring(x), tostring(y))
   end
end

local function copied(list)
   local result = {}
   for k, v in pairs(list) do result[k] = torch.isTensor(v) and v:clone() or type(v) == 'table' and copied(v) or v end
   return result
end

-- act(build) gives a table of what is to be compared.
local function agree(what, build, act)
   local function once()
      torch.manualSeed(3)
      return copied(act(build))
   end
   local found = once()
   nngraph.setDebug(true)
   local ok, expected = pcall(once)
   nngraph.setDebug(false)
   if not ok then error(what .. ': ' .. expected) end
   compare(what, found, expected)
end

-- a graph over x and h, with its inner modules by name
local function cell(given)
   local m = {
      add = nn.CAddTable(), tanh = nn.Tanh(), double = nn.MulConstant(2), shift = nn.AddConstant(0.5), gate = nn.Sigmoid(),
      product = nn.CMulTable(), square = nn.Square(), narrow = nn.Narrow(2, 2, 3), slope = nn.Abs(),
   }
   for name, module in pairs(given or {}) do m[name] = module end
   local x, h = nn.Identity()(), nn.Identity()()
   local sum = m.add({ x, h })
   local gated = m.product({ m.gate(m.double(sum)), m.tanh(h) })
   local state = m.shift(gated)
   local part = m.slope(m.square(m.narrow(state)))
   m.graph = nn.gModule({ x, h }, { state, part })
   return m
end

-- What inner modules have: gradients where a backward pass came after the last forward pass, with others they are gone.
local function fields(m, back)
   local list = {}
   for name, module in pairs(m) do
      list[name .. ' output'] = module.output
      if back then list[name .. ' gradInput'] = module.gradInput end
   end
   return list
end

local function inputs() return { torch.randn(3, 5), torch.randn(3, 5) } end
local function gradients() return { torch.randn(3, 5), torch.randn(3, 3) } end

-- a graph that ran, so that the next pass is by groups
local function warm(m)
   for _ = 1, 2 do
      local x = inputs()
      m.graph:forward(x)
      m.graph:backward(x, gradients())
   end
   return m
end

local MODULES = { 'add', 'tanh', 'double', 'shift', 'gate', 'product', 'square', 'narrow', 'slope' }
local function passed(build)
   local m, x, g = warm(build()), inputs(), gradients()
   m.graph:forward(x)
   return m, x, g
end

-- tensors that the program writes into after the pass, each module being the first that is read
for _, name in ipairs(MODULES) do
   local function only(m, back)
      local first = { m[name].output, back and m[name].gradInput }
      return { first, fields(m, back) }
   end
   agree(name .. ': inputs written after forward', cell, function(build)
      local m, x = passed(build)
      x[1]:zero()
      x[2]:fill(3)
      return only(m)
   end)
   agree(name .. ': the state copied into its input', cell, function(build)
      local m, x = passed(build)
      x[2]:copy(m.graph.output[1])
      return only(m)
   end)
   agree(name .. ': outputs written after forward', cell, function(build)
      local m = passed(build)
      m.graph.output[1]:fill(7)
      m.graph.output[2]:zero()
      return only(m)
   end)
   agree(name .. ': inputs resized after forward', cell, function(build)
      local m, x = passed(build)
      x[1]:resize(2, 2):zero()
      x[2]:set(torch.ones(4))
      return { m[name].output, m.add.output, m.tanh.output }
   end)
   agree(name .. ': gradients written after backward', cell, function(build)
      local m, x, g = passed(build)
      m.graph:backward(x, g)
      g[1]:zero()
      g[2]:fill(9)
      return only(m, true)
   end)
   agree(name .. ': everything written after backward', cell, function(build)
      local m, x, g = passed(build)
      m.graph:backward(x, g)
      for _, list in ipairs { x, g, m.graph.output } do for _, t in ipairs(list) do t:fill(2) end end
      return only(m, true)
   end)
   agree(name .. ': inputs written between forward and backward', cell, function(build)
      local m, x, g = passed(build)
      x[2]:fill(0.25)
      local gi = copied(m.graph:backward(x, g))
      x[2]:fill(4)
      return { gi, only(m, true) }
   end)
   agree(name .. ': a field given by the program', cell, function(build)
      local m, x, g = passed(build)
      local own = torch.Tensor()
      m[name].output = own
      local y = inputs()
      m.graph:forward(y)
      m.graph:backward(y, g)
      m[name].gradInput = torch.Tensor()
      m.graph:forward(x)
      m.graph:backward(x, g)
      return { own, only(m, true) }
   end)
   agree(name .. ': outlives its graph', cell, function(build)
      local m, x, g = passed(build)
      m.graph:backward(x, g)
      local module = m[name]
      m, x, g = nil, nil, nil
      collectgarbage()
      collectgarbage()
      return { module.output, module.gradInput }
   end)
   -- one module in two graphs
   agree(name .. ': shared by two graphs', cell, function(build)
      local module = build()[name]
      local one, other = warm(build { [name] = module }), warm(build { [name] = module })
      local list = {}
      for round = 1, 3 do
         for k, m in ipairs { one, other, one } do
            local x, g = inputs(), gradients()
            list[#list + 1] = copied { m.graph:forward(x), m.graph:backward(x, g) }
            if round > 1 then list[#list + 1] = copied { module.output, module.gradInput } end
            if round + k > 4 then list[#list + 1] = copied(fields(m, true)) end
         end
      end
      -- gradients of graphs are tensors of modules, and so of both graphs
      one.graph, other.graph = nil, nil
      return { list, fields(one, true), fields(other, true) }
   end)
end

-- settings that change between the passes, or before a field is read
for _, when in ipairs { 'before backward', 'before reading', 'after backward' } do
   agree('constants changed ' .. when, cell, function(build)
      local m, x, g = passed(build)
      if when == 'before backward' then m.double.constant_scalar, m.narrow.index = -3, 1 end
      if when == 'before reading' then m.double.constant_scalar, m.shift.constant_scalar = 5, 9 end
      local gi = when ~= 'before reading' and copied(m.graph:backward(x, g))
      if when == 'after backward' then m.double.constant_scalar = 0 end
      return { gi, fields(m, gi), m.double.constant_scalar, m.shift.constant_scalar, m.narrow.index, copied(m.graph:forward(x)) }
   end)
end

-- a method that comes after the pass does not make the fields of that pass
agree('a method after the pass', cell, function(build)
   local m = passed(build)
   function m.gate:updateOutput(x)
      self.output:resizeAs(x):fill(5)
      return self.output
   end
   return { m.gate.output, m.product.output, copied(m.graph:forward(inputs())) }
end)

-- graphs that are given their own outputs without a copy
local function drawn(seed)
   torch.manualSeed(seed)
   local ins = { nn.Identity()(), nn.Identity()() }
   local nodes, unused = { ins[1], ins[2] }, { [ins[1]] = true, [ins[2]] = true }
   local function pick()
      local n = nodes[torch.random(#nodes)]
      unused[n] = nil
      return n
   end
   for _ = 1, torch.random(5, 12) do
      local kind, n = torch.random(5), nil
      if kind == 1 then
         n = nn.Linear(4, 4)(pick())
      elseif kind == 2 then
         local a, b = pick(), pick()
         n = a == b and nn.Sigmoid()(a) or nn.CAddTable()({ a, b })
      else
         n = nn[({ 'Tanh', 'Sigmoid', 'Abs', 'SoftSign' })[torch.random(4)]]()(pick())
      end
      nodes[#nodes + 1], unused[n] = n, true
   end
   local outs = {}
   for _, n in ipairs(nodes) do if unused[n] then outs[#outs + 1] = n end end
   if #outs == 1 then outs[2] = nn.Tanh()(nodes[#nodes - 1]) end
   return nn.gModule(ins, outs)
end
for seed = 1, 80 do
   agree('own outputs as inputs ' .. seed, function() return drawn(seed) end, function(build)
      local graph, list = build(), {}
      local x, y = torch.randn(2, 4), torch.randn(2, 4)
      for round = 1, 6 do
         local out = graph:forward({ x, y })
         list[round] = copied(out)
         if round == 2 or round > 3 then x, y = out[1], out[2]:narrow(2, 1, 4) end
         if round == 3 then x, y = torch.randn(2, 4), out[1] end
      end
      return list
   end)
end

assert(compared > 2000, compared)
print(string.format('%d comparisons, %d failures', compared, failures))
assert(failures == 0)
