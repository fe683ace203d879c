-- Penlight: maps to lists of values.
local utils = require 'pl.utils'
local class = require 'pl.class'
local List = require 'pl.List'
local Map = require 'pl.Map'

local MultiMap = class(Map, nil, utils.stdmt.MultiMap)
MultiMap._name = 'MultiMap'

function MultiMap:_init(t)
   if t then self:update(t) end
end
function MultiMap:update(t)
   if Map:class_of(t) then
      for k, v in pairs(t) do self[k] = List():append(v) end
   else
      for k, v in pairs(t) do self[k] = List { v } end
   end
   return self
end
-- one more value of a key
function MultiMap:set(key, value)
   if value == nil then
      self[key] = nil
   else
      self[key] = self[key] or List()
      self[key]:append(value)
   end
end

require 'rekindle.takes'(MultiMap, 'MultiMap.', require 'rekindle.named'(MultiMap, {
   self = 'list', t = 'list', keys = 'list',
}, {
   cast = 'c:list object:list', _init = 'self:list t:list?', setdefault = 'self:list key:value value:any',
   set = 'self:list key:value value:any',
}))

return MultiMap
