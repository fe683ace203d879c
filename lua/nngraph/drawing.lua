-- Graphs of networks without what only passes values on.
local simple = {}
nngraph.simple_print = simple

-- Whether a node says something by itself.
local function speaks(node)
   local data = node.data
   local named = data.annotations and data.annotations.name
   return named or data.module and torch.type(data.module) ~= 'nn.Identity'
end

local function title(node)
   local data = node.data
   local name = data.annotations and data.annotations.name
   local module = data.module and tostring(data.module)
   return name and module and name .. '\n' .. module or name or module
end

-- The speaking nodes that a node leads to, directly or through silent ones.
local function leadsTo(node)
   local found, seen = {}, {}
   local function follow(n)
      for _, child in ipairs(n.children) do
         if not seen[child] then
            seen[child] = true
            if speaks(child) then found[#found + 1] = child else follow(child) end
         end
      end
   end
   follow(node)
   return found
end

-- The forward graph of a gModule in the language of graphviz: modules and named nodes.
function simple.todot(fg, text)
   local lines = { 'digraph G {' }
   if text then lines[#lines + 1] = string.format('labelloc="t"; label="%s";', graph.escape(text)) end
   for _, node in ipairs(fg.nodes) do
      if speaks(node) then
         lines[#lines + 1] = string.format('n%d[label="%s" shape=box];', node.id, graph.escape(title(node)))
         for _, child in ipairs(leadsTo(node)) do
            lines[#lines + 1] = string.format('n%d -> n%d;', node.id, child.id)
         end
      end
   end
   lines[#lines + 1] = '}'
   return table.concat(lines, '\n')
end

-- Writes `name.dot`, and `name.svg` where graphviz is installed.
function simple.dot(fg, text, name)
   return graph.dot({ todot = function() return simple.todot(fg, text) end }, text, name)
end

return simple
