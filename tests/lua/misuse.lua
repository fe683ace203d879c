-- Wrong arguments everywhere: every constructor, function and method of a package that is written in Lua gets nothing, one
-- value of each kind, and one behind a tensor. What it raises stands at the line here that called, and is no raw error of
-- Lua's. `th misuse.lua PACKAGE [PATTERN]`; with a pattern, only names that it fits. It writes files where it runs.
for _, name in ipairs { 'nn', 'optim', 'image', 'xlua', 'nngraph', 'gnuplot', 'graph', 'sys', 'paths', 'tds', 'threads' } do
   _G[name] = require(name)
end
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
-- to these packages a module is an iterator that does not end
if package_name == 'pl' or package_name == 'moses' or package_name == 'underscore' then
   for i = #KINDS, 1, -1 do
      if KINDS[i][1] == 'module' or KINDS[i][1] == 'class' then table.remove(KINDS, i) end
   end
end
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
   return text:find 'attempt to %a+ .*%(a %a+ value%)' or text:find('attempt to compare', 1, true) or text:find('attempt to index', 1, true) or text:find('%w/%w+%.lua:') or text:find('^[%w_/]+%.lua:')
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
   error = true, help = true, parse = true, quit = true, import = true, on_error = true }
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
local function package_of(name, t, without)
   for _, key in ipairs(names(t)) do
      -- what begins so is of the package's own
      if not key:find '^_' and not (without and without[key]) and not torch.getmetatable(name .. '.' .. key) then each(name .. '.' .. key, function(...) t[key](...) end) end
   end
end
local function methods_of(name, make, without)
   for _, key in ipairs(names(debug.getmetatable(make()))) do
      if not (without and key:find(without)) then
         each(name .. ':' .. key, function(...)
            local object = make()
            object[key](object, ...)
         end)
      end
   end
end

-- how objects of packages that add to nn are made, and an input
local picture = torch.rand(3, 6, 6)
local MADE = {
   SpatialLinear = { 'SpatialLinear(3, 2)', picture }, SpatialClassifier = { 'SpatialClassifier(nn.Linear(3, 2))', picture },
   SpatialColorTransform = { 'SpatialColorTransform("rgb2yuv")', picture }, SpatialMatching = { 'SpatialMatching(3, 3)', { picture, picture } },
   SpatialRadialMatching = { 'SpatialRadialMatching(3)', { picture:narrow(2, 1, 4), picture } },
   SpatialNormalization = { 'SpatialNormalization(3, torch.ones(3, 3))', picture }, SpatialPadding = { 'SpatialPadding(1, 1, 1, 1)', picture },
   SpatialPyramid = { 'SpatialPyramid({ 1, 2 }, { nn.Identity(), nn.Identity() }, 3, 3, 1, 1)', picture },
   SpatialReSampling = { 'SpatialReSampling{ owidth = 3, oheight = 3 }', picture }, SpatialUpSampling = { 'SpatialUpSampling(2, 2)', picture },
   SpatialReSamplingEx = { 'SpatialReSamplingEx{ owidth = 3, oheight = 3 }', picture },
   SpatialFovea = { 'SpatialFovea{ nInputPlane = 3, ratios = { 1, 2 }, processors = { nn.Identity(), nn.Identity() } }', picture },
   SpatialDownSampling = { 'SpatialDownSampling(2, 2)', picture }, SpatialMaxSampling = { 'SpatialMaxSampling(2, 2)', picture },
   PixelSort = { 'PixelSort(2)', torch.rand(3, 4, 4) }, FunctionWrapper = { 'FunctionWrapper(function() end, '
      .. 'function(self, x) return x end, function(self, x, g) return g end)', picture },
   SuperCriterion = { 'SuperCriterion():add(nn.MSECriterion())', { picture }, { target = { picture } } },
   DistNLLCriterion = { 'DistNLLCriterion()', torch.rand(3), { target = torch.rand(3) } },
   Diag = { 'Diag(3)', torch.rand(3) }, AutoEncoder = { 'AutoEncoder(nn.Linear(3, 2), nn.Linear(2, 3), 0.5)', torch.rand(3) },
   FistaL1 = { 'LinearFistaL1(3, 4, 0.1)', torch.rand(3) }, LinearFistaL1 = { 'LinearFistaL1(3, 4, 0.1)', torch.rand(3) },
   LinearPSD = { 'LinearPSD(3, 4, 0.1, 1)', torch.rand(3) },
   SpatialConvFistaL1 = { 'SpatialConvFistaL1(torch.Tensor { { 1, 1 } }, 3, 3, 6, 6, 0.1)', torch.rand(1, 6, 6) },
}

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

local function every_class_of_nn(without)
   local classes, tried = {}, {}
   for name in pairs(nn) do
      if torch.getmetatable('nn.' .. name) and name ~= 'gModule' and not (without and without[name]) then classes[#classes + 1] = name end
   end
   table.sort(classes)
   for _, class in ipairs(classes) do
      each('nn.' .. class, function(...) nn[class](...) end)
      local entry = samples[class] and samples[class][1] or MADE[class]
      local make = entry and assert(loadstring('return nn.' .. entry[1])) or function() return nn[class]() end
      if entry and fits('nn.' .. class) then
         for _, arguments in ipairs(ARGUMENTS) do used(class, arguments, entry) end
         for _, kind in ipairs(KINDS) do used(class, { kind[2]() }, entry) end
      end
      local ok, object = pcall(make)
      if entry and not ok then say('nn.' .. class .. ' cannot be made: ' .. tostring(object)) end
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

-- A package that adds to nn: its classes, and what else it has.
local function adds_to_nn(name)
   local before = {}
   for class in pairs(nn) do before[class] = true end
   local package = require(name)
   every_class_of_nn(before)
   for key, value in pairs(nn) do
      if not before[key] and type(value) == 'function' then each('nn.' .. key, value) end
   end
   if type(package) == 'table' and package ~= nn then package_of(name, package) end
end

-- The functions of a package and its classes; objects of these are made where `made` has arguments for them.
local function with_classes(name, made)
   local package = require(name)
   package_of(name, package)
   local classes = {}
   for class in pairs(package) do
      if torch.getmetatable(name .. '.' .. tostring(class)) then classes[#classes + 1] = class end
   end
   table.sort(classes)
   for _, class in ipairs(classes) do
      local full = name .. '.' .. class
      each(full, function(...) package[class](...) end)
      for _, arguments in ipairs(ARGUMENTS) do
         if fits(full) then try(full, 'of ' .. #arguments, function() package[class](unpack(arguments)) end) end
      end
      if made[class] then methods_of(full, function() return package[class](unpack(made[class])) end) end
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
      local x = torch.ones(2, 2)
      local function chain()
         local a = nn.Identity()()
         return nn.gModule({ a }, { nn.Tanh()(nn.Linear(2, 2)(a)) })
      end
      local function halves()
         local a, b = nn.Identity()(), nn.Identity()()
         local left, right = nn.SplitTable(1)(nn.CAddTable()({ a, b })):split(2)
         return nn.gModule({ a, b }, { left, nn.Tanh()(right) })
      end
      each('nn.gModule', function(...) nn.gModule(...) end)
      local a = nn.Identity()()
      each('nn.gModule, inputs', function(...) nn.gModule({ a }, ...) end)
      methods_of('nn.gModule', chain)
      methods_of('nn.gModule of two', halves)
      methods_of('nn.gModule after a pass', function()
         local g = chain()
         g:forward(x)
         return g
      end)
      methods_of('nn.gModule of two after a pass', function()
         local g = halves()
         g:forward { x, x }
         return g
      end)
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
   nnx = function() adds_to_nn 'nnx' end,
   inn = function()
      with_classes('inn', {
         SpatialMaxPooling = { 2, 2 }, SpatialAveragePooling = { 2, 2 }, SpatialCrossResponseNormalization = { 3 },
         MeanSubtraction = { torch.rand(3) }, ConstAffine = { torch.rand(3), torch.rand(3) }, ROIPooling = { 2, 2 },
      })
      package_of('inn.utils', inn.utils)
   end,
   cudnn = function()
      with_classes('cudnn', {
         SpatialConvolution = { 3, 2, 3, 3 }, SpatialFullConvolution = { 3, 2, 3, 3 }, SpatialMaxPooling = { 2, 2 }, ReLU = {},
         TemporalConvolution = { 3, 2, 2 }, VolumetricConvolution = { 3, 2, 2, 2, 2 }, ClippedReLU = { 1 }, LSTM = { 3, 2, 1 },
         RNN = { 3, 2, 1 }, BGRU = { 3, 2, 1 }, SpatialBatchNormalization = { 3 }, SpatialCrossEntropyCriterion = {},
         SoftMax = {}, SpatialLogSoftMax = {}, SpatialCrossMapLRN = { 3 },
      })
   end,
   unsup = function() adds_to_nn 'unsup' end,
   tds = function()
      package_of('tds', tds)
      for _, name in ipairs { 'Hash', 'Vec', 'AtomicCounter' } do
         each('tds.' .. name, function(...) tds[name](...) end)
         if name == 'AtomicCounter' then break end
         each('tds.' .. name .. '[]', function(...) tds[name]()[...] = 1 end)
         each('tds.' .. name .. '[1]', function(...) tds[name]()[1] = ... end)
      end
      methods_of('tds.Vec', function() return tds.Vec { 1, 2 } end)
      methods_of('tds.AtomicCounter', tds.AtomicCounter)
   end,
   threads = function()
      package_of('threads', threads)
      package_of('threads.Threads', threads.Threads)
      local pool
      methods_of('threads.Threads', function()
         if not pool or pool.ended then pool = threads.Threads(1) end
         return pool
      end)
      -- what waits for another thread waits for ever here
      methods_of('threads.Queue', function() return threads.Queue(3) end, 'dojob')
      methods_of('threads.Mutex', function() return threads.Mutex() end)
      methods_of('threads.Condition', function() return threads.Condition() end, 'wait')
   end,
   pl = function()
      -- without what ends the program or runs commands
      for name in ([[List Map MultiMap OrderedMap Set app class comprehension config data dir file func input lapp lexer
         operator path pretty seq sip strict stringio stringx tablex template text types utils xml]]):gmatch '%w+' do
         local module = require('pl.' .. name)
         if type(module) == 'table' then
            package_of(name, module, {
               assert = name == 'lapp', open = name == 'lapp', lapp = name == 'app', execute = true, executeex = true,
            })
         end
         if is_called(module) then each('pl.' .. name, function(...) module(...) end) end
      end
      for _, name in ipairs { 'List', 'Set', 'Map', 'OrderedMap', 'MultiMap' } do
         local class = require('pl.' .. name)
         methods_of('pl.' .. name, function() return class(name == 'OrderedMap' and { x = 1 } or { 1, 2 }) end)
      end
   end,
   torch = function()
      package_of('torch', torch)
      for name in pairs(torch) do
         if torch.getmetatable('torch.' .. name) then each('torch.' .. name, function(...) torch[name](...) end) end
      end
      methods_of('torch.CmdLine', torch.CmdLine)
      methods_of('torch.Tester', torch.Tester)
      methods_of('torch.Timer', torch.Timer)
      methods_of('torch.Generator', torch.Generator)
      methods_of('torch.MemoryFile', torch.MemoryFile)
      methods_of('torch.DiskFile', function() return torch.DiskFile('misuse.dat', 'rw') end)
      methods_of('torch.PipeFile', function() return torch.PipeFile('true', 'r') end)
      methods_of('torch.DoubleTensor', function() return torch.rand(2, 3) end)
      methods_of('torch.LongStorage', function() return torch.LongStorage { 2, 3 } end)
   end,
}

-- Any other package: its functions, and those of the tables in it.
local function of_any_package()
   local package = require(package_name)
   if type(package) ~= 'table' then return each(package_name, function(...) package(...) end) end
   package_of(package_name, package)
   for key, value in pairs(package) do
      if type(key) == 'string' and type(value) == 'table' and value ~= package and not torch.typename(value) then
         package_of(package_name .. '.' .. key, value)
      end
   end
end
(PACKAGES[package_name] or of_any_package)()
say(string.format('%d calls, %d complaints', calls, complaints))
if complaints > 0 then os.exit(1) end
