-- Packages xml and LuaXML: documents as tables, in two ways.
local function fails(f, text)
   local ok, message = pcall(f)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
end
local TEXT = [[<?xml version="1.0"?><!-- a note --><annotation verified="yes">
 <folder>VOC &amp; more</folder>
 <object><name>cat</name><bndbox><xmin>8</xmin><xmax>12</xmax></bndbox></object>
 <object id="2"><name>dog</name><truncated/></object>
</annotation>]]
local file = io.open('a.xml', 'w')
file:write(TEXT)
file:close()

-- each package by itself: both have the name xml
local lubyk = require 'xml'
assert(rawget(_G, 'xml') == nil)
local doc = lubyk.loadpath 'a.xml'
assert(doc.xml == 'annotation' and doc.verified == 'yes' and #doc == 3 and doc[1].xml == 'folder' and doc[1][1] == 'VOC & more')
assert(lubyk.find(doc, 'xmax')[1] == '12' and lubyk.find(doc, 'object', 'id', '2')[1][1] == 'dog' and lubyk.find(doc, 'nothing') == nil)
local again = lubyk.load(lubyk.dump(doc))
assert(again[3].id == '2' and again[3][2].xml == 'truncated' and again[1][1] == 'VOC & more')
assert(lubyk.remove(again, 'object', 'id', '2').id == '2' and #again == 2 and lubyk.remove(again, 'xmin')[1] == '8')
fails(function() lubyk.load '<a><b></a>' end, 'test_xml.lua')
fails(function() lubyk.load '<a><b></a>' end, 'xml.load: ')
io.open('broken.xml', 'w'):write('<a><b>'):close()
fails(function() lubyk.loadpath 'broken.xml' end, 'xml.loadpath: broken.xml: line 1')
os.remove 'broken.xml'
fails(function() lubyk.loadpath 'nothing.xml' end, 'xml.loadpath: nothing.xml')
fails(function() lubyk.load(3) end, 'expected a string, got number')
fails(function() lubyk.dump {} end, 'its tag in the field xml')

assert(require 'LuaXML' == xml and require 'LuaXml' == xml)
local x = xml.load 'a.xml'
assert(x[0] == 'annotation' and x:tag() == 'annotation' and x.verified == 'yes' and x[1][1] == 'VOC & more')
assert(x:find('xmin')[1] == '8' and x:find('object', 'id')[1][1] == 'dog' and x:find(nil, 'id', '2'):tag() == 'object')
assert(xml.find(x, 'nothing') == nil)
local made = xml.new 'root'
made:append('child')[1] = '1 < 2'
made.size = 3
assert(tostring(made) == '<root size="3">\n  <child>1 &lt; 2</child>\n</root>\n')
assert(xml.eval(made:str()):find('child')[1] == '1 < 2' and xml.new({ 'text' }, 'b'):str() == '<b>text</b>\n')
made:tag 'other'
made:save 'b.xml'
assert(xml.load('b.xml'):tag() == 'other' and xml.load('b.xml').size == '3')
xml.registerCode('ä', '&auml;')
assert(xml.encode 'ä&' == '&auml;&amp;')
fails(function() xml.load 'nothing.xml' end, 'xml.load: nothing.xml')
fails(function() xml.eval '<a>' end, 'xml.eval: ')
fails(function() xml.eval() end, 'expected a string, got nil')
print('all as it should be')
