-- Uses of optim, xlua, sys, paths and CmdLine that no recorded case covers, as Torch7 answers them.
require 'optim'

local function refused(pattern, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(pattern), tostring(why))
end
local function same(a, b) assert(a == b, ('expected %s, got %s'):format(tostring(b), tostring(a))) end

-- what f writes with print, io.write and io.stderr, and the status with which it ends the program
local function written(f, ...)
   local out, write, said, errors, exit = {}, io.write, print, io.stderr, os.exit
   local status
   local function take(...)
      for i = 1, select('#', ...) do out[#out + 1] = tostring((select(i, ...))) end
      return true
   end
   io.write, io.stderr, os.exit = take, { write = function(_, ...) take(...) end }, function(code) status = code or 0; error('exit', 0) end
   print = function(...)
      local words = {}
      for i = 1, select('#', ...) do words[i] = tostring((select(i, ...))) end
      take(table.concat(words, '\t'), '\n')
   end
   local ok, result = pcall(f, ...)
   io.write, print, io.stderr, os.exit = write, said, errors, exit
   assert(ok or status, result)
   return table.concat(out), result, status
end
local function content(name)
   local f = assert(io.open(name))
   local text = f:read('*a')
   f:close()
   os.remove(name)
   return text
end

-- Logger: a row longer than the names is in the file whole, and then an error
local name = os.tmpname()
local log = optim.Logger(name):setNames { 'a', 'b' }
refused('package_variants.lua:%d+: Logger:add: there is no column 3', function() log:add { 1, 2, 3 } end)
log:add { 4, 5 }
same(table.concat(log.symbols[1], ' '), '1 4')
same(content(name), 'a\tb\t\n 1.0000e+00\t 2.0000e+00\t 3.0000e+00\t\n 4.0000e+00\t 5.0000e+00\t\n')
name = os.tmpname()
log = optim.Logger(name):setNames { 'a' }:setNames { k = 'title' }
log:add { k = 2 }
same(content(name), 'a\t\ntitle\t\n 2.0000e+00\t\n')

-- de: its own generator fills the population in the precision of x; a child as good as its parent replaces it
local generator = torch.Generator()
torch.manualSeed(generator, 1)
local first = torch.FloatTensor(4, 2):uniform(generator, -30, 30)
local seen = {}
local best, values = optim.de(function(x) seen[#seen + 1] = x:clone(); return x:dot(x) end, torch.FloatTensor(2, 1),
   { popsize = 4, maxFEs = 9 })
for i = 1, 4 do assert(seen[i]:dim() == 1 and (seen[i] - first[i]):abs():max() == 0) end
assert(best:dim() == 1 and values:size(1) == 9 and values:type() == 'torch.FloatTensor' and values[8] ~= 0 and values[9] == 0)
same(optim.de(function() return 1 end, torch.zeros(1), { popsize = 4, maxFEs = 20 }):nElement(), 1)

-- cmaes: the values of a generation that no longer differ end it; the last lines say why
local generations = 0
local text = written(function()
   optim.cmaes(function() generations = generations + 1; return 1 end, torch.zeros(3), { sigma = 1, verb_disp = 1, popsize = 5 })
end)
assert(text:find('^evals:\t ax%-ratio max%(std%)   f%-value\n5: ') and text:find('termination by\ttolfun\t=\t1e%-12\nbest f%-value =\t1\n'), text)
same(generations, 6)

-- cg: the first search that fails is the last; a function without a bound ends all the same
local x, _, evaluations = optim.cg(function(x) return -x[1], torch.Tensor { -1 } end, torch.zeros(1), { maxIter = 3 })
assert(evaluations > 0 and x[1] == 0)
for _, method in ipairs { 'adagrad', 'adadelta' } do
   text = written(optim[method], function(x) return 1, x:clone() end, torch.ones(1))
   same(text, 'no state table, ' .. method:upper() .. ' initializing\n')
end
-- checkgrad: a value that is one tensor, written each time
local value = torch.Tensor(1)
assert(optim.checkgrad(function(x) value[1] = x:dot(x); return value, x * 2 end, torch.ones(2), 1e-5) < 1e-6)

-- ConfusionMatrix: fewer scores than classes
local matrix = optim.ConfusionMatrix(4)
matrix:batchAdd(torch.eye(3), torch.Tensor { 1, 2, 4 })
matrix:add(torch.Tensor { 0, 1 }, 2)
assert(matrix.mat[4][3] == 1 and matrix.mat[2][2] == 2)
refused('out of range', matrix.add, matrix, torch.Tensor { 0, 0, 0, 0, 1 }, 2)

-- CmdLine: the name keeps the order of the arguments and sorts whole words; what is left out is said
local cmd = torch.CmdLine()
cmd:argument('to', 'a place')
cmd:argument('from', 'a place')
cmd:option('-a', 'x')
cmd:option('-a-b', 'x')
cmd:option('--two', 1)
cmd:option('-t', {})
local params = { from = 1, to = 2, a = 'y', ['a-b'] = 'z', two = 2, t = cmd.options['-t'].default }
local result
text, result = written(cmd.string, cmd, nil, params, { a = false })
same(result, ',to=2,from=1,a-b=z,a=y')
same(text, 'a\ty\tx\na-b\tz\tx\nWARNING: unknown option/argument: two IGNORING for DIRECTORY NAME\n')
text, result = written(cmd.string, cmd, 'run', { a = 'y' }, { a = true })
same(text .. result, '-- ignore option a\nrun')
local status
text, result, status = written(cmd.parse, cmd, { '-t', 'x' })
assert(status == 1 and text:find('^\nunknown required option type table\nUsage: %[options%] <to> <from>\n'), text)
refused('package_variants.lua:%d+: CmdLine:parse: a table of words expected', function() cmd:parse() end)
assert(torch.CmdLine().dateformat == nil)
name = os.tmpname()
text = written(function()
   cmd:addTime('run', 'at ')
   cmd:log(name)
   print('a', nil, 2)
   cmd:log(name .. '.2')
   print('b')
end)
assert(text:find('a\tnil\t2\n', 1, true) and select(2, text:gsub('started on', '')) == 2, text)
assert(content(name):find('at [run]:  a nil 2 \n', 1, true) and content(name .. '.2'):find('b \n', 1, true))
refused('CmdLine:log: cannot open /no/such/file', function() cmd:log('/no/such/file') end)

-- OptionParser
local function parsed(words, more)
   local parser, before = xlua.OptionParser('%prog [options]'), arg
   parser:option { '-v', '--verbose', action = 'store_true', dest = 'verbose', help = 'say more' }
   parser:option { '-n', '--number', dest = 'number', default = 5, help = 'how many' }
   parser:option { '-long', dest = 'long', help = 'a word' }
   if more then parser:option(more) end
   arg = words
   local text, result, status = written(function()
      local options, others = parser:parse()
      return { options = options, others = others, parser = parser, name = parser:tostring(true, {}), lines = parser:tostring() }
   end)
   arg = before
   return result, text, status
end
local p = parsed { [0] = 'dir/p.lua', '-n' }
same(p.options.number, 5)
same(p.name, '-n=5')
same(p.lines, '<dir/p> configuration:\n + __main__ = true\n + number = 5\n')
p = parsed { [0] = 'p', '--verbose=x', '-long', '' }
assert(p.options.verbose == true and p.others[1] == 'x' and p.options.long == '')
same(p.parser:flags { '-x', '-long', dest = 'x' }, '-x X, -long=X')
for words, message in pairs { ['-long'] = 'option requires an argument -long', ['--no=1'] = 'invalid option --no', ['--'] = 'invalid option --' } do
   p, text, status = parsed { [0] = 'p', [-1] = 'th', words }
   assert(status == 1 and text:sub(1, #message + 1) == message .. '\n' and text:find('Usage: th p [options]', 1, true), text)
end
p, text, status = parsed({ [0] = 'p' }, { '-r', dest = 'r', req = true, help = 'R' })
assert(status == 1 and text:find('^option %-r requires an argument \n') and text:find('R %[REQUIRED%]\n'), text)

-- Profiler: off says nothing but measures; a divider divides
local profiler = xlua.Profiler('off')
profiler:start('a', 'fps')
local real, cpu = profiler:lap('a', 2)
assert(real >= 0 and cpu >= 0 and profiler.events.a.reald == real and profiler:real('a') >= real and profiler:cpu('a') >= 0)
assert(profiler:format('a'):find('^%$ real | cpu: %d+%.%d+ | %d+%.%d+ <a>$') and profiler:formatAll():find(' fps$'))
same(written(profiler.printAll, profiler), '')

-- xlua
same(written(xlua.print, { 1, torch.ones(1) }, 2, 'x'), '{[1] = 1,\n [2] = <userdata>}    2\tx\n')
text, result = written(xlua.require, 'no.such.package')
assert(result == false and text:find("^module 'no.such.package' not found") and text:find('warning: <no.such.package> could'), text)
text = written(function()
   refused('error', xlua.unpack, {}, 'f', 'd', { arg = 'a', type = 'number', help = 'h' })
   refused('error', xlua.unpack, { {} }, 'f', 'd', { arg = 'a', type = 'number', help = 'h', req = true, default = 1 })
end)
assert(text:find('usage:') and text:find('missing argument: a', 1, true))
local _, a = xlua.unpack({ { b = 2 } }, 'f', 'd', { arg = 'b', type = 'n', help = 'h' }, { arg = 'a', type = 'n', help = 'h', default = 1, defaulta = 'b' })
same(select(3, xlua.unpack({ { b = 2 } }, 'f', 'd', { arg = 'b', type = 'n', help = 'h' }, { arg = 'a', type = 'n', help = 'h', default = 1, defaulta = 'b' })), 1)
assert(a == 2 and not xlua.usage_module({}, 'n'):find('DESC'))
refused('nil', xlua.error, nil)
local given = { HOME = true, PATH = 'x', n = 1 }
local taken = xlua.envparams(given)
assert(given.PATH == 'x' and taken.PATH == os.getenv('PATH') and taken.HOME == os.getenv('HOME') and taken.n == 1)
name = os.tmpname()
local write, said = io.write, print
io.write = function() end
xlua.log(name)
print('a', 1)
io.write('b\n')
io.write, print, io._write, _print = write, said, nil, nil
same(content(name), 'a    1\nb\n')

-- sys and paths
same(table.concat(sys.split(',a,,b,', ','), '|'), 'a||b')
assert(sys.execute('ls /no/such/file'):find('No such file') and sys.fexecute('ls /no/such/file'):find('No such file'))
same(sys.fexecute('echo " a "', '*l'), 'a')
same(select(3, paths.rmall('/no/such/file', 'yes')), '/no/such/file')
same(paths.thisfile(nil, 2), paths.thisfile())
-- a folder is made with those above it
do
   local root = os.tmpname()
   os.remove(root)
   same(paths.mkdir(root .. '/a/b'), true)
   assert(paths.dirp(root .. '/a/b'))
   same(paths.mkdir(root .. '/a/b/'), nil)
   same(paths.mkdir(root .. '/c/'), true)
   io.open(root .. '/file', 'w'):close()
   same(paths.mkdir(root .. '/file/d'), nil)
   paths.rmall(root, 'yes')
end
local function beside()
   local file = paths.thisfile('x', 3)
   return file
end
same(beside(), paths.thisfile('x'))

print('variants, all as it should be')
