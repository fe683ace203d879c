-- What a package says of a name that it does not have. The name stays nil, as in Torch7, where programs ask for it
-- (`nn.X == nil`, `if optim.x then`, `pairs`). Where the line that reads it calls it, and does nothing else with it, the
-- error is about the name and not about nil.
local absent = {}

-- The text of chunks that are no files, by their names, for those that want their lines looked at.
absent.texts = require('rekindle.native').texts

local elsewhere = { ['nn.gModule'] = 'nngraph' }

-- The lines of a chunk, as far as they are known.
local function lines(source)
   if source:sub(1, 1) == '@' then return pcall(io.lines, source:sub(2)) end
   local text = source:sub(1, 1) == '=' and absent.texts[source] or source
   return true, (text .. '\n'):gmatch('([^\n]*)\n')
end

local function line_of(info)
   local known, each = lines(info.source)
   if not known then return '' end
   local n, found = 0, ''
   for line in each do
      n = n + 1
      if n == info.currentline then found = line end
   end
   return found
end

-- Whether a line mentions a name in calls alone.
local function only_calls(line, name)
   local calls = false
   for after in line:gmatch('%f[%w_.:]' .. name:gsub('%.', '%%.') .. '%f[^%w_]()') do
      calls = line:find('^%s*[%({"\']', after) ~= nil
      if not calls then return false end
   end
   return calls
end

-- Makes the package of this name say so, in words of `kind`: 'class', 'method'.
function absent.tell(package_name, package, kind)
   setmetatable(package, {
      __index = function(_, key)
         if type(key) ~= 'string' then return nil end
         local info = debug.getinfo(2, 'Sl')
         local name = package_name .. '.' .. key
         if not info or not only_calls(line_of(info), name) then return nil end
         if elsewhere[name] then
            error(string.format("%s: require '%s' makes this %s", name, elsewhere[name], kind), 2)
         end
         local nearest = require('rekindle.help').nearest(key, package)
         local hint = nearest and string.format('; nearest: %s.%s', package_name, nearest) or ''
         -- what Lua would say of it stands at the end: programs look for it
         error(string.format('%s: there is no such %s%s (a nil value)', name, kind, hint), 2)
      end,
   })
end

return absent
