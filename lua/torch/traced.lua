-- The calls that compiled code makes without leaving its trace: elements, and the functions whose rows say so.
-- A function behind ffi cannot make Lua objects, so each class has a pool of blank tensors, which become the results.
-- Whatever such a function does not take goes on to the function made from the row, by a tail call, so that errors name
-- the place of the caller.
--
-- Called by the interpreter, ffi costs more than it saves. So the functions here ask whether a trace is being recorded,
-- and go on to the row's function if not. What they ask is a local that nothing assigns: LuaJIT takes its value into the
-- trace as a constant, and the trace keeps the way through ffi. The value is set from outside, by an event of the
-- compiler. Constants are taken only from functions that are made once or twice, so the source is compiled again for every
-- second function. They take `...`, which keeps LuaJIT from compiling them on their own, for callers to link to.
local native = require 'rekindle.native'
local ffi = require 'ffi'
local traced = native.traced
-- a few hundred functions are made from bytecode of this file's own, which needs no check
local load = native.raw_load
native.raw_load = nil

local function address(name, signature) return ffi.cast(signature, traced[name]) end
local entries = {
   type = type,
   select = select,
   rawget = rawget,
   -- what was done, where the result is nan
   done = ffi.new('int[1]'),
   blanks = traced.blanks,
   get = address('get', 'double (*)(const void *, double, void *, int *)'),
   set = address('set', 'bool (*)(const void *, double, double)'),
   get2 = address('get2', 'double (*)(const void *, double, double, int *)'),
   set2 = address('set2', 'bool (*)(const void *, double, double, double)'),
   call = address('call', 'double (*)(const void *, int, void *, int *, const void *, const void *, const void *,'
      .. 'const void *, const void *, double, double, double, double, double)'),
   call1 = address('call1', 'double (*)(const void *, void *, int *, const void *)'),
   call_numbers = address('call_numbers', 'double (*)(const void *, int, void *, int *, const void *, double, double,'
      .. 'double, double, double)'),
}

-- The blank tensors of each class, by its number: those up to index 0 are left.
local pools = {}

local recording = false
local function is_recording() return recording end
local setupvalue, upvaluejoin, getupvalue = debug.setupvalue, debug.upvaluejoin, debug.getupvalue
jit.attach(function(event)
   if event == 'start' then
      setupvalue(is_recording, 1, true)
      -- traces are recorded where there are blanks
      for class, pool in pairs(pools) do
         if pool[0] == 0 then pool[0] = traced.blanks(pool, class) end
      end
   elseif event == 'stop' or event == 'abort' then
      setupvalue(is_recording, 1, false)
   end
end, 'trace')

-- What makes the second function of a code that was compiled once so far.
local halves = {}

-- Makes a function: its text begins with the locals that it takes from `values`.
local function compile(code, values)
   local make = halves[code] or assert(load(code, '=torch/traced.lua'))
   halves[code] = not halves[code] and make or nil
   local f = make()
   for i = 1, 60 do
      local name = getupvalue(f, i)
      if not name then return f end
      if name == 'recording' then
         upvaluejoin(f, i, is_recording, 1)
      else
         setupvalue(f, i, values[name])
      end
   end
end

local index = [[
local recording, type, rawget, methods, element, pool, blanks, class, get, get2, done
return function(...)
   local x, k = ...
   if type(k) == 'string' then
      local method = methods[k]
      if method ~= nil then return method end
   elseif recording and type(x) == 'userdata' then
      if type(k) == 'number' then
         local left = pool[0]
         if left == 0 then
            left = blanks(pool, class)
            pool[0] = left
         end
         local made = pool[left]
         local number = get(x, k, made, done)
         if number == number then return number end
         local did = done[0]
         if did == 1 then return number end
         if did == 2 then
            pool[left], pool[0] = nil, left - 1
            return made
         end
      elseif type(k) == 'table' then
         local i, j = rawget(k, 1), rawget(k, 2)
         if type(i) == 'number' and type(j) == 'number' and rawget(k, 3) == nil then
            local number = get2(x, i, j, done)
            if number == number or done[0] == 1 then return number end
         end
      end
   end
   return element(x, k)
end]]

local newindex = [[
local recording, type, rawget, assign, set, set2
return function(...)
   local x, k, v = ...
   if recording and type(v) == 'number' and type(x) == 'userdata' then
      if type(k) == 'number' then
         if set(x, k, v) then return end
      elseif type(k) == 'table' then
         local i, j = rawget(k, 1), rawget(k, 2)
         if type(i) == 'number' and type(j) == 'number' and rawget(k, 3) == nil and set2(x, i, j, v) then return end
      end
   end
   return assign(x, k, v)
end]]

-- a function of tensors and numbers
local text = [[
local recording, type, select, row, form, least, most, pool, blanks, class, call, call1, call_numbers, done
return function(...)
   local count = select('#', ...)
   if recording and count >= least and count <= most then
      local x, a, b, c, d = ...
      local tx, ta, tb, tc, td = type(x), type(a), type(b), type(c), type(d)
      if (count < 1 or tx == 'userdata' or tx == 'number') and (count < 2 or ta == 'userdata' or ta == 'number')
         and (count < 3 or tb == 'userdata' or tb == 'number') and (count < 4 or tc == 'userdata' or tc == 'number')
         and (count < 5 or td == 'userdata' or td == 'number') then
         local left = pool[0]
         if left == 0 then
            left = blanks(pool, class)
            pool[0] = left
         end
         local made = pool[left]
         local number
         if count == 1 and tx == 'userdata' then
            number = call1(form, made, done, x)
         elseif ta ~= 'userdata' and tb ~= 'userdata' and tc ~= 'userdata' and td ~= 'userdata' then
            number = call_numbers(form, count, made, done, tx == 'userdata' and x or nil, tx == 'number' and x or 0,
               ta == 'number' and a or 0, tb == 'number' and b or 0, tc == 'number' and c or 0, td == 'number' and d or 0)
         else
            number = call(form, count, made, done,
               tx == 'userdata' and x or nil, ta == 'userdata' and a or nil, tb == 'userdata' and b or nil,
               tc == 'userdata' and c or nil, td == 'userdata' and d or nil,
               tx == 'number' and x or 0, ta == 'number' and a or 0, tb == 'number' and b or 0,
               tc == 'number' and c or 0, td == 'number' and d or 0)
         end
         if number == number then return number end
         local did = done[0]
         if did == 1 then return number end
         if did == 2 then
            pool[left], pool[0] = nil, left - 1
            return made
         end
         if did == 3 then return x end
      end
   end
   return row(...)
end]]
-- there are many of these; bytecode is read faster than text
local method = string.dump(load(text, '=torch/traced.lua'))
-- a constructor's first argument is its class
local constructor = text:gsub("select%('#', %.%.%.%)", '%0 - 1'):gsub('local x, a', 'local _, x, a')

-- Gives the metatable of a class of tensors (with its number) its traced calls, and returns the traced constructor.
return function(mt, class, make)
   pools[class] = { [0] = 0, false }
   local shared = setmetatable({
      methods = mt,
      element = native.index,
      assign = native.newindex,
      pool = pools[class],
      class = class,
   }, { __index = entries })
   mt.__index = compile(index, shared)
   mt.__newindex = compile(newindex, shared)

   local function wrap(row, code)
      local form, least, most = traced.form(row)
      if not form then return row end
      local values = { row = row, form = ffi.cast('const void *', form), least = least, most = most }
      return compile(code, setmetatable(values, { __index = shared }))
   end
   local rows = {}
   for name, row in pairs(mt) do
      if type(row) == 'function' then rows[name] = row end
   end
   for name, row in pairs(rows) do mt[name] = wrap(row, method) end
   return wrap(make, constructor)
end
