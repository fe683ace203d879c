-- How nodes are made of modules and of each other.
local build = {}

-- Fails unless a value is a node; `what` names it, `level` is that of the error, none without a place.
function build.check(value, what, level)
   level = level or 0
   if torch.isTypeOf(value, 'nngraph.Node') then return value end
   if value == nil then error(what .. ' is nil (typo / bad index?)', level) end
   if torch.isTypeOf(value, 'nn.Module') then
      error(string.format('%s is an nn.Module, specifically a %s, but the only valid thing to pass is an instance of ' ..
         'nngraph.Node: call the module to make a node of it, as in nn.Linear(2, 3)(input)', what, torch.type(value)), level)
   end
   error(string.format('%s should be an nngraph.Node but is of type %s', what, torch.type(value)), level)
end

-- Where the nearest function outside of this package is, for messages about nodes.
function build.origin()
   for level = 3, 20 do
      local info = debug.getinfo(level, 'Sl')
      if not info then break end
      if info.what ~= 'C' and not info.source:find('^=nngraph/') then
         return string.format('[%s]:%d_', info.short_src, info.currentline)
      end
   end
   return '[C]'
end

local MANY = 'Use {input1, input2} to pass multiple inputs.'

-- `module(node)`, `module{node, ...}`, `module()`.
function build.call(module, ...)
   local count, input = select('#', ...), ...
   if count > 1 then error(torch.type(module) .. ': ' .. MANY, 2) end
   local node = nngraph.Node { module = module, annotations = { _debugLabel = build.origin() } }
   if count == 0 then return node end
   local inputs = input
   if type(input) ~= 'table' or torch.typename(input) then inputs = { input } end
   local last = input == nil and 1 or table.maxn(inputs)
   if last == 0 then error(torch.type(module) .. ': cannot pass an empty table of inputs. ' ..
         'To indicate no incoming connections, leave the second set of parens blank.', 2) end
   for i = 1, last do
      local ok, why = pcall(build.check, inputs[i], string.format('%s: inputs[%d]', torch.type(module), i))
      if not ok then error(why, 2) end
      node:add(inputs[i], true)
   end
   return node
end

-- `input - module`: the input is a node, a table of nodes, or a module, which becomes a node without inputs.
function build.pipe(input, module)
   if not torch.isTypeOf(module, 'nn.Module') then
      error('nngraph: only a module can take what stands before a minus sign, got a ' .. torch.type(module), 2)
   end
   if torch.isTypeOf(input, 'nn.Module') then input = input() end
   return module(input)
end

-- A node whose output is nested as the table of nodes is.
function build.nest(...)
   if select('#', ...) > 1 then error('nngraph.nest: ' .. MANY, 2) end
   local function node(value)
      if torch.isTypeOf(value, 'nngraph.Node') then return value end
      if type(value) ~= 'table' or torch.typename(value) or #value == 0 then
         error('nngraph.nest: what is this in the nest input? ' .. tostring(value))
      end
      local inner = {}
      for i, v in ipairs(value) do inner[i] = node(v) end
      return (#inner == 1 and nngraph.JustTable or nn.Identity)()(inner)
   end
   if ... == nil then error('nngraph.nest: Pass an input.', 2) end
   return node(...)
end

return build
