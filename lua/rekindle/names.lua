-- Names of values: what a path means without a call, and the members that a value has by itself, by its class and by the
-- classes above it.
local names = {}

-- The value of a path that needs no call: names, numbers and texts in brackets, a text in parentheses. Its first name is
-- looked up in `scope`, or is a global.
function names.value_of(path, scope)
   local after = path:match("^%(%s*'[^']*'%s*%)()") or path:match('^%(%s*"[^"]*"%s*%)()')
   local value, at = scope or _G, 1
   if after then value, at = '', after end
   while at <= #path do
      local key, next_at = path:match('^[.:]?([%a_][%w_]*)()', at)
      if not key then
         key, next_at = path:match('^%[%s*(%-?%d+)%s*%]()', at)
         key = tonumber(key)
      end
      if not key then
         key, next_at = path:match("^%[%s*'([^']*)'%s*%]()", at)
      end
      if not key then
         key, next_at = path:match('^%[%s*"([^"]*)"%s*%]()', at)
      end
      if key == nil then return nil end
      local ok, v = pcall(function() return value[key] end)
      if not ok or v == nil then return nil end
      value, at = v, next_at
   end
   return value
end

-- The names with which members of a value begin with `last`; with `:` as separator those of methods.
function names.members(value, sep, last)
   local found, seen = {}, {}
   local function add(t)
      for k, v in next, t do
         if type(k) == 'string' and not seen[k] and k:sub(1, #last) == last and k:match('^[%a_][%w_]*$')
            and (last ~= '' or k:sub(1, 1) ~= '_') and (sep ~= ':' or type(v) == 'function') then
            seen[k] = true
            found[#found + 1] = k
         end
      end
   end
   if type(value) == 'table' then add(value) end
   local mt = debug.getmetatable(value)
   while type(mt) == 'table' and sep ~= '' do
      if type(mt.__typename) == 'string' then add(mt) end
      if type(mt.__index) == 'table' and mt.__index ~= mt then add(mt.__index) end
      local proxy = debug.getmetatable(mt)
      mt = type(proxy) == 'table' and (proxy.parent or type(proxy.__index) == 'table' and proxy.__index) or nil
   end
   return found
end

return names
