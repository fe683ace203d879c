-- What functions written in Lua take, by the names of their parameters; makers of classes note the parameters of the
-- constructors that they make from descriptions.
local signatures = {}
local noted = setmetatable({}, { __mode = 'k' })

-- notes that `f`, which takes what comes, is to be called with these parameters
function signatures.note(f, names) noted[f] = names end

local function own(f)
   local names = {}
   for i = 1, 64 do
      local name = debug.getlocal(f, i)
      if not name then break end
      names[i] = name
   end
   local info = debug.getinfo(f, 'u')
   if info.isvararg then names[#names + 1] = '...' end
   return names
end

function signatures.is_noted(f) return noted[f] ~= nil end
function signatures.of(f) return noted[f] or own(f) end

-- `self` and the options of a class with their defaults, then what its setup takes beyond them
function signatures.from_options(options, setup)
   local names = { 'self' }
   for i, option in ipairs(options) do
      names[i + 1] = option[2] == nil and option[1] or string.format('[%s = %s]', option[1], tostring(option[2]))
   end
   if setup then
      for i, name in ipairs(own(setup)) do
         if i > #names and names[#names] ~= '...' then names[#names + 1] = name end
      end
   end
   return names
end

return signatures
