-- Penlight: its modules as members of a table, loaded when they are asked for.
local names = {}
for name in ([[utils path dir tablex stringio sip input seq lexer stringx config pretty data func text operator lapp
   array2d comprehension xml types test app file class List Map Set OrderedMap MultiMap Date url permute template
   strict compat]]):gmatch '%w+' do names[name] = true end

return function(env)
   env = env or {}
   local mt = getmetatable(env)
   if not mt then
      mt = {}
      setmetatable(env, mt)
   end
   local before = mt.__index
   if mt.__penlight then return env end
   mt.__penlight = true
   mt.__index = function(t, name)
      if names[name] then
         local ok, module = pcall(require, 'pl.' .. name)
         if ok then
            rawset(t, name, module)
            return module
         end
      end
      if type(before) == 'function' then return before(t, name) end
      if before then return before[name] end
   end
   return env
end
