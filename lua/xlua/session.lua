-- Working in a session: what globals there are, removing them, logging, loading what may not be installed, reading
-- options from the environment.
local session = {}

-- the globals of Lua and of the packages loaded so far, which are not the user's
local builtin = {}
for name in pairs(_G) do builtin[name] = true end
for _, name in ipairs { 'xlua', 'xerror', 'xprint', 'xrequire' } do builtin[name] = true end

local function users_globals()
   local names = {}
   for name in pairs(_G) do
      if type(name) == 'string' and not builtin[name] then names[#names + 1] = name end
   end
   table.sort(names)
   return names
end

-- Prints the packages that are loaded, and the globals that the user made.
function session.who()
   local libraries, variables = {}, {}
   for name, value in pairs(package.loaded) do
      if type(name) == 'string' and rawget(_G, name) == value and name ~= '_G' then libraries[#libraries + 1] = name end
   end
   table.sort(libraries)
   for _, name in ipairs(users_globals()) do
      if not package.loaded[name] then variables[#variables + 1] = name .. ' : ' .. torch.type(rawget(_G, name)) end
   end
   print('')
   print('Global Libs:\n   ' .. table.concat(libraries, ', '))
   print('')
   print('Global Vars:\n   ' .. table.concat(variables, '\n   '))
   print('')
end

-- Removes globals by name, and gives their memory back.
function session.clear(...)
   for i = 1, select('#', ...) do
      local name = select(i, ...)
      if type(name) ~= 'string' then error('xlua.clear: expected the name of a global, got ' .. type(name), 2) end
      rawset(_G, name, nil)
   end
   collectgarbage()
end

-- Removes all globals that the user made, packages loaded since included.
function session.clearall()
   for _, name in ipairs(users_globals()) do
      if package.loaded[name] then package.loaded[name] = nil end
      rawset(_G, name, nil)
   end
   collectgarbage()
end

-- Sends what print and io.write say to a file too. The plain ones stay reachable as _print and io._write.
function session.log(name, append)
   local file, why = io.open(name, append and 'a' or 'w')
   if not file then error('xlua.log: cannot write ' .. tostring(name) .. ': ' .. tostring(why), 2) end
   io._write = io._write or io.write
   rawset(_G, '_print', rawget(_G, '_print') or print)
   function io.write(...)
      file:write(...)
      file:flush()
      return io._write(...)
   end
   rawset(_G, 'print', function(...)
      local said = {}
      for i = 1, select('#', ...) do said[i] = tostring((select(i, ...))) end
      file:write(table.concat(said, '\t'), '\n')
      file:flush()
      _print(...)
   end)
end

-- Loads a package; where that fails, warns and gives false.
function session.require(package, lib)
   local found, module = pcall(require, package)
   if found then return module == nil and true or module end
   print('warning: <' .. tostring(package) .. '> could not be loaded (is it installed?)'
      .. (lib and '\n' .. tostring(lib) or ''))
   print(module)
   return false
end

-- Torch7's version looks into package tables that no Lua 5.1 has, and fails for every name; so does this one, but says
-- what works.
function session.installed(name)
   error('xlua.installed: cannot tell whether ' .. tostring(name)
      .. ' is installed; pcall(require, name) loads a package where there is one', 2)
end

-- Runs f; an error goes to `handle`.
function session.trycatch(f, handle)
   local fine, why = pcall(f)
   if not fine then handle(why) end
end

-- Options from the environment: each variable named like a default takes its place, with the type of the default.
function session.envparams(defaults)
   local params = {}
   for name, default in pairs(defaults) do
      local value = os.getenv(name)
      if value == nil then
         params[name] = default
      elseif type(default) == 'number' then
         local number = tonumber(value)
         if not number then error('xlua.envparams: ' .. name .. ' should be a number, it is ' .. value, 2) end
         params[name] = number
      elseif type(default) == 'boolean' then
         params[name] = value ~= '' and value ~= '0' and value ~= 'false'
      else
         params[name] = value
      end
   end
   return params
end

return session
