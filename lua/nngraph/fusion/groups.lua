-- Which nodes of a graph are computed in one pass: neighbours that are elementwise or views of columns, over matrices.
local kinds = require 'nngraph.fusion.kinds'
local groups = {}

-- The least number of modules that compute for which a pass of their own is worth it.
local LEAST = 3

-- What each node may be in a group, by its place; false where it may not. `steps` and `datas` are a plan's.
local function candidates(steps, datas)
   local found, uses = {}, {}
   for i, data in ipairs(datas) do
      if data.module then uses[data.module] = (uses[data.module] or 0) + 1 end
   end
   local place = {}
   for i, data in ipairs(datas) do place[data] = i end
   for i, data in ipairs(datas) do
      local map, step, from = data.mapindex, steps[i], {}
      local distinct = true
      for j, producer in ipairs(map) do
         for k = 1, j - 1 do distinct = distinct and map[k] ~= producer end
         from[j] = place[producer]
      end
      local kind
      if step.first or step.last or not distinct or #from ~= #map or #map == 0 then
         kind = nil
      elseif step.part then
         -- a part of what a SplitTable gives
         local split = found[from[1]]
         kind = not data.module and split and split.kind.splits and { part = step.part } or nil
      elseif data.module and uses[data.module] == 1 then
         kind = kinds.of(data.module, step.several, #map)
      end
      found[i] = kind and { kind = kind, from = from, data = data, place = i } or false
   end
   return found
end

-- The connected parts of the candidates, each a list of places in order.
local function parts(found, datas)
   local root = {}
   local function of(i)
      while root[i] ~= i do i = root[i] end
      return i
   end
   for i, node in ipairs(found) do
      if node then
         root[i] = i
         for _, j in ipairs(node.from) do if found[j] then root[of(i)] = of(j) end end
      end
   end
   local lists, order = {}, {}
   for i = 1, #datas do
      if found[i] then
         local r = of(i)
         if not lists[r] then
            lists[r] = {}
            order[#order + 1] = lists[r]
         end
         table.insert(lists[r], i)
      end
   end
   return order
end

-- Whether nothing outside of a group lies between two of its nodes.
local function convex(inside, steps)
   local behind = {}
   for i, step in ipairs(steps) do
      if inside[i] or behind[i] then
         for j = 1, step.uses do
            local to = step.to[j]
            if not inside[to] then behind[to] = true end
            if inside[to] and not inside[i] then return false end
         end
      end
   end
   return true
end

local function divisor(a, b)
   while b ~= 0 do a, b = b, a % b end
   return a
end

-- What is known of a group from the sizes of its last pass: values by place, operands, the width of a block. Nothing where
-- something is not as it has to be.
local function measured(list, found, datas, inside)
   local group = { nodes = {}, operands = {}, values = {}, rows = nil, unit = 0 }
   local function sized(x)
      if not torch.isTensor(x) or x:dim() < 2 or not torch.typename(x):find('Float') and not torch.typename(x):find('Double') then
         return nil
      end
      group.typename = group.typename or torch.typename(x)
      group.rows = group.rows or x:size(1)
      if torch.typename(x) ~= group.typename or x:size(1) ~= group.rows or x:nElement() == 0 then return nil end
      return { rows = group.rows, width = x:nElement() / group.rows, sizes = x:size():totable() }
   end
   local known = {}
   for _, i in ipairs(list) do
      local node = found[i]
      local args = {}
      for j, from in ipairs(node.from) do
         local value = inside[from] and group.values[from]
         if not inside[from] then
            value = known[from]
            if not value then
               value = sized((node.data.input or {})[j])
               if not value or #value.sizes ~= 2 then return nil end
               value.operand = #group.operands + 1
               group.operands[value.operand] = { place = i, slot = j, width = value.width, producer = from, value = value }
               value.columns, value.from = 0, value
               known[from] = value
               group.unit = divisor(value.width, group.unit)
            end
         end
         if not value then return nil end
         args[j] = value
      end
      local value, kind = nil, node.kind
      if kind.part then
         local all = args[1]
         local width = all.width / all.sizes[2]
         value = { rows = all.rows, width = width, sizes = { all.rows, width }, from = all.from,
            columns = all.columns + (kind.part - 1) * width }
      elseif kind.columns then
         local output = node.data.module.output
         local first, width = kind.columns(node.data.module, output, args[1])
         if not first then return nil end
         value = { rows = group.rows, width = width, from = args[1].from, columns = args[1].columns + first,
            sizes = torch.isTensor(output) and output:size():totable() or args[1].sizes }
      else
         value = sized(node.data.module.output)
         if not value then return nil end
         for _, arg in ipairs(args) do
            if arg.width ~= value.width or #arg.sizes ~= #value.sizes then return nil end
         end
         value.columns, value.from, value.node = 0, value, i
      end
      group.unit = divisor(divisor(value.width, group.unit), value.columns)
      group.values[i] = value
      group.nodes[#group.nodes + 1] = { place = i, kind = kind, args = args, from = node.from, value = value }
   end
   return group
end

-- The groups of a graph whose nodes were run once, of the plan's forward steps.
function groups.find(steps, datas)
   local found, list = candidates(steps, datas), {}
   for _, places in ipairs(parts(found, datas)) do
      local inside, computed = {}, 0
      for _, i in ipairs(places) do
         inside[i] = true
         if found[i].kind.forward then computed = computed + 1 end
      end
      local whole = computed >= LEAST and convex(inside, steps)
      for _, i in ipairs(places) do
         for j = 1, steps[i].uses do
            -- views are not written for others
            if not inside[steps[i].to[j]] and not found[i].kind.forward then whole = false end
         end
      end
      local group = whole and measured(places, found, datas, inside)
      if group then
         group.inside = inside
         list[#list + 1] = group
      end
   end
   return list
end

return groups
