-- Package base64: `encode` and `decode`, also as `to_base64` and `from_base64`.
local formats = require('rekindle.native').functions.formats
local base64 = {}
function base64.encode(text) return formats.toBase64(text) end
function base64.decode(text)
   local bytes = formats.fromBase64(text)
   if not bytes then error('base64.decode: the text has letters that are none of Base64', 2) end
   return bytes
end
base64.to_base64, base64.from_base64 = base64.encode, base64.decode
return base64
