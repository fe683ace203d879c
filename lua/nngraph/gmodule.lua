-- nn.gModule: the module of a graph, from its input nodes to its output nodes.
--
-- Two nodes are added: one that all inputs come from (split when there are several), and one that all outputs go to.
-- `bg` is the graph as it was built, each node pointing to its inputs, and `fg` the reverse. `forwardnodes` and
-- `backwardnodes` are the orders of computation; the fields are those of Torch7, so that its files run.
local build = require 'nngraph.build'
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

-- Calls f for each node; with nngraph.setDebug, an error says at which node it came up.
local function eachNode(self, nodes, f)
   for _, node in ipairs(nodes) do
      if not nngraph.debug then
         f(self, node)
      else
         local ok, why = pcall(f, self, node)
         if not ok then
            if type(why) == 'string' then why = string.format('%s\nat the %s', why, node:describe()) end
            error(why, 0)
         end
      end
   end
end

-- The input of a node: one value as it is, several as a table.
local function inputOf(data)
   local input = data.input
   if #data.mapindex > 1 then return input end
   return input[1]
end

-- The part of a table that a node stands for.
local function select_(data, value, parts)
   if type(value) ~= 'table' or #value ~= parts then
      local what = type(value) == 'table' and 'a table of ' .. #value or 'a ' .. torch.type(value)
      error(string.format('nn.gModule: split(%d) cannot split %s', parts, what), 0)
   end
   return value[data.selectindex]
end

-- Runs f(module, input) through the graph.
local function forwardThrough(self, f, input)
   local graphIn, graphOut = self.innode.data, self.outnode.data
   if self.nInputs ~= 1 and (type(input) ~= 'table' or #input ~= self.nInputs) then
      error(string.format('nn.gModule: Got %s instead of %d inputs',
         type(input) == 'table' and #input .. ' inputs' or 'a ' .. torch.type(input), self.nInputs), 0)
   end
   local function evaluate(self, node)
      local data = node.data
      local output
      if data == graphIn then
         output = input
         data.input = data.input or {}
         data.input[1] = input
      elseif data == graphOut then
         return
      else
         output = inputOf(data)
         if data.selectindex then output = select_(data, output, data.mapindex[1].nSplitOutputs) end
         if data.module then output = f(data.module, output) end
      end
      if self.verbose then print(' V : ' .. node:describe()) end
      for _, child in ipairs(node.children) do
         local into = child.data
         into.input = into.input or {}
         into.input[into.mapindex[data]] = output
      end
   end
   eachNode(self, self.forwardnodes, evaluate)
   if self.verbose then print(' V : output') end
   local results = graphOut.input
   if #graphOut.mapindex == 1 then
      self.output = results[1]
   else
      if type(self.output) ~= 'table' then self.output = {} end
      for i = 1, #graphOut.mapindex do self.output[i] = results[i] end
   end
   return self.output
end

-- `f` is a function of a module and its input, or the name of a method.
function gModule:runForwardFunction(f, input)
   if type(f) == 'string' then
      local name = f
      f = function(module, x) return module[name](module, x) end
   end
   return forwardThrough(self, f, input)
end

local function updateOutput(module, input) return module:updateOutput(input) end
function gModule:updateOutput(input) return forwardThrough(self, updateOutput, input) end

-- Adds one more gradient to those that a node has got; `part` for the part of a split that it belongs to.
local function contribute(data, gradient, part)
   local all = data.gradOutput
   if not part then
      all[#all + 1] = gradient
      return
   end
   if not data.gradParts then
      data.gradParts = {}
      table.insert(all, 1, data.gradParts)
   end
   data.gradParts[part] = gradient
end

-- The sum of the gradients that a node has got.
local function total(data)
   local all = data.gradOutput
   if #all == 1 then return all[1] end
   local sum = nn.utils.recursiveCopy(data.gradOutputBuffer, all[1])
   data.gradOutputBuffer = sum
   for i = 2, #all do nn.utils.recursiveAdd(sum, all[i]) end
   return sum
end

local function passBack(self, node, gradient)
   local map = node.data.mapindex
   for i, child in ipairs(node.children) do
      local share = gradient
      if #map > 1 then share = gradient[map[child.data] or i] end
      contribute(child.data, share, node.data.selectindex)
   end
end

function gModule:updateGradInput(_, gradOutput)
   local graphIn, graphOut, wanted = self.innode.data, self.outnode.data, #self.outnode.data.mapindex
   if wanted > 1 and (type(gradOutput) ~= 'table' or #gradOutput ~= wanted) then
      error(string.format('nn.gModule: Got %s instead of %d gradOutputs',
         type(gradOutput) == 'table' and #gradOutput .. ' gradOutputs' or 'a ' .. torch.type(gradOutput), wanted), 0)
   end
   for _, node in ipairs(self.backwardnodes) do
      local data = node.data
      data.gradParts = nil
      data.gradOutput = data.gradOutput or {}
      for i = #data.gradOutput, 1, -1 do data.gradOutput[i] = nil end
   end
   eachNode(self, self.backwardnodes, function(_, node)
      local data = node.data
      if self.verbose then print(' V : ' .. node:describe()) end
      if data == graphOut then return passBack(self, node, gradOutput) end
      local gradient = total(data)
      if data == graphIn then
         self.gradInput = gradient
      else
         if data.module then gradient = data.module:updateGradInput(inputOf(data), gradient) end
         passBack(self, node, gradient)
      end
   end)
   return self.gradInput
end

-- What each module's output got in updateGradInput.
local function received(data)
   return #data.gradOutput == 1 and data.gradOutput[1] or data.gradOutputBuffer
end

function gModule:accGradParameters(_, _, scale)
   eachNode(self, self.backwardnodes, function(_, node)
      local data = node.data
      if data.module then data.module:accGradParameters(inputOf(data), received(data), scale) end
   end)
end

------------------------------------------------------------------------------------------ as a container

local kept = { 'input', 'gradOutput', 'gradOutputBuffer', 'gradParts' }
local function forget(self)
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
   for i, node in ipairs(self.forwardnodes) do
      local twin = other.forwardnodes[i]
      if not twin or (node.data.module ~= nil) ~= (twin.data.module ~= nil) then
         error('nn.gModule:map: the graphs are not built alike', 2)
      end
      if node.data.module then f(node.data.module, twin.data.module) end
   end
end

return gModule
