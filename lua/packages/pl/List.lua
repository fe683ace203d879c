-- Penlight: lists with the methods of Python's.
local utils = require 'pl.utils'
local tablex = require 'pl.tablex'
local class = require 'pl.class'
local function_arg = utils.function_arg

local List = utils.stdmt.List
class(nil, nil, List)
List._name = 'List'

-- a list of the same class
local function like(list, t) return setmetatable(t, getmetatable(list)) end

local function iterated(source)
   local t = {}
   for v in source do t[#t + 1] = v end
   return t
end

-- a table becomes the list itself; another list, a text or an iterator is copied
function List._create(source)
   if type(source) == 'table' then
      if getmetatable(source) == nil then return source end
      local t = {}
      for i = 1, #source do t[i] = source[i] end
      return t
   elseif type(source) == 'function' then return iterated(source)
   elseif type(source) == 'string' then
      local t = {}
      for i = 1, #source do t[i] = source:sub(i, i) end
      return t
   end
end

function List:clone()
   local copy = {}
   for i = 1, #self do copy[i] = self[i] end
   return like(self, copy)
end
function List.new(source) return List(source) end
function List.default(value) return value == nil and List() or value end

function List:append(value)
   self[#self + 1] = value
   return self
end
List.push = List.append

function List:extend(other)
   utils.assert_arg(1, other, 'table')
   for i = 1, #other do self[#self + 1] = other[i] end
   return self
end
function List:insert(at, value)
   utils.assert_arg(1, at, 'number')
   table.insert(self, at, value)
   return self
end
function List:put(value) return List.insert(self, 1, value) end
function List:remove(at)
   utils.assert_arg(1, at, 'number')
   table.remove(self, at)
   return self
end
function List:remove_value(value)
   local i = List.index(self, value)
   if i then table.remove(self, i) end
   return self
end
function List:pop(at)
   if not at then at = #self end
   return table.remove(self, at)
end
function List:get(i) return self[i] end
function List:contains(value) return tablex.find(self, value) ~= nil end
List.index = tablex.find
function List:count(value)
   local n = 0
   for i = 1, #self do
      if self[i] == value then n = n + 1 end
   end
   return n
end

function List:sort(compare)
   local given = compare and function_arg(1, compare)
   -- table.sort takes no objects that can be called
   compare = type(given) == 'function' and given or given and function(a, b) return given(a, b) end
   table.sort(self, compare or utils.order 'List.sort')
   return self
end
function List:sorted(compare) return List(self):sort(compare) end
function List:reverse()
   local n = #self
   for i = 1, math.floor(n / 2) do self[i], self[n - i + 1] = self[n - i + 1], self[i] end
   return self
end
function List:minmax()
   local least, most = math.huge, -math.huge
   for i = 1, #self do
      if type(self[i]) ~= 'number' then error('List.minmax: numbers expected as elements, got a ' .. type(self[i])) end
      least, most = math.min(least, self[i]), math.max(most, self[i])
   end
   return least, most
end

function List:slice(first, last)
   local n, part = #self, {}
   first, last = first or 1, last or n
   if first < 0 then first = n + first + 1 end
   if last < 0 then last = n + last + 1 end
   for i = math.max(first, 1), math.min(last, n) do part[#part + 1] = self[i] end
   return like(self, part)
end
function List:clear()
   for i = #self, 1, -1 do self[i] = nil end
   return self
end
function List:len() return #self end

-- from 1, or from the first to the last
function List.range(first, last, step)
   if not last then first, last = 1, first end
   utils.assert_arg(1, first, 'number')
   utils.assert_arg(2, last, 'number')
   return List(tablex.range(first, last, step))
end

local function normal(self, first, last)
   local n = #self
   first = first and (first < 0 and n + first + 1 or first) or 1
   last = last and (last < 0 and n + last + 1 or last) or n
   return first, last
end
-- takes elements away
function List:chop(first, last) return tablex.removevalues(self, normal(self, first, last)) end
-- puts the elements of a list in at a place
function List:splice(at, other)
   utils.assert_arg(1, at, 'number')
   return tablex.insertvalues(self, at, other)
end
-- puts them in the place of others
function List:slice_assign(first, last, other)
   first, last = normal(self, first, last)
   if last >= first then List.chop(self, first, last) end
   return List.splice(self, first, other)
end

function List:join(separator)
   separator = separator or ''
   utils.assert_arg(1, separator, 'string')
   return table.concat(utils.array_tostring(self), separator)
end
function List:concat(separator)
   for i = 1, #self do
      if type(self[i]) ~= 'string' and type(self[i]) ~= 'number' then
         error('List.concat: texts or numbers expected as elements, got a ' .. type(self[i]) .. ' (join takes any)')
      end
   end
   return table.concat(self, separator)
end

local function quoted(value) return type(value) == 'string' and '"' .. value .. '"' or tostring(value) end
function List:__tostring() return '{' .. table.concat(utils.array_tostring(self, nil, quoted), ',') .. '}' end
function List.__concat(a, b) return List(a):clone():extend(b) end
function List.__eq(a, b)
   if #a ~= #b then return false end
   for i = 1, #a do
      if a[i] ~= b[i] then return false end
   end
   return true
end

function List:foreach(f, ...) tablex.foreachi(self, f, ...) end
local function method(object, name)
   local f = (type(object) == 'table' or type(object) == 'userdata' or type(object) == 'string') and object[name]
   if not f then error("type does not have method " .. name, 3) end
   return f
end
function List:foreachm(name, ...)
   for i = 1, #self do method(self[i], name)(self[i], ...) end
end
function List:filter(fits, argument) return like(self, tablex.filter(self, fits, argument)) end
function List:map(f, ...) return like(self, tablex.imap(f, self, ...)) end
function List:transform(f, ...)
   f = function_arg(1, f)
   for i = 1, #self do self[i] = f(self[i], ...) end
   return self
end
function List:map2(f, other, ...) return like(self, tablex.imap2(f, self, other, ...)) end
function List:mapm(name, ...)
   local result = {}
   for i = 1, #self do result[i] = method(self[i], name)(self[i], ...) end
   return like(self, result)
end
function List:reduce(f, start) return tablex.reduce(f, self, start) end

-- lists of the elements for which a function gives the same, by what it gives; nil counts as '<nil>'
function List:partition(f, ...)
   f = function_arg(1, f)
   local groups = {}
   for i = 1, #self do
      local key = f(self[i], ...)
      if key == nil then key = '<nil>' end
      groups[key] = groups[key] or List()
      groups[key]:append(self[i])
   end
   return setmetatable(groups, require 'pl.MultiMap')
end

function List:iter()
   local i = 0
   return function()
      i = i + 1
      return self[i]
   end
end

function List.split(text, separator) return List(utils.split(text, separator)) end
-- the characters of a text, the lines of a file, the elements of a list
function List.iterate(source)
   if type(source) == 'string' then
      local i = 0
      return function()
         i = i + 1
         if i <= #source then return source:sub(i, i) end
      end
   elseif type(source) == 'table' then return List.iter(source)
   elseif type(source) == 'function' then return source
   elseif io.type(source) == 'file' then return source:lines() end
   error('cannot iterate over a ' .. type(source), 2)
end

require 'rekindle.takes'(List, 'List.', require 'rekindle.named'(List, {
   self = 'list', separator = 'text?', compare = 'any',
}, {
   cast = 'c:list object:list', chop = 'self:list first:number? last:number?',
   slice = 'self:list first:number? last:number?', slice_assign = 'self:list first:number? last:number? other:list',
   index = 'self:list value:any first:number?', pop = 'self:list at:number?',
   insert = 'self:list at:number value:any', remove = 'self:list at:number', foreachm = 'self:list name:string',
   mapm = 'self:list name:string', extend = 'self:list other:list', splice = 'self:list at:number other:list',
   __concat = 'a:list b:list', __eq = 'a:list b:list', split = 'text:string separator:string?',
   range = 'first:number last:number? step:number?',
}))

return List
