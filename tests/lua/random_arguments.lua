-- Calls every function, method and constructor with random arguments of every kind: each call may raise a string with
-- a message, and nothing else may happen.
local native = require 'rekindle.native'
require 'nn'
local seed = tonumber(arg[1]) or 1
math.randomseed(seed)

local function any_tensor()
   local kind = torch.getconstructortable(torch.tensor_types[math.random(#torch.tensor_types)])
   local shape = math.random(6)
   if shape == 1 then return kind() end
   if shape == 2 then return kind(math.random(4)) end
   if shape == 3 then return kind(math.random(3), math.random(4)):t() end
   if shape == 4 then return kind(2, 3, 2):select(2, 2) end
   if shape == 5 then return kind(1, 3):expand(2, 3) end
   return kind(2, math.random(3), 2)
end

local makers = {
   function() return nil end,
   function() return math.random(-3, 8) end,
   function() return math.random() * 3 end,
   function() return ({ 0 / 0, 1 / 0, -1 / 0, 0, -1, 1e18 })[math.random(6)] end,
   function() return ({ 'x', '', '2', 'torch.IntTensor', '*a' })[math.random(5)] end,
   function() return math.random() < 0.5 end,
   function() return ({ {}, { 1, 2 }, { { 1 }, { 2, 3 } }, { any_tensor(), any_tensor() }, { a = 1 } })[math.random(5)] end,
   function() return function() end end,
   function() return torch.LongStorage { math.random(0, 3), math.random(-1, 4) } end,
   function() return torch.DoubleStorage(math.random(0, 4)) end,
   function() return torch.MemoryFile() end,
   any_tensor, any_tensor, any_tensor, any_tensor,
}

-- what leaves the process or blocks on purpose
local skip = { setRNGState = true, seed = true, setnumthreads = true, setDefaultType = true, sleep = true, usleep = true,
   mkdir = true, rmdir = true, removeAll = true, DiskFile = true, PipeFile = true }

local calls, errors = 0, 0
local function try(name, f)
   local n = math.random(0, 5)
   local args = {}
   for i = 1, n do args[i] = makers[math.random(#makers)]() end
   local ok, why = pcall(f, unpack(args, 1, n))
   calls = calls + 1
   if not ok then
      errors = errors + 1
      assert(type(why) == 'string' and #why > 0, name .. ': the error is a ' .. type(why))
      assert(not why:find('internal error', 1, true), name .. ': ' .. why)
   end
end

local all = {}
local function add(group)
   for class, functions in pairs(group or {}) do
      for name, f in pairs(functions) do
         if not skip[name] then all[#all + 1] = { class .. '.' .. name, f } end
      end
   end
end
for _, group in ipairs { 'functions', 'methods', 'storage_methods', 'constructors', 'classes' } do add(native[group]) end
table.sort(all, function(a, b) return a[1] < b[1] end)
assert(#all > 100)
local rounds = math.max(1, math.ceil(4000 / #all))
for _ = 1, rounds do
   for _, entry in ipairs(all) do try(entry[1], entry[2]) end
end
collectgarbage()
print(string.format('%d calls of %d functions, %d errors', calls, #all, errors))
