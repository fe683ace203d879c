-- Package xml: documents as tables, where `xml` is an element's tag, names are attributes, and 1, 2, ... texts and elements.
local parse, readfile = require('pl.xml').parse, require('pl.utils').readfile
local xml = {}

local function fail(name, text, ...) error('xml.' .. name .. ': ' .. string.format(text, ...), 3) end

local function converted(node)
   local element = { xml = node.tag }
   for name, value in pairs(node.attr or {}) do
      if type(name) == 'string' then element[name] = value end
   end
   for _, child in ipairs(node) do
      if type(child) == 'table' then
         element[#element + 1] = converted(child)
      elseif child:find '%S' then
         element[#element + 1] = child:match '^%s*(.-)%s*$'
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
function xml.load(text)
   if type(text) ~= 'string' then fail('load', 'expected a string, got %s', type(text)) end
   local element, why = document(text)
   if not element then fail('load', '%s', why) end
   return element
end
function xml.loadpath(path)
   if type(path) ~= 'string' then fail('loadpath', 'expected the name of a file, got %s', type(path)) end
   local text, unread = readfile(path)
   if not text then fail('loadpath', '%s', tostring(unread)) end
   local element, why = document(text)
   if not element then fail('loadpath', '%s: %s', path, why) end
   return element
end

local ENTITIES = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }
local function escaped(value) return (tostring(value):gsub('[&<>"]', ENTITIES)) end

-- A table as text.
function xml.dump(element)
   if type(element) ~= 'table' then return escaped(element) end
   if type(element.xml) ~= 'string' then fail('dump', 'expected a table with its tag in the field xml') end
   local parts, names = { '<', element.xml }, {}
   for name in pairs(element) do
      if type(name) == 'string' and name ~= 'xml' then names[#names + 1] = name end
   end
   table.sort(names)
   for _, name in ipairs(names) do parts[#parts + 1] = string.format(' %s="%s"', name, escaped(element[name])) end
   if #element == 0 then return table.concat(parts) .. '/>' end
   parts[#parts + 1] = '>'
   for _, child in ipairs(element) do parts[#parts + 1] = xml.dump(child) end
   parts[#parts + 1] = '</' .. element.xml .. '>'
   return table.concat(parts)
end

-- The first element, the one itself included, with a tag and, where they are told, an attribute and its value.
function xml.find(element, tag, name, value)
   if type(element) ~= 'table' then return nil end
   if element.xml == tag and (name == nil or element[name] ~= nil and (value == nil or element[name] == value)) then return element end
   for _, child in ipairs(element) do
      local found = xml.find(child, tag, name, value)
      if found then return found end
   end
end
-- Takes the first one out of what has it, and gives it.
function xml.remove(element, tag, name, value)
   if type(element) ~= 'table' then return nil end
   for i, child in ipairs(element) do
      if type(child) == 'table' then
         if child.xml == tag and (name == nil or child[name] ~= nil and (value == nil or child[name] == value)) then
            return table.remove(element, i)
         end
         local found = xml.remove(child, tag, name, value)
         if found then return found end
      end
   end
end

return xml
