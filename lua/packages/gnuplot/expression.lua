-- Expressions of gnuplot's language, as functions: compile(text, names, refuse) gives f(row), where row has variables by
-- their names and the fields of a line of data by their numbers.
local expression = {}

local function digits(f) return function(a, b) return f(a, b or 0) end end
local function erf(x)
   -- Abramowitz and Stegun, 7.1.26
   local t = 1 / (1 + 0.3275911 * math.abs(x))
   local y = 1 - ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t * math.exp(-x * x)
   return x < 0 and -y or y
end
local function lgamma(x)
   -- Stirling's series, from where it is exact enough
   local shift = 0
   while x < 10 do
      shift, x = shift - math.log(math.abs(x)), x + 1
   end
   return shift + (x - 0.5) * math.log(x) - x + 0.5 * math.log(2 * math.pi) + 1 / (12 * x) - 1 / (360 * x ^ 3)
end
local function truncated(x) return x < 0 and math.ceil(x) or math.floor(x) end

local functions = {
   abs = math.abs, acos = math.acos, asin = math.asin, atan = math.atan, atan2 = digits(math.atan2), ceil = math.ceil, cos = math.cos,
   cosh = math.cosh, erf = erf, erfc = function(x) return 1 - erf(x) end, exp = math.exp, floor = math.floor,
   gamma = function(x) return math.exp(lgamma(x)) end, int = truncated, lgamma = lgamma, log = math.log, log10 = math.log10,
   norm = function(x) return 0.5 * (1 + erf(x / math.sqrt(2))) end, rand = function() return math.random() end, real = function(x) return x end,
   sgn = function(x) return x > 0 and 1 or x < 0 and -1 or 0 end, sin = math.sin, sinh = math.sinh, sqrt = math.sqrt, tan = math.tan,
   tanh = math.tanh, asinh = function(x) return math.log(x + math.sqrt(x * x + 1)) end,
   acosh = function(x) return math.log(x + math.sqrt(x * x - 1)) end, atanh = function(x) return 0.5 * math.log((1 + x) / (1 - x)) end,
}
local whole = { ceil = true, floor = true, int = true, sgn = true }
local texts = {
   sprintf = function(format, ...) return string.format(format, ...) end, gprintf = function(format, ...) return string.format(format, ...) end,
   strlen = function(s) return #s end, substr = function(s, from, to) return s:sub(from, to) end,
   word = function(s, n)
      for w in s:gmatch '%S+' do
         n = n - 1
         if n == 0 then return w end
      end
      return ''
   end,
   words = function(s) return select(2, s:gsub('%S+', '')) end,
}

-- ---- words of the language ----

local operators = { '**', '==', '!=', '<=', '>=', '&&', '||' }

local function tokens(text, refuse)
   local list, at = {}, 1
   while true do
      at = text:find('%S', at)
      if not at then return list end
      local c = text:sub(at, at)
      local number = text:match('^%d+%.?%d*[eE][+-]?%d+', at) or text:match('^%.%d+[eE][+-]?%d+', at) or text:match('^%d+%.%d*', at)
         or text:match('^%.%d+', at) or text:match('^0[xX]%x+', at) or text:match('^%d+', at)
      local name = text:match('^[%a_][%w_]*', at)
      if number then
         list[#list + 1] = { kind = 'number', value = tonumber(number), whole = number:match '^%w+$' ~= nil and not number:find '[eE]' }
         at = at + #number
      elseif name then
         list[#list + 1] = { kind = 'name', value = name }
         at = at + #name
      elseif c == '"' or c == "'" then
         local stop = text:find(c, at + 1, true) or refuse("a text in '" .. text .. "' has no end")
         local inner = text:sub(at + 1, stop - 1)
         if c == '"' then inner = inner:gsub('\\n', '\n'):gsub('\\t', '\t') end
         list[#list + 1] = { kind = 'text', value = inner }
         at = stop + 1
      else
         local found = c
         for _, op in ipairs(operators) do
            if text:sub(at, at + 1) == op then found = op end
         end
         list[#list + 1] = { kind = 'operator', value = found }
         at = at + #found
      end
   end
end

-- ---- the grammar: each rule gives a function of the row, and whether its value is a whole number ----

local function truth(v) return v ~= 0 and v ~= '' end
local function flag(b) return b and 1 or 0 end

local binary = {
   ['+'] = function(a, b) return a + b end, ['-'] = function(a, b) return a - b end, ['*'] = function(a, b) return a * b end,
   ['/'] = function(a, b) return a / b end, ['%'] = function(a, b) return math.fmod(a, b) end, ['**'] = function(a, b) return a ^ b end,
   ['=='] = function(a, b) return flag(a == b) end, ['!='] = function(a, b) return flag(a ~= b) end,
   ['<'] = function(a, b) return flag(a < b) end, ['>'] = function(a, b) return flag(a > b) end,
   ['<='] = function(a, b) return flag(a <= b) end, ['>='] = function(a, b) return flag(a >= b) end,
   ['&&'] = function(a, b) return flag(truth(a) and truth(b)) end, ['||'] = function(a, b) return flag(truth(a) or truth(b)) end,
   ['.'] = function(a, b) return tostring(a) .. tostring(b) end,
   eq = function(a, b) return flag(tostring(a) == tostring(b)) end, ne = function(a, b) return flag(tostring(a) ~= tostring(b)) end,
}
local levels = { { '||' }, { '&&' }, { '==', '!=', 'eq', 'ne' }, { '<', '>', '<=', '>=' }, { '+', '-', '.' }, { '*', '/', '%' } }
for k, level in ipairs(levels) do
   local set = {}
   for _, op in ipairs(level) do set[op] = true end
   levels[k] = set
end
local gives_whole = { ['+'] = true, ['-'] = true, ['*'] = true, ['/'] = true, ['%'] = true, ['**'] = true }

local Parser = {}
Parser.__index = Parser

function Parser:peek() return (self.list[self.at] or {}).value end
function Parser:take()
   self.at = self.at + 1
   return self.list[self.at - 1] or self.refuse("'" .. self.text .. "' ends too early")
end
function Parser:accept(value)
   local token = self.list[self.at]
   if not token or token.value ~= value or token.kind == 'text' then return false end
   self.at = self.at + 1
   return true
end
function Parser:expect(value)
   if not self:accept(value) then self.refuse(string.format("'%s' lacks %s", self.text, value)) end
end

function Parser:ternary()
   self.depth = self.depth + 1
   if self.depth > 100 then self.refuse("'" .. self.text:sub(1, 40) .. "...' is nested too deeply") end
   local test, is_whole = self:level(1)
   if self:accept '?' then
      local yes, yes_whole = self:ternary()
      self:expect ':'
      local no, no_whole = self:ternary()
      local condition = test
      test, is_whole = function(row) return truth(condition(row)) and yes(row) or no(row) end, yes_whole and no_whole
   end
   self.depth = self.depth - 1
   return test, is_whole
end

function Parser:level(k)
   if not levels[k] then return self:unary() end
   local left, left_whole = self:level(k + 1)
   while true do
      local token = self.list[self.at]
      local op = token and token.kind ~= 'text' and levels[k][token.value] and token.value
      if not op then return left, left_whole end
      self.at = self.at + 1
      local right, right_whole = self:level(k + 1)
      left, left_whole = self:joined(op, left, left_whole, right, right_whole)
   end
end

function Parser:joined(op, left, left_whole, right, right_whole)
   local f, both = binary[op], left_whole and right_whole
   -- whole numbers divide as such
   if op == '/' and both then f = function(a, b) return b == 0 and 0 / 0 or truncated(a / b) end end
   return function(row) return f(left(row), right(row)) end, both and gives_whole[op] or not gives_whole[op]
end

function Parser:unary()
   if self:accept '-' then
      local f, is_whole = self:unary()
      return function(row) return -f(row) end, is_whole
   elseif self:accept '+' then
      return self:unary()
   elseif self:accept '!' then
      local f = self:unary()
      return function(row) return flag(not truth(f(row))) end, true
   end
   return self:power()
end

function Parser:power()
   local base, base_whole = self:primary()
   while self:accept '!' do
      local f = base
      base, base_whole = function(row) return math.floor(functions.gamma(f(row) + 1) + 0.5) end, true
   end
   if not self:accept '**' then return base, base_whole end
   local exponent, exponent_whole = self:unary()
   return self:joined('**', base, base_whole, exponent, exponent_whole)
end

function Parser:arguments()
   local list = {}
   if self:accept ')' then return list end
   repeat
      local f, is_whole = self:ternary()
      list[#list + 1], list.whole = f, is_whole
   until not self:accept ','
   self:expect ')'
   return list
end

local NAN = 0 / 0
-- a field of a line of data: as it stands there, and as a number
local function field(row, n) return row.fields and row.fields[n] end
local function column(row, n)
   if n == 0 then return row.number or 0 end
   return tonumber(field(row, n)) or NAN
end

function Parser:call(name)
   local list = self:arguments()
   local function values(row)
      local result = {}
      for k, f in ipairs(list) do result[k] = f(row) end
      return unpack(result, 1, #list)
   end
   if name == 'column' or name == 'valid' or name == 'stringcolumn' or name == 'strcol' then
      if #list ~= 1 then self.refuse(name .. ' takes one number') end
      if name == 'column' then return function(row) return column(row, values(row)) end, false end
      if name == 'valid' then return function(row) return flag(column(row, values(row)) == column(row, values(row))) end, true end
      return function(row) return field(row, values(row)) or '' end, false
   end
   local names = self.names
   local f = functions[name] or texts[name]
   if f then
      if #list == 0 and name ~= 'rand' then self.refuse(name .. ' lacks its argument') end
      return function(row) return f(values(row)) end, whole[name] or (name == 'abs' and list.whole)
   end
   if not names[name .. '()'] then self.refuse("the function '" .. name .. "' is not there") end
   return function(row)
      local own = names[name .. '()']
      row.depth = (row.depth or 0) + 1
      if row.depth > 100 then self.refuse("'" .. name .. "' calls itself without end") end
      local inner, given = setmetatable({}, { __index = row }), { values(row) }
      for k, parameter in ipairs(own.parameters) do inner[parameter] = given[k] end
      local result = own.body(inner)
      row.depth = row.depth - 1
      return result
   end, false
end

function Parser:primary()
   local token = self:take()
   local value = token.value
   if token.kind == 'number' then return function() return value end, token.whole end
   if token.kind == 'text' then return function() return value end, false end
   if value == '(' then
      local f, is_whole = self:ternary()
      self:expect ')'
      return f, is_whole
   elseif value == '$' then
      local n = self:take()
      if n.kind ~= 'number' then self.refuse("'" .. self.text .. "' has a $ without a number") end
      return function(row) return column(row, n.value) end, false
   elseif token.kind ~= 'name' then
      self.refuse(string.format("'%s' is not known at '%s'", self.text, tostring(value)))
   elseif self:accept '(' then
      return self:call(value)
   elseif value == 'pi' then
      return function() return math.pi end, false
   elseif value == 'NaN' then
      return function() return NAN end, false
   end
   local names, refuse = self.names, self.refuse
   local constant = names[value]
   return function(row)
      local found = row[value]
      if found == nil then found = names[value] end
      if found == nil then refuse("the variable '" .. value .. "' has no value") end
      return type(found) == 'table' and found.value or found
   end, type(constant) == 'table' and constant.whole or false
end

-- A function of an expression and whether its value is a whole number; `names` are the variables and functions that the
-- program has defined, `refuse(message)` raises an error.
function expression.compile(text, names, refuse)
   local parser = setmetatable({ text = text, list = tokens(text, refuse), at = 1, names = names, refuse = refuse, depth = 0 }, Parser)
   local f, is_whole = parser:ternary()
   if parser.list[parser.at] then refuse(string.format("'%s' goes on after its end with '%s'", text, tostring(parser:peek()))) end
   return function(row)
      local fine, value = pcall(f, row)
      if fine then return value end
      if type(value) == 'table' then error(value, 0) end
      refuse(string.format("'%s' cannot be computed: %s", text, tostring(value):gsub('^%S+:%d+: ', '')))
   end, is_whole
end

-- Reads `name = expression` or `name(x, y) = expression` into `names`; false where a text is neither.
function expression.define(text, names, refuse)
   local name, parameters, body = text:match '^%s*([%a_][%w_]*)%s*%(([%w_%s,]*)%)%s*=%s*([^=].*)$'
   if name then
      local list = {}
      for parameter in parameters:gmatch '[%w_]+' do list[#list + 1] = parameter end
      -- it may call itself
      names[name .. '()'] = { parameters = list, body = function() return NAN end }
      names[name .. '()'].body = expression.compile(body, names, refuse)
      return true
   end
   name, body = text:match '^%s*([%a_][%w_]*)%s*=%s*([^=].*)$'
   if not name then return false end
   local f, is_whole = expression.compile(body, names, refuse)
   names[name] = { value = f {}, whole = is_whole }
   return true
end

return expression
