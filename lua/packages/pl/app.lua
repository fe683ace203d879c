-- Penlight: the program: its name, its folder, its arguments.
local utils = require 'pl.utils'
local path = require 'pl.path'
local app = {}

function app.script_name()
   if _G.arg and _G.arg[0] then return _G.arg[0] end
   return utils.raise 'No script name found'
end

-- Lets require look in the script's folder, or in one below it; `nofollow`: not where a link points to.
function app.require_here(base, nofollow)
   local script = app.script_name()
   if not path.isabs(script) then script = path.join(path.currentdir(), script) end
   if not nofollow then
      local target = path.islink(script) and path.link_attrib(script, 'target')
      if target then script = path.isabs(target) and target or path.join(path.dirname(script), target) end
   end
   local folder = path.normcase(path.dirname(script))
   if folder == '' then folder = '.' end
   if base then folder = path.isabs(base) and base or path.join(folder, base) end
   package.path = ('%s/?.lua;%s/?/init.lua;%s'):format(folder, folder, package.path)
end

-- a file in a folder of the program's own in the home folder
function app.appfile(file)
   local name = path.splitext(path.basename((assert(app.script_name()))))
   local folder = path.join(path.expanduser '~', '.' .. name)
   if not path.isdir(folder) then
      local ok, why = path.mkdir(folder)
      if not ok then return utils.raise('cannot create ' .. folder .. ': ' .. tostring(why)) end
   end
   return path.join(folder, file)
end

function app.platform()
   return ({ Windows = 'Windows', OSX = 'OSX' })[jit.os] or jit.os
end

-- how the interpreter was started, with and without the script
function app.lua()
   local first = -1
   if not _G.arg then return utils.raise 'not in a main program' end
   while _G.arg[first - 1] do first = first - 1 end
   local command = {}
   for i = first, -1 do
      if _G.arg[i] then command[#command + 1] = utils.quote_arg(_G.arg[i]) end
   end
   if #command == 0 then command[1] = utils.quote_arg(require('rekindle.native').functions.paths.execdir() .. '/th') end
   local line = table.concat(command, ' ')
   return line, line
end

-- Flags and other arguments: `with_values` names flags that take one; `valid` is what is allowed, or names for it.
function app.parse_args(args, with_values, valid)
   if not args then
      args = _G.arg
      if not args then return utils.raise 'Not in a main program: \'arg\' not found' end
   end
   local takes = {}
   for k, v in pairs(with_values or {}) do takes[type(k) == 'number' and v or k] = true end
   local names, known = {}, nil
   if valid then
      known = {}
      for k, v in pairs(valid) do
         if type(k) == 'number' then known[v] = true else
            known[k], names[k] = true, v
            if type(v) == 'table' then
               for _, alias in ipairs(v) do known[alias] = true names[alias] = k end
               names[k] = nil
            elseif type(v) == 'string' then
               known[v] = true
            end
         end
      end
   end
   local function name_of(flag)
      if known and not known[flag] and not names[flag] then return nil end
      local name = names[flag] or flag
      return type(name) == 'string' and name or flag
   end
   local flags, rest, i = {}, {}, 1
   local function value_of(flag, name)
      i = i + 1
      local value = args[i]
      if value == nil or value:find '^%-' then
         return false, 'no value for ' .. string.format('%q', flag)
      end
      flags[name] = value
      return true
   end
   while i <= #args do
      local a = args[i]
      if type(a) ~= 'string' then
         error('app.parse_args: texts expected as arguments, got ' .. require('nn.expect').brief(a) .. ' as number ' .. i)
      end
      local long, value = a:match '^%-%-([^=]+)=?(.*)$'
      local single = not long and a:match '^%-(.+)$'
      if long or single and not tonumber(a) then
         local flag = long or single
         local key, given = flag:match '^([^=:]+)[=:](.*)$'
         if long then key, given = long, a:find '=' and value or nil end
         key = key or flag
         local name = name_of(key)
         if name and (takes[key] or takes[name]) and given == nil then
            local ok, why = value_of(key, name)
            if not ok then return nil, why end
         elseif name and (long or known or given ~= nil or #key == 1) then
            flags[name] = given == nil and true or given
         elseif long or known and #key == 1 or given ~= nil then
            return nil, 'unknown flag ' .. string.format('%q', key)
         else
            local at = 1
            while at <= #key do
               local letter = key:sub(at, at)
               local short = name_of(letter)
               if not short then return nil, 'unknown flag ' .. string.format('%q', letter) end
               if takes[letter] or takes[short] then
                  if at < #key then flags[short] = key:sub(at + 1)
                  else
                     local ok, why = value_of(letter, short)
                     if not ok then return nil, why end
                  end
                  break
               end
               flags[short] = true
               at = at + 1
            end
         end
      else
         rest[#rest + 1] = a
      end
      i = i + 1
   end
   return flags, rest
end

require 'rekindle.takes'(app, 'app.', { parse_args = 'args:list? with_values:list? valid:list?' })

return app
