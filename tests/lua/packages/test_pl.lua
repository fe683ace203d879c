-- Penlight's modules, by their documented interface.
local function same(a, b, what)
   local function text(v) return require('pl.pretty').write(v, '') end
   if not require('pl.tablex').deepcompare(a, b, true) then error((what or '') .. text(a) .. ' is not ' .. text(b), 2) end
end
local function refused(pattern, f, ...)
   local ok, why = pcall(f, ...)
   assert(not ok and tostring(why):find(pattern), tostring(why))
end

-- the modules are globals, and texts have their methods
assert(stringx == require 'pl.stringx' and List == require 'pl.List' and rawget(_G, 'List') == List)
assert(no_such_global == nil and tablex.size { 1, a = 2 } == 2)
assert('%d of %s' % { 3, 'x' } == '3 of x' and '<%s>' % 'a' == '<a>' and '$name!' % { name = 'Ann' } == 'Ann!')
assert(('  a '):strip() == 'a' and ('a.lua'):endswith('.lua') and string.no_such_method == nil)

-- utils
same(utils.split(' a b  c '), { 'a', 'b', 'c' })
same(utils.split('a,b,,c,', ','), { 'a', 'b', '', 'c' })
same(utils.split('a.b.c', '.', true, 2), { 'a', 'b.c' })
same({ utils.splitv('x=1', '=') }, { 'x', '1' })
assert(utils.escape('a.b*') == 'a%.b%*' and utils.choose(false, 1, 2) == 2)
local name = os.tmpname()
assert(utils.writefile(name, 'one\ntwo\n') and utils.readfile(name) == 'one\ntwo\n')
same(utils.readlines(name), { 'one', 'two' })
assert(utils.string_lambda '|x, y| x - y' (5, 3) == 2 and utils.function_arg(1, '_ + 1')(2) == 3)
assert(utils.memoize(function(x) return { x } end)(1)[1] == 1 and utils.bind1(math.max, 10)(3) == 10)
local ok, code, out = utils.executeex('echo hello')
assert(ok == true and code == 0 and out == 'hello\n')
refused("argument 2 expected a 'string'", utils.assert_string, 2, 5)
assert(utils.readfile('/no/such/file') == nil)

-- path, dir, file
assert(path.join('a', 'b', '/c', 'd') == '/c/d' and path.basename('/x/y.tar.gz') == 'y.tar.gz')
assert(path.extension('a.b/c') == '' and path.dirname('/x/y') == '/x' and path.normpath('a/./b/../c') == 'a/c')
same({ path.splitext('a/b.txt') }, { 'a/b', '.txt' })
assert(path.relpath('/a/b/c', '/a/d') == '../b/c' and path.isabs('/x') and path.abspath('x', '/y') == '/y/x')
assert(path.common_prefix('/a/b', '/a/b/c') == '/a/b' and path.exists('/no/such') == false)
local folder = name .. '.d'
assert(dir.makepath(folder .. '/x/y') and path.isdir(folder .. '/x/y'))
file.write(folder .. '/x/one.txt', '1')
file.write(folder .. '/x/y/two.txt', '2')
same(tablex.map(path.basename, dir.getallfiles(folder, '*.txt')):sort(), { 'one.txt', 'two.txt' })
same(tablex.map(path.basename, dir.getdirectories(folder)), { 'x' })
assert(dir.copyfile(folder .. '/x/one.txt', folder .. '/three') and file.read(folder .. '/three') == '1')
assert(dir.movefile(folder .. '/three', folder .. '/four') and path.isfile(folder .. '/four'))
assert(dir.fnmatch('a.lua', '*.lua') and not dir.fnmatch('a.luac', '*.lua'))
local seen = 0
for root, dirs, files in dir.walk(folder) do seen = seen + #dirs + #files + #root * 0 end
assert(seen == 5)
assert(dir.rmtree(folder) and not path.exists(folder))
file.delete(name)

-- stringx
same(stringx.split('a,b,', ','), { 'a', 'b', '' })
same(stringx.splitlines('a\r\nb\n'), { 'a', 'b' })
same({ stringx.partition('a=b=c', '=') }, { 'a', '=', 'b=c' })
same({ stringx.rpartition('a=b=c', '=') }, { 'a=b', '=', 'c' })
assert(stringx.replace('a.b.c', '.', '%') == 'a%b%c' and stringx.count('aaa', 'a') == 3 and stringx.rfind('abab', 'ab') == 3)
assert(stringx.center('a', 3, '*') == '*a*' and stringx.ljust('a', 3) == 'a  ' and stringx.lstrip('xxa', 'x') == 'a')
assert(stringx.title('hello world') == 'Hello World' and stringx.shorten('abcdefgh', 5) == 'ab...')
assert(stringx.join(',', { 1, 2 }) == '1,2' and stringx.isdigit '12' and not stringx.isalpha 'a1')
assert(text.wrap('one two three', 8)[1] == 'one two' and text.dedent('  a\n   b\n') == 'a\n b\n')
assert(text.Template('$x and ${y}'):substitute { x = 1, y = 2 } == '1 and 2')

-- tablex
same(tablex.map('+', { 1, 2 }, 10), { 11, 12 })
same(tablex.filter({ 1, 2, 3, 4 }, '>', 2), { 3, 4 })
same(tablex.merge({ a = 1, b = 2 }, { b = true, c = true }), { b = 2 })
same(tablex.union({ a = 1 }, { b = 2 }), { a = 1, b = 2 })
same(tablex.difference({ a = 1, b = 2 }, { b = 1 }), { a = 1 })
same(tablex.zip({ 1, 2 }, { 3, 4 }), { { 1, 3 }, { 2, 4 } })
same(tablex.range(1, 7, 3), { 1, 4, 7 })
same(tablex.sub({ 1, 2, 3, 4 }, 2, -2), { 2, 3 })
same(tablex.insertvalues({ 1, 4 }, 2, { 2, 3 }), { 1, 2, 3, 4 })
same(tablex.keys { a = 1 }, { 'a' })
same(tablex.deepcopy { { 1 }, x = { 2 } }, { { 1 }, x = { 2 } })
assert(tablex.reduce('*', { 1, 2, 3, 4 }) == 24 and tablex.find({ 5, 6 }, 6) == 2 and tablex.size { a = 1, 2 } == 2)
assert(tablex.compare_no_order({ 1, 2 }, { 2, 1 }) and not tablex.deepcompare({ 1 }, { 2 }))
local order = {}
for k in tablex.sort { b = 1, a = 2 } do order[#order + 1] = k end
same(order, { 'a', 'b' })
refused('read%-only', function() tablex.readonly({}).x = 1 end)

-- List, Map, OrderedMap, Set, class
local l = List { 3, 1, 2 }
assert(tostring(l:sort()) == '{1,2,3}' and l:contains(2) and l:index(3) == 3 and l:pop() == 3 and #l == 2)
same(l:append(5):extend { 6 }:slice(2, -1), { 2, 5, 6 })
same(l:map('_ * 2'), { 2, 4, 10, 12 })
assert((List { 1 } .. List { 2 }) == List { 1, 2 } and List.range(1, 3):reduce '+' == 6 and List 'ab':join '-' == 'a-b')
local m = OrderedMap()
m:set('z', 1)
m:set('a', 2)
same(m:keys(), { 'z', 'a' })
assert(tostring(m) == '{z=1,a=2}' and Map { a = 1 }:get 'a' == 1 and Map { a = 1 } == Map { a = 1 })
local s = Set { 1, 2, 3 } * Set { 2, 3, 4 }
assert(s == Set { 2, 3 } and Set { 2 } < s and Set.len(s) == 2 and (s + Set { 9 })[9] and Set.isempty(s - s))
local Animal = class()
function Animal:_init(name) self.name = name end
function Animal:__tostring() return self.name end
local Dog = class(Animal)
function Dog:_init(name)
   self:super(name .. '!')
end
function Dog:speak() return 'woof' end
local rex = Dog 'Rex'
assert(tostring(rex) == 'Rex!' and rex:is_a(Animal) and Dog:class_of(rex) and rex:is_a() == Dog and not Dog:class_of(Animal 'x'))

-- pretty, types, lapp, app, strict's module
local t = { 1, 'two', x = { y = true }, ['a b'] = 0.5 }
same(pretty.read(pretty.write(t)), t)
assert(pretty.write({ 1, a = 'x' }, '') == '{1,a="x"}' and pretty.read('{ function() end }') == nil)
same(pretty.load('a = 1 b = { 2 }'), { a = 1, b = { 2 } })
assert(pretty.load('while true do end', {}, true) == nil and pretty.number(123456, 'T') == '123,456')
assert(types.is_callable(print) and types.is_integer(3) and not types.is_integer(3.5) and types.type(io.stdout) == 'file')
assert(types.is_empty {} and types.to_bool 'yes' and types.type(List()) == 'List')
same(lapp('-n (default 3)\n--name (string)\n-v verbose\n<file> (default none)\n', { '-v', '--name', 'x', 'f.txt' }),
   { n = 3, name = 'x', v = true, file = 'f.txt' })
local flags, rest = app.parse_args({ '-a', '--out=x', 'y', '-f', '1' }, { f = true })
same({ flags, rest }, { { a = true, out = 'x', f = '1' }, { 'y' } })

-- seq, comprehension, func, operator, template, config, input
same(seq.copy(seq.map('_ + 1', seq.filter(seq.list { 1, 5, 9 }, seq.greater_than(2)))), { 6, 10 })
same(seq { 'a', 'b' }:upper():enum():copy_tuples(), { { 1, 'A' }, { 2, 'B' } })
local C = comprehension.new()
same(C 'x^2 for x if x > 1' { 1, 2, 3 }, { 4, 9 })
assert(C 'sum(x for x=1,4)' () == 10)
same(tablex.map(func._1 * 10 + 1, { 1, 2 }), { 11, 21 })
assert(func.bind(math.max, func._1, 5)(3) == 5 and operator.add(1, 2) == 3 and operator.optable['..']('a', 'b') == 'ab')
assert(template.substitute('# for i = 1, 2 do\n$(i);\n# end\n', {}) == '1;\n2;\n')
local stringio = require 'pl.stringio'
same(config.read(stringio.open '[a]\nx = 1\ny = b, c\n'), { a = { x = 1, y = { 'b', 'c' } } })
same(seq.copy(input.numbers '1 2.5 x -3'), { 1, 2.5, -3 })
print('all as it should be')
