-- From a network that was run to a graph.
local graph = require 'rekindle.export.graph'
local layers = require 'rekindle.export.layers'
local trace = require 'rekindle.export.trace'

local KINDS = { ['torch.LongTensor'] = 'int64', ['torch.IntTensor'] = 'int64', ['torch.ByteTensor'] = 'uint8' }

-- Values in the nesting of shapes, each made by make(shape, name).
local function values(shape, make, name)
   if shape.sizes then return make(shape, name) end
   local list = {}
   for i, entry in ipairs(shape) do list[i] = values(entry, make, name .. i) end
   return list
end

-- Gives values the sizes that a run has shown; false where they are nested otherwise.
local function fit(value, shape)
   if value.name then
      if not shape.sizes then return false end
      value.sizes = value.sizes or shape.sizes
      return true
   end
   if shape.sizes or #value ~= #shape then return false end
   for i, entry in ipairs(value) do if not fit(entry, shape[i]) then return false end end
   return true
end

-- Values that a module made get its name.
local function rename(g, value, scope, name)
   if not value.name then
      for i, entry in ipairs(value) do rename(g, entry, scope, name .. '.' .. i) end
   elseif value.node and value.scope == scope and not value.named then
      value.name, value.named = g:name(name), true
   end
end

local methods = {}

-- What the next call of a module will be.
function methods:coming(module)
   local list = self.calls[module]
   local call = list and list[(self.done[module] or 0) + 1]
   if not call then self:cannot('it was not called when the network ran') end
   return call
end

local function express(g, module, x, call)
   local f, why = layers.find(module)
   if not f then g:cannot('%s', why) end
   local y = f(g, module, x, call)
   if not fit(y, call.y) then g:cannot('what it gives is nested otherwise than in the run') end
   return y
end

-- A module inside the one at hand, entry `i` of its list.
function methods:walk(module, i, x)
   local outer = self.scope
   local place = (outer.place ~= '' and outer.place .. '.' or '') .. i
   return self:module(module, place, outer.prefix .. (i - 1) .. '.', x, i)
end

function methods:module(module, place, prefix, x, i)
   local scope = self:enter(module, place, prefix, x)
   scope.index = i
   local call = self:coming(module)
   self.done[module] = (self.done[module] or 0) + 1
   fit(x, call.x)
   local ok, y = pcall(express, self, module, x, call)
   if not ok then
      -- what is no refusal comes from fields that are not as the class makes them
      local why = self.is_refusal(y) and y.why or 'its fields are not as expected: ' .. tostring(y):gsub('^%S+%.lua:%d+: ', '')
      table.insert(self.failures, { place = place, class = torch.typename(module), why = why })
      self.scope = scope
      y = values(call.y, function(shape, name) return { name = name, kind = 'float', sizes = shape.sizes } end, '?')
   end
   scope.call = self.done[module]
   rename(self, y, scope, place == '' and 'result' or place)
   self:leave(scope, y)
   return y
end

-- The names of inputs and outputs: `input` for one, `input1`, `input2.1` ... for several.
local function ports(g, shape)
   local list = {}
   local function make(s, name)
      local value = { name = g:name(name), kind = KINDS[s.type] or 'float', sizes = s.sizes, type = s.type, input = true }
      list[#list + 1] = value
      return value
   end
   local function nested(s, name)
      if s.sizes then return make(s, name) end
      local entries = {}
      for i, entry in ipairs(s) do entries[i] = nested(entry, name == 'input' and name .. i or name .. '.' .. i) end
      return entries
   end
   return nested(shape, 'input'), list
end

-- Every output is a value of its own, made by a node, under a name that says so.
local function finish(g, y)
   local seen = {}
   local function visit(value, name)
      if not value.name then
         local entries = {}
         for i, entry in ipairs(value) do entries[i] = visit(entry, name == 'output' and name .. i or name .. '.' .. i) end
         return entries
      end
      if value.input or value.constant or not value.node or seen[value] then
         local copy = g:op('Identity', { value })
         copy.sizes = value.sizes
         value = copy
      end
      seen[value] = true
      value.name = g:name(name)
      table.insert(g.outputs, value)
      return value
   end
   g.outputs = {}
   return visit(y, 'output')
end

-- The graph of a network, in evaluation, from its runs on `inputs` (of other batches, if it takes any).
return function(model, inputs, options)
   local calls, why = trace.calls(model, inputs)
   if not calls then return nil, why end
   local g = graph(options)
   for name, f in pairs(methods) do g[name] = f end
   g.calls, g.done = calls, {}
   trace.modules(model, function(module)
      if torch.isTypeOf(module, 'nn.SpatialMaxUnpooling') or torch.isTypeOf(module, 'nn.VolumetricMaxUnpooling') then
         g.unpooled[module.pooling] = true
      end
   end)
   local shape = trace.shape(inputs[1])
   local call = calls[model] and calls[model][1]
   if call then shape = call.x end
   local x, list = ports(g, shape)
   g.inputs, g.x = list, x
   local y = g:module(model, '', '', x, 1)
   g.y = finish(g, y)
   return g
end
