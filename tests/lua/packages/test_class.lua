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

assert(require('env').type(torch.Tensor()) == 'torch.DoubleTensor')
local c = require 'trepl.colorize'
assert(c.red 'x' == '\27[0;31mx\27[0m' and c.Blue 'y' == '\27[1;34my\27[0m' and require('trepl').colorize == c)
print('all as it should be')
