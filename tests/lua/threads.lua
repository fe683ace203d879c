-- Results do not depend on the number of threads: large operations of every family, bit by bit.
require 'nn'

local function inputs(type)
   torch.manualSeed(11)
   local v = torch.randn(150001):type(type)
   local m = torch.randn(310, 420):type(type)
   return {
      v = v, w = torch.randn(150001):type(type), m = m, n = torch.randn(420, 270):type(type),
      square = torch.randn(310, 420):type(type), places = torch.LongTensor(310, 90):random(1, 420),
      rows = torch.LongTensor(700):random(1, 310), mask = torch.gt(v, 0.3), batch = torch.randn(12, 60, 70):type(type),
      other = torch.randn(12, 70, 50):type(type), image = torch.randn(80, 90):type(type), mould = torch.randn(7, 5):type(type),
   }
end

local operations = {
   add = function(t) return torch.add(t.v, 2, t.w) end,
   addcdiv = function(t) return torch.addcdiv(t.v, 0.5, t.v, t.w) end,
   addcmul = function(t) return torch.addcmul(t.v, 0.5, t.v, t.w) end,
   add_transposed = function(t) return torch.add(t.m:t(), t.square:t()) end,
   copy = function(t) return t.m:t():clone(), t.v:clone() end,
   convert = function(t) return t.v:int(), t.v:half() end,
   exp = function(t) return torch.exp(t.v), torch.tanh(t.v), torch.sigmoid(t.v), torch.sin(t.v) end,
   log = function(t) return torch.log(torch.abs(t.v)), torch.log1p(torch.abs(t.v)), torch.pow(t.v, 3), torch.pow(torch.abs(t.v), 1.7) end,
   compare = function(t) return torch.lt(t.v, t.w), torch.cmax(t.v, t.w), torch.clamp(t.v, -1, 1) end,
   reduce = function(t) return t.v:sum(), t.v:mean(), t.v:var(), t.v:norm(), t.v:norm(3), t.v:min(), t.v:max(), t.v:dot(t.w), t.v:dist(t.w) end,
   reduce_transposed = function(t) return t.m:t():sum(), t.m:t():std(), t.m:t():norm(1) end,
   along = function(t)
      local out = {}
      for d = 1, 2 do
         for _, name in ipairs { 'sum', 'mean', 'prod', 'std', 'max', 'min', 'cumsum', 'cumprod', 'median', 'mode', 'sort' } do
            local a, b = torch[name](t.m, d)
            out[#out + 1], out[#out + 2] = a, b
         end
         out[#out + 1] = t.m:norm(2, d)
      end
      return unpack(out)
   end,
   order = function(t) return torch.sort(t.v) end,
   best = function(t) return torch.topk(t.v, 50), torch.kthvalue(t.v, 777), torch.median(t.v, 1) end,
   scan = function(t) return torch.cumsum(t.v), torch.cumprod(t.v:narrow(1, 1, 300)) end,
   gather = function(t) return t.m:gather(2, t.places), t.m:index(1, t.rows), t.m:index(2, t.rows) end,
   scatter = function(t) return t.m:clone():indexAdd(1, t.rows, t.m:index(1, t.rows)), t.m:clone():scatter(2, t.places, 3) end,
   masked = function(t) return t.v:maskedSelect(t.mask), t.v:clone():maskedFill(t.mask, 2), t.v:clone():maskedCopy(t.mask, t.w) end,
   nonzero = function(t) return torch.nonzero(t.mask) end,
   mm = function(t) return t.m * t.n, t.n:t() * t.m:t(), torch.mm(t.m, t.m:t()) end,
   mv = function(t) return t.m * t.n:select(2, 3), t.m:t() * t.m:select(2, 1), torch.ger(t.v:narrow(1, 1, 400), t.w:narrow(1, 1, 500)) end,
   bmm = function(t) return torch.bmm(t.batch, t.other), torch.addbmm(torch.zeros(60, 50):typeAs(t.m), t.batch, t.other) end,
   convolve = function(t) return torch.conv2(t.image, t.mould, 'F'), torch.xcorr2(t.image, t.mould) end,
   solve = function(t) return (torch.inverse(torch.mm(t.m, t.m:t()))), torch.qr(t.m:narrow(2, 1, 200)) end,
   random = function(t)
      local x = t.v:clone()
      return x:uniform():clone(), x:normal(1, 2):clone(), x:exponential(0.5):clone(), x:bernoulli(0.3):clone(), x:random(1, 50)
   end,
   layers = function(t)
      local type, out = t.m:type(), {}
      local function pass(module, x)
         torch.manualSeed(2)
         module:type(type)
         local y = module:forward(x)
         local g = module:backward(x, y)
         out[#out + 1], out[#out + 2] = y:clone(), g:clone()
         for _, p in ipairs(select(2, module:parameters()) or {}) do out[#out + 1] = p:clone() end
      end
      torch.manualSeed(1)
      pass(nn.Linear(420, 200), t.m)
      pass(nn.SpatialConvolution(12, 9, 5, 3, 2, 1, 1, 1), t.batch:view(1, 12, 60, 70))
      pass(nn.SpatialMaxPooling(3, 2), t.batch)
      pass(nn.SpatialBatchNormalization(12), t.batch:view(1, 12, 60, 70))
      for _, name in ipairs { 'Tanh', 'ReLU', 'SoftMax', 'LogSoftMax', 'SoftPlus', 'ELU' } do pass(nn[name](), t.m) end
      pass(nn.Dropout(0.4), t.m)
      local targets = torch.range(1, 310):typeAs(t.m)
      local criterion = nn.ClassNLLCriterion():type(type)
      out[#out + 1] = criterion:forward(t.m, targets)
      out[#out + 1] = criterion:backward(t.m, targets):clone()
      return unpack(out)
   end,
}

local before, compared = torch.getnumthreads(), 0
for _, type in ipairs { 'torch.FloatTensor', 'torch.DoubleTensor' } do
   local first = {}
   for _, threads in ipairs { 1, 2, 3, 7 } do
      torch.setnumthreads(threads)
      local t = inputs(type)
      for name, f in pairs(operations) do
         torch.manualSeed(5)
         local bytes = torch.serialize { f(t) }
         first[name] = first[name] or bytes
         if bytes ~= first[name] then error(string.format('%s of %s differs on %d threads', name, type, threads)) end
         compared = compared + 1
      end
   end
end
torch.setnumthreads(before)
print(compared .. ' operations, the same on 1, 2, 3 and 7 threads')
