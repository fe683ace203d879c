-- Penlight's sip, data and xml, by their documented interface.
local sip, data, xml = require 'pl.sip', require 'pl.data', require 'pl.xml'
local stringio, pretty, tablex = require 'pl.stringio', require 'pl.pretty', require 'pl.tablex'

local function same(a, b)
   if not tablex.deepcompare(a, b, true) then error(pretty.write(a, '') .. ' is not ' .. pretty.write(b, ''), 2) end
end
-- the error of a call, which must name this line
local function refused(pattern, f)
   local ok, why = pcall(f)
   local line = debug.getinfo(2, 'l').currentline
   assert(not ok and tostring(why):find(pattern), tostring(why))
   assert(tostring(why):find('test_pl_files.lua:' .. line .. ': ', 1, true), tostring(why))
end

-- ---- sip ----

local function fits(pattern, line, expected)
   local found = {}
   local ok = sip.match(pattern, line, found)
   assert(ok == (expected ~= nil), pattern .. ' on ' .. line)
   same(found, expected or {})
end
fits('ref=$S{file}:$d{line}', 'ref=hello.c:10', { file = 'hello.c', line = 10 })
fits('ref=$S{file}:$d{line}', 'ref=long name, no line')
fits('($q,$q)', '("jan",\'smit\')', { 'jan', 'smit' })
fits('($q,$q)', '("jan", "smit")')
fits('( $q , $q )', '("jan", "smit")', { 'jan', 'smit' })
fits('( $q{first} , $q{last} ) $', '("jan", "smit") and a string', { first = 'jan', last = 'smit', rest = 'and a string' })
fits('( $q , $q ) $', '("jan", "smit") and a string', { 'jan', 'smit', 'and a string' })
fits('$v $i', 'abc-5')
fits('$v $i', 'see abc -5', { 'abc', -5 })
fits('$v=$q', 'name="dolly"', { 'name', 'dolly' })
fits('$v{f}$({args}: $<{type}', 'f(x, (y)): <int>', { f = 'f', args = 'x, (y)', type = 'int' })
fits('$[ ${', 'a[1]{b}', { '1', 'b' })
fits('$f{x} in $p{path}', '1.5e3 in /usr/lib-1.so', { x = 1500, path = '/usr/lib-1.so' })
fits('50%: $r{rest}', '50%:  a - b', { rest = 'a - b' })
assert(sip.match_at_start('$d', '1x', {}) and not sip.match_at_start('$d', 'x1', {}) and sip.match('$d', 'x1'))
assert(sip.match('$d', 'x1', {}, { at_start = true }) == false)
assert(sip.create_pattern('$v{a} b-$d{c}', { at_start = true }) == '^([%a_][%w_]*)%s+b%-(%d+)')
local date = sip.compile '$d{day}/$d{month}/$d{year}'
local found = {}
assert(date('on 3/12/2001', found) and not date('3-12', {}))
same(found, { day = 3, month = 12, year = 2001 })
local sum = 0
for word, number in sip.fields('$v $d', stringio.open 'a 1\nb\nc 3\n') do sum = sum + number end
for fields in sip.fields('$v{word} $d{number}', 'a 1\nc 3\n') do sum = sum + fields.number end
assert(sum == 8)
local seen = {}
sip.pattern('$v{name}:', function(t) seen[#seen + 1] = t.name end)
sip.read(stringio.open 'abc: x\n5\nq:\n')
sip.read(stringio.open 'x = 1\n', { { '$v = $d', function(_, number) seen[#seen + 1] = number end } })
same(seen, { 'abc', 'q', 1 })
local tokens = {}
for kind, value in require('pl.lexer').scan(stringio.open 'x = 2\ny') do tokens[#tokens + 1] = kind .. ' ' .. value end
same(tokens, { 'iden x', '= =', 'number 2', 'iden y' })
refused("sip.compile: there is no type '$k'", function() sip.compile '$k' end)
refused("sip.match: '$v' has no name", function() sip.match('$v{a} $v', 'x') end)
refused('sip.match: argument 2: expected a string, got nil', function() sip.match('$v') end)
refused('sip.create_pattern: argument 1', function() sip.create_pattern(print) end)
refused('expected a table for the results, got string', function() sip.compile '$v' ('x', 'y') end)

-- ---- data ----

local function read(text, options) return assert(data.read(stringio.open(text), options)) end
local d = read 'x,y\n10,20\n2,5\n40,50\n'
same(d, { { 10, 20 }, { 2, 5 }, { 40, 50 }, fieldnames = { 'x', 'y' }, original_fieldnames = { 'x', 'y' }, delim = ',' })
same(d:column_by_name 'y', { 20, 5, 50 })
same(d:column_by_name(1), { 10, 2, 40 })
same(d:column_names(), { 'x', 'y' })
local rows = {}
for x, y in d:select 'x,y where x > 3 and y ~= 0 sort by x desc' do rows[#rows + 1] = { x, y } end
for x, larger in d:select 'x, math.max(x, y) sort by y' do rows[#rows + 1] = { x, larger } end
same(rows, { { 40, 50 }, { 10, 20 }, { 2, 5 }, { 10, 20 }, { 40, 50 } })
same(d:select_row '*' (), { 10, 20 })

local hours = read([[
Department Name,Employee ID,Project,Hours Booked
sales,1231,overhead,4
engineering,1501,"development, ""big""",5
engineering,1433,"two
lines",
]], { csv = true })
same(hours.fieldnames, { 'Department_Name', 'Employee_ID', 'Project', 'Hours_Booked' })
same(hours.original_fieldnames[4], 'Hours Booked')
same({ hours[2], hours[3] }, { { 'engineering', 1501, 'development, "big"', 5 }, { 'engineering', 1433, 'two\nlines', 0 } })
local out = stringio.create()
hours:write_row(out, { 'Employee', 'Project' })
for row in hours:select_row { fields = { 'Employee_ID', 'Project' }, where = function(row) return row[1] == 'engineering' end } do
   hours:write_row(out, row)
end
assert(out:value() == 'Employee,Project\n1501,"development, ""big"""\n1433,"two\nlines"\n')
local copy = hours:copy_select 'Project,Hours_Booked*2 where Hours_Booked > 4'
same({ copy[1], #copy, copy.original_fieldnames }, { { 'development, "big"', 10 }, 1, { 'Project', 'Hours_Booked*2' } })
local name = os.tmpname()
assert(hours:write(name) and data.read(name, { csv = true })[3][3] == 'two\nlines')
assert(data.write({ { 1, 2 } }, name, { 'a', 'b' }) and file.read(name) == 'a\tb\n1\t2\n')
os.remove(name)

same(read('1 2\n 3  4\n'):copy_select '$1,$2/4 where $1 > 1'[1], { 3, 1 })
same(read('1,2\n3,4\n').fieldnames, {})
same(read('a b\n1 x y z\n2 q\n', { last_field_collect = true }):column_by_name 'b', { 'x y z', 'q' })
same({ read('a;b\n1.234,5;2\n', { thousands_dot = true })[1], read 'a\tb\n1,234.5\t3\n'[1] }, { { 1234.5, 2 }, { 1234.5, 3 } })
same(read('1:b\n', { fieldnames = 'n,m', delim = ':' })[1], { 1, 'b' })
same(read('1,2\n', { fieldnames = { 'n', 'm' }, numfields = { 2 } })[1], { '1', 2 })
same({ read('n\n1\n', { no_convert = true })[1], read('n\n1\n', { convert = { n = function(s) return { s } end } })[1] },
   { { '1' }, { { '1' } } })
assert(#read '' == 0 and data.new({ { 1, 2 } }, 'a,b'):column_by_name 'b'[1] == 2)
assert(data.query({ { 1, 2 }, { 3, 4 } }, '$1*k where $2 > 2', { k = 10 })() == 30)
out = stringio.create()
data.filter('y,x where x > 3 sort by x', stringio.open 'x,y\n40,50\n10,20\n2,5\n', out)
assert(out:value() == '20,10\n50,40\n')
local none, why = data.read(stringio.open '1,2\nx,3\n')
assert(none == nil and why == "line 2: column 1: cannot convert 'x' to a number")
assert(select(2, data.read(stringio.open 'a\n"x', { csv = true })):find 'a quote is not closed')
assert(select(2, d:select 'z') == "there is no field 'z'" and select(2, d:select 'x where (') and data.read '/no/such' == nil)
assert(select(2, data.filter('z', stringio.open 'x\n1\n', out, true)) == "there is no field 'z'")
refused("data.column_by_name: there is no column 'z'; there are: x, y", function() local _ = d:column_by_name 'z' end)
refused('data.read: argument 2', function() data.read('x', 3) end)
refused('data.read: expected a name or a file', function() data.read {} end)
refused('data.select: expected a query', function() local _ = d:select(5) end)
refused('data.new: argument 1', function() data.new { 1 } end)
refused("data.filter: there is no field 'z'", function() data.filter('z', stringio.open 'x\n1\n', out) end)

-- ---- xml ----

local doc = xml.parse [==[<?xml version='1.0'?><!DOCTYPE x [<!ELEMENT a>]>
<nodes><!-- c --><node id='1' b="&lt;&#233;&#x20AC;">alice &amp; <![CDATA[<b>]]></node> <e/></nodes>]==]
local text = "<nodes><node b='&lt;é€' id='1'>alice &amp; &lt;b&gt;</node><e/></nodes>"
assert(tostring(doc) == text and tostring(xml.parse(text)) == text and doc[1]:get_text() == 'alice & <b>')
assert(xml.tostring(doc, '', '  ') == "\n<nodes>\n  <node b='&lt;é€' id='1'>alice &amp; &lt;b&gt;</node>\n  <e/>\n</nodes>")
assert(xml.tostring(xml.parse "<a x='1' y='2'/>", '', '', '  ') == "\n<a\n  x='1'\n  y='2'\n/>")
assert(xml.tostring(xml.new 'a', nil, nil, nil, true) == "<?xml version='1.0'?><a/>")
assert(tostring(xml.basic_parse('<a> <b/>\n</a>', true)) == '<a> <b/>\n</a>')
local clone = doc:clone()
assert(clone ~= doc and xml.compare(clone, doc) and not xml.compare(clone:set_attrib('x', '1'), doc) and xml.is_tag(doc))

local nodes, node = xml.tags 'nodes, node'
assert(tostring(node 'alice') == '<node>alice</node>')
assert(tostring(nodes { node { id = '1', 'alice' }, { 5, node() } }) == "<nodes><node id='1'>alice</node>5<node/></nodes>")
assert(tostring(xml.elem('a', { b = 1, 'c' })) == "<a b='1'>c</a>")
local template = xml.parse "<node id='$id'>$name</node>"
assert(tostring(template:subst { tag = 'nodes', { id = 1, name = 'alice' }, { id = 2, name = 'john' } })
   == "<nodes><node id='1'>alice</node><node id='2'>john</node></nodes>")
assert(tostring(xml.subst('<a>$x</a>', { x = node 'y' })) == '<a><node>y</node></a>')
local built = xml.new 'top':addtag 'a':text 'one':up():addtag('b', { x = 'y' }):text '<two>':reset():add_child(node 'z')
assert(tostring(built) == "<top><a>one</a><b x='y'>&lt;two&gt;</b><node>z</node></top>")
assert(built:add_direct_child 'end'[4] == 'end' and built:set_attribs { k = 'v' }:get_attribs().k == 'v')

local reply = xml.parse [[<r version='1'><weather><now><c data='Clear'/><t data='24'/></now>
   <day><d data='Sat'/><l data='60'/></day><day><d data='Sun'/><l data='53'/></day></weather></r>]]
local function matches(document, pattern, expected)
   local values, ok = document:match(pattern)
   assert(ok == (expected ~= nil))
   if type(expected) == 'table' then same(values, expected) else assert(values == expected) end
end
matches(reply, "<weather><now><c data='$condition'/><t data='$temp'/></now></weather>", { condition = 'Clear', temp = '24' })
matches(reply, "<weather>\n{{<day><d data='$day'/>\n<l data='$low'/></day>}}</weather>",
   { { day = 'Sat', low = '60' }, { day = 'Sun', low = '53' } })
matches(reply, "<weather>{{<day><d data='$_'/><l data='$1'/></day>}}</weather>", { Sat = { '60' }, Sun = { '53' } })
matches(reply, "<weather><none/></weather>", nil)
local config = xml.parse '<config>\n<alpha>1.3</alpha><beta>10</beta><name>bozo</name></config>'
matches(config, '<config>{{<_->$0</_->}}</config>', { alpha = '1.3', beta = '10', name = 'bozo' })
matches(config, '<config><alpha>$0</alpha></config>', '1.3')

local tags = {}
for child in config:childtags() do tags[#tags + 1] = child.tag end
xml.walk(config, true, function(tag) tags[#tags + 1] = tag end)
same(tags, { 'alpha', 'beta', 'name', 'alpha', 'beta', 'name', 'config' })
assert(config:child_with_name 'beta'[1] == '10' and config:first_childtag().tag == 'alpha' and config:children()().tag == 'alpha')
assert(#reply:get_elements_with_name 'day' == 2 and #reply:get_elements_with_name('day', true) == 0)
assert(reply[1]:matching_tags 'day' ()[1].attr.data == 'Sat')
config:maptags(function(child) if child.tag ~= 'beta' then return child end end)
assert(tostring(config) == '<config><alpha>1.3</alpha><name>bozo</name></config>')
local filtered = xml.parse "<w>\n boops! <c d='$x'/><bo>whoops!</bo></w>":filter(function(s, kind, parent)
   if kind == '*TEXT' and #parent > 1 then return nil end
   return s
end)
assert(tostring(filtered) == "<w><c d='$x'/><bo>whoops!</bo></w>")
assert(tostring(xml.parsehtml '<BODY class=x checked>\nHello<br>\n<b>slack</b><img src=a/b.png><script>a<b</script>\n</BODY>\n')
   == "<body checked='checked' class='x'>\nHello<br/><b>slack</b><img src='a/b.png'/><script>a&lt;b</script></body>")
assert(xml.xml_escape [[<a>&'"]] == '&lt;a&gt;&amp;&apos;&quot;' and xml.xml_unescape '&lt;&nbsp;' == '<&nbsp;')

for _, bad in ipairs { '', '<a>', '<a></b>', '<a/><b/>', '<a b=1/>', '<a><', '</a>', '<a/>t', '<!-- ', '<![CDATA[', '<!D' } do
   local nothing, message = xml.parse(bad)
   assert(nothing == nil and message:find '^line 1: ', bad)
end
assert(select(2, xml.parse '<a>\n</b>') == 'line 2: </b> where </a> is expected' and xml.parse('/no/such', true) == nil)
assert(not pcall(xml.tostring, xml.parse(('<a>'):rep(100000) .. ('</a>'):rep(100000))))
refused('xml.basic_parse: line 1: the element <a> is not closed', function() xml.basic_parse '<a>' end)
refused('xml.elem: expected an element or a text, got function', function() xml.elem('a', { { print } }) end)
refused('xml.match: argument 2: line 1', function() doc:match '<a' end)
refused('xml.new: argument 1: expected a string, got number', function() xml.new(3) end)
refused('xml.text: expected an element or a text, got function', function() doc:text(print) end)
assert(xml.parse('<a><b>1</b></a>'):match('<a><1->$2</1-></a>'))
print('all as it should be')
