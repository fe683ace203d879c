-- Functions of package moses on arrays.
local order = require('moses.elements').order

return function(_)
   function _.toArray(...) return { ... } end

   function _.sample(array, n, seed)
      n = n or 1
      if n == 0 then return {} end
      if n == 1 then
         if seed then math.randomseed(seed) end
         return array[math.random(#array)]
      end
      return _.slice(_.shuffle(array, seed), 1, n)
   end
   function _.sampleProb(array, prob, seed)
      if seed then math.randomseed(seed) end
      return _.select(array, function() return math.random() < prob end)
   end

   -- ---- positions ----

   function _.find(array, value, from)
      for i = from or 1, #array do
         if _.isEqual(array[i], value) then return i end
      end
   end
   function _.indexOf(array, value)
      for i = 1, #array do
         if array[i] == value then return i end
      end
   end
   function _.lastIndexOf(array, value)
      for i = #array, 1, -1 do
         if array[i] == value then return i end
      end
   end
   function _.findIndex(array, predicate, ...)
      for i = 1, #array do
         if predicate(i, array[i], ...) then return i end
      end
   end
   function _.findLastIndex(array, predicate, ...)
      for i = #array, 1, -1 do
         if predicate(i, array[i], ...) then return i end
      end
   end
   -- where a value would have to stand for the array to stay in order
   function _.sortedIndex(array, value, comp, sort)
      comp = comp or order 'moses.sortedIndex'
      if sort then _.sort(array, comp) end
      for i = 1, #array do
         if not comp(array[i], value) then return i end
      end
      return #array + 1
   end

   -- ---- parts ----

   function _.slice(array, start, finish)
      local result = {}
      for i = start or 1, math.min(finish or #array, #array) do result[#result + 1] = array[i] end
      return result
   end
   function _.first(array, n) return _.slice(array, 1, n or 1) end
   function _.initial(array, n)
      if n and n < 0 then return end
      return _.slice(array, 1, n and #array - math.min(n, #array) or #array - 1)
   end
   function _.last(array, n)
      if n and n <= 0 then return end
      return _.slice(array, n and #array - math.min(n, #array) + 1 or 2)
   end
   function _.rest(array, index)
      index = index or 1
      return index > #array and {} or _.slice(array, math.max(1, index))
   end
   function _.nth(array, index) return array[index] end
   function _.selectWhile(array, f, ...)
      local result = {}
      for i, v in ipairs(array) do
         if not f(i, v, ...) then break end
         result[i] = v
      end
      return result
   end
   function _.dropWhile(array, f, ...)
      for i, v in ipairs(array) do
         if not f(i, v, ...) then return _.slice(array, i) end
      end
      return {}
   end
   function _.compact(array)
      local result = {}
      for _i, v in pairs(array) do
         if v then result[#result + 1] = v end
      end
      return result
   end

   -- ---- changes in place ----

   function _.addTop(array, ...)
      for _i, v in ipairs { ... } do table.insert(array, 1, v) end
      return array
   end
   function _.push(array, ...)
      for _i, v in ipairs { ... } do array[#array + 1] = v end
      return array
   end
   -- takes n values off one end
   local function take(array, n, place)
      local values = {}
      for i = 1, math.min(n or 1, #array) do values[i] = table.remove(array, place and place or #array) end
      return unpack(values)
   end
   function _.pop(array, n) return take(array, n, 1) end
   function _.unshift(array, n) return take(array, n) end
   function _.pull(array, ...)
      local unwanted = { ... }
      for i = #array, 1, -1 do
         for _j, value in ipairs(unwanted) do
            if _.isEqual(array[i], value) then
               table.remove(array, i)
               break
            end
         end
      end
      return array
   end
   function _.removeRange(array, start, finish)
      start, finish = math.max(start or 1, 1), math.min(finish or #array, #array)
      for _i = start, finish do table.remove(array, start) end
      return array
   end
   function _.fill(array, value, i, j)
      for k = i or 1, j or #array do array[k] = value end
      return array
   end

   -- ---- other arrays of one ----

   function _.reverse(array)
      local result = {}
      for i = #array, 1, -1 do result[#result + 1] = array[i] end
      return result
   end
   -- runs of values for which f gives the same
   function _.chunk(array, f, ...)
      if #array == 0 then return array end
      local chunks, previous = {}, nil
      for i, v in ipairs(array) do
         local label = f(i, v, ...)
         if i == 1 or label ~= previous then chunks[#chunks + 1] = {} end
         previous = label
         table.insert(chunks[#chunks], v)
      end
      return chunks
   end
   function _.flatten(array, shallow)
      local result = {}
      for _k, v in pairs(array) do
         if type(v) == 'table' then
            for _j, inner in pairs(shallow and v or _.flatten(v)) do result[#result + 1] = inner end
         else
            result[#result + 1] = v
         end
      end
      return result
   end
   function _.unique(array)
      local result = {}
      for i = 1, #array do
         if not _.find(result, array[i]) then result[#result + 1] = array[i] end
      end
      return result
   end
   function _.isunique(array) return _.isEqual(array, _.unique(array)) end
   function _.append(array, other)
      local result = _.slice(array)
      for _i, v in ipairs(other) do result[#result + 1] = v end
      return result
   end
   function _.interpose(value, array)
      local result = {}
      for i, v in ipairs(array) do
         if i > 1 then result[#result + 1] = value end
         result[#result + 1] = v
      end
      return result
   end
   function _.invert(array)
      local result = {}
      for k, v in pairs(array) do result[v] = k end
      return result
   end
   function _.concat(array, sep, i, j)
      local texts = _.map(array, function(_k, v) return tostring(v) end)
      return table.concat(texts, sep, i or 1, j or #array)
   end

   -- ---- several arrays ----

   local function among(v, arrays)
      for _i, other in ipairs(arrays) do
         if type(other) ~= 'table' then other = { other } end
         if _.include(other, v) then return true end
      end
      return false
   end
   function _.difference(array, array2)
      if not array2 then return _.clone(array) end
      return _.select(array, function(_k, v) return not _.include(array2, v) end)
   end
   function _.union(...) return _.unique(_.flatten { ... }) end
   function _.intersection(array, ...)
      local others, result = { ... }, {}
      for _i, v in ipairs(array) do
         local everywhere = true
         for _j, other in ipairs(others) do everywhere = everywhere and among(v, { other }) end
         if everywhere then result[#result + 1] = v end
      end
      return result
   end
   function _.symmetricDifference(array, array2)
      return _.difference(_.union(array, array2), _.intersection(array, array2))
   end
   function _.zip(...)
      local result, arrays = {}, { ... }
      local longest = 0
      for _i, array in ipairs(arrays) do longest = math.max(longest, #array) end
      for i = 1, longest do result[i] = _.pluck(arrays, i) end
      return result
   end
   function _.interleave(...) return _.flatten(_.zip(...)) end

   -- ---- made and iterated ----

   -- range(n): 0 .. n; range(a, b), range(a, b, step); empty where not one step is possible
   function _.range(...)
      local n, from, to, step = select('#', ...), ...
      if n == 0 or step == 0 then return {} end
      if n == 1 then from, to = 0, from end
      step = step or 1
      local steps = math.floor((to - from) / step)
      local result = steps > 0 and { from } or {}
      for i = 1, steps do result[i + 1] = from + step * i end
      return result
   end
   function _.rep(value, n)
      local result = {}
      for i = 1, n do result[i] = value end
      return result
   end

   local function yielded(array, n, pad, step, overlap)
      return coroutine.wrap(function()
         local i = 1
         while i <= #array - overlap do
            local part = _.slice(array, i, i + n - 1)
            if #part < n and pad ~= nil then part = _.append(part, _.rep(pad, n - #part)) end
            if #part > 0 then coroutine.yield(part) end
            i = i + step
         end
      end)
   end
   function _.partition(array, n, pad)
      n = n or 1
      if n <= 0 then return end
      return yielded(array, n, pad, n, 0)
   end
   -- each part begins with the last value of the one before
   function _.sliding(array, n, pad)
      n = n or 2
      if n <= 1 then return end
      return yielded(array, n, pad, n - 1, 1)
   end
   function _.permutation(array)
      local function permute(t, n)
         if n == 0 then coroutine.yield(_.slice(t)) end
         for i = 1, n do
            t[n], t[i] = t[i], t[n]
            permute(t, n - 1)
            t[n], t[i] = t[i], t[n]
         end
      end
      return coroutine.wrap(function() permute(_.slice(array), #array) end)
   end
end
