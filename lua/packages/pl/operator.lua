-- Penlight: Lua's operators as functions, and by their names.
local op = {}

function op.call(f, ...) return f(...) end
function op.eq(a, b) return a == b end
function op.neq(a, b) return a ~= b end

local operators = {
   index = function(t, k) return t[k] end, len = function(a) return #a end, unm = function(a) return -a end,
   lt = function(a, b) return a < b end, le = function(a, b) return a <= b end,
   gt = function(a, b) return a > b end, ge = function(a, b) return a >= b end,
   add = function(a, b) return a + b end, sub = function(a, b) return a - b end, mul = function(a, b) return a * b end,
   div = function(a, b) return a / b end, pow = function(a, b) return a ^ b end, mod = function(a, b) return a % b end,
   concat = function(a, b) return a .. b end,
}
for name, f in pairs(operators) do
   -- values that have no such operator are told by name; a metamethod's own errors are passed on
   local function finish(a, b, ok, result)
      if ok then return result end
      if type(result) ~= 'string' or not result:find('^pl/operator%.lua:') then error(result, 0) end
      local brief = require('nn.expect').brief
      local one = name == 'len' or name == 'unm'
      error(('operator.%s: %s %s no such operator'):format(name, one and brief(a) or brief(a) .. ' and ' .. brief(b), one and 'has' or 'have'))
   end
   op[name] = function(a, b) return finish(a, b, pcall(f, a, b)) end
end
function op.lnot(a) return not a end
function op.land(a, b) return a and b end
function op.lor(a, b) return a or b end
function op.table(...) return { ... } end
function op.match(a, b) return a:find(b) ~= nil end
function op.nop() end

op.optable = {
   ['+'] = op.add, ['-'] = op.sub, ['*'] = op.mul, ['/'] = op.div, ['%'] = op.mod, ['^'] = op.pow, ['..'] = op.concat,
   ['()'] = op.call, ['[]'] = op.index, ['<'] = op.lt, ['<='] = op.le, ['>'] = op.gt, ['>='] = op.ge, ['=='] = op.eq,
   ['~='] = op.neq, ['#'] = op.len, ['and'] = op.land, ['or'] = op.lor, ['{}'] = op.table, ['~'] = op.match, [''] = op.nop,
}

require 'rekindle.takes'(op, 'operator.', require 'rekindle.named'(op, { f = 'function' }, { match = 'a:text b:text' }))

return op
