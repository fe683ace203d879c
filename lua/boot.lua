-- Runs once in a fresh state: makes the embedded files requirable and loads torch.
local native = require 'rekindle.native'
-- what runs once is not worth compiling
local compiles = jit.status()
jit.off()

local function embedded(name)
   local source = native.sources[name]
   if not source then
      -- a class or function that has a file of its own in Torch7: require 'nn.Linear'
      local package_name, member = name:match('^(%a+)%.(%a+)$')
      local loaded = package_name and native.sources[package_name] and package.loaded[package_name]
      if type(loaded) == 'table' and rawget(loaded, member) ~= nil then return function() return loaded[member] end end
      return '\n\tno embedded module \'' .. name .. '\''
   end
   return assert(loadstring(source, '=' .. name:gsub('%.', '/') .. '.lua'))
end

-- the folder of the file that calls require, so that a program finds what lies beside it
local function beside(name)
   local level, tried = 3, {}
   while true do
      local info = debug.getinfo(level, 'S')
      if not info then break end
      local dir = info.source:match('^@(.*[/\\])') or (info.source:sub(1, 1) == '@' and './')
      if dir and not tried[dir] then
         tried[dir] = true
         local base = dir .. name:gsub('%.', '/')
         for _, path in ipairs { base .. '.lua', base .. '/init.lua' } do
            local file = io.open(path, 'r')
            if file then
               file:close()
               local chunk, why = loadfile(path)
               if not chunk then error(why, 0) end
               return chunk
            end
         end
      end
      level = level + 1
   end
   return ''
end

assert(loadstring(native.sources['rekindle.load'], '=rekindle/load.lua'))()
-- order: preloaded, embedded, LUA_PATH, C modules, beside the requiring file
table.insert(package.loaders, 2, embedded)
package.loaders[#package.loaders + 1] = beside

require 'torch'
if compiles then jit.on() end
