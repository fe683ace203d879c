-- Packages class, classic, env and trepl, by their documented interfaces.
local class = require 'class'
local A = class 'PackagesA'
function A:__init(x) self.x = x end
function A:get() return self.x end
function A:__tostring() return 'A of ' .. tostring(self.x) end
local B, parent = class('PackagesB', 'PackagesA')
function B:get() return 10 * parent.get(self) end
local a, b = A(1), B.new(2)
assert(a:get() == 1 and b:get() == 20 and tostring(b) == 'A of 2')
assert(class.type(b) == 'PackagesB' and class.type(3) == 'number' and class.istype(b, 'PackagesA'))
assert(not class.istype(a, 'PackagesB') and class.metatable('PackagesB').get == B.get)
assert(class.factory('PackagesA').x == nil and class.type(class.factory 'PackagesA') == 'PackagesA')
assert(not pcall(class, 'PackagesA') and not pcall(class.new, 'PackagesC', 'no such class'))

local Object = require 'classic'
local Point = Object:extend()
function Point:new(x) self.x = x or 0 end
function Point:__tostring() return 'point' end
local Rect = Point:extend()
function Rect:new(x, w)
   Rect.super.new(self, x)
   self.w = w
end
local r = Rect(1, 2)
assert(r.x == 1 and r.w == 2 and r:is(Point) and r:is(Object) and not Point():is(Rect) and tostring(r) == 'point')
local Mixin = Object:extend()
function Mixin:twice() return 2 * self.x end
Point:implement(Mixin)
assert(Rect(4):twice() == 8)

-- the classes and modules that programs for Torch7 mean by that name
do
   local classic = require 'classic'
   require 'classic.torch'
   local events = {}
   classic.addCallback(classic.events.CLASS_INIT, function(name) events[#events + 1] = name end)
   local Base = classic.class('PackagesBase')
   function Base:_init(x) self.x = x end
   function Base:get() return self.x end
   function Base:__add(y) return self.x + y end
   Base:final 'get'
   Base:mustHave 'name'
   local Child, super = classic.class('PackagesChild', 'PackagesBase')
   function Child:_init(x) super._init(self, 2 * x) end
   function Child:name() return 'child' end
   function Child.static.make() return Child(10) end
   Child.size = 3
   local c = Child(4)
   assert(c:get() == 8 and c + 1 == 9 and c:class() == Child and c:class():name() == 'PackagesChild' and Child.size == 3)
   assert(Child.make():get() == 20 and Child:isSubclassOf(Base) and Child:parent() == Base and Base:abstract())
   assert(classic.isObject(c) and classic.isClass(Child) and not classic.isObject(Child) and Child:isClassOf(c))
   assert(events[1] == 'PackagesBase' and tostring(Child) == 'classic.class<PackagesChild>')
   local function fails(pattern, f, ...)
      local ok, why = pcall(f, ...)
      assert(not ok and tostring(why):find(pattern), tostring(why))
   end
   fails('mustHave', Base, 1)
   fails('final', function() function Child:get() end end)
   fails('colon', function() classic:class('X') end)
   fails('neither', function() return Child.none end)
   fails('super', function() super:_init() end)
   local file = torch.MemoryFile('rw')
   file:writeObject { c, c }
   file:seek(1)
   local back = file:readObject()
   assert(back[1]:get() == 8 and back[1] == back[2] and torch.typename(back[1]) == 'torch.Object')
   assert(back[1]:class() == Child)
   classic.strict(c)
   fails('Strictness', function() return c.none end)
   fails('Strictness', function() c.none = 1 end)
   local module = classic.module 'packages_module'
   function module.twice(x) return 2 * x end
   package.preload['packages_module.Part'] = function(name)
      local Part = classic.class(name)
      function Part:one() return 1 end
      return Part
   end
   module:class 'Part'
   assert(module.Part():one() == 1 and require 'packages_module' == module and module.twice(2) == 4)
   fails("does not contain 'none'", function() return module.none end)
end

assert(require('env').type(torch.Tensor()) == 'torch.DoubleTensor')
local c = require 'trepl.colorize'
assert(c.red 'x' == '\27[0;31mx\27[0m' and c.Blue 'y' == '\27[1;34my\27[0m' and require('trepl').colorize == c)
print('all as it should be')
