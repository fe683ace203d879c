-- Files for Python, and those that Python wrote: th interchange.lua write|read DIR FORMATS. Run by
-- tests/interchange.rs.
require 'nn'
local models = require 'rekindle.models'
local step, dir, formats = arg[1], arg[2], arg[3]

local function each(f) for format in formats:gmatch '[^,]+' do f(format, dir .. '/th.' .. format, dir .. '/py.' .. format) end end

local base = torch.range(1, 24):view(2, 3, 4)
local function entries()
   local list = { { 'base', base }, { 'turned', base:transpose(1, 3) }, { 'part', base:select(2, 2) } }
   for _, kind in ipairs { 'Byte', 'Char', 'Short', 'Int', 'Long', 'Float', 'Double' } do
      list[#list + 1] = { 'of_' .. kind:lower(), torch[kind .. 'Tensor'] { { 1, 2, 3 }, { 4, 5, 6 } } }
   end
   return list
end

if step == 'write' then
   each(function(format, path)
      if format ~= 'h5' then return models.save(path, entries()) end
      require 'hdf5'
      local file = hdf5.open(path, 'w')
      for i, entry in ipairs(entries()) do
         local options = i % 2 == 0 and hdf5.DataSetOptions():setDeflate() or nil
         file:write('/group/' .. entry[1], entry[2], options)
      end
      file:close()
   end)
else
   each(function(format, _, path)
      local found, names = models.load(path)
      assert(#names >= 4, format)
      local prefix = format == 'h5' and 'group/' or ''
      local function same(name, wanted)
         local tensor = found[prefix .. name]
         assert(tensor, format .. ' has no ' .. name .. ': ' .. table.concat(names, ' '))
         assert(tensor:nElement() == wanted:nElement(), format .. ' ' .. name)
         local distance = (tensor:double():contiguous():view(-1) - wanted:double():contiguous():view(-1)):abs():max()
         assert(distance == 0, format .. ' ' .. name .. ' differs by ' .. distance)
      end
      same('base', base)
      same('turned', base:transpose(1, 3))
      same('int', torch.range(0, 5))
      same('float', torch.range(0, 5))
      same('bool', torch.Tensor { 1, 0 })
      if format == 'pth' then
         local old = models.load(path .. '.old')
         assert((old['state.turned']:double() - base:transpose(1, 3)):abs():max() == 0)
         local net = nn.Sequential():add(nn.Linear(4, 3)):add(nn.BatchNormalization(3)):add(nn.Linear(3, 2)):float()
         net:loadStateDict(path .. '.module')
         net:evaluate()
         local output = models.load(path .. '.output').output
         assert((net:forward(torch.ones(1, 4):float()) - output):abs():max() < 1e-6)
      end
   end)
end
