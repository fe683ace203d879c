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

-- Convolutions over pictures, by which dimensions of their weights are the planes of inputs and outputs.
local PLANES = {
   ['nn.SpatialConvolution'] = { 2, 1 },
   ['nn.SpatialDilatedConvolution'] = { 2, 1 },
   ['nn.SpatialFullConvolution'] = { 1, 2 },
   ['nn.VolumetricConvolution'] = { 2, 1 },
   ['nn.VolumetricFullConvolution'] = { 1, 2 },
}

-- What a convolution gives, in sizes: one plane of it is computed from one plane of the input, so that to learn the sizes of
-- a large network takes neither its time nor its workspaces. Nothing for other modules.
local function sizes_of(module, x)
   local class = torch.typename(module)
   local planes, weight = PLANES[class], module.weight
   local batch = torch.isTensor(x) and torch.isTensor(weight) and x:dim() == weight:dim()
   -- what is not as usual is left to the module, which says why it is wrong
   if not planes or not batch or getmetatable(module) ~= torch.getmetatable(class)
      or torch.typename(x) ~= torch.typename(weight) or x:size(2) ~= weight:size(planes[1]) then
      return nil
   end
   local single = {}
   for key, value in pairs(module) do single[key] = value end
   single.nInputPlane, single.nOutputPlane, single.bias = 1, 1, module.bias and module.bias:narrow(1, 1, 1)
   single.weight = weight:narrow(1, 1, 1):narrow(2, 1, 1)
   single.output, single.finput, single.fgradInput = x.new(), x.new(), x.new()
   single.updateOutput = nil
   local sizes = setmetatable(single, getmetatable(module)):updateOutput(x:narrow(2, 1, 1)):size()
   sizes[2] = weight:size(planes[2])
   return x.new(sizes):zero()
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

-- Runs the network on an input. `each(module, input, output, number of the call)` is told of every call that returned;
-- the modules have no output afterwards. With `only_sizes` the numbers are not computed where sizes can be had without.
function trace.run(model, input, each, only_sizes)
   local hooked, counts, bytes = {}, {}, 0
   trace.modules(model, function(module)
      local update = module.updateOutput
      if type(update) ~= 'function' or rawget(module, 'updateOutput') then return end
      hooked[#hooked + 1] = module
      rawset(module, 'updateOutput', function(self, x, ...)
         local before = shape(x)
         local y = only_sizes and sizes_of(self, x)
         if y then
            bytes = bytes + y:nElement() * y:elementSize()
         else
            y = update(self, x, ...)
         end
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
