-- Penlight: the parser of pl.xml, for XML without DTDs and for HTML that is nearly XML.
local parser = {}

local entities = { apos = "'", quot = '"', lt = '<', gt = '>', amp = '&' }

-- the bytes of a character in UTF-8
local function utf8(code)
   if not code or code >= 0x110000 then return nil end
   if code < 0x80 then return string.char(code) end
   local tail, limit = '', 0x20
   repeat
      tail = string.char(0x80 + code % 0x40) .. tail
      code = math.floor(code / 0x40)
      local first = code < limit
      if not first then limit = limit / 2 end
   until first
   return string.char(0x100 - 2 * limit + code) .. tail
end

-- a text with its entities replaced; those without a meaning stay as they are
function parser.unescape(text)
   return (text:gsub('&(#?)(%w+);', function(number, name)
      if number == '' then return entities[name] end
      local hexadecimal = name:match '^[xX](%x+)$'
      return utf8(hexadecimal and tonumber(hexadecimal, 16) or name:find '^%d+$' and tonumber(name) or nil)
   end))
end
local unescape = parser.unescape

-- elements of HTML that have no content, and those whose content is text up to their end
local empty, raw = {}, { script = true, style = true }
for name in ('area base br col embed hr img input link meta param source track wbr'):gmatch '%a+' do empty[name] = true end

-- digits begin the names of templates
local name_pattern = '[%w_\128-\255][%w_:%.%-\128-\255]*'

-- The attributes from a position on: the table, whether the tag ends with a slash, and the position behind it.
local function attributes_at(text, at, html)
   local attr = {}
   while true do
      local slash, stop = text:match('^%s*(/?)>()', at)
      if stop then return attr, slash == '/', stop end
      local name, after = text:match('^%s*(' .. name_pattern .. ')()', at)
      if not name then return nil end
      local _, value, behind = text:match('^%s*=%s*(["\'])(.-)%1()', after)
      if not value and html then
         value, behind = text:match('^%s*=%s*([^%s>"\']+)()', after)
         -- an attribute without a value is its name
         if not value then value, behind = name, after end
      end
      if not value then return nil end
      attr[html and name:lower() or name] = unescape(value)
      at = behind
   end
end

-- what is no element: comments, texts as they are, instructions, declarations
local others = {
   { start = '<!--', stop = '-->', what = 'comment' },
   { start = '<![CDATA[', stop = ']]>', what = 'CDATA section', text = true },
   { start = '<?', stop = '?>', what = 'instruction' },
}

-- The text of a section, or true, and the position behind what starts here and is no element.
local function other_at(text, open, fail)
   for _, kind in ipairs(others) do
      if text:sub(open, open + #kind.start - 1) == kind.start then
         local from, to = text:find(kind.stop, open + #kind.start, true)
         if not from then fail(open, 'the ' .. kind.what .. ' is not closed') end
         return kind.text and text:sub(open + #kind.start, from - 1) or true, to + 1
      end
   end
   if text:sub(open, open + 1) ~= '<!' then return nil end
   local behind = text:match('^<![^%[>]*%b[]%s*>()', open) or text:match('^<![^>]*>()', open)
   if not behind then fail(open, 'the declaration is not closed') end
   return true, behind
end

local Builder = {}
Builder.__index = Builder

function Builder:add(child, at)
   local parent = self.stack[#self.stack]
   if not parent then
      if type(child) == 'string' then
         if not self.html then self.fail(at, 'there is text outside the document\'s element') end
      elseif self.root then
         self.fail(at, ("there is a second element <%s> beside the document's <%s>"):format(child.tag, self.root.tag))
      else
         self.root = child
      end
   elseif type(child) == 'string' and type(parent[#parent]) == 'string' then
      parent[#parent] = parent[#parent] .. child
   else
      parent[#parent + 1] = child
   end
end

function Builder:text(text, at)
   if text:find '%S' then
      self:add(unescape(text), at)
   elseif self.all_text and text ~= '' and #self.stack > 0 then
      self:add(text, at)
   end
end

function Builder:close(tag, at)
   local stack = self.stack
   if self.html then
      -- closes what is open inside; what was never opened is left out
      for i = #stack, 1, -1 do
         if stack[i].tag == tag then
            for j = #stack, i, -1 do stack[j] = nil end
            return
         end
      end
      return
   end
   local top = table.remove(stack)
   if not top then self.fail(at, ('</%s> closes nothing'):format(tag)) end
   if top.tag ~= tag then self.fail(at, ('</%s> where </%s> is expected'):format(tag, top.tag)) end
end

-- an element's start; the position behind it
function Builder:open(text, open, new)
   local tag, after = text:match('^<(' .. name_pattern .. ')()', open)
   if not tag then self.fail(open, "a '<' that starts no tag") end
   local attr, closed, behind = attributes_at(text, after, self.html)
   if not attr then self.fail(open, ('the tag <%s> is not well formed'):format(tag)) end
   if self.html then tag = tag:lower() end
   local element = new(tag, attr)
   self:add(element, open)
   if closed or self.html and empty[tag] then return behind end
   if self.html and raw[tag] then
      local from, to = text:lower():find('</' .. tag .. '%s*>', behind)
      if not from then self.fail(open, ('the element <%s> is not closed'):format(tag)) end
      if from > behind then element[1] = text:sub(behind, from - 1) end
      return to + 1
   end
   table.insert(self.stack, element)
   return behind
end

-- The document of a text, made of elements by `new`; nil and a message with the line where it is none.
function parser.parse(text, new, all_text, html)
   local function fail(at, why)
      local _, lines = text:sub(1, at - 1):gsub('\n', '')
      error({ why = ('line %d: %s'):format(lines + 1, why) }, 0)
   end
   local builder = setmetatable({ stack = {}, all_text = all_text, html = html, fail = fail }, Builder)
   local function read()
      local at = text:match '^\239\187\191()' or 1
      while true do
         local open = text:find('<', at, true)
         builder:text(text:sub(at, (open or #text + 1) - 1), at)
         if not open then break end
         local tag, behind = text:match('^</(' .. name_pattern .. ')%s*>()', open)
         local other
         if tag then
            builder:close(html and tag:lower() or tag, open)
         else
            other, behind = other_at(text, open, fail)
            if not other then behind = builder:open(text, open, new)
            elseif other ~= true and other ~= '' then builder:add(other, open) end
         end
         at = behind
      end
      local top = builder.stack[#builder.stack]
      if top and not html then fail(#text + 1, ('the element <%s> is not closed'):format(top.tag)) end
      if not builder.root then fail(1, 'there is no element') end
      return builder.root
   end
   local ok, doc = pcall(read)
   if ok then return doc end
   if type(doc) == 'table' and doc.why then return nil, doc.why end
   error(doc, 0)
end

return parser
