-- How torch.Tester collects tests, runs them, and reports: a table of methods for the class.

local fits = require('torch.compare').fits
local rule = ('-'):rep(80)

local function plural(count, word) return count .. ' ' .. word .. (count == 1 and '' or 's') end

-- sys is loaded when something is printed: torch itself has no need of it
local function coloured(color, text)
   local colours = require('sys').COLORS
   return colours[color] .. text .. colours.none
end

local function sorted_names(t)
   local names = {}
   for name in pairs(t) do names[#names + 1] = name end
   table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
   return names
end

-- A list of strings from one string or several.
local function list_of(method, names)
   if type(names) == 'string' then return { names } end
   if type(names) ~= 'table' then
      error('Tester:' .. method .. ': expected the name of a test or a list of names, got ' .. torch.type(names), 3)
   end
   return names
end

local marks = {
   WAIT = 'blue', PASS = 'Green', FAIL = 'Magenta', ERROR = 'Red', SKIP = 'Yellow',
}

-- the line of one test, padded with dots so that the marks stand in a column
local function progress(at, count, name, mark)
   local head = string.format('%d/%d %s ', at, count, name)
   return head .. ('.'):rep(math.max(80 - #head - 7, 0)) .. ' ' .. coloured(marks[mark], '[' .. mark .. ']')
end

local Run = {}

local function add_all(self, suite)
   if suite.__isTestSuite then
      suite = suite.__tests
   else
      self:_warning('use TestSuite rather than plain lua table: it notices a name that is given twice')
   end
   for _, name in ipairs(sorted_names(suite)) do
      if type(suite[name]) == 'table' then
         error('Nested sets of tests are not possible: test ' .. tostring(name) .. ' is a table', 3)
      end
      if type(suite[name]) ~= 'function' then
         error('Tester:add: test ' .. tostring(name) .. ' should be a function, got ' .. torch.type(suite[name]), 3)
      end
      self:add(suite[name], name)
   end
end

-- Adds a test function under a name, or every function of a suite or table. `_setUp` and `_tearDown` run around
-- each test.
function Run:add(test, name)
   if type(test) == 'table' then
      if name ~= nil then
         error('Tester:add: the tests of a suite have their own names, got the name ' .. tostring(name), 2)
      end
      add_all(self, test)
      return self
   end
   if type(test) ~= 'function' then
      error('Tester:add: expected a function or a table of functions, got ' .. torch.type(test), 2)
   end
   name = name == nil and 'unknown' or name
   local hook = name == '_setUp' or name == '_tearDown'
   if hook and self[name] then error('Only one ' .. name .. ' is possible, and there is one already', 2) end
   if self.tests[name] then
      error('Tester:add: there is a test ' .. tostring(name) .. ' already', 2)
   end
   if hook then self[name] = test else self.tests[name] = test end
   return self
end

-- Leaves tests out of all runs; the report counts them.
function Run:disable(names)
   for _, name in ipairs(list_of('disable', names)) do
      if not self.tests[name] then error('Tester:disable: there is no test ' .. tostring(name), 2) end
      self.disabledTests[name] = true
   end
   return self
end

-- The tests whose names match one of the patterns, or all: a table of their functions by name.
function Run:_getTests(patterns)
   if patterns == nil then return self.tests end
   local chosen = {}
   local wanted = list_of('run', patterns)
   for _, pattern in ipairs(wanted) do
      if type(pattern) ~= 'string' then error('Tester:run: names of tests expected, got a ' .. torch.type(pattern), 3) end
   end
   for name, test in pairs(self.tests) do
      for _, pattern in ipairs(wanted) do
         if fits('run', tostring(name), pattern) then chosen[name] = test end
      end
   end
   if next(chosen) == nil then error('Tester:run: no test is called ' .. table.concat(wanted, ', '), 3) end
   return chosen
end

-- Calls a test or a hook; an error in it is noted, with the calls that led to it. Gives whether it went well.
function Run:_pcall(f, ...)
   if self.rethrow then
      f(...)
      return true
   end
   local args = { ... }
   return xpcall(function() return f(unpack(args)) end, function(why)
      local name = self._running
      self.testError[name] = (self.testError[name] or 0) + 1
      self.errors[#self.errors + 1] = self:_addDebugInfo('Function call failed\n' .. tostring(why))
   end)
end

-- Runs one test between the hooks; gives its mark.
local function run_one(self, name)
   if self.disabledTests[name] then return 'SKIP' end
   self._running = name
   self.assertionPass[name], self.assertionFail[name], self.testError[name] = 0, 0, 0
   local ready = not self._setUp or self:_pcall(self._setUp, name)
   if ready then self:_pcall(self.tests[name]) end
   if self._tearDown then self:_pcall(self._tearDown, name) end
   self._running = nil
   if self.testError[name] > 0 then return 'ERROR' end
   return self.assertionFail[name] > 0 and 'FAIL' or 'PASS'
end

-- Runs tests by their names, with a line of progress for each, and notes the mark that each ended with.
function Run:_run(tests)
   local names = sorted_names(tests)
   io.write('Running ', plural(#names, 'test'), '\n')
   for at, name in ipairs(names) do
      io.write(progress(at, #names, name, 'WAIT'), '\r')
      io.flush()
      local mark = run_one(self, name)
      self._marks[name] = mark
      io.write(progress(at, #names, name, mark), '\n')
      io.flush()
      if self.earlyAbort and (mark == 'FAIL' or mark == 'ERROR') then
         io.write('Aborting on first error, not all tests have been executed\n')
         break
      end
   end
end

-- Prints how many assertions were made in the tests and what became of them, then each failure.
function Run:_report(tests)
   local names, failed = sorted_names(tests), 0
   local totals = { ERROR = 0, SKIP = 0 }
   for _, mark in pairs(self._marks) do totals[mark] = (totals[mark] or 0) + 1 end
   for _, name in ipairs(names) do
      if (self.assertionFail[name] or 0) > 0 then failed = failed + 1 end
   end
   local line = string.format('Completed %s in %s with %s and %s', plural(self.countasserts, 'assert'),
      plural(#names, 'test'), coloured(failed > 0 and 'Magenta' or 'Green', plural(failed, 'failure')),
      coloured(totals.ERROR > 0 and 'Red' or 'Green', plural(totals.ERROR, 'error')))
   if totals.SKIP > 0 then line = line .. ' and ' .. coloured('Yellow', totals.SKIP .. ' disabled') end
   if #self.warnings > 0 then line = line .. ' and ' .. coloured('Yellow', plural(#self.warnings, 'warning')) end
   io.write(line, '\n')
   if self.summaryOnly or #self.errors + #self.warnings == 0 then return end
   io.write(rule, '\n')
   for _, list in ipairs { self.warnings, self.errors } do
      for _, text in ipairs(list) do io.write(text, '\n', rule, '\n') end
   end
end

-- Runs all tests, or those whose names match a pattern or one of a list of them, and reports. Raises an error if
-- any test failed, so that a script of tests has a failing exit status; else gives the number of errors, 0.
function Run:run(patterns)
   self.countasserts = 0
   self.errors = {}
   self.assertionPass, self.assertionFail, self.testError = {}, {}, {}
   self._marks = {}
   local tests = self:_getTests(patterns)
   self:_run(tests)
   self:_report(tests)
   if #self.errors > 0 then error('An error was found while running tests!', 0) end
   return #self.errors
end

return Run
