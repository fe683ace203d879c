-- Penlight: maps that keep the order of their keys.
local tablex = require 'pl.tablex'
local List = require 'pl.List'
local Map = require 'pl.Map'
local class = require 'pl.class'

local OrderedMap = class(Map)
OrderedMap._name = 'OrderedMap'

-- the keys in their order; plain tables have none
local function keys_of(self, name)
   local keys = rawget(self, '_keys')
   if not keys then error('OrderedMap.' .. name .. ': an ordered map expected as self, got ' .. require('nn.expect').brief(self)) end
   return keys
end

function OrderedMap:_init(t)
   rawset(self, '_keys', List())
   if t then
      local ok, why = self:update(t)
      if not ok then error('OrderedMap: ' .. why) end
   end
end

-- a map, a list of tables with one pair each, or an ordered map
function OrderedMap:update(t)
   if type(t) ~= 'table' then return nil, 'expected a table, got a ' .. type(t) end
   if OrderedMap:class_of(t) then
      for k, v in t:iter() do self:set(k, v) end
   elseif #t > 0 then
      if type(t[1]) ~= 'table' then return nil, 'expected a list of tables, got one of ' .. type(t[1]) .. 's' end
      for _, pair in ipairs(t) do
         local k, v = next(pair)
         if not k then return nil, 'an entry of the list is empty' end
         self:set(k, v)
      end
   else
      for k, v in pairs(t) do self:set(k, v) end
   end
   return self
end

function OrderedMap:set(key, value)
   local keys, known = keys_of(self, 'set'), rawget(self, key) ~= nil
   if not known and value ~= nil then
      keys[#keys + 1] = key
   elseif known and value == nil then
      keys:remove_value(key)
   end
   rawset(self, key, value)
   return self
end
OrderedMap.__newindex = OrderedMap.set

-- a pair before this place; a key that is there moves, and without a value keeps its own
function OrderedMap:insert(place, key, value)
   local keys, old = keys_of(self, 'insert'), rawget(self, key)
   if value == nil then value = old end
   if old ~= nil then keys:remove_value(key) end
   if value ~= nil then
      keys:insert(place, key)
      rawset(self, key, value)
   end
   return self
end

function OrderedMap:keys() return keys_of(self, 'keys') end
function OrderedMap:values() return List(tablex.index_by(self, keys_of(self, 'values'))) end
function OrderedMap:sort(compare)
   keys_of(self, 'sort'):sort(compare)
   return self
end
function OrderedMap:iter()
   local keys, i = keys_of(self, 'iter'), 0
   return function()
      i = i + 1
      local key = keys[i]
      if key ~= nil then return key, self[key] end
   end
end
OrderedMap.__pairs = OrderedMap.iter
function OrderedMap.__eq(a, b)
   return a._keys == b._keys and tablex.deepcompare(a:values(), b:values())
end

function OrderedMap:__tostring()
   local parts = {}
   for i, k in ipairs(self._keys) do
      local v = self[k]
      parts[i] = tostring(k) .. '=' .. (type(v) == 'string' and '"' .. v .. '"' or tostring(v))
   end
   return '{' .. table.concat(parts, ',') .. '}'
end

require 'rekindle.takes'(OrderedMap, 'OrderedMap.', require 'rekindle.named'(OrderedMap, {
   self = 'list', t = 'list', keys = 'list',
}, {
   cast = 'c:list object:list', _init = 'self:list t:list?', setdefault = 'self:list key:value value:any',
   set = 'self:list key:value value:any', insert = 'self:list place:number key:value value:any', iter = 'self:list',
   update = 'self:list t:any',
}))

return OrderedMap
