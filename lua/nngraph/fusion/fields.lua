-- What a group leaves out: `output` and `gradInput` of its modules that nothing in the pass reads. They are made when
-- somebody reads them, as the pass would have left them: from copies of what a program may have written into since, and with
-- the settings that the modules had.
local lazy = require 'nngraph.fusion.lazy'
local fields = {}

-- What the outputs and gradients of a group's modules are, where the group leaves them out, and of which kinds the modules are.
function fields.describe(p, group)
   group.fields, group.kinds = {}, {}
   local seen = {}
   for i, node in ipairs(group.nodes) do
      local module, kind = p.forwardData[node.place].module, node.kind
      if module then
         group.fields[i] = {}
         for _, field in ipairs { 'output', 'gradInput' } do
            group.fields[i][field] = type(rawget(module, field)) == 'table' and 'table' or 'tensor'
         end
         if not seen[kind] then table.insert(group.kinds, kind) end
         seen[kind] = true
      end
   end
end

-- What a graph has of a group: the values of the modules' fields that steps were made from, and the tensors of its passes.
-- `settings` are those that a pass asks for: others are absent, and the module tells when they no longer are.
function fields.state(p, group)
   local state = { expected = {}, settings = {}, inputs = {}, outputs = {}, results = {}, list = {}, copies = {}, copiesBack = {} }
   for i, node in ipairs(group.nodes) do
      local module = p.forwardData[node.place].module
      if module then
         state.expected[i] = {}
         for k, field in ipairs(node.kind.fields) do
            state.expected[i][k] = module[field]
            if rawget(module, field) ~= nil then
               table.insert(state.settings, { place = node.place, field = field, value = module[field] })
            end
         end
      end
   end
   return state
end

-- Makes the modules of a group as others of their classes, with empty tensors for what was left out.
function fields.restore(p, group)
   local state = p.states[group.index]
   if not state.lazy then return end
   state.lazy, state.forgotten = false, false
   for i, node in ipairs(group.nodes) do
      local module = p.forwardData[node.place].module
      if module then
         lazy.plain(module, node.kind.class)
         for field, kind in pairs(group.fields[i]) do
            if rawget(module, field) == nil then
               module[field] = kind == 'table' and {} or torch.getconstructortable(group.typename)()
            end
         end
      end
   end
end

-- Leaves what is not written to whoever reads it.
function fields.leave(p, group)
   local state = p.states[group.index]
   if state.lazy then return end
   state.lazy, state.changed = true, false
   -- a plan does not keep the nodes' data, so what makes the fields has to
   local maker = { state = state, datas = {}, make = function() fields.make(p, group) end }
   -- a tensor of the program's own is to be written in each pass: by nodes, from now on
   function maker.give()
      fields.make(p, group)
      p.asked, p.stale = math.huge, true
   end
   for i, node in ipairs(group.nodes) do
      local data = p.forwardData[node.place]
      local module = data.module
      maker.datas[i] = data
      if module then lazy.set(module, node.kind.class, maker, node.stored and module.output) end
   end
end

-- Makes what another graph left out of modules that a group is about to compute.
function fields.take(p, group)
   if p.states[group.index].lazy then return end
   for _, node in ipairs(group.nodes) do
      local module = p.forwardData[node.place].module
      if module then lazy.make(module) end
   end
end

-- Gives modules the settings that their steps were made from; a list of what they have now.
local function set_as_planned(p, group)
   local now, state = {}, p.states[group.index]
   for i, node in ipairs(group.nodes) do
      local module = p.forwardData[node.place].module
      for k, field in ipairs(module and node.kind.fields or {}) do
         table.insert(now, { module, field, rawget(module, field) })
         rawset(module, field, state.expected[i][k])
      end
   end
   return now
end

-- Gives tensors the elements that they had in the pass, and sizes where those are others now; a list of what they have now.
local function fill_as_read(p, group, kept, tensors)
   local now, state = {}, p.states[group.index]
   for i, value in ipairs(kept) do
      local base, copy = value.of, tensors[i]
      local x
      if value.gradient then
         x = state.received[value.gradient]
      elseif base.operand then
         x = state.inputs[base.operand]
      else
         x = rawget(p.forwardData[base.node].module, 'output')
      end
      if x:nElement() == copy:nElement() then
         table.insert(now, { x, copied = x:clone() })
         x:copy(copy)
      else
         table.insert(now, { x, set = x.new():set(x) })
         x:set(copy:view(unpack(base.sizes)))
      end
   end
   return now
end

-- Calls f(p, group) with everything as it was in a pass: `kept` says of what `tensors` are copies.
local function as_it_was(p, group, f, kept, tensors)
   local settings, elements = set_as_planned(p, group), fill_as_read(p, group, kept, tensors)
   f(p, group)
   for i = #elements, 1, -1 do
      local x, now = elements[i][1], elements[i]
      if now.copied then x:copy(now.copied) else x:set(now.set) end
   end
   for _, setting in ipairs(settings) do rawset(unpack(setting, 1, 3)) end
end

local function input_of(p, place)
   local input = p.forwardData[place].input
   if p.forward[place].several then return input end
   return input[1]
end

-- The outputs of a group's modules, but for those that the pass wrote.
local function outputs(p, group)
   local datas = p.forwardData
   for _, node in ipairs(group.nodes) do
      local place = node.place
      local step, module, output = p.forward[place], datas[place].module, input_of(p, place)
      if step.part then
         output = output[step.part]
      elseif module then
         output = node.stored and module.output or node.kind.updateOutput(module, output)
      end
      for j = 1, step.uses do
         local to = step.to[j]
         if group.inside[to] then
            datas[to].input = datas[to].input or {}
            datas[to].input[step.slot[j]] = output
         end
      end
   end
end

-- The gradients of a group's modules, from those that what leaves the group has got.
local function gradients(p, group)
   local got, parts, datas = {}, {}, p.forwardData
   local function add(place, g)
      if got[place] == nil then
         got[place] = g
      else
         got[place] = nn.utils.recursiveAdd(nn.utils.recursiveCopy(nil, got[place]), g)
      end
   end
   for i, node in ipairs(group.leaving) do add(node.place, p.states[group.index].received[i]) end
   for i = #group.nodes, 1, -1 do
      local node = group.nodes[i]
      local place = node.place
      local step = p.forward[place]
      if step.part then
         local split = parts[node.from[1]] or {}
         parts[node.from[1]], split[step.part] = split, got[place]
         got[node.from[1]] = split
      elseif got[place] ~= nil then
         local g = node.kind.updateGradInput(datas[place].module, input_of(p, place), got[place])
         for j, from in ipairs(node.from) do
            if group.inside[from] then add(from, step.several and g[j] or g) end
         end
      end
   end
end

-- Makes the fields that were left out, for those who read them: outputs, and after a backward pass gradients. What was
-- written is not written again.
function fields.make(p, group)
   local state = p.states[group.index]
   if not state.lazy then return end
   local back = state.went_back
   fields.restore(p, group)
   p.asked = p.asked + 1
   as_it_was(p, group, outputs, group.kept, state.copies)
   if back then as_it_was(p, group, gradients, group.keptBack, state.copiesBack) end
end

return fields
