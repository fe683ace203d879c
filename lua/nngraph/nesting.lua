-- Tensors in nested tables, as graphs pass them on: every function goes through both nestings together.
require 'torch'
local nesting = {}

local function isTable(value) return type(value) == 'table' and not torch.typename(value) end

-- Walks a nesting and what belongs to it; `leaf(own, other)` gives what stands in the place of `own`.
local function walk(name, own, other, leaf)
   if torch.isTensor(other) then
      if own ~= nil and not torch.isTensor(own) then
         error(string.format('nngraph.nesting.%s: a tensor expected where the other has one, got a %s', name, torch.type(own)))
      end
      return leaf(own, other)
   end
   if not isTable(other) then
      error(string.format('nngraph.nesting.%s: tensors and tables of them expected, got a %s', name, torch.type(other)))
   end
   if own == nil then own = {} end
   if not isTable(own) then
      error(string.format('nngraph.nesting.%s: a table expected where the other has one, got a %s', name, torch.type(own)))
   end
   for key, entry in pairs(other) do own[key] = walk(name, own[key], entry, leaf) end
   return own
end

-- Takes away what the other does not have.
local function trim(own, other)
   if not isTable(own) then return own end
   for key, entry in pairs(own) do
      if other[key] == nil then own[key] = nil else trim(entry, other[key]) end
   end
   return own
end

-- Copies of all tensors.
function nesting.cloneNested(value)
   return walk('cloneNested', nil, value, function(_, tensor) return tensor:clone() end)
end

-- Fills all tensors with a number.
function nesting.fillNested(value, number)
   walk('fillNested', value, value, function(tensor) return tensor:fill(number) end)
end

-- Gives `output` the nesting and the sizes of `input`; new tensors are made where there are none.
function nesting.resizeNestedAs(output, input)
   if output ~= nil and torch.isTensor(output) ~= torch.isTensor(input) then output = nil end
   output = walk('resizeNestedAs', output, input, function(own, tensor)
      return (own or tensor.new()):resize(tensor:size())
   end)
   return trim(output, input)
end

-- Copies the elements of `input` into an `output` of the same nesting.
function nesting.copyNested(output, input)
   return walk('copyNested', output, input, function(own, tensor)
      return (own or tensor.new():resize(tensor:size())):copy(tensor)
   end)
end

-- Adds the elements of `input` to those of `output`.
function nesting.addNestedTo(output, input)
   walk('addNestedTo', output, input, function(own, tensor)
      if not own then error('nngraph.nesting.addNestedTo: there is nothing to add to in the place of a tensor') end
      return own:add(tensor)
   end)
end

return nesting
