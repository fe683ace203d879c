-- Functions of package moses on functions.
return function(_)
   function _.noop() end
   function _.identity(value) return value end
   function _.constant(value) return function() return value end end

   -- results are kept by what hash makes of the argument
   function _.memoize(f, hash)
      local results = setmetatable({}, { __mode = 'kv' })
      hash = hash or _.identity
      return function(...)
         local key = hash(...)
         local result = results[key]
         if result == nil then
            result = f(...)
            results[key] = result
         end
         return result
      end
   end

   -- ---- how often ----

   -- later calls repeat the last one that counts
   function _.before(f, count)
      local n, last = 0, {}
      return function(...)
         n = n + 1
         if n <= count then last = { n = select('#', ...), ... } end
         return f(unpack(last, 1, last.n))
      end
   end
   function _.once(f) return _.before(f, 1) end
   function _.after(f, count)
      local n = 0
      return function(...)
         n = n + 1
         if n >= count then return f(...) end
      end
   end
   function _.times(n, iter, ...)
      local results = {}
      for i = 1, n do results[i] = iter(i, ...) end
      return results
   end

   -- ---- together ----

   function _.compose(...)
      local list = _.reverse { ... }
      return function(...)
         local results = { n = select('#', ...), ... }
         for _i, f in ipairs(list) do
            local function keep(...) results = { n = select('#', ...), ... } end
            keep(f(unpack(results, 1, results.n)))
         end
         return unpack(results, 1, results.n)
      end
   end
   function _.pipe(value, ...) return _.compose(...)(value) end
   function _.complement(f) return function(...) return not f(...) end end
   function _.juxtapose(value, ...)
      local results = {}
      for i, f in ipairs { ... } do results[i] = f(value) end
      return unpack(results)
   end
   function _.wrap(f, wrapper) return function(...) return wrapper(f, ...) end end
   function _.over(...)
      local list = { ... }
      return function(...)
         local results = {}
         for i, f in ipairs(list) do results[i] = f(...) end
         return results
      end
   end
   function _.overEvery(...)
      local list = { ... }
      return function(...)
         for _i, f in ipairs(list) do
            if not f(...) then return false end
         end
         return true
      end
   end
   function _.overSome(...)
      local list = { ... }
      return function(...)
         for _i, f in ipairs(list) do
            if f(...) then return true end
         end
         return false
      end
   end
   function _.overArgs(f, ...)
      local list = { ... }
      return function(...)
         local arguments, n = { ... }, select('#', ...)
         for i = 1, math.min(n, #list) do arguments[i] = list[i](arguments[i]) end
         return f(unpack(arguments, 1, n))
      end
   end

   -- ---- arguments filled in ----

   function _.bind(f, v) return function(...) return f(v, ...) end end
   function _.bind2(f, v) return function(first, ...) return f(first, v, ...) end end
   function _.bindn(f, ...)
      local given = { ... }
      return function(...) return f(unpack(_.append(given, { ... }))) end
   end
   function _.bindAll(object, ...)
      for _i, name in ipairs { ... } do
         if object[name] then object[name] = _.bind(object[name], object) end
      end
      return object
   end
   function _.flip(f) return function(...) return f(unpack(_.reverse { ... })) end end

   -- the given arguments, with the call's first ones where a '_' stands; and what is left of the call's
   local function fill(given, arguments)
      local filled, used = {}, 0
      for i, v in ipairs(given) do
         if v == '_' then
            used = used + 1
            v = arguments[used]
         end
         filled[i] = v
      end
      return filled, _.slice(arguments, used + 1)
   end
   function _.partial(f, ...)
      local given = { ... }
      return function(...)
         local filled, rest = fill(given, { ... })
         return f(unpack(_.append(filled, rest)))
      end
   end
   function _.partialRight(f, ...)
      local given = { ... }
      return function(...)
         local filled, rest = fill(given, { ... })
         return f(unpack(_.append(rest, filled)))
      end
   end
   -- one argument a call, until there are as many as f takes
   function _.curry(f, count)
      count = count or 2
      local arguments = {}
      local function step(v)
         if count == 1 then return f(v) end
         if v ~= nil then arguments[#arguments + 1] = v end
         if #arguments < count then return step end
         local all = arguments
         arguments = {}
         return f(unpack(all))
      end
      return step
   end

   -- ---- others ----

   function _.time(f, ...)
      local start = os.clock()
      local function timed(...) return os.clock() - start, ... end
      return timed(f(...))
   end

   local ids = -1
   -- template: a format, or a function of the number and the other arguments
   function _.uniqueId(template, ...)
      ids = ids + 1
      if type(template) == 'string' then return template:format(ids) end
      if type(template) == 'function' then return template(ids, ...) end
      return ids
   end

   -- f(x), f(f(x)) ...
   function _.iterator(f, x)
      return function()
         x = f(x)
         return x
      end
   end
   function _.array(...)
      local result = {}
      for v in ... do result[#result + 1] = v end
      return result
   end
end
