-- Reads a trace of `th --profile=FILE` as strictly as JSON is defined, and prints what its events are: name, category,
-- class and text, in their order. Events of a thread lie within each other or apart.
local text = assert(io.open(arg[1], 'rb')):read('*a')
local at = 1

local function take(pattern)
   local found = text:match('^' .. pattern, at)
   if found then at = at + #found end
   return found
end
local function expect(pattern)
   return take(pattern) or error(string.format('%s expected at %d: %q', pattern, at, text:sub(at, at + 30)))
end
local function blank() take('[ \t\r\n]*') end

local function string_value()
   local out = {}
   expect '"'
   while not take '"' do
      local piece = take('[^%c"\\]+') or take('\\["\\/bfnrt]')
      if not piece then
         local code = expect('\\u%x%x%x%x')
         piece = tonumber(code:sub(3), 16) < 128 and string.char(tonumber(code:sub(3), 16)) or '?'
      end
      out[#out + 1] = piece
   end
   return table.concat(out)
end

local value
-- the members of an object or a list, up to what closes it
local function members(close, member)
   local out = {}
   blank()
   if take(close) then return out end
   repeat
      blank()
      member(out)
      blank()
   until not take(',')
   expect(close)
   return out
end

function value()
   if take '{' then
      return members('}', function(out)
         local key = string_value()
         blank()
         expect ':'
         blank()
         out[key] = value()
      end)
   elseif take '%[' then
      return members('%]', function(out) out[#out + 1] = value() end)
   elseif text:sub(at, at) == '"' then
      return string_value()
   end
   return tonumber(expect('%-?%d+%.?%d*'))
end

local events = value()
blank()
assert(at == #text + 1, 'more after the end')
for i, e in ipairs(events) do
   assert(e.ph == 'X' and e.pid == 1 and e.tid >= 1 and e.ts >= 0 and e.dur >= 0, 'event ' .. i)
   for k = 1, i - 1 do
      local o = events[k]
      -- an earlier event ended before: it began within this one, or was over when this began
      local apart = o.ts >= e.ts - 0.002 or o.ts + o.dur <= e.ts + 0.002
      assert(o.tid ~= e.tid or apart and o.ts + o.dur <= e.ts + e.dur + 0.002, 'events ' .. k .. ' and ' .. i)
   end
   print(e.name, e.cat, e.args.class, e.args.module)
end
