-- `th --annotations DIR`: what editors read about the packages (LuaCATS files), from the rows, from the parameters of
-- functions in Lua, and from the manual.
local calls = require 'rekindle.calls'
local folder = require 'rekindle.folder'
local manual = require 'rekindle.manual'
local native = require 'rekindle.native'
local signatures = require 'rekindle.signatures'
local usage = native.functions.help.usage
local annotations = {}

local PACKAGES = { 'torch', 'nn', 'optim', 'image', 'paths', 'sys', 'xlua' }

local RESERVED = {}
for word in ('and break do else elseif end false for function goto if in local nil not or repeat return then true until while')
   :gmatch('%w+') do
   RESERVED[word] = true
end

-- ---- types and parameters ----

local function type_of(kind)
   local found = {}
   for part in (kind .. ' or '):gmatch('(.-) or ') do
      local known = ({ number = 'number', string = 'string', boolean = 'boolean', table = 'table', numbers = 'number' })[part]
      if not known and part:find('^table') then known = 'table' end
      if not known and part:find('^function') then known = 'function' end
      if not known and part:find('^%a+Tensor$') or part == 'Tensor' or part:find('^%a*Storage$') then known = 'torch.' .. part end
      found[#found + 1] = known or 'any'
   end
   return table.concat(found, '|')
end

-- the parameters of a form as the rows write it: { name, type, optional }
local function parameters_of(form)
   local list = {}
   local inside = form:match('%((.*)%) %-> ') or form:match('%((.*)%)$') or ''
   for text in (inside .. ', '):gmatch('(.-), ') do
      local name, kind = text:match('^%[?([%w_]+): ([^%]=]-)%]?$')
      if not name then name, kind = text:match('^%[([%w_]+): (.-) = ') end
      if name then list[#list + 1] = { name = name, type = type_of(kind), optional = text:sub(1, 1) == '[' } end
   end
   return list
end

-- those of a function in Lua
local function parameters_in_lua(f, first)
   local list = {}
   for i, text in ipairs(signatures.of(f)) do
      local name = text:match('[%w_]+') or '...'
      if i >= first then list[#list + 1] = { name = name, type = 'any', optional = text:sub(1, 1) == '[' } end
   end
   return list
end

local function result_of(form, class)
   local back = form:match(' %-> (.*)$')
   if not back then return nil end
   local found = {}
   for _ in back:gmatch('[%w_]+') do found[#found + 1] = class end
   return #found > 0 and table.concat(found, ', ') or nil
end

local function safe(name) return RESERVED[name] and name .. '_' or name end

-- ---- texts ----

-- the first paragraph of a section, as comments
local function comments(name, out)
   local section = manual.section(name)
   for _, block in ipairs(section and section.blocks or {}) do
      if block.kind == 'text' then
         for line in manual.wrap(table.concat(block.lines, ' '), ''):gmatch('[^\n]+') do out[#out + 1] = '---' .. line end
         return
      end
   end
end

-- A function: comments, a line for each parameter, other forms as overloads.
local function declare(out, full, topic, forms, class)
   comments(topic, out)
   local first = forms[1]
   for i = 2, #forms do
      local texts = {}
      for _, p in ipairs(forms[i]) do
         texts[#texts + 1] = p.name == '...' and '...' or safe(p.name) .. (p.optional and '?' or '') .. ': ' .. p.type
      end
      if forms.receiver then table.insert(texts, 1, 'self: ' .. forms.receiver) end
      out[#out + 1] = '---@overload fun(' .. table.concat(texts, ', ') .. ')' .. (forms[i].back and ': ' .. forms[i].back or '')
   end
   local names, rest = {}, false
   for _, p in ipairs(first) do
      if p.name ~= '...' then
         out[#out + 1] = string.format('---@param %s%s %s', safe(p.name), p.optional and '?' or '', p.type)
         names[#names + 1] = safe(p.name)
      else
         rest = true
      end
   end
   if rest then names[#names + 1] = '...' end
   local back = class or first.back
   if back then out[#out + 1] = '---@return ' .. back end
   out[#out + 1] = string.format('function %s(%s) end\n', full, table.concat(names, ', '))
end

local function forms_of_lines(lines, default_back)
   local forms, seen = {}, {}
   for _, line in ipairs(lines) do
      local form = parameters_of(line)
      form.back = result_of(line, default_back)
      local key = {}
      for _, p in ipairs(form) do key[#key + 1] = p.name .. p.type end
      key = table.concat(key, ',')
      if not seen[key] then forms[#forms + 1] = form end
      seen[key] = true
   end
   return forms
end

-- ---- classes and packages ----

local function sorted(t, wanted)
   local names = {}
   for k, v in pairs(t) do
      if type(k) == 'string' and k:find('^%a[%w_]*$') and not RESERVED[k] and wanted(v) then names[#names + 1] = k end
   end
   table.sort(names)
   return names
end

local function is_function(v) return type(v) == 'function' end

local function parent_of(mt)
   local proxy = debug.getmetatable(mt)
   return type(proxy) == 'table' and proxy.parent or nil
end

local function constructor_forms(name, mt)
   local lines = usage(name)
   if #lines > 0 then return forms_of_lines(lines) end
   local up = mt
   while up do
      local init = rawget(up, '__init')
      if init then return { parameters_in_lua(init, 2) } end
      up = parent_of(up)
   end
   return { { { name = '...', type = 'any' } } }
end

local function class_text(name, out)
   local mt = torch.getmetatable(name)
   local up, short = parent_of(mt), name:gsub('%.', '_')
   out[#out + 1] = '---@class ' .. name .. (up and up.__typename and ': ' .. up.__typename or '')
   out[#out + 1] = 'local ' .. short .. ' = {}\n'
   for _, method in ipairs(sorted(mt, is_function)) do
      if not (up and up[method] == mt[method]) and rawget(mt, method) then
         local lines, back = calls.of_class(name, method), name
         -- rows of modules have no self, and give tensors
         if not name:find('^torch%.') then lines, back = usage(name .. '.' .. method), 'torch.Tensor' end
         local forms = #lines > 0 and forms_of_lines(lines, back) or { parameters_in_lua(mt[method], 2) }
         declare(out, short .. ':' .. method, name:gsub('^torch%.', '') .. '.' .. method,
            { receiver = name, unpack(forms) })
      end
   end
   declare(out, name, name, constructor_forms(name, mt), name)
end

local function tensor_text(out)
   out[#out + 1] = '---@class torch.Tensor\n---@operator add(any): torch.Tensor\n---@operator sub(any): torch.Tensor\n'
      .. '---@operator mul(any): any\n---@operator div(any): torch.Tensor\n---@operator unm: torch.Tensor\n'
      .. '---@field [any] any\nlocal torch_Tensor = {}\n'
   local mt = torch.getmetatable 'torch.DoubleTensor'
   for _, method in ipairs(sorted(mt, is_function)) do
      local lines = {}
      for _, line in ipairs(calls.of(method)) do if line:find('^%w+:') then lines[#lines + 1] = line end end
      local forms = #lines > 0 and forms_of_lines(lines, 'torch.Tensor') or { parameters_in_lua(mt[method], 2) }
      declare(out, 'torch_Tensor:' .. method, method, { receiver = 'torch.Tensor', unpack(forms) })
   end
   declare(out, 'torch.Tensor', 'Tensor', forms_of_lines(usage('torch.DoubleTensor')), 'torch.Tensor')
   for _, class in ipairs(torch.tensor_types) do
      out[#out + 1] = '---@class ' .. class .. ': torch.Tensor\n'
      declare(out, class, class, forms_of_lines(usage(class)), class)
   end
   out[#out + 1] = '---@class torch.Storage\n'
   for _, class in ipairs(torch.storage_types) do out[#out + 1] = '---@class ' .. class .. ': torch.Storage\n' end
end

local function is_plain_class(v)
   local mt = type(v) == 'table' and debug.getmetatable(v)
   return mt and rawget(mt, '__call') and type(v.__typename) == 'string'
end

-- The text of a package's file.
function annotations.text(name)
   local package = require(name)
   if type(package) ~= 'table' then package = _G[name] end
   local out = { '---@meta\n', '---@class ' .. name .. 'lib', name .. ' = {}\n' }
   if name == 'torch' then tensor_text(out) end
   for _, member in ipairs(sorted(package, is_function)) do
      local full = name .. '.' .. member
      local lines = name == 'torch' and calls.of(member) or usage(full)
      local own = {}
      for _, line in ipairs(lines) do if line:find(full .. '(', 1, true) == 1 then own[#own + 1] = line end end
      local forms = #own > 0 and forms_of_lines(own, 'torch.Tensor') or { parameters_in_lua(package[member], 1) }
      local tensor = name == 'torch' and (member:find('Tensor$') or member:find('Storage$'))
      if not tensor then declare(out, full, name == 'torch' and member or full, forms) end
   end
   for _, member in ipairs(sorted(package, is_plain_class)) do
      local class = package[member].__typename
      local tensor = class:find('^torch%.%a*Tensor$') or class:find('^torch%.%a*Storage$')
      if torch.getmetatable(class) and not tensor then class_text(class, out) end
   end
   return table.concat(out, '\n')
end

local LUARC = [[
{
  "runtime.version": "LuaJIT",
  "workspace.library": ["."],
  "diagnostics.globals": [%s]
}
]]

-- Writes the files of all packages into a folder, which is made where it is not there.
function annotations.main(args)
   local dir = args[1]
   local write = folder('--annotations', dir)
   local globals = {}
   for i, name in ipairs(PACKAGES) do
      write(name .. '.lua', annotations.text(name))
      globals[i] = '"' .. name .. '"'
   end
   write('.luarc.json', LUARC:format(table.concat(globals, ', ')))
   print('wrote ' .. #PACKAGES .. ' packages and .luarc.json to ' .. dir)
end

return annotations
