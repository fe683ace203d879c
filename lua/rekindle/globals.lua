-- Globals that a program makes, or reads without their being there (`th -g`, `th -gg`, monitor_G).
local report = require 'rekindle.report'
local globals = {}

-- the line of a program that does it, or nil where it is one of ours
local function place()
   local info = debug.getinfo(3, 'Sl')
   if not info or info.what == 'C' or report.is_ours(info.source) then return nil end
   return info.short_src .. ':' .. info.currentline
end

local told = {}
local function warn(name, made, where)
   if told[name] then return end
   told[name] = true
   local what = made and "new global '%s'" or "global '%s' is read and not there"
   io.stderr:write(string.format('th: %s: ' .. what .. '\n', where, name))
end

local function refuse(name, made)
   error(string.format(made and "new global '%s'" or "global '%s' is read and not there", name), 3)
end

-- Tells a function of each: its name, whether it is made, and where. Without a function they are warnings.
function globals.watch(tell)
   tell = tell or warn
   local mt = getmetatable(_G) or {}
   local others = mt.__index
   mt.__newindex = function(t, name, v)
      local where = place()
      if where then tell(tostring(name), true, where) end
      rawset(t, name, v)
   end
   mt.__index = function(t, name)
      local v = others and others(t, name)
      if v ~= nil then return v end
      local where = place()
      if where then tell(tostring(name), false, where) end
   end
   setmetatable(_G, mt)
end

-- The same, as warnings or errors.
function globals.guard(strict) globals.watch(strict and refuse or warn) end

return globals
