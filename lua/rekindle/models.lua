-- Files of tensors by their names, as other programs have them: safetensors, numpy's npy and npz, PyTorch's state
-- dicts.
local native = require 'rekindle.native'
local reason = require 'rekindle.reason'
local natives, methods = native.functions.models, native.functions['models.Entries']
local models = {}

local function wrong(level, name, text, ...) error('rekindle.models.' .. name .. ': ' .. text:format(...), level + 1) end

-- Tensors by their names, and the names in the file's order.
function models.load(path)
   if type(path) ~= 'string' then wrong(2, 'load', 'expected a file name, got %s', torch.type(path)) end
   local names, tensors = natives.load(path)
   local found = {}
   for i, name in ipairs(names) do found[name] = tensors[i] end
   return found, names
end

-- Writes a list of pairs { name, tensor } in its order. The path's suffix says the format: .safetensors, .npz, .npy,
-- .pth or .pt.
function models.save(path, entries)
   if type(path) ~= 'string' or type(entries) ~= 'table' then
      wrong(2, 'save', 'expected a path and a list of pairs { name, tensor }')
   end
   if #entries == 0 and next(entries) ~= nil then
      wrong(2, 'save', "expected a list of pairs { { 'name', tensor }, ... }, got a table with the key %s", tostring(next(entries)))
   end
   local list = natives.entries()
   for i, entry in ipairs(entries) do
      if type(entry) ~= 'table' or type(entry[1]) ~= 'string' or not torch.isTensor(entry[2]) then
         wrong(2, 'save', 'entry %d: expected { name, tensor }', i)
      end
      local ok, why = pcall(methods.add, list, entry[1], entry[2])
      if not ok then
         wrong(2, 'save', 'entry %d: the name %q: %s', i, entry[1], reason(why))
      end
   end
   methods.save(list, path)
end

return models
