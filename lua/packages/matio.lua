-- Package matio: MATLAB's files of version 5.
local natives = require('rekindle.native').functions.models
local models = require 'rekindle.models'
local reason = require 'rekindle.reason'
local matio = {}

-- whether arrays of characters are Lua's strings; otherwise they are CharTensors
matio.use_lua_strings = false

local function value_of(v, tensors)
   if v.tensor then return tensors[v.tensor]
   elseif v.text then
      if matio.use_lua_strings then return v.text end
      if #v.text == 0 then return torch.CharTensor() end
      local text = torch.CharTensor(torch.CharStorage():string(v.text))
      local rows = v.sizes[1] or 1
      return text:nElement() % rows == 0 and text:view(rows, -1) or text
   elseif v.list then
      local list = {}
      for i, member in ipairs(v.list) do list[i] = value_of(member, tensors) end
      return list
   elseif v.fields then
      local fields = {}
      for name, member in pairs(v.fields) do fields[name] = value_of(member, tensors) end
      return fields
   end
   io.stderr:write('matio: ' .. tostring(v.other) .. ' cannot be loaded\n')
   return nil
end

-- All variables by their names; with a name that one, with a list of names those.
function matio.load(path, names)
   if type(path) ~= 'string' then error('matio.load: expected a file name, got ' .. torch.type(path), 2) end
   local ok, values, tensors = pcall(natives.loadMat, path)
   if not ok then error('matio.load: ' .. reason(values), 2) end
   if type(names) == 'string' then
      if not values[names] then error('matio.load: <' .. path .. "> has no variable '" .. names .. "'", 2) end
      return value_of(values[names], tensors)
   end
   local found = {}
   for name, value in pairs(values) do
      local wanted = type(names) ~= 'table'
      for _, n in ipairs(type(names) == 'table' and names or {}) do wanted = wanted or n == name end
      if wanted then found[name] = value_of(value, tensors) end
   end
   return found
end

-- Writes a tensor as the variable x, or a table of tensors by their names.
function matio.save(path, data)
   if type(path) ~= 'string' then error('matio.save: expected a file name, got ' .. torch.type(path), 2) end
   if torch.isTensor(data) then data = { x = data } end
   if type(data) ~= 'table' then error('matio.save: expected a tensor or a table of tensors, got ' .. torch.type(data), 2) end
   local names, entries = {}, {}
   for name, value in pairs(data) do
      if type(name) ~= 'string' or not torch.isTensor(value) then
         error('matio.save: ' .. tostring(name) .. ': expected a tensor under a name, got ' .. torch.type(value), 2)
      end
      names[#names + 1] = name
   end
   table.sort(names)
   for i, name in ipairs(names) do entries[i] = { name, data[name] } end
   if not path:find '%.mat$' then error('matio.save: expected a name that ends in .mat, got ' .. path, 2) end
   models.save(path, entries)
end

return matio
