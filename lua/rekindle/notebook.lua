-- What a notebook runs: cells with their results, pictures and errors, what stands at the cursor, and input from the frontend.
local base64 = require 'base64'
local json = require('cjson').new()
local display = require 'rekindle.display'
local html = require 'rekindle.html'
local native = require 'rekindle.native'
local pictures = require 'rekindle.pictures'
local report = require 'rekindle.report'
local session = require 'rekindle.session'
local notebook = {}

-- the lines of a result's text
local LINES = 1000
-- an SVG file of more bytes is shown as PNG where there is one
local LARGE = 2 ^ 20
-- cells whose lines errors show
local CELLS = 1000

-- the cell that runs: its number, whether its results are shown, the message of its error
local cell = { count = 0, silent = true }

-- ---- showing ----

-- Sends a message of a kind: its content are tables of texts, numbers, booleans and such tables.
function notebook.publish(kind, content) native.kernel.publish(kind, json.encode(content)) end

-- Shows data in several formats, by their names; the frontend takes the best that it knows. What has an `id` takes the place
-- of what had it before.
local known = {}
function notebook.display(data, id, metadata)
   local content = { data = data, metadata = metadata or {} }
   if id ~= nil then content.transient = { display_id = tostring(id) } end
   notebook.publish(id ~= nil and known[id] and 'update_display_data' or 'display_data', content)
   if id ~= nil then known[id] = true end
end

-- A picture of rekindle.pictures as data.
function notebook.picture_data(picture)
   local svg, png = picture.svg, nil
   if not svg or #svg > LARGE then png = picture.png end
   local name = picture.name or 'a picture'
   local size = picture.width and { width = picture.width, height = picture.height } or nil
   if png then
      return { ['image/png'] = base64.encode(png), ['text/plain'] = '<' .. name .. '>' }, { ['image/png'] = size }
   end
   return { ['image/svg+xml'] = svg, ['text/plain'] = '<' .. name .. '>' }
end

local function show_picture(picture)
   local data, metadata = notebook.picture_data(picture)
   notebook.display(data, picture.id, metadata)
end

-- A result as data: as a text, and what can be folded as HTML too.
local function data_of(v)
   local data = { ['text/plain'] = display.text(v, LINES), ['text/html'] = html.of(v) }
   local itorch = package.loaded.itorch
   local picture = type(itorch) == 'table' and itorch._result and itorch._result(v)
   if not picture then return data end
   local kinds, metadata = notebook.picture_data(picture)
   for kind, bytes in pairs(kinds) do data[kind] = data[kind] or bytes end
   data['text/html'] = nil
   return data, metadata
end

-- Plots that were drawn: as results they show nothing else. So do windows.
notebook.shown = setmetatable({}, { __mode = 'k' })

local function is_drawn(v) return notebook.shown[v] or type(v) == 'table' and rawget(v, 'isclosure') == true end

local function show_results(...)
   local n = select('#', ...)
   if cell.silent or n == 0 or n == 1 and (...) ~= nil and is_drawn((...)) then return end
   local data, metadata = data_of((...))
   if n > 1 then
      local texts = {}
      for i = 1, n do texts[i] = display.text((select(i, ...)), LINES) end
      data, metadata = { ['text/plain'] = table.concat(texts, '\n') }, nil
   end
   notebook.publish('execute_result', { data = data, metadata = metadata or {}, execution_count = cell.count })
end

-- a bar of xlua.progress: one display that changes, in each cell one of its own
local bars, open = 0, nil
local function show_bar(text, done)
   if open ~= cell then bars, open = bars + 1, cell end
   notebook.display({ ['text/plain'] = text }, 'progress-' .. bars)
   if done then open = nil end
end

-- ---- cells ----

-- os.exit ends the cell alone: a notebook keeps its variables
local LEAVE = setmetatable({}, { __tostring = function() return 'os.exit ends the cell' end })
local left = false
local function leave()
   left = true
   error(LEAVE, 0)
end

-- Whether the cell wanted to end the program: a console ends then.
function notebook.leaves() return left end

local function handler(message)
   cell.message = message
   if message == LEAVE then return message end
   return report.handler(message)
end

local function without_colours(text) return (text:gsub('\27%[[%d;]*m', '')) end

-- Runs a cell. Of an error a list: its name, its message, and what is told of it.
function notebook.cell(code, count, silent)
   cell, left = { count = count, silent = silent }, false
   -- as typed in a session
   local word = code:match('^%s*(%a+)%s*$')
   if word == 'exit' or word == 'quit' then
      left = true
      return nil
   end
   local why = session.cell(code, string.format('=In [%d]', count), handler)
   -- the lines of old cells are forgotten
   native.texts[string.format('=In [%d]', count - CELLS)] = nil
   local fine, missed = xpcall(pictures.finish, handler)
   if not fine and not why then why = missed end
   io.stdout:flush()
   io.stderr:flush()
   if not why or why == LEAVE then return nil end
   why = tostring(why)
   local value = report.after_containers(without_colours(why)):match('[^\n]*')
   return { value:find('interrupted!', 1, true) and 'Interrupted' or 'Error', value, why }
end

-- The value of an expression as a text, or nil and why not.
function notebook.expression(code)
   local chunk, why = loadstring('return ' .. code, '=expression')
   if not chunk then return nil, why end
   local fine, value = pcall(chunk)
   if not fine then return nil, tostring(value) end
   return display.text(value, LINES)
end

-- ---- what stands at the cursor ----

-- the name that a place of a text is in, or whose call it is in
local function name_at(code, at)
   local head, tail = code:sub(1, at), code:sub(at + 1)
   local name = head:match('[%a_][%w_.:]*$') or ''
   name = name .. (tail:match(name == '' and '^[%a_][%w_]*' or '^[%w_]*') or '')
   if name ~= '' then return name end
   local depth = 0
   for i = #head, 1, -1 do
      local c = head:sub(i, i)
      if c == ')' or c == '}' then
         depth = depth + 1
      elseif c == '(' or c == '{' then
         if depth == 0 then return head:sub(1, i - 1):match('([%a_][%w_.:]*)%s*$') end
         depth = depth - 1
      end
   end
end

-- What the manual says of the name at a place of a text, or what the value is; nil where nothing is known.
function notebook.inspect(code, at)
   local name = name_at(code, at)
   if not name then return nil end
   local fine, text = pcall(require('rekindle.help').text, name)
   if fine and text then return text end
   local value = require('rekindle.names').value_of(name)
   return value ~= nil and display.summary(value) or nil
end

-- 'complete', 'incomplete' and the blanks that the next line begins with, or 'invalid'.
function notebook.is_complete(code)
   if loadstring(code) or loadstring('return ' .. code) then return 'complete', '' end
   if session.open_part(code) then
      local line = code:match('([^\n]*)\n*$')
      local opens = line:match('%f[%a]do%s*$') or line:match('%f[%a]then%s*$') or line:match('%f[%a]else%s*$')
         or line:match('%f[%a]repeat%s*$') or line:match('[{(]%s*$') or line:match('%f[%a]function%f[%A][^)]*%)%s*$')
      return 'incomplete', line:match('^%s*') .. (opens and '   ' or '')
   end
   return session.is_typed(code) and 'complete' or 'invalid', ''
end

-- ---- the beginning ----

-- A cell that defines a class may be run again, and so may a file; classes of the packages stay.
local function let_redefine()
   local plain, made = torch.class, {}
   function torch.class(name, ...)
      if type(name) == 'string' and not report.is_ours(debug.getinfo(2, 'S').source) then
         if made[name] then
            torch._forget(name)
         elseif not torch.getmetatable(name) then
            made[name] = true
         end
      end
      return plain(name, ...)
   end
   native.own_functions[torch.class] = true
end

-- Prepares the state; the text of an error of the user's startup file.
function notebook.start(startup)
   report.colours = true
   pictures.sink = show_picture
   session.show_results = show_results
   os.exit = leave
   rawset(_G, 'exit', leave)
   native.own_functions[leave] = true
   require('rekindle.input')(native.kernel.ask)
   -- as in iTorch: programs ask whether there is an itorch, and image is there then
   require 'image'
   require 'itorch'
   require('rekindle.progress').sink = show_bar
   let_redefine()
   return session.start(startup)
end

return notebook
