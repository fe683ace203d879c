-- Functions of package moses on objects, and questions about values.
return function(_)
   function _.keys(object)
      local keys = {}
      for k in pairs(object) do keys[#keys + 1] = k end
      return keys
   end
   function _.values(object)
      local values = {}
      for _k, v in pairs(object) do values[#values + 1] = v end
      return values
   end
   function _.kvpairs(object)
      local list = {}
      for k, v in pairs(object) do list[#list + 1] = { k, v } end
      return list
   end
   function _.toObj(kvpairs)
      local object = {}
      for _i, pair in ipairs(kvpairs) do
         if type(pair) ~= 'table' or pair[1] == nil then error 'moses.toObj: pairs of a key and a value expected' end
         object[pair[1]] = pair[2]
      end
      return object
   end
   function _.property(key) return function(object) return object[key] end end
   function _.propertyOf(object) return function(key) return object[key] end end
   function _.toBoolean(value) return not not value end

   function _.extend(destination, ...)
      for _i, source in ipairs { ... } do
         if type(source) == 'table' then
            for k, v in pairs(source) do destination[k] = v end
         end
      end
      return destination
   end

   -- names of functions, those of the metatables' `__index` included if recurseMt is true
   function _.functions(object, recurseMt)
      local names = {}
      for k, v in pairs(object) do
         if type(v) == 'function' then names[#names + 1] = k end
      end
      local mt = recurseMt and getmetatable(object)
      if mt and type(mt.__index) == 'table' then
         for _i, name in ipairs(_.functions(mt.__index, recurseMt)) do names[#names + 1] = name end
      end
      table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
      return names
   end

   function _.clone(object, shallow)
      if type(object) ~= 'table' then return object end
      local copy = {}
      for k, v in pairs(object) do
         if type(v) == 'table' and not shallow then copy[k] = _.clone(v, shallow) else copy[k] = v end
      end
      return copy
   end
   function _.tap(object, f, ...)
      f(object, ...)
      return object
   end
   function _.has(object, key) return object[key] ~= nil end

   function _.pick(object, ...)
      local result = {}
      for _i, key in ipairs(_.flatten { ... }) do result[key] = object[key] end
      return result
   end
   function _.omit(object, ...)
      local result = _.clone(object, true)
      for _i, key in ipairs(_.flatten { ... }) do result[key] = nil end
      return result
   end
   function _.template(object, template)
      for k, v in pairs(template or {}) do
         if not object[k] then object[k] = v end
      end
      return object
   end
   function _.result(object, method, ...)
      local member = object[method]
      if member ~= nil then
         if _.isCallable(member) then return member(object, ...) end
         return member
      end
      if _.isCallable(method) then return method(object, ...) end
   end

   -- by values; with useMt a metatable's __eq decides
   function _.isEqual(a, b, useMt)
      if type(a) ~= type(b) then return false end
      if type(a) ~= 'table' or rawequal(a, b) then return a == b end
      local one, other = getmetatable(a), getmetatable(b)
      if useMt and (one and one.__eq or other and other.__eq) then
         return one and one.__eq and one.__eq(a, b) or other and other.__eq and other.__eq(b, a) or a == b
      end
      for k, v in pairs(a) do
         if b[k] == nil or not _.isEqual(v, b[k], useMt) then return false end
      end
      for k in pairs(b) do
         if a[k] == nil then return false end
      end
      return true
   end

   function _.isTable(x) return type(x) == 'table' end
   function _.isString(x) return type(x) == 'string' end
   function _.isFunction(x) return type(x) == 'function' end
   function _.isNil(x) return x == nil end
   function _.isNumber(x) return type(x) == 'number' end
   function _.isBoolean(x) return type(x) == 'boolean' end
   function _.isNaN(x) return type(x) == 'number' and x ~= x end
   function _.isFinite(x) return type(x) == 'number' and x > -math.huge and x < math.huge end
   function _.isInteger(x) return type(x) == 'number' and math.floor(x) == x end
   function _.isCallable(x)
      local mt = type(x) == 'table' and getmetatable(x)
      return type(x) == 'function' or (mt and mt.__call ~= nil or false)
   end
   function _.isArray(x)
      if type(x) ~= 'table' then return false end
      local n = 0
      for _k in pairs(x) do
         n = n + 1
         if x[n] == nil then return false end
      end
      return true
   end
   function _.isIterable(x) return (pcall(pairs, x)) end
   function _.isEmpty(x)
      if type(x) == 'string' then return #x == 0 end
      if type(x) == 'table' then return next(x) == nil end
      return true
   end
end
