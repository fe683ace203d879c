-- Reads the files that `th --annotations` wrote into a folder with a small, strict parser of LuaCATS, and complains.
local dir = arg[1]
local complaints, functions, classes = 0, 0, {}
local BUILT_IN = { any = true, number = true, string = true, boolean = true, table = true, ['function'] = true, ['nil'] = true }

local function lines_of(name)
   local list = {}
   for line in io.lines(paths.concat(dir, name)) do list[#list + 1] = line end
   return list
end

local files = {}
for _, name in ipairs(paths.dir(dir)) do
   if name:find('%.lua$') then files[name] = lines_of(name) end
end
for _, lines in pairs(files) do
   for _, line in ipairs(lines) do
      local class = line:match('^%-%-%-@class ([%w_.]+)')
      if class then classes[class] = true end
   end
end

local here
local function complain(why)
   complaints = complaints + 1
   print(here .. ': ' .. why)
end

local function check_type(text)
   for part in (text .. '|'):gmatch('%s*(.-)%s*|') do
      if not BUILT_IN[part] and not classes[part] then complain('unknown type ' .. part) end
   end
end

local function check_list(text) for part in (text .. ','):gmatch('%s*(.-)%s*,') do check_type(part) end end

local function check_overload(text)
   local inside, back = text:match('^fun%(([^()]*)%)(.*)$')
   if not inside then return complain('no overload: ' .. text) end
   if back ~= '' then
      local types = back:match('^: (.+)$')
      if types then check_list(types) else complain('no results: ' .. back) end
   end
   if inside == '' then return end
   for part in (inside .. ','):gmatch('%s*(.-)%s*,') do
      if part ~= '...' then
         local kind = part:match('^[%a_][%w_]*%??: (.+)$')
         if kind then check_type(kind) else complain('no parameter: ' .. part) end
      end
   end
end

-- what stands above a function: its parameters, in order
local open
local tags = {}
function tags.class(text)
   local name, parent = text:match('^([%w_.]+)$'), nil
   if not name then name, parent = text:match('^([%w_.]+): ([%w_.]+)$') end
   if not name then complain('no class: ' .. text) end
   if parent then check_type(parent) end
end
function tags.param(text)
   local name, kind = text:match('^([%a_][%w_]*)%?? (.+)$')
   if not name then return complain('no parameter: ' .. text) end
   check_type(kind)
   open[#open + 1] = name
end
tags['return'] = check_list
tags.overload = check_overload
function tags.operator(text)
   local kind = text:match('^%a+%(any%): (.+)$') or text:match('^%a+: (.+)$')
   if kind then check_type(kind) else complain('no operator: ' .. text) end
end
function tags.field(text)
   if text ~= '[any] any' then complain('no field: ' .. text) end
end

local function check_function(line)
   local name, inside = line:match('^function ([%a_][%w_.:]*)%(([^()]*)%) end$')
   if not name then return complain('no declaration: ' .. line) end
   functions = functions + 1
   local given = {}
   for p in inside:gmatch('[^,%s]+') do if p ~= '...' then given[#given + 1] = p end end
   if table.concat(given, ' ') ~= table.concat(open, ' ') then complain('parameters differ: ' .. line) end
end

for name, lines in pairs(files) do
   open = {}
   for i, line in ipairs(lines) do
      here = name .. ':' .. i
      local tag, text = line:match('^%-%-%-@(%a+) (.+)$')
      if i == 1 then
         if line ~= '---@meta' then complain('a file begins with ---@meta') end
      elseif tag then
         if tags[tag] then tags[tag](text) else complain('unknown tag ' .. tag) end
      elseif line:find('^%-%-%-@') then
         complain('unknown tag: ' .. line)
      elseif line:find('^function ') then
         check_function(line)
         open = {}
      elseif not (line == '' or line:find('^%-%-%-') or line:find('^local [%a_][%w_]* = {}$') or line:find('^%a+ = {}$')) then
         complain('not expected: ' .. line)
      end
   end
   if not loadstring(table.concat(lines, '\n')) then complain('no Lua') end
end
for _, class in ipairs { 'torch.Tensor', 'torch.FloatTensor', 'nn.Module', 'nn.Linear', 'torch.DiskFile', 'optim.Logger' } do
   here = class
   if not classes[class] then complain('is missing') end
end
print(string.format('%d functions, %d complaints', functions, complaints))
