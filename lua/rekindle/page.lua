-- One HTML file of panes that reloads itself: where the packages display and itorch show things when no notebook does.
local html = require 'rekindle.html'
local native = require 'rekindle.native'
local pictures = require 'rekindle.pictures'
local page = {}

-- seconds between two times that the file is written: programs show something at every step
local PAUSE = 0.5

local HEAD = [[
<!DOCTYPE html>
<html><head><meta charset="utf-8"><title>%s</title>
<style>
body { font-family: sans-serif; background: #eee; margin: 8px }
section { display: inline-block; vertical-align: top; background: #fff; border: 1px solid #ccc; margin: 4px; padding: 4px; max-width: 98%% }
h2 { font-size: 14px; font-weight: normal; margin: 0 0 4px 0; color: #555 }
img, svg { max-width: 100%%; height: auto }
img { image-rendering: pixelated }
</style>
<script>
addEventListener('beforeunload', function () { sessionStorage.setItem('scroll', scrollY) })
addEventListener('load', function () {
  scrollTo(0, sessionStorage.getItem('scroll') || 0)
  setTimeout(function () { location.reload() }, 2000)
})
</script></head><body>
]]

local path, told, written = nil, false, -math.huge
local panes, places = {}, {}

local function file_name()
   if path then return path end
   path = os.getenv 'REKINDLE_DISPLAY'
   if not path or path == '' then
      local fine, name = pcall(os.tmpname)
      if fine then os.remove(name) end
      path = (fine and name or 'display') .. '.html'
   end
   return path
end

local function write()
   local name = file_name()
   local parts = { HEAD:format(html.escape(name:match('[^/]*$'))) }
   for _, pane in ipairs(panes) do
      parts[#parts + 1] = string.format('<section><h2>%s</h2>%s</section>\n', html.escape(pane.title or pane.id), pane.content)
   end
   parts[#parts + 1] = '</body></html>\n'
   -- a browser never sees half of it
   local file, why = io.open(name .. '.new', 'wb')
   local fine = file and file:write(table.concat(parts))
   if file then fine = file:close() and fine end
   if fine then fine, why = os.rename(name .. '.new', name) end
   written = native.functions.sys.clock()
   if told then return end
   told = true
   -- a program goes on whatever becomes of what it shows
   io.stderr:write(fine and string.format('display: open %s in a browser\n', name)
      or string.format('display: cannot write %s: %s\n', name, tostring(why)))
end

-- Shows a piece of HTML in the pane of this name, with a title.
function page.show(id, content, title)
   local pane = places[id]
   if not pane then
      pane = { id = id }
      panes[#panes + 1], places[id] = pane, pane
   end
   pane.content, pane.title = content, title or pane.title
   if native.functions.sys.clock() - written >= PAUSE then return write() end
   pictures.later('page', write)
end

return page
