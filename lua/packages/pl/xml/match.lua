-- Penlight: how pl.xml finds the values of a template in a document.
local utils = require 'pl.utils'

local function is_tag(d) return type(d) == 'table' and type(d.tag) == 'string' end
local function strip(text) return text:match '^%s*(.-)%s*$' end

local function capture(into, name, value) into[tonumber(name) or name] = value end

-- whether a text fits one with $names, whose values are captured
local function match_text(template, text, into)
   if not template:find('$', 1, true) then return template == text end
   local names, pattern, at = {}, '^', 1
   for from, name, to in template:gmatch '()%$([%w_]+)()' do
      names[#names + 1] = name
      pattern = pattern .. utils.escape(template:sub(at, from - 1)) .. '(.-)'
      at = to
   end
   if #names > 32 then return false end
   local found = { text:match(pattern .. utils.escape(template:sub(at)) .. '$') }
   if found[1] == nil then return false end
   for i, name in ipairs(names) do capture(into, name, found[i]) end
   return true
end

-- captures that are $0 alone are its value
local function collapsed(t)
   if t[0] ~= nil and next(t, next(t)) == nil then return t[0] end
   return t
end

local match_element

-- the captures of a template's element among children that are not taken yet
local function match_child(template, doc, taken, into)
   for i = 1, #doc do
      local child = doc[i]
      if is_tag(child) and not taken[child] then
         local found = {}
         if match_element(template, child, found) then
            taken[child] = true
            for k, v in pairs(found) do into[k] = v end
            return true
         end
      end
   end
   return false
end

-- {{...}}: the captures of all children that fit, each in a table, in order or under the capture $_
local function match_all(template, doc, into)
   local any = false
   for i = 1, #doc do
      local found = {}
      if is_tag(doc[i]) and match_element(template, doc[i], found) then
         any = true
         local key = found._
         found._ = nil
         into[key or #into + 1] = collapsed(found)
      end
   end
   return any
end

local function own_text(doc)
   local texts = {}
   for i = 1, #doc do
      if type(doc[i]) == 'string' then texts[#texts + 1] = doc[i] end
   end
   return strip(table.concat(texts))
end

-- Whether an element fits a template's: its tag ('name-' is any and captures it), attributes and children.
function match_element(template, doc, into)
   local wildcard = template.tag:match '^(.+)%-$'
   if wildcard then capture(into, wildcard, doc.tag) elseif template.tag ~= doc.tag then return false end
   for name, value in pairs(template.attr) do
      if type(name) == 'string' then
         local own = doc.attr[name]
         if own == nil or not match_text(tostring(value), tostring(own), into) then return false end
      end
   end
   local taken, all = {}, false
   for i = 1, #template do
      local child = template[i]
      if not is_tag(child) then
         local text = strip(child)
         text = all and text:gsub('^}}%s*', '') or text
         local rest = text:match '^(.-)%s*{{$'
         all = rest ~= nil
         text = rest or text
         if text ~= '' and not match_text(text, own_text(doc), into) then return false end
      elseif all then
         if not match_all(child, doc, into) then return false end
      elseif not match_child(child, doc, taken, into) then
         return false
      end
   end
   return true
end

-- the captures of the first element, from the top down, that fits; nil where none does
local function search(doc, template)
   local found = {}
   if match_element(template, doc, found) then return collapsed(found) end
   for i = 1, #doc do
      if is_tag(doc[i]) then
         local below = search(doc[i], template)
         if below ~= nil then return below end
      end
   end
end

return search
