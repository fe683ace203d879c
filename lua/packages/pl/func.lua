-- Penlight: functions from expressions with placeholders: _1 + 2 * _2.
local utils = require 'pl.utils'
local func = {}

-- an expression: op, and the operands from 1
local PE = {}
local function is_PE(v) return getmetatable(v) == PE end
func.isPE = is_PE
function func.PE(e) return setmetatable(e, PE) end

local function placeholder(index, text) return func.PE { op = 'X', repr = text, index = index } end
local function expression(op, ...) return func.PE { op = op, ... } end

func._0 = placeholder(0, '...')
for i = 1, 9 do func['_' .. i] = placeholder(i, '_' .. i) end

-- a function that has a name in expressions
function func.register(f, name)
   utils.assert_string(2, name)
   return function(...) return func.PE { op = '()', func.PE { op = 'X', repr = name, index = 'f', f = f }, ... } end
end

-- the values of a package as functions of expressions
function func.import(name, context)
   local t = type(name) == 'table' and name or name and _G[name] or math
   context = context or _G
   for k, f in pairs(t) do
      if type(f) == 'function' then context[k] = func.register(f, k) end
   end
end

for name, op in pairs { __add = '+', __sub = '-', __mul = '*', __div = '/', __mod = '%', __pow = '^', __concat = '..' } do
   PE[name] = function(a, b) return expression(op, a, b) end
end
PE.__unm = function(a) return expression('unm', a) end
PE.__index = function(a, key) return expression('[]', a, key) end
PE.__call = function(f, ...) return expression('()', f, ...) end

function func.Args(...) return func.PE { op = 'X', repr = '...', index = 0 } end
for name, op in pairs { Not = 'not', Len = '#', Eq = '==', Lt = '<', Gt = '>', Le = '<=', Ge = '>=', And = 'and', Or = 'or', Neq = '~=' } do
   func[name] = function(a, b) return expression(op, a, b) end
end

local priority = { ['or'] = 1, ['and'] = 2, ['=='] = 3, ['~='] = 3, ['<'] = 3, ['>'] = 3, ['<='] = 3, ['>='] = 3, ['..'] = 4,
   ['+'] = 5, ['-'] = 5, ['*'] = 6, ['/'] = 6, ['%'] = 6, ['not'] = 7, ['#'] = 7, unm = 7, ['^'] = 8 }
local right = { ['..'] = true, ['^'] = true }
local unary = { ['not'] = 'not ', ['#'] = '#', unm = '- ' }
local get = rawget

-- the values of an expression, named _C1, _C2 ... in its text
function func.collect_values(e, values)
   if not is_PE(e) then
      values[#values + 1] = e
      return
   end
   if get(e, 'op') == 'X' then
      if get(e, 'f') then values[#values + 1] = get(e, 'f') end
      return
   end
   for i = 1, 20 do
      local operand = get(e, i)
      if operand == nil then break end
      func.collect_values(operand, values)
   end
end

local function text_of(e, names, above, is_right)
   if not is_PE(e) then return names(e) end
   local op = get(e, 'op')
   if op == 'X' then return get(e, 'f') and names(get(e, 'f')) or get(e, 'repr') end
   if op == '[]' then return text_of(get(e, 1), names, 9) .. '[' .. text_of(get(e, 2), names, 0) .. ']' end
   if op == '()' then
      local f, args = text_of(get(e, 1), names, 9), {}
      for i = 2, 20 do
         if get(e, i) == nil then break end
         args[#args + 1] = text_of(get(e, i), names, 0)
      end
      return f .. '(' .. table.concat(args, ',') .. ')'
   end
   local p = priority[op]
   local text
   if unary[op] then text = unary[op] .. text_of(get(e, 1), names, p)
   else
      local a = text_of(get(e, 1), names, right[op] and p + 0.5 or p)
      local b = text_of(get(e, 2), names, right[op] and p or p + 0.5, true)
      text = a .. ' ' .. op .. ' ' .. b
   end
   -- a sign on the right needs no brackets
   if above and p < above and not (unary[op] and is_right) then text = '(' .. text .. ')' end
   return text
end
local function naming()
   local n = 0
   return function()
      n = n + 1
      return '_C' .. n
   end
end
function func.repr(e) return text_of(e, naming(), 0) end

local function most_index(e)
   if not is_PE(e) then return 0 end
   if get(e, 'op') == 'X' then return type(get(e, 'index')) == 'number' and get(e, 'index') or 0 end
   local most = 0
   for i = 1, 20 do
      if get(e, i) == nil then break end
      most = math.max(most, most_index(get(e, i)))
   end
   return most
end
local function is_variadic(e)
   if not is_PE(e) then return false end
   if get(e, 'op') == 'X' then return get(e, 'index') == 0 end
   for i = 1, 20 do
      if get(e, i) == nil then return false end
      if is_variadic(get(e, i)) then return true end
   end
   return false
end

-- the function of an expression
function func.instantiate(e)
   local values = {}
   func.collect_values(e, values)
   local constants, parameters = {}, {}
   for i = 1, #values do constants[i] = '_C' .. i end
   for i = 1, most_index(e) do parameters[i] = '_' .. i end
   if is_variadic(e) then parameters[#parameters + 1] = '...' end
   local body = func.repr(e)
   local code = ('return function(%s) return function(%s) return %s end end'):format(table.concat(constants, ','),
      table.concat(parameters, ','), body)
   local chunk, why = loadstring(code, 'fun')
   if not chunk then return nil, why end
   return chunk()(unpack(values, 1, #values))
end
function func.I(e)
   local known = rawget(e, 'fun')
   if not known then
      known = func.instantiate(e)
      rawset(e, 'fun', known)
   end
   return known
end
utils.add_function_factory(PE, func.I)

func.bind1 = utils.bind1
func.curry = func.bind1
function func.compose(...)
   local functions = {}
   for i = 1, select('#', ...) do functions[i] = utils.function_arg(i, (select(i, ...))) end
   return function(...)
      local values = utils.pack(...)
      for i = #functions, 1, -1 do values = utils.pack(functions[i](utils.unpack(values))) end
      return utils.unpack(values)
   end
end
-- some arguments fixed, the others by placeholders
function func.bind(f, ...)
   local args, n = { ... }, select('#', ...)
   local highest = 0
   for i = 1, n do
      local a = args[i]
      if is_PE(a) and get(a, 'op') == 'X' then
         highest = math.max(highest, get(a, 'index'))
      end
   end
   f = utils.function_arg(1, f)
   return function(...)
      local given, called, count = { ... }, {}, 0
      for i = 1, n do
         local a = args[i]
         if is_PE(a) and get(a, 'op') == 'X' then
            if get(a, 'index') == 0 then
               for k = highest + 1, select('#', ...) do
                  count = count + 1
                  called[count] = given[k]
               end
            else
               count = count + 1
               called[count] = given[get(a, 'index')]
            end
         else
            count = count + 1
            called[count] = a
         end
      end
      return f(unpack(called, 1, count))
   end
end

require 'rekindle.takes'(func, 'func.', {
   PE = 'e:list', I = 'e:list', collect_values = 'e:any values:list', import = 'name:any context:list?',
})

return func
