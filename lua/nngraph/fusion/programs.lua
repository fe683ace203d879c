-- The programs of a group: forward, and back. What a backward pass reads is written by the forward pass, into the outputs of
-- the modules; everything else stays in registers. Each program also copies what fields that are made later are computed from,
-- where it is a tensor that the user may have written into by then: an input of the graph, an output, a gradient.
local kinds = require 'nngraph.fusion.kinds'
local new = require('rekindle.native').functions['fusion.programs'].new
local CODES = kinds.codes
local programs = {}

-- The most steps of a program, as in src/nn/fusion.rs.
local MOST = 256

local Builder = {}
Builder.__index = Builder

-- `base(builder, value, block)` gives the register of a block of an operand or a node.
local function builder(unit, base) return setmetatable({ steps = {}, loaded = {}, unit = unit, base = base }, Builder) end

-- Adds a step; its register.
function Builder:step(name, a, b, constant)
   local register = #self.steps
   self.steps[register + 1] = { CODES[name], register, a or 0, b or 0, constant or 0 }
   return register
end

function Builder:load(input, block)
   local key = input * 2 ^ 20 + block
   local register = self.loaded[key] or self:step('load', input, block)
   self.loaded[key] = register
   return register
end

function Builder:store(output, register, block)
   self.steps[#self.steps + 1] = { CODES.store, output, register, block, 0 }
end

-- Block k, from 0, of a value, which may be some columns of another.
function Builder:value(value, k) return self:base(value.from, value.columns / self.unit + k) end

local function blocks(value, unit) return value.width / unit end

-- The nodes whose outputs are written: those that others take, and those that the backward pass reads.
local function stored_nodes(group, steps)
   local stored = {}
   local function keep(value)
      if value.from.node then stored[value.from.node] = true end
   end
   for _, node in ipairs(group.nodes) do
      for j = 1, steps[node.place].uses do
         if not group.inside[steps[node.place].to[j]] then
            stored[node.place], node.leaves = true, true
         end
      end
      if node.kind.needs == 'output' then stored[node.place] = true end
      if node.kind.needs == 'inputs' then for _, arg in ipairs(node.args) do keep(arg) end end
   end
   local list = {}
   for _, node in ipairs(group.nodes) do
      -- which of the outputs it is
      node.stored = stored[node.place] and #list + 1
      if node.stored then list[#list + 1] = node end
   end
   return list
end

-- Whether what a node gives, or the gradient that it gets, may be in the hands of the program that runs the graph: it is the
-- graph's own, or that of a module which may pass on what it is given.
local function open(group, steps, datas, place)
   local step = steps[place]
   for j = 1, step.uses do
      local to = step.to[j]
      if steps[to].last or not group.inside[to] and not kinds.owns(datas[to].module) then return true end
   end
   return not group.inside[place] and not kinds.owns(datas[place].module)
end

-- A list of values to copy, and what adds to it a value of which some is read.
local function copying()
   local list, has = {}, {}
   return list, function(value)
      local base = value.from
      if base.open and not has[base] then
         has[base] = true
         list[#list + 1] = { of = base }
      end
   end
end

-- Adds the steps that write copies, behind `count` other outputs: of values, and of gradients that come from outside.
local function store_copies(b, count, kept)
   for i, copy in ipairs(kept) do
      for k = 0, blocks(copy.of, b.unit) - 1 do
         b:store(count + i - 1, copy.gradient and b:load(copy.gradient - 1, k) or b:value(copy.of, k), k)
      end
   end
end

local function forward(group, datas)
   local registers = {}
   local b = builder(group.unit, function(self, base, block)
      if base.operand then return self:load(base.operand - 1, block) end
      return registers[base.node][block]
   end)
   local output = {}
   for i, node in ipairs(group.stored) do output[node] = i - 1 end
   for _, node in ipairs(group.nodes) do
      if node.kind.forward then
         local own = {}
         registers[node.place] = own
         for k = 0, blocks(node.value, group.unit) - 1 do
            own[k] = node.kind.forward(b, datas[node.place].module, node.args, k)
            if output[node] then b:store(output[node], own[k], k) end
         end
      end
   end
   local kept, keep = copying()
   for _, node in ipairs(group.nodes) do
      for _, arg in ipairs(not node.stored and node.args or {}) do keep(arg) end
   end
   store_copies(b, #group.stored, kept)
   group.kept = kept
   return b
end

-- Gradients so far, by the value that they are of and block.
local function adder(b)
   local sums = {}
   return sums, function(value, k, register)
      local base, block = value.from, value.columns / b.unit + k
      local of = sums[base]
      if not of then
         of = {}
         sums[base] = of
      end
      of[block] = of[block] and b:step('add', of[block], register) or register
   end
end

-- Groups of operands that get one gradient: those of linear layers read it alone.
local function gradient_outputs(group, sums, b, datas)
   local outputs, same = {}, {}
   for _, operand in ipairs(group.operands) do
      local registers = {}
      for k = 0, operand.width / group.unit - 1 do
         registers[k + 1] = (sums[operand.value] or {})[k] or b:step('zero')
      end
      local reads = datas[operand.producer].module
      local key = torch.typename(reads) == 'nn.Linear' and table.concat(registers, ' ')
      local output = key and same[key]
      if not output then
         output = { sizes = { group.rows, operand.width }, registers = registers, operands = {} }
         outputs[#outputs + 1] = output
         if key then same[key] = output end
      end
      table.insert(output.operands, operand)
   end
   for i, output in ipairs(outputs) do
      for k, register in ipairs(output.registers) do b:store(i - 1, register, k - 1) end
   end
   return outputs
end

local function backward(group, datas)
   -- inputs: the gradients of what leaves the group, then the stored outputs, then the operands
   local leaving, place_of = {}, {}
   for _, node in ipairs(group.nodes) do
      if node.leaves then leaving[#leaving + 1] = node end
   end
   for i, node in ipairs(group.stored) do place_of[node.place] = #leaving + i - 1 end
   local b = builder(group.unit, function(self, base, block)
      if base.operand then return self:load(#leaving + #group.stored + base.operand - 1, block) end
      return self:load(place_of[base.node], block)
   end)
   local sums, add = adder(b)
   for i, node in ipairs(leaving) do
      for k = 0, blocks(node.value, group.unit) - 1 do add(node.value, k, b:load(i - 1, k)) end
   end
   for i = #group.nodes, 1, -1 do
      local node = group.nodes[i]
      if node.kind.forward then
         for k = 0, blocks(node.value, group.unit) - 1 do
            local g = (sums[node.value] or {})[k] or b:step('zero')
            local y = node.kind.needs == 'output' and b:value(node.value, k)
            local gradients = node.kind.backward(b, datas[node.place].module, node.args, k, y, g)
            for j, arg in ipairs(node.args) do add(arg, k, gradients[j]) end
         end
      end
   end
   group.leaving, group.gradients = leaving, gradient_outputs(group, sums, b, datas)
   local kept, keep = copying()
   for _, node in ipairs(group.nodes) do
      if node.kind.needs == 'output' then keep(node.value) end
      for _, arg in ipairs(node.kind.needs == 'inputs' and node.args or {}) do keep(arg) end
   end
   for i, node in ipairs(leaving) do
      if node.value.open then kept[#kept + 1] = { of = node.value, gradient = i } end
   end
   store_copies(b, #group.gradients, kept)
   group.keptBack = kept
   return b
end

-- Completes a group of `groups.find` with the steps of its programs; false where they would be too many.
function programs.make(group, steps, datas)
   if group.unit < 1 or group.unit ~= math.floor(group.unit) then return false end
   local count = 0
   for _, node in ipairs(group.nodes) do count = count + blocks(node.value, group.unit) end
   if count > MOST / 2 then return false end
   group.stored = stored_nodes(group, steps)
   for _, operand in ipairs(group.operands) do operand.value.open = open(group, steps, datas, operand.producer) end
   for _, node in ipairs(group.stored) do node.value.open = open(group, steps, datas, node.place) end
   local there, back = forward(group, datas), backward(group, datas)
   if #there.steps > MOST or #back.steps > MOST then return false end
   group.steps = { forward = there.steps, backward = back.steps }
   return true
end

-- The sizes of outputs, in rows of the same length.
local function sizes_of(outputs)
   local list, most = {}, 0
   for i, output in ipairs(outputs) do
      list[i] = { unpack((output.of or output).sizes) }
      most = math.max(most, #list[i])
   end
   for _, sizes in ipairs(list) do
      for k = #sizes + 1, most do sizes[k] = 0 end
   end
   return list
end

local function concatenated(...)
   local list = {}
   for _, part in ipairs { ... } do
      for _, v in ipairs(part) do list[#list + 1] = v end
   end
   return list
end

-- The programs of a group, with the sizes of what they read and write.
function programs.of(group)
   local stored, grads, operands, rest = {}, {}, {}, {}
   local function width(value) return blocks(value, group.unit) end
   for i, node in ipairs(group.stored) do stored[i], rest[i] = node.value, { width(node.value), 0 } end
   for i, node in ipairs(group.leaving) do grads[i] = { width(node.value), 0 } end
   for i, operand in ipairs(group.operands) do operands[i] = { width(operand), 1 } end
   local function program(steps, inputs, outputs)
      return new(torch.DoubleTensor(steps), group.rows, group.unit, torch.LongTensor(inputs), torch.LongTensor(sizes_of(outputs)))
   end
   return {
      forward = program(group.steps.forward, operands, concatenated(stored, group.kept)),
      backward = program(group.steps.backward, concatenated(grads, rest, operands), concatenated(group.gradients, group.keptBack)),
   }
end

return programs
