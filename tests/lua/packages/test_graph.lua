-- What packages graph and nngraph have other programs draw.
require 'nngraph'
local function fails(text, f, ...)
   local ok, message = pcall(f, ...)
   assert(not ok and tostring(message):find(text, 1, true), text .. ': ' .. tostring(message))
   -- called by pcall, which has no line
   assert(not message:find '^%S+%.lua:%d', message)
end
local x = nn.Identity()()
local net = nn.gModule({ x }, { nn.Tanh()(nn.Linear(2, 2)(x)) })
local name = os.tmpname()

-- programs that stand for those of graphviz
graph.graphvizFile(net.fg, 'true', name .. '.svg')
assert(graph.graphvizLayout(net.fg, 'true'):sum() == 0)
for _, f in ipairs { graph.graphvizFile, graph.graphvizLayout } do
   fails('the program false failed', f, net.fg, 'false', name .. '.svg')
   fails('the program no_such_program is not there; install graphviz', f, net.fg, 'no_such_program', name .. '.svg')
   fails('the name of a program of graphviz expected, got dot; ls', f, net.fg, 'dot; ls', name .. '.svg')
   fails('a graph.Graph expected, got a number', f, 5, 'true', name .. '.svg')
end
fails('graph.graphvizFile: a file name that ends with a format expected, as graph.svg, got nil', graph.graphvizFile, net.fg)
fails('as graph.svg, got plain', graph.graphvizFile, net.fg, 'dot', 'plain')
fails('nngraph.display: an nn.gModule expected, got a nn.Linear', nngraph.display, nn.Linear(2, 2))

local pipe = io.popen 'command -v dot'
local there = pipe:read '*a' ~= ''
pipe:close()
if there then
   graph.graphvizFile(net.fg, 'dot', name .. '.svg')
   assert(io.open(name .. '.svg'):read('*a'):find '<svg')
   assert(graph.graphvizLayout(net.fg):sum() > 0)
else
   fails('nngraph.display: the program dot is not there; install graphviz', nngraph.display, net)
end
assert(graph.dot(net.fg, 'net', name) == name .. '.dot' and io.open(name .. '.dot'):read('*a'):find 'Linear')
assert(nngraph.simple_print.dot(net.fg, 'simple', name) == name .. '.dot' and io.open(name .. '.dot'):read('*a'):find 'label="simple"')
for _, ending in ipairs { '', '.svg', '.dot' } do os.remove(name .. ending) end
print('all as it should be')
