-- Every nn class that needs no arguments or simple ones: whatever it is called with, it answers or raises text, and never
-- "internal error"; clearState, clone and type leave it working. Usage: th nn_contract.lua SEED
require 'nn'
torch.manualSeed(tonumber(arg and arg[1]) or 1)

local function pick(list) return list[torch.random(#list)] end

local TYPES = { 'torch.DoubleTensor', 'torch.DoubleTensor', 'torch.DoubleTensor', 'torch.FloatTensor', 'torch.LongTensor' }
local function tensor()
   local sizes = {}
   for d = 1, torch.random(0, 4) do sizes[d] = torch.random(1, 4) end
   local t = #sizes > 0 and torch.randn(torch.LongStorage(sizes)) or torch.Tensor()
   if t:dim() > 1 and torch.random(4) == 1 then t = t:transpose(1, 2) end
   return t:type(pick(TYPES))
end
local function value(depth)
   local kind = torch.random(10)
   if kind <= 7 then return tensor() end
   if kind == 8 then return torch.random(-2, 4) end
   if kind == 9 and depth < 2 then return { value(depth + 1), value(depth + 1) } end
   return nil
end

local function constructed(name)
   for _, arguments in ipairs { {}, { 2 }, { 2, 3 }, { 2, 2, 1, 1 }, { 1, 1, 2, 2 } } do
      local ok, object = pcall(nn[name], unpack(arguments))
      if ok then return object end
   end
end

local calls, errors, classes = 0, 0, 0
local function try(object, method, ...)
   calls = calls + 1
   local ok, problem = pcall(object[method], object, ...)
   if ok then return end
   errors = errors + 1
   assert(type(problem) == 'string' and #problem > 0, torch.type(object) .. ':' .. method .. ' raised a ' .. type(problem))
   assert(not problem:find('internal error', 1, true), torch.type(object) .. ':' .. method .. ': ' .. problem)
end

local names = {}
for name, class in pairs(nn) do
   if type(class) == 'table' and getmetatable(class) and class.__typename == 'nn.' .. name then names[#names + 1] = name end
end
table.sort(names)
for _, name in ipairs(names) do
   local object = constructed(name)
   if object and name ~= 'StochasticGradient' then
      classes = classes + 1
      for _ = 1, 30 do
         local x, g = value(0), value(0)
         try(object, 'forward', x, g)
         try(object, 'backward', x, g, torch.random(3) == 1 and 2 or nil)
         -- results may be inputs
         if torch.isTensor(object.gradInput) then try(object, 'forward', object.gradInput, object.gradInput) end
         try(object, 'backward', object.output, object.gradInput)
      end
      if object.clearState then try(object, 'clearState') end
      try(object, 'type', 'torch.FloatTensor')
      assert(torch.type(object:clone()) == torch.type(object), name)
   end
end
assert(classes > 60, classes .. ' classes')
print(string.format('%d classes, %d calls, %d errors', classes, calls, errors))
