-- What a network does with an input: the sizes of what goes into each module and comes out, call by call. The network runs
-- as it does always; its modules tell, whatever contains them.
local trace = {}
local free_spare = require('rekindle.native').functions.state.freeSpare

-- Calls f(module) for every module in a network, in whichever field it stands; each once.
function trace.modules(root, f)
   local seen, waiting = {}, { root }
   while #waiting > 0 do
      local value = table.remove(waiting)
      if type(value) == 'table' and not seen[value] then
         seen[value] = true
         if torch.isTypeOf(value, 'nn.Module') then f(value) end
         for _, part in pairs(value) do waiting[#waiting + 1] = part end
      end
   end
end

-- Sets a network to evaluation; gives the function that sets every module back.
function trace.evaluating(model)
   local modes = {}
   trace.modules(model, function(m) modes[m] = rawget(m, 'train') == nil and 'none' or m.train end)
   model:evaluate()
   return function()
      for m, mode in pairs(modes) do
         if mode == 'none' then m.train = nil else m.train = mode end
      end
   end
end

-- The sizes of tensors, in the nesting that they have.
local function shape(value)
   if torch.isTensor(value) then
      return { sizes = { value:size():totable() }, type = torch.typename(value) }
   elseif type(value) == 'table' then
      local list = {}
      for i, entry in ipairs(value) do list[i] = shape(entry) end
      return list
   end
   return { sizes = { {} }, type = type(value) }
end
trace.shape = shape

-- Adds the sizes of one more run; false where the nestings differ.
local function merge(a, b)
   if a.sizes and b.sizes then
      if #a.sizes[1] ~= #b.sizes[1] then return false end
      a.sizes[#a.sizes + 1] = b.sizes[1]
      return true
   end
   if a.sizes or b.sizes or #a ~= #b then return false end
   for i, entry in ipairs(a) do if not merge(entry, b[i]) then return false end end
   return true
end

-- bytes of outputs after which memory is collected
local MANY = 2 ^ 22

-- Modules over pictures whose sizes are learnt from a part of their input, so that to learn the sizes of a large network
-- takes neither its time nor its memory: convolutions from one plane (by which dimensions of their weights are the planes of
-- inputs and outputs), poolings and the like from one plane as well, modules that keep sizes from one place of every plane.
local CONVOLUTIONS = {
   SpatialConvolution = { 2, 1 }, SpatialConvolutionMM = { 2, 1 }, SpatialDilatedConvolution = { 2, 1 },
   SpatialFullConvolution = { 1, 2 }, VolumetricConvolution = { 2, 1 }, VolumetricFullConvolution = { 1, 2 },
}
local POOLINGS, POINTWISE = {}, {}
for name in ([[SpatialMaxPooling SpatialAveragePooling SpatialZeroPadding SpatialReflectionPadding SpatialReplicationPadding
   SpatialUpSamplingNearest SpatialUpSamplingBilinear VolumetricMaxPooling VolumetricAveragePooling
   VolumetricReplicationPadding]]):gmatch('%S+') do POOLINGS[name] = true end
for name in ([[ReLU ReLU6 Threshold LeakyReLU ELU PReLU RReLU Tanh Sigmoid HardTanh HardShrink SoftShrink SoftPlus SoftSign
   Abs Square Sqrt Power Exp Log Dropout SpatialDropout SpatialBatchNormalization VolumetricBatchNormalization AddConstant
   MulConstant Identity]]):gmatch('%S+') do POINTWISE[name] = true end

-- A copy of a module that shares its parameters and has outputs and buffers of its own.
local function apart(module, x)
   local copy = {}
   for key, value in pairs(module) do copy[key] = value end
   copy.output, copy.updateOutput, copy.indices, copy.finput, copy.fgradInput = x.new(), nil, nil, x.new(), x.new()
   return setmetatable(copy, getmetatable(module))
end

local function sizes_of_convolution(module, x, planes)
   local weight = module.weight
   -- what is not as usual is left to the module, which says why it is wrong
   if not torch.isTensor(weight) or torch.typename(x) ~= torch.typename(weight) then return nil end
   local flat = weight:dim() == 2 -- SpatialConvolutionMM: planes x (planes of the input x kH x kW)
   local window = flat and module.kW * module.kH or 1
   if flat and weight:size(2) ~= x:size(2) * window then return nil end
   if not flat and (weight:dim() ~= x:dim() or x:size(2) ~= weight:size(planes[1])) then return nil end
   local single = apart(module, x)
   single.nInputPlane, single.nOutputPlane, single.bias = 1, 1, module.bias and module.bias:narrow(1, 1, 1)
   single.weight = weight:narrow(1, 1, 1):narrow(2, 1, window)
   local sizes = single:updateOutput(x:narrow(2, 1, 1)):size()
   sizes[2] = weight:size(planes[2])
   return sizes
end

local function sizes_of_pooling(module, x)
   local sizes = apart(module, x):updateOutput(x:narrow(2, 1, 1)):size()
   sizes[2] = x:size(2)
   return sizes
end

local function sizes_of_pointwise(module, x)
   local place = x
   for d = 3, x:dim() do place = place:narrow(d, 1, 1) end
   -- a copy, since the module may write into its input
   apart(module, x):updateOutput(place:clone())
   return x:size()
end

-- Tensors of one zero, expanded, that stand for outputs; and the modules that hand on what they are given as it is.
local stand_ins = setmetatable({}, { __mode = 'k' })
local HANDS_ON = { ['nn.Sequential'] = true, ['nn.ConcatTable'] = true, ['nn.ParallelTable'] = true, ['nn.gModule'] = true }

-- An input for a module that runs: stand-ins in it become tensors of zeros.
local function in_full(x)
   if torch.isTensor(x) then return stand_ins[x] and x:clone() or x end
   if type(x) ~= 'table' then return x end
   local list = {}
   for key, value in pairs(x) do list[key] = in_full(value) end
   return list
end

-- What a module gives, in sizes: a tensor that stands for it. Nothing for other modules and inputs. Where a network takes
-- the indices of its poolings (`unpooled`), these run.
local function sizes_of(module, x, unpooled)
   local class = torch.typename(module)
   if not torch.isTensor(x) or x:dim() < 4 or getmetatable(module) ~= torch.getmetatable(class) then return nil end
   local name = class:match('^nn%.(.*)') or ''
   -- a single volume has the rank of a batch of pictures
   if name:find('^Volumetric') and x:dim() ~= 5 or name:find('^Spatial') and x:dim() ~= 4 then return nil end
   local learn = CONVOLUTIONS[name] and sizes_of_convolution or POINTWISE[name] and sizes_of_pointwise
      or POOLINGS[name] and not unpooled and sizes_of_pooling
   -- what fails is left to the module, which tells of its own input
   local fine, sizes = pcall(learn or function() end, module, x, CONVOLUTIONS[name])
   if not fine or not sizes then return nil end
   local y = x.new(torch.LongStorage(#sizes):fill(1)):zero():expand(sizes)
   stand_ins[y] = true
   return y
end

-- Lets go of a module's output, so that a run needs the memory of few layers, not of all. What takes it as its input
-- has it still; nothing is overwritten.
local function let_go(module, y)
   -- nodes of a graph hold what came to them
   for _, node in ipairs(torch.isTypeOf(module, 'nn.gModule') and module.forwardnodes or {}) do node.data.input = nil end
   if not rawequal(rawget(module, 'output'), y) then return 0 end
   if torch.isTensor(y) then
      module.output = y.new()
      return y:nElement() * y:elementSize()
   end
   if type(y) == 'table' then module.output = {} end
   return 0
end

-- How a module computes. Replicas of a network would compute in other threads, unseen: the network itself does it here.
local function method_of(module)
   if torch.typename(module) ~= 'nn.DataParallelTable' then return module.updateOutput end
   return function(self, x)
      self.output = self.modules[1]:updateOutput(x)
      return self.output
   end
end

-- Runs the network on an input. `each(module, input, output, number of the call)` is told of every call that returned;
-- the modules have no output afterwards. With `only_sizes` the numbers are not computed where sizes can be had without.
function trace.run(model, input, each, only_sizes)
   local hooked, counts, bytes, unpooled = {}, {}, 0, false
   trace.modules(model, function(module)
      unpooled = unpooled or (torch.typename(module) or ''):find('Unpooling') ~= nil
      local update = method_of(module)
      if type(update) ~= 'function' or rawget(module, 'updateOutput') then return end
      hooked[#hooked + 1] = module
      rawset(module, 'updateOutput', function(self, x, ...)
         local before = shape(x)
         local y = only_sizes and sizes_of(self, x, unpooled)
         y = y or update(self, HANDS_ON[torch.typename(self)] and x or in_full(x), ...)
         counts[self] = (counts[self] or 0) + 1
         each(self, before, y, counts[self])
         bytes = bytes + let_go(self, y)
         if bytes > MANY then
            bytes = 0
            collectgarbage()
            free_spare()
         end
         return y
      end)
   end)
   local ok, output = pcall(model.updateOutput, model, input)
   for _, module in ipairs(hooked) do rawset(module, 'updateOutput', nil) end
   if not ok then return nil, output end
   return output
end

-- The calls of every module in runs on several inputs of other batches: module -> list of { x, y }. Nil and a reason where
-- a run fails or the runs differ in more than sizes.
function trace.calls(model, inputs)
   local calls, differs = {}, nil
   for r, input in ipairs(inputs) do
      local output, why = trace.run(model, input, function(module, x, y, count)
         local list = calls[module] or {}
         calls[module] = list
         y = shape(y)
         if r == 1 then
            list[count] = { x = x, y = y }
         elseif not list[count] or not merge(list[count].x, x) or not merge(list[count].y, y) then
            differs = module
         end
      end, true)
      if output == nil then return nil, why end
      if differs then
         return nil, string.format('what %s gives differs between batches in more than sizes', torch.type(differs))
      end
   end
   return calls
end

return trace
