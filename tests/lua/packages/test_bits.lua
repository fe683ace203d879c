-- Packages bit32 and lua-utf8, and pl.lexer, by their documented interfaces.
local bit32, utf8, lexer = require 'bit32', require 'lua-utf8', require 'pl.lexer'
assert(bit32.band(0xff, 0x0f, 0x3c) == 0x0c and bit32.band() == 0xffffffff and bit32.bor(1, 2 ^ 31) == 2 ^ 31 + 1)
assert(bit32.bnot(0) == 0xffffffff and bit32.lshift(1, 31) == 2 ^ 31 and bit32.lshift(1, 32) == 0)
assert(bit32.rshift(-1, 28) == 15 and bit32.arshift(-8, 1) == 0xfffffffc and bit32.lrotate(2 ^ 31, 1) == 1)
assert(bit32.extract(0xabcd, 4, 8) == 0xbc and bit32.replace(0, 5, 4, 4) == 0x50 and bit32.btest(6, 2))
assert(bit32.band(2 ^ 32 + 5, 7) == 5 and not pcall(bit32.extract, 1, 30, 5) and not pcall(bit32.band, 'x'))

local text = 'a' .. utf8.char(228, 0x20ac, 0x1f600)
assert(#text == 10 and utf8.len(text) == 4 and text == 'aä€😀')
local codes = {}
for _, code in utf8.next, text do codes[#codes + 1] = code end
for _, code in utf8.codes(text) do codes[#codes + 1] = code end
assert(table.concat(codes, ' ') == '97 228 8364 128512 97 228 8364 128512')
assert(utf8.sub(text, 2, 3) == 'ä€' and utf8.sub(text, -1) == '😀' and utf8.reverse(text) == '😀€äa')
assert(utf8.offset(text, 3) == 4 and utf8.offset(text, -1) == 7 and utf8.codepoint(text, 2) == 228 and utf8.byte(text, 3) == 8364)
local n, wrong = utf8.len 'a\255'
assert(n == nil and wrong == 2 and text:match(utf8.charpattern, 2) == 'ä')

local function tokens(stream)
   local list = {}
   for kind, value in stream do list[#list + 1] = kind .. '=' .. tostring(value) end
   return table.concat(list, ' ')
end
assert(tokens(lexer.lua "local x = 'it\\'s' .. 0x10 -- end\nx = y ~= [[a]]")
   == "keyword=local iden=x === string=it\\'s ..=.. number=16 iden=x === iden=y ~==~= string=a")
assert(tokens(lexer.cpp 'int a->b /* c */ "d"') == 'keyword=int iden=a ->=-> iden=b string=d')
assert(tokens(lexer.scan '10 = hello') == 'number=10 === iden=hello')
local yield = coroutine.yield
local function word(token) return yield('word', token) end
local function space(token) return yield('space', token) end
assert(tokens(lexer.scan('a  b', { { '^%s+', space }, { '^%w+', word } }, { [space] = true })) == 'word=a word=b')
local stream = lexer.lua 'f(a, {b, c}, d) rest'
assert(lexer.expecting(stream, 'iden') == 'f' and stream() == '(')
local lists = lexer.get_separated_list(stream)
assert(#lists == 3 and #lists[2] == 5 and lists[3][1][2] == 'd')
lexer.insert(stream, 'iden', 'put')
assert(select(2, stream()) == 'put' and lexer.getrest(stream) == ' rest')
print('all as it should be')
