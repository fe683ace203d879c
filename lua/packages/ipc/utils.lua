-- Goes through nested tables in the order of their keys, the same everywhere, and puts what f gives in an entry's place.
local function walkTable(t, f)
   local keys = {}
   for key in pairs(t) do keys[#keys + 1] = key end
   table.sort(keys, function(a, b)
      if type(a) ~= type(b) then return type(a) == 'number' end
      return a < b
   end)
   for _, key in ipairs(keys) do
      local value = t[key]
      if type(value) == 'table' and not torch.typename(value) then
         walkTable(value, f)
      else
         local new = f(value)
         if new ~= nil then t[key] = new end
      end
   end
end

return { walkTable = walkTable }
