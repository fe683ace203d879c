-- An auto-encoder of handwritten digits. It writes pictures: digits above what comes back of them, and the filters.
--
--   th examples/autoencoder.lua                           digits.png and filters.png in autoencoder/
--   th examples/autoencoder.lua -codes 64 -epochs 10 -folder /tmp/pictures
require 'nn'
require 'optim'
require 'image'
require 'xlua'

local here = paths.dirname(paths.thisfile())

local cmd = torch.CmdLine()
cmd:text('Learns short codes of digits')
cmd:option('-codes', 32, 'numbers in a code')
cmd:option('-samples', 2000, 'digits to learn from')
cmd:option('-batch', 50, 'digits in a step')
cmd:option('-epochs', 4, 'passes over them')
cmd:option('-rate', 0.003, 'step size')
cmd:option('-folder', 'autoencoder', 'where the pictures go')
cmd:option('-seed', 1, 'of the random numbers')
local opt = cmd:parse(arg or {})
torch.manualSeed(opt.seed)
torch.setdefaulttensortype('torch.FloatTensor')

local pictures = torch.load(here .. '/data/digits.t7').train.data
local side = pictures:size(pictures:dim())
local digits = pictures:narrow(1, 1, opt.samples):float():div(255):view(opt.samples, side * side)

local encoder = nn.Sequential():add(nn.Linear(side * side, 128)):add(nn.ReLU()):add(nn.Linear(128, opt.codes)):add(nn.Tanh())
local decoder = nn.Sequential():add(nn.Linear(opt.codes, 128)):add(nn.ReLU()):add(nn.Linear(128, side * side)):add(nn.Sigmoid())
local model = nn.Sequential():add(encoder):add(decoder)
local criterion = nn.BCECriterion()
local parameters, gradients = model:getParameters()

local config = { learningRate = opt.rate }
for epoch = 1, opt.epochs do
   local order, sum, steps = torch.randperm(opt.samples):long(), 0, math.floor(opt.samples / opt.batch)
   for step = 1, steps do
      local batch = digits:index(1, order:narrow(1, (step - 1) * opt.batch + 1, opt.batch))
      local _, losses = optim.adam(function()
         gradients:zero()
         local output = model:forward(batch)
         local loss = criterion:forward(output, batch)
         model:backward(batch, criterion:backward(output, batch))
         return loss, gradients
      end, parameters, config)
      sum = sum + losses[1]
   end
   print(string.format('epoch %d: loss %.4f', epoch, sum / steps))
end

-- ---- pictures ----

paths.mkdir(opt.folder)
local shown = digits:narrow(1, 1, 16)
local back = model:forward(shown)
local both = torch.cat(shown, back, 1):view(32, side, side)
image.save(opt.folder .. '/digits.png', image.toDisplayTensor { input = both, nrow = 16, padding = 1 })
local filters = encoder:get(1).weight:view(-1, side, side)
image.save(opt.folder .. '/filters.png',
   image.toDisplayTensor { input = filters, nrow = 16, padding = 1, scaleeach = true })
print(string.format('a digit of %d numbers comes back from %d; pictures are in %s', side * side, opt.codes, opt.folder))
