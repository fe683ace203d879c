-- Package moses, by its documented interface.
local _ = require 'moses'
local function same(a, b) assert(_.isEqual(a, b), table.concat(_.map(_.flatten { a }, function(_k, v) return tostring(v) end), ' ')) end

-- tables
same(_.map({ 1, 2 }, function(k, v) return k * v end), { 1, 4 })
same(_.map({ a = 1 }, function(k, v) return v, k end), { 'a' })
same(_.select({ 1, 2, 3, x = 4 }, function(_k, v) return v > 1 end), { 2, 3, x = 4 })
same(_.reject({ 1, 2, 3 }, function(_k, v) return v > 1 end), { 1 })
assert(_.reduce({ 1, 2, 3 }, function(a, b) return a - b end) == -4)
assert(_.reduceRight({ 'a', 'b' }, function(a, b) return a .. b end) == 'ba')
same(_.mapReduce({ 1, 2, 3 }, function(a, b) return a + b end), { 1, 3, 6 })
assert(_.include({ 1, { 2 } }, { 2 }) and _.detect({ 'x', 'y' }, 'y') == 2 and _.count({ 1, 1, 2 }, 1) == 2)
assert(_.max({ 1, 5, 2 }) == 5 and _.min({ { v = 3 }, { v = 2 } }, function(x) return x.v end) == 2)
same(_.groupBy({ 1, 2, 3 }, function(_k, v) return v % 2 end), { [0] = { 2 }, { 1, 3 } })
same(_.sortBy({ { 3 }, { 1 } }, 1), { { 1 }, { 3 } })
assert(_.same({ 1, 2 }, { 2, 1 }) and _.sameKeys({ a = 1 }, { a = 2 }) and _.size { 1, 2, x = 3 } == 3)
same(_.where({ { a = 1, b = 2 }, { a = 2 } }, { a = 1 }), { { a = 1, b = 2 } })
same(_.pluck({ { a = 1 }, { a = 2 } }, 'a'), { 1, 2 })
local order = {}
_.eachi({ [3] = 'c', [1] = 'a', x = 'y' }, function(k, v) order[#order + 1] = k .. v end)
same(order, { '1a', '3c' })
assert(#_.shuffle({ 1, 2, 3 }, 1) == 3)

-- arrays
same({ _.range(1, 3), _.range(3), _.range(1, 1), _.range(6, 2, -2) }, { { 1, 2, 3 }, { 0, 1, 2, 3 }, {}, { 6, 4, 2 } })
same({ _.first({ 1, 2, 3 }, 2), _.initial { 1, 2, 3 }, _.last({ 1, 2, 3 }, 2), _.rest({ 1, 2, 3 }, 2) },
   { { 1, 2 }, { 1, 2 }, { 2, 3 }, { 2, 3 } })
same(_.flatten { 1, { 2, { 3 } } }, { 1, 2, 3 })
same(_.flatten({ 1, { 2, { 3 } } }, true), { 1, 2, { 3 } })
same({ _.union({ 1, 2 }, { 2, 3 }), _.intersection({ 1, 2 }, { 2, 3 }), _.difference({ 1, 2 }, { 2 }), _.xor({ 1, 2 }, { 2, 3 }) },
   { { 1, 2, 3 }, { 2 }, { 1 }, { 1, 3 } })
same(_.zip({ 1, 2 }, { 'a', 'b' }), { { 1, 'a' }, { 2, 'b' } })
same(_.chunk({ 1, 1, 2, 1 }, function(_k, v) return v end), { { 1, 1 }, { 2 }, { 1 } })
local parts = {}
for part in _.partition({ 1, 2, 3 }, 2, 0) do parts[#parts + 1] = part end
for part in _.sliding({ 1, 2, 3 }, 2) do parts[#parts + 1] = part end
same(parts, { { 1, 2 }, { 3, 0 }, { 1, 2 }, { 2, 3 } })
local n = 0
for _p in _.permutation { 1, 2, 3 } do n = n + 1 end
assert(n == 6 and _.concat({ 1, true }, '-') == '1-true' and _.indexOf({ 'a', 'b' }, 'b') == 2)
same(_.pull({ 1, 2, 1, 3 }, 1), { 2, 3 })
local queue = { 1, 2, 3 }
assert(_.pop(queue) == 1 and _.unshift(queue) == 3 and #queue == 1)
same(_.push(_.addTop(queue, 0), 9), { 0, 2, 9 })

-- functions
assert(_.compose(function(x) return x + 1 end, function(x) return 2 * x end)(3) == 7)
assert(_.bind(math.pow, 2)(3) == 8 and _.bind2(math.pow, 2)(3) == 9 and _.partial(math.pow, '_', 2)(5) == 25)
assert(_.curry(function(a, b) return a + b end)(1)(2) == 3 and _.once(_.identity)(4) == 4)
local f = _.memoize(function(x) n = n + 1 return 2 * x end)
assert(f(2) == 4 and f(2) == 4 and n == 7)
same(_.times(3, function(i) return i * i end), { 1, 4, 9 })

-- objects
local deep = { 1, { 2 } }
local copy = _.clone(deep)
assert(copy[2] ~= deep[2] and _.isEqual(copy, deep) and _.clone(deep, true)[2] == deep[2])
same(_.extend({ a = 1 }, { b = 2 }), { a = 1, b = 2 })
same({ _.pick({ a = 1, b = 2 }, 'a'), _.omit({ a = 1, b = 2 }, 'a') }, { { a = 1 }, { b = 2 } })
assert(_.isArray { 1, 2 } and not _.isArray { x = 1 } and _.isNaN(0 / 0) and _.isEmpty {} and _.isCallable(print))

assert(_({ 1, 2, 3 }):filter(function(_k, v) return v > 1 end):max():value() == 3)
assert(_.import({}).map == _.map and _.forEach == _.each)
print('all as it should be')
