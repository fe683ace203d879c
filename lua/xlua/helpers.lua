-- The rest of xlua's functions: printing, globals, logging, and what it adds to string and table.
local xlua = xlua

-- one line for a value inside a printed table
local function short(value)
   local s = tostring(value):gsub('\n', '\\n')
   if #s > 40 then s = s:sub(1, 40) .. '\27[0m ... ' end
   return s
end

-- how a table is printed: by its class, after its usage or its own text, or entry by entry
local function shown(value)
   if type(value) ~= 'table' then return tostring(value) end
   local meta = getmetatable(value)
   if type(meta) == 'table' and meta.__tostring__ then return meta.__tostring__(value) end
   local text, head = tostring(value), ''
   if not text:find('table: ', 1, true) then
      head = type(value.usage) == 'string' and value.usage .. '\n\nFIELDS:\n' or text .. ':\n'
   end
   local lines = {}
   for k, v in pairs(value) do
      lines[#lines + 1] = '[' .. tostring(k) .. '] = ' .. (type(v) == 'userdata' and '<userdata>' or short(v))
   end
   return head .. '{' .. table.concat(lines, ',\n ') .. '}'
end

-- the first value in this form, the others as print shows them
function xlua.print(value, ...)
   io.write(shown(value), select('#', ...) > 0 and '    ' or '\n')
   if select('#', ...) > 0 then print(...) end
end

-- the package, or false and a warning where it cannot be loaded
function xlua.require(name)
   local ok, result = pcall(require, name)
   if ok then return result end
   print(result)
   print('warning: <' .. name .. '> could not be loaded (is it installed?)')
   return false
end

-- Torch7's version fails on every name, and programs guard against that
function xlua.installed(name)
   error("attempt to concatenate field 'cpath' (a nil value) while looking for " .. tostring(name), 2)
end

function xlua.trycatch(try, catch)
   local ok, problem = pcall(try)
   if not ok then catch(problem) end
end

local standard = {}
for name in pairs(_G) do standard[name] = true end

function xlua.clear(name)
   rawset(_G, name, nil)
   collectgarbage()
end

function xlua.clearall()
   for name in pairs(_G) do
      if not standard[name] then
         package.loaded[name] = nil
         rawset(_G, name, nil)
      end
   end
   collectgarbage()
end

-- prints the globals that the program added
function xlua.who()
   local libraries, variables = {}, {}
   for name, value in pairs(_G) do
      if package.loaded[name] then
         libraries[#libraries + 1] = tostring(name)
      elseif not standard[name] then
         variables[#variables + 1] = tostring(name) .. ' (' .. type(value) .. ')'
      end
   end
   table.sort(libraries)
   table.sort(variables)
   print('Global Libs:\n  ' .. table.concat(libraries, '\n  ') .. '\n')
   print('Global Vars:\n  ' .. table.concat(variables, '\n  '))
end

-- From here on io.write goes to a file as well, and print, which becomes xlua.print, with it.
function xlua.log(file, append)
   file = tostring(file)
   os.execute('mkdir -p "' .. (file:match('^(.+)/[^/]*$') or '.') .. '"')
   local f, failed = io.open(file, append and 'a' or 'w')
   if not f then error('xlua.log: cannot write ' .. tostring(failed)) end
   local write = io.write
   io._write = write
   rawset(_G, '_print', print)
   rawset(_G, 'print', xlua.print)
   io.write = function(...)
      local result = write(...)
      local ok, why = f:write(...)
      if ok then ok, why = f:flush() end
      if not ok then error('xlua.log: cannot write ' .. file .. ': ' .. tostring(why), 2) end
      return result
   end
end

-- a boolean is said as true or True, false or False; any other text stays a text
local FLAGS = { ['true'] = true, True = true, ['false'] = false, False = false }

-- A copy of the parameters, with the values that environment variables of the same names have.
function xlua.envparams(params)
   local out = {}
   for name, value in pairs(params) do
      local given = os.getenv(name)
      if given == nil then
         given = value
      elseif type(value) == 'number' then
         given = tonumber(given) or error('xlua.envparams: ' .. name .. ' should be a number, got ' .. given, 2)
      elseif type(value) == 'boolean' and FLAGS[given] ~= nil then
         given = FLAGS[given]
      end
      out[name] = given
   end
   return out
end

string.split = require('sys').split

function string.tosymbol(s)
   local chunk = loadstring('return ' .. s)
   local ok, value = pcall(chunk or error)
   if not ok or value == nil then error('symbol "' .. s .. '" does not exist', 2) end
   return value
end

-- the table without `length` items from `start` on, and those items
function table.splice(t, start, length)
   start, length = start or 1, length or 1
   local kept, taken = {}, {}
   for i, v in ipairs(t) do
      local into = (i >= start and i < start + length) and taken or kept
      into[#into + 1] = v
   end
   return kept, taken
end

-- one item for each key: the last one, or what merge(new, old) makes
function table.prune(t, key, merge)
   key = key or function(v) return v end
   local kept = {}
   for _, v in ipairs(t) do
      local k = key(v)
      kept[k] = (merge and kept[k] ~= nil) and merge(v, kept[k]) or v
   end
   local out = {}
   for _, v in pairs(kept) do out[#out + 1] = v end
   return out
end

require 'rekindle.takes'(xlua, 'xlua.', {
   envparams = 'params:list', error = 'message:value? place:text? usage:text?', formatTime = 'seconds:numeric',
   fill = 'into:list args:list name:text description:text? defs:list', log = 'file:text', require = 'name:text',
   table2string = 't:list', trycatch = 'try:value? catch:function', unpack = 'args:list name:text description:text?',
   unpack_class = 'object:list args:list name:text description:text?', usage = 'name:text description:text?',
   usage_module = 'module:list name:text description:text?',
})

rawset(_G, 'xerror', xlua.error)
rawset(_G, 'xprint', xlua.print)
rawset(_G, 'xrequire', xlua.require)
return xlua
