-- Package argcheck, by its documented interface.
local argcheck = require 'argcheck'
local env = require 'argcheck.env'
local function refused(pattern, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(pattern), tostring(why))
   return why
end

-- types, defaults, and arguments that are left out
local calls = 0
local f = argcheck {
   help = 'Adds.\nTwo numbers.',
   { name = 'x', type = 'number', default = 0, help = 'the age of the captain' },
   { name = 'msg', type = 'string', opt = true },
   { name = 'y', type = 'number', defaulta = 'x' },
   { name = 'z', defaultf = function() calls = calls + 1 return calls end },
   call = function(...) return ... end,
}
local function same(expected, ...)
   local got = { ... }
   for i = 1, 4 do assert(got[i] == expected[i], i .. ': ' .. tostring(got[i])) end
end
same({ 0, nil, 0, 1 }, f())
same({ 3, nil, 3, 2 }, f(3))
same({ 0, 'a', 0, 3 }, f 'a')
same({ 3, 'a', 4, true }, f(3, 'a', 4, true))
same({ 5, nil, 6, 4 }, f(5, nil, 6))
-- types of a program's own may be nothing
do
   local plain = env.istype
   env.istype = function(value, name) return name == '*' or plain(value, name) end
   local g = argcheck { { name = 'x', type = 'number' }, { name = 'y', type = '*' }, call = function(x, y) return x, y, 'called' end }
   assert(select(3, g(1, nil)) == 'called' and select(3, g { x = 1 }) == 'called' and select(2, g(1, false)) == false)
   refused('invalid arguments', g, 1)
   refused('invalid arguments', g, nil, 1)
   env.istype = plain
end
local why = refused('invalid arguments', f, 1, 2, 3, 4, 5)
assert(why:find('Two numbers.', 1, true) and why:find('[x   = number]', 1, true) and why:find('the age of the captain [default=0]', 1, true))
local byName = argcheck { { name = 'x', type = 'number' }, { name = 'y', type = 'number', default = 2 } }
same({ 1, 2 }, byName { x = 1 })
refused('invalid arguments', byName, { x = 1, nobody = 2 })
refused('invalid arguments', byName, { y = 1 })

-- checks, packs, quiet and one-way checkers
local positive = argcheck { { name = 'x', type = 'number', check = function(x) return x > 0 end } }
assert(positive(2) == 2)
refused('invalid', positive, -2)
refused('invalid', positive)
local packed = argcheck { pack = true, { name = 'x', type = 'number' }, { name = 's', type = 'string', default = 'd' } }
assert(packed(1).x == 1 and packed(1).s == 'd')
local quiet = argcheck { quiet = true, { name = 'x', type = 'number' } }
local ok, value = quiet(3)
assert(ok == true and value == 3)
ok, value = quiet 'a'
assert(ok == false and value:find 'x = number')
refused('invalid', argcheck { nonamed = true, { name = 'x', type = 'number' } }, { x = 1 })
refused('invalid', argcheck { noordered = true, { name = 'x', type = 'number' } }, 1)

-- overloads
local g = argcheck { { name = 'x', type = 'number' }, call = function(x) return 'number ' .. x end }
g = argcheck { { name = 's', type = 'string' }, overload = g, call = function(s) return 'string ' .. s end }
assert(g(1) == 'number 1' and g 'a' == 'string a' and g { s = 'b' } == 'string b')
why = refused('invalid', g, true)
assert(why:find('or\n', 1, true))
refused('ambiguous', argcheck, { { name = 'n', type = 'number' }, overload = g })
local h = argcheck { { name = 'n', type = 'number' }, overload = g, force = true, call = function() return 'forced' end }
assert(h(1) == 'forced' and h 'a' == 'string a')

-- methods, and types of torch
local object = { factor = 3 }
object.times = argcheck { { name = 'self', type = 'table' }, { name = 'x', type = 'number' },
   call = function(self, x) return self.factor * x end }
assert(object:times(2) == 6 and object:times { x = 4 } == 12)
local tensors = argcheck { { name = 'a', type = 'torch.*Tensor' }, { name = 'b', type = 'torch.FloatTensor' } }
assert(tensors(torch.IntTensor(), torch.FloatTensor()))
refused('torch.IntTensor', tensors, torch.FloatTensor(), torch.IntTensor())
assert(env.istype(torch.LongTensor(), 'torch.*Tensor') and not env.istype(1, 'string'))
assert(argcheck { { name = 'm', type = 'nn.Module' } }(require('nn').Linear(2, 2)))

-- files, wrong rules, documentation
local back = torch.deserialize(torch.serialize(argcheck { { name = 'x', type = 'string' }, call = function(x) return x end }))
assert(back 'y' == 'y' and not pcall(back, 1))
refused('must have a name', argcheck, { { type = 'number' } })
local doc = require 'argcheck.doc'
doc.record()
doc [[some text]]
assert(doc.stop() == 'some text')
print('all as it should be')
