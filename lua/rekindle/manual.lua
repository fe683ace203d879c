-- The manual: pages of docs/, a section for one name or several, found by name. A section's paragraphs are its text, an
-- indented block shows call forms, and a fenced one is a piece of a session; a picture is what that draws.
local rows = require('rekindle.native').functions.help
local manual = {}
local WIDTH = 80

-- One section of a page from its lines: blocks { kind = 'text' | 'item' | 'calls' | 'session', lines }.
local function blocks_of(lines)
   local blocks, open, fenced = {}, nil, false
   local function into(kind, line)
      if not open or open.kind ~= kind then
         open = { kind = kind, lines = {} }
         blocks[#blocks + 1] = open
      end
      open.lines[#open.lines + 1] = line
   end
   for _, line in ipairs(lines) do
      if line:find('^```') then
         fenced, open = not fenced, nil
      elseif fenced then
         into('session', line)
      elseif line == '' then
         open = nil
      elseif line:find('^    ') then
         into('calls', line:sub(5))
      elseif line:find('^!%[.*%]%(.*%)$') then
         -- what the example before it draws
         open = nil
         into('picture', line)
         open = nil
      elseif line:find('^%* ') then
         open = nil
         into('item', line)
      else
         into(open and open.kind == 'item' and 'item' or 'text', (line:gsub('^%s+', '')))
      end
   end
   return blocks
end

-- The sections of a page, in their order: { page, names, blocks }; its first lines are in `title` and `intro`.
function manual.parse(source, page)
   local sections, lines = { page = page, title = page }, {}
   local function finish()
      if #sections > 0 then sections[#sections].blocks = blocks_of(lines) else sections.intro = blocks_of(lines) end
   end
   for line in (source .. '\n'):gmatch('(.-)\r?\n') do
      local heading = line:match('^## (.*)$')
      if heading then
         finish()
         local names = {}
         for name in heading:gmatch('[^%s,]+') do names[#names + 1] = name end
         sections[#sections + 1], lines = { page = page, names = names }, {}
      elseif line:find('^# ') and #sections == 0 then
         sections.title = line:sub(3)
      else
         lines[#lines + 1] = line
      end
   end
   finish()
   return sections
end

-- name of a page -> its sections; read when first asked for
local pages, by_name
local function read()
   if pages then return end
   pages, by_name = {}, {}
   for _, name in ipairs(rows.pages()) do
      pages[name] = manual.parse(rows.page(name), name)
      for _, section in ipairs(pages[name]) do
         for _, each in ipairs(section.names) do by_name[each] = section end
      end
   end
end

function manual.pages()
   read()
   return pages
end

-- The section of a name as headings write it: `sum`, `Storage.fill`, `nn.Linear`.
function manual.section(name)
   read()
   return by_name[name]
end

-- The names of classes' sections that end in this one: `seek` has `File.seek`.
function manual.ending(name)
   read()
   local found = {}
   for full in pairs(by_name) do
      if full:sub(-#name - 1) == '.' .. name then found[#found + 1] = full end
   end
   table.sort(found)
   return found
end

function manual.names()
   read()
   local names = {}
   for name in pairs(by_name) do names[#names + 1] = name end
   table.sort(names)
   return names
end

-- The pieces that an iterator gives, with a mark and a space between them, in lines of at most 80 columns; all but the
-- first begin with the indent, all but the last end with the mark.
function manual.fill(pieces, mark, indent)
   local lines, line = {}, nil
   for piece in pieces do
      if not line then
         line = piece
      elseif #line + #mark + 1 + #piece + #mark > WIDTH then
         lines[#lines + 1], line = line .. mark, indent .. piece
      else
         line = line .. mark .. ' ' .. piece
      end
   end
   lines[#lines + 1] = line
   return table.concat(lines, '\n')
end

-- A text's words in lines.
function manual.wrap(text, indent) return manual.fill(text:gmatch('%S+'), '', indent) end

local show = {}
local function prose(lines) return (table.concat(lines, ' '):gsub('`', '')) end
function show.text(lines) return manual.wrap(prose(lines), '') end
function show.item(lines) return manual.wrap(prose(lines), '  ') end
function show.calls(lines) return table.concat(lines, '\n') end
function show.session(lines)
   local out = {}
   for i, line in ipairs(lines) do
      if #line + 3 > WIDTH then line = manual.wrap(line, '      ') end
      out[i] = (line ~= '' and '   ' or '') .. line
   end
   return (table.concat(out, '\n'):gsub('%s+$', ''))
end

function show.picture(lines) return '   [picture: ' .. lines[1]:match '^!%[(.-)%]' .. ']' end

-- The blocks of a section as the session shows them, and whether they say themselves how the names are called.
function manual.text(blocks)
   local parts, calls, before = {}, false, nil
   for _, block in ipairs(blocks) do
      local text = show[block.kind](block.lines)
      local close = before == 'item' and block.kind == 'item'
      parts[#parts + 1] = (before and (close and '\n' or '\n\n') or '') .. text
      calls, before = calls or block.kind == 'calls', block.kind
   end
   return table.concat(parts), calls
end

return manual
