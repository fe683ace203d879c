-- `th test FILE...`: runs files of torch.Tester tests, each test by itself, and reports like a test runner.
local report = require 'rekindle.report'
local test = {}

local function clock() return require('sys').clock() end

-- Runs one test of a tester as its own run does; what it complained of, or nil.
local function complaints_of(tester, name)
   local before = #tester.errors
   tester._running = name
   local ok, why = xpcall(function()
      if tester._setUp then tester._setUp(name) end
      tester.tests[name]()
      if tester._tearDown then tester._tearDown(name) end
   end, report.handler)
   tester._running = nil
   local found = {}
   for i = before + 1, #tester.errors do
      local text = tester.errors[i]
      found[#found + 1] = type(text) == 'string' and text:gsub('^[^\n]*\n', '', 1) or tostring(text)
   end
   if not ok then found[#found + 1] = why end
   return #found > 0 and table.concat(found, '\n') or nil
end

local function wanted_names(tester, given)
   if type(given) == 'string' then given = { given } end
   local names = {}
   for name in pairs(tester.tests) do names[#names + 1] = name end
   table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
   if not given then return names end
   local chosen = {}
   for _, name in ipairs(names) do
      for _, w in ipairs(given) do if w == name then chosen[#chosen + 1] = name end end
   end
   return chosen
end

local total

local function run(tester, given)
   for _, name in ipairs(wanted_names(tester, given)) do
      io.write(string.format('test %s ... ', tostring(name)))
      io.flush()
      if tester.disabledTests[name] then
         total.skipped = total.skipped + 1
         print('skipped')
      else
         local begun = clock()
         local complaint = complaints_of(tester, name)
         print(string.format('%s (%.3f s)', complaint and 'FAILED' or 'ok', clock() - begun))
         total[complaint and 'failed' or 'passed'] = total[complaint and 'failed' or 'passed'] + 1
         if complaint then total.texts[#total.texts + 1] = tostring(name) .. '\n' .. complaint end
      end
   end
   return #total.texts == 0
end

-- one file, in whose folder its own modules are found too
local function run_file(path)
   print('\n' .. path)
   local chunk, why = loadfile(path)
   local ok = chunk ~= nil
   if not ok then
      why = report.syntax(why, '@' .. path)
   else
      arg = { [0] = path }
      ok, why = xpcall(chunk, report.handler)
   end
   if not ok then
      total.failed = total.failed + 1
      total.texts[#total.texts + 1] = path .. '\n' .. why
      print('FAILED outside of a test')
   end
end

-- Runs these files; an error at the end where a test failed.
function test.main(files)
   if #files == 0 then error('th test: expected files to run: th test FILE...', 0) end
   total = { passed = 0, failed = 0, skipped = 0, texts = {} }
   torch.getmetatable('torch.Tester').run = run
   local begun = clock()
   for _, path in ipairs(files) do run_file(path) end
   for _, text in ipairs(total.texts) do print('\n---- ' .. text) end
   local skipped = total.skipped > 0 and string.format(', %d skipped', total.skipped) or ''
   print(string.format('\n%d passed, %d failed%s in %.2f s', total.passed, total.failed, skipped, clock() - begun))
   if total.failed > 0 then error(string.format('%d failed', total.failed), 0) end
   if total.passed + total.skipped == 0 then error('there was no test in these files', 0) end
end

return test
