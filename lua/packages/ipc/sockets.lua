-- Servers and clients of package ipc: objects, tensors and storages over connections.
local rows = require('rekindle.native').functions
local travel = require 'threads.travel'
local copied = travel.pair(travel.copied)
local line = rows['ipc.connection']

-- seconds that a client waits for its server
local LONG = 300

-- ---- a client, on either side ----

local Client = torch.class('ipc.client', {})
Client = torch.getmetatable 'ipc.client'

local function client_of(connection) return setmetatable({ connection = connection }, Client) end

function Client:send(value)
   if torch.isTensor(value) then line.sendTensor(self.connection, value)
   elseif torch.isStorage(value) then line.sendStorage(self.connection, value)
   else line.sendText(self.connection, copied.save(value):string()) end
   return self
end

local function describe(kind, element, sizes) return string.format('a %s of %s of size %s', kind, element, table.concat(sizes, 'x')) end

-- receives what comes into a tensor or storage of its size
local function into(self, value, kind, element, sizes)
   local tensor = torch.isTensor(value)
   local fits = kind == (tensor and 'tensor' or 'storage')
   if fits and tensor then
      fits = value:dim() == #sizes
      for d = 1, #sizes do fits = fits and value:size(d) == sizes[d] end
   elseif fits then
      fits = #value == sizes[1]
   end
   if not fits then
      line.skip(self.connection)
      error(string.format('recv: %s came, and does not fit into a %s of size %s', describe(kind, element, sizes), torch.typename(value),
         tensor and table.concat(value:size():totable(), 'x') or #value), 3)
   end
   local same = torch.typename(value):find('^torch%.' .. element .. (tensor and 'Tensor' or 'Storage') .. '$')
   if same then
      if tensor then line.intoTensor(self.connection, value) else line.intoStorage(self.connection, value) end
   else
      local other = tensor and torch[element .. 'Tensor'](torch.LongStorage(sizes)) or torch[element .. 'Storage'](sizes[1])
      if tensor then line.intoTensor(self.connection, other) else line.intoStorage(self.connection, other) end
      value:copy(other)
   end
   return value
end

-- What comes next; a tensor or a storage is filled where one is given.
function Client:recv(value)
   local kind, element, sizes = line.head(self.connection)
   if torch.isTensor(value) or torch.isStorage(value) then return into(self, value, kind, element, sizes) end
   if kind == 'text' then return copied.load(torch.CharStorage():string(line.text(self.connection))) end
   local made = kind == 'storage' and torch[element .. 'Storage'](sizes[1])
      or #sizes > 0 and torch[element .. 'Tensor'](torch.LongStorage(sizes)) or torch[element .. 'Tensor']()
   return into(self, made, kind, element, sizes)
end

-- nil where nothing has come yet
function Client:recvAsync(value)
   if line.ready(self.connection) then return self:recv(value) end
end

-- what another thread gets is the same connection
function Client:__write(file) file:writeObject { connection = self.connection, name = self.name, number = self.number } end
function Client:__read(file)
   for name, value in pairs(file:readObject()) do self[name] = value end
end

function Client:close() line.close(self.connection) end

function Client:tag(tag)
   if tag ~= nil then self.name = tag end
   return self.name
end
function Client:id(id)
   if id ~= nil then self.number = id end
   return self.number
end

local function traffic(connections)
   local total = { 0, 0, 0, 0 }
   for _, connection in ipairs(connections) do
      for i, n in ipairs(line.traffic(connection)) do total[i] = total[i] + n end
   end
   return { num_sends = total[1], num_bytes_sent = total[2], num_recvs = total[3], num_bytes_recv = total[4],
      num_connections = #connections }
end
function Client:netStats() return traffic { self.connection } end

-- ---- a server ----

local Server = torch.class('ipc.server', {})
Server = torch.getmetatable 'ipc.server'

-- Waits until `count` clients have come, where that is given, and calls f(client) for each: in the order of their numbers, where
-- these were given, or backwards.
function Server:clients(count, f, backwards)
   if type(count) == 'function' then count, f, backwards = 0, count, f end
   while #self.all < count do self.all[#self.all + 1] = client_of(rows['ipc.listener'].accept(self.listener)) end
   local list = {}
   for i, client in ipairs(self.all) do list[i] = { client, client.number or 0, i } end
   table.sort(list, function(a, b)
      if a[2] ~= b[2] then return a[2] < b[2] end
      return a[3] < b[3]
   end)
   local first, last, step = 1, #list, 1
   if backwards then first, last, step = #list, 1, -1 end
   for i = first, last, step do f(list[i][1]) end
   -- those that f closed are gone
   for i = #self.all, 1, -1 do
      if self.all[i].gone then table.remove(self.all, i) end
   end
end

function Client:_leave()
   self.gone = true
   line.close(self.connection)
end

-- To all, or to those with this tag.
function Server:broadcast(value, tag)
   for _, client in ipairs(self.all) do
      if tag == nil or client.name == tag then client:send(value) end
   end
end

-- What any of them says next, and who.
function Server:recvAny(value)
   if #self.all == 0 then error('recvAny: there are no clients', 2) end
   while true do
      for i = 1, #self.all do
         -- everyone gets a turn
         self.turn = self.turn % #self.all + 1
         local client = self.all[self.turn]
         if line.ready(client.connection) then return client:recv(value), client end
      end
      sys.sleep(0.0002)
   end
end

function Server:close()
   for _, client in ipairs(self.all) do client:close() end
   self.all = {}
   rows['ipc.listener'].close(self.listener)
end

function Server:netStats()
   local connections = {}
   for i, client in ipairs(self.all) do connections[i] = client.connection end
   return traffic(connections)
end

-- host and port in either order of leaving out
local function place(name, host, port, rest)
   if type(host) == 'number' then host, port, rest = nil, host, port end
   if host ~= nil and type(host) ~= 'string' or port ~= nil and type(port) ~= 'number' then
      error(string.format('ipc.%s: expected a host and a port, got %s and %s', name, tostring(host), tostring(port)), 3)
   end
   return host or '127.0.0.1', port, rest
end

return function(ipc)
   function ipc.server(host, port)
      host, port = place('server', host, port)
      local listener, at = rows.ipc.listen(host, port or 0)
      return setmetatable({ listener = listener, all = {}, turn = 0 }, Server), at
   end

   function ipc.client(host, port, seconds)
      host, port, seconds = place('client', host, port, seconds)
      if not port then error('ipc.client: expected a port', 2) end
      return client_of(rows.ipc.connect(host, port, seconds or LONG))
   end
end
