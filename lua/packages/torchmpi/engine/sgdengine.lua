-- tnt.AllReduceSGDEngine: torchnet's SGD engine, with gradients that are summed over all processes.
require 'nn'
local tnt = require 'torchnet'
local mpi = require 'torchmpi'
local mpinn = require 'torchmpi.nn'
local Engine, parent = torch.class('tnt.AllReduceSGDEngine', 'tnt.SGDEngine', tnt)

local OPTIONS = { usegpu = false, async = false, devicesync = true, dynamicnetwork = true, debug = false }

function Engine:__init(options)
   parent.__init(self)
   for name, default in pairs(OPTIONS) do self[name] = default end
   for name, value in pairs(options or {}) do
      if type(value) ~= 'boolean' or OPTIONS[name] == nil then
         error(string.format('tnt.AllReduceSGDEngine: there is no option %s = %s', tostring(name), tostring(value)), 2)
      end
      self[name] = value
   end
end

-- What happens before the program's own function of a hook.
local function before(self, name, f)
   local own = self.hooks[name]
   self.hooks[name] = function(state)
      f(state)
      if own then return own(state) end
   end
   return function() self.hooks[name] = own end
end

function Engine:train(...)
   local undo = {
      before(self, 'onStart', function(state)
         if mpi.size() > 1 then
            mpinn.synchronizeParameters(state.network)
            mpinn.synchronizeParameters(state.criterion)
         end
      end),
      before(self, 'onSample', function(state)
         if self.async and (self.dynamicnetwork or not self.registered) then
            mpinn.async.registerAsyncMPIBackward(state.network)
            if state.criterion.parameters then mpinn.async.registerAsyncMPIBackward(state.criterion) end
            self.registered = true
         end
         if self.debug then
            mpinn.checkWithAllreduce(state.network)
            mpinn.checkWithAllreduce(state.criterion)
         end
      end),
      before(self, 'onBackwardCriterion', function(state)
         if state.iterator.prefetch then state.iterator:prefetch() end
      end),
      before(self, 'onBackward', function(state)
         if mpi.size() == 1 then return end
         local way = self.async and mpinn.async or mpinn
         way.synchronizeGradients(state.criterion)
         way.synchronizeGradients(state.network)
      end),
   }
   local function finish(ok, ...)
      for _, f in ipairs(undo) do f() end
      if not ok then error((...), 0) end
      return ...
   end
   return finish(pcall(parent.train, self, ...))
end

return Engine
