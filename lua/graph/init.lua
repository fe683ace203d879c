-- graph: directed graphs. Nodes know their children; a graph lists its nodes, numbered by `id` in the order in which they
-- came, and its edges.
require 'torch'

graph = graph or {}

local Edge = torch.class('graph.Edge')

function Edge:__init(from, to, weight)
   self.from, self.to, self.weight = from, to, weight or 0
end

require 'graph.node'

local Graph = torch.class('graph.Graph')

function Graph:__init()
   self.nodes, self.edges = {}, {}
end

-- the list is an index of its nodes too
local function include(self, node)
   if self.nodes[node] then return end
   local id = #self.nodes + 1
   self.nodes[id], self.nodes[node] = node, id
   node.id = id
end

local function said(value)
   return torch.isTypeOf(value, 'graph.Edge') and 'one between others' or value == nil and 'nothing' or 'a ' .. torch.type(value)
end

-- Adds an edge or a list of edges, with the nodes at their ends.
function Graph:add(edges)
   if torch.isTypeOf(edges, 'graph.Edge') then edges = { edges } end
   if type(edges) ~= 'table' or torch.typename(edges) then
      error('Graph:add: a graph.Edge or a list of them expected, got a ' .. torch.type(edges), 2)
   end
   for i, edge in ipairs(edges) do
      if not torch.isTypeOf(edge, 'graph.Edge') or not torch.isTypeOf(edge.from, 'graph.Node')
         or not torch.isTypeOf(edge.to, 'graph.Node') then
         error(string.format('Graph:add: an edge between two nodes expected as edge %d, got %s', i, said(edge)), 2)
      end
      self.edges[#self.edges + 1] = edge
      include(self, edge.from)
      include(self, edge.to)
      edge.from:add(edge.to)
   end
end

-- A graph of new nodes over the same data, its edges as `ends` puts them, and which new node stands for which old one.
local function remade(self, ends)
   local copy, stands = graph.Graph(), {}
   local function of(node)
      stands[node] = stands[node] or node:twin()
      return stands[node]
   end
   for _, edge in ipairs(self.edges) do
      local from, to = ends(of(edge.from), of(edge.to))
      copy:add(graph.Edge(from, to, edge.weight))
   end
   return copy, stands
end

function Graph:clone() return remade(self, function(from, to) return from, to end) end

-- The graph with all edges turned round.
function Graph:reverse() return remade(self, function(from, to) return to, from end) end

local function nodesWithout(self, ending)
   local has, found = {}, {}
   for _, edge in ipairs(self.edges) do has[edge[ending]] = true end
   for _, node in ipairs(self.nodes) do
      if not has[node] then found[#found + 1] = node end
   end
   return found
end

-- Nodes that no edge leads to, and those that none leaves.
function Graph:roots() return nodesWithout(self, 'to') end
function Graph:leaves() return nodesWithout(self, 'from') end

-- All nodes, each after those that lead to it. Also gives the reversed graph that was walked, and its roots.
function Graph:topsort()
   if self:hasCycle() then error('Graph:topsort: the graph has cycles', 2) end
   local reversed, stands = self:reverse()
   local original, sorted = {}, {}
   for old, new in pairs(stands) do original[new] = old end
   local roots, seen = reversed:roots(), {}
   for _, root in ipairs(roots) do
      root:walk(seen, function(node) sorted[#sorted + 1] = original[node] end)
   end
   return sorted, reversed, roots
end

-- Takes away nodes that nothing leads to, until none is left or those that are left lead to each other.
function Graph:hasCycle()
   local waiting, free = {}, {}
   for _, edge in ipairs(self.edges) do waiting[edge.to] = (waiting[edge.to] or 0) + 1 end
   for _, node in ipairs(self.nodes) do
      if not waiting[node] then free[#free + 1] = node end
   end
   local taken = 0
   while #free > 0 do
      local node = table.remove(free)
      taken = taken + 1
      for _, child in ipairs(node.children) do
         waiting[child] = waiting[child] - 1
         if waiting[child] == 0 then free[#free + 1] = child end
      end
   end
   return taken < #self.nodes
end

-- The graph in the language of graphviz.
function Graph:todot(title)
   local lines = { 'digraph G {' }
   if title then
      lines[#lines + 1] = 'labelloc="t";'
      lines[#lines + 1] = string.format('label="%s";', title)
   end
   lines[#lines + 1] = 'node [shape = oval]; '
   for _, node in ipairs(self.nodes) do
      local attributes = { string.format('label="%s"', graph.escape(node:graphNodeName() .. '\n' .. node:label())) }
      for key, value in pairs(node:graphNodeAttributes()) do
         value = tostring(value)
         if not value:find('^%w+$') then value = '"' .. graph.escape(value) .. '"' end
         attributes[#attributes + 1] = key .. '=' .. value
      end
      table.sort(attributes)
      lines[#lines + 1] = string.format('n%d[%s];', node.id, table.concat(attributes, ' '))
   end
   for _, edge in ipairs(self.edges) do
      lines[#lines + 1] = string.format('n%d -> n%d;', edge.from.id, edge.to.id)
   end
   lines[#lines + 1] = '}'
   return table.concat(lines, '\n')
end

-- Text between the quotes of graphviz.
function graph.escape(text)
   return (tostring(text):gsub('["\\]', '\\%0'):gsub('\n', '\\n'))
end

-- Text as graphviz takes it: as it is where it has only letters, else in quotes.
function graph._dotEscape(text)
   text = tostring(text)
   if not text:find('[^a-zA-Z]') then return text end
   return '"' .. text:gsub('\n', '\\n'):gsub('"', '\\"') .. '"'
end

-- A name between the quotes of a shell.
local function quoted(name) return "'" .. name:gsub("'", "'\\''") .. "'" end

-- Runs a program of graphviz over a graph: `options` come after its name, and its text is returned.
local function graphviz(caller, g, algorithm, options)
   local function complain(...) error(caller .. ': ' .. string.format(...), 4) end
   algorithm = algorithm or 'dot'
   if type(algorithm) ~= 'string' or algorithm:find('[^%w_]') then
      complain('the name of a program of graphviz expected, got %s', tostring(algorithm))
   end
   if type(g) ~= 'table' or not g.todot then complain('a graph.Graph expected, got a %s', torch.type(g)) end
   local name = os.tmpname()
   local file = assert(io.open(name, 'w'))
   file:write(g:todot())
   file:close()
   local pipe = io.popen(string.format("%s %s %s 2>&1", algorithm, options, quoted(name)))
   local text = pipe:read('*a')
   local fine = pipe:close()
   os.remove(name)
   if not fine then
      local there = io.popen('command -v ' .. algorithm)
      local place = there:read('*a')
      there:close()
      if place == '' then complain('the program %s is not there; install graphviz', algorithm) end
      complain('the program %s failed: %s', algorithm, (text:gsub('%s+$', '')))
   end
   return text
end

-- Where graphviz would put the nodes: a row { x, y } for each, in inches. `algorithm` is one of its programs (dot, neato,
-- fdp ...), which has to be installed.
function graph.graphvizLayout(g, algorithm)
   local text = graphviz('graph.graphvizLayout', g, algorithm, '-Tplain')
   local positions = torch.zeros(#g.nodes, 2)
   for id, x, y in text:gmatch('node n(%d+) (%S+) (%S+)') do
      local row = positions[tonumber(id)]
      row[1], row[2] = tonumber(x), tonumber(y)
   end
   return positions
end

-- Writes a picture of the graph, in the format that the name ends with: svg, png, pdf, dot ...
function graph.graphvizFile(g, algorithm, name)
   local format = type(name) == 'string' and name:match('%.(%w+)$')
   if not format then
      error('graph.graphvizFile: a file name that ends with a format expected, as graph.svg, got ' .. tostring(name), 2)
   end
   graphviz('graph.graphvizFile', g, algorithm, string.format('-T%s -o %s', format, quoted(name)))
end

-- Writes `name.dot`, and `name.svg` where graphviz is installed.
function graph.dot(g, title, name)
   name = name or os.tmpname()
   local file, why = io.open(name .. '.dot', 'w')
   if not file then error('graph.dot: cannot write ' .. tostring(why)) end
   file:write(g:todot(title))
   file:close()
   local from, to = quoted(name .. '.dot'), quoted(name .. '.svg')
   os.execute(string.format('command -v dot >/dev/null 2>&1 && dot -Tsvg -o %s %s', to, from))
   return name .. '.dot'
end

local takes = require 'rekindle.takes'
takes(graph, 'graph.', { dot = 'g:drawable title:text? name:text?', escape = 'text:text' })
takes(Graph, ':', { todot = 'title:text?' })

return graph
