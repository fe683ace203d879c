-- Package pprint: what its texts look like.
require 'nn'
assert(require 'pprint' == pprint)
local function shows(value, text, depth)
   local got = pprint.pretty_string(value, depth)
   assert(got == text, got)
end

shows(3, '3')
shows(-math.huge, '-math.huge')
shows(nil, 'nil')
shows('a', '"a"')
shows('say "a"', [['say "a"']])
shows([['"]], [["'\""]])
shows({}, '{}')
shows({ 1, 'x', true }, '{ 1, "x", true }')
shows({ b = 2, a = 1, [10] = 0, ['no name'] = 1, [true] = false },
   '{\n  [10] = 0,\n  [true] = false,\n  a = 1,\n  b = 2,\n  ["no name"] = 1\n}')
shows({ 1, inner = { x = { 2 } } }, '{ 1,\n  inner = {\n    x = { 2 }\n  }\n}')
shows({ 1, 2, [1.5] = 3 }, '{ 1, 2,\n  [1.5] = 3\n}')
shows({ { { 1 } } }, '{ { {...} } }', 2)
shows({ print, coroutine.create(print) }, '{ <function>, <thread> }')
local loop = { name = 'a' }
loop.self = loop
shows(loop, '{\n  name = "a",\n  self = <table>\n}')
shows(setmetatable({ 1 }, { __tostring = function() return 'one\n' end }),
   '{ -- one\\n\n   1,\n  <metatable> = {\n    __tostring = <function>\n  }\n}')

-- tensors, and objects of classes
shows(torch.zeros(3, 7), '[torch.Tensor of dimension 3x7]')
shows(torch.ones(2), tostring(torch.ones(2)))
assert(pprint.pretty_string(nn.Tanh()):find('<metatable> = <nn.Tanh>', 1, true))

assert(pprint.printer(1)({ {} }, 2) == '{ {...} } 2' and pprint.printer()() == '')
local printed
local plain = print
print = function(text) printed = text end
pprint { a = { 1 } }
pprint({ a = { 1 } }, 1)
print = plain
assert(printed == '{\n  a = {...}\n}')
local ok, why = pcall(function() pprint({}, 'x') end)
assert(not ok and why:find('test_pprint.lua:%d+: pprint.pretty_string: depth should be a number, got the string "x"'), why)
print 'all as it should be'
