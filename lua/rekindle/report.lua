-- What is told about an error: the message, the line of source that it is about, a name near one that is nil, and the
-- program's own frames.
local names = require 'rekindle.names'
local native = require 'rekindle.native'
local texts = native.texts
local report = { colours = false }

local CODES = { message = '31', line = '2', hint = '33' }
local function coloured(kind, text)
   if not report.colours then return text end
   return '\27[' .. CODES[kind] .. 'm' .. text .. '\27[0m'
end

-- Whether a chunk is one of the files in this program.
function report.is_ours(source) return source:sub(1, 1) == '=' and source:sub(-4) == '.lua' end

-- ---- where ----

local FRAMES, LEVELS = 20, 400

-- the variables that a frame's function sees
local function scope_of(level, f)
   local seen = {}
   for i = 1, 250 do
      local name, v = debug.getlocal(level + 1, i)
      if not name then break end
      if name:sub(1, 1) ~= '(' then seen[name] = v end
   end
   for i = 1, 250 do
      local name, v = debug.getupvalue(f, i)
      if not name then break end
      if seen[name] == nil and name ~= '' then seen[name] = v end
   end
   return seen
end

-- the frames of the program, nearest first; the first one with its variables
local function program_frames(first)
   local frames = {}
   for level = first, LEVELS do
      local info = debug.getinfo(level, 'Slnf')
      if not info then break end
      if info.what ~= 'C' and not report.is_ours(info.source) then
         if #frames == FRAMES then
            frames.more = true
            break
         end
         if #frames == 0 then info.scope = scope_of(level, info.func) end
         frames[#frames + 1] = info
      end
   end
   return frames
end

local function name_of(info)
   if info.what == 'main' then return 'in main chunk' end
   if info.name and info.name ~= '?' then return "in function '" .. info.name .. "'" end
   return string.format('in function <%s:%d>', info.short_src, info.linedefined)
end

-- one typed line is its own place
local function is_typed(info) return info.what == 'main' and info.source == '=stdin' end

local function traceback(frames)
   local out = {}
   for _, info in ipairs(frames) do
      if not is_typed(info) then out[#out + 1] = string.format('\n\t%s:%d: %s', info.short_src, info.currentline, name_of(info)) end
   end
   if #out == 0 then return '' end
   if frames.more then out[#out + 1] = '\n\t...' end
   return '\nstack traceback:' .. table.concat(out)
end

-- The end of a message that has the frames of its place in it already, in Torch7's words.
report.TRACED = 'WARNING: If you see a stack trace below, it doesn\'t point to the place where this error occurred. ' ..
   'Please use only the one above.'

-- The frames of the program that lead to the caller, as lines of text.
function report.traceback() return traceback(program_frames(4)) end

-- ---- the line ----

local function lines_of(source)
   if source:sub(1, 1) == '@' then
      local ok, each = pcall(io.lines, source:sub(2))
      return ok and each or nil
   end
   local text = source:sub(1, 1) == '=' and texts[source] or source
   return (text .. '\n'):gmatch('([^\n]*)\n')
end

local function line_at(source, wanted)
   local n = 0
   for line in lines_of(source) or function() end do
      n = n + 1
      if n == wanted then return line end
   end
end

local WIDEST = 160
local function shown(number, line)
   local head = string.format('%4d | ', number)
   if #line > WIDEST then line = line:sub(1, WIDEST) .. ' ...' end
   return coloured('line', head .. line:gsub('\t', '   '))
end

-- ---- near names ----

local function nearest(wanted, list)
   local set = {}
   for _, name in ipairs(list) do set[name] = true end
   return require('rekindle.help').nearest(wanted, set)
end

local function hint_of(message, line, scope)
   local kind, name = message:match("(%a+) '([%w_]+)' %(a nil value%)")
   if kind == 'global' and native.functions.embedded.has(name) then return string.format("require '%s' makes it", name) end
   if kind == 'global' then
      local list = names.members(_G, '.', '')
      for local_name in pairs(scope) do list[#list + 1] = local_name end
      local near = nearest(name, list)
      return near and 'did you mean ' .. near .. '?'
   elseif (kind == 'field' or kind == 'method') and line then
      local path, sep = line:match('([%a_][%w_%.%[%]\'"]-)%s*([.:])%s*' .. name .. '%f[^%w_]')
      if not path then return nil end
      local first = path:match('^[%w_]+')
      local value = names.value_of(path, scope[first] ~= nil and scope or _G)
      local near = value ~= nil and nearest(name, names.members(value, sep, ''))
      return near and 'did you mean ' .. path .. sep .. near .. '?'
   end
end

-- ---- texts ----

-- an error that is no text
local function said(message)
   if type(message) == 'string' then return message end
   local mt = debug.getmetatable(message)
   if mt and mt.__tostring then return tostring(message) end
   if type(message) == 'table' then return 'error object: ' .. require('rekindle.print').text(message) end
   return '(error object is a ' .. type(message) .. ' value)'
end

-- A message without the lines that say which containers it came through.
function report.after_containers(message)
   local count
   repeat message, count = message:gsub('^In %d+ module of [^\n]*:\n', '') until count == 0
   return message
end

-- What is told about an error where it happens: for xpcall.
function report.handler(message)
   message = said(message)
   -- what is typed calls as its last step, so that errors about the caller name the line below that runs it
   for _, file in ipairs { 'run', 'session' } do message = message:gsub('^rekindle/' .. file .. '%.lua:%d+: ', '') end
   local frames = program_frames(3)
   -- what comes from within containers has the frames that led there, which are gone
   local tail = '\n\n' .. report.TRACED
   local inner = message:sub(-#tail) == tail and message:sub(1, -#tail - 1)
   local within = inner and (inner:match('\nstack traceback:.*') or '')
   if inner then message = inner:sub(1, #inner - #within) end
   local place, number = report.after_containers(message):match('^([^\n]-):(%d+): ')
   local parts = { coloured('message', message) }
   local at
   for _, info in ipairs(frames) do
      if info.short_src == place and info.currentline == tonumber(number) then
         at = info
         break
      end
   end
   local source = at and at.source or within and place and '@' .. place
   local line = source and line_at(source, tonumber(number))
   if line and line:find('%S') then
      -- the only line of what was typed stands above
      local alone = source == '=stdin' and not (texts['=stdin'] or ''):find('\n')
      if not alone then parts[#parts + 1] = shown(number, line) end
   end
   local ok, near = pcall(hint_of, message, line, at and at == frames[1] and at.scope or {})
   if ok and near then parts[#parts + 1] = coloured('hint', near) end
   return table.concat(parts, '\n') .. (within or traceback(frames))
end

-- What is told about a text that is no Lua.
function report.syntax(message, source)
   local number = tonumber(message:match('^[^\n]-:(%d+): '))
   local line = number and line_at(source, number)
   local alone = source == '=stdin' and not (texts['=stdin'] or ''):find('\n')
   local text = coloured('message', message)
   if not line or alone or not line:find('%S') then return text end
   return text .. '\n' .. shown(number, line)
end

return report
