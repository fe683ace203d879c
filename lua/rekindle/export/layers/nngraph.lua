-- Graphs of nngraph: their nodes in the order of computation.
local layers = require 'rekindle.export.layers'

layers.declare('nn.gModule', function(g, m, x)
   local given, number = {}, {}
   for i, module in ipairs(m.modules) do number[module] = number[module] or i end
   local function give(node, value)
      for _, child in ipairs(node.children) do
         local data = child.data
         given[data] = given[data] or {}
         given[data][data.mapindex[node.data]] = value
      end
   end
   for _, node in ipairs(m.forwardnodes) do
      local data, value = node.data, nil
      if data == m.outnode.data then break end
      if data == m.innode.data then
         value = x
      else
         local inputs = given[data]
         value = #data.mapindex > 1 and inputs or inputs[1]
         if data.selectindex then value = g:entry(value, data.selectindex) end
         if data.module then value = g:walk(data.module, number[data.module], value) end
      end
      give(node, value)
   end
   local results = given[m.outnode.data]
   return #m.outnode.data.mapindex == 1 and results[1] or results
end)

layers.declare('nngraph.JustElement', function(_, _, x) return x[1] end)
layers.declare('nngraph.JustTable', function(_, _, x) return { x } end)
