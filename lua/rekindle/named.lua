-- What functions take, told by the names of their parameters, in the words of rekindle.takes:
--
--   takes(stringx, 'stringx.', named(stringx, { s = 'string', n = 'number?' }, { at = 's:string index:number' }))
--
-- Names without a kind take anything; a function with words of its own takes what these say.
local signatures = require 'rekindle.signatures'

return function(functions, kinds, own)
   local specs = {}
   for name, f in pairs(functions) do
      if type(f) == 'function' and type(name) == 'string' then
         local words, told = {}, false
         for i, parameter in ipairs(signatures.of(f)) do
            words[i] = parameter .. ':' .. (kinds[parameter] or 'any')
            told = told or kinds[parameter] ~= nil
         end
         specs[name] = own and own[name] or told and table.concat(words, ' ') or nil
      end
   end
   return specs
end
