-- Package npy4th: numpy's files of arrays.
local models = require 'rekindle.models'
local reason = require 'rekindle.reason'
local npy4th = {}

local function path_of(name, path)
   if type(path) ~= 'string' then error('npy4th.' .. name .. ': expected a file name, got ' .. torch.type(path), 3) end
   return path
end

-- the file must be what the name of the function says
local function checked(name, path, ending)
   path_of(name, path)
   local ok, kind = pcall(require('rekindle.native').functions.models.kind, path)
   if not ok then error('npy4th.' .. name .. ': ' .. reason(kind), 3) end
   if not kind:find(ending, 1, true) then error(string.format('npy4th.%s: <%s> is %s', name, path, kind), 3) end
end

-- the array of a .npy file
function npy4th.loadnpy(path)
   checked('loadnpy', path, '(.npy)')
   return models.load(path).array
end

-- the arrays of a .npz file by their names
function npy4th.loadnpz(path)
   checked('loadnpz', path, '(.npz)')
   return (models.load(path))
end

-- mode 'w' writes the file anew, 'a' adds to the array in it along the first dimension
function npy4th.savenpy(path, tensor, mode)
   path_of('savenpy', path)
   if not torch.isTensor(tensor) then error('npy4th.savenpy: expected a tensor, got ' .. torch.type(tensor), 2) end
   if mode ~= nil and mode ~= 'w' and mode ~= 'a' then
      error("npy4th.savenpy: expected the mode 'w' or 'a', got " .. tostring(mode), 2)
   end
   if not path:find '%.npy$' then error('npy4th.savenpy: expected a name that ends in .npy, got ' .. path, 2) end
   if mode == 'a' and io.open(path) then tensor = torch.cat(npy4th.loadnpy(path):type(tensor:type()), tensor, 1) end
   models.save(path, { { 'array', tensor } })
end

-- ours: a table of tensors as a .npz file, in the order of the names
function npy4th.savenpz(path, tensors)
   path_of('savenpz', path)
   if type(tensors) ~= 'table' then error('npy4th.savenpz: expected a table of tensors, got ' .. torch.type(tensors), 2) end
   local names, entries = {}, {}
   for name, tensor in pairs(tensors) do
      if not torch.isTensor(tensor) then
         error(string.format('npy4th.savenpz: %s: expected a tensor, got %s', tostring(name), torch.type(tensor)), 2)
      end
      names[#names + 1] = tostring(name)
   end
   table.sort(names)
   for i, name in ipairs(names) do entries[i] = { name, tensors[name] or tensors[tonumber(name)] } end
   models.save(path, entries)
end

return npy4th
