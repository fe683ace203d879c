-- Package snappy: Snappy's format, against texts in it that were made by hand, and both ways.
local snappy = require 'snappy'
local function fails(f, text)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
end
assert(snappy.decompress '\0' == '' and snappy.compress '' == '\0')
assert(snappy.decompress '\3\8abc' == 'abc')
-- a copy with one byte of offset, one with two, one with four; they may reach into what they write
assert(snappy.decompress '\11\8abc\17\3' == 'abcabcabcab')
assert(snappy.decompress '\9\8abc\22\3\0' == 'abcabcabc')
assert(snappy.decompress '\5\0a\15\1\0\0\0' == 'aaaaa')
assert(snappy.decompress('\61\240\60' .. ('x'):rep(61)) == ('x'):rep(61))
torch.manualSeed(3)
local texts = { 'a', ('a'):rep(1000), ('abc'):rep(50000), ('the quick brown fox '):rep(9) }
for _, n in ipairs { 5, 100, 70000, 200000 } do
   texts[#texts + 1] = torch.ByteTensor(n):random(0, 255):storage():string()
   texts[#texts + 1] = torch.ByteTensor(n):random(0, 2):storage():string()
end
for _, text in ipairs(texts) do
   local packed = snappy.compress(text)
   assert(snappy.decompress(packed) == text and snappy.uncompress(packed) == text)
   assert(#packed <= #text + #text / 60 + 40)
end
assert(#snappy.compress(('abc'):rep(50000)) < 8000)
-- what is damaged is told
fails(function() snappy.decompress '' end, 'snappy.decompress: this is no text in the format of Snappy: its length is wrong')
fails(function() snappy.decompress '\255\255\255\255\255\255' end, 'its length is wrong')
fails(function() snappy.decompress '\5\8abc' end, 'it ends too early')
fails(function() snappy.decompress '\3\8ab' end, 'a part is too long')
fails(function() snappy.decompress '\9\8abc\22\9\0' end, 'a copy reaches outside')
fails(function() snappy.decompress '\9\8abc\22\3' end, 'it ends too early')
fails(function() snappy.decompress(3) end, 'expected a string, got number')
fails(function() snappy.compress() end, 'snappy.compress: expected a string, got nil')
local whole = snappy.compress(('the quick brown fox '):rep(9))
for i = 1, #whole do
   pcall(snappy.decompress, whole:sub(1, i - 1) .. string.char(torch.random(0, 255)) .. whole:sub(i + 1))
   pcall(snappy.decompress, whole:sub(1, i))
end
print('all as it should be')
