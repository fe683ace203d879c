-- The steps of optim's methods, which are one pass each, against chains of tensor operations that say the same, for
-- floats and doubles, strided parameters, several lengths and numbers of threads.
require 'optim'

local chains = {}
local function kept(s, key, like)
   s[key] = s[key] or like.new():resizeAs(like):zero()
   return s[key]
end
local function decayed(o, x, g) if o.weightDecay then g:add(o.weightDecay, x) end end
local function rate(o, s)
   local r = (o.learningRate or 1e-3) / (1 + (s.n or 0) * (o.learningRateDecay or 0))
   s.n = (s.n or 0) + 1
   return r
end
local function scaled(o, way) return o.learningRates and torch.cmul(o.learningRates, way) or way end

function chains.sgd(o, s, x, g)
   decayed(o, x, g)
   if o.weightDecays and not o.weightDecay then g:add(torch.cmul(o.weightDecays, x)) end
   local way = g
   if o.momentum then
      if s.a then s.a:mul(o.momentum):add(1 - (o.dampening or o.momentum), g) else s.a = g:clone() end
      way = o.nesterov and g:add(o.momentum, s.a) or s.a
   end
   x:add(-rate(o, s), scaled(o, way))
end
function chains.nag(o, s, x, g)
   decayed(o, x, g)
   local v, r = kept(s, 'v', x), -rate(o, s)
   x:add(r, scaled(o, g))
   v:add(r, scaled(o, g))
end
function chains.adam(o, s, x, g)
   decayed(o, x, g)
   local r = rate(o, s)
   local m = kept(s, 'm', x):mul(0.9):add(1 - 0.9, g)
   local v = kept(s, 'v', x):mul(0.999):addcmul(1 - 0.999, g, g)
   x:addcdiv(-r * math.sqrt(1 - 0.999 ^ s.n) / (1 - 0.9 ^ s.n), m, torch.sqrt(v):add(1e-8))
end
function chains.adamax(o, s, x, g)
   decayed(o, x, g)
   local r = rate(o, s)
   local m, u = kept(s, 'm', x):mul(0.9):add(1 - 0.9, g), kept(s, 'u', x)
   u:cmax(u:mul(0.999), torch.abs(g):add(1e-38))
   x:addcdiv(-r / (1 - 0.9 ^ s.n), m, u)
end
function chains.adagrad(o, s, x, g)
   decayed(o, x, g)
   local v = kept(s, 'v', x):addcmul(1, g, g)
   x:addcdiv(-rate(o, s), g, torch.sqrt(v):add(1e-10))
end
function chains.rmsprop(o, s, x, g)
   decayed(o, x, g)
   local v = kept(s, 'v', x):mul(0.99):addcmul(1 - 0.99, g, g)
   x:addcdiv(-rate(o, s), g, torch.sqrt(v):add(1e-8))
end
function chains.adadelta(o, s, x, g)
   decayed(o, x, g)
   local v, d = kept(s, 'v', x):mul(0.9):addcmul(1 - 0.9, g, g), kept(s, 'd', x)
   local delta = torch.add(d, 1e-6):sqrt():cdiv(torch.add(v, 1e-6):sqrt()):cmul(g)
   x:add(-1, delta)
   d:mul(0.9):addcmul(1 - 0.9, delta, delta)
end
function chains.asgd(o, s, x, g)
   local eta, mu = s.eta or 1e-2, s.mu or 1
   s.t = (s.t or 0) + 1
   x:mul(1 - 1e-4 * eta):add(-eta, g)
   local a = kept(s, 'a', x)
   if mu == 1 then a:copy(x) else a:add(torch.add(x, -1, a):mul(mu)) end
   s.eta, s.mu = 1e-2 / (1 + 1e-4 * 1e-2 * s.t) ^ 0.75, 1 / math.max(1, s.t - 1)
end

function chains.rprop(o, s, x, g)
   local size, agreement = s.size or g:clone():fill(o.stepsize), torch.cmul(g, kept(s, 'g', x))
   s.size = size
   for mask, factor in pairs { [g.gt(agreement, 0)] = 1.2, [g.lt(agreement, 0)] = 0.5 } do
      if mask:max() > 0 then size:maskedCopy(mask, size:maskedSelect(mask):mul(factor)) end
   end
   size:maskedFill(g.gt(size, o.stepsizemax), o.stepsizemax)
   s.small = g.lt(size, o.stepsizemin)
   size:maskedFill(s.small, o.stepsizemin)
   g:maskedFill(g.lt(agreement, 0), 0)
   x:addcmul(-1, torch.sign(g), size)
   s.g:copy(g)
end

local function options(n, T)
   local rates, decays = T.randn(n):abs(), T.randn(n):abs():mul(0.01)
   return {
      sgd = {
         {}, { weightDecay = 0.01 }, { momentum = 0.9 }, { momentum = 0.9, dampening = 0.3, weightDecay = 0.1 },
         { momentum = 0.9, dampening = 0, nesterov = true }, { learningRates = rates, learningRateDecay = 0.1 },
         { momentum = 0.9, dampening = 0, nesterov = true, learningRates = rates, weightDecays = decays },
         { weightDecays = decays }, { learningRates = rates, weightDecays = decays },
         { momentum = 0.9, weightDecays = decays }, { momentum = 0.9, learningRates = rates, weightDecays = decays },
      },
      nag = { { momentum = 0.9 }, { momentum = 0.5, weightDecay = 0.01, learningRates = rates } },
      adam = { { learningRate = 1e-3 }, { learningRate = 1e-2, weightDecay = 0.1, learningRateDecay = 0.1 } },
      adamax = { { learningRate = 0.002 }, { learningRate = 0.01, weightDecay = 0.1 } },
      adagrad = { { learningRate = 1e-3 }, { learningRate = 1e-2, weightDecay = 0.1, learningRateDecay = 0.1 } },
      rmsprop = { { learningRate = 1e-2 }, { learningRate = 1e-2, weightDecay = 0.1 } },
      adadelta = { {}, { weightDecay = 0.1 } },
      rprop = { { stepsize = 0.3, stepsizemax = 0.4, stepsizemin = 0.2 }, { stepsize = 1, stepsizemax = 50, stepsizemin = 1e-6 } },
      asgd = { { eta0 = 1e-2, t0 = 1 } },
   }
end

local function copied(t)
   local new = {}
   for k, v in pairs(t) do new[k] = v end
   return new
end

local compared = 0
local before = torch.getnumthreads()
for _, T in ipairs { torch.FloatTensor, torch.DoubleTensor } do
   local tolerance = T == torch.FloatTensor and 1e-6 or 1e-14
   for _, n in ipairs { 1, 37, 1024, 70001 } do
      torch.manualSeed(n)
      local start, center = torch.randn(n, 2):type(torch.typename(T())), torch.randn(n):type(torch.typename(T()))
      local rates = torch.randn(n):type(torch.typename(T()))
      local wrap = setmetatable({ randn = function() return rates:clone() end }, { __index = T })
      for name, sets in pairs(options(n, wrap)) do
         for _, o in ipairs(sets) do
            local first
            for _, layout in ipairs { { 1, false }, { 2, false }, { 3, true } } do
               torch.setnumthreads(layout[1])
               -- every other element of its storage
               local x = layout[2] and start:clone():select(2, 1) or start:select(2, 1):clone()
               local y = x:clone()
               local config, s = copied(o), {}
               for _ = 1, 4 do
                  local function f(p) return 0, torch.add(p, -1, center):mul(0.3) end
                  optim[name](f, x, config)
                  if name == 'nag' then y:add(kept(s, 'v', y):mul(o.momentum)) end
                  local _, g = f(y)
                  chains[name](o, s, y, g)
               end
               local off = (x - y):abs():max()
               if not (off <= tolerance) then error(string.format('%s of %d: off by %g', name, n, off)) end
               first = first or x:clone()
               if (x - first):abs():max() ~= 0 then error(name .. ': depends on the threads') end
               compared = compared + 1
            end
         end
      end
   end
end
torch.setnumthreads(before)

local function says(text, f)
   local ok, why = pcall(f)
   if ok or not tostring(why):find(text, 1, true) then error(text .. ' expected, got ' .. tostring(why), 2) end
end
-- a state of another type, tensors that the step makes anew, and parameters that are their own gradient
local function f(x) return x:dot(x), x * 2 end
local state = {}
optim.adam(f, torch.ones(3), state)
says('optim.adam: the state was made for a torch.DoubleTensor, and x is a torch.FloatTensor; use a new table of state',
   function() optim.adam(f, torch.ones(3):float(), state) end)
state.denom = torch.FloatTensor(7)
optim.adam(f, torch.ones(3), state)
assert(state.denom:nElement() == 3 and torch.type(state.denom) == 'torch.DoubleTensor')
for name in pairs(chains) do
   local x = torch.ones(5)
   optim[name](function(p) return 0, p end, x, { weightDecay = 0.1, momentum = 0.5, dampening = 0, nesterov = true })
   assert(x:max() < 1.1 and x:min() == x:max(), name)
end
local x = torch.ones(3)
optim.sgd(function(p) return 0, p end, x, { learningRate = 0.1, weightDecay = 0.5 })
assert(math.abs(x[1] - 1.5 * 0.9) < 1e-12)
optim.sgd(function(p) return 0, p end, x, { learningRate = 0.1, weightDecays = torch.Tensor { 0, 0.5, 1 } })
assert(math.abs(x[3] / x[1] - 2) < 1e-12)
-- rates and decays of another type, and state under Torch7's names
x, state = torch.FloatTensor { 1, 2 }, {}
optim.sgd(function(p) return 0, p:clone():fill(1) end, x,
   { learningRate = 1, learningRates = torch.DoubleTensor { 1, 0.5 }, weightDecays = torch.DoubleTensor { 0, 0.25 } }, state)
assert(x[1] == 0 and x[2] == 2 - 0.5 * 1.5)
assert(state.decayParameters[2] == 0.5 and state.deltaParameters[2] == 0.75 and state.evalCounter == 1)
-- whole numbers, which have no roots
x = torch.IntTensor { 5, -3 }
optim.sgd(function(p) return 0, p:clone() end, x, { learningRate = 1 })
assert(x[1] == 0 and x[2] == 0)
says('torch.IntTensor does not implement the optim.adam() function', function() optim.adam(function(p) return 0, p:clone() end, x) end)

-- lbfgs, written out: x and the state after some steps without a line search, with a memory that overflows
local function lbfgs_of_chains(f, x, rate, capacity, count)
   local s = { old_dirs = {}, old_stps = {}, Hdiag = 1, ro = {}, al = {} }
   local _, g = f(x)
   s.d, s.g_old, s.t = g:clone():mul(-1), g:clone(), math.min(1, 1 / torch.abs(g):sum()) * rate
   x:add(s.t, s.d)
   for _ = 2, count do
      _, g = f(x)
      local y, move = g:clone():add(-1, s.g_old), s.d:clone():mul(s.t)
      local curvature = y:dot(move)
      if curvature > 1e-10 then
         if #s.old_dirs == capacity then
            table.remove(s.old_dirs, 1)
            table.remove(s.old_stps, 1)
         end
         table.insert(s.old_dirs, move)
         table.insert(s.old_stps, y)
         s.Hdiag = curvature / y:dot(y)
      end
      s.d:copy(g):mul(-1)
      for i = #s.old_dirs, 1, -1 do
         s.ro[i] = 1 / s.old_stps[i]:dot(s.old_dirs[i])
         s.al[i] = s.old_dirs[i]:dot(s.d) * s.ro[i]
         s.d:add(-s.al[i], s.old_stps[i])
      end
      s.d:mul(s.Hdiag)
      for i = 1, #s.old_dirs do s.d:add(s.al[i] - s.old_stps[i]:dot(s.d) * s.ro[i], s.old_dirs[i]) end
      s.g_old:copy(g)
      s.t = rate
      x:add(rate, s.d)
   end
   return s
end
for _, T in ipairs { torch.FloatTensor, torch.DoubleTensor } do
   local tolerance = T == torch.FloatTensor and 1e-4 or 1e-11
   local function near(what, a, b)
      if type(a) == 'number' then a, b = torch.Tensor { a }, torch.Tensor { b } end
      local off = (a - b):abs():max() / (1 + b:abs():max())
      if not (off <= tolerance) then error(string.format('lbfgs, %s: off by %g', what, off)) end
   end
   for _, n in ipairs { 1, 50, 9000, 70001 } do
      torch.manualSeed(n)
      local scales = torch.rand(n):add(0.5):type(torch.typename(T()))
      local start = torch.randn(n):type(torch.typename(T()))
      local function f(p) return 0.5 * p:dot(torch.cmul(p, scales)), torch.cmul(p, scales) end
      for _, count in ipairs { 1, 2, 5, 8 } do
         local first
         for threads = 1, 3 do
            torch.setnumthreads(threads)
            local x, y, s = start:clone(), start:clone(), {}
            optim.lbfgs(f, x, { maxIter = count, maxEval = 100, nCorrection = 3, learningRate = 0.4, tolFun = 0, tolX = 0 }, s)
            if s.nIter == count then
               local model = lbfgs_of_chains(f, y, 0.4, 3, count)
               near('x', x, y)
               near('d', s.d, model.d)
               near('g_old', s.g_old, model.g_old)
               near('Hdiag', s.Hdiag, model.Hdiag)
               assert(#s.old_dirs == #model.old_dirs and #s.old_stps == #model.old_stps)
               for i, move in ipairs(model.old_dirs) do
                  near('a step', s.old_dirs[i], move)
                  near('a change', s.old_stps[i], model.old_stps[i])
                  near('ro', s.ro[i] / model.ro[i], 1)
                  near('al', s.al[i], model.al[i])
               end
               compared = compared + 1
            end
            first = first or x
            assert((first - x):abs():max() == 0, 'lbfgs depends on the threads')
         end
      end
      -- conjugate gradients: the directions of a quadratic's last steps are conjugate
      local first
      for threads = 1, 3 do
         torch.setnumthreads(threads)
         local x, s = start:clone(), {}
         local _, values = optim.cg(f, x, { maxIter = 20, maxEval = 30 }, s)
         assert(values[#values] < 1e-3 * values[1], 'cg does not descend')
         first = first or x
         assert((first - x):abs():max() == 0, 'cg depends on the threads')
      end
   end
end
torch.setnumthreads(before)

print(compared .. ' steps, all as it should be')
