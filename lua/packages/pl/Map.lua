-- Penlight: tables with methods.
local utils = require 'pl.utils'
local tablex = require 'pl.tablex'
local class = require 'pl.class'
local List = require 'pl.List'

local Map = utils.stdmt.Map
class(nil, nil, Map)
Map._name = 'Map'

function Map:_init(t)
   if getmetatable(t) == require 'pl.Set' then
      for _, v in ipairs(t:values()) do self[v] = true end
   elseif t then
      self:update(t)
   end
end

Map.keys = tablex.keys
Map.values = tablex.values
function Map:iter() return pairs(self) end
-- pairs of keys and values, by the keys
function Map:items()
   local items = List(tablex.pairmap(function(k, v) return List { k, v } end, self))
   return items:sort(function(a, b) return tostring(a[1]) < tostring(b[1]) end)
end
function Map:setdefault(key, value)
   local old = self[key]
   if old ~= nil then return old end
   self:set(key, value)
   return value
end
function Map:len() return tablex.size(self) end
function Map:set(key, value) self[key] = value end
function Map:get(key) return rawget(self, key) end
function Map:getvalues(keys)
   local values = List()
   for _, k in ipairs(keys) do values:append(self[k]) end
   return values
end
function Map:update(t)
   for k, v in pairs(t) do self[k] = v end
   return self
end
function Map.__eq(a, b) return tablex.deepcompare(a, b, true) end
function Map:__tostring() return require('pl.pretty').write(self, '') end

require 'rekindle.takes'(Map, 'Map.', require 'rekindle.named'(Map, {
   self = 'list', t = 'list', keys = 'list',
}, {
   cast = 'c:list object:list', _init = 'self:list t:list?', setdefault = 'self:list key:value value:any',
   set = 'self:list key:value value:any',
}))

return Map
