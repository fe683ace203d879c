-- `th new NAME`: a folder with a small training program, its tests and a README.
local folder = require 'rekindle.folder'
local new = {}

local FILES = {}

FILES['train.lua'] = [==[
#!/usr/bin/env th
-- Trains a small network and saves it: th train.lua -epochs 20
require 'nn'
require 'optim'
local data = require 'data'
local model = require 'model'

local cmd = torch.CmdLine()
cmd:text('Trains a network on two spirals')
cmd:option('-epochs', 60, 'passes over the data')
cmd:option('-batch', 32, 'samples a step')
cmd:option('-rate', 0.01, 'step size')
cmd:option('-seed', 1, 'of the random numbers')
cmd:option('-save', 'model.t7', 'file of the trained network')
local opt = cmd:parse(arg)

torch.manualSeed(opt.seed)
local inputs, targets = data.spirals(400)
local net, criterion = model.build(), nn.CrossEntropyCriterion()
local parameters, gradients = net:getParameters()
local state = { learningRate = opt.rate }

for epoch = 1, opt.epochs do
   local order, sum, steps = torch.randperm(inputs:size(1)):long(), 0, 0
   for first = 1, inputs:size(1), opt.batch do
      local last = math.min(first + opt.batch - 1, inputs:size(1))
      local chosen = order[{ { first, last } }]
      local x, y = inputs:index(1, chosen), targets:index(1, chosen)
      local _, losses = optim.adam(function()
         gradients:zero()
         local output = net:forward(x)
         local loss = criterion:forward(output, y)
         net:backward(x, criterion:backward(output, y))
         return loss, gradients
      end, parameters, state)
      sum, steps = sum + losses[1], steps + 1
   end
   if epoch % 10 == 0 then
      print(string.format('epoch %3d  loss %.4f  accuracy %.1f %%', epoch, sum / steps,
         100 * model.accuracy(net, inputs, targets)))
   end
end

torch.save(opt.save, net:clearState())
print('saved ' .. opt.save)
]==]

FILES['model.lua'] = [==[
-- The network, and how well it does.
require 'nn'
local model = {}

function model.build()
   return nn.Sequential()
      :add(nn.Linear(2, 32)):add(nn.Tanh())
      :add(nn.Linear(32, 32)):add(nn.Tanh())
      :add(nn.Linear(32, 2))
end

-- The share of samples whose largest output is that of their class.
function model.accuracy(net, inputs, targets)
   local _, found = net:forward(inputs):max(2)
   return found:typeAs(targets):eq(targets):sum() / targets:nElement()
end

return model
]==]

FILES['data.lua'] = [==[
-- Two spirals, one for each class.
local data = {}

-- n samples: positions (n x 2) and classes 1 and 2 (n).
function data.spirals(n)
   local inputs, targets = torch.Tensor(n, 2), torch.Tensor(n)
   for i = 1, n do
      local class = i % 2 + 1
      local at = math.sqrt(torch.uniform()) * 3 * math.pi / 2
      local angle = at + (class - 1) * math.pi
      inputs[i][1] = at / 5 * math.cos(angle) + torch.normal(0, 0.02)
      inputs[i][2] = at / 5 * math.sin(angle) + torch.normal(0, 0.02)
      targets[i] = class
   end
   return inputs, targets
end

return data
]==]

FILES['tests.lua'] = [==[
-- th test tests.lua
require 'nn'
local data, model = require 'data', require 'model'
local tester, suite = torch.Tester(), torch.TestSuite()

function suite.samples_have_two_classes()
   local inputs, targets = data.spirals(10)
   tester:eq(inputs:size():totable(), { 10, 2 })
   tester:eq(targets:min(), 1)
   tester:eq(targets:max(), 2)
end

function suite.outputs_are_one_for_each_class()
   tester:eq(model.build():forward(torch.randn(5, 2)):size():totable(), { 5, 2 })
end

function suite.gradients_are_right()
   local net = model.build()
   tester:assertlt(nn.Jacobian.testJacobian(net, torch.randn(2)), 1e-5, 'of the input')
end

tester:add(suite)
tester:run()
]==]

FILES['README.md'] = [==[
# NAME

A network that tells two spirals apart.

    th train.lua               # trains and saves model.t7; -help lists the options
    th test tests.lua          # the tests

`data.lua` makes the samples, `model.lua` the network; `train.lua` brings them together.
]==]

-- the folder, whose name is given; an error where it is there already
function new.main(args)
   local name = args[1]
   if #args ~= 1 or name == '' then error('th new: expected the name of the folder to make: th new NAME', 0) end
   if paths.dirp(name) or paths.filep(name) then error('th new: there is a ' .. name .. ' already', 0) end
   local write = folder('th new', name)
   local short = name:gsub('/+$', ''):match('[^/]+$') or name
   for file, text in pairs(FILES) do write(file, (text:gsub('NAME', function() return short end))) end
   print(string.format('made %s with a training program, its tests and a README:\n   cd %s && th train.lua && th test tests.lua',
      name, name))
end

return new
