-- A copy of a network that computes a part of each batch, wherever it lives.
local Replica = {}
Replica.__index = Replica

-- Copies of tensors in nested tables, into tensors that are kept from call to call; other values as they are.
local function copied(value, kept, key)
   if torch.isTensor(value) then
      local own = kept[key]
      if not own or torch.typename(own) ~= torch.typename(value) then
         own = value.new()
         kept[key] = own
      end
      return own:resize(value:size()):copy(value)
   elseif type(value) == 'table' and not torch.typename(value) then
      local list = {}
      for name, entry in pairs(value) do list[name] = copied(entry, kept, key .. '.' .. tostring(name)) end
      return list
   end
   return value
end
Replica.copied = copied

function Replica.new(network)
   local self = setmetatable({ network = network, inputs = {}, results = {} }, Replica)
   self.values, self.grads = network:parameters()
   self.values, self.grads = self.values or {}, self.grads or {}
   -- gradients that several modules share are counted once
   self.counted = {}
   local seen = {}
   for k, grad in ipairs(self.grads) do
      local place = grad:nElement() > 0 and torch.pointer(grad:storage()) .. ':' .. grad:storageOffset()
      self.counted[k] = place and not seen[place]
      if place then seen[place] = true end
   end
   return self
end

-- Answers a request:
--   method   what is called, with the input `x` (where it is missing, that of the last call), the gradient `g` and `scale`
--   values   the parameters of the network that this is a copy of
--   train    whether that is trained
-- The result, and for methods that gather them the gradients of the parameters, in the order of `parameters()`.
function Replica:answer(request)
   local network = self.network
   for k, value in ipairs(request.values) do self.values[k]:copy(value) end
   if self.train ~= request.train then
      self.train = request.train
      if request.train then network:training() else network:evaluate() end
   end
   if request.x ~= nil then self.x = copied(request.x, self.inputs, 'x') end
   if request.g == nil then return { out = network[request.method](network, self.x) } end
   local gathers = request.method ~= 'updateGradInput'
   if gathers then
      for _, grad in ipairs(self.grads) do grad:zero() end
   end
   local out = network[request.method](network, self.x, copied(request.g, self.inputs, 'g'), request.scale)
   return { out = out, grads = gathers and self.grads or nil, counted = self.counted }
end

return Replica
