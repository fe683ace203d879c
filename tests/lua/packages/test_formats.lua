-- Packages md5, base64 and csvigo, by their documented interfaces.
local md5, base64 = require 'md5', require 'base64'
require 'csvigo'
assert(md5.sumhexa 'abc' == '900150983cd24fb0d6963f7d28e17f72' and #md5.sum 'abc' == 16)
assert(md5.tohex(md5.new():update 'a':update 'bc':finish()) == md5.sumhexa 'abc')
assert(base64.encode 'foob' == 'Zm9vYg==' and base64.decode(base64.encode 'a\0b\255') == 'a\0b\255')
assert(not pcall(base64.decode, '!'))

local name = os.tmpname()
local function write(text)
   local file = io.open(name, 'w')
   file:write(text)
   file:close()
end
write 'name,age\r\n"Ann, ""A""",3\nBob,4\n\n"two\nlines",\n'
local load = function(o) o.path, o.verbose = name, false return csvigo.load(o) end
local tidy = load {}
assert(tidy.name[1] == 'Ann, "A"' and tidy.age[2] == '4' and tidy.name[3] == 'two\nlines' and tidy.age[3] == '')
local raw = load { mode = 'raw' }
assert(#raw == 4 and raw[1][2] == 'age' and raw[3][1] == 'Bob')
local query = load { mode = 'query' }
assert(query('inter', { name = 'Bob', age = 4 }).age[1] == '4' and #query('union', { age = { 3, 4 } }).name == 2)
assert(#query('all').name == 3 and query('vars')[2] == 'age')
local large = load { mode = 'large' }
assert(#large == 4 and large[3][1] == 'Bob' and not pcall(function() large[1] = 2 end))
write '1;2\n3;4\n'
local numbers = load { separator = ';' }
assert(numbers.var_1[2] == '3' and numbers.var_2[1] == '2')
csvigo.save { path = name, data = { a = { 1, 2 }, b = { 'x,y', 'z"' } }, verbose = false }
local back, order = load { column_order = true }
assert(back.a[2] == '2' and back.b[1] == 'x,y' and back.b[2] == 'z"' and order[1] == 'a')
csvigo.save { path = name, data = { { 1, 2 }, { 3, 4 } }, verbose = false }
assert(load { mode = 'raw' }[2][2] == '4')
assert(not pcall(csvigo.load, {}) and not pcall(load, { mode = 'wild' }))
write '"never closed\n'
assert(not pcall(load, {}))
os.remove(name)
assert(not pcall(load, {}))
print('all as it should be')
