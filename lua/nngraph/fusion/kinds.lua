-- Modules that are computed in one pass with their neighbours: how each is written in the steps of a program.
--
-- A value is a list of blocks of columns. `forward(b, module, args, k)` adds the steps for block k of what a module gives
-- and gives the register; `backward(b, module, args, k, y, g)` those of the gradients of block k of its inputs, from block k
-- of its output and of the output's gradient. Views compute nothing: they say which columns of their input they are.
-- `fields` are those of a module that its steps were made from.
local kinds = {}
-- by class
local known = {}
local functions = require('rekindle.native').functions

local CODES = { load = 0, store = 1, add = 2, subtract = 3, multiply = 4, scale = 5, shift = 6, positive = 7,
   wherePositive = 8, zero = 9 }
kinds.codes = CODES

-- Several inputs folded into one from the left.
local function folded(name)
   return function(b, _, args, k)
      local y = b:value(args[1], k)
      for i = 2, #args do y = b:step(name, y, b:value(args[i], k)) end
      return y
   end
end

local function takes_several(module, several) return several and not module.inplace end
local function takes_one(module, several) return not several and not module.inplace end

known['nn.CAddTable'] = {
   fields = { 'inplace' }, fits = takes_several, forward = folded('add'),
   backward = function(_, _, args, _, _, g)
      local list = {}
      for i = 1, #args do list[i] = g end
      return list
   end,
}
known['nn.CSubTable'] = {
   fields = {}, fits = function(module, several, count) return takes_several(module, several) and count == 2 end,
   forward = folded('subtract'),
   backward = function(b, _, _, _, _, g) return { g, b:step('scale', g, 0, -1) } end,
}
known['nn.CMulTable'] = {
   fields = {}, fits = takes_several, forward = folded('multiply'), needs = 'inputs',
   backward = function(b, _, args, k, _, g)
      local list = {}
      for i = 1, #args do
         list[i] = g
         for j = 1, #args do
            if j ~= i then list[i] = b:step('multiply', list[i], b:value(args[j], k)) end
         end
      end
      return list
   end,
}
known['nn.MulConstant'] = {
   fields = { 'constant_scalar', 'inplace' }, fits = takes_one,
   forward = function(b, module, args, k) return b:step('scale', b:value(args[1], k), 0, module.constant_scalar) end,
   backward = function(b, module, _, _, _, g) return { b:step('scale', g, 0, module.constant_scalar) } end,
}
known['nn.AddConstant'] = {
   fields = { 'constant_scalar', 'inplace' }, fits = takes_one,
   forward = function(b, module, args, k) return b:step('shift', b:value(args[1], k), 0, module.constant_scalar) end,
   backward = function(_, _, _, _, _, g) return { g } end,
}
known['nn.ReLU'] = {
   fields = { 'threshold', 'val', 'inplace' },
   fits = function(module, several) return takes_one(module, several) and module.threshold == 0 and module.val == 0 end,
   forward = function(b, _, args, k) return b:step('positive', b:value(args[1], k)) end, needs = 'output',
   backward = function(b, _, _, _, y, g) return { b:step('wherePositive', y, g) } end,
}
for i, class in ipairs(functions['fusion.programs'].classes()) do
   local from_output, name = class:match('^(%+?)(.*)$')
   local forward, backward = 'activate ' .. name, 'slope ' .. name
   CODES[forward], CODES[backward] = 10 + 2 * (i - 1), 11 + 2 * (i - 1)
   known[name] = {
      fields = { 'inplace' }, fits = takes_one, needs = from_output == '+' and 'output' or 'inputs',
      forward = function(b, _, args, k) return b:step(forward, b:value(args[1], k)) end,
      backward = function(b, _, args, k, y, g)
         return { b:step(backward, from_output == '+' and y or b:value(args[1], k), g) }
      end,
   }
end

-- Views: `columns(module, output, input)` gives the first column of the output in the input, from 0, and how many they are;
-- nothing where the view is of another kind. A table of views is as its input.
local function whole(_, output, input)
   if torch.isTensor(output) and output:nElement() == input.width * input.rows and output:size(1) == input.rows then
      return 0, input.width
   end
end
known['nn.Reshape'] = { fields = { 'size', 'batchMode' }, fits = takes_one, columns = whole }
known['nn.View'] = { fields = { 'size', 'numInputDims' }, fits = takes_one, columns = whole }
known['nn.Narrow'] = {
   fields = { 'dimension', 'index', 'length' }, fits = takes_one,
   columns = function(module, output, input)
      if module.dimension == 2 and module.index > 0 and #input.sizes == 2 and torch.isTensor(output) then
         return module.index - 1, output:size(2)
      end
   end,
}
known['nn.SplitTable'] = {
   fields = { 'dimension', 'nInputDims' }, fits = takes_one, splits = true,
   columns = function(module, output, input)
      if module.dimension == 2 and not module.nInputDims and #input.sizes == 3 and type(output) == 'table'
         and #output == input.sizes[2] then
         return 0, input.width
      end
   end,
}

-- The set of all kinds.
kinds.all = {}

-- What a class does now, to see when a program replaced it.
for name, kind in pairs(known) do
   kinds.all[kind] = true
   local class = torch.getmetatable(name)
   kind.class, kind.updateOutput, kind.updateGradInput = class, class.updateOutput, class.updateGradInput
end

-- The kind of a module, or nothing where it is not as its class says.
function kinds.of(module, several, count)
   local kind = known[torch.typename(module)]
   if kind and kind.fits(module, several, count) and kinds.unchanged(kind) and kinds.ordinary(module) then
      return kind
   end
end

-- Whether the output and gradInput of a module are tensors of its own, which a program has no need to write into.
function kinds.owns(module)
   if not module then return false end
   local name = torch.typename(module)
   return name == 'nn.Linear' or known[name] ~= nil and known[name].forward ~= nil and not module.inplace
end

-- Whether a class does what it did.
function kinds.unchanged(kind)
   local class = kind.class
   return class.updateOutput == kind.updateOutput and class.updateGradInput == kind.updateGradInput
end

-- Whether a module has no methods of its own.
function kinds.ordinary(module)
   return not rawget(module, 'updateOutput') and not rawget(module, 'updateGradInput')
      and not rawget(module, 'accGradParameters')
end

return kinds
