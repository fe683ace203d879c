-- Functions of package moses on tables.
local elements = require 'moses.elements'
local order, fields = elements.order, elements.fields

return function(_)
   function _.clear(t)
      for k in pairs(t) do t[k] = nil end
      return t
   end

   function _.each(t, f, ...)
      for k, v in pairs(t) do f(k, v, ...) end
   end

   -- Whole numbers as keys, from the lowest to the highest; there may be gaps.
   function _.eachi(t, f, ...)
      local keys = {}
      for k in pairs(t) do
         if _.isInteger(k) then keys[#keys + 1] = k end
      end
      table.sort(keys)
      for i = 1, #keys do f(keys[i], t[keys[i]], ...) end
   end

   function _.at(t, ...)
      local values = {}
      for _i, key in ipairs { ... } do
         if t[key] ~= nil then values[#values + 1] = t[key] end
      end
      return values
   end

   function _.count(t, value)
      if value == nil then return _.size(t) end
      return _.countf(t, function(_k, v) return _.isEqual(v, value) end)
   end

   function _.countf(t, f, ...)
      local n = 0
      for k, v in pairs(t) do
         if f(k, v, ...) then n = n + 1 end
      end
      return n
   end

   -- n times through the table, once where n is missing
   function _.cycle(t, n)
      n = n or 1
      if n <= 0 then return _.noop end
      local key, round = nil, 1
      return function()
         local value
         key, value = next(t, key)
         if key == nil and round < n then
            round = round + 1
            key, value = next(t)
         end
         return key, value
      end
   end

   -- f may give a value, or a key and a value
   function _.map(t, f, ...)
      local result = {}
      for k, v in pairs(t) do
         local first, second = f(k, v, ...)
         if second ~= nil then result[first] = second else result[k] = first end
      end
      return result
   end

   -- ---- folds ----

   local function fold(t, f, state, from_right, states)
      local keys = {}
      for k in pairs(t) do keys[#keys + 1] = k end
      local first, last, step = 1, #keys, 1
      if from_right then first, last, step = #keys, 1, -1 end
      for i = first, last, step do
         local v = t[keys[i]]
         if state == nil then state = v else state = f(state, v) end
         if states then states[#states + 1] = state end
      end
      return state
   end

   function _.reduce(t, f, state) return fold(t, f, state) end
   function _.reduceRight(t, f, state) return fold(t, f, state, true) end
   function _.reduceby(t, f, state, pred, ...) return fold(_.select(t, pred, ...), f, state) end
   function _.mapReduce(t, f, state)
      local states = {}
      fold(t, f, state, false, states)
      return states
   end
   function _.mapReduceRight(t, f, state)
      local states = {}
      fold(t, f, state, true, states)
      return states
   end

   -- ---- searches ----

   -- value: one that is looked for, or a function that says whether an element is it
   function _.detect(t, value)
      local matches = _.isFunction(value) and value or _.isEqual
      for k, v in pairs(t) do
         if matches(v, value) then return k end
      end
   end
   function _.include(t, value) return _.detect(t, value) ~= nil end

   local function has_all(v, props)
      for k, wanted in pairs(props) do
         if type(v) ~= 'table' or v[k] ~= wanted then return false end
      end
      return true
   end
   function _.where(t, props)
      local found = {}
      for _k, v in pairs(t) do
         if has_all(v, props) then found[#found + 1] = v end
      end
      return #found > 0 and found or nil
   end
   function _.findWhere(t, props)
      for _k, v in pairs(t) do
         if has_all(v, props) then return v end
      end
   end

   local function chosen(t, f, wanted, ...)
      local result = {}
      for k, v in pairs(t) do
         if (f(k, v, ...) and true or false) == wanted then
            if type(k) == 'number' then result[#result + 1] = v else result[k] = v end
         end
      end
      return result
   end
   function _.select(t, f, ...) return chosen(t, f, true, ...) end
   function _.reject(t, f, ...) return chosen(t, f, false, ...) end

   function _.all(t, f, ...)
      for k, v in pairs(t) do
         if not f(k, v, ...) then return false end
      end
      return true
   end

   function _.invoke(t, method, ...)
      local arguments, n = { ... }, select('#', ...)
      return _.map(t, function(_k, v)
         if type(v) == 'table' then
            if v[method] ~= nil then
               return _.isCallable(v[method]) and v[method](v, unpack(arguments, 1, n)) or v[method]
            end
            return _.isCallable(method) and method(v, unpack(arguments, 1, n)) or nil
         end
         return _.isCallable(method) and method(v, unpack(arguments, 1, n)) or nil
      end)
   end

   function _.pluck(t, key)
      local values = {}
      for _k, v in pairs(t) do
         local value = fields('moses.pluck', v)[key]
         if value ~= nil then values[#values + 1] = value end
      end
      return values
   end

   -- ---- orders ----

   local function extreme(t, better, transform, ...)
      local best
      for _k, v in pairs(t) do
         if transform then v = transform(v, ...) end
         if best == nil or better(v, best) then best = v end
      end
      return best
   end
   function _.max(t, transform, ...)
      local less = order 'moses.max'
      return extreme(t, function(a, b) return less(b, a) end, transform, ...)
   end
   function _.min(t, transform, ...) return extreme(t, order 'moses.min', transform, ...) end

   function _.shuffle(t, seed)
      if seed then math.randomseed(seed) end
      local result = {}
      for _k, v in pairs(t) do
         local place = math.random(#result + 1)
         result[#result + 1] = result[place]
         result[place] = v
      end
      return result
   end

   -- whether two tables hold the same values, in any order
   function _.same(a, b)
      return _.all(a, function(_k, v) return _.include(b, v) end) and _.all(b, function(_k, v) return _.include(a, v) end)
   end

   function _.sort(t, comp)
      table.sort(t, comp or order 'moses.sort')
      return t
   end
   function _.sortBy(t, transform, comp)
      local f = transform or _.identity
      if transform ~= nil and not _.isCallable(transform) then
         f = function(v) return fields('moses.sortBy', v)[transform] end
      end
      comp = comp or order 'moses.sortBy'
      local values = {}
      for _k, v in pairs(t) do values[#values + 1] = v end
      table.sort(values, function(a, b) return comp(f(a), f(b)) end)
      return values
   end

   function _.groupBy(t, iter, ...)
      local groups = {}
      for k, v in pairs(t) do
         local group = iter(k, v, ...)
         if group == nil then error 'moses.groupBy: a group expected from the function, got nothing' end
         groups[group] = groups[group] or {}
         table.insert(groups[group], v)
      end
      return groups
   end
   function _.countBy(t, iter, ...)
      local counts = {}
      for k, v in pairs(t) do
         local group = iter(k, v, ...)
         if group == nil then error 'moses.countBy: a group expected from the function, got nothing' end
         counts[group] = (counts[group] or 0) + 1
      end
      return counts
   end

   -- how many values: of a table, or arguments that are not nil
   function _.size(...)
      local n, t = 0, ...
      if type(t) ~= 'table' then t = { ... } end
      for _k in pairs(t) do n = n + 1 end
      return n
   end

   function _.containsKeys(t, other)
      for k in pairs(other) do
         if t[k] == nil then return false end
      end
      return true
   end
   function _.sameKeys(a, b) return _.containsKeys(a, b) and _.containsKeys(b, a) end
end
