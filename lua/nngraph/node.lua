-- nngraph.Node: a place in a network. Its children are the nodes that it takes its input from. Nodes of a graph, of its
-- reverse and of their copies share one table `data`:
--
--   module        what is computed, none for an identity
--   mapindex      data of the nodes that the input comes from, in order, and their places
--   reverseMap    nodes that take their input from here
--   nSplitOutputs how many parts the output was split into; selectindex which part of its input a node stands for
--   input, gradOutput   what the last pass brought: inputs in order, gradients of all uses
--   annotations   name, description, attributes for drawing
local build = require 'nngraph.build'
local Node, parent = torch.class('nngraph.Node', 'graph.Node')

function Node:__init(data)
   if type(data) ~= 'table' then
      error('nngraph.Node: a table of data expected, got ' .. require('nn.expect').brief(data))
   end
   parent.__init(self, data)
   self.data.annotations = self.data.annotations or {}
   self.data.mapindex = self.data.mapindex or {}
   self.data.reverseMap = self.data.reverseMap or {}
end

-- Adds a child; with `input`, as the next input of this node.
function Node:add(child, input)
   parent.add(self, child)
   if not input then return end
   if not torch.isTypeOf(child, 'nngraph.Node') then
      error('nngraph.Node:add: one node expected as input, got ' .. require('nn.expect').brief(child))
   end
   local map = self.data.mapindex
   if map[child.data] then error("nngraph: Don't pass the same input twice.", 3) end
   map[#map + 1] = child.data
   map[child.data] = #map
   child.data.reverseMap[self] = true
end

-- Nodes for the `n` entries of the table that comes out here.
function Node:split(n)
   if type(n) ~= 'number' or n < 1 or n ~= math.floor(n) then
      error('nngraph.Node:split: a number of parts expected, got ' .. tostring(n), 2)
   end
   if self.data.nSplitOutputs then error('nngraph.Node:split: the node has been split before', 2) end
   self.data.nSplitOutputs = n
   local parts, notes = {}, self.data.annotations
   notes._splitLabel = build.origin()
   for i = 1, n do
      parts[i] = nngraph.Node { selectindex = i, annotations = { _debugLabel = (notes._debugLabel or 'node') .. '-' .. i } }
      parts[i]:add(self, true)
   end
   return unpack(parts)
end

-- Adds to what is known of the node: `name`, `description`, `graphAttributes` for drawing.
function Node:annotate(annotations)
   for key, value in pairs(annotations) do self.data.annotations[key] = value end
   return self
end

require 'rekindle.takes'(Node, ':', { annotate = 'annotations:list' })

function Node:graphNodeName()
   local name = (self.data.annotations or {}).name
   return name and string.format('%s (%d)', name, self.id) or parent.graphNodeName(self)
end

function Node:graphNodeAttributes()
   return (self.data.annotations or {}).graphAttributes or {}
end

-- A value in a few words: tensors by their sizes.
local function brief(value)
   if torch.isTensor(value) then
      return string.format('Tensor[%s]', table.concat(value:size():totable(), 'x'))
   elseif type(value) == 'table' and not torch.typename(value) then
      local parts = {}
      for i, v in ipairs(value) do parts[i] = brief(v) end
      return '{' .. table.concat(parts, ', ') .. '}'
   end
   return tostring(value)
end

function Node:label()
   local lines = {}
   for _, key in ipairs { 'input', 'module', 'gradOutput', 'selectindex', 'nSplitOutputs' } do
      local value = self.data[key]
      if value ~= nil then lines[#lines + 1] = key .. ' = ' .. brief(value) end
   end
   local description = (self.data.annotations or {}).description
   if description then lines[#lines + 1] = description end
   return table.concat(lines, '\n')
end

-- What messages call the node: the name given, or its own, and the place.
function Node:describe(name, at)
   local data = self.data
   local notes = data.annotations or {}
   name = name or notes.name or data.module and torch.type(data.module) or 'node'
   return string.format('%s declared %s %s', name, at or 'at', notes._debugLabel or 'an unknown place')
end

return Node
