-- nn.tables: which planes of the input a plane of the output sees, for convolutions with such a table. Rows of
-- { input, output }, both counted from 1.
local expect = require 'nn.expect'
nn.tables = nn.tables or {}
local tables = nn.tables

local function count(name, value, what) return expect.whole('tables.' .. name, value, what, 1) end

-- Every output sees every input.
function tables.full(nin, nout)
   count('full', nin, 'the number of inputs')
   count('full', nout, 'the number of outputs')
   local connections = torch.Tensor(nin * nout, 2)
   local from, to = connections:select(2, 1), connections:select(2, 2)
   for i = 1, nout do
      from:narrow(1, (i - 1) * nin + 1, nin):range(1, nin)
      to:narrow(1, (i - 1) * nin + 1, nin):fill(i)
   end
   return connections
end

function tables.oneToOne(n)
   count('oneToOne', n, 'the number of planes')
   return torch.range(1, n):view(n, 1):repeatTensor(1, 2)
end

-- Every output sees `nto` inputs: parts of an order of all inputs, which is drawn again when it is used up.
function tables.random(nin, nout, nto)
   count('random', nin, 'the number of inputs')
   count('random', nout, 'the number of outputs')
   expect.whole('tables.random', nto, 'the number of inputs for each output', 1, nin)
   local connections = torch.Tensor(nout * nto, 2)
   local order, used, parts = torch.randperm(nin), 0, math.floor(nin / nto)
   for i = 1, nout do
      local rows = connections:narrow(1, (i - 1) * nto + 1, nto)
      rows:select(2, 1):copy(order:narrow(1, used * nto + 1, nto))
      rows:select(2, 2):fill(i)
      used = used + 1
      if used == parts then order, used = torch.randperm(nin), 0 end
   end
   return connections
end

return tables
