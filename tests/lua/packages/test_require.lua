-- What is built in is there by its name, and a copy that a program brings along wins over it.
local native = require 'rekindle.native'
local n = 0
for name in pairs(native.sources) do
   local public = name:match('^packages%.(.*)$')
   if public then
      local ok, why = pcall(require, public)
      assert(ok, public .. ': ' .. tostring(why))
      n = n + 1
   end
end

package.path = paths.cwd() .. '/?.lua;' .. package.path
print('all as it should be')
