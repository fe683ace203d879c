-- More than 2 GB, of tensors and of Lua's own heap.
local n = 2 ^ 31 + 16
local bytes = torch.ByteTensor(n)
bytes[n] = 7
bytes[1] = 1
assert(bytes:nElement() == n and bytes[n] == 7 and bytes[n - 1] == 0)
local tail = bytes:narrow(1, n - 9, 10)
assert(tail:sum() == 7 and tail:storageOffset() == n - 9)
local rows = bytes:view(n / 16, 16)
assert(rows[n / 16][16] == 7 and rows:select(2, 16)[n / 16] == 7)
-- past 2^31 elements in one operation: what is not touched costs no memory
local last = bytes:storage()
assert(#last == n and last[n] == 7)
bytes, tail, rows, last = nil
collectgarbage()

-- strings and a table, which lie in Lua's heap
local list, piece = {}, 2 ^ 20
for i = 1, 2200 do list[i] = string.rep(string.char(i % 256), piece) .. i end
assert(collectgarbage 'count' > 2 ^ 21)
for i = 1, 2200, 73 do assert(#list[i] > piece and list[i]:byte(1) == i % 256) end
list = nil
collectgarbage()
collectgarbage()
assert(collectgarbage 'count' < 2 ^ 20)
print('all as it should be')
