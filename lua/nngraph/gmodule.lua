-- nn.gModule: the module of a graph, from its input nodes to its output nodes.
--
-- Two nodes are added: one that all inputs come from (split when there are several), and one that all outputs go to.
-- `bg` is the graph as it was built, each node pointing to its inputs, and `fg` the reverse. `forwardnodes` and
-- `backwardnodes` are the orders of computation; the fields are those of Torch7, so that its files run.
local build = require 'nngraph.build'
local fusion = require 'nngraph.fusion'
local expect = require 'nn.expect'
local shared = require 'nngraph.shared'
local gModule, parent = torch.class('nn.gModule', 'nn.Container')

-- Who calls nn.gModule, seen from a function that __init calls: above it is what makes objects.
local CALLER = 4

local function list(value, what)
   if torch.isTypeOf(value, 'nngraph.Node') then value = { value } end
   if type(value) ~= 'table' or torch.typename(value) then
      error(string.format('nn.gModule: a table of %s expected, got a %s', what, torch.type(value)), CALLER)
   end
   if next(value) == nil then error('nn.gModule: no ' .. what .. ' are not supported', CALLER) end
   for i = 1, table.maxn(value) do build.check(value[i], string.format('nn.gModule: %s[%d]', what, i), CALLER + 1) end
   return value
end

-- Every node that takes something from a node of the graph has to be in the graph, and every part of a split be used.
local function complete(self)
   local inside, unused = {}, nil
   for _, node in ipairs(self.forwardnodes) do inside[node.data] = node end
   for _, node in ipairs(self.forwardnodes) do
      local parts = node.data.nSplitOutputs
      if parts and #node.children < parts then
         local notes = node.data.annotations or {}
         unused = string.format('%d of split(%d) outputs from the %s split at %s are unused', parts - #node.children, parts,
            node:describe('node'), (notes._splitLabel or 'an unknown place_'):gsub('_$', '-mnode'))
      end
   end
   if unused then error('nn.gModule: ' .. unused, CALLER) end
   for _, node in ipairs(self.forwardnodes) do
      for user in pairs(node.data.reverseMap or {}) do
         if not inside[user.data] then
            error(string.format('nn.gModule: %s does not connect to gmodule output', user:describe('node', 'on')), CALLER)
         end
      end
   end
end

function gModule:__init(inputs, outputs)
   parent.__init(self)
   inputs, outputs = list(inputs, 'inputs'), list(outputs, 'outputs')
   local outnode = nngraph.Node { input = {} }
   for _, node in ipairs(outputs) do outnode:add(node, true) end
   local innode = nngraph.Node { data = {}, gradOutput = {} }
   local sources = #inputs == 1 and { innode } or { innode:split(#inputs) }
   for i, node in ipairs(inputs) do
      if #node.children > 0 then
         error(string.format('nn.gModule: an input should have no inputs, but the %s has', node:describe()), CALLER - 1)
      end
      node:add(sources[i], true)
   end

   self.bg = outnode:graph()
   self.fg = self.bg:reverse()
   local roots = self.fg:roots()
   for _, root in ipairs(roots) do
      if root.data ~= innode.data then
         error(string.format('nn.gModule: the %s has no input', root:describe()), CALLER - 1)
      end
   end
   if #roots == 0 then error('nn.gModule: no input leads to an output', CALLER - 1) end
   self.innode, self.outnode = roots[1], outnode
   self.nInputs, self.verbose = #inputs, false
   self.forwardnodes, self.backwardnodes = self.fg:topsort(), self.bg:topsort()
   complete(self)
   for _, node in ipairs(self.forwardnodes) do
      node.data.forwardNodeId = node.id
      if node.data.module then self:add(node.data.module) end
   end
   self.output, self.gradInput = nil, nil
end

function gModule:__tostring__() return self.name or torch.type(self) end

------------------------------------------------------------------------------------------ running

-- What a pass does at each node, worked out once for the lists of nodes that a graph has. Outside of the object, so that
-- copies and files do not have it, and without holding what it belongs to: a module may know the graph that it is in.
local plans = setmetatable({}, { __mode = 'k' })
local weak = { __mode = 'v' }

-- What is done at the nodes of a list: where the value of each goes, as places in the list. Clones share it.
local function steps(self, nodes, forward)
   local place, list = {}, {}
   for i, node in ipairs(nodes) do place[node.data] = i end
   for i, node in ipairs(nodes) do
      local data = node.data
      local map = data.mapindex
      local step = {
         place = i, several = #map > 1, part = data.selectindex, parts = data.selectindex and map[1].nSplitOutputs,
         first = data == self.innode.data, last = data == self.outnode.data, uses = #node.children, to = {}, slot = {},
      }
      for j, child in ipairs(node.children) do
         step.to[j] = place[child.data]
         if forward then
            -- which of the child's inputs
            step.slot[j] = child.data.mapindex[data]
         else
            -- which part of the gradient, and false for all of it
            step.slot[j] = #map > 1 and (map[child.data] or j)
         end
      end
      list[i] = step
   end
   return shared(list)
end

local function plan(self)
   local found = plans[self]
   if found and found.of.forwardnodes == self.forwardnodes and found.of.backwardnodes == self.backwardnodes then
      return found
   end
   local function datas(nodes)
      local list = setmetatable({}, weak)
      for i, node in ipairs(nodes) do list[i] = node.data end
      return list
   end
   found = {
      of = setmetatable({ forwardnodes = self.forwardnodes, backwardnodes = self.backwardnodes }, weak),
      forward = steps(self, self.forwardnodes, true), backward = steps(self, self.backwardnodes, false),
      forwardData = datas(self.forwardnodes), backwardData = datas(self.backwardnodes),
      received = {}, inputs = self.nInputs, results = #self.outnode.data.mapindex,
   }
   plans[self] = found
   return found
end

-- Calls f(self, datas, step, a, b) for each step; with nngraph.setDebug, an error says at which node it came up.
local function run(self, nodes, list, datas, f, a, b)
   if not nngraph.debug then
      for i = 1, #list do f(self, datas, list[i], a, b) end
      return
   end
   for i = 1, #list do
      local ok, why = pcall(f, self, datas, list[i], a, b)
      if not ok then
         if type(why) == 'string' then why = string.format('%s\nat the %s', why, nodes[i]:describe()) end
         error(why, 0)
      end
   end
end

-- The input of a node: one value as it is, several as a table.
local function inputOf(data, several)
   if several then return data.input end
   return data.input[1]
end

-- The part of a table that a node stands for.
local function select_(step, value)
   if type(value) ~= 'table' or #value ~= step.parts then
      local what = type(value) == 'table' and 'a table of ' .. #value or 'a ' .. torch.type(value)
      error(string.format('nn.gModule: split(%d) cannot split %s', step.parts, what))
   end
   return value[step.part]
end

local function give(data, slot, value)
   local input = data.input
   if not input then
      input = {}
      data.input = input
   end
   input[slot] = value
end

local function evaluate(self, datas, step, f, input)
   local data = datas[step.place]
   local output
   if step.first then
      output = input
      give(data, 1, input)
   elseif step.last then
      return
   else
      output = inputOf(data, step.several)
      if step.part then output = select_(step, output) end
      local module = data.module
      if module then output = f(module, output) end
   end
   if self.verbose then print(' V : ' .. self.forwardnodes[step.place]:describe()) end
   local to, slot = step.to, step.slot
   for j = 1, step.uses do give(datas[to[j]], slot[j], output) end
end

local function evaluateAt(p, place, self, f, input) evaluate(self, p.forwardData, p.forward[place], f, input) end

local function updateOutput(module, input) return module:updateOutput(input) end

-- Whether nobody watches node by node.
local function plainly(self) return not nngraph.debug and not self.verbose and not torch._watched() end

-- Runs f(module, input) through the graph.
local function forwardThrough(self, f, input)
   if self.nInputs ~= 1 and (type(input) ~= 'table' or #input ~= self.nInputs) then
      error(string.format('nn.gModule: Got %s instead of %d inputs',
         type(input) == 'table' and #input .. ' inputs' or 'a ' .. torch.type(input), self.nInputs))
   end
   local p = plan(self)
   local list, datas = p.forward, p.forwardData
   if plainly(self) and f == updateOutput and fusion.ready(p) then
      fusion.forward(p, evaluateAt, self, f, input)
   else
      fusion.make(p)
      run(self, self.forwardnodes, list, datas, evaluate, f, input)
   end
   if self.verbose then print(' V : output') end
   local results = self.outnode.data.input
   if p.results == 1 then
      self.output = results[1]
   else
      local output = self.output
      if type(output) ~= 'table' then
         output = {}
         self.output = output
      end
      for i = 1, p.results do output[i] = results[i] end
      -- what a program put behind the results of the last pass
      for i = #output, p.results + 1, -1 do output[i] = nil end
   end
   return self.output
end

-- `f` is a function of a module and its input, or the name of a method.
function gModule:runForwardFunction(f, input)
   if type(f) == 'string' then
      local name = f
      f = function(module, x)
         if not module[name] then
            expect.fail(self, 'runForwardFunction: %s has no method %s', torch.type(module), name)
         end
         return module[name](module, x)
      end
   end
   return forwardThrough(self, f, input)
end

function gModule:updateOutput(input) return forwardThrough(self, updateOutput, input) end

-- Adds one more gradient to those that a node has got; `part` for the part of a split that it belongs to.
local function contribute(received, place, data, gradient, part)
   local all, count = data.gradOutput, received[place]
   if part then
      local parts = data.gradParts
      if not parts then
         parts = {}
         data.gradParts = parts
         for i = count, 1, -1 do all[i + 1] = all[i] end
         all[1] = parts
         received[place] = count + 1
      end
      parts[part] = gradient
   elseif gradient ~= nil then
      all[count + 1] = gradient
      received[place] = count + 1
   end
end

-- The sum of the gradients that a node has got; the only one as it is.
local function total(data, count)
   local all = data.gradOutput
   if count < 2 then return all[1] end
   local sum, a, b = data.gradOutputBuffer, all[1], all[2]
   local rest = 2
   if torch.isTensor(a) and torch.isTensor(b) and (sum == nil or torch.typename(sum) == torch.typename(a)) then
      sum = (sum or a.new()):add(a, 1, b)
      rest = 3
   else
      sum = nn.utils.recursiveCopy(sum, a)
   end
   data.gradOutputBuffer = sum
   for i = rest, count do nn.utils.recursiveAdd(sum, all[i]) end
   return sum
end

local function forgetGradients(_, datas, step, received)
   local data = datas[step.place]
   data.gradParts = nil
   local all = data.gradOutput
   if not all then
      all = {}
      data.gradOutput = all
   end
   for i = #all, 1, -1 do all[i] = nil end
   received[step.place] = 0
end

local function passBack(self, datas, step, received, gradOutput)
   local data = datas[step.place]
   if self.verbose then print(' V : ' .. self.backwardnodes[step.place]:describe()) end
   local gradient = gradOutput
   if not step.last then
      gradient = total(data, received[step.place])
      if step.first then self.gradInput = gradient end
      local module = data.module
      if module and not step.first then gradient = module:updateGradInput(inputOf(data, step.several), gradient) end
   end
   local to, slot, part = step.to, step.slot, step.part
   for j = 1, step.uses do
      local share, place = gradient, to[j]
      if slot[j] then share = gradient[slot[j]] end
      contribute(received, place, datas[place], share, part)
   end
end

local function backAt(p, place, self, gradOutput) passBack(self, p.backwardData, p.backward[place], p.received, gradOutput) end
local function forgetAt(p, place, self) forgetGradients(self, p.backwardData, p.backward[place], p.received) end

function gModule:updateGradInput(_, gradOutput)
   local p = plan(self)
   expect.forwardFirst(self, self.innode.data.input)
   if p.results > 1 and (type(gradOutput) ~= 'table' or #gradOutput ~= p.results) then
      error(string.format('nn.gModule: Got %s instead of %d gradOutputs',
         type(gradOutput) == 'table' and #gradOutput .. ' gradOutputs' or 'a ' .. torch.type(gradOutput), p.results))
   end
   local list, datas, received = p.backward, p.backwardData, p.received
   if plainly(self) and p.fusion then
      fusion.backward(p, backAt, forgetAt, total, contribute, self, gradOutput)
   else
      for i = 1, #list do forgetGradients(self, datas, list[i], received) end
      fusion.make(p)
      run(self, self.backwardnodes, list, datas, passBack, received, gradOutput)
   end
   return self.gradInput
end

local nothing = nn.Module.accGradParameters

local function accumulate(_, datas, step, scale)
   local data = datas[step.place]
   local module = data.module
   if not module then return end
   local f = module.accGradParameters
   if f == nothing then return end
   -- what the module's output got in updateGradInput
   local all = data.gradOutput
   f(module, inputOf(data, step.several), #all == 1 and all[1] or data.gradOutputBuffer, scale)
end

local function accumulateAt(p, place, self, scale) accumulate(self, p.backwardData, p.backward[place], scale) end

function gModule:accGradParameters(_, _, scale)
   local p = plan(self)
   expect.forwardFirst(self, self.innode.data.input)
   if not self.outnode.data.gradOutput then expect.fail(self, 'updateGradInput comes before accGradParameters') end
   if plainly(self) and p.fusion then
      fusion.accumulate(p, accumulateAt, self, scale)
   else
      run(self, self.backwardnodes, p.backward, p.backwardData, accumulate, scale)
   end
end

------------------------------------------------------------------------------------------ as a container

local kept = { 'input', 'gradOutput', 'gradOutputBuffer', 'gradParts' }
local function forget(self)
   if plans[self] then fusion.forget(plans[self]) end
   for _, node in ipairs(self.forwardnodes) do
      for _, field in ipairs(kept) do node.data[field] = nil end
   end
end

function gModule:clearState()
   forget(self)
   return parent.clearState(self)
end

-- The modules, and what nodes keep of the last pass, which is partly the same tensors.
function gModule:type(typename, cache)
   if not typename then return self._type end
   cache = cache or {}
   for _, module in ipairs(self.modules) do module:type(typename, cache) end
   for _, node in ipairs(self.forwardnodes) do
      for _, field in ipairs(kept) do node.data[field] = nn.utils.recursiveType(node.data[field], typename, cache) end
   end
   for _, field in ipairs { 'output', 'gradInput' } do
      self[field] = self[field] and nn.utils.recursiveType(self[field], typename, cache)
   end
   self._type = typename
   return self
end

function gModule:replace(f)
   local result, new = f(self), {}
   for i, module in ipairs(self.modules) do
      new[module] = new[module] or module:replace(f)
      self.modules[i] = new[module]
   end
   for _, node in ipairs(self.forwardnodes) do
      if node.data.module then node.data.module = new[node.data.module] end
   end
   return result
end

-- Calls f with each module and the one at the same place of another graph of the same build.
function gModule:map(other, f)
   if not torch.isTypeOf(other, 'nn.gModule') then
      expect.fail(self, 'map: a graph of the same build expected, got %s', expect.brief(other))
   end
   for i, node in ipairs(self.forwardnodes) do
      local twin = other.forwardnodes[i]
      if not twin or (node.data.module ~= nil) ~= (twin.data.module ~= nil) then
         expect.fail(self, 'map: the graphs are not built alike')
      end
      if node.data.module then f(node.data.module, twin.data.module) end
   end
end

require 'rekindle.takes'(gModule, ':', {
   map = 'other:value f:function', replace = 'f:function', runForwardFunction = 'f:function|string',
})

return gModule
