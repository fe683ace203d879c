-- Modules that pass their input on in another type or another place in memory: a graph has one type.
local layers = require 'rekindle.export.layers'

layers.declare({ 'Copy', 'Contiguous' }, function(g, m, x)
   if m.outtype == 'torch.LongTensor' then return g:cast(x, 'int64') end
   if m.outtype and not m.outtype:find('Float') and not m.outtype:find('Double') then
      g:cannot('it makes a %s', m.outtype)
   end
   if m.outtype then return g:cast(x, 'float') end
   g:torch 'nn.Identity()'
   return x
end)
