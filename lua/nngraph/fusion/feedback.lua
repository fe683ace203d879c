-- Graphs that are given their own outputs as inputs, without a copy: a node that runs after the one that writes such an output
-- reads what was written in the same pass. Nodes that are computed together run in another order.
local kinds = require 'nngraph.fusion.kinds'
local lazy = require 'nngraph.fusion.lazy'
local feedback = {}

-- The inputs of the graph that each node may get as they are: place -> which -> true.
local function passed(p)
   local place, inputs = {}, {}
   for i, data in ipairs(p.forwardData) do place[data] = i end
   for i, data in ipairs(p.forwardData) do
      local step, got = p.forward[i], {}
      for _, producer in ipairs(data.mapindex) do
         local from = place[producer]
         if p.forward[from].first then
            got[step.part or 1] = true
         elseif not kinds.owns(producer.module) then
            for k in pairs(inputs[from]) do got[k] = true end
         end
      end
      inputs[i] = step.first and {} or got
   end
   return inputs
end

-- The nodes whose outputs the graph gives as they are.
local function given(p)
   local gives = {}
   for i = #p.forward, 1, -1 do
      local step = p.forward[i]
      for j = 1, step.uses do
         local to = step.to[j]
         if p.forward[to].last or gives[to] and not kinds.owns(p.forwardData[to].module) then gives[i] = true end
      end
   end
   return gives
end

-- The pairs of an input and a node that writes for which the order matters, for a plan whose items are contracted to `first`.
function feedback.pairs(p, groups, first)
   local position, group_at, list = {}, {}, {}
   for at, item in ipairs(first) do
      for _, place in ipairs(type(item) == 'number' and { item } or item.places) do position[place] = at end
   end
   for _, group in ipairs(groups) do
      for _, place in ipairs(group.places) do group_at[place] = group end
   end
   local inputs, gives = passed(p), given(p)
   for writer, data in ipairs(p.forwardData) do
      local seen, group = {}, group_at[writer]
      for reader, got in ipairs(data.module and gives[writer] and inputs or {}) do
         local after = reader > writer
         local together = group ~= nil and group == group_at[reader]
         if together and after or not together and after ~= (position[reader] > position[writer]) then
            for k in pairs(got) do
               if not seen[k] then table.insert(list, { input = k, writer = writer }) end
               seen[k] = true
            end
         end
      end
   end
   return list
end

local function within(value, storage)
   if torch.isTensor(value) then return value:storage() ~= nil and torch.pointer(value:storage()) == storage end
   if type(value) == 'table' then
      for _, v in pairs(value) do
         if within(v, storage) then return true end
      end
   end
   return false
end

-- Whether an input of the pass to come is memory that a node writes, where the order matters.
function feedback.found(p, input)
   for _, pair in ipairs(p.fusion.feedback) do
      local output = lazy.output(p.forwardData[pair.writer].module)
      local storage = torch.isTensor(output) and output:storage()
      local value = input
      if p.inputs > 1 then value = input[pair.input] end
      if storage and within(value, torch.pointer(storage)) then return true end
   end
   return false
end

return feedback
