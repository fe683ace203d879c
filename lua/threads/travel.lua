-- What objects become in a file that another Lua state reads: packages and functions of the host go by their names, and,
-- where they are shared, storages and objects of tds by numbers under which they wait.
local native = require 'rekindle.native'
local rows, is_embedded = native.functions.threads, native.functions.embedded.has
local torch = torch

-- object -> 'package' or 'package.name', for what every state has
local names
local function name_all()
   names = {}
   local own = native.own_functions
   for name, package in pairs(package.loaded) do
      local known = type(name) == 'string' and (is_embedded(name) and not name:find('^packages%.') or package == _G[name])
      if known and type(package) == 'table' then
         if name ~= '_G' then names[package] = name end
         for key, value in pairs(package) do
            if type(value) == 'function' and type(key) == 'string' and names[value] == nil
               and (own[value] or debug.getinfo(value, 'S').what == 'C') then
               names[value] = name .. '\0' .. key
            end
         end
      end
   end
   for key, value in pairs(_G) do
      if type(value) == 'function' and names[value] == nil then names[value] = '_G\0' .. tostring(key) end
   end
end

local function named(object)
   if not names or names[object] == nil and type(object) == 'function' then name_all() end
   return names[object]
end

local function by_name(text)
   local package_name, key = text:match('^(.-)%z(.*)$')
   if not package_name then return require(text) end
   local package = package_name == '_G' and _G or require(package_name)
   local value = package[key]
   if value == nil then error('threads: this thread has no ' .. text:gsub('%z', '.'), 0) end
   return value
end

local crosses = {}
for name in ([[tds.Hash tds.Vec tds.AtomicCounter threads.Channel ipc.channel ipc.mutex ipc.sharedtable ipc.marshal
   ipc.connection]]):gmatch('%S+') do
   crosses[name] = true
end

local travel = {}

-- what waits for an object's arrival: its name, or itself; nil where it is written as in any file
local function left(object, shared)
   local kind = type(object)
   if kind == 'function' then
      local host = debug.getinfo(object, 'S').what == 'C' or native.own_functions[object]
      return host and named(object) or nil
   elseif kind == 'table' then
      return debug.getmetatable(object) == nil and named(object) or package.loaded.nn == object and 'nn' or nil
   elseif kind == 'userdata' then
      local class = torch.typename(object) or debug.getmetatable(object) == native.metatables['ipc.marshal'] and 'ipc.marshal'
      if shared and class and (crosses[class] or torch.isStorage(object)) or class == 'threads.Channel' then
         return object
      end
   end
end
local function arrived(object)
   if type(object) == 'string' then return by_name(object) end
   return object
end

-- Objects that arrive once wait under numbers.
local function once(shared)
   return {
      leave = function(object)
         local waits = left(object, shared)
         return waits and rows.park(waits)
      end,
      arrive = function(number) return arrived(rows.claim(number)) end,
   }
end
travel.copied, travel.shared = once(false), once(true)

-- Objects that may arrive often: `parcel` has what is not copied. `upvalues`: whether functions have them.
local ipc = native.functions['ipc.marshal']
function travel.pack(object, upvalues)
   local parcel = native.functions.ipc.parcel ''
   local file = torch.MemoryFile 'w'
   file:binary()
   require('torch.serialize').references(file).travel = {
      leave = function(o)
         local waits = left(o, true)
         if waits then return ipc.put(parcel, waits) end
         if type(o) == 'function' and not upvalues and debug.getupvalue(o, 1) then
            error('a function with upvalues (values of the program around it) cannot go to another thread: hand them over as '
               .. 'arguments, or require packages inside of it', 0)
         end
      end,
   }
   file:writeObject(object)
   ipc.text(parcel, file:storage():string())
   file:close()
   return parcel
end

function travel.unpack(parcel)
   local file = torch.MemoryFile(torch.CharStorage():string(ipc.take(parcel, 0)), 'r')
   file:binary()
   require('torch.serialize').references(file).travel = { arrive = function(place) return arrived(ipc.take(parcel, place)) end }
   local object = file:readObject()
   file:close()
   return object
end

-- a pair of functions that write and read whole objects in this way
function travel.pair(way)
   local references = require('torch.serialize').references
   local function save(object)
      local file = torch.MemoryFile 'w'
      file:binary()
      references(file).travel = way
      file:writeObject(object)
      local storage = file:storage()
      file:close()
      return storage
   end
   local function load(storage)
      local file = torch.MemoryFile(storage, 'r')
      file:binary()
      references(file).travel = way
      local object = file:readObject()
      file:close()
      return object
   end
   return { save = save, load = load }
end

return travel
