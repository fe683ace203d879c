-- Package itorch: pictures, plots, sound and HTML in a notebook. Elsewhere pictures go where others do, and HTML to a file.
local base64 = require 'base64'
local native = require 'rekindle.native'
local pictures = require 'rekindle.pictures'
local itorch = rawget(_G, 'itorch') or {}
rawset(_G, 'itorch', itorch)

itorch.Plot = require 'itorch.Plot'

-- Whether a result that looks like a picture is shown as one: HxW, 1xHxW or 3xHxW.
itorch.pictures = itorch.pictures or false

local count = 0
local function new_id()
   count = count + 1
   return 'itorch-' .. count
end

local function refuse(level, name, ...) error('itorch.' .. name .. ': ' .. string.format(...), level + 1) end

local function bytes_of(name, path)
   if type(path) ~= 'string' then refuse(3, name, 'expected the name of a file, got %s', torch.type(path)) end
   local file, why = io.open(path, 'rb')
   if not file then refuse(3, name, 'cannot open <%s>', tostring(why)) end
   local bytes = file:read('*a')
   file:close()
   if not bytes then refuse(3, name, 'cannot read <%s>', path) end
   return bytes
end

-- ---- pictures ----

local function picture_of(input, options)
   local image = require 'image'
   local given = { input = input }
   for k, v in pairs(options or { padding = 2 }) do given[k] = v end
   local shown = image.toDisplayTensor(given)
   if shown:dim() == 2 then shown = shown:view(1, shown:size(1), shown:size(2)) end
   local pixels = shown:clone():clamp(0, 1):mul(255):add(0.5):floor():byte()
   if pixels:size(1) == 1 then pixels = pixels:expand(3, pixels:size(2), pixels:size(3)):contiguous() end
   return { png = image.compressPNG(pixels):storage():string(), pixels = pixels, width = pixels:size(3), height = pixels:size(2),
      name = 'itorch.image' }
end

-- Shows a tensor as a picture, a list or a 4D tensor as a page of pictures, or a file. Options are those of
-- image.toDisplayTensor; `win` is a name of your own: a picture takes the place of the last one with its name.
function itorch.image(input, options)
   if type(input) == 'string' then
      if input:lower():match('%.svg$') then return itorch.svg(input) end
      input = require('image').load(input, 3)
   end
   if not torch.isTensor(input) and type(input) ~= 'table' then
      error('itorch.image: expected a tensor, a list of tensors or the name of a file, got ' .. torch.type(input), 2)
   end
   local plain
   if options then
      plain = {}
      for k, v in pairs(options) do plain[k] = v end
      plain.win = nil
   end
   local picture = picture_of(input, plain)
   picture.id = options and options.win
   pictures.show(picture)
end
itorch.images = itorch.image

function itorch.lena() return itorch.image(require('image').lena()) end

-- A result as a picture, where results are to be such and it looks like one.
function itorch._result(v)
   if not itorch.pictures or not torch.isTensor(v) then return nil end
   local d = v:dim()
   local fits = d == 2 or d == 3 and (v:size(1) == 1 or v:size(1) == 3)
   return fits and v:size(d) >= 4 and v:size(d - 1) >= 4 and picture_of(v) or nil
end

-- ---- HTML and sound ----

-- Shows a text of HTML; with the identifier that an earlier call gave, in its place. The identifier.
function itorch.html(text, id)
   if type(text) ~= 'string' then refuse(2, 'html', 'expected a text of HTML, got %s', torch.type(text)) end
   id = id or new_id()
   if native.kernel then
      require('rekindle.notebook').display({ ['text/html'] = text, ['text/plain'] = '<HTML>' }, id)
   else
      require('rekindle.page').show(tostring(id), text)
   end
   return id
end

-- Shows the text of an SVG picture, or a file of one.
function itorch.svg(what, id)
   if type(what) ~= 'string' then refuse(2, 'svg', 'expected a text of SVG or the name of a file, got %s', torch.type(what)) end
   local text = what:find('<svg', 1, true) and what or bytes_of('svg', what)
   id = id or new_id()
   pictures.show { svg = text, id = id, name = 'itorch.svg' }
   return id
end

local function media(name, kinds)
   return function(path)
      local bytes = bytes_of(name, path)
      local ending = (path:match('%.(%w+)$') or ''):lower()
      local kind = kinds[ending]
      if not kind then
         local known = {}
         for k in pairs(kinds) do known[#known + 1] = k end
         table.sort(known)
         refuse(2, name, "expected a file of %s, got '%s'", table.concat(known, ', '), path)
      end
      return itorch.html(string.format('<%s controls src="data:%s;base64,%s"></%s>', name, kind, base64.encode(bytes), name))
   end
end

-- Plays a file of sound, or a film, embedded in the notebook.
itorch.audio = media('audio', { mp3 = 'audio/mpeg', ogg = 'audio/ogg', oga = 'audio/ogg', aac = 'audio/aac', wav = 'audio/wav',
   flac = 'audio/flac', m4a = 'audio/mp4' })
itorch.video = media('video', { mp4 = 'video/mp4', ogv = 'video/ogg', ogg = 'video/ogg', webm = 'video/webm', mpeg = 'video/mpeg',
   mpg = 'video/mpeg' })

-- Takes away what the running cell has shown so far; with `true` when something new is shown.
function itorch.clear(wait)
   if native.kernel then require('rekindle.notebook').publish('clear_output', { wait = wait == true }) end
end

return itorch
