-- A program of the shape of a supervised tutorial: pictures of classes in an ascii file, colours and neighbourhoods
-- normalized, three models, three losses, four optimisers, in both types, sample by sample through a closure over flat
-- parameters. The loss falls in every run, to the one that is written here.
require 'torch'
require 'image'
require 'nn'
require 'optim'
local path = assert(arg[1], 'the name of a file to write is missing')

local CLASSES, COUNT, SIDE = 4, 40, 16

-- ---- data: templates with noise, bytes of rows and columns swapped, as other programs save them ----
torch.manualSeed(3)
local templates = torch.Tensor(CLASSES, 3, SIDE, SIDE):uniform(0, 255)
local X, y = torch.ByteTensor(COUNT, 3, SIDE, SIDE), torch.Tensor(1, COUNT)
for i = 1, COUNT do
   local class = (i - 1) % CLASSES + 1
   y[1][i] = class
   local picture = torch.Tensor(3, SIDE, SIDE):normal(128, 40):mul(0.5):add(0.5, templates[class])
   X[i]:copy(picture:clamp(0, 255):transpose(2, 3))
end
torch.save(path, { X = X, y = y }, 'ascii')

local loaded = torch.load(path, 'ascii')
os.remove(path)
local data, labels = loaded.X:transpose(3, 4):float(), loaded.y[1]
for i = 1, COUNT do data[i] = image.rgb2yuv(data[i]) end
for channel = 1, 3 do
   local plane = data[{ {}, channel, {}, {} }]
   plane:add(-plane:mean())
   plane:div(plane:std())
end
local normalization = nn.SpatialContrastiveNormalization(1, image.gaussian1D(5), 1):float()
for channel = 1, 3 do
   for i = 1, COUNT do
      data[{ i, { channel }, {}, {} }] = normalization:forward(data[{ i, { channel }, {}, {} }])
   end
end

-- ---- models ----
local function network(kind)
   local model, inputs = nn.Sequential(), 3 * SIDE * SIDE
   if kind == 'linear' then
      return model:add(nn.Reshape(inputs)):add(nn.Linear(inputs, CLASSES))
   elseif kind == 'mlp' then
      return model:add(nn.Reshape(inputs)):add(nn.Linear(inputs, 20)):add(nn.Tanh()):add(nn.Linear(20, CLASSES))
   end
   local kernel = image.gaussian1D(3)
   model:add(nn.SpatialConvolutionMM(3, 6, 5, 5)):add(nn.Tanh()):add(nn.SpatialLPPooling(6, 2, 2, 2, 2, 2))
   model:add(nn.SpatialSubtractiveNormalization(6, kernel))
   model:add(nn.SpatialConvolutionMM(6, 8, 3, 3)):add(nn.Tanh()):add(nn.SpatialLPPooling(8, 2, 2, 2, 2, 2))
   model:add(nn.SpatialSubtractiveNormalization(8, kernel))
   return model:add(nn.Reshape(8 * 2 * 2)):add(nn.Linear(32, 12)):add(nn.Tanh()):add(nn.Linear(12, CLASSES))
end

local function criterion_of(loss, model)
   if loss == 'margin' then return nn.MultiMarginCriterion() end
   if loss == 'nll' then
      model:add(nn.LogSoftMax())
      return nn.ClassNLLCriterion()
   end
   model:add(nn.Tanh())
   local criterion = nn.MSECriterion()
   criterion.sizeAverage = false
   return criterion
end

local METHODS = {
   SGD = { optim.sgd, 1, { learningRate = 0.01 } },
   ASGD = { optim.asgd, 1, { eta0 = 0.01, t0 = COUNT } },
   CG = { optim.cg, COUNT, { maxIter = 3 } },
   LBFGS = { optim.lbfgs, COUNT, { learningRate = 0.02, maxIter = 3, nCorrection = 10 } },
}

-- The mean loss of the first and of the last pass.
local function train(kind, loss, method, typename)
   torch.manualSeed(1)
   local model = network(kind)
   local criterion = criterion_of(loss, model)
   model:type(typename)
   criterion:type(typename)
   local parameters, gradParameters = model:getParameters()
   local step, batch, state = unpack(METHODS[method])
   local config = {}
   for k, v in pairs(state) do config[k] = v end
   local targets = labels
   if loss == 'mse' then
      targets = torch.Tensor(COUNT, CLASSES):fill(-1)
      for i = 1, COUNT do targets[{ i, labels[i] }] = 1 end
      targets = targets:type(typename)
   end
   local confusion, means = optim.ConfusionMatrix(CLASSES), {}
   for epoch = 1, 3 do
      local shuffle, total, seen = torch.randperm(COUNT), 0, 0
      confusion:zero()
      for first = 1, COUNT, batch do
         local function feval(x)
            if x ~= parameters then parameters:copy(x) end
            gradParameters:zero()
            local sum, last = 0, math.min(first + batch - 1, COUNT)
            for t = first, last do
               local input, target = data[shuffle[t]]:type(typename), targets[shuffle[t]]
               local output = model:forward(input)
               sum = sum + criterion:forward(output, target)
               model:backward(input, criterion:backward(output, target))
               confusion:add(output, target)
            end
            local n = last - first + 1
            total, seen = total + sum, seen + n
            gradParameters:div(n)
            return sum / n, gradParameters
         end
         step(feval, parameters, config)
      end
      means[epoch] = total / seen
   end
   confusion:updateValids()
   return means[1], means[#means], confusion.totalValid
end

-- What the last pass gives: a checksum of everything above. `-print` after the file's name shows what this build gives.
local EXPECTED = {
   ['linear nll SGD'] = 0.006343221664,
   ['linear nll ASGD'] = 0.006345407187,
   ['linear nll CG'] = 6.160140038e-05,
   ['linear nll LBFGS'] = 0.9609942394,
   ['linear mse SGD'] = 0.0001871429652,
   ['linear mse ASGD'] = 0.0001872619134,
   ['linear mse CG'] = 0.005716588621,
   ['linear mse LBFGS'] = 2.574892901,
   ['linear margin SGD'] = 0,
   ['linear margin ASGD'] = 0,
   ['linear margin CG'] = 0,
   ['linear margin LBFGS'] = 0.001013720214,
   ['mlp nll SGD'] = 0.1284436485,
   ['mlp nll ASGD'] = 0.1284730554,
   ['mlp nll CG'] = 0.004183762948,
   ['mlp nll LBFGS'] = 0.8693124284,
   ['mlp mse SGD'] = 0.05473365606,
   ['mlp mse ASGD'] = 0.05475248773,
   ['mlp mse CG'] = 0.01010883482,
   ['mlp mse LBFGS'] = 2.533090175,
   ['mlp margin SGD'] = 0,
   ['mlp margin ASGD'] = 0,
   ['mlp margin CG'] = 5.109955357e-05,
   ['mlp margin LBFGS'] = 0.05449093262,
   ['convnet nll SGD'] = 1.335932794,
   ['convnet nll ASGD'] = 1.335958461,
   ['convnet nll CG'] = 0.67227454,
   ['convnet nll LBFGS'] = 1.314943948,
   ['convnet mse SGD'] = 1.877706728,
   ['convnet mse ASGD'] = 1.878065045,
   ['convnet mse CG'] = 0.6734076441,
   ['convnet mse LBFGS'] = 3.326478355,
   ['convnet margin SGD'] = 0.6896608035,
   ['convnet margin ASGD'] = 0.6896888702,
   ['convnet margin CG'] = 0.1713126793,
   ['convnet margin LBFGS'] = 0.7433905792,
}

local kinds, losses, methods = { 'linear', 'mlp', 'convnet' }, { 'nll', 'mse', 'margin' }, { 'SGD', 'ASGD', 'CG', 'LBFGS' }
local n = 0
for k, kind in ipairs(kinds) do
   for l, loss in ipairs(losses) do
      for m, method in ipairs(methods) do
         -- in one type or the other
         local name = kind .. ' ' .. loss .. ' ' .. method
         local double = (k + l + m) % 2 == 0
         local first, last, right = train(kind, loss, method, double and 'torch.DoubleTensor' or 'torch.FloatTensor')
         if arg[2] == '-print' then print(string.format("   ['%s'] = %.10g,", name, last), first, right, double) end
         assert(last < first, string.format('%s: the loss goes from %g to %g', name, first, last))
         local want, tolerance = EXPECTED[name], double and 1e-7 or 1e-3
         assert(arg[2] or math.abs(last - want) <= tolerance * math.max(1, want),
            string.format('%s: %.10g where %.10g is expected', name, last, want or 0 / 0))
         n = n + 1
      end
   end
end
print(n .. ' trainings, all as it should be')
