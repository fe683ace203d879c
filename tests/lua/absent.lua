-- Names that nn and optim do not have: nil where a program asks for them, an error about the name where it calls them.
require 'nn'
require 'optim'

local function says(text, f)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), 'expected ' .. text .. ', got ' .. tostring(message))
end

says('absent.lua:11: nn.Lineer: there is no such class; nearest: nn.Linear', function()
   nn.Lineer(3, 4)
end)
says('nn.CrossEntropyLoss: there is no such class; nearest: nn.CrossEntropyCriterion', function()
   return nn.CrossEntropyLoss()
end)
says('nn.Xyzzy: there is no such class', function()
   return nn.Xyzzy { 1 }
end)
says('optim.adamw: there is no such method; nearest: optim.adam', function()
   optim.adamw(function() end, torch.ones(2))
end)
says("nn.gModule: require 'nngraph'", function()
   return nn.gModule({}, {})
end)
says('[string "return nn.Sigmoyd()"]:1: nn.Sigmoyd: there is no such class; nearest: nn.Sigmoid',
   assert(loadstring 'return nn.Sigmoyd()'))
-- chunks with names of their own; what Lua would say stands at the end
says('x:2: nn.Sigmoyd: there is no such class; nearest: nn.Sigmoid (a nil value)',
   assert(loadstring('local _\nreturn nn.Sigmoyd()', '=x')))
for i = 1, 100 do assert(loadstring('return nn.Sigmoyd == nil', '=x' .. i))() end

-- asking is no call, whatever stands beside it
assert(nn.Foo == nil and optim.foo == nil and nn[1] == nil)
if nn.Foo then nn.Foo() end
local made = nn.Foo and nn.Foo() or (nn.Foo or nn.Tanh)()
assert(torch.type(made) == 'nn.Tanh')
for name in pairs(nn) do assert(name ~= 'Foo') end
says('attempt to call', function() return (nn.Foo)(3) end)

-- a name that comes later is there
local Foo = torch.class('nn.Foo', 'nn.Module')
assert(Foo and nn.Foo() and torch.type(nn.Foo()) == 'nn.Foo')
require 'nngraph'
assert(nn.gModule)
print('all as it should be')
