-- Wrong arguments everywhere: every constructor, function and method of a package that is written in Lua gets nothing, one
-- value of each kind, and one behind a tensor. What it raises stands at the line here that called, and is no raw error of
-- Lua's. `th misuse.lua PACKAGE [PATTERN]`; with a pattern, only names that it fits. It writes files where it runs.
for _, name in ipairs { 'nn', 'optim', 'image', 'xlua', 'nngraph', 'gnuplot', 'graph', 'sys', 'paths' } do require(name) end
local samples = dofile((debug.getinfo(1, 'S').source:match('^@(.*[/\\])') or '') .. 'nn_samples.lua')
local package_name, only = arg[1], arg[2]
torch.manualSeed(1)

-- made anew for each call, since methods write into what they are given
local KINDS = {
   { 'nil', function() return nil end }, { '3', function() return 3 end }, { '0', function() return 0 end },
   { '"U"', function() return 'U' end }, { 'true', function() return true end }, { '{}', function() return {} end },
   { '{ 1, "x" }', function() return { 1, 'x' } end }, { 'vector', function() return torch.ones(3) end },
   { 'empty tensor', function() return torch.Tensor() end }, { 'halves', function() return torch.HalfTensor(2, 3) end },
   { 'volume', function() return torch.rand(3, 4, 4) end }, { 'longs', function() return torch.LongTensor { 1, 2 } end },
   { 'storage', function() return torch.LongStorage { 1, 2 } end }, { 'function', function() return function() end end },
   { 'module', function() return nn.Tanh() end }, { 'class', function() return nn.Tanh end },
   { 'two tensors', function() return { torch.ones(3), torch.ones(3) } end },
}
local VECTOR = KINDS[8]
-- what constructors are given, beside that
local ARGUMENTS = {
   { 2, 'a' }, { 2, true }, { 2, {} }, { 1, 2, 'a' }, { 'a', 'b', 'c' }, { 2, 2, 2, 'a' }, { 2, 2, 2, 2, 'a' },
   { 2, 2, 2, 2, 2, 'a' }, { 1.5 }, { 1, 1.5 }, { {}, {} }, { -1 }, { 1, -1 }, { nn.Tanh(), 'a' },
}

local here = debug.getinfo(1, 'S').short_src .. ':'
local say, write = print, io.write
local calls, complaints, seen = 0, 0, {}
-- whether a message is Lua's own, or names an embedded file; a function may say 'bad argument' in its own name
local function is_raw(text, name)
   local own = name:match('[%w_]+$') or ''
   return text:find('attempt to ', 1, true) or text:find('%w/%w+%.lua:') or text:find('^[%w_/]+%.lua:')
      or text:find("bad argument #", 1, true) and not text:find("^bad argument #%d+ to '" .. own .. "'")
      or text:find('stack overflow', 1, true) or text:find('assertion failed', 1, true)
end
local function try(name, words, f)
   calls = calls + 1
   print, io.write = function() end, function() return io.stdout end
   local ok, why = pcall(f)
   print, io.write = say, write
   if ok then return end
   local text = tostring(why):gsub('In %d+ module of [^\n]*:\n', ''):match('^[^\n]*')
   local placed = text:sub(1, #here) == here
   local message = placed and text:sub(#here + 1):gsub('^%d+: ', '') or text
   if type(why) == 'string' and placed and not is_raw(message, name) then return end
   local key = name .. message:gsub("'[^']*'", ''):gsub('%d+', '')
   if seen[key] then return end
   seen[key] = true
   complaints = complaints + 1
   say(string.format('%s(%s): %s', name, words, text))
end

local function fits(name) return not only or name:find(only) ~= nil end
local function each(name, call)
   if not fits(name) then return end
   try(name, '', function() call() end)
   for _, kind in ipairs(KINDS) do
      try(name, kind[1], function() call(kind[2]()) end)
      try(name, 'vector, ' .. kind[1], function() call(VECTOR[2](), kind[2]()) end)
   end
end

-- these end the process, wait, take something away that this program needs, or speak as Torch7's do
local SKIP = { __gc = true, sleep = true, usleep = true, clear = true, clearall = true, installed = true, fail = true,
   error = true, help = true }
local function is_called(v) return type(v) == 'function' or rawget(debug.getmetatable(v) or {}, '__call') ~= nil end
-- the functions of a package or of a class and those above it, in order
local function names(t)
   local list, done = {}, {}
   while t do
      for key, value in pairs(t) do
         if type(key) == 'string' and not done[key] and not SKIP[key] and not key:find '^__' and is_called(value) then
            done[key] = true
            list[#list + 1] = key
         end
      end
      local mt = debug.getmetatable(t)
      t = mt and mt.parent
   end
   table.sort(list)
   return list
end
local function package_of(name, t)
   for _, key in ipairs(names(t)) do
      if not torch.getmetatable(name .. '.' .. key) then each(name .. '.' .. key, function(...) t[key](...) end) end
   end
end
local function methods_of(name, make)
   for _, key in ipairs(names(debug.getmetatable(make()))) do
      each(name .. ':' .. key, function(...)
         local object = make()
         object[key](object, ...)
      end)
   end
end

-- An object as a constructor accepted it, asked for a forward, a backward and its text.
local function used(class, arguments, entry)
   local function make() return nn[class](unpack(arguments)) end
   local made, object = pcall(make)
   if not made then return end
   local words = {}
   for i, value in ipairs(arguments) do words[i] = tostring(value) end
   words = table.concat(words, ', ')
   local x, target = entry[2], type(entry[3]) == 'table' and entry[3].target or nil
   try('nn.' .. class, words .. '):forward(', function() object:forward(x, target) end)
   try('nn.' .. class, words .. '):backward(', function() object:backward(x, target or make():forward(x)) end)
   try('nn.' .. class, words .. '):__tostring__(', function() return tostring(object) end)
end

local function every_class_of_nn()
   local classes, tried = {}, {}
   for name in pairs(nn) do
      if torch.getmetatable('nn.' .. name) and name ~= 'gModule' then classes[#classes + 1] = name end
   end
   table.sort(classes)
   for _, class in ipairs(classes) do
      each('nn.' .. class, function(...) nn[class](...) end)
      local entry = samples[class] and samples[class][1]
      local make = entry and assert(loadstring('return nn.' .. entry[1])) or function() return nn[class]() end
      if entry and fits('nn.' .. class) then
         for _, arguments in ipairs(ARGUMENTS) do used(class, arguments, entry) end
         for _, kind in ipairs(KINDS) do used(class, { kind[2]() }, entry) end
      end
      local ok, object = pcall(make)
      for _, method in ipairs(ok and names(torch.getmetatable('nn.' .. class)) or {}) do
         local f = object[method]
         -- an inherited method once, and for a layer and a container
         if not tried[f] or class == 'Linear' or class == 'Sequential' then
            tried[f] = true
            each('nn.' .. class .. ':' .. method, function(...)
               local fresh = make()
               fresh[method](fresh, ...)
            end)
         end
      end
   end
end

local PACKAGES = {
   nn = function()
      every_class_of_nn()
      package_of('nn', nn)
      for _, part in ipairs { 'utils', 'hessian', 'Jacobian', 'SparseJacobian' } do package_of('nn.' .. part, nn[part] or {}) end
   end,
   nngraph = function()
      package_of('nngraph', nngraph)
      package_of('nngraph.nesting', nngraph.nesting)
      methods_of('nngraph.Node', function() return nn.Identity()() end)
   end,
   graph = function()
      package_of('graph', graph)
      methods_of('graph.Graph', function() return graph.Graph() end)
      methods_of('graph.Node', function() return graph.Node('x') end)
   end,
   optim = function()
      package_of('optim', optim)
      methods_of('optim.Logger', function() return optim.Logger() end)
      methods_of('optim.ConfusionMatrix', function() return optim.ConfusionMatrix(3) end)
   end,
   xlua = function()
      package_of('xlua', xlua)
      methods_of('xlua.OptionParser', function() return xlua.OptionParser('x') end)
      methods_of('xlua.Profiler', function() return xlua.Profiler() end)
   end,
   image = function() package_of('image', image) end,
   gnuplot = function() package_of('gnuplot', gnuplot) end,
   sys = function() package_of('sys', sys) end,
   paths = function() package_of('paths', paths) end,
}
PACKAGES[package_name]()
say(string.format('%d calls, %d complaints', calls, complaints))
if complaints > 0 then os.exit(1) end
