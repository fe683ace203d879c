-- Penlight: XML documents as tables { tag =, attr =, children ... }, as lxp.lom has them.
local parser = require 'pl.xml.parser'
local xml = {}

local Doc = {}
Doc.__index = Doc
xml.Doc = Doc

local function expect(name, position, value, kind)
   if type(value) ~= kind then
      error(('xml.%s: argument %d: expected a %s, got %s'):format(name, position, kind, type(value)), 3)
   end
end

-- whether a value is an element
function xml.is_tag(d) return type(d) == 'table' and type(d.tag) == 'string' end
local is_tag = xml.is_tag

-- text of a child: elements stay, numbers become texts
local function child_of(name, child, level)
   if type(child) == 'string' or is_tag(child) then return child end
   if type(child) == 'number' or type(child) == 'boolean' then return tostring(child) end
   error(('xml.%s: expected an element or a text, got %s'):format(name, type(child)), (level or 2) + 1)
end

-- ---- escapes ----

local escapes = { ["'"] = '&apos;', ['"'] = '&quot;', ['<'] = '&lt;', ['>'] = '&gt;', ['&'] = '&amp;' }
function xml.xml_escape(text)
   expect('xml_escape', 1, text, 'string')
   return (text:gsub('[\'"<>&]', escapes))
end
local escape = xml.xml_escape

-- entities that have no meaning stay as they are
function xml.xml_unescape(text)
   expect('xml_unescape', 1, text, 'string')
   return parser.unescape(text)
end

-- ---- documents ----

-- an element without children; attributes are a table
local function new(tag, attr) return setmetatable({ tag = tag, attr = attr or {} }, Doc) end
function xml.new(tag, attr)
   expect('new', 1, tag, 'string')
   if attr ~= nil then expect('new', 2, attr, 'table') end
   return new(tag, attr)
end

-- puts children into an element; a list of children counts as they do
local function fill(element, items, name, level)
   for _, item in ipairs(items) do
      if type(item) == 'table' and not is_tag(item) then
         fill(element, item, name, level + 1)
      else
         element[#element + 1] = child_of(name, item, level + 1)
      end
   end
   return element
end

-- An element of its children, text or a table whose named fields are attributes.
local function elem(name, tag, items, level)
   local element = new(tag)
   if type(items) == 'table' and not is_tag(items) then
      for key, value in pairs(items) do
         if type(key) == 'string' then element.attr[key] = tostring(value) end
      end
      fill(element, items, name, level + 1)
   elseif items ~= nil then
      element[1] = child_of(name, items, level + 1)
   end
   return element
end
function xml.elem(tag, items)
   expect('elem', 1, tag, 'string')
   local element = elem('elem', tag, items, 2)
   return element
end

-- Functions that make elements of these names, a list or a text with commas.
function xml.tags(names)
   if type(names) == 'string' then names = require('pl.utils').split(names, '%s*,%s*') end
   expect('tags', 1, names, 'table')
   local makers = {}
   for i, tag in ipairs(names) do
      expect('tags', i, tag, 'string')
      tag = tag:match '^%s*(.-)%s*$'
      makers[i] = function(items)
         local element = elem('tags', tag, items, 2)
         return element
      end
   end
   return unpack(makers)
end

-- the element that addtag, text and add_child add to
local function current(self)
   local place = rawget(self, 'last_add')
   return place and place[#place] or self
end

-- adds an element, to which the next ones are added; `up` goes back
function Doc:addtag(tag, attr)
   expect('addtag', 1, tag, 'string')
   if attr ~= nil then expect('addtag', 2, attr, 'table') end
   local element = new(tag, attr)
   table.insert(current(self), element)
   if not rawget(self, 'last_add') then self.last_add = {} end
   table.insert(self.last_add, element)
   return self
end
function Doc:text(text)
   table.insert(current(self), child_of('text', text))
   return self
end
function Doc:up()
   local place = rawget(self, 'last_add')
   if place then table.remove(place) end
   return self
end
function Doc:reset()
   self.last_add = nil
   return self
end
function Doc:add_direct_child(child)
   table.insert(self, child_of('add_direct_child', child))
   return self
end
function Doc:add_child(child)
   table.insert(current(self), child_of('add_child', child))
   return self
end

function Doc:set_attribs(attributes)
   expect('set_attribs', 1, attributes, 'table')
   for name, value in pairs(attributes) do self.attr[name] = value end
   return self
end
function Doc:set_attrib(name, value)
   expect('set_attrib', 1, name, 'string')
   self.attr[name] = value
   return self
end
function Doc:get_attribs() return self.attr end

-- ---- children ----

Doc.children = require('pl.List').iter
function Doc:childtags()
   local i = 0
   return function()
      repeat i = i + 1 until self[i] == nil or is_tag(self[i])
      return self[i]
   end
end
function Doc:first_childtag() return self:childtags()() end
-- the children with this name, and the namespace where one is given
function Doc:matching_tags(tag, namespace)
   local children = self:childtags()
   local own = namespace or self.attr.xmlns
   return function()
      for child in children do
         if (not tag or child.tag == tag) and (not namespace or (child.attr.xmlns or own) == namespace) then return child end
      end
   end
end
function Doc:child_with_name(tag)
   for child in self:childtags() do
      if child.tag == tag then return child end
   end
end

local function collect(doc, tag, into, recurse)
   for child in Doc.childtags(doc) do
      if child.tag == tag then into[#into + 1] = child end
      if recurse then collect(child, tag, into, recurse) end
   end
   return into
end
-- the elements below with this name, direct children only where told so
function Doc:get_elements_with_name(tag, dont_recurse) return collect(self, tag, {}, not dont_recurse) end

-- replaces child elements by what the function gives; nothing removes them
function Doc:maptags(f)
   f = require('pl.utils').function_arg(1, f)
   local kept = {}
   for i = 1, #self do
      local child = self[i]
      if is_tag(child) then child = f(child) end
      if child ~= nil then kept[#kept + 1] = child end
   end
   for i = 1, math.max(#self, #kept) do self[i] = kept[i] end
   return self
end

-- the text that stands directly in an element
function Doc:get_text()
   local texts = {}
   for i = 1, #self do
      if type(self[i]) == 'string' then texts[#texts + 1] = self[i] end
   end
   return table.concat(texts)
end

-- calls f(tag, element) for all elements, children first where told so
function xml.walk(doc, depth_first, f)
   if not is_tag(doc) then error('xml.walk: argument 1: expected a document, got ' .. type(doc), 2) end
   if not depth_first then f(doc.tag, doc) end
   for child in Doc.childtags(doc) do xml.walk(child, depth_first, f) end
   if depth_first then f(doc.tag, doc) end
end
function Doc:walk(depth_first, f) xml.walk(self, depth_first, f) end

-- ---- text of documents ----

-- names of attributes in an order that is always the same
local function attribute_names(attr)
   local names = {}
   for name in pairs(attr) do
      if type(name) == 'string' then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

local function write(t, out, indent, step, attribute_step)
   local newline = indent and '\n' .. indent or ''
   local function put(text) out[#out + 1] = text end
   put(newline .. '<' .. t.tag)
   local names = attribute_names(t.attr)
   for _, name in ipairs(names) do
      put(attribute_step and '\n' .. (indent or '') .. attribute_step or ' ')
      put(name .. "='" .. escape(tostring(t.attr[name])) .. "'")
   end
   local tail = attribute_step and #names > 0 and '\n' .. (indent or '') or ''
   if #t == 0 then
      put(tail .. '/>')
      return
   end
   put(tail .. '>')
   for i = 1, #t do
      local child = t[i]
      if is_tag(child) then
         write(child, out, indent and indent .. (step or ''), step, attribute_step)
      else
         put(escape(tostring(child)))
      end
   end
   put((is_tag(t[#t]) and newline or '') .. '</' .. t.tag .. '>')
end

-- The text of a document: on lines with an indentation where `indent` is given, each level deeper by `step`; attributes on
-- lines of their own where `attribute_step` is given; `prefix` is true or the text of a declaration that goes before.
function xml.tostring(doc, indent, step, attribute_step, prefix)
   if type(doc) == 'string' then return escape(doc) end
   if not is_tag(doc) then error('xml.tostring: argument 1: expected a document, got ' .. type(doc), 2) end
   local out = {}
   if prefix then out[1] = prefix == true and "<?xml version='1.0'?>" or prefix end
   write(doc, out, indent, step, attribute_step)
   return table.concat(out)
end
Doc.tostring = xml.tostring
function Doc.__tostring(doc) return xml.tostring(doc) end

-- ---- copies, comparison, templates ----

local function copy(value, f, kind, parent)
   if not is_tag(value) then return f and f(value, kind, parent) or not f and value or nil end
   local tag = value.tag
   if f then tag = f(tag, '*TAG', parent) end
   if tag == nil then return nil end
   local element = new(tag)
   for name, text in pairs(value.attr) do
      if type(name) ~= 'string' or not f then element.attr[name] = text else element.attr[name] = f(text, name, value) end
   end
   for i = 1, #value do element[#element + 1] = copy(value[i], f, '*TEXT', value) end
   return element
end

-- A copy; f(text, kind, parent) gives what stands for each text ('*TEXT'), tag ('*TAG') and attribute (its name), nil drops it.
function xml.clone(doc, f)
   if not is_tag(doc) then error('xml.clone: argument 1: expected a document, got ' .. type(doc), 2) end
   if f ~= nil then f = require('pl.utils').function_arg(2, f) end
   return copy(doc, f)
end
Doc.clone = xml.clone
Doc.filter = xml.clone

-- whether two documents are the same, and where not
function xml.compare(a, b)
   if type(a) ~= type(b) then return false, 'type mismatch' end
   if not is_tag(a) or not is_tag(b) then return a == b, a ~= b and 'text differs' or nil end
   if a.tag ~= b.tag then return false, ('tags %s and %s differ'):format(a.tag, b.tag) end
   if #a ~= #b then return false, ('numbers of children of %s differ'):format(a.tag) end
   for _, pair in ipairs { { a.attr, b.attr }, { b.attr, a.attr } } do
      for name, value in pairs(pair[1]) do
         if type(name) == 'string' and pair[2][name] ~= value then
            return false, ('attribute %s of %s differs'):format(name, a.tag)
         end
      end
   end
   for i = 1, #a do
      local same, why = xml.compare(a[i], b[i])
      if not same then return false, why end
   end
   return true
end
Doc.compare = xml.compare

local function document_arg(name, position, value)
   if type(value) == 'string' then
      local doc, why = xml.parse(value)
      if not doc then error(('xml.%s: argument %d: %s'):format(name, position, why), 3) end
      return doc
   end
   if not is_tag(value) then
      error(('xml.%s: argument %d: expected a document or its text, got %s'):format(name, position, type(value)), 3)
   end
   return value
end

-- A copy of a template with values for its $names: one, or, of a list of tables, several, in an element where it has a tag.
function xml.subst(template, values)
   template = document_arg('subst', 1, template)
   expect('subst', 2, values, 'table')
   local function filled(t)
      return copy(template, function(text)
         local whole = text:match '^%s*%$([%w_]+)%s*$'
         if whole and is_tag(t[whole]) then return t[whole] end
         return (text:gsub('%$([%w_]+)', function(name)
            local value = t[name]
            if value == nil then value = t[tonumber(name)] end
            return value ~= nil and tostring(value) or nil
         end))
      end)
   end
   if type(values[1]) ~= 'table' or is_tag(values[1]) then return filled(values) end
   local all = values.tag and new(values.tag) or require 'pl.List' ()
   for i, t in ipairs(values) do all[i] = filled(t) end
   return all
end
Doc.subst = xml.subst

-- ---- parsing and matching ----

-- A document of a text or a file; nil and a message where it is none. Texts of spaces are left out.
function xml.parse(text, is_file)
   expect('parse', 1, text, 'string')
   if is_file then
      local read, why = require('pl.utils').readfile(text)
      if not read then return nil, why end
      text = read
   end
   return parser.parse(text, new)
end
-- as parse, with errors; `all_text` keeps texts of spaces
function xml.basic_parse(text, all_text, html)
   expect('basic_parse', 1, text, 'string')
   local doc, why = parser.parse(text, new, all_text, html)
   if not doc then error('xml.basic_parse: ' .. why, 2) end
   return doc
end
function xml.parsehtml(text)
   expect('parsehtml', 1, text, 'string')
   local doc, why = parser.parse(text, new, false, true)
   if not doc then error('xml.parsehtml: ' .. why, 2) end
   return doc
end

-- what a template finds in a document, as a table, and true; nil and false where it does not fit
function xml.match(doc, template)
   doc, template = document_arg('match', 1, doc), document_arg('match', 2, template)
   local found = require 'pl.xml.match' (doc, template)
   return found, found ~= nil
end
Doc.match = xml.match

return xml
