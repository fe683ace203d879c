-- Penlight: tables as Lua's source, and back.
local utils = require 'pl.utils'
local quote_string = require('pl.stringx').quote_string
local pretty = {}

local keywords = {}
for word in ([[and break do else elseif end false for function if in local nil not or repeat return then true until
   while goto]]):gmatch '%a+' do keywords[word] = true end
local function is_name(key) return type(key) == 'string' and key:find '^[%a_][%w_]*$' ~= nil and not keywords[key] end

-- ---- reading ----

-- texts have no methods meanwhile, so that what is read cannot call
local function without_methods(f, ...)
   local mt = getmetatable ''
   local index = mt.__index
   mt.__index = nil
   local function back(...)
      mt.__index = index
      return ...
   end
   return back(pcall(f, ...))
end

-- the text without what stands in quotes and comments
local function bare(text)
   return (text:gsub('%-%-%[(=*)%[.-%]%1%]', ''):gsub('%-%-[^\n]*', ''):gsub('\\.', ''):gsub('"[^"\n]*"', '""')
      :gsub("'[^'\n]*'", "''"):gsub('%[(=*)%[.-%]%1%]', "''"))
end
local function has_word(text, word) return text:find('%f[%w_]' .. word .. '%f[^%w_]') ~= nil end

-- a table that is written as an expression
function pretty.read(text)
   utils.assert_arg(1, text, 'string')
   if text:find '^%s*%-%-' then text = text:gsub('^%s*%-%-.-\n', '') end
   if not text:find '^%s*{' then return nil, 'not a Lua table' end
   if has_word(bare(text), 'function') then return nil, 'cannot have functions in table definition' end
   local chunk, why = load('return ' .. text, 'tbl', 't', {})
   if not chunk then return nil, why end
   local ok, value = without_methods(chunk)
   if ok then return value end
   return nil, value
end

-- the globals that assignments make; `paranoid` refuses loops and calls
function pretty.load(text, env, paranoid)
   env = env or {}
   if type(text) == 'table' or type(text) == 'userdata' then
      error('pretty.load: a text expected, got ' .. require('nn.expect').brief(text))
   end
   if paranoid then
      local plain = bare(text)
      for _, word in ipairs { 'for', 'repeat', 'while', 'until', 'goto' } do
         if has_word(plain, word) then return nil, 'looping not allowed' end
      end
      if has_word(plain, 'function') then return nil, 'functions not allowed' end
   end
   local chunk, why = load(text, 'tbl', 't', env)
   if not chunk then return nil, why end
   local ok, wrong = without_methods(chunk)
   if not ok then return nil, wrong end
   return env
end

-- ---- writing ----

local function number_text(v)
   if v ~= v then return 'NaN' elseif v == math.huge then return 'Inf' elseif v == -math.huge then return '-Inf' end
   local text = tostring(v)
   if text:find '^%-?%d+e' then text = text:gsub('e', '.0e', 1) end
   return text
end

-- numbers come last, behind texts
local order = { string = 2, number = 3 }
local function by_kind(a, b)
   local ka, kb = order[type(a)] or 1, order[type(b)] or 1
   if ka ~= kb then return ka < kb end
   if ka == 1 then return tostring(a) < tostring(b) end
   return a < b
end

local function writer(space, plain_keys)
   local out, open = {}, {}
   local compact = space == ''
   local write
   local function put(text) out[#out + 1] = text end
   local function key_text(key)
      if plain_keys then return tostring(key) end
      if is_name(key) then return key end
      if type(key) == 'number' then return '[' .. number_text(key) .. ']' end
      local text = quote_string(tostring(key))
      return text:find '^%[' and '[ ' .. text .. ' ]' or '[' .. text .. ']'
   end
   local function write_table(t, indent)
      if open[t] then put '<cycle>' return end
      open[t] = true
      local inner, first = indent .. space, true
      local function entry()
         if not first then put ',' end
         if not compact then put('\n' .. inner) end
         first = false
      end
      put '{'
      local n = 0
      for i, v in ipairs(t) do
         n = i
         entry()
         write(v, inner)
      end
      local keys = {}
      for k in next, t do
         if not (type(k) == 'number' and k >= 1 and k <= n and k % 1 == 0) then keys[#keys + 1] = k end
      end
      table.sort(keys, by_kind)
      for _, k in ipairs(keys) do
         entry()
         put(key_text(k) .. (compact and '=' or ' = '))
         write(rawget(t, k), inner)
      end
      put(compact and '}' or '\n' .. indent .. '}')
      open[t] = nil
   end
   function write(value, indent)
      local kind = type(value)
      local mt = debug.getmetatable(value)
      if kind == 'string' then put(quote_string(value))
      elseif kind == 'number' then put(number_text(value))
      elseif kind == 'table' and not (mt and mt.__tostring and torch.typename(value)) then write_table(value, indent)
      else put(tostring(value)) end
   end
   return write, out
end

-- space: what a level is indented by, two spaces by default, '' for one line; not_clever: keys as they are
function pretty.write(value, space, not_clever)
   if type(value) ~= 'table' then
      local text = type(value) == 'number' and number_text(value) or tostring(value)
      if type(value) == 'string' then text = quote_string(value) end
      return text, type(value) ~= 'number' and type(value) ~= 'string' and 'not a table' or nil
   end
   local write, out = writer(space or '  ', not_clever)
   local ok, why = pcall(write, value, '')
   if not ok then return nil, why end
   return table.concat(out)
end

function pretty.dump(value, name)
   local text, why = pretty.write(value)
   if name then return utils.writefile(name, text) end
   if not text then return nil, why end
   print(text)
   return true
end

-- prints all values, nil too
function pretty.debug(...)
   local n, args = select('#', ...), { ... }
   for i = 1, n do
      if args[i] == nil then args[i] = '<nil>' end
   end
   print(pretty.write(args, ' '))
   return true
end

local memory, amounts = { 'B', 'KiB', 'MiB', 'GiB', 'TiB' }, { '', 'K', 'M', 'B' }

-- kind: 'M' memory, 'N' thousands with letters, 'T' thousands with commas
function pretty.number(number, kind, precision)
   utils.assert_arg(1, number, 'number')
   kind, precision = kind or 'N', precision or 1
   if kind == 'T' then
      local text = string.format('%.0f', number)
      local n
      repeat text, n = text:gsub('^(%-?%d+)(%d%d%d)', '%1,%2') until n == 0
      return text
   end
   local suffixes, base = kind == 'M' and memory or amounts, kind == 'M' and 1024 or 1000
   local i = 1
   while math.abs(number) >= base and i < #suffixes do
      number = number / base
      i = i + 1
   end
   return (i == 1 and '%d%s' or '%.' .. precision .. 'f%s'):format(number, suffixes[i])
end

require 'rekindle.takes'(pretty, 'pretty.', { load = 'text:text|function env:list?' })

return setmetatable(pretty, { __call = function(_, ...) return pretty.write(...) end })
