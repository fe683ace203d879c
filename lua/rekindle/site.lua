-- `th --manual DIR`: the manual as pages for a browser, with a search that needs no server.
local folder = require 'rekindle.folder'
local manual = require 'rekindle.manual'
local rows = require('rekindle.native').functions.help
local site = {}

local STYLE = [[
body{font:16px/1.5 sans-serif;margin:0;display:flex}nav{width:17em;min-width:17em;height:100vh;overflow:auto;position:sticky;
top:0;padding:1em;box-sizing:border-box;background:#f4f4f2}main{padding:1em 2em;max-width:50em}pre{background:#f4f4f2;
padding:.7em;overflow:auto}code,pre{font:14px/1.4 monospace}h2{border-top:1px solid #ccc;padding-top:.6em}a{color:#0645ad;
text-decoration:none}input{width:100%;font-size:1em;box-sizing:border-box}#found{list-style:none;padding:0}
@media(max-width:50em){body{display:block}nav{width:auto;height:auto;position:static}}
]]

local SCRIPT = [[
document.getElementById('search').addEventListener('input',function(){var q=this.value.toLowerCase(),out='';
if(q)NAMES.filter(function(n){return n[0].toLowerCase().indexOf(q)>=0}).sort(function(a,b){return a[0].length-b[0].length})
.slice(0,40).forEach(function(n){out+='<li><a href="'+n[1]+'">'+n[0]+'</a></li>'});
document.getElementById('found').innerHTML=out;});
]]

local ESCAPES = { ['&'] = '&amp;', ['<'] = '&lt;', ['>'] = '&gt;', ['"'] = '&quot;' }
local function escape(text) return (text:gsub('[&<>"]', ESCAPES)) end

-- a paragraph with its code and links
local function inline(text)
   return (escape(text):gsub('`([^`]*)`', '<code>%1</code>'):gsub('%[([^%]]+)%]%(([^)]+)%)', function(shown, target)
      if not target:find('^%a+:') then target = target:gsub('%.md', '.html') end
      return '<a href="' .. target .. '">' .. shown .. '</a>'
   end))
end

local show = {}
function show.text(lines) return '<p>' .. inline(table.concat(lines, ' ')) .. '</p>' end
function show.item(lines) return '<ul><li>' .. inline((table.concat(lines, ' '):gsub('^%* ', ''))) .. '</li></ul>' end
function show.calls(lines) return '<pre>' .. escape(table.concat(lines, '\n')) .. '</pre>' end
show.session = show.calls
function show.picture(lines)
   local shown, target = lines[1]:match '^!%[(.-)%]%(%.%./pictures/(.-)%)$'
   return string.format('<p><img src="%s" alt="%s"></p>', escape(target or ''), escape(shown or ''))
end

local function blocks(list)
   local out = {}
   for i, block in ipairs(list or {}) do out[i] = show[block.kind](block.lines) end
   return (table.concat(out, '\n'):gsub('</ul>\n<ul>', '\n'))
end

local function file_of(page) return page .. '.html' end

local function whole(title, links, body)
   return '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\n<title>'
      .. escape(title) .. '</title><link rel="stylesheet" href="style.css"></head>\n<body><nav><p><a href="index.html">Rekindle</a></p>'
      .. '<input id="search" type="search" placeholder="Search names" autofocus><ul id="found"></ul>' .. links .. '</nav>\n<main>'
      .. body .. '</main>\n<script src="names.js"></script><script src="search.js"></script></body></html>\n'
end

-- Writes the site into a folder, which is made where it is not there.
function site.main(args)
   local dir = args[1]
   local write = folder('--manual', dir)
   local pages, names, links, index = manual.pages(), {}, {}, {}
   for page in pairs(pages) do names[#names + 1] = page end
   table.sort(names)
   for i, page in ipairs(names) do
      links[i] = string.format('<a href="%s">%s</a><br>', file_of(page), escape(page))
   end
   links = table.concat(links, '\n')
   local contents = { '<h1>Rekindle: the manual</h1>' }
   for _, page in ipairs(names) do
      local sections = pages[page]
      local body, list = { '<h1>' .. inline(sections.title) .. '</h1>', blocks(sections.intro) }, {}
      for _, section in ipairs(sections) do
         for i, name in ipairs(section.names) do
            index[#index + 1] = string.format('["%s","%s#%s"]', name, file_of(page), name)
            list[#list + 1] = string.format('<a href="%s#%s">%s</a>', file_of(page), escape(name), escape(name))
            body[#body + 1] = string.format(i == 1 and '<h2 id="%s">%s</h2>' or '<a id="%s"></a>', escape(name),
               escape(table.concat(section.names, ', ')))
         end
         body[#body + 1] = blocks(section.blocks)
      end
      contents[#contents + 1] = string.format('<h2><a href="%s">%s</a></h2><p>%s</p><p>%s</p>', file_of(page), escape(page),
         inline(sections.title), table.concat(list, ' '))
      for _, section in ipairs(sections) do
         for _, block in ipairs(section.blocks) do
            local name = block.kind == 'picture' and block.lines[1]:match '%(%.%./pictures/([%w_]+)%.%w+%)$'
            local ending = name and block.lines[1]:match '%.(%w+)%)$'
            local bytes = name and rows.picture('pictures.' .. name)
            if bytes then write(name .. '.' .. ending, bytes) end
         end
      end
      write(file_of(page), whole(sections.title, links, table.concat(body, '\n')))
   end
   write('index.html', whole('Rekindle: the manual', links, table.concat(contents, '\n')))
   write('style.css', STYLE)
   write('names.js', 'var NAMES=[' .. table.concat(index, ',\n') .. '];\n')
   write('search.js', SCRIPT)
   print(string.format('wrote %d pages and %d names to %s/index.html', #names, #index, dir))
end

return site
