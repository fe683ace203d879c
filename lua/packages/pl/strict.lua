-- Penlight: globals and members of packages have to be there before they are read.
local strict = {}

local function what()
   local info = debug.getinfo(3, 'S')
   return info and info.what or 'C'
end

-- makes a table strict; `declared` are names that may be read before they are set
function strict.module(name, t, declared)
   t = t or {}
   local own = debug.getmetatable(t)
   if type(t) ~= 'table' then error("argument 2 expected a 'table', got a '" .. type(t) .. "'", 2) end
   local mt = own or {}
   debug.setmetatable(t, mt)
   declared = declared or {}
   local index, newindex = mt.__index, mt.__newindex
   -- a nil that somebody assigned counts as declared
   mt.__newindex = function(into, key, value)
      if name ~= nil and not declared[key] and strict.enforced == into then
         local where = what()
         if where ~= 'main' and where ~= 'C' then error("assign to undeclared global '" .. tostring(key) .. "'", 2) end
      end
      declared[key] = true
      if type(newindex) == 'function' then newindex(into, key, value) else rawset(into, key, value) end
   end
   mt.__index = function(from, key)
      if type(index) == 'function' then
         local value = index(from, key)
         if value ~= nil then return value end
      elseif type(index) == 'table' and index[key] ~= nil then
         return index[key]
      end
      if declared[key] then return nil end
      if strict.enforced == from then error("variable '" .. tostring(key) .. "' is not declared", 2) end
      error("variable '" .. tostring(key) .. "' is not declared in '" .. tostring(name) .. "'", 2)
   end
   mt.__declared = declared
   return t
end

-- all packages that are members of a table
function strict.make_all_strict(t)
   for name, member in pairs(t) do
      if type(member) == 'table' and member ~= t and getmetatable(member) == nil then strict.module(name, member) end
   end
end

-- a strict table that gets what is set in another
function strict.closed_module(t, name)
   local M = {}
   t = t or {}
   local mt = getmetatable(t) or {}
   setmetatable(t, mt)
   mt.__newindex = function(_, key, value) M[key] = value end
   return strict.module(name, M)
end

strict.enforced = _G
strict.module('_G', _G, { _PROMPT = true, _PROMPT2 = true, __global = true })

require 'rekindle.takes'(strict, 'strict.', { make_all_strict = 't:list', closed_module = 't:list?' })

return strict
