-- Package LuaXML: documents as tables, where [0] is an element's tag, names are attributes, and 1, 2, ... texts and elements.
local parse, utils = require('pl.xml').parse, require 'pl.utils'
-- a global, as programs expect
xml = {}
local xml = xml
xml.TAG = 0
local metatable = { __index = xml }

local function fail(name, text, ...) error('xml.' .. name .. ': ' .. string.format(text, ...), 3) end

-- characters -> how they are written
local codes = { { '&', '&amp;' }, { '<', '&lt;' }, { '>', '&gt;' }, { '"', '&quot;' }, { "'", '&apos;' } }
local function plain(pattern) return (pattern:gsub('%p', '%%%0')) end

-- Has encode write a text in another way, and what reads files read it so.
function xml.registerCode(decoded, encoded)
   if type(decoded) ~= 'string' or type(encoded) ~= 'string' then fail('registerCode', 'expected two strings') end
   codes[#codes + 1] = { decoded, encoded }
end
function xml.encode(text)
   if type(text) ~= 'string' then fail('encode', 'expected a string, got %s', type(text)) end
   for _, code in ipairs(codes) do text = text:gsub(plain(code[1]), (code[2]:gsub('%%', '%%%%'))) end
   return text
end
local function decoded(text)
   for i = 6, #codes do text = text:gsub(plain(codes[i][2]), (codes[i][1]:gsub('%%', '%%%%'))) end
   return text
end

local function converted(node)
   local element = setmetatable({ [0] = node.tag }, metatable)
   for name, value in pairs(node.attr or {}) do
      if type(name) == 'string' then element[name] = decoded(value) end
   end
   for _, child in ipairs(node) do
      if type(child) == 'table' then
         element[#element + 1] = converted(child)
      else
         local text = decoded(child):match '^%s*(.-)%s*$'
         if text ~= '' then element[#element + 1] = text end
      end
   end
   return element
end

-- The document of a text, or nil and why it is none.
local function document(text)
   local ok, found, why = pcall(parse, text)
   if not ok or not found then return nil, tostring(ok and why or found) end
   return converted(found)
end
-- The document in a text, or in a file.
function xml.eval(text)
   if type(text) ~= 'string' then fail('eval', 'expected a string, got %s', type(text)) end
   local element, why = document(text)
   if not element then fail('eval', '%s', why) end
   return element
end
function xml.load(path)
   if type(path) ~= 'string' then fail('load', 'expected the name of a file, got %s', type(path)) end
   local text, unread = utils.readfile(path)
   if not text then fail('load', '%s', tostring(unread)) end
   local element, why = document(text)
   if not element then fail('load', '%s: %s', path, why) end
   return element
end

-- The tag of an element, or the element with another one.
function xml.tag(element, name)
   if type(element) ~= 'table' then return nil end
   if name == nil then return element[0] end
   element[0] = name
   return element
end
-- An element, of a table or of a tag.
function xml.new(of, tag)
   if type(of) == 'table' then
      local own = getmetatable(of)
      if own ~= nil and own ~= metatable then fail('new', 'expected a plain table, got %s', torch.type(of)) end
      setmetatable(of, metatable)
      if tag ~= nil then of[0] = tag end
      return of
   end
   return setmetatable({ [0] = of or tag }, metatable)
end
-- Adds an element with a tag at the end of another one, and gives it.
function xml.append(element, tag)
   if type(element) ~= 'table' then fail('append', 'expected an element, got %s', type(element)) end
   local child = xml.new(tag)
   element[#element + 1] = child
   return child
end

-- The first element, the one itself included, with a tag, an attribute, and its value; nil stands for any.
function xml.find(element, tag, key, value)
   if type(element) ~= 'table' then return nil end
   if (tag == nil or element[0] == tag) and (key == nil or element[key] ~= nil and (value == nil or element[key] == value)) then
      return getmetatable(element) == nil and setmetatable(element, metatable) or element
   end
   for _, child in ipairs(element) do
      local found = xml.find(child, tag, key, value)
      if found then return found end
   end
end

-- A table as text; `indent` is how deep it lies, `tag` its tag where it has none.
function xml.str(element, indent, tag)
   if element == nil then return nil end
   if indent ~= nil and (type(indent) ~= 'number' or not (indent >= 0 and indent <= 10000)) then
      fail('str', 'the indent should be a number from 0 on, got %s', tostring(indent))
   end
   local before = string.rep('  ', indent or 0)
   if type(element) ~= 'table' then return before .. xml.encode(tostring(element)) .. '\n' end
   tag = element[0] or tag or type(element)
   local parts, names = { before, '<', tostring(tag) }, {}
   for name, value in pairs(element) do
      if type(name) == 'string' and type(value) ~= 'table' and type(value) ~= 'function' then names[#names + 1] = name end
   end
   table.sort(names)
   for _, name in ipairs(names) do parts[#parts + 1] = string.format(' %s="%s"', name, xml.encode(tostring(element[name]))) end
   if #element == 0 then return table.concat(parts) .. ' />\n' end
   parts[#parts + 1] = '>'
   if #element == 1 and type(element[1]) ~= 'table' then
      parts[#parts + 1] = xml.encode(tostring(element[1]))
   else
      parts[#parts + 1] = '\n'
      for _, child in ipairs(element) do parts[#parts + 1] = xml.str(child, (indent or 0) + 1) end
      parts[#parts + 1] = before
   end
   parts[#parts + 1] = '</' .. tostring(tag) .. '>\n'
   return table.concat(parts)
end
metatable.__tostring = xml.str

function xml.save(element, path)
   if type(path) ~= 'string' then fail('save', 'expected the name of a file, got %s', type(path)) end
   local text = '<?xml version="1.0"?>\n<!-- file "' .. path .. '", generated by LuaXML -->\n\n' .. (xml.str(element) or '')
   local ok, why = utils.writefile(path, text)
   if not ok then fail('save', '%s', tostring(why)) end
end

return xml
