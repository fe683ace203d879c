-- Package md5: digests, as the rocks `md5` (sum, sumhexa) and the pure Lua one (new, update, finish) have them.
local digest = require('rekindle.native').functions.formats.md5
local md5 = {}

function md5.tohex(bytes)
   return (tostring(bytes):gsub('.', function(c) return ('%02x'):format(c:byte()) end))
end
function md5.sum(text) return digest(text) end
function md5.sumhexa(text) return md5.tohex(digest(text)) end

-- a digest of pieces
local Sum = {}
Sum.__index = Sum
function md5.new() return setmetatable({ pieces = {} }, Sum) end
function Sum:update(text)
   self.pieces[#self.pieces + 1] = text
   return self
end
function Sum:finish() return digest(table.concat(self.pieces)) end

require 'rekindle.takes'(md5, 'md5.', { tohex = 'bytes:text' })

return md5
