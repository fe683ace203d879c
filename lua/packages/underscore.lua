-- Package underscore: functions on lists, tables and functions, by the interface of underscore.lua. A list is an array, or a
-- function that gives one value per call; functions that are called for each element get the element alone.
local moses, elements = require 'moses', require 'moses.elements'
local brief = require('nn.expect').brief
local takes, named = require 'rekindle.takes', require 'rekindle.named'

-- ---- lists ----

local function iter(list)
   if type(list) == 'function' then return list end
   local i = 0
   return function()
      i = i + 1
      return list[i]
   end
end

local function identity(value) return value end

local funcs = { keys = moses.keys, values = moses.values, is_empty = function(obj) return next(obj) == nil end }

function funcs.each(list, func)
   for v in iter(list) do func(v) end
   return list
end
function funcs.reduce(list, memo, func)
   for v in iter(list) do memo = func(memo, v) end
   return memo
end
function funcs.map(list, func)
   local result = {}
   for v in iter(list) do result[#result + 1] = func(v) end
   return result
end
function funcs.to_array(list) return funcs.map(list, identity) end

function funcs.detect(list, func)
   for v in iter(list) do
      if func(v) then return v end
   end
end
function funcs.select(list, func)
   local result = {}
   for v in iter(list) do
      if func(v) then result[#result + 1] = v end
   end
   return result
end
function funcs.reject(list, func) return funcs.select(list, function(v) return not func(v) end) end

function funcs.any(list, func)
   func = func or identity
   for v in iter(list) do
      if func(v) then return true end
   end
   return false
end
function funcs.all(list, func)
   func = func or identity
   return not funcs.any(list, function(v) return not func(v) end)
end
function funcs.include(list, value) return funcs.any(list, function(v) return v == value end) end

function funcs.invoke(list, function_name, ...)
   for v in iter(list) do
      local method = elements.fields('underscore.invoke', v)[function_name]
      if method == nil then
         error(string.format("underscore.invoke: elements with a method '%s' expected, got %s", tostring(function_name), brief(v)))
      end
      method(v, ...)
   end
   return list
end
function funcs.pluck(list, property)
   return funcs.map(list, function(v) return elements.fields('underscore.pluck', v)[property] end)
end

-- the element for which func gives the most, where better(a, b) says that a is more
local function extreme(list, func, better)
   local best, most
   for v in iter(list) do
      local value = (func or identity)(v)
      if best == nil or better(value, most) then best, most = v, value end
   end
   return best
end
local below, above = elements.order 'underscore.min', elements.order 'underscore.max'
function funcs.min(list, func) return extreme(list, func, below) end
function funcs.max(list, func) return extreme(list, func, function(a, b) return above(b, a) end) end

function funcs.reverse(list)
   local array = funcs.to_array(list)
   local n = #array
   for i = 1, math.floor(n / 2) do array[i], array[n + 1 - i] = array[n + 1 - i], array[i] end
   return array
end
-- An array is sorted in place.
function funcs.sort(list, comparison)
   local array = type(list) == 'function' and funcs.to_array(list) or list
   table.sort(array, comparison or elements.order 'underscore.sort')
   return array
end

-- ---- arrays ----

function funcs.slice(array, start, length)
   local result = {}
   for i = math.max(start, 1), math.min(start + length - 1, #array) do result[#result + 1] = array[i] end
   return result
end
function funcs.first(array, n)
   if n == nil then return array[1] end
   return funcs.slice(array, 1, n)
end
function funcs.rest(array, index)
   index = index or 2
   return funcs.slice(array, index, #array - index + 1)
end

local function flatten(list, into)
   for v in iter(list) do
      if type(v) == 'table' then flatten(v, into) else into[#into + 1] = v end
   end
   return into
end
function funcs.flatten(list) return flatten(list, {}) end

function funcs.push(array, item)
   array[#array + 1] = item
   return array
end
function funcs.pop(array) return table.remove(array) end
function funcs.shift(array) return table.remove(array, 1) end
function funcs.unshift(array, item)
   table.insert(array, 1, item)
   return array
end
function funcs.join(array, separator) return moses.concat(array, separator or '') end

-- ---- tables and functions ----

function funcs.extend(destination, source) return moses.extend(destination, source) end
function funcs.is_equal(one, other, ignore_mt) return moses.isEqual(one, other, not ignore_mt) end

function funcs.compose(...) return moses.compose(...) end
function funcs.wrap(func, wrapper)
   return function(...) return wrapper(func, ...) end
end
function funcs.curry(func, argument)
   return function(...) return func(argument, ...) end
end

takes(funcs, 'underscore.', named(funcs, {
   list = 'list|function', array = 'list', obj = 'list', object = 'list', func = 'function', wrapper = 'function', start = 'number',
   length = 'number', n = 'number?', index = 'number?', comparison = 'function?', separator = 'text?', property = 'value',
   function_name = 'value', destination = 'list', source = 'list',
}, {
   any = 'list:list|function func:function?', all = 'list:list|function func:function?',
   min = 'list:list|function func:function?', max = 'list:list|function func:function?', compose = '...:function',
}))

for name, others in pairs {
   each = 'for_each', map = 'collect', reduce = 'inject foldl', select = 'filter', all = 'every', any = 'some', first = 'head',
   rest = 'tail',
} do
   for other in others:gmatch '%S+' do funcs[other] = funcs[name] end
end

-- ---- values that have the functions as methods, and chains of them ----

local Underscore = { funcs = funcs, identity = identity, iter = iter }
local methods = { __index = Underscore }
local function new(value, chained) return setmetatable({ _val = value, chained = chained or false }, methods) end
function methods.__call(_self, value) return new(value) end

function Underscore.chain(list)
   if getmetatable(list) ~= methods then return new(list, true) end
   list.chained = true
   return list
end
function Underscore.value(chained)
   if getmetatable(chained) ~= methods then error('underscore.value: a chain expected, got ' .. brief(chained)) end
   return chained._val
end

-- Whole numbers as a value to go on with, given one at a time.
function Underscore.range(first, last, step)
   if last == nil then first, last = 1, first end
   step = step or 1
   if step == 0 then error 'underscore.range: step should not be 0' end
   local at = first - step
   return new(function()
      if step > 0 and at + step > last or step < 0 and at + step < last then return nil end
      at = at + step
      return at
   end)
end
function Underscore.functions() return moses.keys(funcs) end

local static = { range = 'first:number last:number? step:number?', iter = 'list:list|function' }
takes(Underscore, 'underscore.', static)
Underscore.methods = Underscore.functions

for name, f in pairs(funcs) do
   Underscore[name] = function(value, ...)
      if getmetatable(value) ~= methods then return f(value, ...) end
      if not value.chained then return f(value._val, ...) end
      return new(f(value._val, ...), true)
   end
end

return setmetatable(Underscore, { __call = methods.__call })
