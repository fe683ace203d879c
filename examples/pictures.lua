-- A network that learns digits, watched: a curve of its loss while it learns, its filters as a grid, and what it takes for
-- what as a picture. They show in a notebook or in the terminal; else, or with -folder, they are files.
--
--   th examples/pictures.lua
--   th examples/pictures.lua -samples 4000 -epochs 3 -folder pictures
require 'nn'
require 'optim'
require 'image'
require 'gnuplot'
require 'xlua'

local cmd = torch.CmdLine()
cmd:text('Watches a network that learns digits')
cmd:option('-samples', 2000, 'digits to learn from')
cmd:option('-batch', 20, 'digits in a step')
cmd:option('-epochs', 2, 'passes over them')
cmd:option('-rate', 0.003, 'step size')
cmd:option('-folder', '', 'where the pictures go as files; empty: they are shown')
local opt = cmd:parse(arg or {})
torch.manualSeed(1)
torch.setdefaulttensortype('torch.FloatTensor')

local raw = torch.load(paths.concat(paths.dirname(paths.thisfile()), 'data', 'digits.t7'))
local function prepare(set, n)
   return set.data:narrow(1, 1, n):float():div(255):view(n, 1, 28, 28), set.labels:narrow(1, 1, n):long()
end
local digits, labels = prepare(raw.train, opt.samples)
local others, answers = prepare(raw.test, 500)

local model = nn.Sequential()
model:add(nn.SpatialConvolution(1, 12, 7, 7)):add(nn.ReLU()):add(nn.SpatialMaxPooling(2, 2, 2, 2))
model:add(nn.Reshape(12 * 11 * 11)):add(nn.Linear(12 * 11 * 11, 10)):add(nn.LogSoftMax())
local criterion = nn.ClassNLLCriterion()
local parameters, gradients = model:getParameters()

if opt.folder ~= '' then
   paths.mkdir(opt.folder)
   gnuplot.svgfigure(paths.concat(opt.folder, 'loss.svg'))
end

-- ---- the curve grows while it learns ----
local losses, mean, state = {}, nil, { learningRate = opt.rate }
local steps = math.floor(opt.samples / opt.batch)
local every = math.max(1, math.floor(steps / 5))
for epoch = 1, opt.epochs do
   local order = torch.randperm(opt.samples):long()
   for step = 1, steps do
      local picks = order:narrow(1, (step - 1) * opt.batch + 1, opt.batch)
      local input, target = digits:index(1, picks), labels:index(1, picks)
      local _, loss = optim.adam(function()
         gradients:zero()
         local output = model:forward(input)
         local value = criterion:forward(output, target)
         model:backward(input, criterion:backward(output, target))
         return value, gradients
      end, parameters, state)
      mean = mean and 0.9 * mean + 0.1 * loss[1] or loss[1]
      losses[#losses + 1] = mean
      if step % every == 0 then
         gnuplot.plot('epoch ' .. epoch, torch.range(1, #losses), torch.Tensor(losses), '-')
         gnuplot.axis { 0, steps * opt.epochs, 0, '' }
         gnuplot.title 'Loss'
         gnuplot.xlabel 'steps'
         gnuplot.plotflush()
      end
   end
end

-- ---- what it has learnt ----
local confusion = optim.ConfusionMatrix({ '1', '2', '3', '4', '5', '6', '7', '8', '9', '0' })
model:evaluate()
confusion:batchAdd(model:forward(others), answers)
local matrix = confusion:render('none', false, 20, 40)
local filters = image.toDisplayTensor { input = model:get(1).weight:view(12, 7, 7), padding = 1, nrow = 6, symmetric = true }
if opt.folder ~= '' then
   image.save(paths.concat(opt.folder, 'filters.png'), image.scale(filters, filters:size(2) * 6, filters:size(1) * 6, 'simple'))
   image.save(paths.concat(opt.folder, 'confusion.png'), matrix)
   print('wrote loss.svg, filters.png and confusion.png into ' .. opt.folder)
else
   image.display { image = filters, zoom = 6, legend = 'Filters' }
   image.display { image = matrix, legend = 'What is taken for what' }
end
print(string.format('%.1f%% of 500 other digits are right', confusion.totalValid * 100))
