-- Linear layers of inputs that list what is not zero: rows of the weight by their numbers, times the values, summed.
local layers = require 'rekindle.export.layers'

-- `rows` is the weight with a row for each input; places count from 0, and have as many dimensions as values.
local function summed(g, rows, places, values, rank, bias)
   local parts = g:mul(g:op('Gather', { rows, places }, { axis = 0 }), g:unsqueeze(values, { rank }))
   return g:add(g:reduce('Sum', parts, { rank - 1 }), bias)
end

-- A sample (n x 2) of numbers and values, a batch of them, or a table of samples.
layers.declare('SparseLinear', function(g, m, x)
   local rows = g:transpose(g:parameter('weight', m.weight), { 1, 0 })
   local bias = g:parameter('bias', m.bias)
   local function sample(v)
      local rank = g.rank(v)
      local function column(i) return g:op('Gather', { v, g:number(i, 'int64') }, { axis = rank - 1 }) end
      return summed(g, rows, g:fromOne(column(0)), column(1), rank - 1, bias)
   end
   if x.name then return sample(x) end
   local all = {}
   for i, v in ipairs(x) do all[i] = g:unsqueeze(sample(v), { 0 }) end
   return g:op('Concat', all, { axis = 0 })
end)

-- Keys and values of one sample, or tables of both.
layers.declare('IndexLinear', function(g, m, x, call)
   if m.normalize > 0 then g:cannot('it normalizes its values by what it has seen in training') end
   if #x > 2 then g:cannot('its samples have sizes of their own in a row') end
   local weight, bias = g:parameter('weight', m.weight), g:parameter('bias', m.bias)
   local function sample(keys, values)
      return summed(g, weight, g:add(g:cast(keys, 'int64'), g:number(m.offset, 'int64')), values, 1, bias)
   end
   if x[1].name then return g:reshape(sample(x[1], x[2]), g.dims(call.y)) end
   local all = {}
   for i, keys in ipairs(x[1]) do all[i] = g:unsqueeze(sample(keys, x[2][i]), { 0 }) end
   return g:op('Concat', all, { axis = 0 })
end)
