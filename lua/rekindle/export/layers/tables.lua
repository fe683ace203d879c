-- Modules from tables of tensors to tensors and back.
local layers = require 'rekindle.export.layers'
local locate = require('nn.dimensions').locate

-- All entries, one after the other. Where one has other dimensions than the first, its elements count in their order.
local function fold(f)
   return function(g, m, x, call)
      local y = x[1]
      for i = 2, #x do
         local v = x[i]
         if g.rank(v) ~= g.rank(x[1]) then v = g:reshape(v, g.dims(x[1])) end
         y = f(g, y, v)
      end
      return y
   end
end
local function operation(op) return fold(function(g, a, b) return g:op(op, { a, b }) end) end

for name, op in pairs { CAddTable = 'Add', CMulTable = 'Mul', CMaxTable = 'Max', CMinTable = 'Min' } do
   layers.declare(name, operation(op))
end
-- of two, whatever comes behind them
for name, op in pairs { CSubTable = 'Sub', CDivTable = 'Div' } do
   local f = operation(op)
   layers.declare(name, function(g, m, x, call) return f(g, m, { x[1], x[2] }, call) end)
end

local function dimension(g, m, x) return locate(m.dimension, g.rank(x), m.nInputDims) end

layers.declare('JoinTable', function(g, m, x)
   return g:op('Concat', x, { axis = dimension(g, m, x[1]) - 1 })
end)
layers.declare('SplitTable', function(g, m, x)
   local d, parts = dimension(g, m, x), {}
   if g.rank(x) == 1 then g:cannot('the parts of a vector are numbers') end
   for i = 1, g:size(x, d) do
      parts[i] = g:op('Gather', { x, g:number(i - 1, 'int64') }, { axis = d - 1 })
   end
   return parts
end)
