-- nn.DataParallelTable: parts of a batch go to copies of a module, one for each device that is named. The copies see the
-- parameters of the first one; their gradients are added to its own.
local expect = require 'nn.expect'
local DataParallelTable, parent = torch.class('nn.DataParallelTable', 'nn.Container')

function DataParallelTable:__init(dimension, flattenParams, usenccl)
   parent.__init(self)
   self.dimension = expect.whole('DataParallelTable', dimension, 'the dimension of the batch', 1)
   self.typeStr = 'torch.CudaTensor'
   self.gpuAssignments = {}
   self.flattenParams, self.usenccl = flattenParams or false, usenccl or false
   self.needsSync = false
end

-- add(module, 1) for each copy, or once add(module, { 1 }): the copies are made then.
function DataParallelTable:add(module, gpus)
   expect.module(self, module)
   local several = type(gpus) == 'table'
   if not several and type(gpus) ~= 'number' or several and #gpus == 0 then
      expect.fail(self, 'a device, or a table of devices, expected as argument 2, got %s', expect.brief(gpus))
   end
   for _, gpu in ipairs(several and gpus or { gpus }) do
      if gpu ~= 1 then
         expect.fail(self, 'invalid device ordinal: there is one device, number 1, got %s', tostring(gpu))
      end
   end
   if several then
      if #self.gpuAssignments > 0 then expect.fail(self, 'add is to be called once where it is given a table of devices') end
      self.modules[1] = module
      for i, gpu in ipairs(gpus) do self.gpuAssignments[i] = gpu end
   else
      self.modules[#self.modules + 1] = module
      self.gpuAssignments[#self.gpuAssignments + 1] = gpus
   end
   if self.flattenParams then self.modules[#self.modules]:getParameters() end
   return self
end

-- The copies belong to the object while it lives here; files have the module alone.
local copies = setmetatable({}, { __mode = 'k' })

-- The modules that work, with the parameters of the first.
local function replicas(self)
   local first = self.modules[1]
   if not first then expect.fail(self, 'there is no module yet: add one first') end
   local list = self.modules
   if #list < #self.gpuAssignments then
      list = copies[self]
      if not list or list[1] ~= first then
         list = { first }
         for i = 2, #self.gpuAssignments do list[i] = first:clone() end
         copies[self] = list
      end
   end
   return list
end

local function share(list)
   local values = list[1]:parameters()
   for i = 2, #list do
      for k, value in ipairs(list[i]:parameters() or {}) do value:set(values[k]) end
   end
end

local function gather(list)
   local _, sums = list[1]:parameters()
   for i = 2, #list do
      local _, grads = list[i]:parameters()
      for k, grad in ipairs(grads or {}) do
         sums[k]:add(grad)
         grad:zero()
      end
   end
end

-- Part i of n of what is nested tables of tensors; nothing where the batch has fewer samples.
local function part(value, d, i, n)
   if not torch.isTensor(value) then
      local list = {}
      for k, v in pairs(value) do
         list[k] = part(v, d, i, n)
         if list[k] == nil then return nil end
      end
      return list
   end
   local samples = value:size(d)
   local each, rest = math.floor(samples / n), samples % n
   local count = each + (i <= rest and 1 or 0)
   if count == 0 then return nil end
   return value:narrow(d, (i - 1) * each + math.min(i - 1, rest) + 1, count)
end

-- What the copies gave, one after another in the field.
local function together(self, field, list)
   if #list == 1 then
      self[field] = list[1]
      return list[1]
   end
   local function join(into, values)
      if torch.isTensor(values[1]) then
         into = torch.isTensor(into) and torch.typename(into) == torch.typename(values[1]) and into or values[1].new()
         return torch.cat(into, values, self.dimension)
      end
      into = type(into) == 'table' and not torch.typename(into) and into or {}
      for k in pairs(values[1]) do
         local entries = {}
         for i, value in ipairs(values) do entries[i] = value[k] end
         into[k] = join(into[k], entries)
      end
      return into
   end
   -- a result of one module is its own
   local own = copies[self] or {}
   own[field], copies[self] = join(own[field], list), own
   self[field] = own[field]
   return self[field]
end

-- Calls a method of each copy with its part of the input and of the gradient.
local function each(self, method, input, gradOutput, ...)
   local list, results = replicas(self), {}
   if #list == 1 then
      if gradOutput == nil then return { list[1][method](list[1], input) } end
      return { list[1][method](list[1], input, gradOutput, ...) }
   end
   share(list)
   for i, module in ipairs(list) do
      local x = part(input, self.dimension, i, #list)
      if x == nil then break end
      if gradOutput == nil then
         results[i] = module[method](module, x)
      else
         results[i] = module[method](module, x, part(gradOutput, self.dimension, i, #list), ...)
      end
   end
   return results
end

function DataParallelTable:updateOutput(input)
   return together(self, 'output', each(self, 'updateOutput', input))
end

function DataParallelTable:updateGradInput(input, gradOutput)
   local results = each(self, 'updateGradInput', input, gradOutput)
   return results[1] and together(self, 'gradInput', results)
end

function DataParallelTable:accGradParameters(input, gradOutput, scale)
   each(self, 'accGradParameters', input, gradOutput, scale or 1)
   gather(replicas(self))
end

function DataParallelTable:backward(input, gradOutput, scale)
   local results = each(self, 'backward', input, gradOutput, scale or 1)
   gather(replicas(self))
   return results[1] and together(self, 'gradInput', results)
end

function DataParallelTable:accUpdateGradParameters(input, gradOutput, rate)
   each(self, 'accUpdateGradParameters', input, gradOutput, rate)
end

function DataParallelTable:syncParameters()
   share(replicas(self))
   self.needsSync = false
end

function DataParallelTable:parameters() return self.modules[1]:parameters() end

for _, method in ipairs { 'zeroGradParameters', 'training', 'evaluate' } do
   DataParallelTable[method] = function(self)
      for _, module in ipairs(replicas(self)) do module[method](module) end
      if method ~= 'zeroGradParameters' then nn.Module[method](self) end
   end
end

function DataParallelTable:updateParameters(rate) self.modules[1]:updateParameters(rate) end
function DataParallelTable:reset(deviation) self.modules[1]:reset(deviation) end

function DataParallelTable:type(typename, ...)
   if not typename then return self._type end
   copies[self], self.typeStr = nil, typename
   return parent.type(self, typename, ...)
end

function DataParallelTable:clearState()
   copies[self] = nil
   return parent.clearState(self)
end

function DataParallelTable:share() expect.fail(self, 'share is not there; it is for the module inside: get(1)') end

-- Copies work one after the other, and what a thread of its own would set is set here.
function DataParallelTable:threads(initialize)
   if type(initialize) == 'function' then initialize(1) end
   return self
end

function DataParallelTable:__tostring__()
   return string.format('DataParallelTable: %d x %s', #self.gpuAssignments, tostring(self.modules[1]))
end

return DataParallelTable
