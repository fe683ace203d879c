-- Package underscore, by its documented interface.
local _ = require 'underscore'
local function same(a, b) assert(_.is_equal(a, b)) end
local function even(x) return x % 2 == 0 end
local function refused(f, words)
   local ok, why = pcall(f)
   assert(not ok and why:find(words, 1, true), why)
   assert(why:find('^[^:]*test_underscore.lua:'), why)
end

-- lists: arrays, and functions that give one value per call
same(_.map({ 1, 2 }, function(x) return 2 * x end), { 2, 4 })
same(_.map(_.range(3), function(x) return x * x end), { 1, 4, 9 })
same({ _.range(3):to_array(), _.range(2, 8, 3):to_array(), _.range(3, 1, -1):to_array() }, { { 1, 2, 3 }, { 2, 5, 8 }, { 3, 2, 1 } })
assert(_.reduce({ 1, 2, 3 }, 0, function(memo, x) return memo - x end) == -6 and _.foldl({ 'a', 'b' }, '', function(memo, x) return memo .. x end) == 'ab')
assert(_.detect({ 1, 4, 6 }, even) == 4 and _.detect({ 1 }, even) == nil)
same({ _.select({ 1, 2, 4 }, even), _.filter({ 1 }, even), _.reject({ 1, 2, 4 }, even) }, { { 2, 4 }, {}, { 1 } })
assert(_.all { 1, true } and not _.all({ 2, 3 }, even) and _.all {} and _.any({ 1, 2 }, even) and not _.any { false, false })
assert(_.include({ 'a', 'b' }, 'b') and not _.include({ 1 }, 2))
local told = {}
local function tell(self, word) told[#told + 1] = self.name .. word end
_.invoke({ { name = 'a', tell = tell }, { name = 'b', tell = tell } }, 'tell', '!')
same(told, { 'a!', 'b!' })
same(_.pluck({ { n = 1 }, { n = 2 } }, 'n'), { 1, 2 })
assert(_.max({ 'aa', 'bbb', 'c' }, string.len) == 'bbb' and _.min { 3, 1, 2 } == 1 and _.max {} == nil)
local list = { 3, 1, 2 }
assert(_.sort(list) == list and _.each(list, tostring) == list)
same({ list, _.reverse(list), _.sort(_.iter(list), function(a, b) return a > b end) }, { { 1, 2, 3 }, { 3, 2, 1 }, { 3, 2, 1 } })

-- arrays
assert(_.first(list) == 1 and _.head(list) == 1 and #_.tail(list) == 2)
same({ _.first(list, 2), _.first(list, 9), _.rest(list), _.rest(list, 3), _.slice(list, 2, 2), _.slice(list, 0, 2) },
   { { 1, 2 }, list, { 2, 3 }, { 3 }, { 2, 3 }, { 1 } })
same(_.flatten { 1, { 2, { 3, {} } } }, { 1, 2, 3 })
assert(_.push(list, 4) == list and _.unshift(list, 0) == list and _.pop(list) == 4 and _.shift(list) == 0 and #list == 3)
assert(_.join(list, '-') == '1-2-3' and _.join(list) == '123')

-- tables and functions
same({ _.sort(_.keys { a = 1, b = 2 }), _.sort(_.values { a = 1, b = 2 }) }, { { 'a', 'b' }, { 1, 2 } })
local options = { a = 1 }
assert(_.extend(options, { a = 2, b = 3 }) == options and options.a == 2 and options.b == 3)
assert(_.is_empty {} and not _.is_empty { a = 1 } and not _.is_equal({ 1 }, { 1, 2 }))
local equal = { __eq = function() return true end }
local one, other = setmetatable({ 1 }, equal), setmetatable({ 2 }, equal)
assert(_.is_equal(one, other) and not _.is_equal(one, other, true))
assert(_.compose(function(x) return x + 1 end, function(x) return 2 * x end)(3) == 7 and _.curry(math.pow, 2)(3) == 8)
assert(_.wrap(math.abs, function(f, x) return f(x) + 1 end)(-3) == 4 and _.identity(5) == 5)
assert(_.include(_.functions(), 'map') and _.include(_.methods(), 'foldl'))

-- values with methods, and chains
same(_({ 1, 2, 3 }):map(function(x) return x + 1 end), { 2, 3, 4 })
same(_({ 1, 2, 3, 4 }):chain():select(even):map(function(x) return x * x end):value(), { 4, 16 })
assert(_({ 1, 2 }):chain():max():value() == 2 and _.chain({ 3, 4 }):first():value() == 3)

-- what does not fit is told where it is called
refused(function() _.map(3, even) end, 'underscore.map: list should be a table or a function, got the number 3')
refused(function() _({ 1 }):map() end, 'underscore.map: func should be a function, got nothing')
refused(function() _.max { 1, 'a' } end, 'underscore.max: elements that can be compared expected')
refused(function() _.invoke({ {} }, 'go') end, "underscore.invoke: elements with a method 'go' expected")
refused(function() _.range(1, 3, 0) end, 'underscore.range: step should not be 0')
refused(function() _.value {} end, 'underscore.value: a chain expected')
refused(function() _.range 'a' end, 'underscore.range: first should be a number')
print 'all as it should be'
