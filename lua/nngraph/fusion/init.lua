-- Groups of elementwise nodes of a graph, each run as one program: what lies between its modules is neither written nor read.
-- Programs see no difference: the fields that a pass left out are made when somebody reads them.
local feedback = require 'nngraph.fusion.feedback'
local fields = require 'nngraph.fusion.fields'
local groups = require 'nngraph.fusion.groups'
local kinds = require 'nngraph.fusion.kinds'
local programs = require 'nngraph.fusion.programs'
local shared = require 'nngraph.shared'
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

-- Gives a plan its groups, those of its clones where they are equal, and what it has of each on its own.
local function share(p, found)
   p.fusion, p.states = shared(found, kinds.all), {}
   for i, group in ipairs(p.fusion.groups) do
      group.programs = group.programs or programs.of(group)
      p.states[i] = fields.state(p, group)
   end
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
   for i, group in ipairs(list) do group.index = i end
   local found = { groups = list, first = contracted(p.forward, by_place(list, p.forwardData)) }
   for _, group in ipairs(list) do
      group.places = group.members
      for _, operand in ipairs(group.operands) do operand.back = back[p.forwardData[operand.producer]] end
      for _, node in ipairs(group.leaving) do node.back = back[p.forwardData[node.place]] end
      fields.describe(p, group)
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
   share(p, found)
end

-- Whether classes and modules are as when the programs were made. Modules of a lazy group tell when a program gives them
-- what they did not have.
local function as_planned(p, group)
   local datas, state = p.forwardData, p.states[group.index]
   for _, kind in ipairs(group.kinds) do
      if not kinds.unchanged(kind) then return false end
   end
   if state.lazy then
      if state.changed then return false end
      for _, setting in ipairs(state.settings) do
         if datas[setting.place].module[setting.field] ~= setting.value then return false end
      end
      return true
   end
   for i, node in ipairs(group.nodes) do
      local module = datas[node.place].module
      if module then
         if not kinds.ordinary(module) then return false end
         for k, field in ipairs(node.kind.fields) do
            if module[field] ~= state.expected[i][k] then return false end
         end
      end
   end
   return true
end

-- Adds tensors of a group to a list that has `count`: those of `tensors`, as many as there are `values`, made where they are not.
local function add_results(group, list, count, tensors, values)
   for i = 1, #values do
      local y = tensors[i]
      if torch.typename(y) ~= group.typename then
         y = torch.getconstructortable(group.typename)()
         tensors[i] = y
      end
      list[count + i] = y
   end
end

-- Gives the outputs of a group to the nodes that take them.
local function pass_on(p, group)
   local datas, outputs = p.forwardData, p.states[group.index].outputs
   for _, node in ipairs(group.leaving) do
      local step, output = p.forward[node.place], outputs[node.stored]
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

-- Runs a group forward; false where it is not as planned, and nothing was done.
local function forward(p, group)
   local datas, state, typename = p.forwardData, p.states[group.index], group.typename
   fields.take(p, group)
   if not as_planned(p, group) then return false end
   local inputs, outputs = state.inputs, state.outputs
   state.went_back = false
   for i, operand in ipairs(group.operands) do
      local x = datas[operand.place].input[operand.slot]
      if torch.typename(x) ~= typename then return false end
      inputs[i] = x
   end
   if not state.lazy then
      for i, node in ipairs(group.stored) do
         local y = rawget(datas[node.place].module, 'output')
         if torch.typename(y) ~= typename then return false end
         outputs[i] = y
      end
   end
   add_results(group, outputs, #group.stored, state.copies, group.kept)
   if not run(inputs, group.programs.forward, outputs) then return false end
   fields.leave(p, group)
   pass_on(p, group)
   return true
end

-- Runs a group back; false where that cannot be, and nothing was done. `total(data, count)` gives the gradient that a node
-- has got, `contribute` takes one on.
local function backward(p, group, received, total, contribute)
   local datas, state = p.forwardData, p.states[group.index]
   if not state.lazy or not as_planned(p, group) then return false end
   local grads, list, results = {}, state.list, state.results
   state.received = grads
   for i, node in ipairs(group.leaving) do
      local g = total(datas[node.place], received[node.back])
      if torch.typename(g) ~= group.typename then return false end
      grads[i], list[i] = g, g
   end
   local n = #grads
   for i = 1, #group.stored do list[n + i] = state.outputs[i] end
   n = n + #group.stored
   for i = 1, #group.operands do list[n + i] = state.inputs[i] end
   add_results(group, results, 0, results, group.gradients)
   add_results(group, results, #group.gradients, state.copiesBack, group.keptBack)
   if not run(list, group.programs.backward, results) then return false end
   for i, output in ipairs(group.gradients) do
      for _, operand in ipairs(output.operands) do
         contribute(received, operand.back, datas[operand.producer], results[i])
      end
   end
   state.went_back = true
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
         local state = p.states[item.index]
         if not state.forgotten then
            for place in pairs(item.interior) do forget(p, place, a) end
         end
         state.forgotten = backward(p, item, p.received, total, contribute)
         if not state.forgotten then
            fields.make(p, item)
            for _, place in ipairs(item.members) do f(p, place, a, b) end
         end
      end
   end
end

-- Calls f(p, place, a, b) for each node whose module may have gradients of parameters to add to.
function fusion.accumulate(p, f, a, b)
   for _, state in ipairs(p.states) do
      if not state.lazy or state.changed then
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
