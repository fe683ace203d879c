-- Groups of elementwise nodes of a graph, each run as one program: what lies between its modules is neither written nor read.
-- Programs see no difference: the fields that a pass left out are made when somebody reads them.
local feedback = require 'nngraph.fusion.feedback'
local fields = require 'nngraph.fusion.fields'
local groups = require 'nngraph.fusion.groups'
local kinds = require 'nngraph.fusion.kinds'
local programs = require 'nngraph.fusion.programs'
local run = require('rekindle.native').functions.fusion.run
local fusion = {}

-- Times that groups are looked for anew, as sizes change, and that fields are asked for, after which a graph is run node by
-- node for good.
local TRIES = 16

-- The nodes of a list in an order in which those of a group come together: places, and groups.
local function contracted(steps, group_at)
   local before = {}
   for i in ipairs(steps) do before[i] = {} end
   for i, step in ipairs(steps) do
      for j = 1, step.uses do table.insert(before[step.to[j]], i) end
   end
   local done, list, left = {}, {}, #steps
   local function ready(places, group)
      for _, i in ipairs(places) do
         for _, j in ipairs(before[i]) do
            if not done[j] and not (group and group_at[j] == group) then return false end
         end
      end
      return true
   end
   while left > 0 do
      local count = left
      for i in ipairs(steps) do
         local group = group_at[i]
         local places = not done[i] and (group and group.members or { i })
         if places and ready(places, group) then
            for _, j in ipairs(places) do done[j] = true end
            list[#list + 1] = group or i
            left = left - #places
         end
      end
      -- as a graph without cycles has none, this does not come up
      if left == count then return nil end
   end
   return list
end

-- Groups, by place, of a list of nodes.
local function by_place(list, of, place)
   local at = {}
   for _, group in ipairs(list) do
      group.members = {}
      for _, node in ipairs(group.nodes) do
         local i = place and place[of[node.place]] or node.place
         at[i] = group
         table.insert(group.members, i)
      end
      table.sort(group.members)
   end
   return at
end

-- Looks for groups in a graph that was run once node by node; what is found stands in `p.fusion`.
local function prepare(p)
   p.asked = (p.asked or 0) + 1
   p.fusion = nil
   if p.asked > TRIES then return end
   local list = {}
   for _, group in ipairs(groups.find(p.forward, p.forwardData)) do
      if programs.make(group, p.forward, p.forwardData) then list[#list + 1] = group end
   end
   if #list == 0 then return end
   local back = {}
   for i, data in ipairs(p.backwardData) do back[data] = i end
   local found = { groups = list, first = contracted(p.forward, by_place(list, p.forwardData)) }
   for _, group in ipairs(list) do
      group.places = group.members
      for _, operand in ipairs(group.operands) do operand.back = back[p.forwardData[operand.producer]] end
      for _, node in ipairs(group.leaving) do node.back = back[p.forwardData[node.place]] end
      fields.remember(p, group)
   end
   local group_at = by_place(list, p.forwardData, back)
   found.last = contracted(p.backward, group_at)
   -- nodes that have gradients in a pass by groups, and those whose modules may have parameters
   found.receiving, found.alone = {}, {}
   for _, group in ipairs(list) do
      group.interior = {}
      for _, i in ipairs(group.members) do group.interior[i] = true end
      for _, node in ipairs(group.leaving) do group.interior[node.back] = nil end
   end
   for i in ipairs(p.backward) do
      local group = group_at[i]
      if not group then table.insert(found.alone, i) end
      if not group or not group.interior[i] then table.insert(found.receiving, i) end
   end
   if not found.first or not found.last then return end
   found.feedback = feedback.pairs(p, list, found.first)
   p.fusion = found
end

-- Whether classes and modules are as when the programs were made. Modules of a lazy group tell when a program gives them
-- what they did not have.
local function as_planned(p, group)
   local datas = p.forwardData
   for _, kind in ipairs(group.kinds) do
      if not kinds.unchanged(kind) then return false end
   end
   if group.lazy then
      if group.changed then return false end
      for _, setting in ipairs(group.settings) do
         if datas[setting.place].module[setting.field] ~= setting.value then return false end
      end
      return true
   end
   for i, node in ipairs(group.nodes) do
      local module = datas[node.place].module
      if module then
         if not kinds.ordinary(module) then return false end
         for k, field in ipairs(node.kind.fields) do
            if module[field] ~= group.expected[i][k] then return false end
         end
      end
   end
   return true
end

-- Whether a tensor is a matrix of the group's type and rows.
local function fits(group, x, width)
   return torch.typename(x) == group.typename and x:dim() == 2 and x:size(1) == group.rows and x:size(2) == width
end

-- Whether a tensor has these sizes: asked in each pass, and compiled, as a call with a list of arguments is not.
local function has_sizes(x, sizes)
   if x:dim() ~= #sizes then return false end
   for i = 1, #sizes do
      if x:size(i) ~= sizes[i] then return false end
   end
   return true
end

-- Adds tensors of a group to a list that has `count`: those of `tensors`, made where they are not yet, of the sizes of `values`.
local function add_results(group, list, count, tensors, values)
   for i, value in ipairs(values) do
      local y = tensors[i]
      if torch.typename(y) ~= group.typename then
         y = torch.getconstructortable(group.typename)()
         tensors[i] = y
      end
      local sizes = (value.of or value).sizes
      if not has_sizes(y, sizes) then y:resize(unpack(sizes)) end
      list[count + i] = y
   end
end

-- Runs a group forward; false where it is not as planned, and nothing was done.
local function forward(p, group)
   local datas = p.forwardData
   fields.take(p, group)
   local inputs, outputs = group.inputs or {}, group.outputs or {}
   group.inputs, group.outputs, group.went_back = inputs, outputs, false
   for i, operand in ipairs(group.operands) do
      local x = datas[operand.place].input[operand.slot]
      if not fits(group, x, operand.width) then return false end
      inputs[i] = x
   end
   if not as_planned(p, group) then return false end
   for i, node in ipairs(group.stored) do
      local module = datas[node.place].module
      local y = rawget(module, 'output')
      if torch.typename(y) ~= group.typename then return false end
      if not has_sizes(y, node.value.sizes) then y:resize(unpack(node.value.sizes)) end
      outputs[i] = y
   end
   add_results(group, outputs, #group.stored, group.copies, group.kept)
   fields.leave(p, group)
   run(inputs, group.forward, group.rows, group.unit, outputs)
   for _, node in ipairs(group.stored) do
      if node.leaves then
         local step, output = p.forward[node.place], datas[node.place].module.output
         for j = 1, step.uses do
            local to = step.to[j]
            if not group.inside[to] then
               local data = datas[to]
               data.input = data.input or {}
               data.input[step.slot[j]] = output
            end
         end
      end
   end
   return true
end

-- Runs a group back; false where that cannot be, and nothing was done. `total(data, count)` gives the gradient that a node
-- has got, `contribute` takes one on.
local function backward(p, group, received, total, contribute)
   if not group.lazy or not as_planned(p, group) then return false end
   local datas, operands = p.forwardData, #group.operands
   local grads, list = {}, group.list or {}
   group.received, group.list = grads, list
   for i, node in ipairs(group.leaving) do
      local g = total(datas[node.place], received[node.back])
      if torch.typename(g) ~= group.typename or g:nElement() ~= group.rows * node.value.width then return false end
      grads[i], list[i] = g, g
   end
   local n = #grads
   for i, node in ipairs(group.stored) do list[n + i] = datas[node.place].module.output end
   n = n + #group.stored
   for i = 1, operands do list[n + i] = group.inputs[i] end
   local results = group.results or {}
   group.results = results
   add_results(group, results, 0, results, group.gradients)
   add_results(group, results, #group.gradients, group.copiesBack, group.keptBack)
   run(list, group.backward, group.rows, group.unit, results)
   for i, output in ipairs(group.gradients) do
      for _, operand in ipairs(output.operands) do
         contribute(received, operand.back, datas[operand.producer], results[i])
      end
   end
   group.went_back = true
   return true
end

-- Whether a plan has groups for the pass to come. The first pass, and each one after sizes changed, is by nodes.
function fusion.ready(p)
   if p.stale then fusion.forget(p) end
   if not p.fusion and p.ran and (p.asked or 0) < TRIES then prepare(p) end
   p.ran = true
   return p.fusion ~= nil
end

-- Runs f(p, place, ...) for each node of a plan that is ready, and programs for its groups. Here and below, arguments are passed on
-- because a function made in each pass would keep its loops from being compiled. `input` is that of the graph.
function fusion.forward(p, f, a, b, input)
   if #p.fusion.feedback > 0 and feedback.found(p, input) then
      for _, group in ipairs(p.fusion.groups) do fields.restore(p, group) end
      for place in ipairs(p.forward) do f(p, place, a, b, input) end
      return
   end
   for _, item in ipairs(p.fusion.first) do
      if type(item) == 'number' then
         f(p, item, a, b, input)
      elseif not forward(p, item) then
         p.stale = true
         fields.restore(p, item)
         for _, place in ipairs(item.places) do f(p, place, a, b, input) end
      end
   end
   p.stale = p.stale or p.asked > TRIES
end

-- The same backward, with a and b passed on. `forget(p, place, a)` lets go of the gradients that a node has got.
function fusion.backward(p, f, forget, total, contribute, a, b)
   for _, place in ipairs(p.fusion.receiving) do forget(p, place, a) end
   for _, item in ipairs(p.fusion.last) do
      if type(item) == 'number' then
         f(p, item, a, b)
      else
         if not item.forgotten then
            for place in pairs(item.interior) do forget(p, place, a) end
         end
         item.forgotten = backward(p, item, p.received, total, contribute)
         if not item.forgotten then
            fields.make(p, item)
            for _, place in ipairs(item.members) do f(p, place, a, b) end
         end
      end
   end
end

-- Calls f(p, place, a, b) for each node whose module may have gradients of parameters to add to.
function fusion.accumulate(p, f, a, b)
   for _, group in ipairs(p.fusion.groups) do
      if not group.lazy or group.changed then
         for i in ipairs(p.backward) do f(p, i, a, b) end
         return
      end
   end
   for _, place in ipairs(p.fusion.alone) do f(p, place, a, b) end
end

-- Every module as in other graphs, with all of its fields.
function fusion.make(p)
   for _, group in ipairs(p.fusion and p.fusion.groups or {}) do fields.make(p, group) end
end

-- Every module as in other graphs, with what was written; groups are looked for anew.
function fusion.forget(p)
   for _, group in ipairs(p.fusion and p.fusion.groups or {}) do fields.restore(p, group) end
   p.fusion, p.ran, p.stale = nil, false, false
end

return fusion
