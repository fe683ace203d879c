-- optim.ConfusionMatrix: counts predictions against targets (rows are targets, columns predictions), and the rates
-- that follow from the counts.
local ConfusionMatrix = torch.class('optim.ConfusionMatrix')

-- The rates per class, and the buffers; a loaded file brings its own, so the names are part of the format.
local RATES = { 'valids', 'unionvalids' }
local BUFFERS = { _target = 'Float', _prediction = 'Float', _max = 'Float', _pred_idx = 'Long', _targ_idx = 'Long' }

-- nclasses: how many classes; classes: their names, for printing. A list of names alone gives both.
function ConfusionMatrix:__init(nclasses, classes)
   if type(nclasses) == 'table' then nclasses, classes = #nclasses, nclasses end
   if type(nclasses) ~= 'number' or nclasses < 1 then
      error('optim.ConfusionMatrix: expected the number of classes or a list of their names, got '
         .. (type(nclasses) == 'number' and tostring(nclasses) or torch.type(nclasses)), 2)
   end
   self.nclasses, self.classes = nclasses, classes or {}
   self.mat = torch.LongTensor(nclasses, nclasses)
   for _, field in ipairs(RATES) do self[field] = torch.FloatTensor(nclasses) end
   self._mat_flat = self.mat:view(-1)
   for field, kind in pairs(BUFFERS) do self[field] = torch[kind .. 'Tensor']() end
   self:zero()
end

-- The class that a number, a vector of scores or (as target) a one-hot vector stands for.
local function class_of(self, value, what)
   if type(value) == 'number' then return value end
   if not torch.isTensor(value) then
      error(string.format('ConfusionMatrix:add: the %s should be a class or a tensor of scores, got %s', what,
         value == nil and 'nothing' or torch.type(value)), 3)
   end
   -- a vector may leave out classes that are never predicted, or have more: only the winner's place counts
   if value:dim() ~= 1 and value:nElement() ~= self.nclasses then
      error(string.format('ConfusionMatrix:add: the %s should have a score for each of %d classes, got %d elements', what,
         self.nclasses, value:nElement()), 3)
   end
   self._prediction:resize(value:size()):copy(value)
   torch.max(self._max, self._pred_idx, self._prediction:view(-1), 1)
   return self._pred_idx[1]
end

local function check_class(self, class, what, from)
   if type(class) ~= 'number' then
      error(string.format('ConfusionMatrix: the %s should be the number of a class, got %s', what,
         class == nil and 'nothing' or 'a ' .. torch.type(class)))
   end
   if class < from or class > self.nclasses then
      error(string.format('ConfusionMatrix: the %s %s is out of range, there are %d classes', what, tostring(class),
         self.nclasses), 3)
   end
end

-- Counts one prediction. A target below 1 means that the target is unknown, and counts for nothing.
function ConfusionMatrix:_add(prediction, target)
   check_class(self, target, 'target', -math.huge)
   if target > 0 then
      check_class(self, prediction, 'prediction', 1)
      local row = self.mat[target]
      row[prediction] = row[prediction] + 1
   end
end

function ConfusionMatrix:add(prediction, target)
   local p = class_of(self, prediction, 'prediction')
   self:_add(p, class_of(self, target, 'target'))
end

-- One class per row, as a LongTensor: from classes, from a column of classes, or from rows of scores.
local function classes_of(self, values, into, what)
   if not torch.isTensor(values) then
      error(string.format('ConfusionMatrix:batchAdd: %s should be a tensor, got %s', what,
         values == nil and 'nothing' or torch.type(values)), 3)
   end
   local dims = values:dim()
   if dims == 2 and values:size(2) == 1 then
      values, dims = values:select(2, 1), 1
   end
   if dims == 1 then return into:resize(values:size(1)):copy(values) end
   if dims ~= 2 then
      error(string.format('ConfusionMatrix:batchAdd: %s has invalid number of dimensions: expected one class or the '
         .. 'scores of %d classes per row, got %s', what, self.nclasses, table.concat(values:size():totable(), 'x')), 3)
   end
   self._prediction:resize(values:size()):copy(values)
   torch.max(self._max, into, self._prediction, 2)
   return into:view(-1)
end

-- Counts a batch: predictions and targets are each a vector of classes or a matrix with one row of scores per sample.
function ConfusionMatrix:batchAdd(predictions, targets)
   local columns = classes_of(self, predictions, self._pred_idx, 'predictions')
   local rows = classes_of(self, targets, self._targ_idx, 'targets')
   local samples = rows:nElement()
   if columns:nElement() ~= samples then
      error(string.format('ConfusionMatrix:batchAdd: %d predictions for %d targets', columns:nElement(), samples), 2)
   end
   local known = torch.gt(rows, 0)
   local count = known:sum()
   if count == 0 then return end
   if count < samples then rows, columns = rows:maskedSelect(known), columns:maskedSelect(known) end
   check_class(self, rows:max(), 'target', 1)
   check_class(self, columns:min(), 'prediction', 1)
   check_class(self, columns:max(), 'prediction', 1)
   local cells = torch.add(columns, self.nclasses, torch.add(rows, -1))
   self.mat:view(-1):indexAdd(1, cells, cells.new(count):fill(1))
end

function ConfusionMatrix:zero()
   for _, field in ipairs { 'mat', unpack(RATES) } do self[field]:zero() end
   self.totalValid, self.averageValid = 0, 0
end

-- counts as doubles: the diagonal, the sums of the rows, the sums of the columns
local function margins(mat)
   local d = mat:double()
   return torch.diag(d), torch.sum(d, 2):view(-1), torch.sum(d, 1):view(-1)
end

-- Brings the rates up to date. A class without samples has a rate of nan and is left out of the averages.
function ConfusionMatrix:updateValids()
   local right, actual, predicted = margins(self.mat)
   self.valids:copy(torch.cdiv(right, actual))
   self.unionvalids:copy(torch.cdiv(right, actual + predicted - right))
   local seen, recall, union = 0, 0, 0
   for class = 1, self.nclasses do
      local rate = self.valids[class]
      if rate == rate then
         seen = seen + 1
         recall = recall + rate
         union = union + self.unionvalids[class]
      end
   end
   self.averageValid = recall / seen
   self.averageUnionValid = union / seen
   self.totalValid = right:sum() / self.mat:sum()
end

-- False rejection and false acceptance rates: one of each per class (-1 for a class without samples), and the same
-- for the classes that have samples only. The acceptance rate is averaged over the other classes, so that a large
-- class does not drown the small ones.
function ConfusionMatrix:farFrr()
   local right, actual = margins(self.mat)
   local present = {}
   for class = 1, self.nclasses do
      if actual[class] > 0 then present[#present + 1] = class end
   end
   local rejected, accepted = torch.Tensor(self.nclasses):fill(-1), torch.Tensor(self.nclasses):fill(-1)
   local someRejected, someAccepted = torch.Tensor(#present), torch.Tensor(#present)
   for i, class in ipairs(present) do
      local mistaken = 0
      for _, other in ipairs(present) do
         if other ~= class then mistaken = mistaken + self.mat[other][class] / actual[other] end
      end
      someRejected[i] = 1 - right[class] / actual[class]
      someAccepted[i] = mistaken / (#present - 1)
      rejected[class], accepted[class] = someRejected[i], someAccepted[i]
   end
   return rejected, accepted, someRejected, someAccepted
end

function ConfusionMatrix:__tostring__()
   self:updateValids()
   local width = math.max(8, 1 + math.ceil(math.log10(self.mat:max())))
   local cell = '%' .. width .. 'd'
   local lines = { 'ConfusionMatrix:' }
   for class = 1, self.nclasses do
      local counts = {}
      for i, n in ipairs(self.mat[class]:totable()) do counts[i] = string.format(cell, n) end
      local last = class == self.nclasses
      lines[#lines + 1] = (class == 1 and '[[' or ' [') .. table.concat(counts) .. (last and ']]  ' or ']   ')
         .. string.format('%.3f%% ', 100 * self.valids[class])
         .. (#self.classes > 0 and '\t[class: ' .. tostring(self.classes[class] or '') .. ']' or '')
   end
   lines[#lines + 1] = ' + average row correct: ' .. 100 * self.averageValid .. '% '
   lines[#lines + 1] = ' + average rowUcol correct (VOC measure): ' .. 100 * self.averageUnionValid .. '% '
   lines[#lines + 1] = ' + global correct: ' .. 100 * self.totalValid .. '%'
   return table.concat(lines, '\n')
end

-- A picture of the matrix: see optim/render.lua. Drawing is rare, so its code is loaded when asked for.
function ConfusionMatrix:render(...)
   return require('optim.render')(self, ...)
end
