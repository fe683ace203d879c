-- The interactive session: what a typed line means, what it prints, and which names continue it.
local display = require 'rekindle.display'
local names = require 'rekindle.names'
local native = require 'rekindle.native'
local value_of, members = names.value_of, names.members
local session = {}

_RESULTS = _RESULTS or {}
local KEPT_RESULTS = 100

-- ---- chunks ----

local function keep(...) return ... end

-- Whether the last `;` of a chunk asks for silence, and the chunk without it.
local function silenced(line)
   local head = line:match('^(.-)[;%s]*;%s*$')
   if head and head ~= '' then return true, head end
   return false, line
end

-- what stands behind a leading `=`, which asks for a value
local function expression_of(line) return line:match('^%s*=(.*)$') or line end

local function compile(line)
   local expression = expression_of(line)
   local chunk = loadstring('return ' .. expression, '=stdin')
   if chunk then
      -- an expression by itself would be a tail call, whose errors know no line
      local kept = not expression:find('...', 1, true)
         and (loadstring('local keep = ... return keep(' .. expression .. ')', '=stdin')
            -- with a comment at its end
            or loadstring('local keep = ... return keep(' .. expression .. '\n)', '=stdin'))
      return kept or chunk
   end
   return loadstring(line, '=stdin')
end

-- lines that are no Lua: a shell's command, a question
local function is_command(text) return text:match('^%s*[%$%?]') ~= nil end

-- Whether a chunk only lacks its end.
function session.is_incomplete(text)
   if is_command(text) then return false end
   local chunk, why = compile(text)
   if chunk then return false end
   if not why:find("near '<eof>'", 1, true) then return false end
   -- a string in quotes ends on its line, unless that ends with a backslash
   return not why:find('unfinished string', 1, true) or text:match('\\$') ~= nil
end

-- The chunk that a text has from a place on, as short as it can be, as if its lines had been typed one by one; where it begins, where
-- the text goes on, and whether it lacks its end. Nil where there is none.
local function next_piece(text, from)
   local open, start = nil, from
   while from <= #text + 1 do
      local stop = text:find('\n', from, true) or #text + 1
      local line = text:sub(from, stop - 1)
      open, from = open and open .. '\n' .. line or line, stop + 1
      if not session.is_incomplete(open) then
         if open:match('%S') then return open, start, from, false end
         open, start = nil, from
      end
   end
   return open, start, from, open ~= nil
end

-- The chunks of several lines. What lacks its end is the second result. The third is where each begins, the open one included.
local function pieces(text)
   local found, starts, at = {}, {}, 1
   while true do
      local piece, start, behind, open = next_piece(text, at)
      if not piece then return found, nil, starts end
      starts[#starts + 1] = start
      if open then return found, piece, starts end
      found[#found + 1], at = piece, behind
   end
end

-- Lines pasted at once: those that declare locals are one chunk, so that all of them see these; the last one's value is shown.
local function joined(found)
   local declares = false
   for i, piece in ipairs(found) do
      if is_command(piece) then return nil end
      declares = declares or i < #found and piece:match('^%s*local%s') ~= nil
   end
   if not declares then return nil end
   local whole = table.concat(found, '\n')
   local silent, last = silenced(found[#found])
   local head = table.concat(found, '\n', 1, #found - 1)
   return loadstring(head .. '\nreturn ' .. last, '=stdin') or loadstring(whole, '=stdin'), silent
end

-- Whether every line or several of a text are what can be typed.
function session.is_typed(text)
   local found, open = pieces(text)
   for _, piece in ipairs(found) do
      local _, code = silenced(piece)
      if not is_command(piece) and not compile(code) and not loadstring(piece) then return false end
   end
   return open == nil
end

-- The part of a text that only lacks its end; nil where nothing does.
function session.open_part(text)
   local _, open = pieces(text)
   return open
end

-- ---- results ----

local function show(silent, ...)
   local n = select('#', ...)
   if n > 0 then
      _RESULT, _LAST = ..., ...
      _RESULTS[#_RESULTS + 1] = _RESULT
      -- large results of long sessions would fill the memory
      if #_RESULTS > KEPT_RESULTS then table.remove(_RESULTS, 1) end
   end
   if silent then return end
   session.show_results(...)
end

-- What shows results; a notebook has one of its own.
function session.show_results(...)
   for i = 1, select('#', ...) do display.show((select(i, ...))) end
end

-- ---- commands ----

-- runs a command of the shell; what it writes is shown as it comes and kept in _LAST
local function shell(command)
   local pipe, why = io.popen(command)
   if not pipe then return why end
   local parts = {}
   while true do
      local line = pipe:read('*L')
      if not line then break end
      io.write(line)
      parts[#parts + 1] = line
   end
   pipe:close()
   _LAST = (table.concat(parts):gsub('\n$', ''))
end

-- does what a line asks for that is no Lua
local function obey(text)
   local topic = text:match('^%s*%?%s*(.-)%s*;?%s*$')
   if topic then return require('rekindle.help').show(topic) end
   return shell(text:match('^%s*%$%s*(.-)%s*$'))
end

-- Runs a chunk and shows its results; the text of an error, of a result's `__tostring` too.
local function perform(chunk, report, silent, argument)
   local function finish(ok, ...)
      if not ok then return (...) end
      local showed, why = xpcall(show, report, silent, ...)
      if not showed then return why end
   end
   return finish(xpcall(chunk, report, argument))
end

local function run_piece(text, report)
   if is_command(text) then return obey(text) end
   local silent, code = silenced(text)
   local chunk, why = compile(code)
   -- `for ... end;` and the like
   if not chunk and silent then chunk = loadstring(text, '=stdin') end
   -- what was typed, and not what was made of it
   native.texts['=stdin'] = code
   if not chunk then return require('rekindle.report').syntax(why, '=stdin') end
   return perform(chunk, report, silent, keep)
end

-- What was pasted, and where that begins which has not been run: a program reads there first.
local pasted, at = '', 1

local function has_pasted() return at <= #pasted end

local function pasted_line()
   local line, behind = pasted:match('^([^\n]*)\n?()', at)
   at = behind
   return line
end

-- Has programs read what is behind them.
function session.share_input()
   -- lines behind the one that a program reads are for the editor, and for others
   io.stdin:setvbuf('no')
   require('rekindle.input')(pasted_line, has_pasted)
end

-- Runs what was typed or pasted and prints what it gives; errors go to `tell`, one by one, until it is true.
function session.interact(text, report, tell)
   local found, open = pieces(text)
   if #found + (open and 1 or 0) > 1 then
      if open then found[#found + 1] = open end
      local whole, silent = joined(found)
      if whole then
         native.texts['=stdin'] = text
         local why = perform(whole, report, silent)
         return why and tell(why)
      end
   end
   pasted, at = text, 1
   while true do
      local piece, _, behind = next_piece(text, at)
      if not piece then break end
      at = behind
      local why = run_piece(piece, report)
      if why then
         io.stdout:flush()
         -- what tells may have had enough
         if tell(why) then break end
      end
   end
   pasted, at = '', 1
end

-- ---- cells ----

local function is_comment(piece) return piece:match('^%s*%-%-[^\n]*$') ~= nil and not piece:match('^%s*%-%-%[=*%[') end

local HEAD = 'local __keep, __show, __obey = ... '

local function valued(head, expression)
   -- with a comment at its end
   return head .. expression .. (expression:find('%-%-') and '\n)' or ')')
end

-- What stands before the expression that a text ends with, and the expression; nil where it ends with none, or one of more
-- than so many lines. Blank lines and comments behind it are passed over.
local TAIL = 200
local function last_expression(text)
   local starts, stop = {}, #text
   for from, line in text:gmatch('()([^\n]+)') do starts[#starts + 1] = line:find('%S') and from or nil end
   while #starts > 1 and is_comment(text:sub(starts[#starts], stop)) do
      stop = starts[#starts] - 1
      starts[#starts] = nil
   end
   for i = #starts, math.max(1, #starts - TAIL), -1 do
      local before, last = text:sub(1, starts[i] - 1), text:sub(starts[i], stop)
      local _, code = silenced(last)
      if loadstring('return ' .. expression_of(code)) and loadstring(before) then return before, last end
   end
   if loadstring('return ' .. text) then return '', text end
end

-- A cell as one chunk, whose lines are those of the cell: the values of the expressions in it are shown, that of the last
-- line is returned. Then whether that is silent, and its commands. Nil and why where it is no Lua.
local function whole(text, name)
   local before, last = last_expression(text)
   if last then
      local silent, code = silenced(last)
      local chunk = loadstring(HEAD .. before .. valued('return __keep(', expression_of(code)), name)
      if chunk then return chunk, silent, {} end
   end
   if loadstring(text) then return loadstring(HEAD .. text, name), false, {} end
   -- with commands, or expressions between its lines
   local found, open, starts = pieces(text)
   if open then found[#found + 1] = open end
   local parts, at, silent, commands = { HEAD }, 1, false, {}
   for i, piece in ipairs(found) do
      parts[#parts + 1] = text:sub(at, starts[i] - 1)
      at = starts[i] + #piece
      local quiet, code = silenced(piece)
      local expression = expression_of(code)
      if is_command(piece) then
         commands[i] = piece
         piece = string.format(';__obey(%d)', i)
      elseif loadstring('return ' .. expression) and (i == #found or not loadstring(code)) then
         if i == #found then silent = quiet end
         piece = valued(i == #found and 'return __keep(' or string.format(';__show(%s,', quiet), expression)
      end
      parts[#parts + 1] = piece
   end
   local chunk, why = loadstring(table.concat(parts), name)
   return chunk, chunk and silent or why, commands
end

-- Runs a cell of a notebook under this name and shows what it gives. The text of an error.
function session.cell(text, name, report)
   -- known already, it is not forgotten after some more chunks
   native.texts[name] = text
   local chunk, silent, commands = whole(text, name)
   -- what was typed, and not what was made of it
   native.texts[name] = text
   if not chunk then return require('rekindle.report').syntax(silent, name) end
   local function obey_command(i) return obey(commands[i]) end
   local ok, why = xpcall(function() show(silent, chunk(keep, show, obey_command)) end, report)
   if not ok then return why end
end

-- ---- completion ----

local KEYWORDS = { 'and', 'break', 'do', 'else', 'elseif', 'end', 'false', 'for', 'function', 'goto', 'if', 'in', 'local', 'nil',
   'not', 'or', 'repeat', 'return', 'then', 'true', 'until', 'while' }

-- files whose names go on from a text
local function files(text)
   local folder, last = text:match('^(.*/)([^/]*)$')
   if not folder then folder, last = '', text end
   local where = folder:gsub('^~', (os.getenv('HOME') or '~'):gsub('%%', '%%%%'))
   local found = {}
   for _, name in ipairs(paths.dir(where == '' and '.' or where) or {}) do
      if name:sub(1, #last) == last and name ~= '.' and name ~= '..' and (last ~= '' or name:sub(1, 1) ~= '.') then
         found[#found + 1] = name .. (paths.dirp(where .. name) and '/' or '')
      end
   end
   return found, #last
end

-- the text of a string in quotes that the end of a line lies in
local function open_string(head)
   local quote, from
   local i = 1
   while i <= #head do
      local c = head:sub(i, i)
      if quote and c == '\\' then
         i = i + 1
      elseif quote == c then
         quote = nil
      elseif not quote and (c == '"' or c == "'") then
         quote, from = c, i + 1
      elseif not quote and head:sub(i, i + 1) == '--' then
         return nil
      end
      i = i + 1
   end
   return quote and head:sub(from)
end

-- What continues a line that goes up to the cursor: names, and how many of the line's last bytes they replace.
function session.complete(head)
   local inside = open_string(head)
   if inside or head:match('^%s*%$') then
      local found, replaced = files(inside or head:match('(%S*)$'))
      table.sort(found)
      return found, replaced
   end
   local path = head:match('%f[%w_%(][%w_%.:%[%]\'"%-%(%)]*$') or ''
   local before, sep, last = path:match('^(.-)([.:]?)([%a_]?[%w_]*)$')
   if sep == '' and last == '' then return {}, 0 end
   -- what stands before the path is no part of it: f(x.y
   while before ~= '' and value_of(before) == nil do
      local shorter = before:match('^.-[%(%[%-](.*)$')
      if not shorter or shorter == '' and sep == '' then break end
      before = shorter
   end
   if sep ~= '' and before == '' then return {}, 0 end
   local value = sep == '' and _G or value_of(before)
   if value == nil then return {}, 0 end
   local found = members(value, sep, last)
   if sep == '' then
      for _, word in ipairs(KEYWORDS) do
         if word:sub(1, #last) == last then found[#found + 1] = word end
      end
   end
   table.sort(found)
   return found, #last
end

-- ---- functions of the session ----

-- the globals that the program has made, with what they are
local function who()
   local list, width = {}, 0
   for name in next, _G do
      if type(name) == 'string' and not session.known[name] then
         list[#list + 1] = name
         width = math.max(width, #name)
      end
   end
   table.sort(list)
   for i, name in ipairs(list) do
      list[i] = name .. (' '):rep(width - #name) .. '  ' .. display.summary(_G[name])
   end
   print(#list > 0 and table.concat(list, '\n') or '(no variables)')
end

-- makes the members of a package global
local function import(name)
   if type(name) ~= 'string' then error("import: expected the name of a package, as in import 'nn'", 2) end
   local package = require(name)
   if type(package) ~= 'table' then package = _G[name] end
   for k, v in pairs(type(package) == 'table' and package or {}) do
      if rawget(_G, k) == nil then rawset(_G, k, v) end
   end
end

local function setprintlevel(depth)
   if type(depth) ~= 'number' or depth < 0 then
      error('setprintlevel: expected how deep tables are shown, a number from 0 on', 2)
   end
   display.depth = depth
end

-- what a session has beside the packages; the text of an error of the user's startup file
function session.start(startup)
   rawset(_G, 'help', function(topic) return require('rekindle.help').show(topic) end)
   rawset(_G, 'noColors', function()
      display.colours = false
      require('rekindle.report').colours = false
   end)
   rawset(_G, 'monitor_G', function(tell) require('rekindle.globals').watch(tell) end)
   rawset(_G, 'who', who)
   rawset(_G, 'import', import)
   rawset(_G, 'setprintlevel', setprintlevel)
   rawset(_G, 'exit', rawget(_G, 'exit') or os.exit)
   session.known = {}
   for name in next, _G do session.known[name] = true end
   for _, name in ipairs { '_RESULT', '_LAST' } do session.known[name] = true end
   if startup then return require('rekindle.run').startup(startup) end
end

return session
