-- Every class of nn (the list is nn_samples.lua) in one test: numeric gradients of inputs and parameters, the same
-- results after clone, files, clearState, with strides and in single precision, accumulation with a scale, and steps
-- of their own.
-- Usage: th tests/lua/nn_modules.lua [CLASS]
require 'nn'
torch.manualSeed(1)
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or ''
local samples = dofile(here .. 'nn_samples.lua')
local only = arg and arg[1]
local complaints, tried = 0, 0
local function complain(...)
   complaints = complaints + 1
   io.write(string.format(...), '\n')
end

-- ---- nested tensors ----

local function map(value, f)
   if torch.isTensor(value) then return f(value) end
   if type(value) ~= 'table' then return value end
   local list = {}
   for k, v in pairs(value) do list[k] = map(v, f) end
   return list
end
local function copied(value) return map(value, function(t) return t:clone() end) end
local function isReal(t) return torch.typename(t) == 'torch.DoubleTensor' end
local function single(value) return map(value, function(t) return isReal(t) and t:float() or t end) end
-- the same values with strides
local function strided(value)
   return map(value, function(t)
      local wide, strides, step = t.new():resize(t:nElement() * 2):zero(), {}, 2
      for d = t:dim(), 1, -1 do
         strides[d] = step
         step = step * t:size(d)
      end
      return t.new():set(wide:storage(), 1, t:size(), torch.LongStorage(strides)):copy(t)
   end)
end
local function distance(a, b)
   if torch.isTensor(a) then
      if not torch.isTensor(b) or a:nElement() ~= b:nElement() then return math.huge end
      return a:nElement() == 0 and 0 or (a:double() - b:double():viewAs(a)):abs():max()
   end
   if type(a) == 'number' then return math.abs(a - b) end
   local most = 0
   for k, v in pairs(type(a) == 'table' and a or {}) do
      most = math.max(most, b[k] == nil and math.huge or distance(v, b[k]))
   end
   return most
end
-- all tensors of doubles, in one order
local function leaves(value, list)
   list = list or {}
   if torch.isTensor(value) then
      if isReal(value) then list[#list + 1] = value end
   elseif type(value) == 'table' then
      local keys = {}
      for k in pairs(value) do keys[#keys + 1] = k end
      table.sort(keys, function(x, y) return tostring(x) < tostring(y) end)
      for _, k in ipairs(keys) do leaves(value[k], list) end
   end
   return list
end

-- ---- one entry ----

local quiet = function(f, ...)
   local old = print
   print = function() end
   local results = { pcall(f, ...) }
   print = old
   if not results[1] then error(results[2], 0) end
   return unpack(results, 2, table.maxn(results))
end

-- output, gradInput and gradients of the parameters; a criterion has no parameters and no gradOutput
local function run(object, x, options, gradOutput)
   torch.manualSeed(3)
   if torch.isTypeOf(object, 'nn.Criterion') then
      local loss = object:forward(x, options.target)
      return loss, copied(object:backward(x, options.target)), {}
   end
   object:zeroGradParameters()
   local y = copied(object:forward(x))
   gradOutput = gradOutput or map(y, function(t)
      return torch.range(1, t:nElement()):mul(0.7):cos():view(t:size()):typeAs(t)
   end)
   local gx = copied(object:backward(x, gradOutput))
   local _, gradients = object:parameters()
   return y, gx, copied(gradients or {}), gradOutput
end

local function numeric(name, object, x, options, gx, gradients, gradOutput)
   local function value()
      torch.manualSeed(3)
      local y = object:forward(x, options.target)
      if not gradOutput then return y end
      local ys, gs, sum = leaves(y), leaves(gradOutput), 0
      for i, t in ipairs(ys) do sum = sum + torch.cmul(t, gs[i]:viewAs(t)):sum() end
      return sum
   end
   local step = 1e-5
   local function compare(what, tensors, given)
      for k, tensor in ipairs(tensors) do
         local flat, grad = tensor:view(-1), given[k]:contiguous():view(-1)
         for i = 1, flat:nElement() do
            local was = flat[i]
            flat[i] = was + step
            local above = value()
            flat[i] = was - step
            local below = value()
            flat[i] = was
            local wanted = (above - below) / (2 * step)
            if not (math.abs(wanted - grad[i]) <= 1e-5 * math.max(1, math.abs(wanted))) then
               return complain('%s: %s %d, element %d: gradient %g, by differences %g', name, what, k, i, grad[i],
                  wanted)
            end
         end
      end
   end
   compare('input', leaves(x), leaves(gx))
   if gradOutput then compare('parameter', object:parameters() or {}, gradients) end
end

local function try(class, entry)
   local make = assert(loadstring('return nn.' .. entry[1]))
   local options, name = entry[3] or {}, 'nn.' .. entry[1]
   local x = copied(entry[2])
   if options.kinks then
      map(x, function(t) t:apply(function(v) return math.abs(v - options.kinks) < 0.01 and v + 0.05 or v end) end)
   end
   local object = make()
   local criterion = torch.isTypeOf(object, 'nn.Criterion')
   if torch.type(object) ~= 'nn.' .. class then complain('%s: a %s', name, torch.type(object)) end
   local y, gx, gradients, g = run(object, x, options)
   local function same(what, tolerance, y2, gx2, gradients2)
      local most = math.max(distance(y, y2), distance(gx, gx2), distance(gradients, gradients2))
      if not (most <= tolerance) then complain('%s: %s: other results, by %g', name, what, most) end
   end
   if not options.silent and type(tostring(object)) ~= 'string' then complain('%s: no text', name) end
   same('once more', 1e-12, run(object, x, options, g))
   same('clone', 1e-12, run(object:clone(), x, options, g))
   same('through a file', 1e-9, run(torch.deserialize(torch.serialize(object, 'ascii'), 'ascii'), x, options, g))
   if object.clearState and options.clears ~= false then
      object:clearState()
      same('after clearState', 1e-12, run(object, x, options, g))
   end
   if not options.contiguous then
      local target = strided(options.target)
      same('with strides', 1e-9, run(object:clone(), strided(x), { target = target }, strided(g)))
   end
   if class ~= 'DontCast' then
      local float = object:clone()
      float:float()
      if not options.draws then
         same('in single precision', 1e-3, run(float, single(x), { target = single(options.target) }, single(g)))
      end
   end
   if not options.rough then numeric(name, object, x, options, gx, gradients, g) end
   if criterion then return end

   -- twice, the second time with a scale
   local twice = object:clone()
   run(twice, x, options, g)
   torch.manualSeed(3)
   twice:forward(x)
   twice:backward(x, g, 0.5)
   local values, sums = twice:parameters()
   local scaled = class ~= 'DepthConcat' and not options.biasScale
   for i, sum in ipairs(scaled and sums or {}) do
      local off = torch.isTensor(sum) and distance(sum, torch.mul(gradients[i], 1.5)) or 0
      if not (off < 1e-9) then complain('%s: gradients of parameter %d with scale 0.5: off by %g', name, i, off) end
   end
   -- a step of its own is that of its gradients
   if values and #values > 0 and options.steps ~= false then
      local own, usual = object:clone(), object:clone()
      run(usual, x, options, g)
      usual:updateParameters(0.1)
      torch.manualSeed(3)
      own:forward(x)
      own:updateGradInput(x, g)
      own:accUpdateGradParameters(x, g, 0.1)
      local off = distance((usual:parameters()), (own:parameters()))
      if not (off < 1e-9) then complain('%s: accUpdateGradParameters: off by %g', name, off) end
   end
end

local names = {}
for name, class in pairs(nn) do
   local isClass = type(class) == 'table' and getmetatable(class) and class.__typename == 'nn.' .. name
   if isClass then names[#names + 1] = name end
end
table.sort(names)
for _, name in ipairs(names) do
   if not samples[name] then
      complain('nn.%s is not in nn_samples.lua', name)
   elseif not only or only == name then
      for _, entry in ipairs(samples[name]) do
         tried = tried + 1
         local ok, why = pcall(quiet, try, name, entry)
         if not ok then complain('nn.%s: %s', entry[1], tostring(why)) end
      end
   end
end
print(string.format('%d classes, %d modules and criteria, %d complaints', #names, tried, complaints))
if complaints > 0 then os.exit(1) end
