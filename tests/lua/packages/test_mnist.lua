-- Package mnist: sets from files on disk.
local mnist = require 'mnist'
local dir = os.tmpname()
os.remove(dir)
assert(paths.mkdir(dir))
mnist.path = dir
local ok, why = pcall(mnist.traindataset)
assert(not ok and why:find 'MNIST_PATH' and why:find(dir, 1, true))
local function write(name, head, bytes)
   local file = io.open(dir .. '/' .. name, 'wb')
   file:write('\0\0\8', string.char(#head))
   for _, n in ipairs(head) do file:write('\0\0', string.char(math.floor(n / 256), n % 256)) end
   file:write(bytes)
   file:close()
end
write('train-images-idx3-ubyte', { 2, 28, 28 }, ('\1'):rep(784) .. ('\255'):rep(784))
write('train-labels-idx1-ubyte', { 2 }, '\7\0')
local set = mnist.traindataset()
assert(set.size == 2 and set.data:size(3) == 28 and set.data[2]:max() == 255 and set.label[1] == 7)
assert(set[2].y == 0 and set[1].x:sum() == 784 and set[3] == nil and torch.type(set.data) == 'torch.ByteTensor')
write('t10k-labels-idx1-ubyte', { 2 }, '\7\0')
write('t10k-images-idx3-ubyte', { 2, 28, 28 }, '\1')
ok, why = pcall(mnist.testdataset)
assert(not ok and why:find 'ends early')
torch.save(dir .. '/test.t7', { data = torch.ByteTensor(3, 28, 28):fill(4), label = torch.ByteTensor { 1, 2, 3 } })
assert(mnist.testdataset()[3].y == 3)
paths.rmall(dir, 'yes')
print('all as it should be')
