-- What `?name` and torch.help show: the call forms of a function, taken from its rows; for a function written in Lua
-- the place where it is defined; for a class its methods.
local native = require 'rekindle.native'
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

-- the forms of `torch.f` and of the method `x:f`, once each
local function forms(name)
   local lines, seen = {}, {}
   local function add(list, from, to)
      for _, line in ipairs(list) do
         line = to .. line:sub(#from + 1)
         if not seen[line] then
            seen[line] = true
            lines[#lines + 1] = line
         end
      end
   end
   local full = 'torch.' .. name
   add(native.usage(full), full, full)
   for _, class in ipairs { 'torch.DoubleTensor.', 'torch.LongTensor.', 'torch.ByteTensor.', 'torch.DoubleStorage.' } do
      local method = class .. name
      local list = native.usage(method)
      for i, line in ipairs(list) do list[i] = line:gsub('%(x: Tensor,? ?', '(', 1):gsub('%(s: Storage,? ?', '(', 1) end
      add(list, method, (class:find('Storage') and 's:' or 'x:') .. name)
      if #list > 0 then break end
   end
   return lines
end

local function methods_of(class)
   local names = {}
   for k, f in pairs(class) do
      if type(k) == 'string' and type(f) == 'function' and k:sub(1, 1) ~= '_' then names[#names + 1] = k end
   end
   table.sort(names)
   return names
end

local function written_in_lua(name, f)
   local info = debug.getinfo(f, 'S')
   if info.what == 'C' then return name .. ': a function of the host' end
   return string.format('%s: defined in %s, line %d', name, info.source:gsub('^[@=]', ''), info.linedefined)
end

-- the name under which the package or its tensors have a function
local function name_of(f)
   for k, v in pairs(torch) do
      if v == f then return k end
   end
   for _, class in ipairs(torch.tensor_types) do
      for k, v in pairs(torch.getmetatable(class)) do
         if v == f then return k end
      end
   end
end

-- The text for a name ('torch.add', 'x:add', 'add', 'nn.Linear') or a function; nil where nothing is known.
function help.text(topic)
   if type(topic) == 'function' then
      local name = name_of(topic)
      local lines = name and forms(name) or {}
      return #lines > 0 and table.concat(lines, '\n') or written_in_lua(name or 'function', topic)
   end
   if type(topic) ~= 'string' then topic = torch.typename(topic) or type(topic) end
   local exact = native.usage(topic)
   if #exact > 0 and not topic:find('^torch%.%l') then return table.concat(exact, '\n') end
   local lines = forms(topic:match('[%w_]+$') or topic)
   local outside = topic:find('%.') and not topic:find('^torch%.')
   if #lines > 0 and not outside then return table.concat(lines, '\n') end
   local v = value_of(topic)
   if type(v) == 'function' then return written_in_lua(topic, v) end
   local class = torch.getmetatable(topic)
   if class then
      local text = topic .. ': ' .. table.concat(methods_of(class), ' ')
      if class.__init then text = written_in_lua(topic, class.__init) .. '\n' .. text end
      return text
   end
   if type(v) == 'table' then return topic .. ': ' .. table.concat(methods_of(v), ' ') end
end

function help.show(topic)
   if topic == '' then
      print('?name shows how a function is called: ?torch.add, ?x:narrow, ?nn.Linear')
      return
   end
   print(help.text(topic) or 'nothing is known about ' .. tostring(topic))
end

return help
