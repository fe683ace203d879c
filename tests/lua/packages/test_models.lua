-- rekindle.models, npy4th, matio and loadStateDict: what is written is read, and what does not fit is told.
require 'nn'
local models = require 'rekindle.models'
local tester, tests = torch.Tester(), torch.TestSuite()

local function file(name)
   local folder = os.tmpname()
   os.remove(folder)
   paths.mkdir(folder)
   return paths.concat(folder, name)
end

local function fails(f, pattern)
   local ok, why = pcall(f)
   tester:assert(not ok and tostring(why):find(pattern) ~= nil, tostring(why))
end

function tests.formats()
   torch.manualSeed(1)
   local base = torch.randn(6, 4)
   local entries = { { 'base', base }, { 'turned', base:t() }, { 'row', base[2] }, { 'long', torch.LongTensor { 1, -2 } },
      { 'byte', torch.ByteTensor { 3 } }, { 'float', torch.randn(2, 3, 4):float() } }
   for _, suffix in ipairs { 'safetensors', 'npz', 'pth', 'mat' } do
      local path = file('m.' .. suffix)
      models.save(path, entries)
      local found, names = models.load(path)
      tester:eq(#names, #entries)
      for i, entry in ipairs(entries) do
         local name, tensor = entry[1], entry[2]
         tester:eq(names[i], name)
         tester:eq(found[name]:type(), tensor:type())
         tester:eq(found[name]:nElement(), tensor:nElement())
         local got, wanted = found[name]:double():contiguous(), tensor:double():contiguous()
         tester:assertlt((got - wanted:viewAs(got)):abs():max(), 1e-12, suffix .. ' ' .. name)
      end
   end
   local path = file 'm.pth'
   models.save(path, entries)
   local found = models.load(path)
   found.base:fill(7)
   tester:eq(found.row:max(), 7)
   fails(function() models.save(file 'm.txt', entries) end, 'safetensors')
   fails(function() models.save(path, { { 'a', 1 } }) end, 'entry 1')
   fails(function() models.load(path .. 'x') end, 'cannot read')
end

function tests.torch_load_tells_what_a_file_is()
   local path = file 'm.npz'
   models.save(path, { { 'x', torch.ones(2) } })
   fails(function() torch.load(path) end, 'numpy archive')
   local written = { ['page.t7'] = '<!DOCTYPE html><html></html>', ['lfs.t7'] = 'version https://git-lfs.github.com/spec/v1\n',
      ['empty.t7'] = '', ['p.t7'] = '\128\2]q\0.', ['gz.t7'] = '\31\139\8\0' }
   local said = { ['page.t7'] = 'HTML page', ['lfs.t7'] = 'Git LFS', ['empty.t7'] = 'empty', ['p.t7'] = 'pickle', ['gz.t7'] = 'gzip' }
   for name, text in pairs(written) do
      local out = io.open(file(name), 'wb')
      local full = file(name)
      out:close()
      out = io.open(full, 'wb')
      out:write(text)
      out:close()
      fails(function() torch.load(full) end, said[name])
   end
   local ascii = file 'a.t7'
   torch.save(ascii, { 1, 2 }, 'ascii')
   fails(function() torch.load(ascii) end, "'ascii'")
   local binary = file 'b.t7'
   torch.save(binary, nn.Linear(2, 2))
   fails(function() torch.load(binary, 'ascii') end, 'binary .t7')
end

function tests.npy4th()
   local npy4th = require 'npy4th'
   local path = file 'x.npy'
   npy4th.savenpy(path, torch.Tensor { 1, 2, 3 })
   npy4th.savenpy(path, torch.Tensor { 4, 5, 6 }, 'a')
   tester:eq(npy4th.loadnpy(path), torch.Tensor { 1, 2, 3, 4, 5, 6 })
   local archive = file 'x.npz'
   npy4th.savenpz(archive, { a = torch.ones(2), b = torch.zeros(3):float() })
   local found = npy4th.loadnpz(archive)
   tester:eq(found.a, torch.ones(2))
   tester:eq(found.b:type(), 'torch.FloatTensor')
   fails(function() npy4th.loadnpy(archive) end, 'numpy archive')
   fails(function() npy4th.savenpy(path, 3) end, 'expected a tensor')
end

function tests.matio()
   local matio = require 'matio'
   local path = file 'x.mat'
   matio.save(path, { a = torch.range(1, 6):view(2, 3), b = torch.IntTensor { 1, 2 } })
   tester:eq(matio.load(path, 'a'), torch.range(1, 6):view(2, 3))
   local all = matio.load(path)
   tester:eq(all.b:view(-1), torch.IntTensor { 1, 2 })
   matio.save(path, torch.ones(2, 2))
   tester:eq(matio.load(path, { 'x' }).x, torch.ones(2, 2))
   fails(function() matio.load(path, 'none') end, "no variable 'none'")
   fails(function() matio.save(path, { ['a b'] = torch.ones(1) }) end, 'no name')
end

function tests.state_dicts()
   local function build() return nn.Sequential():add(nn.Linear(4, 3)):add(nn.BatchNormalization(3)):add(nn.Linear(3, 2)) end
   local one, two = build(), build()
   one:forward(torch.randn(5, 4))
   local path = file 's.safetensors'
   models.save(path, one:stateDict())
   local report = two:loadStateDict(path)
   tester:eq(#report.loaded, 8)
   one:evaluate() two:evaluate()
   local x = torch.randn(5, 4)
   tester:eq(one:forward(x), two:forward(x))
   local dict, names = models.load(path)
   -- other names, the same order
   local renamed, order = {}, {}
   for i, name in ipairs(names) do
      order[i] = 'net.' .. name
      renamed[order[i]] = dict[name]
   end
   tester:eq(build():loadStateDict(renamed, order).by, 'order')
   fails(function() build():loadStateDict(renamed) end, 'does not have')
   dict['0.weight'] = torch.ones(5)
   local three = build()
   local before = three:get(1).bias:clone()
   fails(function() three:loadStateDict(dict, names) end, '0.weight: 3x4 here, 5 there')
   tester:eq(three:get(1).bias, before)
   report = three:loadStateDict(dict, names, { strict = false })
   tester:eq(#report.wrong, 1)
   tester:eq(three:get(1).bias, one:get(1).bias)
   fails(function() three:loadStateDict(dict, { by = 'order' }) end, 'no order')
end

-- ---- Caffe ----

local function varint(n)
   local out = {}
   repeat
      local low = n % 128
      n = math.floor(n / 128)
      out[#out + 1] = string.char(n > 0 and low + 128 or low)
   until n == 0
   return table.concat(out)
end
local function field(number, text) return varint(number * 8 + 2) .. varint(#text) .. text end
local function blob(tensor)
   local floats = tensor:float():contiguous():storage()
   local file = torch.MemoryFile():binary()
   file:writeFloat(floats)
   local dims = {}
   for d = 1, tensor:dim() do dims[d] = varint(tensor:size(d)) end
   local bytes = file:storage():string()
   return field(7, field(1, table.concat(dims))) .. field(5, bytes:sub(1, 4 * tensor:nElement()))
end
local function layer(name, kind, ...)
   local text = field(1, name) .. field(2, kind)
   for _, tensor in ipairs { ... } do text = text .. field(7, blob(tensor)) end
   return field(100, text)
end

local PROTOTXT = [[
name: "small"
input: "data" input_dim: 1 input_dim: 2 input_dim: 8 input_dim: 8
layer { name: "conv" type: "Convolution" bottom: "data" top: "conv"
  convolution_param { num_output: 4 kernel_size: 3 pad: 1 group: 2 } }
layer { name: "relu" type: "ReLU" bottom: "conv" top: "conv" }
layer { name: "norm" type: "LRN" bottom: "conv" top: "norm" lrn_param { local_size: 3 alpha: 0.1 } }
layer { name: "pool" type: "Pooling" bottom: "norm" top: "pool" pooling_param { pool: MAX kernel_size: 3 stride: 2 } }
layer { name: "fc" type: "InnerProduct" bottom: "pool" top: "fc" inner_product_param { num_output: 5 } }
layer { name: "prob" type: "Softmax" bottom: "fc" top: "prob" }
]]

function tests.loadcaffe()
   local loadcaffe = require 'loadcaffe'
   torch.manualSeed(2)
   local weight, bias, rows = torch.randn(4, 1, 3, 3):float(), torch.randn(4):float(), torch.randn(5, 64):float()
   local proto, binary = file 'net.prototxt', file 'net.caffemodel'
   local out = io.open(proto, 'w')
   out:write(PROTOTXT)
   out:close()
   out = io.open(binary, 'wb')
   out:write(field(1, 'small'), layer('conv', 'Convolution', weight, bias), layer('relu', 'ReLU'))
   out:write(layer('fc', 'InnerProduct', rows, torch.zeros(5)))
   out:close()
   local net = loadcaffe.load(proto, binary)
   tester:eq(torch.typename(net), 'nn.Sequential')
   tester:eq(net:get(1).name, 'conv')
   local x = torch.randn(1, 2, 8, 8):float()
   local y = net:forward(x)
   tester:assertlt(math.abs(y:sum() - 1), 1e-5)
   -- the first plane of the second group, by hand
   local conv = net:get(1).output
   local sum = bias[3]
   for i = 1, 3 do for j = 1, 3 do sum = sum + weight[3][1][i][j] * x[1][2][i + 1][j + 1] end end
   tester:assertlt(math.abs(conv[1][3][3][3] - math.max(sum, 0)), 1e-4)
   out = io.open(proto, 'w')
   out:write(PROTOTXT, 'layer { name: "odd" type: "Reorg" bottom: "prob" top: "odd" }')
   out:close()
   fails(function() loadcaffe.load(proto, binary) end, "layer 'odd' is a Reorg")
   fails(function() loadcaffe.load(proto, proto) end, 'as text')
end

-- step by step, through what loadcaffe's library in C has
function tests.loadcaffe_in_steps()
   local ffi = require 'ffi'
   local C = require('loadcaffe').C
   torch.manualSeed(2)
   local weight, rows = torch.randn(4, 2, 3, 3):float(), torch.randn(5, 64):float()
   local proto, binary = file 'steps.prototxt', file 'steps.caffemodel'
   local out = io.open(proto, 'w')
   out:write((PROTOTXT:gsub('group: 2', '')))
   out:close()
   out = io.open(binary, 'wb')
   out:write(field(1, 'small'), layer('conv', 'Convolution', weight), layer('relu', 'ReLU'))
   out:write(layer('fc', 'InnerProduct', rows, torch.randn(5):float()))
   out:close()
   local handle = ffi.new 'void*[1]'
   local before = handle[1]
   C.loadBinary(handle, proto, file 'nothing')
   tester:assert(handle[1] == before, 'a file that is not there changes nothing')
   C.loadBinary(handle, proto, binary)
   tester:assert(handle[1] ~= before)
   C.convertProtoToLua(handle, proto .. '.lua', 'nn')
   -- programs for the CPU leave out lines 2 and 4
   local kept, n = {}, 0
   for line in io.lines(proto .. '.lua') do
      n = n + 1
      if n ~= 2 and n ~= 4 then kept[#kept + 1] = line end
   end
   local net = nn.Sequential()
   for _, item in ipairs(loadstring(table.concat(kept, '\n'))()) do
      item[2].name = item[1]
      if item[2].weight then
         local w, b = torch.FloatTensor(), torch.FloatTensor()
         C.loadModule(handle, item[1], w:cdata(), b:cdata())
         item[2].weight:copy(w)
         item[2].bias:copy(b)
      end
      net:add(item[2])
   end
   local x = torch.randn(2, 2, 8, 8):float()
   tester:eq(net:float():forward(x), loadcaffe.load(proto, binary):forward(x), 1e-6)
   tester:eq(net:get(1).name, 'conv')
   fails(function() C.loadModule(handle, 'relu', torch.FloatTensor():cdata(), torch.FloatTensor():cdata()) end, "no layer 'relu'")
   fails(function() C.loadModule(handle, 'conv', 3, 4) end, 'weight should be the cdata of a tensor, got number')
   C.destroyBinary(handle)
   fails(function() C.convertProtoToLua(handle, proto .. '.lua', 'nn') end, 'no network is loaded')
   fails(function() C.loadBinary(3, proto, binary) end, 'made after loadcaffe.C was read, got number')
end

-- layers of the first kind, with sizes as four numbers
function tests.loadcaffe_of_old_files()
   local loadcaffe = require 'loadcaffe'
   local function old_blob(tensor)
      local bytes, text = blob(tensor), {}
      for d = 1, 4 do text[d] = varint(d * 8) .. varint(tensor:size(d)) end
      -- the elements are the last field
      local elements = bytes:sub(-4 * tensor:nElement())
      return table.concat(text) .. field(5, elements)
   end
   local function old_layer(name, kind, ...)
      local text = field(4, name) .. varint(5 * 8) .. varint(kind)
      for _, tensor in ipairs { ... } do text = text .. field(6, old_blob(tensor)) end
      return field(2, text)
   end
   torch.manualSeed(3)
   local weight, rows = torch.randn(2, 1, 3, 3):float(), torch.randn(1, 1, 3, 8):float()
   local proto, binary = file 'old.prototxt', file 'old.caffemodel'
   local out = io.open(proto, 'w')
   out:write [[
   name: 'old' input: "data" input_dim: 1 input_dim: 1 input_dim: 6 input_dim: 6
   layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 convolution_param { num_output: 2 kernel_size: 3 } }
   layers { name: "pool" type: POOLING bottom: "conv" top: "pool" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
   layers { name: "fc" type: INNER_PRODUCT bottom: "pool" top: "fc" inner_product_param { num_output: 3 } }
   layers { name: "loss" type: SOFTMAX_LOSS bottom: "fc" bottom: "label" top: "loss" include { phase: TRAIN } }]]
   out:close()
   out = io.open(binary, 'wb')
   out:write(field(1, 'old'), old_layer('conv', 4, weight, torch.ones(1, 1, 1, 2)), old_layer('fc', 14, rows, torch.zeros(1, 1, 1, 3)))
   out:close()
   local net = loadcaffe.load(proto, binary, 'nn')
   tester:eq(net:size(), 4)
   local x = torch.randn(1, 1, 6, 6):float()
   local y = nn.SpatialConvolution(1, 2, 3, 3):float()
   y.weight:copy(weight)
   y.bias:fill(1)
   local planes = nn.SpatialAveragePooling(2, 2, 2, 2):float():forward(y:forward(x)):view(8)
   tester:assertlt((net:forward(x):view(3) - torch.mv(rows:view(3, 8), planes)):abs():max(), 1e-5)
end

function tests.mattorch()
   local mattorch, matio = require 'mattorch', require 'matio'
   local path = file 'old.mat'
   local x = torch.randn(2, 3)
   mattorch.save(path, x)
   tester:eq(mattorch.load(path).x, x)
   -- MATLAB sees it with its dimensions the other way round
   tester:eq(matio.load(path, 'x'), x:t():contiguous())
   mattorch.saveTable(path, { a = torch.randn(2, 3, 4), b = x })
   local all = mattorch.load(path)
   tester:eq(all.a:size():totable(), { 2, 3, 4 })
   tester:eq(all.b, x)
   fails(function() mattorch.load(file 'nothing.mat') end, 'mattorch.load: ')
   fails(function() mattorch.save(path, 3) end, 'expected a tensor, got number')
   fails(function() mattorch.saveTable(path, x) end, 'expected a table of tensors')
end

function tests.hdf5()
   local ok = pcall(require, 'hdf5')
   if not ok then
      print 'this th was built without hdf5'
      return
   end
   local path = file 'x.h5'
   local f = hdf5.open(path, 'w')
   local x = torch.randn(7, 5)
   f:write('/a/b', x)
   f:write('/', { t = torch.LongTensor { 1, 2 }, g = { text = 'words' } })
   f:write('/z', torch.zeros(300, 300), hdf5.DataSetOptions():setChunked(64, 64):setDeflate())
   f:create('/part', 4, 3)
   f:read('/part'):write(torch.ones(2, 2), 2, 2)
   f:append('/part', torch.ones(1, 3))
   fails(function() f:write('/a/b', x) end, 'there already')
   fails(function() f:write('/bad', x, hdf5.DataSetOptions():setChunked(4, 4, 4)) end, 'chunks of 3 dimensions')
   f:close()
   fails(function() f:read '/a/b' end, 'closed')
   fails(function() f:read '/' end, 'HDF5File.read')
   f = hdf5.open(path, 'r')
   tester:eq(f:read('/a/b'):all(), x)
   tester:eq(f:read('a/b'):partial({ 2, 4 }, { 1, 2 }), x[{ { 2, 4 }, { 1, 2 } }]:clone())
   tester:eq(f:read('a/b'):dataspaceSize(), { 7, 5 })
   tester:eq(f:read('a/b'):getTensorFactory(), torch.DoubleTensor)
   local all = f:all()
   tester:eq(all.g.text, 'words')
   tester:eq(all.t, torch.LongTensor { 1, 2 })
   tester:eq(all.part:sum(), 7)
   fails(function() f:write('/q', x) end, 'opened to be read')
   fails(function() f:read('/a/b'):partial({ 0, 1 }, { 1, 2 }) end, 'range 1')
   fails(function() f:read '/none' end, "no '/none'")
   f:close()
   tester:assertlt(io.open(path):seek 'end', 100000)
end

function tests.mistakes_are_told()
   local x, npy4th = torch.rand(2), require 'npy4th'
   fails(function() models.load() end, 'models.load: expected a file name, got nil')
   -- what would have been an empty file
   fails(function() models.save(file 'a.npz', { a = x }) end, "expected a list of pairs.*the key a")
   fails(function() models.save(file 'a.npz', { { 'b', x }, { 'a\255', x } }) end, 'models.save: entry 2: the name .*UTF%-8')
   fails(function() models.save(file 'a.safetensors', { { '__metadata__', x } }) end, 'another one')
   fails(function() npy4th.savenpz(file 'a.npz', x) end, 'npy4th.savenpz: expected a table of tensors, got torch.DoubleTensor')
   fails(function() npy4th.savenpz(file 'a.npz', { a = 5 }) end, 'npy4th.savenpz: a: expected a tensor, got number')
   for name, f in pairs { ['npy4th.loadnpy'] = npy4th.loadnpy, ['matio.load'] = require 'matio'.load,
      ['nn.Module.loadStateDict'] = function(path) nn.Linear(2, 1):loadStateDict(path) end } do
      local _, why = pcall(f, 'none')
      tester:assert(why:find(name .. ': ', 1, true) ~= nil and not why:find('rekindle.', 1, true), why)
   end
   local export = require 'rekindle.export'
   fails(function() export.convert(nn.Identity()) end, 'rekindle.export: expected a file name, got nil')
   fails(function() export.convert(nn.Identity(), 'a.onnx', 5) end, 'expected a table of options, got number')
   fails(function() export.convert(nn.Identity(), 'a.onnx', { opset = 'x' }) end, "option 'opset': a number expected")
   fails(function() export.convert(nn.Identity(), 'a.onnx', { input = 5 }) end, "option 'input': sizes as a text")
   fails(function() export.load() end, 'expected a file name, got nil')
   local net = nn.Linear(2, 1)
   fails(function() net:loadStateDict { weight = 'x', bias = torch.rand(1) } end, 'weight: a string, a tensor expected')
   fails(function() net:loadStateDict({ weight = x }, 5) end, 'expected a list of names, got number')
   local report = net:loadStateDict({ weight = 'x', bias = torch.ones(1) }, nil, { strict = false })
   tester:eq(#report.wrong, 1)
   tester:eq(net.bias[1], 1)
end

tester:add(tests):run()
print 'all as it should be'
