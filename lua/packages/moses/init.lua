-- Package moses: functions on tables, arrays, functions and objects, by the interface of Moses 1.6. Functions that are
-- called for each element get the key first: f(key, value, ...).
local _ = {}

require 'moses.objects'(_)
require 'moses.tables'(_)
require 'moses.arrays'(_)
require 'moses.functions'(_)

-- What programs see says what it takes; the functions call each other without.
local takes, named = require 'rekindle.takes', require 'rekindle.named'
local public = {}
for name, f in pairs(_) do public[name] = f end
takes(public, 'moses.', named(public, {
   t = 'list', array = 'list', object = 'list', other = 'list', array2 = 'list?', kvpairs = 'list', props = 'list',
   destination = 'list', template = 'list?', f = 'function', iter = 'function', predicate = 'function', pred = 'function',
   wrapper = 'function', hash = 'function?', transform = 'function?', comp = 'function?', n = 'number?', count = 'number',
   seed = 'number?', prob = 'number', from = 'number?', start = 'number?', finish = 'number?', i = 'number?', j = 'number?',
   step = 'number?', sep = 'text?', index = 'number?',
}, {
   tap = 'object:any f:function', clone = 'object:any', nth = 'array:list index:number', interpose = 'value:any array:list',
   curry = 'f:function count:number?', sortBy = 't:list transform:any comp:function?', uniqueId = '',
   functions = 'object:list?', same = 'a:list b:list', sameKeys = 'a:list b:list',
   times = 'n:number iter:function', array = 'iterator:function', zip = '...:list',
   interleave = '...:list', range = '...:number', compose = '...:function', pipe = 'value:any ...:function',
   juxtapose = 'value:any ...:function', over = '...:function', overEvery = '...:function',
   overSome = '...:function', overArgs = 'f:function ...:function', propertyOf = 'object:list',
   rep = 'value:any n:number', reduceby = 't:list f:function state:any pred:function',
}))
_ = public

local aliases = {
   each = 'forEach', eachi = 'forEachi', cycle = 'loop', map = 'collect', reduce = 'inject foldl',
   reduceRight = 'injectr foldr', mapReduce = 'mapr', mapReduceRight = 'maprr', include = 'any some contains',
   select = 'filter', reject = 'discard', all = 'every',
   selectWhile = 'takeWhile', dropWhile = 'rejectWhile', pop = 'shift', pull = 'remove', removeRange = 'rmRange chop',
   slice = 'sub', first = 'head take', rest = 'tail', last = 'skip', difference = 'without diff',
   symmetricDifference = 'symdiff xor', unique = 'uniq', isunique = 'isuniq', zip = 'transpose', partition = 'part',
   permutation = 'perm', invert = 'mirror', concat = 'join',
   memoize = 'cache', juxtapose = 'juxt', uniqueId = 'uid', iterator = 'iter',
   functions = 'methods', extend = 'extend', pick = 'choose', omit = 'drop', template = 'defaults', isEqual = 'compare',
}
for name, others in pairs(aliases) do
   for other in others:gmatch '%S+' do _[other] = _[name] end
end

-- ---- chains: _.chain(t):map(f):value(), which _(t) begins too ----

local library = {}
for name, f in pairs(_) do library[name] = f end

local link = {}
for name, f in pairs(library) do
   link[name] = function(self, ...) return _.chain(f(self._wrapped, ...)) end
end
function link:value() return self._wrapped end
link.__index = link

function _.chain(value) return setmetatable({ _wrapped = value }, link) end
function _.value(chained)
   if type(chained) ~= 'table' then error('moses.value: a chain expected, got ' .. require('nn.expect').brief(chained)) end
   return chained._wrapped
end

-- Puts all functions into a table, the globals where none is given; what is there stays if noConflict is true.
function _.import(context, noConflict)
   if context ~= nil and type(context) ~= 'table' then
      error('moses.import: context should be a table, got ' .. require('nn.expect').brief(context))
   end
   context = context or _G
   for name, f in pairs(library) do
      if not (noConflict and rawget(context, name) ~= nil) then rawset(context, name, f) end
   end
   return context
end

-- Names of the functions of an object, or of this package.
local functions = public.functions
function _.functions(object, recurseMt) return functions(object or library, recurseMt) end
_.methods = _.functions

_._VERSION = 'Moses v1.6.1'
_._DESCRIPTION = 'Moses: utility-belt library for functional programming in Lua'

return setmetatable(_, { __call = function(_self, value) return _.chain(value) end })
