-- What values are, as graphs ask.
require 'torch'
local utils = {}

function utils.istensor(value) return torch.isTensor(value) end
function utils.istorchclass(value) return type(value) == 'table' and torch.typename(value) ~= nil end
function utils.istable(value) return type(value) == 'table' and torch.typename(value) == nil end

-- Why a value is no node: text for an error about `what`.
function utils.expectingNodeErrorMessage(value, what, index)
   if index then what = string.format('%s[%s]', what, tostring(index)) end
   local ok, why = pcall(require('nngraph.build').check, value, what)
   return ok and what .. ' is an nngraph.Node' or why
end

return utils
