-- What objects become in a file that another Lua state reads: packages and functions of the host go by their names, and,
-- where they are shared, storages and objects of tds by numbers under which they wait.
local native = require 'rekindle.native'
local rows = native.functions.threads
local torch = torch

-- object -> 'package' or 'package.name', for what every state has
local names
local function name_all()
   names = {}
   local own = native.own_functions
   for name, package in pairs(package.loaded) do
      local known = native.is_embedded(name) and not name:find('^packages%.') or package == _G[name]
      if known and type(package) == 'table' and type(name) == 'string' then
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

local crosses = { ['tds.Hash'] = true, ['tds.Vec'] = true, ['tds.AtomicCounter'] = true, ['threads.Channel'] = true }

local travel = {}

-- the number under which an object waits; nil where it is written as in any file
local function leave(object, shared)
   local kind = type(object)
   if kind == 'function' then
      local host = debug.getinfo(object, 'S').what == 'C' or native.own_functions[object]
      local name = host and named(object)
      return name and rows.park(name)
   elseif kind == 'table' then
      local name = debug.getmetatable(object) == nil and named(object) or package.loaded.nn == object and 'nn'
      return name and rows.park(name)
   elseif kind == 'userdata' then
      local class = torch.typename(object)
      if shared and class and (crosses[class] or torch.isStorage(object)) or class == 'threads.Channel' then
         return rows.park(object)
      end
   end
end
travel.copied = { leave = function(object) return leave(object, false) end }
travel.shared = { leave = function(object) return leave(object, true) end }

local function arrive(number)
   local object = rows.claim(number)
   if type(object) == 'string' then return by_name(object) end
   return object
end
travel.copied.arrive, travel.shared.arrive = arrive, arrive

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
