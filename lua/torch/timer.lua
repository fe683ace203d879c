-- torch.Timer, tic and toc: wall-clock, user and system time.
local torch = torch
local ffi = require 'ffi'
local clock = require('rekindle.native').functions.sys.clock

ffi.cdef [[
struct rekindle_rusage { long user_s, user_us, system_s, system_us; long rest[32]; };
int getrusage(int who, struct rekindle_rusage *usage) __asm__("getrusage");
]]

local function now()
   local u = ffi.new('struct rekindle_rusage')
   ffi.C.getrusage(0, u)
   return { real = clock(), user = tonumber(u.user_s) + tonumber(u.user_us) * 1e-6,
      sys = tonumber(u.system_s) + tonumber(u.system_us) * 1e-6 }
end

local Timer = torch.class('torch.Timer')

function Timer:__init() self:reset() end

-- starts again from zero; a stopped timer stays stopped
function Timer:reset()
   self.total = { real = 0, user = 0, sys = 0 }
   if self.running ~= false then
      self.running = true
      self.since = now()
   end
   return self
end

function Timer:time()
   local t = {}
   local at = self.running and now()
   for k, v in pairs(self.total) do t[k] = v + (at and at[k] - self.since[k] or 0) end
   return t
end

function Timer:stop()
   self.total = self:time()
   self.running = false
   return self
end

function Timer:resume()
   if not self.running then
      self.running = true
      self.since = now()
   end
   return self
end

function Timer:__tostring__()
   return string.format('torch.Timer [status: %s]', self.running and 'running' or 'stopped')
end
function Timer:write() end
function Timer:read() self:reset() end

-- the time of day in seconds, and the seconds since such a time
function torch.tic() return clock() end
function torch.toc(since)
   if type(since) ~= 'number' then error('toc: expected what tic gave, got ' .. type(since), 2) end
   return clock() - since
end
