-- What is built in is there by its name, and a copy that a program brings along wins over it.
local native = require 'rekindle.native'
local n = 0
for _, name in ipairs(native.source_names()) do
   local public = name:match('^packages%.(.*)$')
   if public and not require('rekindle.rocks').needs_device(public) then
      local ok, why = pcall(require, public)
      assert(ok, public .. ': ' .. tostring(why))
      n = n + 1
   end
end
assert(n > 30, n)

package.path = paths.cwd() .. '/?.lua;' .. package.path
print('all as it should be')
