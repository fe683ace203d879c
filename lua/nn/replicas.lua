-- nn.DataParallelTable: parts of a batch go to copies of a network, each of which works in a thread. The copies compute with the
-- parameters of the first one; their gradients are added to its own, in their order, so that nothing depends on who was
-- faster.
local expect = require 'nn.expect'
local DataParallelTable, parent = torch.class('nn.DataParallelTable', 'nn.Container')

function DataParallelTable:__init(dimension, flattenParams, usenccl)
   parent.__init(self)
   self.dimension = expect.whole('DataParallelTable', dimension, 'the dimension of the batch', 1)
   self.typeStr = torch.getmetatable('torch.CudaTensor') and 'torch.CudaTensor' or torch.getdefaulttensortype()
   self.gpuAssignments = {}
   self.flattenParams, self.usenccl = flattenParams or false, usenccl or false
   self.needsSync = false
end

-- What files and copies do not have: the replicas, results, and which function their threads begin with.
local states = setmetatable({}, { __mode = 'k' })
local function state_of(self)
   local state = states[self]
   if not state then
      state = {}
      states[self] = state
   end
   return state
end

-- The replicas begin anew with what the network is then.
local function outdated(self)
   if states[self] then states[self].stale = true end
end

-- Numbers of devices: with a device those that there are, on the CPU any.
local function check_device(self, gpu)
   expect.whole(self, gpu, 'the number of a device', 1)
   local there = cutorch and cutorch.getDeviceCount()
   if there and gpu > there then
      expect.fail(self, 'invalid device ordinal: there is one device, number 1, got %s', tostring(gpu))
   end
   return gpu
end

-- add(module, 1) for each copy, or once add(module, { 1, 2 }): the copies are made then.
function DataParallelTable:add(module, gpus)
   expect.method(self, 'add', 'container', 'modules')
   expect.module(self, module)
   local several = type(gpus) == 'table'
   if not several and type(gpus) ~= 'number' or several and #gpus == 0 then
      expect.fail(self, 'a device, or a table of devices, expected as argument 2, got %s', expect.brief(gpus))
   end
   if several and #self.gpuAssignments > 0 then
      expect.fail(self, 'add is to be called once where it is given a table of devices')
   end
   for _, gpu in ipairs(several and gpus or { gpus }) do
      table.insert(self.gpuAssignments, check_device(self, gpu))
   end
   self.modules[#self.modules + 1] = module
   if self.flattenParams then module:getParameters() end
   return self
end

local function network_of(self)
   return self.modules[1] or expect.fail(self, 'there is no module yet: add one first')
end

-- ---- the replicas ----

-- Whether the parameters lie where they lay when the replicas were told of them.
local function moved(state, values)
   local known = state.places
   if not known or #known ~= #values then return true end
   for k, value in ipairs(values) do
      if known[k] ~= (value:nElement() > 0 and torch.pointer(value:storage()) + value:storageOffset()) then return true end
   end
   return false
end

-- The crew, with `count` replicas beside the network.
local function crew_of(self, count)
   local state, network = state_of(self), network_of(self)
   local values = network:parameters() or {}
   if state.crew and (#state.crew.members ~= count or state.crew.waiting > 0) then
      state.crew:stop()
      state.crew = nil
   end
   if not state.crew then
      state.crew, state.stale = require('nn.replicas.crew').new(count, state.init), true
   end
   if state.stale or state.network ~= network or moved(state, values) then
      local problem = state.crew:load(network)
      if problem then
         state.crew:stop()
         state.crew = nil
         expect.fail(self, '%s', problem)
      end
      state.stale, state.network, state.places = false, network, {}
      for k, value in ipairs(values) do
         state.places[k] = value:nElement() > 0 and torch.pointer(value:storage()) + value:storageOffset()
      end
      state.x = nil
   end
   return state.crew, values
end

-- Part i of n of nested tables of tensors; nothing where the batch has fewer samples.
local function part(self, value, i, n)
   if not torch.isTensor(value) then
      if type(value) ~= 'table' then return value end
      local list = {}
      for k, v in pairs(value) do
         list[k] = part(self, v, i, n)
         if list[k] == nil then return nil end
      end
      return list
   end
   local d = self.dimension
   if value:dim() < d then
      expect.fail(self, 'a batch along dimension %d expected, got %s', d, expect.brief(value))
   end
   local samples = value:size(d)
   local each, rest = math.floor(samples / n), samples % n
   local count = each + (i <= rest and 1 or 0)
   if count == 0 then return nil end
   return value:narrow(d, (i - 1) * each + math.min(i - 1, rest) + 1, count)
end

-- What the replicas gave, one after another, in the field.
local function together(self, field, list)
   if #list == 1 then
      self[field] = list[1]
      return list[1]
   end
   local function join(into, values)
      if torch.isTensor(values[1]) then
         into = torch.isTensor(into) and torch.typename(into) == torch.typename(values[1]) and into or values[1].new()
         return torch.cat(into, values, self.dimension)
      elseif type(values[1]) ~= 'table' then
         expect.fail(self, 'tensors, or tables of tensors, expected as what the module gives, got %s', expect.brief(values[1]))
      end
      into = type(into) == 'table' and not torch.typename(into) and into or {}
      for k in pairs(values[1]) do
         local entries = {}
         for i, value in ipairs(values) do entries[i] = value[k] end
         into[k] = join(into[k], entries)
      end
      return into
   end
   -- a result of one module is its own, and not to be written into
   local own = state_of(self)
   own[field] = join(own[field], list)
   self[field] = own[field]
   return self[field]
end

local function add_gradients(network, answer)
   local _, sums = network:parameters()
   for k, grad in ipairs(answer.grads or {}) do
      if answer.counted[k] then sums[k]:add(grad) end
   end
end

-- Calls a method of the network and of its replicas, each with its part of the batch; the results in their order.
local function each(self, method, input, gradOutput, scale)
   local network, state = network_of(self), state_of(self)
   local n = #self.gpuAssignments
   local function own(x, g)
      if gradOutput == nil then return network[method](network, x) end
      return network[method](network, x, g, scale)
   end
   if n == 1 then return { own(input, gradOutput) } end
   local crew, values = crew_of(self, n - 1)
   -- backward is about the input that forward had
   local again = gradOutput ~= nil and state.x ~= nil and rawequal(state.x, input)
   local requests, results = {}, {}
   for i = 2, n do
      local x = part(self, input, i, n)
      if x == nil then break end
      requests[i - 1] = { method = method, x = not again and x or nil, scale = scale, train = self.train ~= false,
         g = gradOutput ~= nil and part(self, gradOutput, i, n) or nil, values = again and {} or values }
   end
   local x, g = part(self, input, 1, n), gradOutput ~= nil and part(self, gradOutput, 1, n) or nil
   if x == nil then expect.fail(self, 'a batch with a sample expected, got %s', expect.brief(input)) end
   state.x = nil
   local problem = crew:run(requests, function() results[1] = own(x, g) end, function(i, answer)
      results[i + 1] = answer.out
      add_gradients(network, answer)
   end)
   if problem then expect.fail(self, '%s', problem) end
   state.x = input
   return results
end

-- ---- the methods of a module ----

function DataParallelTable:updateOutput(input)
   return together(self, 'output', each(self, 'updateOutput', input))
end

function DataParallelTable:updateGradInput(input, gradOutput)
   local results = each(self, 'updateGradInput', input, gradOutput)
   return results[1] and together(self, 'gradInput', results)
end

function DataParallelTable:accGradParameters(input, gradOutput, scale)
   each(self, 'accGradParameters', input, gradOutput, scale or 1)
   self.needsSync = true
end

function DataParallelTable:backward(input, gradOutput, scale)
   local results = each(self, 'backward', input, gradOutput, scale or 1)
   self.needsSync = true
   return results[1] and together(self, 'gradInput', results)
end

-- A step without gradients being kept: they are as they were.
function DataParallelTable:accUpdateGradParameters(input, gradOutput, rate)
   local _, grads = self:parameters()
   local before = {}
   for k, grad in ipairs(grads or {}) do
      before[k] = grad:clone()
      grad:zero()
   end
   self:accGradParameters(input, gradOutput, 1)
   self:updateParameters(rate)
   for k, grad in ipairs(grads or {}) do grad:copy(before[k]) end
end

-- Every forward takes the parameters of the network; this is for programs that say so.
function DataParallelTable:syncParameters() self.needsSync = false end

function DataParallelTable:parameters() return network_of(self):parameters() end
function DataParallelTable:zeroGradParameters() network_of(self):zeroGradParameters() end
function DataParallelTable:updateParameters(rate) network_of(self):updateParameters(rate) end
function DataParallelTable:reset(deviation) network_of(self):reset(deviation) end

-- What a network has gathered besides its parameters, as the statistics of a normalization, is the first one's.
function DataParallelTable:evaluate()
   if self.train ~= false then outdated(self) end
   parent.evaluate(self)
end

function DataParallelTable:apply(callback)
   parent.apply(self, callback)
   outdated(self)
   return self
end

function DataParallelTable:type(typename, ...)
   if not typename then return self._type end
   outdated(self)
   self.typeStr = typename
   return parent.type(self, typename, ...)
end

function DataParallelTable:clearState()
   local state = states[self]
   if state then state.output, state.gradInput, state.x = nil, nil, nil end
   outdated(self)
   return parent.clearState(self)
end

function DataParallelTable:share() expect.fail(self, 'share is not there; it is for the module inside: get(1)') end

-- What each thread does first: load the packages of the network's classes. It gets the number of the replica.
function DataParallelTable:threads(initialize)
   if initialize ~= nil and type(initialize) ~= 'function' then
      expect.fail(self, 'a function expected that each thread begins with, got %s', expect.brief(initialize))
   end
   local state = state_of(self)
   if state.crew then
      state.crew:stop()
      state.crew = nil
   end
   state.init = initialize
   if initialize then initialize(1) end
   return self
end

function DataParallelTable:__tostring__()
   return string.format('DataParallelTable: %d x %s', #self.gpuAssignments, tostring(self.modules[1]))
end

return DataParallelTable
