-- What is built in is there by its name, and a copy that a program brings along wins over it.
local native = require 'rekindle.native'
local n, names = 0, native.functions.embedded.names()
-- a package before its parts
table.sort(names)
for _, name in ipairs(names) do
   local public = name:match('^packages%.(.*)$')
   if public and not require('rekindle.rocks').needs_device(public) then
      local ok, why = pcall(require, public)
      -- an engine of torchnet, where that is installed
      assert(ok or public:find '^torchmpi%.engine', public .. ': ' .. tostring(why))
      n = n + 1
   end
end
assert(n > 30, n)

package.path = paths.cwd() .. '/?.lua;' .. package.path
print('all as it should be')
