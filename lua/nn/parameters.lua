-- One flat tensor over the parameters of a network.
local expect = require 'nn.expect'
local Module = nn.Module

-- The stretch of its storage that a tensor covers, which must be without holes: first and last element.
local function stretch(tensor)
   local reach, count = 1, 1
   for d = 1, tensor:dim() do
      local size, stride = tensor:size(d), tensor:stride(d)
      if stride ~= 0 then
         reach = reach + (size - 1) * stride
         count = count * size
      end
   end
   if reach ~= count then
      error('cannot flatten a tensor of strides with holes (sizes ' .. table.concat(tensor:size():totable(), 'x') .. ')')
   end
   local first = tensor:storageOffset()
   return first, first + reach - 1
end

-- The storages in the order of their first tensor, each with its covered stretches, merged and sorted.
local function survey(tensors)
   local order, byStorage = {}, {}
   for _, t in ipairs(tensors) do
      local storage = t:nElement() > 0 and t:storage()
      if storage then
         local key = torch.pointer(storage)
         local entry = byStorage[key]
         if not entry then
            entry = { storage = storage, runs = {} }
            byStorage[key] = entry
            order[#order + 1] = entry
         end
         local first, last = stretch(t)
         table.insert(entry.runs, { first = first, last = last })
      end
   end
   for _, entry in ipairs(order) do
      table.sort(entry.runs, function(a, b) return a.first < b.first end)
      local merged = {}
      for _, run in ipairs(entry.runs) do
         local before = merged[#merged]
         if before and run.first <= before.last + 1 then
            before.last = math.max(before.last, run.last)
         else
            merged[#merged + 1] = run
         end
      end
      entry.runs = merged
   end
   return order, byStorage
end

-- Moves all tensors into one new storage and returns a vector over it. Storages keep the order in which they are first
-- seen, tensors their strides and what they share; unused elements between them are dropped.
function Module.flatten(tensors)
   if tensors ~= nil and torch.type(tensors) ~= 'table' then
      error('nn.Module.flatten: a table of tensors expected, got ' .. require('nn.expect').brief(tensors))
   end
   for i, tensor in ipairs(tensors or {}) do
      if not torch.isTensor(tensor) then
         error(string.format('nn.Module.flatten: tensor %d is %s', i, require('nn.expect').brief(tensor)))
      end
   end
   if not tensors or #tensors == 0 then return torch.Tensor() end
   local order, byStorage = survey(tensors)
   local total = 0
   for _, entry in ipairs(order) do
      for _, run in ipairs(entry.runs) do
         run.at = total + 1
         total = total + run.last - run.first + 1
      end
   end
   local class = tensors[1].new
   if total == 0 then return class() end
   local flat = class(total)
   for _, entry in ipairs(order) do
      for _, run in ipairs(entry.runs) do
         local n = run.last - run.first + 1
         local old = class():set(entry.storage, run.first, torch.LongStorage { n }, torch.LongStorage { 1 })
         flat:narrow(1, run.at, n):copy(old)
      end
   end
   -- a tensor listed twice is found in the new storage the second time, and stays
   for _, t in ipairs(tensors) do
      local entry = t:nElement() > 0 and byStorage[torch.pointer(t:storage())]
      if entry then
         local offset = t:storageOffset()
         for _, run in ipairs(entry.runs) do
            if offset >= run.first and offset <= run.last then
               t:set(flat:storage(), run.at + offset - run.first, t:size(), t:stride())
               break
            end
         end
      end
   end
   return flat
end

function Module:getParameters()
   expect.method(self, 'getParameters')
   local values, grads = self:parameters()
   local p, g = Module.flatten(values), Module.flatten(grads)
   if p:nElement() ~= g:nElement() then
      error('check that you are sharing parameters and gradParameters: ' .. p:nElement() .. ' against ' .. g:nElement())
   end
   for i = 1, values and #values or 0 do
      if grads[i] and values[i]:storageOffset() ~= grads[i]:storageOffset() then
         error('misaligned parameter at ' .. i .. ': parameters and gradients are shared differently')
      end
   end
   return p, g
end
