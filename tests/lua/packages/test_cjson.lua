-- Packages cjson and cjson.safe, by their documented interface.
local cjson = require 'cjson'
local safe = require 'cjson.safe'
local function refused(text, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and why:find(text, 1, true), tostring(why))
end

assert(cjson._NAME == 'cjson' and type(cjson._VERSION) == 'string')

-- values both ways
local value = cjson.decode('[true, {"foo": "bar", "n": [1, -2.5e3, null]}, "\\u00e9\\ud83d\\ude00\\n"]')
assert(value[1] == true and value[2].foo == 'bar' and value[2].n[2] == -2500 and value[2].n[3] == cjson.null)
assert(value[3] == '\195\169\240\159\152\128\n' and type(cjson.null) == 'userdata')
assert(cjson.decode('{"1": 2}')['1'] == 2 and cjson.decode('{"a": 1, "a": 2}').a == 2 and cjson.decode(' 3 ') == 3)
assert(cjson.encode({ true, { foo = 'bar' } }) == '[true,{"foo":"bar"}]')
assert(cjson.encode({}) == '{}' and cjson.encode({ [3] = 'x' }) == '[null,null,"x"]')
assert(cjson.encode({ a = cjson.null }) == '{"a":null}' and cjson.encode({ [1.5] = 1 }) == '{"1.5":1}')
assert(cjson.encode('a/b"\\\n\1\127') == '"a\\/b\\"\\\\\\n\\u0001\\u007f"')
assert(cjson.encode(1 / 3) == '0.33333333333333' and cjson.encode(1e20) == '1e+20' and cjson.encode(10) == '10')
local bytes = {}
for i = 0, 255 do bytes[#bytes + 1] = string.char(i) end
bytes = table.concat(bytes)
assert(cjson.decode(cjson.encode(bytes)) == bytes)

-- what is refused, and where
refused('Expected value but found T_END at character 9', cjson.decode, '{ "a":  ')
refused('Expected comma or array end but found T_NUMBER at character 4', cjson.decode, '[1 2]')
refused('Expected object key string but found T_OBJ_END at character 8', cjson.decode, '{"a":1,}')
refused('Expected value but found invalid token at character 2', cjson.decode, '[nil]')
refused('Cannot serialise function: type not supported', cjson.encode, { print })
refused('Cannot serialise userdata: type not supported', cjson.encode, { torch.Tensor(2) })
refused('table key must be a number or string', cjson.encode, { [true] = 1 })
refused('must not be NaN or Infinity', cjson.encode, { 0 / 0 })
refused('excessively sparse', cjson.encode, { [1000] = 1 })
local loop = {}
loop[1] = loop
refused('excessive nesting (1001)', cjson.encode, loop)
refused('Found too many nested data structures (1001)', cjson.decode, ('['):rep(1100))
refused('expected 1 argument', cjson.encode)

-- settings belong to a copy of the package
local own = cjson.new()
assert(own.decode_max_depth(5) == 5 and cjson.decode_max_depth() == 1000)
refused('Found too many nested data structures (6) at character 6', own.decode, '[[[[[[1]]]]]]')
own.decode_max_depth(1000000)
assert(not pcall(own.decode, ('['):rep(100000)), 'deeper than Lua\'s stack')
assert(own.encode_max_depth(2) == 2)
refused('excessive nesting (3)', own.encode, { { { 1 } } })
assert(own.encode_number_precision(3) == 3 and own.encode(1 / 3) == '0.333')
assert(own.encode_invalid_numbers(true) == true and own.encode({ 0 / 0, 1 / 0, -1 / 0 }) == '[NaN,Infinity,-Infinity]')
assert(own.encode_invalid_numbers('null') == 'null' and own.encode({ 0 / 0 }) == '[null]')
own.encode_number_precision(14)
local convert, ratio, enough = own.encode_sparse_array(true, 2, 3)
assert(convert == true and ratio == 2 and enough == 3)
assert(own.encode({ [1000] = 'x' }) == '{"1000":"x"}' and own.encode({ [3] = 1 }) == '[null,null,1]')
assert(own.decode('[0x10, NaN, 012]')[1] == 16 and own.decode_invalid_numbers(false) == false)
refused('invalid number at character 2', own.decode, '[0x10]')
refused('invalid token at character 2', own.decode, '[NaN]')
assert(own.encode_keep_buffer() == true)
refused("invalid option 'perhaps'", own.encode_keep_buffer, 'perhaps')
refused('found too many arguments', own.encode_keep_buffer, true, true)
refused('expected integer between 1 and 14', own.encode_number_precision, 0)

-- errors stand at the program's line
local line = debug.getinfo(1, 'l').currentline + 1
local _, placed = pcall(function() cjson.encode(print) end)
assert(placed:find('test_cjson.lua:' .. line .. ': Cannot serialise function', 1, true), placed)
_, placed = pcall(function() cjson.decode 'Oops' end)
assert(placed:find('test_cjson.lua:' .. line + 2 .. ': Expected value', 1, true), placed)

-- errors as results
local v, why = safe.decode('Oops')
assert(v == nil and why == 'Expected value but found invalid token at character 1')
v, why = safe.encode({ print })
assert(v == nil and why == 'Cannot serialise function: type not supported')
assert(safe.decode('null') == cjson.null and safe.encode({ 1 }) == '[1]' and safe.new().decode('[1]')[1] == 1)
print('all as it should be')
