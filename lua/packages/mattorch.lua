-- Package mattorch: files of MATLAB as it has them, with the dimensions of each array the other way round, because its memory is
-- taken as it lies. Package matio has them as MATLAB shows them.
local matio, reason = require 'matio', require 'rekindle.reason'
local mattorch = {}

local function reversed(value)
   if torch.isTensor(value) then
      local x = value
      for d = 1, math.floor(x:dim() / 2) do x = x:transpose(d, x:dim() + 1 - d) end
      return x:contiguous()
   end
   if torch.type(value) ~= 'table' then return value end
   local all = {}
   for key, one in pairs(value) do all[key] = reversed(one) end
   return all
end

local function guarded(name, f, ...)
   local results = { pcall(f, ...) }
   if not results[1] then
      error('mattorch.' .. name .. ': ' .. reason(results[2]):gsub('^matio%.%a+: ', ''), 3)
   end
   return results[2]
end
local function path_of(name, path)
   if type(path) ~= 'string' then error('mattorch.' .. name .. ': expected the name of a file, got ' .. torch.type(path), 3) end
end

-- The arrays of a file by their names.
function mattorch.load(path)
   path_of('load', path)
   return reversed(guarded('load', matio.load, path))
end

-- Writes a tensor, under the name x.
function mattorch.save(path, tensor)
   path_of('save', path)
   if not torch.isTensor(tensor) then
      error('mattorch.save: expected a tensor, got ' .. torch.type(tensor) .. '; saveTable takes a table of them', 2)
   end
   guarded('save', matio.save, path, { x = reversed(tensor) })
end

-- Writes the tensors in a table under their keys.
function mattorch.saveTable(path, values)
   path_of('saveTable', path)
   if torch.type(values) ~= 'table' then error('mattorch.saveTable: expected a table of tensors, got ' .. torch.type(values), 2) end
   guarded('saveTable', matio.save, path, reversed(values))
end

return mattorch
