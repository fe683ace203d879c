-- The dok package: documented functions with named arguments, through xlua's versions of them.
local xlua = require 'xlua'
local dok = {}
rawset(_G, 'dok', dok)

dok.usage = xlua.usage
dok.error = function(message, place, usage)
   local text = '\27[1;31m' .. (place and '<' .. place .. '> ' or '') .. message .. '\27[0m'
   error(usage and text .. '\n' .. usage or text, 2)
end

function dok.unpack(args, name, description, ...)
   local t = xlua.fill({}, args, name, description, { ... }, function(why) error(why) end, true)
   return t, unpack(t, 1, 64)
end

return true
