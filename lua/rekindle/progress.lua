-- The bar of xlua.progress: in place on a terminal, at most 20 times a second; a line for every tenth where the output is a
-- file; or to whoever asks for it (a notebook sets `sink`, a function of the bar's text and whether it is full).
local native = require 'rekindle.native'
local clock, terminal = native.functions.sys.clock, native.functions.terminal
local progress = { sink = nil }

local floor = math.floor
local EVERY = 1 / 20
-- of a line in a file
local WIDTH = 99

-- the text of a bar in so many columns: how far it is, and the times
local function text_of(current, goal, times, width)
   local room = math.max(1, math.min(77, width - 5 - math.max(#times, 27)))
   local filled = goal > 0 and floor(room * math.max(0, math.min(1, current / goal))) or room
   local line = ('='):rep(math.max(filled - 1, 0)) .. '>' .. ('.'):rep(room - math.max(filled, 1))
   local label = ' ' .. tostring(current) .. '/' .. tostring(goal) .. ' '
   local at = floor((room - #label) / 2)
   if at > 0 then line = line:sub(1, at) .. label .. line:sub(at + #label + 1) else line = label end
   return '[' .. line .. ']  ' .. times
end

local function times_of(bar, current, done, now, format)
   local gone = current - bar.first
   local mean = gone > 0 and (now - bar.start) / gone or bar.step
   if done then return 'Tot: ' .. format(now - bar.start) .. ' | Step: ' .. format(mean) end
   return 'ETA: ' .. format(mean * math.max(0, bar.goal - current)) .. ' | Step: ' .. format(bar.step)
end

local bar -- of what is being drawn: when it began, its last step, what was shown of it

-- Draws `current` of `goal`; format(seconds) writes times.
function progress.draw(current, goal, format)
   local now = clock()
   -- a bar that is full stays as it is until another begins
   if bar and bar.finished and current >= bar.goal and goal == bar.goal then return end
   if not bar or bar.finished or current < bar.current or goal ~= bar.goal then
      bar = { goal = goal, start = now, stepped = now, current = current, first = current, step = 0, tenth = -1, shown = -math.huge }
   end
   if current > bar.current then bar.step = (now - bar.stepped) / (current - bar.current) end
   bar.stepped, bar.current = now, current
   local done = current >= goal
   bar.finished = done
   local in_place = not progress.sink and io.output() == io.stdout and terminal.isTerminal()
   if progress.sink or in_place then
      if not done and now - bar.shown < EVERY then return end
   else
      local tenth = goal > 0 and floor(10 * current / goal + 1e-9) or 10
      if not done and tenth <= bar.tenth then return end
      bar.tenth = tenth
   end
   bar.shown = now
   local times = times_of(bar, current, done, now, format)
   if progress.sink then return progress.sink(text_of(current, goal, times, WIDTH), done) end
   if not in_place then
      io.write(' ', text_of(current, goal, times, WIDTH), '\n')
      return
   end
   local columns = terminal.size()[1]
   columns = columns > 0 and columns or 80
   local line = text_of(current, goal, times, columns - 1):sub(1, math.max(1, columns - 2))
   -- what a longer line left is cleared; a dumb terminal gets spaces
   io.write('\r ', line, (' '):rep(math.max(0, math.min(bar.length or 0, columns - 2) - #line)), done and '\n' or '')
   bar.length = #line
   if io.stdout then io.stdout:flush() end
end

return progress
