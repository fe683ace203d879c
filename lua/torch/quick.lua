-- The calls that compiled code makes without leaving its trace: elements, views made by numbers, tensors made by sizes.
-- A function behind ffi cannot make Lua objects, so each element type has a pool of blank tensors, which become the
-- results. Whatever such a function does not take goes on to the function made from the row, by a tail call, so that
-- errors name the place of the caller.
local native = require 'rekindle.native'
local ffi = require 'ffi'
local select, type, rawget = select, type, rawget

local function address(name, signature) return ffi.cast(signature, native.quick[name]) end
-- Numbers come back as the result and only what was done through memory: LuaJIT may put off reading memory until a
-- value is used, past the next call that writes there.
local get = address('get', 'double (*)(const void *, double, int *, void *)')
local set = address('set', 'bool (*)(const void *, double, double)')
local get2 = address('get2', 'double (*)(const void *, double, double, int *)')
local set2 = address('set2', 'bool (*)(const void *, double, double, double)')
local narrow = address('narrow', 'int (*)(const void *, void *, double, double, double)')
local select_at = address('select', 'int (*)(const void *, void *, double, double)')
local new = address('new', 'int (*)(void *, double, double, double, double)')
local number = address('number', 'double (*)(const void *, const void *, int *)')
local blanks, form = native.quick.blanks, native.quick.form
local done = ffi.new('int[1]')
local NUMBER, MADE = 1, 2

-- Gives the metatable of an element type (with its number) its quick accesses, and returns the quick constructor.
return function(mt, which, make)
   local element, assign = native.index, native.newindex
   local pool, left = {}, 0

   -- the blank that comes next: it stays in the pool until it has become a result
   local function blank()
      if left == 0 then left = blanks(pool, which) end
      return pool[left]
   end

   -- takes it, once it has been asked for
   local function take()
      local made = pool[left]
      pool[left] = nil
      left = left - 1
      return made
   end

   mt.__index = function(x, k)
      if type(x) ~= 'userdata' then return element(x, k) end
      if type(k) == 'number' then
         local number = get(x, k, done, blank())
         local did = done[0]
         if did == NUMBER then return number end
         if did == MADE then return take() end
         return element(x, k)
      elseif type(k) == 'table' then
         local i, j = rawget(k, 1), rawget(k, 2)
         if type(i) == 'number' and type(j) == 'number' and rawget(k, 3) == nil then
            local number = get2(x, i, j, done)
            if done[0] == NUMBER then return number end
         end
         return element(x, k)
      end
      local m = mt[k]
      if m ~= nil then return m end
      return element(x, k)
   end

   mt.__newindex = function(x, k, v)
      if type(v) == 'number' and type(x) == 'userdata' then
         if type(k) == 'number' then
            if set(x, k, v) then return end
         elseif type(k) == 'table' then
            local i, j = rawget(k, 1), rawget(k, 2)
            if type(i) == 'number' and type(j) == 'number' and rawget(k, 3) == nil and set2(x, i, j, v) then return end
         end
      end
      return assign(x, k, v)
   end

   local narrow_row, select_row = mt.narrow, mt.select
   function mt.narrow(x, ...)
      if select('#', ...) == 3 and type(x) == 'userdata' then
         local d, first, n = ...
         if type(d) == 'number' and type(first) == 'number' and type(n) == 'number' then
            if narrow(x, blank(), d, first, n) == MADE then return take() end
         end
      end
      return narrow_row(x, ...)
   end

   function mt.select(x, ...)
      if select('#', ...) == 2 and type(x) == 'userdata' then
         local d, i = ...
         if type(d) == 'number' and type(i) == 'number' then
            if select_at(x, blank(), d, i) == MADE then return take() end
         end
      end
      return select_row(x, ...)
   end

   -- reductions of all elements
   for _, name in ipairs { 'sum', 'mean', 'max', 'min' } do
      local row = mt[name]
      local address = row and form(row)
      if address then
         local which = ffi.cast('const void *', address)
         mt[name] = function(...)
            local x = ...
            if select('#', ...) == 1 and type(x) == 'userdata' then
               local n = number(which, x, done)
               if done[0] == NUMBER then return n end
            end
            return row(...)
         end
      end
   end

   return function(class, ...)
      local count = select('#', ...)
      if count == 0 then
         blank()
         return take()
      elseif count <= 4 then
         local a, b, c, d = ...
         if type(a) == 'number' and (count < 2 or type(b) == 'number') and (count < 3 or type(c) == 'number')
            and (count < 4 or type(d) == 'number') then
            if new(blank(), a, b or 0, c or 0, d or 0) == MADE then return take() end
         end
      end
      return make(class, ...)
   end
end
