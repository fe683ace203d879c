-- A training of three steps, modules of the program's own, errors and coroutines: prints the same with --profile as without.
require 'nn'
torch.manualSeed(1)

local Twice, parent = torch.class('Twice "é"', 'nn.Linear', {})
function Twice:updateOutput(x)
   -- a parent's method by its class belongs to this call
   self.output = parent.updateOutput(self, x):mul(2)
   return self.output
end
function Twice:accGradParameters(x, gradOutput, scale) parent.accGradParameters(self, x, gradOutput, 2 * scale) end

local branches = nn.ConcatTable():add(nn.Linear(4, 3)):add(Twice.new(4, 3))
local net = nn.Sequential():add(nn.Tanh()):add(branches):add(nn.CAddTable()):add(nn.LogSoftMax())
local criterion = nn.ClassNLLCriterion()
local x, targets = torch.randn(5, 4), torch.LongTensor { 1, 2, 3, 1, 2 }
for _ = 1, 3 do
   local loss = criterion:forward(net:forward(x), targets)
   net:zeroGradParameters()
   net:backward(x, criterion:backward(net.output, targets))
   net:updateParameters(0.1)
   print(loss)
end

---- errors

local Failing = torch.class('Failing', 'nn.Module')
function Failing:updateOutput(how)
   if how == 'text' then error('on purpose') end
   if how == 'caller' then error('on purpose', 2) end
   if how == 'above' then error('on purpose', 3) end
   if how == 'bare' then error('on purpose', 0) end
   if how == 'tail' then return error('on purpose', 2) end
   if how == 'number' then error(12) end
   if how == 'nil' then return how.a.b end
   if how == 'yield' then how = coroutine.yield('waits') end
   if how == 'several' then return 1, nil, 3, nil end
   if how == 'none' then return end
   return how
end

-- an error up to its traceback, and the frames of this file in that
local function told(f, ...)
   local ok, why = pcall(f, ...)
   if ok then return print('no error', why) end
   why = tostring(why)
   print((why:gsub('\nstack traceback:.*', '')))
   for frame in why:gmatch('\n%s+([^\n]*profiled%.lua[^\n]*)') do print('   ' .. frame) end
end
local wrapped = nn.Sequential():add(nn.Identity()):add(nn.Sequential():add(Failing.new()))
for _, how in ipairs { 'text', 'caller', 'above', 'bare', 'tail', 'number', 'nil' } do
   told(function() local y = Failing.new():updateOutput(how) return y end)
   told(function() local y = Failing.new():forward(how) return y end)
   told(function() local y = wrapped:forward(how) return y end)
   print(xpcall(function() local y = Failing.new():updateOutput(how) return y end, function(why)
      local frames = debug.traceback('', 2):gsub('\n\t%[[^\n]*', '\n\t[C]')
      return tostring(why) .. frames
   end))
end
told(function() local y = nn.Linear(2, 3):forward(x) return y end)
told(function() local y = nn.Sequential():add(nn.Linear(2, 3)):forward(x) return y end)
told(function() local y = nn.Tanh():updateOutput('x') return y end)
told(function() local y = nn.Tanh().updateOutput() return y end)
told(nn.Tanh().updateOutput, nn.Tanh(), 4)
told(function() net:backward(x, 'none') end)
told(os.exit, {})
print(debug.traceback(nil), debug.traceback(12), type(debug.traceback({})), (debug.traceback():gsub('\n.*', '')))

---- results, coroutines, methods that change

print(select('#', Failing.new():updateOutput('none')), Failing.new():updateOutput('several'))
local thread = coroutine.wrap(function()
   print(wrapped:forward('yield'))
   return 'over'
end)
print(thread())
print(wrapped:forward('meanwhile'))
print(thread('resumed'))

local one = Failing.new()
local old = one.updateOutput
one.updateOutput = function(self, value) return old(self, value) .. ', as this object has it' end
print(one:forward('a value'))
local identity = nn.Identity.updateOutput
nn.Identity.updateOutput = function(self, value) return identity(self, value .. ', as it is now') end
print(nn.Identity():forward('a value'))
print(one.nothing, nn.Tanh().backward == nn.Module.backward, net:clone():forward(x):sum() == net.output:sum())
