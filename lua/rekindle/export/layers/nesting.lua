-- Modules that change how tables are nested.
local layers = require 'rekindle.export.layers'

local function flatten(value, list)
   if value.name then
      list[#list + 1] = value
   else
      for _, entry in ipairs(value) do flatten(entry, list) end
   end
   return list
end
layers.declare('FlattenTable', function(_, _, x) return flatten(x, {}) end)

layers.declare('ZipTable', function(_, _, x)
   local zipped = {}
   for i = 1, #x[1] do
      zipped[i] = {}
      for j, row in ipairs(x) do zipped[i][j] = row[i] end
   end
   return zipped
end)
layers.declare('ZipTableOneToMany', function(_, _, x)
   local list = {}
   for i, entry in ipairs(x[2]) do list[i] = { x[1], entry } end
   return list
end)
layers.declare('CAddTensorTable', function(g, _, x)
   local list = {}
   for i, entry in ipairs(x[2]) do list[i] = g:add(entry, x[1]) end
   return list
end)
layers.refuse({ 'PushTable', 'PullTable' }, 'what it passes on goes around the modules between, where no graph shows it')
