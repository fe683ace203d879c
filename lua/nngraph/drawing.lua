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

-- Opens a picture of a gModule's forward graph with the program that the system has for it.
function nngraph.display(gmodule)
   local fg = type(gmodule) == 'table' and gmodule.fg
   if not fg then error('nngraph.display: an nn.gModule expected, got a ' .. torch.type(gmodule), 2) end
   local name = os.tmpname() .. '.svg'
   local ok, message = pcall(graph.graphvizFile, fg, 'dot', name)
   if not ok then error((message:gsub('^.-graph%.graphvizFile', 'nngraph.display')), 2) end
   local opener = jit.os == 'OSX' and 'open' or 'xdg-open'
   if not os.execute(string.format('command -v %s >/dev/null 2>&1 && %s %s >/dev/null 2>&1', opener, opener, name)) then
      print('nngraph.display: nothing here shows pictures; the graph is in ' .. name)
   end
end

return simple
