-- Penlight: sets, with + - * ^ < and == as operators.
local utils = require 'pl.utils'
local tablex = require 'pl.tablex'
local class = require 'pl.class'
local List = require 'pl.List'
local Map = require 'pl.Map'

local Set = class(Map, nil, utils.stdmt.Set)
Set._name = 'Set'

function Set:_init(t)
   t = t or {}
   if getmetatable(t) == Set or getmetatable(t) == Map then
      for k in pairs(t) do self[k] = true end
   else
      for _, v in ipairs(t) do self[v] = true end
   end
end

local function is_set(t) return type(t) == 'table' and getmetatable(t) == Set end
local function as_set(v) return is_set(v) and v or Set { v } end

function Set:__tostring() return '[' .. List(tablex.keys(self)):join(',') .. ']' end
function Set.values(self) return List(tablex.keys(self)) end
Set.keys = nil

function Set.map(self, f, ...)
   f = utils.function_arg(1, f)
   local result = {}
   for k in pairs(self) do
      local key = f(k, ...)
      if key == nil then error 'Set.map: elements expected from the function, got nothing' end
      result[key] = true
   end
   return setmetatable(result, Set)
end
function Set.union(a, b) return tablex.merge(a, as_set(b), true) end
function Set.intersection(a, b) return tablex.merge(a, b, false) end
function Set.difference(a, b) return tablex.difference(a, as_set(b), false) end
function Set.symmetric_difference(a, b) return tablex.difference(a, b, true) end
Set.__add, Set.__mul, Set.__sub, Set.__pow = Set.union, Set.intersection, Set.difference, Set.symmetric_difference

function Set.issubset(a, b)
   for k in pairs(a) do
      if not b[k] then return false end
   end
   return true
end
Set.__lt = Set.issubset
function Set.isempty(self) return next(self) == nil end
function Set.isdisjoint(a, b) return Set.isempty(Set.intersection(a, b)) end
Set.len = tablex.size
Set.__len = Set.len
function Set.__eq(a, b) return Set.issubset(a, b) and Set.issubset(b, a) end

require 'rekindle.takes'(Set, 'Set.', require 'rekindle.named'(Set, {
   self = 'list', t = 'list', keys = 'list', a = 'list',
}, {
   cast = 'c:list object:list', _init = 'self:list t:list?', issubset = 'a:list b:list', __lt = 'a:list b:list',
   __eq = 'a:list b:list', intersection = 'a:list b:list', symmetric_difference = 'a:list b:list',
   isdisjoint = 'a:list b:list', set = 'self:list key:value value:any', __add = 'a:any b:any', __sub = 'a:any b:any',
   union = 'a:list b:any', difference = 'a:list b:any', __mul = 'a:list b:list', __pow = 'a:list b:list',
}))

return Set
