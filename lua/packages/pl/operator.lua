-- Penlight: Lua's operators as functions, and by their names.
local op = {}

function op.call(f, ...) return f(...) end
function op.index(t, k) return t[k] end
function op.eq(a, b) return a == b end
function op.neq(a, b) return a ~= b end
function op.lt(a, b) return a < b end
function op.le(a, b) return a <= b end
function op.gt(a, b) return a > b end
function op.ge(a, b) return a >= b end
function op.len(a) return #a end
function op.add(a, b) return a + b end
function op.sub(a, b) return a - b end
function op.mul(a, b) return a * b end
function op.div(a, b) return a / b end
function op.pow(a, b) return a ^ b end
function op.mod(a, b) return a % b end
function op.concat(a, b) return a .. b end
function op.unm(a) return -a end
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

return op
