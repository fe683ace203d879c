-- Messages for wrong inputs: every class of nn is given what it cannot take, forwards, backwards and
-- as gradOutput, and to its constructor. What it raises names a class of nn and the line here, and is no raw error of
-- Lua or of a tensor's method. `th tests/lua/nn_messages.lua -all` prints all messages, to be read; a class's name after it only that one's.
require 'nn'
torch.manualSeed(1)
local here = debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or ''
local samples = dofile(here .. 'nn_samples.lua')
local all = arg and arg[1] == '-all'
local only = all and arg[2]

-- Every class that has a sample. What a container raises may be about a module in it, or in what it is made from.
local CLASSES = {}
for name in pairs(samples) do CLASSES[#CLASSES + 1] = name end
table.sort(CLASSES)

local function map(value, f)
   if torch.isTensor(value) then return f(value) end
   local list = {}
   for k, v in pairs(value) do list[k] = map(v, f) end
   return list
end
local function wrong(x)
   return {
      { 'nil', nil }, { 'a number', 3 }, { 'text', 'x' }, { 'true', true }, { 'a function', math.sin },
      { 'an empty table', {} },
      { 'a table of numbers', { 1, 2 } }, { 'a table of texts', { 'a', 'b' } }, { 'a table of tables', { {}, {} } },
      { 'an empty tensor', torch.Tensor() }, { 'a table of empty tensors', { torch.Tensor(), torch.Tensor() } },
      { 'one element', torch.randn(1) }, { 'five dimensions', torch.randn(2, 2, 2, 2, 2) },
      { 'the first entry, or a table of it', torch.isTensor(x) and { x } or x[1] }, { 'three of it', { x, x, x } },
      { 'floats', map(x, function(t) return torch.typename(t) == 'torch.DoubleTensor' and t:float() or t end) },
      { 'integers', map(x, function(t) return t:int() end) },
      { 'one dimension more', map(x, function(t) return t:view(1, unpack(t:size():totable())) end) },
      { 'one dimension less', map(x, function(t) return t:dim() > 1 and t[1] or t end) },
      { 'twice as wide', map(x, function(t) return torch.cat(t, t, t:dim()) end) },
      { 'twice as long', map(x, function(t) return torch.cat(t, t, 1) end) },
   }
end
local ARGUMENTS = {
   {}, { 'x' }, { -1 }, { 0 }, { 1.5 }, { {} }, { torch.ones(2) }, { 2, 'x', {} }, { 2, -1 }, { 0 / 0, 0 / 0 },
   { true, true, true }, { 2, 2, 2, 'y' }, { math.huge, 2 }, { nn.Tanh, 2 },
}

local complaints, given, raised = 0, 0, 0
local say = print
-- where a message says that it happened: here, and not in a file of the host
local here_in = debug.getinfo(1, 'S').short_src:gsub('%p', '%%%0')
local function try(class, what, f)
   given = given + 1
   print = function() end
   local ok, message = pcall(f)
   print = say
   if ok then return end
   raised = raised + 1
   local placed
   message = tostring(message):gsub('In %d+ module of nn%.%w+:\n', '')
   message, placed = message:gsub('^' .. here_in .. ':%d+: ', '')
   local first = message:match('^[^\n]*')
   local raw = placed == 0 or first:find('attempt to') or first:find('bad argument') or first:find('invalid arguments')
   if raw or not (first:find('^nn%.' .. class) or first:find('^nn%.%u%w*: ')) then
      complaints = complaints + 1
      say(string.format('nn.%s, %s: %s', class, what, first))
   elseif all then
      say(string.format('   %-28s %s', what, first))
   end
end

for _, class in ipairs(CLASSES) do
   for _, entry in ipairs(nn[class] and (not only or only == class) and samples[class] or {}) do
      if all then say('nn.' .. entry[1]) end
      local make, x = assert(loadstring('return nn.' .. entry[1])), entry[2]
      -- what a criterion compares with, and what backward gets beside the input
      local target = type(entry[3]) == 'table' and entry[3].target or nil
      local criterion = torch.isTypeOf(make(), 'nn.Criterion')
      local function after()
         local object = make()
         object:forward(x, target)
         return object
      end
      local function gradOutputOf(object)
         if criterion then return target end
         return object.output
      end
      for _, case in ipairs(wrong(x)) do
         local what, value = case[1], case[2]
         try(class, 'forward of ' .. what, function() make():forward(value, target) end)
         if criterion then try(class, 'target ' .. what, function() make():forward(x, value) end) end
         try(class, 'backward of ' .. what, function()
            local object = after()
            object:backward(value, gradOutputOf(object))
         end)
         try(class, 'gradOutput ' .. what, function() after():backward(x, value) end)
      end
      print = function() end
      local gradOutput = gradOutputOf(after())
      print = say
      try(class, 'backward before forward', function() make():backward(x, gradOutput) end)
   end
   for i, arguments in ipairs(nn[class] and (not only or only == class) and ARGUMENTS or {}) do
      try(class, 'constructor, arguments ' .. i, function() nn[class](unpack(arguments)) end)
   end
end
say(string.format('%d wrong inputs, %d messages, %d complaints', given, raised, complaints))
if complaints > 0 then os.exit(1) end
