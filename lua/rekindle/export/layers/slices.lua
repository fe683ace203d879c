-- Modules that pick a part of their input.
local layers = require 'rekindle.export.layers'
local fromStart = require('nn.dimensions').fromStart

local function dimension(g, m, x)
   local d = fromStart(m.dimension, g.rank(x))
   return d, g.dims(x)[d]
end

layers.declare('Select', function(g, m, x)
   local d, n = dimension(g, m, x)
   local index = m.index - 1
   if m.index < 0 then
      -- counted from the end, whatever the batch
      index = type(n) == 'number' and n + m.index or m.index
   end
   return g:op('Gather', { x, g:number(index, 'int64') }, { axis = d - 1 })
end)

layers.declare('Narrow', function(g, m, x, call)
   local d = dimension(g, m, x)
   local first = m.index < 0 and 0 or m.index - 1
   -- what remains was seen in the run; where it depends on the batch it goes on to the end, or ends before it
   local n = g.dims(call.y)[d]
   if type(n) == 'number' then return g:slice(x, d - 1, first, first + n) end
   local last = m.index < 0 and m.index + 1 - m.length or m.length + 1
   return g:slice(x, d - 1, first, last == 0 and g.END or last)
end)

layers.declare('SelectTable', function(g, m, x)
   local key = m.index
   if x.name then
      local n = g:size(x, 1)
      return g:op('Gather', { x, g:number(fromStart(key, n) - 1, 'int64') }, { axis = 0 })
   end
   if type(key) == 'number' then key = fromStart(key, #x) end
   return x[key]
end)

layers.declare('NarrowTable', function(_, m, x)
   return { unpack(x, m.offset, m.offset + m.length - 1) }
end)

layers.declare('Index', function(g, m, x)
   return g:op('Gather', { x[1], g:fromOne(x[2]) }, { axis = m.dimension - 1 })
end)

layers.declare('MaskedSelect', function(g, _, x)
   local function row(v) return g:op('Reshape', { v, g:ints { -1 } }) end
   return g:op('Compress', { row(x[1]), g:cast(row(x[2]), 'bool') }, nil, 'float')
end)
