-- Runs areas of the conformance suite for `tests/conformance.rs`, with the suite's own codec, and says of every case how
-- it ended: first a line `case AREA/NAME` for each, then `ok AREA/NAME` or `FAIL AREA/NAME`, a tab, the family of the
-- reason, a tab and the reason. `end` is the last line.
--
-- Beyond what the suite asks, a case that wants an error fails where the error is one that Lua itself raised in our
-- files, or an internal error of ours: such a text tells the user nothing. A raw error in the case's own lines is what
-- its author asked for (`local x; x:size()`), unless it only comes from a class of Torch7 that is not there yet.
local here = debug.getinfo(1, 'S').source:match('^@(.*)[/\\][^/\\]*$') .. '/../conformance'
for _, name in ipairs { 'torch', 'nn', 'optim', 'image', 'xlua', 'paths', 'sys' } do pcall(require, name) end
local codec = dofile(here .. '/codec.lua')

local raw_errors = { 'attempt to call ', 'attempt to index ', 'attempt to perform arithmetic', 'attempt to concatenate ',
   'attempt to compare ', 'attempt to get length' }
local function raw_error(text)
   for _, beginning in ipairs(raw_errors) do
      if text:find(beginning, 1, true) then return true end
   end
   return false
end

-- the classes of Torch7's nn: those that some case uses to an end
local classes = {}
for _, area in ipairs(dofile(here .. '/areas.lua')) do
   local expected = dofile(here .. '/expected/' .. area .. '.lua')
   for _, case in ipairs(dofile(here .. '/cases/' .. area .. '.lua')) do
      local want = expected[case.name]
      if want and not want.error then
         for name in case.code:gmatch('nn%.(%u%w*)') do classes[name] = true end
      end
   end
end

local function missing_class(case)
   for name in case.code:gmatch('nn%.(%u%w*)') do
      if classes[name] and (not nn or rawget(nn, name) == nil) then return name end
   end
end

-- the family of the reason why a case failed
local function family(case, why)
   local class = missing_class(case) or why:match('<nn%.(%w+)>') or why:match("class 'nn%.(%w+)' is not known")
   if class then return 'missing class ' .. class end
   if why:find('internal error', 1, true) then return 'internal error' end
   if why:find("module '[^']+' not found") then return 'missing package' end
   if why:find('attempt to %w+ [%w ]*\'[^\']*\' %(a nil value%)') and why:find(case.name .. ':', 1, true) then
      return 'missing function'
   end
   if raw_error(why) then return 'raw Lua error' end
   if why:find('^expected an error') then return 'no error where one is wanted' end
   if why:find('^error: ') then return 'an error where none is wanted' end
   return 'wrong result'
end

local ran
local run = codec.run
function codec.run(case)
   ran = run(case)
   return ran
end

-- nil when the case passes, else why not
local function check(case, want)
   local why = codec.check(case, want)
   if why or not want.error then return why end
   local text = ran.error
   if text:find('internal error', 1, true) then return text end
   if not raw_error(text) then return nil end
   if not text:find('[%w_/]+%.lua:%d+: attempt to ') and not missing_class(case) then return nil end
   return 'a raw error of Lua: ' .. text
end

local areas = { unpack(arg) }
for _, area in ipairs(areas) do
   for _, case in ipairs(dofile(here .. '/cases/' .. area .. '.lua')) do print('case ' .. area .. '/' .. case.name) end
end
for _, area in ipairs(areas) do
   local expected = dofile(here .. '/expected/' .. area .. '.lua')
   for _, case in ipairs(dofile(here .. '/cases/' .. area .. '.lua')) do
      local name = area .. '/' .. case.name
      local why = check(case, expected[case.name])
      if why then
         print('FAIL ' .. name .. '\t' .. family(case, why) .. '\t' .. why:gsub('%s+', ' '))
      else
         print('ok ' .. name)
      end
      io.stdout:flush()
   end
end
print('end')
