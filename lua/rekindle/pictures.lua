-- Where pictures and plots go: to whoever asks for them (a notebook sets `sink`), to a terminal that can show them, or to
-- a file whose name is printed.
local base64 = require 'base64'
local native = require 'rekindle.native'
local terminal = native.functions.terminal
local pictures = {}

-- A function that takes every picture, where there is one. A picture is a table: `png` (the bytes of a PNG file) or `svg` (the
-- text of an SVG file) or both, `width` and `height` in pixels, `name` (what drew it) and `id`: a picture with the id of an earlier
-- one takes its place. Who shows a picture may give functions that make `png` and `svg`, or `pixels` (a ByteTensor of 3 x height x
-- width) in place of `png`; who takes one sees their results. `cells(columns, rows)` draws it for a terminal that has no pictures: bytes
-- of 3 x 2 rows x columns and lines of letters. `caption` is written above it on terminals.
pictures.sink = nil

-- Counts the commands of a session and the cells of a notebook: what is drawn in a later one stands below that one.
pictures.turn = 1

-- ---- what the terminal can do ----

local function set(name)
   local value = os.getenv(name)
   return value ~= nil and value ~= ''
end

-- programs that pass the letters of a terminal on, but not its pictures
local function is_relayed(term) return set 'TMUX' or set 'STY' or term:find '^screen' ~= nil or term:find '^tmux' ~= nil end

local iterm2 = { ['iTerm.app'] = true, WezTerm = true, mintty = true, Tabby = true, Hyper = true }
local kitty = { ghostty = true, rio = true }
local sixel = { 'sixel', '^foot', '^mlterm', '^yaft', '^contour' }

-- letters of half a cell, in as many colours as the terminal says it has
local function blocks(term)
   local colours = os.getenv 'COLORTERM'
   if colours == 'truecolor' or colours == '24bit' or term:find 'direct' then return 'blocks' end
   if term == '' or term == 'dumb' or term == 'unknown' or term == 'linux' or term:find '^vt%d' or term:find '^ansi' then return 'file' end
   return 'blocks256'
end

-- 'kitty', 'iterm2', 'sixel', 'blocks' (24-bit colours), 'blocks256' or 'file', as variables of the environment tell.
-- REKINDLE_PICTURES says it outright.
local known = { kitty = true, iterm2 = true, sixel = true, blocks = true, blocks256 = true, file = true }
function pictures.means()
   local wish = os.getenv 'REKINDLE_PICTURES'
   if wish and known[wish] then return wish end
   if not terminal.isTerminal() then return 'file' end
   local term, program = os.getenv 'TERM' or '', os.getenv 'TERM_PROGRAM' or ''
   if term == 'dumb' then return 'file' end
   if is_relayed(term) then return blocks(term) end
   if set 'KITTY_WINDOW_ID' or term == 'xterm-kitty' or term == 'xterm-ghostty' or kitty[program] or set 'KONSOLE_VERSION' then return 'kitty' end
   if iterm2[program] or os.getenv 'LC_TERMINAL' == 'iTerm2' then return 'iterm2' end
   for _, pattern in ipairs(sixel) do
      if term:find(pattern) then return 'sixel' end
   end
   return blocks(term)
end

-- Columns and rows of the terminal's window, and the size of a cell in pixels, where it is known.
function pictures.window()
   local size = terminal.size()
   local columns, rows, wide, high = size[1], size[2], size[3], size[4]
   if columns == 0 then columns = tonumber(os.getenv 'COLUMNS') or 80 end
   if rows == 0 then rows = tonumber(os.getenv 'LINES') or 24 end
   columns, rows = math.max(1, math.min(columns, 2000)), math.max(1, math.min(rows, 2000))
   return columns, rows, wide > 0 and wide / columns or nil, high > 0 and high / rows or nil
end

-- ---- pictures as text of terminals ----

local function png_of(pixels)
   local image = require 'image'
   return image.compressPNG(pixels):storage():string()
end

local function pixels_of(png)
   local image = require 'image'
   local pixels = image.decompressPNG(torch.ByteTensor(torch.ByteStorage():string(png)), nil, 'byte')
   return pixels:size(1) == 3 and pixels or pixels:narrow(1, 1, 1):expand(3, pixels:size(2), pixels:size(3)):contiguous()
end

-- a picture whose fields are made when they are asked for
local function lazy(given)
   return setmetatable({ draw = given.cells }, { __index = function(self, key)
      local value = given[key]
      if type(value) == 'function' then value = value() end
      if value == nil and key == 'png' and given.pixels then value = png_of(self.pixels) end
      if value == nil and key == 'pixels' and given.png then value = pixels_of(self.png) end
      if value == nil and given.pixels and (key == 'width' or key == 'height') then value = self.pixels:size(key == 'width' and 3 or 2) end
      rawset(self, key, value)
      return value
   end })
end

local encode = {}

-- whether a picture is wider than the window
local function hangs_over(picture)
   local columns, _, cell = pictures.window()
   return picture.width ~= nil and picture.width > columns * (cell or 8), columns
end

function encode.kitty(picture)
   local data, parts = base64.encode(picture.png), {}
   local over, columns = hangs_over(picture)
   local fit = over and ',c=' .. columns or ''
   for from = 1, math.max(1, #data), 4096 do
      local head = from == 1 and 'a=T,f=100,q=2' .. fit .. ',' or ''
      parts[#parts + 1] = string.format('\27_G%sm=%d;%s\27\\', head, from + 4096 <= #data and 1 or 0, data:sub(from, from + 4095))
   end
   return table.concat(parts) .. '\n'
end

function encode.iterm2(picture)
   local fit = hangs_over(picture) and ';width=100%' or ''
   return string.format('\27]1337;File=inline=1;size=%d%s;preserveAspectRatio=1:', #picture.png, fit) .. base64.encode(picture.png) .. '\7\n'
end

function encode.sixel(picture) return terminal.sixel(picture.pixels) .. '\n' end

-- the picture, made small enough for a window where a cell holds one pixel above another
local function fitted(pixels)
   local columns, rows = pictures.window()
   local h, w = pixels:size(2), pixels:size(3)
   local scale = math.min(1, columns / w, 2 * math.max(1, rows - 2) / h)
   if scale == 1 then return pixels end
   local image = require 'image'
   return image.scale(pixels, math.max(1, math.floor(w * scale)), math.max(1, math.floor(h * scale)), 'bilinear')
end

-- what can draw itself for cells does, with its letters as letters
local function in_blocks(picture, exact)
   local columns, rows = pictures.window()
   if picture.draw and columns >= 20 and rows >= 10 then
      local pixels, letters = picture.draw(math.min(columns, 100), math.min(rows - 2, 30))
      return terminal.blocks(pixels, exact, letters)
   end
   return terminal.blocks(fitted(picture.pixels), exact, '')
end
function encode.blocks(picture) return in_blocks(picture, true) end
function encode.blocks256(picture) return in_blocks(picture, false) end

-- ---- showing ----

local folder, told = nil, {}

-- a name for the pictures of this run, in the folder for temporary files
local function file_name(name, ending)
   if not folder then
      local fine, temporary = pcall(os.tmpname)
      folder = fine and temporary or 'picture'
      if fine then os.remove(temporary) end
   end
   return string.format('%s-%s.%s', folder, name:gsub('[^%w_-]', '-'), ending)
end

-- Writes a picture into a file; its name is printed once. A program goes on whatever becomes of its picture.
local count = 0
local function keep(picture)
   local ending = picture.png and 'png' or 'svg'
   local name = picture.id
   if name == nil then
      count = count + 1
      name = (picture.name or 'picture') .. '-' .. count
   end
   local path = file_name(tostring(name), ending)
   local file, why = io.open(path, 'wb')
   local fine = false
   if file then
      fine, why = file:write(picture.png or picture.svg)
      file:close()
   end
   if told[path] then return end
   told[path] = true
   local what = picture.name or 'the picture'
   io.stderr:write(fine and string.format('%s is drawn in %s\n', what, path) or string.format('%s is not drawn: %s\n', what, tostring(why)))
end

-- Where the next picture goes: 'sink', 'terminal' or 'file'.
function pictures.way()
   if pictures.sink then return 'sink' end
   return pictures.means() == 'file' and 'file' or 'terminal'
end

-- Shows a picture.
function pictures.show(given)
   local picture = lazy(given)
   if pictures.sink then return pictures.sink(picture) end
   local means = pictures.means()
   if means ~= 'file' and (given.png or given.pixels) then
      local file = io.stdout
      local caption = given.caption and given.caption:gsub('%c', ' ') .. '\n' or ''
      if io.type(file) == 'file' and file:write(caption, encode[means](picture)) and file:flush() then return end
   end
   keep(picture)
end

-- ---- what is drawn when a command is done ----

local waiting, watched = {}, false

-- programs that end themselves have their pictures too
local function watch_exit()
   watched = true
   local exit = os.exit
   function os.exit(...)
      pictures.flush()
      return exit(...)
   end
   native.own_functions[os.exit] = true
end

-- Calls `show` once the running command is done, instead of what was to be called for the same key.
function pictures.later(key, show)
   if not watched then watch_exit() end
   for _, entry in ipairs(waiting) do
      if entry.key == key then
         entry.show = show
         return
      end
   end
   waiting[#waiting + 1] = { key = key, show = show }
end

-- Shows what waits, or one of it. The session calls this after every command, a notebook after every cell, `th` at the end of a program.
function pictures.flush(key)
   local list, rest = {}, {}
   for _, entry in ipairs(waiting) do table.insert((key == nil or entry.key == key) and list or rest, entry) end
   waiting = rest
   for _, entry in ipairs(list) do
      local fine, why = pcall(entry.show)
      if not fine then io.stderr:write('a picture is not drawn: ', tostring(why), '\n') end
   end
end

-- The end of a command.
function pictures.finish()
   pictures.flush()
   pictures.turn = pictures.turn + 1
end

return pictures
