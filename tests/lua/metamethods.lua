-- Metamethods and finalisers that run in the middle of a call and take away what the call was given.
require 'nn'

local taken
local function take_away()
   if not taken then return end
   for i = #taken, 1, -1 do taken[i] = nil end
   taken = nil
   collectgarbage() collectgarbage()
   -- new tensors where the old ones were
   local new = {}
   for i = 1, 200 do new[i] = torch.Tensor(1000):fill(-7) end
end

local Taking = torch.class('nn.ConformingTaker', 'nn.CAddTable')
function Taking:__index__(k)
   if k == 'output' or k == 'inplace' or k == 'gradInput' then take_away() end
   return nil, false
end

local answered, refused = 0, 0
for round = 1, 20 do
   local m = nn.ConformingTaker()
   m.output, m.inplace = nil, nil
   getmetatable(m).output = torch.Tensor()
   local input = {}
   for i = 1, 50 do input[i] = torch.Tensor(1000):fill(i) end
   taken = input
   local ok, y = pcall(m.updateOutput, m, input)
   if ok then
      answered = answered + 1
      -- the sum of what was there, or of nothing
      assert(y:dim() == 0 or y:nElement() == 0 or y[1] == 1275 and y:min() == y:max(), 'a sum of other memory')
   else
      refused = refused + 1
      assert(type(y) == 'string')
   end
end

-- a finaliser that empties the list while a fresh result is made
for round = 1, 200 do
   local list = {}
   for i = 1, 20 do list[i] = torch.Tensor(1000):fill(i) end
   local p = newproxy(true)
   getmetatable(p).__gc = function() for i = #list, 1, -1 do list[i] = nil end end
   p = nil
   local ok, y = pcall(torch.cat, list, 1)
   if ok and y:nElement() > 0 then assert(y[1] == 1 and y[y:nElement()] == 20, 'a list of other memory') end
end

-- finalisers that a program calls itself, while the call that was given the object reads its fields or makes its result
local finalize = debug.getmetatable(torch.DoubleStorage(1)).__gc
local Finishing = torch.class('nn.ConformingFinisher', 'nn.Linear')
local given
function Finishing:__index__(k)
   if k == 'weight' and given then
      finalize(given)
      for i = 1, 20 do torch.Tensor(1, 1000):fill(-7) end
      return rawget(self, 'kept'), true
   end
   return nil, false
end
for round = 1, 10 do
   local m = nn.ConformingFinisher(1000, 1, false)
   m.kept, m.weight = m.weight:fill(1), nil
   given = torch.Tensor(1, 1000):fill(1)
   local y = m:updateOutput(given)
   assert(y[1][1] == 1000 and given[1][1000] == 1, 'a product of other memory')
end
given = nil
local ended = 0
for round = 1, 200 do
   local s = torch.DoubleStorage(1000):fill(1)
   local p = newproxy(true)
   getmetatable(p).__gc = function() finalize(s) torch.DoubleStorage(1000):fill(-7) end
   p = nil
   local ok, x = pcall(torch.DoubleTensor, s)
   if round % 10 == 0 then collectgarbage() end
   if ok then
      assert(x:nElement() == 1000 and x[1] == 1)
   else
      ended = ended + 1
      assert(type(x) == 'string')
   end
end
assert(not pcall(function() local s = torch.DoubleStorage(3) finalize(s) return s:size() end))

-- many finalisers that make tensors, due at once: none starts the collection that calls the next
local finalised, large = 0, nil
for i = 1, 100000 do
   getmetatable(newproxy(true)).__gc = function()
      finalised, large = finalised + 1, large or torch.Tensor(1e7)
      torch.Tensor(1)
   end
end
for i = 1, 4 do torch.Tensor(2e6) end
collectgarbage() collectgarbage()
assert(finalised > 50000, finalised)
large = nil

-- what a call keeps on the host's stack and in its upvalues is out of reach
local Reaching = torch.class('nn.ConformingReacher', 'nn.CAddTable')
local tried = 0
function Reaching:__index__(k)
   if k == 'inplace' then
      for level = 1, 4 do
         for slot = 1, 4 do
            local info = debug.getinfo(level + 1, 'S')
            if info and info.what == 'C' then
               tried = tried + 1
               assert(not pcall(debug.setlocal, level + 2, slot, nil))
            end
         end
      end
   end
   return nil, false
end
local m = nn.ConformingReacher()
m.inplace = nil
pcall(m.forward, m, { torch.ones(3), torch.ones(3) })
assert(tried > 0, 'the metamethod saw no function of the host')
assert(not pcall(debug.setupvalue, torch.add, 1, newproxy()))
local function mine() local a = 1 local n = debug.setlocal(1, 1, 5) return a, n end
local a, n = mine()
assert(a == 5 and n == 'a', tostring(a))
local up = 1
local function reader() return up end
assert(debug.setupvalue(reader, 1, 9) == 'up' and reader() == 9)
print(string.format('%d sums, %d errors: all as it should be', answered, refused))
