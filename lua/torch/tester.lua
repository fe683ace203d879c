-- torch.Tester and torch.TestSuite: assertions that are counted rather than fatal, and running and reporting tests.
local compare = require 'torch.compare'

local Tester = torch.class('torch.Tester')

-- whether assertTensorEq and assertTensorNe compare tensors of other sizes with as many elements
Tester._assertTensorEqIgnoresDims = true

function Tester:__init()
   self.tests = {}
   self.disabledTests = {}
   self.errors, self.warnings = {}, {}
   self.assertionPass, self.assertionFail, self.testError = {}, {}, {}
   self.countasserts, self._marks = 0, {}
   self.earlyAbort, self.rethrow, self.summaryOnly = false, false, false
end

-- After the first failure nothing more is run.
function Tester:setEarlyAbort(value) self.earlyAbort = value end

-- Errors and failures leave run() as they are, at once; useful in a debugger.
function Tester:setRethrowErrors(value) self.rethrow = value end

-- The report is one line, without the single failures.
function Tester:setSummaryOnly(value) self.summaryOnly = value end

-- what happened -----------------------------------------------------------------------------------------------------

-- A message with the running test before it and the calls that led to it after it.
function Tester:_addDebugInfo(message)
   return (self._running or 'unknown') .. '\n' .. message .. '\n' .. debug.traceback('', 3):gsub('^\n', '')
end

function Tester:_success()
   local name = self._running
   if name then self.assertionPass[name] = (self.assertionPass[name] or 0) + 1 end
   return true
end

function Tester:_failure(message)
   if self.rethrow then error(message, 0) end
   local name = self._running
   if name then self.assertionFail[name] = (self.assertionFail[name] or 0) + 1 end
   self.errors[#self.errors + 1] = self:_addDebugInfo(message)
   return false
end

-- Warnings are reported with the errors, but do not make a test fail.
function Tester:_warning(message)
   self.warnings[#self.warnings + 1] = (self._running or 'Outside of a test') .. '\n' .. message
end

-- a warning that one test gives once, however often it has reason to
local function warn_once(self, message)
   local given = self._given or {}
   if given[message] == (self._running or '') then return end
   given[message] = self._running or ''
   self._given = given
   self:_warning(message)
end

-- Counts one assertion; gives whether it held.
function Tester:_assert_sub(condition, message)
   self.countasserts = self.countasserts + 1
   if condition then return self:_success() end
   return self:_failure(message)
end

-- arguments -----------------------------------------------------------------------------------------------------------

-- The message and the tolerance that may end an assertion's arguments, in any order.
local function extras(name, takes_tolerance, ...)
   local message, tolerance
   for i = 1, select('#', ...) do
      local v = select(i, ...)
      if type(v) == 'string' and not message then
         message = v
      elseif type(v) == 'number' and takes_tolerance and not tolerance then
         if v < 0 then error(name .. ': the tolerance should not be negative, got ' .. v, 4) end
         tolerance = v
      elseif v ~= nil then
         error(string.format('Unexpected arguments: %s was given a %s; what may follow is a message%s', name, torch.type(v),
            takes_tolerance and ' and a tolerance' or ''), 4)
      end
   end
   return message, tolerance
end

local function joined(message, why) return message and message .. '\n' .. why or why end

-- assertions --------------------------------------------------------------------------------------------------------

function Tester:assert(condition, ...)
   local message = extras('assert', false, ...)
   if type(condition) ~= 'boolean' then
      self:_warning('assert should only be used for boolean conditions, and was given a ' .. torch.type(condition))
   end
   return self:_assert_sub(condition, joined(message, 'BOOL violation condition=' .. tostring(condition)))
end

local orders = {
   assertlt = { 'LT failed: %s >= %s', function(a, b) return a < b end },
   assertgt = { 'GT failed: %s <= %s', function(a, b) return a > b end },
   assertle = { 'LE failed: %s > %s', function(a, b) return a <= b end },
   assertge = { 'GE failed: %s < %s', function(a, b) return a >= b end },
}
for name, order in pairs(orders) do
   Tester[name] = function(self, a, b, ...)
      local message = extras(name, false, ...)
      local why = order[1]:format(tostring(a), tostring(b))
      local fine, holds = pcall(order[2], a, b)
      if not fine then
         local brief = require('nn.expect').brief
         error(string.format('Tester:%s: two values that have an order expected, got %s and %s', name, brief(a), brief(b)))
      end
      return self:_assert_sub(holds, joined(message, why))
   end
end

function Tester:assertalmosteq(a, b, ...)
   local message, tolerance = extras('assertalmosteq', true, ...)
   tolerance = tolerance or 1e-16
   local why = string.format('ALMOST_EQ failed: %s ~= %s with tolerance=%s', tostring(a), tostring(b), tostring(tolerance))
   return self:_assert_sub(math.abs(a - b) <= tolerance, joined(message, why))
end

-- asserteq and assertne compare as == does, so that tables are equal only to themselves
local function by_reference(self, a, b)
   if type(a) == 'table' and type(b) == 'table' then
      warn_once(self, 'asserteq and assertne should only be used to compare basic values: tables are compared by '
         .. 'identity, and eq and ne compare what is in them')
   end
   return a == b
end

function Tester:asserteq(a, b, ...)
   local message = extras('asserteq', false, ...)
   local why = string.format('EQ failed: %s ~= %s', tostring(a), tostring(b))
   return self:_assert_sub(by_reference(self, a, b), joined(message, why))
end

function Tester:assertne(a, b, ...)
   local message = extras('assertne', false, ...)
   local why = string.format('NE failed: %s == %s', tostring(a), tostring(b))
   return self:_assert_sub(not by_reference(self, a, b), joined(message, why))
end

-- asserts what a function of compare says of two values, or its opposite
local function compared(self, how, a, b, negate, message, tolerance)
   local same, unequal, equal = how(a, b, tolerance or 0)
   return self:_assert_sub(same ~= negate, joined(message, same and equal or unequal or ''))
end

function Tester:_eqOrNeq(a, b, negate, message, tolerance)
   return compared(self, compare.values, a, b, negate, message, tolerance)
end

function Tester:_assertTensorEqOrNeq(a, b, negate, message, tolerance)
   local given = { a, b }
   for i, place in ipairs { 'First', 'Second' } do
      if not torch.isTensor(given[i]) then
         error(place .. ' argument should be a Tensor, and is a ' .. torch.type(given[i]), 3)
      end
   end
   local sizes = table.concat(a:size():totable(), 'x') .. ' and ' .. table.concat(b:size():totable(), 'x')
   if self._assertTensorEqIgnoresDims and a:nElement() == b:nElement() and not a:isSize(b:size()) then
      self:_warning('the tensors have as many elements but different dimensions, ' .. sizes
         .. '; assertTensorEq and assertTensorNe go by the elements only, eq and ne by both')
      b = b:clone():resize(a:size())
   end
   return compared(self, compare.tensors, a, b, negate, message, tolerance)
end

function Tester:_assertTableEqOrNeq(a, b, negate, message, tolerance)
   if type(a) ~= 'table' or type(b) ~= 'table' then
      error('assertTable: expected two tables, got ' .. torch.type(a) .. ' and ' .. torch.type(b), 3)
   end
   return compared(self, compare.tables, a, b, negate, message, tolerance)
end

-- each pair of assertions: which comparison, and whether it is the negated one
local comparisons = {
   eq = { '_eqOrNeq', false }, ne = { '_eqOrNeq', true },
   assertGeneralEq = { '_eqOrNeq', false }, assertGeneralNe = { '_eqOrNeq', true },
   assertTensorEq = { '_assertTensorEqOrNeq', false }, assertTensorNe = { '_assertTensorEqOrNeq', true },
   assertTableEq = { '_assertTableEqOrNeq', false }, assertTableNe = { '_assertTableEqOrNeq', true },
}
for name, comparison in pairs(comparisons) do
   Tester[name] = function(self, a, b, ...)
      local message, tolerance = extras(name, true, ...)
      return self[comparison[1]](self, a, b, comparison[2], message, tolerance)
   end
end

-- Asserts that calling f raises an error about which `accepts` says yes.
local function raises(self, name, f, accepts, ...)
   local message = extras(name, false, ...)
   local fine, why = pcall(f)
   if fine then return self:_assert_sub(false, joined(message, 'ERROR violation: no error was raised')) end
   return self:_assert_sub(accepts(why), joined(message, 'ERROR violation: err=' .. tostring(why)))
end

function Tester:assertError(f, ...)
   return raises(self, 'assertError', f, function() return true end, ...)
end

function Tester:assertNoError(f, ...)
   local message = extras('assertNoError', false, ...)
   local fine, why = pcall(f)
   return self:_assert_sub(fine, joined(message, 'ERROR violation: err=' .. tostring(why)))
end

function Tester:assertErrorMsg(f, expected, ...)
   return raises(self, 'assertErrorMsg', f, function(why) return why == expected end, ...)
end

function Tester:assertErrorPattern(f, pattern, ...)
   return raises(self, 'assertErrorPattern', f, function(why) return compare.fits('assertErrorPattern', tostring(why), pattern) end, ...)
end

function Tester:assertErrorObj(f, accepts, ...)
   return raises(self, 'assertErrorObj', f, function(why) return accepts(why) and true or false end, ...)
end

for name, method in pairs(require 'torch.testrun') do Tester[name] = method end

require 'rekindle.takes'(Tester, ':', {
   _addDebugInfo = 'message:text', _failure = 'message:text', _warning = 'message:text', _run = 'tests:list', _report = 'tests:list',
   assertalmosteq = 'a:numeric b:numeric', assertErrorPattern = 'f:value pattern:text', assertErrorObj = 'f:value accepts:function',
})

-- A table for tests that refuses a name twice and anything that is not a function.
function torch.TestSuite()
   local tests = {}
   return setmetatable({ __isTestSuite = true, __tests = tests }, {
      __index = tests,
      __newindex = function(_, name, test)
         if type(test) ~= 'function' then
            error('TestSuite: test ' .. tostring(name) .. ' should be a function, got ' .. torch.type(test), 2)
         end
         if tests[name] ~= nil then error('Test ' .. tostring(name) .. ' is already defined.', 2) end
         tests[name] = test
      end,
   })
end
