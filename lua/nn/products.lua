-- Products of the entries of a table: two matrices, a matrix and a vector, a gate and what it mixes.
local define = require 'nn.define'
local expect = require 'nn.expect'

-- Two gradients of the sizes of the inputs.
local function gradients(self, a, b)
   local list = torch.type(self.gradInput) == 'table' and self.gradInput or {}
   list[1], list[2] = (list[1] or a.new()):resizeAs(a), (list[2] or b.new()):resizeAs(b)
   self.gradInput = list
   return list[1], list[2]
end

local function pairOfGradients(self) self.gradInput = { torch.Tensor(), torch.Tensor() } end

do
   -- Matrices, or batches of them, each transposed first if the option says so.
   local MM = define('MM', {
      options = { { 'transA', false }, { 'transB', false } },
      setup = pairOfGradients,
   })

   local function turned(matrix, turn)
      local d = matrix:dim()
      return turn and matrix:transpose(d - 1, d) or matrix
   end
   local function multiply(result, a, b)
      local method = a:dim() == 3 and 'bmm' or 'mm'
      return result[method](result, a, b)
   end
   -- The two factors as they are multiplied.
   local function factors(self, input)
      local a, b = expect.tensors(self, input, 2, 2, 3)
      local d = a:dim()
      local x, y = turned(a, self.transA), turned(b, self.transB)
      if d ~= b:dim() or d == 3 and a:size(1) ~= b:size(1) or x:size(d) ~= y:size(d - 1) then
         local how = (self.transA or self.transB) and ' (transposed as the module was told)' or ''
         expect.fail(self, 'the two inputs cannot be multiplied%s: %s and %s', how, expect.brief(a), expect.brief(b))
      end
      return x, y, d
   end

   function MM:updateOutput(input)
      local x, y, d = factors(self, input)
      local rows, columns = x:size(d - 1), y:size(d)
      if d == 3 then self.output:resize(x:size(1), rows, columns) else self.output:resize(rows, columns) end
      return multiply(self.output, x, y)
   end
   function MM:updateGradInput(input, gradOutput)
      local x, y, d = factors(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.forwardFirst(self, gradOutput:dim() == d and gradOutput:size(1) == x:size(1) and
         gradOutput:size(d - 1) == x:size(d - 1) and gradOutput:size(d) == y:size(d))
      local gx, gy = gradients(self, input[1], input[2])
      -- of a transposed factor the transposed gradient
      if self.transA then
         multiply(gx, y, turned(gradOutput, true))
      else
         multiply(gx, gradOutput, turned(y, true))
      end
      if self.transB then
         multiply(gy, turned(gradOutput, true), x)
      else
         multiply(gy, turned(x, true), gradOutput)
      end
      return self.gradInput
   end
end

do
   -- A matrix and a vector, or batches of them.
   local MV = define('MV', { options = { { 'trans', false, 'boolean' } }, setup = pairOfGradients })

   local function column(vector) return vector:contiguous():view(vector:size(1), -1, 1) end
   local function row(vector) return vector:contiguous():view(vector:size(1), 1, -1) end
   -- The matrix as it is multiplied, the vector, and whether they are batches.
   local function factors(self, input)
      local matrix, vector = expect.tensors(self, input, 2)
      local d = matrix:dim()
      local m = (d == 2 or d == 3) and self.trans and matrix:transpose(d - 1, d) or matrix
      if d < 2 or d > 3 or vector:dim() ~= d - 1 or d == 3 and matrix:size(1) ~= vector:size(1) or
         m:size(d) ~= vector:size(d - 1) then
         expect.fail(self, 'a matrix and a vector, or batches of them, that fit%s expected, got %s and %s',
            self.trans and ' (the matrix transposed)' or '', expect.brief(matrix), expect.brief(vector))
      end
      return m, vector, d == 3
   end

   function MV:updateOutput(input)
      local m, vector, batch = factors(self, input)
      if not batch then return self.output:resize(m:size(1)):mv(m, vector) end
      local n, rows = m:size(1), m:size(2)
      return self.output:resize(n, rows, 1):bmm(m, column(vector)):resize(n, rows)
   end
   function MV:updateGradInput(input, gradOutput)
      local m, vector, batch = factors(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      local d = gradOutput:dim()
      expect.forwardFirst(self, d == m:dim() - 1 and gradOutput:size(d) == m:size(d) and gradOutput:size(1) == m:size(1))
      local gm, gv = gradients(self, input[1], input[2])
      local left, right = gradOutput, vector
      if self.trans then left, right = vector, gradOutput end
      if batch then
         gm:bmm(column(left), row(right))
         gv:view(gv:size(1), -1, 1):bmm(m:transpose(2, 3), column(gradOutput))
      else
         gm:mm(left:contiguous():view(-1, 1), right:contiguous():view(1, -1))
         gv:mv(m:t(), gradOutput)
      end
      return self.gradInput
   end
end

do
   -- A gate with a weight per expert, and the experts: the entries of a table, or the slices of a tensor along `dim`.
   local MixtureTable, parent = define('MixtureTable', {
      options = { { 'dim' } },
      setup = function(self) self.gradInput = {} end,
   })

   -- The gate, the experts as a list, the dimension they come from, and whether there is a batch.
   local function parts(self, input)
      if torch.type(input) ~= 'table' or #input ~= 2 then
         expect.fail(self, 'a table of a gate and of experts expected as input, got %s', expect.brief(input))
      end
      local gate, experts = input[1], input[2]
      expect.tensor(self, gate, 'input[1]', 1, 2)
      local batch, d, list = gate:dim() == 2, nil, experts
      if torch.isTensor(experts) then
         d, list = self.dim or (batch and 2 or 1), {}
         expect.tensor(self, experts, 'input[2]', math.max(d, batch and 2 or 1), math.huge)
         for i = 1, experts:size(d) do list[i] = experts:select(d, i) end
      elseif torch.type(experts) ~= 'table' then
         expect.fail(self, 'a table or a tensor of experts expected as input[2], got %s', expect.brief(experts))
      end
      if #list == 0 or #list ~= gate:size(gate:dim()) then
         expect.fail(self, 'as many experts as the gate has weights (%d) expected, got %d', gate:size(gate:dim()), #list)
      end
      for i, expert in ipairs(list) do
         expect.tensor(self, expert, string.format('input[2][%d]', i))
         if not expert:isSameSizeAs(list[1]) or batch and expert:size(1) ~= gate:size(1) then
            expect.fail(self, 'experts of one size%s expected, got %s and %s',
               batch and string.format(' with %d samples', gate:size(1)) or '', expect.brief(list[1]),
               expect.brief(expert))
         end
      end
      return gate, list, d, batch
   end
   function MixtureTable:updateOutput(input)
      local gate, list, d = parts(self, input)
      if d then return self:mixSlices(gate, input[2], d) end
      return self:mix(gate, list)
   end
   function MixtureTable:updateGradInput(input, gradOutput)
      local gate, list, d = parts(self, input)
      expect.gradOutput(self, gradOutput, self.output)
      expect.forwardFirst(self, gradOutput:isSameSizeAs(list[1]))
      local all = torch.type(self.gradInput) == 'table' and self.gradInput or {}
      self.gradInput = all
      all[1] = all[1] or gate.new()
      if d then
         all[2] = torch.isTensor(all[2]) and all[2] or gate.new()
         self:sliceGradients(gate, input[2], gradOutput, all[1], all[2], d)
      else
         all[2] = torch.isTensor(all[2]) and {} or all[2] or {}
         for i = #all[2], #list + 1, -1 do all[2][i] = nil end
         self:gateGradient(gate, list, gradOutput, all[1])
         for i = 1, #list do
            all[2][i] = all[2][i] or gate.new()
            self:expertGradient(gate, gradOutput, i, all[2][i])
         end
      end
      return all
   end
   function MixtureTable:clearState()
      self.gradInput = {}
      return parent.clearState(self)
   end
end
