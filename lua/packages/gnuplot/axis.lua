-- An axis: its range, its ticks, and where a value lies on it.
local axis = {}
local finite = function(v) return v == v and math.abs(v) < math.huge end

-- the smallest and largest of lists of numbers; on a logarithmic axis of those above 0
function axis.extent(lists, log)
   local lo, hi
   for _, list in ipairs(lists) do
      for i = 1, #list do
         local v = list[i]
         if finite(v) and (not log or v > 0) then
            if not lo or v < lo then lo = v end
            if not hi or v > hi then hi = v end
         end
      end
   end
   return lo, hi
end

-- a step of 1, 2 or 5 times a power of ten, of which about `n` go into a span
local function step_for(span, n)
   local power = 10 ^ math.floor(math.log10(span / n))
   local ratio = span / n / power
   return (ratio < 1.5 and 1 or ratio < 3.5 and 2 or ratio < 7.5 and 5 or 10) * power
end

local function label(v, step)
   if math.abs(v) < step * 1e-6 then v = 0 end
   return string.format('%.6g', v)
end

local function linear_ticks(self, n)
   local span = self.hi - self.lo
   local step = self.step or step_for(span, n)
   if span / step > 200 then step = step_for(span, n) end
   if not self.fixed[1] then self.lo = math.floor(self.lo / step + 1e-9) * step end
   if not self.fixed[2] then self.hi = math.ceil(self.hi / step - 1e-9) * step end
   for k = math.ceil(self.lo / step - 1e-9), math.floor(self.hi / step + 1e-9) do
      self.ticks[#self.ticks + 1] = { k * step, label(k * step, step) }
   end
end

local function log_ticks(self)
   -- further out powers of ten are no exact numbers
   local low, high = math.max(-300, math.min(300, math.log10(self.lo))), math.max(-299, math.min(301, math.log10(self.hi)))
   if not self.fixed[1] then low = math.floor(low + 1e-9) end
   if not self.fixed[2] then high = math.ceil(high - 1e-9) end
   if high - low < 1e-9 then high = low + 1 end
   self.lo, self.hi = 10 ^ low, 10 ^ high
   local stride = math.max(1, math.ceil((high - low) / 10))
   for k = math.ceil(low - 1e-9), math.floor(high + 1e-9), stride do
      self.ticks[#self.ticks + 1] = { 10 ^ k, math.abs(k) < 5 and string.format('%.6g', 10 ^ k) or '1e' .. k }
   end
   if #self.ticks < 2 then
      self.ticks = { { self.lo, string.format('%.4g', self.lo) }, { self.hi, string.format('%.4g', self.hi) } }
   end
end

-- An axis over lists of numbers. options: log; range { lo, hi } with false for what the data tell; step, ticks
-- ({ { value, text } ... }); tight, which leaves the range as the data have it; about how many ticks.
function axis.new(lists, options)
   local self = setmetatable({ log = options.log, fixed = {}, ticks = {} }, { __index = axis })
   local range = options.range or {}
   local lo, hi = axis.extent(lists, self.log)
   if not lo then lo, hi = self.log and 0.1 or -10, 10 end
   -- the reverse of a range is one too
   local first, last = range[1] or lo, range[2] or hi
   self.fixed = { range[1] and true or options.tight, range[2] and true or options.tight }
   if first > last and range[1] and range[2] then
      self.reversed, first, last = true, last, first
   elseif first > last then
      -- the one limit that is given lies beyond the data
      last = first
   end
   if self.log and first <= 0 then
      first = last > 0 and math.min(last / 10, lo) or 0.1
      self.fixed[1] = false
   end
   if self.log and last <= first then last = first * 10 end
   local least = math.max(math.abs(first), math.abs(last)) * 1e-9
   if not self.log and last - first <= least then
      local room = first == 0 and 1 or math.abs(first) * 0.01
      first, last = first - room, last + room
   end
   -- numbers near the largest would overflow in differences
   self.lo, self.hi = math.max(first, -1e300), math.min(last, 1e300)
   self.step = options.step
   if self.log then log_ticks(self) else linear_ticks(self, options.count or 8) end
   if options.ticks then self.ticks = options.ticks end
   if options.reverse then self.reversed = not self.reversed end
   return self
end

-- 0 at the lower end, 1 at the upper one; nan for what a logarithmic axis cannot show
function axis:at(v)
   local t
   if self.log then
      -- quotients of numbers this far apart would overflow
      t = v > 0 and (math.log(v) - math.log(self.lo)) / (math.log(self.hi) - math.log(self.lo)) or 0 / 0
   else
      t = (v - self.lo) / (self.hi - self.lo)
   end
   if self.reversed then t = 1 - t end
   -- far outside is as good as anywhere there
   return t ~= t and t or math.max(-50, math.min(50, t))
end

function axis:shown(v) return v >= self.lo - 1e-9 * (self.hi - self.lo) and v <= self.hi + 1e-9 * (self.hi - self.lo) end

return axis
