-- A graph as a Python file that makes the same network of PyTorch's modules.
--
-- What PyTorch has a module for is that module; what runs one module after the other is nn.Sequential; for everything else
-- a class is written, whose forward holds the operations. Classes of the same text are one. The names of the state are the
-- places of modules, counted from 0 as in nn.Sequential, and the fields: `3.0.weight`.
local operations = require 'rekindle.export.operations'
local pytorch = {}

local Writer = {}
Writer.__index = Writer

-- ---- the body of a module ----

local function nested(value, of)
   if value.name then return of(value) end
   local parts = {}
   for i, entry in ipairs(value) do parts[i] = nested(entry, of) end
   return '[' .. table.concat(parts, ', ') .. ']'
end

local function bind(names, value, text)
   if value.name then
      names[value] = text
   else
      for i, entry in ipairs(value) do bind(names, entry, string.format('%s[%d]', text, i - 1)) end
   end
end

-- How a scope calls a value.
function Writer:term(scope, names, value)
   if names[value] then return names[value] end
   if value.number then return operations.number(value.number) end
   if value.list then return 'torch.tensor([' .. table.concat(value.list, ', ') .. '])' end
   if value.field then return 'self.' .. value.field end
   local kept = self.graph.kept and self.graph.kept[value]
   if kept then
      local link = self.links[scope] or {}
      self.links[scope] = link
      link[kept.scope] = true
      return 'self.source.' .. kept.field
   end
   if value.weight then return 'torch.tensor(' .. self.literal(value.weight.tensor) .. ')' end
   error(setmetatable({ place = scope.place, class = scope.class }, pytorch.Foreign), 0)
end

function Writer.literal(tensor)
   if tensor:dim() == 0 then return '[]' end
   if tensor:dim() == 1 then
      local list = {}
      for i = 1, tensor:size(1) do list[i] = operations.number(tensor[i]) end
      return '[' .. table.concat(list, ', ') .. ']'
   end
   local rows = {}
   for i = 1, tensor:size(1) do rows[i] = Writer.literal(tensor[i]) end
   return '[' .. table.concat(rows, ', ') .. ']'
end

local function operation(self, scope, names, node)
   local arguments = {}
   for i = 1, table.maxn(node.inputs) do
      local input = node.inputs[i]
      arguments[i] = input and self:term(scope, names, input) or nil
   end
   if operations.helpers[node.op] and #node.outputs > 1 then self.helpers[node.op] = true end
   return operations[node.op](arguments, node)
end

-- The lines of a module's forward.
function Writer:body(scope)
   local names, lines, count = {}, {}, 0
   bind(names, scope.x, 'x')
   local function name()
      count = count + 1
      return 'a' .. count
   end
   for _, entry in ipairs(scope.entries) do
      if entry.call then
         local given = nested(entry.x, function(v) return self:term(scope, names, v) end)
         local result = name()
         lines[#lines + 1] = string.format('%s = self[%d](%s)', result, entry.call.index - 1, given)
         bind(names, entry.y, result)
      else
         local text, results = operation(self, scope, names, entry), {}
         for i, output in ipairs(entry.outputs) do
            results[i] = name()
            names[output] = results[i]
         end
         lines[#lines + 1] = table.concat(results, ', ') .. ' = ' .. text
      end
   end
   for _, keep in ipairs(scope.keeps or {}) do
      lines[#lines + 1] = string.format('self.%s = %s', keep.field, self:term(scope, names, keep.value))
   end
   local result = nested(scope.y, function(v) return self:term(scope, names, v) end)
   -- what is returned at once needs no name
   local last = lines[#lines]
   local own = last and last:match('^' .. result .. ' = (.*)$')
   if own and result:find('^a%d+$') then
      lines[#lines] = 'return ' .. own
   else
      lines[#lines + 1] = 'return ' .. result
   end
   return lines
end

-- ---- modules ----

-- The modules inside, by their places from 0; a module that is called several times is one.
function Writer:inside(scope)
   local list, last = {}, -1
   for _, entry in ipairs(scope.entries) do
      if entry.call then
         local at = entry.call.index - 1
         local made = self:make(entry.call)
         if list[at] and table.concat(list[at], '\n') ~= table.concat(made, '\n') then
            error(setmetatable({ place = entry.call.place, class = entry.call.class,
               why = 'it is called with inputs of different sizes, which give different operations' }, pytorch.Foreign), 0)
         end
         list[at], last = made, math.max(last, at)
      end
   end
   local all = {}
   for at = 0, last do all[#all + 1] = list[at] or { 'nn.Identity()' } end
   return all
end

-- name(parts...), with each part on lines of its own.
local function call(name, parts)
   if #parts == 0 then return { name .. '()' } end
   local lines = { name .. '(' }
   for _, part in ipairs(parts) do
      for i, line in ipairs(part) do lines[#lines + 1] = '    ' .. line .. (i == #part and ',' or '') end
   end
   lines[#lines + 1] = ')'
   return lines
end

function Writer:class_for(scope, body)
   local base = (scope.class or 'Module'):match('[^.]*$')
   local text = table.concat(body, '\n')
   local known = self.classes[base .. '\n' .. text]
   if known then return known end
   local name, n = base, 1
   while self.taken[name] do
      n = n + 1
      name = base .. n
   end
   self.taken[name] = true
   self.classes[base .. '\n' .. text] = name
   local lines = { string.format('class %s(Layer):', name), '    def forward(self, x):' }
   for _, line in ipairs(body) do lines[#lines + 1] = '        ' .. line end
   self.texts[#self.texts + 1] = table.concat(lines, '\n')
   return name
end

local TYPES = { ['torch.FloatTensor'] = 'float32', ['torch.DoubleTensor'] = 'float64', ['torch.LongTensor'] = 'int64' }

-- The lines that make a module.
function Writer:make(scope)
   if scope.torch and not scope.keeps then return { scope.torch } end
   local parts = self:inside(scope)
   if scope.chain then return call('nn.Sequential', parts) end
   local body = self:body(scope)
   if #body == 1 and body[1] == 'return x' and #parts == 0 then return { 'nn.Identity()' } end
   local options = {}
   for _, field in ipairs(scope.fields or {}) do
      local tensor = scope.fields[field].tensor
      local sizes = operations.tuple(tensor:size():totable())
      if scope.fields[field].buffer then
         sizes = string.format('torch.empty(%s, dtype=torch.%s)', sizes, TYPES[torch.typename(tensor)])
      end
      options[#options + 1] = field .. '=' .. sizes
   end
   local name = self:class_for(scope, body)
   if #options > 0 then
      if #parts == 0 then return { name .. '(' .. table.concat(options, ', ') .. ')' } end
      parts[#parts + 1] = { table.concat(options, ', ') }
   end
   return call(name, parts)
end

-- ---- the file ----

local HEAD = [[
"""%s

build() makes the network, load() with its weights, ready for evaluation. Written by Rekindle.
"""
import os

import torch
from torch import nn
from torch.nn import functional as F


class Layer(nn.Module):
    """Modules by number, parameters by their sizes, constants as tensors."""

    def __init__(self, *modules, **tensors):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
        for name, value in tensors.items():
            if isinstance(value, tuple):
                self.register_parameter(name, nn.Parameter(torch.empty(value)))
            else:
                self.register_buffer(name, value)

    def __getitem__(self, i):
        return self._modules[str(i)]
]]

local SHARE = [[
def share(net, name, source, sizes=None, strides=None):
    """Lets a tensor of the network be another one's memory, seen with these sizes and strides."""
    owner, _, field = source.rpartition('.')
    value = getattr(net.get_submodule(owner), field)
    if sizes is not None:
        value = value.detach().as_strided(sizes, strides)
        value = nn.Parameter(value)
    owner, _, field = name.rpartition('.')
    setattr(net.get_submodule(owner), field, value)
]]

-- The path of a scope in the module.
local function path(scope) return (scope.prefix:gsub('%.$', '')) end

local function ties(self, lines)
   for _, p in ipairs(self.graph.parameters) do
      local source = p.source
      if source then
         local a, b = p.tensor, source.tensor
         local view = ''
         if not a:isSameSizeAs(b) or a:stride():totable()[1] ~= b:stride():totable()[1] then
            view = string.format(', %s, %s', operations.tuple(a:size():totable()), operations.tuple(a:stride():totable()))
         end
         lines[#lines + 1] = string.format("    share(net, '%s', '%s'%s)", p.name, source.name, view)
         self.shares = true
      end
   end
   for scope, sources in pairs(self.links) do
      for source in pairs(sources) do
         lines[#lines + 1] = string.format("    net.get_submodule('%s').__dict__['source'] = net.get_submodule('%s')",
            path(scope), path(source))
      end
   end
end

-- Calls within calls that Python reads: its limit is 200 parentheses, in older versions fewer.
local DEEPEST = 80

-- The text of the file for a graph; `weights` is the name of the file of weights. Nil, the place, class and reason where
-- PyTorch's modules cannot express it.
function pytorch.text(g, title, weights)
   local self = setmetatable({ graph = g, classes = {}, texts = {}, taken = { Layer = true, F = true, nn = true }, links = {},
      helpers = {} }, Writer)
   local ok, made = pcall(self.make, self, g.root)
   if not ok then
      if getmetatable(made) ~= pytorch.Foreign then error(made, 0) end
      return nil, made
   end
   for _, line in ipairs(made) do
      if #line:match '^ *' > 4 * DEEPEST then
         return nil, { place = 'the model', class = g.root.class or 'nn.Module',
            why = string.format('modules nested deeper than %d, which Python does not read', DEEPEST) }
      end
   end
   local build = { 'def build():', '    """The network, without its weights."""' }
   if g.double then
      build[#build + 1] = '    usual = torch.get_default_dtype()'
      build[#build + 1] = '    torch.set_default_dtype(torch.float64)'
   end
   for i, line in ipairs(made) do build[#build + 1] = '    ' .. (i == 1 and 'net = ' or '') .. line end
   if g.double then build[#build + 1] = '    torch.set_default_dtype(usual)' end
   ties(self, build)
   build[#build + 1] = '    return net'
   local parts = { string.format(HEAD, (title:gsub('[\\"%c]', '_'))) }
   for op in pairs(self.helpers) do parts[#parts + 1] = operations.helpers[op] end
   for _, text in ipairs(self.texts) do parts[#parts + 1] = text .. '\n' end
   if self.shares then parts[#parts + 1] = SHARE end
   parts[#parts + 1] = table.concat(build, '\n') .. '\n'
   parts[#parts + 1] = string.format([[
def load(path=os.path.join(os.path.dirname(os.path.abspath(__file__)), '%s')):
    """The network with its weights, in evaluation."""
    net = build()
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval()
]], (weights:gsub("[\\']", '\\%0')))
   return table.concat(parts, '\n\n')
end
pytorch.Foreign = {}

return pytorch
