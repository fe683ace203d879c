-- Penlight: texts, files, commands, functions given as texts.
local compat = require 'pl.compat'
local types = require 'pl.types'
local utils = { _VERSION = '1.15.0' }
local format, find, sub, gsub = string.format, string.find, string.sub, string.gsub

for k, v in pairs(compat) do utils[k] = v end
for k, v in pairs(types) do utils[k] = v end

utils.patterns = {
   FLOAT = '[%+%-%d]%d*%.?%d*[eE]?[%+%-]?%d*',
   INTEGER = '[+%-%d]%d*',
   IDEN = '[%a_][%w_]*',
   FILE = '[%a%.\\][:%][%w%._%-\\]*',
}

-- classes that functions of Penlight give their results, where they are loaded
utils.stdmt = {
   List = { _name = 'List' }, Map = { _name = 'Map' }, Set = { _name = 'Set' }, MultiMap = { _name = 'MultiMap' },
}

function utils.pack(...) return { n = select('#', ...), ... } end
-- up to `n` where the table has one
function utils.unpack(t, i, j) return unpack(t, i or 1, j or t.n or #t) end

-- ---- errors ----

local error_mode = 'default'

-- 'default': nil and a message; 'error': an error; 'quit': the program ends
function utils.on_error(mode)
   if mode == 'default' or mode == 'error' or mode == 'quit' then
      error_mode = mode
   elseif types.is_callable(mode) then
      utils.raise = mode
   else
      local text = "Bad argument expected string; 'default', 'quit', or 'error'. Got '" .. tostring(mode) .. "'"
      if error_mode == 'quit' then utils.quit(text) end
      error(text, 2)
   end
end

function utils.raise(message)
   if error_mode == 'error' then error(message, 2) end
   if error_mode == 'quit' then utils.quit(message) end
   return nil, message
end

function utils.assert_arg(n, value, kind, verify, message, level)
   if type(value) ~= kind then
      error(format("argument %d expected a '%s', got a '%s'", n, kind, type(value)), level or 2)
   end
   if verify and not verify(value) then
      error(format('argument %d: \'%s\' %s', n, tostring(value), message or 'is not valid'), level or 2)
   end
   return value
end

function utils.assert_string(n, value) return utils.assert_arg(n, value, 'string', nil, nil, 3) end

-- a number that is one of an enumeration, and errors about what is none
function utils.enum(...)
   local first = (...)
   local values, names = {}, {}
   if type(first) == 'table' then
      for k, v in pairs(first) do
         if type(k) == 'number' then
            if type(v) ~= 'string' then error('expected \'string\' but got \'' .. type(v) .. '\' at index ' .. k, 2) end
            values[v] = v
         else
            if type(k) ~= 'string' then error('expected key to be \'string\' but got \'' .. type(k) .. '\'', 2) end
            values[k] = v
         end
      end
      if next(values) == nil then error('expected at least 1 entry', 2) end
   else
      if select('#', ...) == 0 then error('expected at least 1 entry', 2) end
      for i = 1, select('#', ...) do
         local name = select(i, ...)
         utils.assert_arg(i, name, 'string', nil, nil, 3)
         values[name] = name
      end
   end
   for name in pairs(values) do names[#names + 1] = tostring(name) end
   table.sort(names)
   local function complaint(key)
      return format("'%s' is not a valid value (expected one of: '%s')", tostring(key), table.concat(names, "', '"))
   end
   return setmetatable(values, {
      __index = function(_, key) error(complaint(key), 2) end,
      __newindex = function() error("the Enum object is read-only", 2) end,
      __call = function(self, key)
         if type(key) == 'string' and rawget(self, key) ~= nil then return rawget(self, key) end
         return nil, complaint(key)
      end,
   })
end

-- `<`, for a function of this name that sorts: elements without an order are told.
function utils.order(name)
   return function(a, b)
      local kind = type(a)
      if kind == type(b) and (kind == 'number' or kind == 'string') then return a < b end
      local ok, less = pcall(function() return a < b end)
      if not ok then
         local brief = require('nn.expect').brief
         error(name .. ': elements that can be compared expected, got ' .. brief(a) .. ' and ' .. brief(b))
      end
      return less
   end
end

-- ---- output and end ----

local function message(first, ...)
   return select('#', ...) == 0 and tostring(first) or format(first, ...)
end

function utils.quit(code, text, ...)
   if type(code) == 'string' then
      io.stderr:write(message(code, text, ...), '\n')
      os.exit(-1, true)
   end
   if text ~= nil then io.stderr:write(message(text, ...), '\n') end
   os.exit(code, true)
end

function utils.printf(text, ...)
   utils.assert_string(1, text)
   utils.fprintf(io.stdout, text, ...)
end
function utils.fprintf(file, text, ...)
   utils.assert_string(2, text)
   file:write(format(text, ...))
end

-- ---- tables ----

-- puts what a package has into another table, the globals where none is given
function utils.import(from, into)
   from = from or _G
   if type(from) == 'string' then from = require(from) end
   into = into or _G
   for k, v in pairs(from) do
      if into[k] == nil or from ~= _G then into[k] = v end
   end
   return into
end

function utils.choose(condition, a, b)
   if condition then return a end
   return b
end

-- texts of the values of a list
function utils.array_tostring(list, into, describe)
   into, describe = into or {}, describe or tostring
   for i = 1, #list do into[i] = describe(list[i], i) end
   return into
end

-- ipairs over holes, from i to j in steps
function utils.npairs(t, i, j, step)
   step = step or 1
   if step == 0 then error('iterator step-size cannot be 0', 2) end
   i, j = i or 1, j or t.n or #t
   local k = i - step
   return function()
      k = k + step
      if step > 0 and k > j or step < 0 and k < j then return nil end
      return k, t[k]
   end
end

-- the pairs of a table that are no elements of a list
function utils.kpairs(t)
   local key
   return function()
      local value
      repeat key, value = next(t, key) until type(key) ~= 'number' or key % 1 ~= 0
      return key, value
   end
end

-- ---- texts ----

-- makes a text a pattern for itself
function utils.escape(text)
   utils.assert_string(1, text)
   return (gsub(text, '[%-%.%+%[%]%(%)%$%^%%%?%*]', '%%%1'))
end

-- Pieces between matches of a pattern, spaces by default; at most n, the last with what is left. An empty piece at the
-- end does not count.
function utils.split(text, pattern, plain, n)
   utils.assert_string(1, text)
   local pieces = {}
   if not pattern then
      pattern, plain = '%s+', false
      text = text:match('^%s*(.*)$')
   end
   if pattern == '' then return { text } end
   local at, count = 1, 0
   while true do
      local from, to = find(text, pattern, at, plain)
      if from and to < from then from = nil end
      if not from or n and n >= 0 and count + 1 >= n then
         local last = sub(text, at)
         if last ~= '' then pieces[count + 1] = last end
         if #pieces == 1 and pieces[1] == '' then return {} end
         return pieces
      end
      count = count + 1
      pieces[count] = sub(text, at, from - 1)
      at = to + 1
   end
end

function utils.splitv(text, pattern, plain, n)
   return unpack(utils.split(text, pattern, plain, n))
end

-- ---- functions ----

function utils.memoize(f)
   local known = {}
   return function(key)
      local value = known[key]
      if value == nil then
         value = f(key)
         known[key] = value
      end
      return value
   end
end

-- a function of '|x, y| x + y', or of '_ + 1' with one argument
utils.string_lambda = utils.memoize(function(text)
   if not find(text, '^|') and not find(text, '_', 1, true) then return utils.raise 'not a string lambda' end
   local parameters, body = text:match('|([^|]*)|(.+)')
   if not parameters then parameters, body = '_', text end
   local chunk, why = load('return function(' .. parameters .. ') return ' .. body .. ' end', 'tmp')
   if not chunk then return utils.raise(why) end
   return chunk()
end)

local factories = {}

-- makes objects with this metatable functions where functions are expected
function utils.add_function_factory(mt, make) factories[mt] = make end

utils.add_function_factory(debug.getmetatable(''), function(text)
   local lambda = text:find('^|') or text:find('_', 1, true)
   if lambda then return utils.string_lambda(text) end
   local f = require('pl.operator').optable[text]
   if not f then error('cannot find operator or function: ' .. text) end
   return f
end)

-- The function that an argument is: itself, an object that can be called, an operator's name, a lambda.
function utils.function_arg(position, f, text)
   utils.assert_arg(1, position, 'number')
   if type(f) == 'function' then return f end
   local make = factories[debug.getmetatable(f)]
   if make then
      local made = make(f)
      if not made then error('not a function', 3) end
      return made
   end
   if types.is_callable(f) then return f end
   if type(f) == 'table' then
      error(format('argument %d: %s', position, text or 'not a callable object'), 3)
   end
   error(format('argument %d must be callable', position), 3)
end

function utils.bind1(f, value)
   f = utils.function_arg(1, f)
   return function(...) return f(value, ...) end
end
function utils.bind2(f, value)
   f = utils.function_arg(1, f)
   return function(first, ...) return f(first, value, ...) end
end

-- ---- files ----

function utils.readfile(name, binary)
   utils.assert_string(1, name)
   local file, why = io.open(name, 'r' .. (binary and 'b' or ''))
   if not file then return utils.raise(why) end
   local text, wrong = file:read('*a')
   file:close()
   if not text then return utils.raise(name .. ': ' .. tostring(wrong)) end
   return text
end

function utils.writefile(name, text, binary)
   utils.assert_string(1, name)
   utils.assert_string(2, text)
   local file, why = io.open(name, 'w' .. (binary and 'b' or ''))
   if not file then return utils.raise(why) end
   local ok, wrong = file:write(text)
   local closed, late = file:close()
   if not ok or not closed then return utils.raise(name .. ': ' .. tostring(wrong or late)) end
   return true
end

function utils.readlines(name)
   utils.assert_string(1, name)
   local file, why = io.open(name, 'r')
   if not file then return utils.raise(why) end
   local lines = {}
   for line in file:lines() do lines[#lines + 1] = line end
   file:close()
   return lines
end

-- ---- commands ----

-- a text as one argument of a command; of a list as several
function utils.quote_arg(argument)
   if type(argument) == 'table' then
      local all = {}
      for i, a in ipairs(argument) do all[i] = utils.quote_arg(a) end
      return table.concat(all, ' ')
   end
   if argument == '' or find(argument, '[^a-zA-Z0-9_@%+=:,./-]') then
      return "'" .. gsub(argument, "'", "'\\''") .. "'"
   end
   return argument
end

-- Runs a command: success, exit status, what it printed, and its errors.
function utils.executeex(command, binary)
   local out, err = os.tmpname(), os.tmpname()
   local ok, status = utils.execute(format('%s > %s 2> %s', command, utils.quote_arg(out), utils.quote_arg(err)))
   local printed, errors = utils.readfile(out, binary), utils.readfile(err, binary)
   os.remove(out)
   os.remove(err)
   return ok, status, printed or '', errors or ''
end

function utils.is_type(value, kind) return types.is_type(value, kind) end

-- for functions that are to go: a warning, once each
function utils.set_deprecation_func(f) utils.deprecation = f end
function utils.raise_deprecation(options)
   if utils.deprecation then utils.deprecation(options.message, nil) end
end

require 'rekindle.takes'(utils, 'utils.', {
   add_function_factory = 'mt:value make:function', array_tostring = 'list:list into:list? describe:function?',
   assert_arg = 'n:number', assert_string = 'n:number', execute = 'command:text?', npairs = 't:list i:number? j:number? step:number?',
   kpairs = 't:list', quote_arg = 'argument:text|list', string_lambda = 'key:string', unpack = 't:list i:number? j:number?',
   fprintf = 'file:stream text:string', load = 'code:text|function name:string? mode:string?', memoize = 'f:function', raise = 'message:text',
   split = 'text:string pattern:string? plain:any n:number?', splitv = 'text:string pattern:string? plain:any n:number?',
   searchpath = 'name:string path:string', choose = '', setfenv = 'f:function|number env:list',
})

return utils
