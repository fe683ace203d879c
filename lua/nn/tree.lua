-- Softmax by a tree of nodes: the log-probability of a node is the sum of those of the choices on the way from the root.
local define = require 'nn.define'
local expect = require 'nn.expect'

local SoftMaxTree, parent = torch.class('nn.SoftMaxTree', 'nn.Module')

------------------------------------------------------------------------------------------ the tree

local function fail(...) expect.fail('SoftMaxTree', ...) end

-- The parents in order, and how many children all of them have.
local function parentsOf(hierarchy)
   if torch.type(hierarchy) ~= 'table' or next(hierarchy) == nil then
      fail('a table from nodes to their children, as { [1] = torch.IntTensor{2, 3} }, expected as hierarchy, got %s',
         expect.brief(hierarchy))
   end
   local parents, total = {}, 0
   for id, children in pairs(hierarchy) do
      expect.whole('SoftMaxTree', id, 'a parent in the hierarchy', 1, 2 ^ 31 - 1)
      if not torch.isTensor(children) or children:dim() ~= 1 then
         fail('a vector of nodes expected as the children of node %d, got %s', id, expect.brief(children))
      end
      local double = children:double()
      local low, high = double:min(), double:max()
      if low < 1 or high >= 2 ^ 31 then
         fail('nodes from 1 on expected as the children of node %d, got %g', id, low < 1 and low or high)
      end
      parents[#parents + 1] = id
      total = total + children:nElement()
   end
   table.sort(parents)
   return parents, total
end

-- Fills the tables that go from parents to the rows of their children, and from children to their parents.
local function index(self, hierarchy, parents)
   local int, start, children = torch.IntTensor, 1, {}
   local highest = 0
   for i, id in ipairs(parents) do
      children[i] = hierarchy[id]:int()
      highest = math.max(highest, children[i]:max())
   end
   self.parentIds, self.childIds = int(parents), int(self.nChildNode)
   self.maxParentId, self.maxChildId = parents[#parents], highest
   self.maxNodeId = math.max(highest, self.maxParentId)
   self.parentChildren, self.childParent = int(self.maxParentId, 2):fill(-1), int(highest, 2):fill(-1)
   self.maxFamily = 0
   for i, id in ipairs(parents) do
      local n = children[i]:nElement()
      self.parentChildren[id][1], self.parentChildren[id][2] = start, n
      self.childIds:narrow(1, start, n):copy(children[i])
      for k = 1, n do
         local child = children[i][k]
         if self.childParent[child][1] > 0 then
            fail('node %d is a child of both node %d and node %d', child, self.childParent[child][1], id)
         end
         self.childParent[child][1], self.childParent[child][2] = id, k
      end
      start, self.maxFamily = start + n, math.max(self.maxFamily, n)
   end
   self.minNodeId = math.min(parents[1], self.childIds:min())
end

-- Demands that every parent hangs below the root, and measures the longest ways.
local function measure(self, parents)
   local root = self.rootId
   if root > self.maxParentId or self.parentChildren[root][1] < 1 then fail('the root, node %d, has no children', root) end
   if root <= self.maxChildId and self.childParent[root][1] > 0 then
      fail('the root, node %d, is a child of node %d', root, self.childParent[root][1])
   end
   local sizes, depths = { [root] = self.parentChildren[root][2] }, { [root] = 1 }
   for _, id in ipairs(parents) do
      -- up to what is known, and down again
      local way, at = {}, id
      while not sizes[at] do
         local up = at <= self.maxChildId and self.childParent[at][1] or -1
         if up < 1 or #way > #parents then fail('node %d, which has children, does not hang below the root, node %d', id, root) end
         way[#way + 1], at = at, up
      end
      for i = #way, 1, -1 do
         local node = way[i]
         sizes[node], depths[node], at = sizes[at] + self.parentChildren[node][2], depths[at] + 1, node
      end
   end
   self.maxFamilyPath, self.maxDept = 0, 0
   for _, id in ipairs(parents) do
      self.maxFamilyPath, self.maxDept = math.max(self.maxFamilyPath, sizes[id]), math.max(self.maxDept, depths[id])
   end
end

function SoftMaxTree:__init(inputSize, hierarchy, rootId, accUpdate, static, verbose)
   parent.__init(self)
   self.inputSize = expect.whole('SoftMaxTree', inputSize, 'the size of the input', 1)
   self.rootId = rootId == nil and 1 or expect.whole('SoftMaxTree', rootId, 'the root', 1)
   self.accUpdate, self.static = accUpdate, static ~= false
   local parents, total = parentsOf(hierarchy)
   self.nChildNode, self.nParentNode = total, #parents
   index(self, hierarchy, parents)
   measure(self, parents)
   if verbose then
      print(string.format('the tree has %d parents, %d children and %d leaves; its nodes go up to %d', #parents, total,
         total - #parents + 1, self.maxNodeId))
   end
   self.weight, self.gradWeight = nn.utils.parameter(total, self.inputSize)
   self.bias, self.gradBias = nn.utils.parameter(total)
   if accUpdate then self.gradWeight, self.gradBias = nil, nil end
   -- the parents that got gradients since the last zeroGradParameters, with the sum of their scales
   self.updates = {}
   self._multiBuffer, self._gradInput, self._gradTarget = torch.Tensor(), torch.Tensor(), torch.IntTensor()
   self.gradInput = { self._gradInput, self._gradTarget }
   self:reset()
end

function SoftMaxTree:reset(deviation)
   local bound = deviation and expect.number(self, deviation, 'the deviation') * math.sqrt(3) or 1 / math.sqrt(self.nChildNode * self.inputSize)
   self.weight:uniform(-bound, bound)
   self.bias:uniform(-bound, bound)
end

------------------------------------------------------------------------------------------ forward and backward

local function pair(self, input)
   expect.table(self, input, 'input', 2)
   return expect.tensor(self, input[1], 'input[1]', 2), expect.anyTensor(self, input[2], 'input[2]', 1)
end

-- What was done to the fields, which are the program's too.
local function updates(self) return expect.table(self, self.updates, 'the field updates') end
local function number(self, field) return expect.number(self, self[field], 'the field ' .. field) end

function SoftMaxTree:updateOutput(input) return self:paths(pair(self, input)) end

function SoftMaxTree:updateGradInput(input, gradOutput)
   local x, target = pair(self, input)
   if not self.gradInput then return end
   expect.gradOutput(self, gradOutput, self.output)
   self:inputGradient(x, target, gradOutput)
   -- nodes have no gradient
   if torch.typename(self._gradTarget) ~= torch.typename(target) then self._gradTarget = target.new() end
   self._gradTarget:resizeAs(target):zero()
   self.gradInput = { self._gradInput, self._gradTarget }
   return self.gradInput
end

function SoftMaxTree:accGradParameters(input, gradOutput, scale)
   local x, target = pair(self, input)
   expect.gradOutput(self, gradOutput, self.output)
   if not self.gradWeight then
      expect.fail(self, 'made with accUpdate, it has no gradients of its parameters; use backwardUpdate')
   end
   scale = scale or 1
   local sums = updates(self)
   for _, id in ipairs(self:accumulate(x, target, gradOutput, scale)) do sums[id] = (sums[id] or 0) + scale end
end

-- Sharing needs no detour through the gradients here.
SoftMaxTree.sharedAccUpdateGradParameters = SoftMaxTree.defaultAccUpdateGradParameters

------------------------------------------------------------------------------------------ parameters

local function rowsOf(self, id)
   local known = type(id) == 'number' and id % 1 == 0 and id >= 1 and id <= number(self, 'maxParentId') and self.parentChildren[id]
   if not known or known[1] < 1 then expect.fail(self, 'a node with children expected, got %s', expect.brief(id)) end
   return known[1], known[2]
end

-- The rows of a node's children: { weight, bias }, { gradWeight, gradBias }.
function SoftMaxTree:getNodeParameters(id)
   local first, n = rowsOf(self, id)
   local function part(names)
      local list = {}
      for i, name in ipairs(names) do list[i] = self[name]:narrow(1, first, n) end
      return list
   end
   if not self.gradWeight then return part { 'weight', 'bias' } end
   return part { 'weight', 'bias' }, part { 'gradWeight', 'gradBias' }
end

-- The parents that got gradients, or all of them where none did.
local function touched(self)
   local list = {}
   for id in pairs(updates(self)) do list[#list + 1] = id end
   table.sort(list)
   return #list > 0 and list or self.parentIds:totable(), #list > 0
end

-- What the parents have, with `static` by numbers that stay the same from batch to batch, otherwise as a list.
function SoftMaxTree:parameters()
   local ids, some = touched(self)
   if not some and not self.static then return { self.weight, self.bias }, { self.gradWeight, self.gradBias } end
   local values, gradients = {}, {}
   for i, id in ipairs(ids) do
      local value, gradient = self:getNodeParameters(id)
      local at, after = 2 * i - 1, 2 * i
      if self.static then at, after = id, id + self.maxParentId end
      values[at], values[after] = value[1], value[2]
      if gradient then gradients[at], gradients[after] = gradient[1], gradient[2] end
   end
   return values, gradients, {}, number(self, 'nChildNode') * 2
end

function SoftMaxTree:updateParameters(rate)
   if self.accUpdate then expect.fail(self, 'made with accUpdate, its parameters learn in backwardUpdate alone') end
   expect.number(self, rate, 'the learning rate')
   local values, gradients = self:parameters()
   for key, value in pairs(values) do value:add(-rate, gradients[key]) end
end

function SoftMaxTree:zeroGradParameters()
   local _, gradients = self:parameters()
   for _, gradient in pairs(gradients) do gradient:zero() end
   -- the table itself may be shared with copies
   for id in pairs(updates(self)) do self.updates[id] = nil end
end

function SoftMaxTree:maxNorm(most)
   if not most then return end
   for _, value in pairs((self:parameters())) do
      if value:dim() == 2 then value:renorm(2, 1, most) end
   end
end

-- Gradients with momentum, for package dpnn: those of the parents that got gradients, by the numbers of `parameters`.
function SoftMaxTree:momentumGradParameters()
   if self.accUpdate then expect.fail(self, 'made with accUpdate, it has no gradients, and no momentum') end
   if not self.momGradParams or #self.momGradParams == 0 then
      self.momGradParams = { nn.utils.zerosLike(self.gradWeight), nn.utils.zerosLike(self.gradBias) }
   end
   local ids, some = touched(self)
   if not self.static or not some then return self.momGradParams end
   local list = {}
   for _, id in ipairs(ids) do
      local first, n = rowsOf(self, id)
      list[id] = self.momGradParams[1]:narrow(1, first, n)
      list[id + self.maxParentId] = self.momGradParams[2]:narrow(1, first, n)
   end
   return list
end

-- The tree stays what it is; only where it lies goes with the weights.
local TREE = { 'parentIds', 'childIds', 'parentChildren', 'childParent' }
function SoftMaxTree:type(typename, cache)
   if not typename then return parent.type(self) end
   expect.machine(self, typename)
   local tree = {}
   for _, name in ipairs(TREE) do tree[name], self[name] = self[name], nil end
   self._gradTarget = nil
   parent.type(self, typename, cache)
   local int = torch._beside(self.weight, 'Int')
   for name, table in pairs(tree) do self[name] = table:type(int) end
   self._gradTarget = torch.getconstructortable(int)()
   self.gradInput = self.gradInput and { self._gradInput, self._gradTarget }
   return self
end

function SoftMaxTree:clearState()
   nn.utils.clear(self, 'output', '_multiBuffer', '_gradInput', '_gradTarget')
   return self
end

function SoftMaxTree:__tostring__()
   return string.format('%s(%d, %d nodes)', torch.type(self), self.inputSize, self.nChildNode)
end

do
   -- The mean of the negated outputs of nn.SoftMaxTree, which knows the targets: here they count for nothing.
   local Criterion = define('TreeNLLCriterion', { parent = 'nn.Criterion' })
   local function rows(self, input)
      expect.tensor(self, input, 'input', 1, 2)
      return input:dim() == 1 and input or input:select(2, 1)
   end
   function Criterion:updateOutput(input)
      self.output = -rows(self, input):mean()
      return self.output
   end
   function Criterion:updateGradInput(input)
      local n = rows(self, input):size(1)
      rows(self, self.gradInput:resizeAs(input):zero()):fill(-1 / n)
      return self.gradInput
   end
end
