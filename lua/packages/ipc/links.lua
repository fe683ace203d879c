-- How the nodes of a tree reach each other. A link has send(value) and recv(value), which fills a tensor that is given.
local links = {}

-- Parent of a node, nil for the first; children in their order.
function links.parent(node, base)
   if node > 1 then return math.floor((node - 2) / base) + 1 end
end
function links.children(node, base, count)
   local list = {}
   for child = (node - 1) * base + 2, math.min((node - 1) * base + base + 1, count) do list[#list + 1] = child end
   return list
end

-- ---- over sockets: every node knows the first one, and hears from it where its parent is ----

-- The first node: the clients of its server are all the others.
function links.root(server, count, base, own)
   local nodes, addresses = {}, { own }
   local waiting = {}
   server:clients(count - 1, function(client)
      local message = client:recv()
      if message.node then
         if nodes[message.node] or message.node < 2 or message.node > count then
            error(string.format('ipc.Tree: there are two nodes %d, or only %d nodes', message.node, count), 0)
         end
         nodes[message.node], addresses[message.node] = client, message
      else
         waiting[#waiting + 1] = { client, message }
      end
   end)
   -- those that have no number get one that is left
   for _, entry in ipairs(waiting) do
      local node = 2
      while nodes[node] do node = node + 1 end
      nodes[node], addresses[node] = entry[1], entry[2]
   end
   for node = 2, count do
      local parent = links.parent(node, base)
      nodes[node]:send { node = node, parent = parent, host = addresses[parent].host, port = addresses[parent].port }
   end
   local children = {}
   for _, child in ipairs(links.children(1, base, count)) do children[#children + 1] = nodes[child] end
   return { node = 1, children = children, connections = { server } }
end

-- Another node: a client of the first one's server.
function links.node(node, client, count, base, host)
   local ipc = require 'ipc'
   local server, port = ipc.server(host)
   client:send { node = node, host = host, port = port }
   local place = client:recv()
   node = place.node
   local up, children = client, {}
   local mine = links.children(node, base, count)
   if place.parent ~= 1 then
      up = ipc.client(place.host, place.port)
      up:send(node)
   end
   server:clients(#mine, function(child) child:id(child:recv()) end)
   server:clients(function(child) children[#children + 1] = child end)
   return { node = node, parent = up, children = children, connections = { up, server } }
end

-- ---- over MPI ----

local Peer = {}
Peer.__index = Peer

local TAG = 77
local function bytes(text) return torch.ByteTensor(torch.ByteStorage():string(text)) end

function Peer:send(value)
   local mpi = require 'torchmpi'
   local is_tensor = torch.isTensor(value)
   local text = is_tensor and '' or torch.serialize(value)
   local head = torch.LongTensor { is_tensor and 1 or 0, is_tensor and value:dim() or #text }
   mpi.sendTensor(head, self.rank, TAG)
   if not is_tensor then return mpi.sendTensor(bytes(text), self.rank, TAG) end
   mpi.sendTensor(bytes(('%-20s'):format(torch.typename(value))), self.rank, TAG)
   if value:dim() > 0 then
      mpi.sendTensor(torch.LongTensor(value:size():totable()), self.rank, TAG)
      mpi.sendTensor(value, self.rank, TAG)
   end
end

function Peer:recv(into)
   local mpi = require 'torchmpi'
   local head = torch.LongTensor(2)
   mpi.receiveTensor(head, self.rank, TAG)
   if head[1] == 0 then
      local text = torch.ByteTensor(head[2])
      mpi.receiveTensor(text, self.rank, TAG)
      return torch.deserialize(text:storage():string())
   end
   local class = torch.ByteTensor(20)
   mpi.receiveTensor(class, self.rank, TAG)
   class = class:storage():string():match '%S+'
   if head[2] == 0 then return torch.isTensor(into) and into or torch.getconstructortable(class)() end
   local sizes = torch.LongTensor(head[2])
   mpi.receiveTensor(sizes, self.rank, TAG)
   local wanted = torch.LongStorage(sizes:totable())
   if torch.isTensor(into) and torch.typename(into) == class and into:isSize(wanted) then
      mpi.receiveTensor(into, self.rank, TAG)
      return into
   end
   local value = torch.getconstructortable(class)(wanted)
   mpi.receiveTensor(value, self.rank, TAG)
   if not torch.isTensor(into) then return value end
   return into:copy(value)
end

function links.over_mpi(count, base)
   local mpi = require 'torchmpi'
   if not mpi.started then mpi.start() end
   if mpi.size() ~= count then
      error(string.format('ipc.Tree: there are %d nodes, and the launcher started %d processes', count, mpi.size()), 0)
   end
   local node = mpi.rank() + 1
   local function peer(other) return setmetatable({ rank = other - 1 }, Peer) end
   local children = {}
   for _, child in ipairs(links.children(node, base, count)) do children[#children + 1] = peer(child) end
   local parent = links.parent(node, base)
   return { node = node, parent = parent and peer(parent), children = children, connections = {} }
end

return links
