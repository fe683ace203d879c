-- Workers that go their own ways and meet at the parameter server: Downpour SGD (Dean et al., 2012) and elastic averaging (Zhang et
-- al., 2015).
require 'nn'
local mpi = require 'torchmpi'
local mpinn = require 'torchmpi.nn'
local ps = require 'torchmpi.parameterserver.env'

-- class, and what its constructor takes: { name, type, default }
local function define(name, parent, rules)
   local class, up = torch.class('torchmpi.parameterserver.' .. name, parent, mpi)
   function class:__init(...)
      local first = ...
      local given = {}
      if type(first) == 'table' and not torch.typename(first) then
         given = first
      else
         for i, rule in ipairs(rules) do given[rule[1]] = (select(i, ...)) end
      end
      for key in pairs(given) do
         local known = false
         for _, rule in ipairs(rules) do known = known or rule[1] == key end
         if not known then error(string.format('torchmpi.%s: there is no option %s', name, tostring(key)), 2) end
      end
      for _, rule in ipairs(rules) do
         local value = given[rule[1]]
         if value == nil then value = rule[3] end
         local fits = rule[2] == 'nn.Module' and torch.isTypeOf(value, 'nn.Module') or type(value) == rule[2]
         if not fits then
            error(string.format('torchmpi.%s: expected a %s as %s, got a %s', name, rule[2], rule[1], torch.type(value)), 2)
         end
         self[rule[1]] = value
      end
      if self.prefetch < 0 or self.prefetch > self.updateFrequency then
         error(string.format('torchmpi.%s: expected a prefetch from 0 to %d, got %s', name, self.updateFrequency, self.prefetch), 2)
      end
      self.nextIntegration = self.initDelay + self.updateFrequency
      self.nextPrefetch = self.nextIntegration - self.prefetch
      self.handlesSend, self.handlesPrefetch, self.updates = {}, {}, {}
      if self.begin then self:begin() end
   end
   return class, up
end

local COMMON = { { 'network', 'nn.Module' }, { 'shardingCommunicator', 'number', 0 }, { 'dataparallelCommunicator', 'number', 0 } }
local TIMES = { { 'updateFrequency', 'number', 10 }, { 'initDelay', 'number', 100 }, { 'prefetch', 'number', 0 } }
local function rules(between, after)
   local list = {}
   for _, part in ipairs { COMMON, between, TIMES, after } do
      for _, rule in ipairs(part) do list[#list + 1] = rule end
   end
   return list
end

-- ---- what both have ----

local Update = define('Update', nil, rules({}, {}))

-- A step of the program: what is due now. Workers of one `dataparallelCommunicator` have one set of parameters, and its first
-- one speaks with the server.
function Update:update(step)
   local together = self.shardingCommunicator ~= self.dataparallelCommunicator
   mpi.C.torchmpi_set_communicator(self.shardingCommunicator)
   if step == self.initDelay then ps.initTensors((self.network:parameters())) end
   mpi.C.torchmpi_set_communicator(self.dataparallelCommunicator)
   local speaks = not together or mpi.rank() == 0
   local integrated = step == self.nextIntegration
   if speaks and step >= self.initDelay then
      if step == self.nextPrefetch then self:__fetch() end
      if integrated then
         self.handlesPrefetch = ps.syncHandles(self.handlesPrefetch)
         self:__integrate()
      end
      self:__send(step)
   end
   if step == self.nextPrefetch then self.nextPrefetch = self.nextPrefetch + self.updateFrequency end
   if integrated then
      self.nextIntegration = self.nextIntegration + self.updateFrequency
      mpi.C.torchmpi_set_communicator(self.dataparallelCommunicator)
      if together then mpinn.synchronizeParameters(self.network) end
   end
   mpi.C.torchmpi_set_communicator(0)
end

function Update:__fetch()
   self.handlesSend = ps.syncHandles(self.handlesSend)
   self.handlesPrefetch = ps.prefetchTensors((self.network:parameters()))
end
function Update:__integrate() error(torch.type(self) .. ' says nothing of how it integrates', 2) end
function Update:__send() error(torch.type(self) .. ' says nothing of what it sends', 2) end

-- ---- Downpour: gradients go to the server, its parameters come back ----

local Downpour = define('DownpourUpdate', 'torchmpi.parameterserver.Update',
   rules({}, { { 'sendFrequency', 'number', 1 }, { 'localUpdate', 'function' } }))
function Downpour:begin() self.nextSend = self.initDelay + self.sendFrequency end

function Downpour:__send(step)
   local values, gradients = self.network:parameters()
   for i, g in ipairs(gradients) do
      if self.updates[i] then self.updates[i]:add(g) else self.updates[i] = g:clone() end
   end
   if step == self.nextSend then
      ps.syncHandles(ps.sendTensors(values, self.updates, 'add', self.localUpdate))
      for _, update in ipairs(self.updates) do update:zero() end
      self.nextSend = self.nextSend + self.sendFrequency
   end
end

function Downpour:__integrate()
   ps.integrateTensors((self.network:parameters()), function(fetched, t) t:copy(fetched) end)
end

-- ---- elastic averaging: worker and centre move towards each other ----

local EASGD = define('EASGDUpdate', 'torchmpi.parameterserver.Update', rules({ { 'beta', 'number', 0.9 } }, {}))

function EASGD:__integrate()
   mpi.C.torchmpi_set_communicator(self.shardingCommunicator)
   local alpha = self.beta / mpi.size()
   local values, i = self.network:parameters(), 0
   ps.integrateTensors(values, function(centre, t)
      i = i + 1
      local update = self.updates[i] or t:clone()
      self.updates[i] = update:copy(t):add(-1, centre:typeAs(t)):mul(alpha)
      t:add(-1, update)
   end)
   self.due = true
end

function EASGD:__send()
   if not self.due then return end
   self.due = false
   self.handlesSend = ps.sendTensors((self.network:parameters()), self.updates, 'add')
end
