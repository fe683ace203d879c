-- xlua.progress: a bar that fills up while a loop runs, with the time left.
require 'sys'
local text = require 'xlua.text'

-- between two drawings, so that a fast loop does not spend its time drawing
local pause = 0.03
local bar = {}

local function width()
   local columns = tonumber(os.getenv('COLUMNS'))
   return columns and columns > 50 and columns or 80
end

local function begin(goal)
   local now = sys.clock()
   bar = { goal = goal, started = now, previous = now, drawn = 0, step = 0, from = 0 }
end

-- the bar itself, with the count in its middle
local function filled(current, goal, length)
   local done = math.floor(length * math.min(current / math.max(goal, 1), 1))
   local body = ('='):rep(math.max(done - 1, 0)) .. (done > 0 and (done < length and '>' or '=') or '')
   body = body .. ('.'):rep(length - #body)
   local count = ' ' .. current .. '/' .. goal .. ' '
   local from = math.floor((length - #count) / 2)
   return body:sub(1, from) .. count .. body:sub(from + #count + 1)
end

local function draw(current, now)
   local goal = bar.goal
   local elapsed = now - bar.started
   local last = current >= goal
   local times
   if last then
      times = 'Tot: ' .. text.formatTime(elapsed)
   else
      times = 'ETA: ' .. text.formatTime((goal - current) * elapsed / math.max(current, 1))
   end
   times = times .. ' | Step: ' .. text.formatTime(bar.step)
   local length = math.max(width() - 40, 20)
   io.write('\r [', filled(current, goal, length), ']  ', string.format('%-30s', times), last and '\n' or '\r')
   io.flush()
   bar.drawn = now
end

-- Call it in each turn of a loop: `current` of `goal` turns are done.
local function progress(current, goal)
   if type(current) ~= 'number' or type(goal) ~= 'number' then
      error('xlua.progress: expected two numbers, got ' .. type(current) .. ' and ' .. type(goal), 2)
   end
   if bar.goal ~= goal or current <= (bar.current or math.huge) then begin(goal) end
   local now = sys.clock()
   bar.step = (now - bar.started) / math.max(current, 1)
   bar.current = current
   if current >= goal or now - bar.drawn >= pause then draw(current, now) end
   if current >= goal then bar = {} end
end

return { progress = progress }
