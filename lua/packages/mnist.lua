-- Package mnist: the digits, from files on disk. Nothing is downloaded.
--
-- mnist.traindataset() and mnist.testdataset() look for train.t7 and test.t7 (a table with `data` and `label`, or `labels`; also
-- train_32x32.t7 and test_32x32.t7), and for MNIST's own train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-... : in
-- mnist.path, in the folder that the environment's MNIST_PATH names, in ., ./mnist, ./mnist.t7, ./data, ./data/mnist, and in
-- share/lua/5.1/mnist below ~/.luarocks and where `th` was installed.
--
-- Each gives { data = n x 28 x 28 bytes, label = n bytes from 0 to 9, size = n }; dataset[i] is { x = picture, y = label }.
require 'torch'
require 'paths'

local mnist = {}

local function folders()
   local list = { '.', 'mnist', 'mnist.t7', 'data', 'data/mnist' }
   for _, dir in ipairs { os.getenv 'MNIST_PATH' or false, mnist.path or false } do
      if dir then table.insert(list, 1, dir) end
   end
   local home = os.getenv 'HOME'
   for _, root in ipairs { home and home .. '/.luarocks' or '/usr', '/usr/local', '/usr' } do
      list[#list + 1] = root .. '/share/lua/5.1/mnist'
   end
   return list
end

-- A file of IDX: bytes, after two zeros, the type 8, the number of dimensions, and these as big-endian numbers.
local function read_idx(name)
   local file = assert(io.open(name, 'rb'))
   local text = file:read '*a'
   file:close()
   local dims = text:byte(4)
   if #text < 8 or text:sub(1, 3) ~= '\0\0\8' or #text < 4 + 4 * dims then
      error(string.format('mnist: %s is no file of IDX with bytes', name), 0)
   end
   local sizes, count = {}, 1
   for d = 1, dims do
      local a, b, c, e = text:byte(4 * d + 1, 4 * d + 4)
      sizes[d] = ((a * 256 + b) * 256 + c) * 256 + e
      count = count * sizes[d]
   end
   local from = 4 + 4 * dims
   if #text - from < count then
      error(string.format('mnist: %s ends early: %d bytes expected, %d there', name, count, #text - from), 0)
   end
   local storage = torch.ByteStorage():string(text:sub(from + 1, from + count))
   return torch.ByteTensor(storage, 1, torch.LongStorage(sizes))
end

local function read_t7(name)
   local read, set = pcall(torch.load, name)
   if not read then read, set = pcall(torch.load, name, 'ascii') end
   if not read then error(set, 0) end
   local label = set.label or set.labels
   if not set.data or not label then error('mnist: ' .. name .. ' has no data and labels', 0) end
   return set.data, label
end

local function exists(...)
   for _, name in ipairs { ... } do
      if not paths.filep(name) then return false end
   end
   return true
end

local function find(part, prefix)
   local tried = folders()
   for _, dir in ipairs(tried) do
      for _, name in ipairs { part .. '.t7', part .. '_28x28.t7', part .. '_32x32.t7' } do
         if exists(dir .. '/' .. name) then return read_t7(dir .. '/' .. name) end
      end
      for _, dot in ipairs { '-', '.' } do
         local images = string.format('%s/%s-images%sidx3-ubyte', dir, prefix, dot)
         local labels = string.format('%s/%s-labels%sidx1-ubyte', dir, prefix, dot)
         if exists(images, labels) then return read_idx(images), read_idx(labels) end
      end
   end
   error(string.format('mnist: neither %s.t7 nor %s-images-idx3-ubyte was found in: %s (set MNIST_PATH)', part, prefix,
      table.concat(tried, ', ')), 3)
end

local function dataset(part, prefix)
   local data, label = find(part, prefix)
   if data:dim() == 4 and data:size(2) == 1 then data = data:select(2, 1) end
   local set = { data = data, label = label, size = data:size(1) }
   return setmetatable(set, {
      __index = function(_, i)
         if type(i) == 'number' and i >= 1 and i <= set.size then return { x = data[i], y = label[i] } end
      end,
   })
end

function mnist.traindataset() return dataset('train', 'train') end
function mnist.testdataset() return dataset('test', 't10k') end

return mnist
