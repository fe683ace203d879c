-- Penlight: what differs between Lua's versions; here it is LuaJIT.
local compat = {
   lua51 = true, jit = true, jit52 = true,
   dir_separator = package.config:sub(1, 1),
   is_windows = jit.os == 'Windows',
   load = load, setfenv = setfenv,
}

function compat.getfenv(f)
   if f ~= nil and type(f) ~= 'function' and type(f) ~= 'number' then
      error('getfenv: a function or a level expected, got ' .. require('nn.expect').brief(f))
   end
   -- levels count from the caller
   local env = getfenv(type(f) == 'number' and f > 0 and f + 1 or f or 2)
   return env
end

-- Runs a command: whether it succeeded, and its exit status.
function compat.execute(command)
   local ok, _, status = os.execute(command)
   if type(ok) == 'number' then return ok == 0, ok end
   return ok and true or false, status
end

compat.searchpath = package.searchpath

-- Lua 5.4's warnings: '@on' and '@off' switch them.
local warnings = false
function compat.warn(first, ...)
   if select('#', ...) == 0 and first == '@on' then warnings = true return end
   if select('#', ...) == 0 and first == '@off' then warnings = false return end
   if warnings then io.stderr:write('Lua warning: ', first, ...) io.stderr:write('\n') end
end

return compat
