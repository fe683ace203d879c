-- What `?name`, help and torch.help show: the call forms of a function, taken from its rows or from its Lua parameters,
-- and below them what the manual says; for a class its methods; for an unknown name the names near it.
local native = require 'rekindle.native'
local manual = require 'rekindle.manual'
local signatures = require 'rekindle.signatures'
local calls = require 'rekindle.calls'
local usage, is_embedded = native.functions.help.usage, native.functions.embedded.has
local torch = torch
local help = {}

local function value_of(path)
   local v = _G
   for part in path:gmatch('[^.:]+') do
      local ok, next_v = pcall(function() return v[part] end)
      if not ok or next_v == nil then return nil end
      v = next_v
   end
   return v
end

-- the functions and classes that a table holds
local function public(t)
   local names = {}
   for k, f in pairs(t) do
      local class = type(f) == 'table' and rawget(debug.getmetatable(f) or {}, '__call') and f.__typename
      local callable = type(f) == 'function' or class and torch.getconstructortable(class) == f
      if type(k) == 'string' and callable and k:sub(1, 1) ~= '_' then names[#names + 1] = k end
   end
   table.sort(names)
   return names
end

-- `f(a, b, ...)` for a function written in Lua
local function called(name, f)
   local given = signatures.of(f)
   local method = name:find(':') and given[1] == 'self'
   return name .. '(' .. table.concat(given, ', ', method and 2 or 1) .. ')'
end

local function place(f)
   local info = debug.getinfo(f, 'S')
   if info.what == 'C' then return 'a function of the host' end
   return string.format('defined in %s, line %d', info.source:gsub('^[@=]', ''), info.linedefined)
end

-- the name under which a package or the classes of torch have a function
local function name_of(f)
   for _, name in ipairs { 'torch', 'image', 'optim', 'gnuplot', 'paths', 'sys', 'xlua' } do
      local members = package.loaded[name]
      for k, v in pairs(type(members) == 'table' and members or {}) do
         if v == f then return name .. '.' .. k end
      end
   end
   for _, classes in ipairs { torch.tensor_types, torch.storage_types } do
      for _, class in ipairs(classes) do
         for k, v in pairs(torch.getmetatable(class)) do
            if v == f then return class .. '.' .. k end
         end
      end
   end
end

-- ---- what is meant by a topic ----

-- 'Tensor', 'Storage', 'DiskFile', 'nn.Linear': a class as headings write it
local function heading_of(class)
   local short = class:match('^torch%.(.*)$') or class
   return short:match('^%u%l+(Tensor)$') or short:match('^%u%l+(Storage)$') or short
end

local function parent_of(mt)
   local proxy = debug.getmetatable(mt)
   return type(proxy) == 'table' and proxy.parent or nil
end

-- the section of a class's method, looked for in its ancestors too
local function section_of_method(class, method)
   local mt = torch.getmetatable(class)
   while mt do
      local heading = heading_of(mt.__typename)
      local name = heading == 'Tensor' and method or heading .. '.' .. method
      local section = manual.section(name) or manual.section(heading .. '.' .. method)
      if section then return section, heading end
      mt = parent_of(mt)
   end
end

-- the class that stands before the dot or colon: by its name, by its short name, or as a variable's value
local function class_named(head)
   if head == 'Tensor' then return torch.getdefaulttensortype() end
   if head == 'Storage' then return 'torch.DoubleStorage' end
   for _, name in ipairs { head, 'torch.' .. head, 'nn.' .. head } do
      if torch.getmetatable(name) then return name end
   end
   local v = value_of(head)
   return v ~= nil and torch.typename(v) or nil
end

-- ---- texts ----

-- Call forms, each wrapped, then a section's text. Where the section itself shows calls, forms from Lua are left out.
local function compose(lines, section, derived)
   local out = {}
   local text, shows_calls
   if section then text, shows_calls = manual.text(section.blocks) end
   if not (derived and shows_calls) then
      for i, line in ipairs(lines) do out[i] = calls.wrap(line) end
   end
   if text then out[#out + 1] = (#out > 0 and '\n' or '') .. text end
   return #out > 0 and table.concat(out, '\n') or nil
end

-- the constructor's call form from its Lua parameters, the class's own or an ancestor's
local function constructor_form(name, mt)
   while mt do
      local init = rawget(mt, '__init')
      if init then return (called(name .. ':', init):gsub(':%(', '(')) end
      mt = parent_of(mt)
   end
end

-- what a class computes in Rust, as call forms, and the names of its other methods
local function methods_of(name, mt)
   local rows, others = {}, {}
   for _, method in ipairs(public(mt)) do
      local full = name .. '.' .. method
      local list = usage(full)
      for _, row in ipairs(list) do rows[#rows + 1] = 'm:' .. method .. row:sub(#full + 1) end
      if #list == 0 and method ~= 'new' then others[#others + 1] = method end
   end
   return rows, others
end

local function class_text(name)
   if name == 'torch.Tensor' then name = torch.getdefaulttensortype() end
   if name == 'torch.Storage' then name = torch.getdefaulttensortype():gsub('Tensor$', 'Storage') end
   local mt = torch.getmetatable(name)
   if not mt then return nil end
   local heading, section = heading_of(name), manual.section(heading_of(name))
   local parts, rows, others = {}, methods_of(name, mt)
   if mt.__native then rows, others = {}, public(mt) end
   local lines = usage(name)
   if #lines == 0 then lines = { constructor_form(name, mt) } end
   parts[1] = compose(lines, section, true) or name
   if #rows > 0 then
      for i, row in ipairs(rows) do rows[i] = calls.wrap(row) end
      parts[#parts + 1] = table.concat(rows, '\n')
   end
   local facts = {}
   local init = rawget(mt, '__init')
   -- a constructor made from a description has no place of its own
   if init and not section and not signatures.is_noted(init) then facts[1] = name .. ': ' .. place(init) end
   local up = parent_of(mt)
   if up then facts[#facts + 1] = 'Inherits from ' .. up.__typename .. '.' end
   if #others > 0 then facts[#facts + 1] = manual.wrap('Methods: ' .. table.concat(others, ' '), '   ') end
   parts[#parts + 1] = #facts > 0 and table.concat(facts, '\n') or nil
   return table.concat(parts, '\n\n')
end

-- the call forms of a method from its rows, those of an ancestor included where the objects are Rust's
local function forms_of_method(mt, heading, method)
   if heading == 'Storage' then return calls.of_class('torch.ByteStorage', method) end
   if not (mt.__native or native.functions[mt.__typename]) then return usage(mt.__typename .. '.' .. method) end
   local lines = {}
   while mt and #lines == 0 do
      lines, mt = calls.of_class(mt.__typename, method), parent_of(mt)
   end
   return lines
end

local function method_text(class, method)
   local mt = torch.getmetatable(class)
   local heading = heading_of(class)
   if heading == 'Tensor' then
      local lines = calls.of(method)
      if #lines > 0 then return compose(lines, manual.section(method)) end
   end
   local f = mt[method]
   if f == nil then return nil end
   local section, owner = section_of_method(class, method)
   local lines = forms_of_method(mt, heading, method)
   if #lines > 0 then return compose(lines, section) end
   if type(f) ~= 'function' then return compose({}, section) end
   local text = compose({ called('x:' .. method, f) }, section, true)
   if section and owner then return text end
   return text .. '\n' .. place(f)
end

-- a function of package torch, or of the methods where only they have the name
local function plain_text(name)
   local lines, section = calls.of(name), manual.section(name)
   local f, derived = torch[name], false
   if #lines == 0 and type(f) == 'function' then
      lines, derived = { called('torch.' .. name, f) }, true
   elseif #lines == 0 then
      local method = torch.getmetatable('torch.DoubleTensor')[name]
      if type(method) == 'function' then lines, derived = { called('x:' .. name, method) }, true end
   end
   local text = compose(lines, section, derived)
   local also = manual.ending(name)
   if text and #also > 0 then text = text .. '\n\n' .. manual.wrap('See also: ' .. table.concat(also, ', '), '   ') end
   if text and not section and type(f) == 'function' and derived then text = text .. '\n' .. place(f) end
   return text
end

local function text_of_name(topic)
   local head, last = topic:match('^(.*)[.:]([%w_]+)$')
   if not head then
      return class_text('torch.' .. topic) or plain_text(topic) or class_text('nn.' .. topic)
   end
   local text = class_text(topic) or head == 'torch' and (class_text(topic) or plain_text(last))
   if text then return text end
   local class = class_named(head)
   if class then return method_text(class, last) end
   local v = value_of(topic)
   if type(v) == 'function' then
      local section = manual.section(topic)
      local lines = usage(topic)
      if #lines > 0 then return compose(lines, section) end
      local text = compose({ called(topic, v) }, section, true)
      return section and text or text .. '\n' .. place(v)
   elseif type(v) == 'table' then
      return manual.wrap(topic .. ': ' .. table.concat(public(v), ' '), '   ')
   end
   -- a method of no object in particular: x:sum, f:seek
   if topic:find(':') or head == 'x' then return plain_text(last) end
end

-- every class's section with this last name
local function of_some_class(name)
   local texts = {}
   for _, full in ipairs(manual.ending(name)) do
      local class = full:match('^(.*)%.')
      class = class_named(class) or class
      local text = torch.getmetatable(class) and method_text(class, name)
      if text then texts[#texts + 1] = full .. '\n' .. text end
   end
   return #texts > 0 and table.concat(texts, '\n\n') or nil
end

-- whether a package is built in that the manual has a page about
local function is_told(name)
   if not is_embedded('packages.' .. name) then return false end
   for _, section in ipairs(manual.names()) do
      if section:sub(1, #name + 1) == name .. '.' then return true end
   end
   return false
end

-- Loads the package that a name begins with, or that has a section or class of the name, if no program has asked for it.
local function load_package(topic)
   local name = topic:match('^(%a+)[.:]') or manual.section('nn.' .. topic) and 'nn' or topic
   if _G[name] == nil and (is_embedded(name) or is_told(name)) and name ~= 'boot' then pcall(require, name) end
end

-- the name of a class that is called to make objects, or of a package
local function table_name(t)
   local mt = debug.getmetatable(t)
   if mt and rawget(mt, '__call') and type(t.__typename) == 'string' then return t.__typename end
   for name, loaded in pairs(package.loaded) do
      if loaded == t and type(name) == 'string' and name ~= '_G' then return name end
   end
end

-- The text for a name ('torch.add', 'x:add', 'add', 'f:seek', 'nn.Linear'), a function or an object; nil where nothing
-- is known.
function help.text(topic)
   if type(topic) == 'function' then
      local name = name_of(topic)
      if not name then return called('function', topic) .. ': ' .. place(topic) end
      topic = name
   elseif type(topic) == 'table' and table_name(topic) then
      topic = table_name(topic)
   elseif type(topic) ~= 'string' then
      topic = torch.typename(topic) or torch.typename((debug.getmetatable(topic) or {}).__index) or type(topic)
   end
   load_package(topic)
   local text = text_of_name(topic)
   if text then return text end
   local v = value_of(topic)
   local package_of_name = type(v) == 'table' and package.loaded[topic] == v
   text = not package_of_name and of_some_class(topic:match('[%w_]+$') or topic)
   if text then return text end
   if type(v) == 'function' then return called(topic, v) .. ': ' .. place(v) end
   if torch.typename(v) then return class_text(torch.typename(v)) end
   if type(v) == 'table' then return manual.wrap(topic .. ': ' .. table.concat(public(v), ' '), '   ') end
end

-- ---- names near a mistyped one ----

-- how many letters must change, go, come or change places with their neighbour to make b of a
local function distance(a, b)
   local before, last, row = {}, {}, {}
   for j = 0, #b do last[j] = j end
   for i = 1, #a do
      row[0] = i
      for j = 1, #b do
         local same = a:byte(i) == b:byte(j)
         row[j] = math.min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (same and 0 or 1))
         if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
            row[j] = math.min(row[j], before[j - 2] + 1)
         end
      end
      before, last, row = last, row, before
   end
   return last[#b]
end

-- How far a name is from a wanted one, both in small letters: changed letters, then names that contain it, then those
-- that begin as it does. Nil for names that have nothing to do with it.
local function rank(wanted, name)
   local changes = distance(wanted, name)
   if changes <= math.max(1, math.floor(#wanted / 3)) then return changes end
   if #wanted < 3 then return nil end
   if name:find(wanted, 1, true) then return #wanted end
   local same = 0
   while same < #wanted and wanted:byte(same + 1) == name:byte(same + 1) do same = same + 1 end
   if same >= 4 and same * 2 >= #wanted then return #wanted + changes end
end

-- Names in the order of their ranks, each shown as `names` says.
local function ranked(wanted, names)
   local ranks, list = {}, {}
   for shown, name in pairs(names) do
      ranks[shown] = rank(wanted:lower(), name:lower())
      if ranks[shown] then list[#list + 1] = shown end
   end
   table.sort(list, function(a, b)
      if ranks[a] ~= ranks[b] then return ranks[a] < ranks[b] end
      return a < b
   end)
   return list
end

local function near(topic)
   local names = {}
   for _, name in ipairs(manual.names()) do names[name] = name:match('[%w_]+$') end
   for name in pairs(type(nn) == 'table' and nn or {}) do names['nn.' .. name] = name end
   return { unpack(ranked(topic:match('[%w_]+$') or topic, names), 1, 8) }
end

-- The public name of a table that is nearest to one that it does not have, if any is near.
function help.nearest(wanted, package)
   local names = {}
   for name in pairs(package) do
      if type(name) == 'string' and name:sub(1, 1) ~= '_' then names[name] = name end
   end
   return ranked(wanted, names)[1]
end

-- ---- what is printed ----

local function contents()
   local pages, names = manual.pages(), {}
   for page in pairs(pages) do names[#names + 1] = page end
   table.sort(names)
   for _, page in ipairs(names) do
      local list = {}
      for _, section in ipairs(pages[page]) do
         for _, name in ipairs(section.names) do list[#list + 1] = name:gsub('^%l+%.', '') end
      end
      print(manual.wrap(string.format('%s (%s): %s', page, pages[page].title, table.concat(list, ' ')), '   '))
   end
end

function help.show(topic)
   if topic == nil or topic == '' then
      print('?name says what a function does and how it is called: ?torch.add, ?x:narrow, ?nn.Linear.\n'
         .. 'browse() lists all names, page by page.')
      return
   end
   local text = help.text(topic)
   if text then
      print(text)
      return
   end
   local list = near(tostring(topic))
   local hint = #list > 0 and '. Names near it: ' .. table.concat(list, ', ') or ''
   print(manual.wrap("nothing is known about '" .. tostring(topic) .. "'" .. hint, '   '))
end

-- The contents of the manual, or the texts of one of its pages.
function help.browse(topic)
   local pages = manual.pages()
   local sections = topic and (pages[topic] or pages['torch.' .. topic] or pages['nn.' .. topic] or pages['optim.' .. topic]
      or pages['image.' .. topic])
   if not sections then
      if topic then return help.show(topic) end
      return contents()
   end
   print(sections.title)
   if #sections.intro > 0 then print('\n' .. manual.text(sections.intro)) end
   for _, section in ipairs(sections) do
      print('\n--- ' .. table.concat(section.names, ', '))
      print((manual.text(section.blocks)))
   end
end

return help
