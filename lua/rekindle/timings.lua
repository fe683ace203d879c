-- What `th --profile` tells at the end: tables of times, and a trace for Chrome's about:tracing or Perfetto.
--
-- An instance has `class`, `object` (in a table, where it still lives), `outer` and `step` (the instance it is in, and
-- where there), and `sums`: method -> { calls, total, own } with times in seconds.
local native = require 'rekindle.native'
local timings = {}

-- Rows of a table at most.
local MOST_ROWS = 50

------------------------------------------------------------------------------------------ names

local function short(class) return class:match('[^.]+$') or class end

-- Gives every instance its `path`: the classes and places from the outermost container on, `Sequential.2.Linear`. Where
-- several outermost ones are of a class, all but the first have a number.
function timings.name(instances)
   local count = {}
   local function path(instance)
      if instance.path then return instance.path end
      local name = short(instance.class)
      if instance.outer then
         local step = instance.step and instance.step .. '.' or ''
         instance.path = path(instance.outer) .. '.' .. step .. name
      else
         count[name] = (count[name] or 0) + 1
         instance.path = count[name] == 1 and name or name .. '#' .. count[name]
      end
      return instance.path
   end
   for _, instance in ipairs(instances) do path(instance) end
end

-- An object's own text where that is one line; else its class.
local function text_of(instance)
   if instance.text then return instance.text end
   local object, text = instance.object[1], nil
   if object then
      local ok, own = pcall(tostring, object)
      if ok and type(own) == 'string' and not own:find('%c') then text = own end
   end
   instance.text = text or instance.class
   return instance.text
end

------------------------------------------------------------------------------------------ tables

local function by_own(a, b)
   if a.sum.own ~= b.sum.own then return a.sum.own > b.sum.own end
   if a.name() ~= b.name() then return a.name() < b.name() end
   return a.method < b.method
end

local function print_rows(what, rows, all, out)
   table.sort(rows, by_own)
   out:write(string.format('\n%12s %7s %12s %9s  %-18s %s\n', 'own ms', '%', 'total ms', 'calls', 'method', what))
   for i = 1, math.min(#rows, MOST_ROWS) do
      local sum = rows[i].sum
      out:write(string.format('%12.3f %6.1f%% %12.3f %9d  %-18s %s\n', sum.own * 1e3, all > 0 and sum.own / all * 100 or 0,
         sum.total * 1e3, sum.calls, rows[i].method, rows[i].name()))
   end
   if #rows > MOST_ROWS then
      local rest = 0
      for i = MOST_ROWS + 1, #rows do rest = rest + rows[i].sum.own end
      out:write(string.format('%12.3f %6.1f%%  in %d more rows\n', rest * 1e3, all > 0 and rest / all * 100 or 0,
         #rows - MOST_ROWS))
   end
end

-- Prints the tables by class and by instance to a file.
function timings.print(results, out)
   local by_class, by_instance, members, all, calls = {}, {}, {}, 0, 0
   for _, instance in ipairs(results.instances) do
      members[instance.class] = (members[instance.class] or 0) + 1
      for method, sum in pairs(instance.sums) do
         local function name() return instance.path .. '  ' .. text_of(instance) end
         by_instance[#by_instance + 1] = { method = method, sum = sum, name = name }
         all, calls = all + sum.own, calls + sum.calls
      end
   end
   for class, sums in pairs(results.classes) do
      local n = members[class]
      local text = string.format('%s (%d instance%s)', class, n, n == 1 and '' or 's')
      for method, sum in pairs(sums) do
         by_class[#by_class + 1] = { method = method, sum = sum, name = function() return text end }
      end
   end
   out:write(string.format('\nth --profile: %d call%s of modules and criteria took %.3f s of %.3f s\n', calls,
      calls == 1 and '' or 's', all, results.seconds))
   if calls > 0 then
      print_rows('class', by_class, all, out)
      print_rows('instance', by_instance, all, out)
   end
end

------------------------------------------------------------------------------------------ trace

-- The well-formed sequences of UTF-8 beyond ASCII.
local SEQUENCES = {
   '^[\194-\223][\128-\191]', '^\224[\160-\191][\128-\191]', '^[\225-\236\238\239][\128-\191][\128-\191]',
   '^\237[\128-\159][\128-\191]', '^\240[\144-\191][\128-\191][\128-\191]',
   '^[\241-\243][\128-\191][\128-\191][\128-\191]', '^\244[\128-\143][\128-\191][\128-\191]',
}

local function well_formed(bytes)
   local out, at = {}, 1
   while at <= #bytes do
      local found
      for _, sequence in ipairs(SEQUENCES) do
         found = bytes:match(sequence, at)
         if found then break end
      end
      out[#out + 1] = found or '\\ufffd'
      at = at + #(found or ' ')
   end
   return table.concat(out)
end

-- A string of JSON.
local function quoted(text)
   text = text:gsub('[%z\1-\31"\\\127]', function(c) return string.format('\\u%04x', c:byte()) end)
   return '"' .. text:gsub('[\128-\255]+', well_formed) .. '"'
end

-- Writes the calls as complete events of Chrome's trace format, times in microseconds, whole or not at all.
function timings.write(results, path)
   local file = native.functions.files.DiskFile(path, 'w', false, true):binary()
   local heads = {}
   local function head(instance)
      if not heads[instance] then
         heads[instance] = string.format('{"ph":"X","pid":1,"name":%s,"args":{"class":%s,"module":%s}',
            quoted(instance.path), quoted(instance.class), quoted(text_of(instance)))
      end
      return heads[instance]
   end
   local events, piece = results.events, { '[' }
   for n = 1, #events, 5 do
      local instance, method, thread, start, duration = unpack(events, n, n + 4)
      piece[#piece + 1] = string.format('%s\n%s,"cat":"%s","tid":%d,"ts":%.3f,"dur":%.3f}', n == 1 and '' or ',',
         head(instance), method, thread, start * 1e6, duration * 1e6)
      if #piece > 1000 then
         file:writeString(table.concat(piece))
         piece = {}
      end
   end
   piece[#piece + 1] = '\n]\n'
   file:writeString(table.concat(piece))
   file:close()
end

return timings
