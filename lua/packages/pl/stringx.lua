-- Penlight: texts as Python treats them. What is searched for is itself, no pattern.
local utils = require 'pl.utils'
local stringx = {}
local find, sub, rep, gsub, floor = string.find, string.sub, string.rep, string.gsub, math.floor

local function text_arg(n, value)
   if type(value) ~= 'string' then
      error(string.format("argument %d expected a 'string', got a '%s'", n, type(value)), 3)
   end
end
local function number_arg(n, value)
   if type(value) ~= 'number' then
      error(string.format("argument %d expected a 'number', got a '%s'", n, type(value)), 3)
   end
end
local function list(t) return setmetatable(t, require 'pl.List') end

-- ---- kinds of characters ----

for name, pattern in pairs { isalpha = '^%a+$', isdigit = '^%d+$', isalnum = '^%w+$', isspace = '^%s+$' } do
   stringx[name] = function(s)
      text_arg(1, s)
      return find(s, pattern) == 1
   end
end
function stringx.islower(s)
   text_arg(1, s)
   return find(s, '[^%l%s]') == nil and find(s, '%l') ~= nil
end
function stringx.isupper(s)
   text_arg(1, s)
   return find(s, '[^%u%s]') == nil and find(s, '%u') ~= nil
end

-- whether one of some texts fits
local function any(s, what, fits)
   if type(what) == 'string' then return fits(s, what) end
   if type(what) ~= 'table' then
      error("argument #2 expected a 'string' or a 'table' of strings, got a '" .. type(what) .. "'", 3)
   end
   for _, one in ipairs(what) do
      if fits(s, one) then return true end
   end
   return false
end
local function starts(s, what) return sub(s, 1, #what) == what end
local function ends(s, what) return #s >= #what and sub(s, #s - #what + 1) == what end
function stringx.startswith(s, what)
   text_arg(1, s)
   return any(s, what, starts)
end
function stringx.endswith(s, what)
   text_arg(1, s)
   return any(s, what, ends)
end

-- ---- taking apart and putting together ----

-- the texts of a sequence with this one between them
function stringx.join(s, sequence)
   text_arg(1, s)
   utils.assert_arg(2, sequence, 'table', nil, nil, 2)
   return table.concat(utils.array_tostring(sequence), s)
end

function stringx.splitlines(s, keep_ends)
   text_arg(1, s)
   local lines, at = {}, 1
   while at <= #s do
      local from, to = find(s, '\r?\n', at)
      local single = find(s, '\r', at, true)
      if single and (not from or single < from) then from, to = single, single end
      if not from then
         lines[#lines + 1] = sub(s, at)
         break
      end
      lines[#lines + 1] = sub(s, at, keep_ends and to or from - 1)
      at = to + 1
   end
   return list(lines)
end

function stringx.split(s, separator, n)
   text_arg(1, s)
   -- an empty piece at the end does not count, except between separators alone
   local pieces = utils.split(s, separator, true, n)
   if separator and separator ~= '' and (not n or #pieces < n) and ends(s, separator) then pieces[#pieces + 1] = '' end
   return list(pieces)
end
stringx.splitv = utils.splitv

-- up to a separator, the separator, and what follows
local function parted(s, separator, from, to)
   return sub(s, 1, from - 1), separator, sub(s, to + 1)
end
function stringx.partition(s, separator)
   text_arg(1, s)
   text_arg(2, separator)
   if separator == '' then error('argument 2 expected a non-empty string', 2) end
   local from, to = find(s, separator, 1, true)
   if not from then return s, '', '' end
   return parted(s, separator, from, to)
end
function stringx.rpartition(s, separator)
   text_arg(1, s)
   text_arg(2, separator)
   if separator == '' then error('argument 2 expected a non-empty string', 2) end
   local from = stringx.rfind(s, separator)
   if not from then return '', '', s end
   return parted(s, separator, from, from + #separator - 1)
end

function stringx.at(s, index)
   text_arg(1, s)
   number_arg(2, index)
   return sub(s, index, index)
end

function stringx.lines(s)
   text_arg(1, s)
   if not s:find '\n$' then s = s .. '\n' end
   return s:gmatch '([^\n]*)\n'
end
function stringx.iter(s)
   text_arg(1, s)
   return (s:gmatch '.')
end

function stringx.expandtabs(s, width)
   text_arg(1, s)
   width = width or 8
   number_arg(2, width)
   return (gsub(s, '([^\t\r\n]*)\t', function(before)
      if width == 0 then return before end
      return before .. rep(' ', width - #before % width)
   end))
end

-- ---- finding ----

function stringx.lfind(s, what, first, last)
   text_arg(1, s)
   text_arg(2, what)
   local from, to = find(s, what, first or 1, true)
   if from and (not last or to <= last) then return from end
end

function stringx.rfind(s, what, first, last)
   text_arg(1, s)
   text_arg(2, what)
   first, last = first or 1, last and (last < 0 and #s + last + 1 or last) or #s
   if first < 0 then first = #s + first + 1 end
   for i = math.min(last, #s) - #what + 1, math.max(first, 1), -1 do
      if sub(s, i, i + #what - 1) == what then return i end
   end
end

function stringx.replace(s, old, new, n)
   text_arg(1, s)
   text_arg(2, old)
   text_arg(3, new)
   return (gsub(s, utils.escape(old), (gsub(new, '%%', '%%%%')), n))
end

function stringx.count(s, what, overlapping)
   text_arg(1, s)
   text_arg(2, what)
   if what == '' then return #s end
   local n, at = 0, 1
   while true do
      local from, to = find(s, what, at, true)
      if not from then return n end
      n = n + 1
      at = overlapping and from + 1 or to + 1
   end
end

-- ---- filling up and cutting off ----

local function filled(s, width, fill, left)
   text_arg(1, s)
   number_arg(2, width)
   local missing = width - #s
   if missing <= 0 then return s end
   local before = floor(missing * left)
   fill = fill or ' '
   return rep(fill, before) .. s .. rep(fill, missing - before)
end
function stringx.ljust(s, width, fill) return filled(s, width, fill, 0) end
function stringx.rjust(s, width, fill) return filled(s, width, fill, 1) end
function stringx.center(s, width, fill) return filled(s, width, fill, 0.5) end

-- Python centres 'a' in 2 as 'a '
local function stripped(s, characters, left, right)
   local class = characters and '[' .. utils.escape(characters) .. ']' or '%s'
   local from, to = 1, #s
   if left then from = find(s, characters and '[^' .. utils.escape(characters) .. ']' or '%S') or #s + 1 end
   if right then
      while to >= from and find(sub(s, to, to), class) do to = to - 1 end
   end
   return sub(s, from, to)
end
function stringx.lstrip(s, characters)
   text_arg(1, s)
   return stripped(s, characters, true, false)
end
function stringx.rstrip(s, characters)
   text_arg(1, s)
   return stripped(s, characters, false, true)
end
function stringx.strip(s, characters)
   text_arg(1, s)
   return stripped(s, characters, true, true)
end

function stringx.title(s)
   text_arg(1, s)
   return (gsub(s, '(%S)(%S*)', function(first, rest) return first:upper() .. rest:lower() end))
end

stringx.capitalize = stringx.title

-- at most n characters, with dots where something is left out
function stringx.shorten(s, n, tail)
   text_arg(1, s)
   number_arg(2, n)
   if #s <= n then return s end
   if n < 3 then return rep('.', n) end
   if tail then return '...' .. sub(s, #s - n + 4) end
   return sub(s, 1, n - 3) .. '...'
end

-- a text as Lua's source has it: in quotes or, where it has lines, in long brackets
function stringx.quote_string(s)
   text_arg(1, s)
   -- long brackets would lose carriage returns
   if not find(s, '\n') or find(s, '[%z\r]') then
      return (string.format('%q', s):gsub('\\\n', '\\n'):gsub('\r', '\\r'))
   end
   local level = ''
   while find(s .. ']', ']' .. level .. ']', 1, true) do level = level .. '=' end
   return '[' .. level .. '[\n' .. s .. ']' .. level .. ']'
end

-- ---- paragraphs ----

local function lines_of(s) return stringx.splitlines(s) end
local function as_text(lines) return table.concat(lines, '\n') .. '\n' end

function stringx.indent(s, n, fill)
   text_arg(1, s)
   number_arg(2, n)
   local before, lines = rep(fill or ' ', n), lines_of(s)
   for i, line in ipairs(lines) do lines[i] = before .. line end
   return as_text(lines)
end

-- without the spaces that all lines begin with
function stringx.dedent(s)
   text_arg(1, s)
   local lines, n = lines_of(s), math.huge
   if #lines == 0 then return '' end
   for _, line in ipairs(lines) do
      local first = find(line, '%S')
      if first then n = math.min(n, first - 1) end
   end
   for i, line in ipairs(lines) do lines[i] = sub(line, n + 1) end
   return as_text(lines)
end

-- Lines of at most `width` characters; words longer than that are cut where asked.
function stringx.wrap(s, width, break_long)
   text_arg(1, s)
   width = width or 70
   number_arg(2, width)
   local lines, line = {}, nil
   for word in s:gmatch '%S+' do
      if break_long and #word > width then
         if line then lines[#lines + 1] = line end
         line = nil
         while #word > width do
            lines[#lines + 1] = sub(word, 1, width)
            word = sub(word, width + 1)
         end
      end
      if word ~= '' then
         if not line then line = word
         elseif #line + 1 + #word <= width then line = line .. ' ' .. word
         else
            lines[#lines + 1] = line
            line = word
         end
      end
   end
   if line or #lines == 0 then lines[#lines + 1] = line or '' end
   return list(lines)
end
function stringx.fill(s, width, break_long) return as_text(stringx.wrap(s, width, break_long)) end

-- ---- templates and operators ----

local Template = {}
Template.__index = Template
stringx.Template = setmetatable(Template, { __call = function(_, text) return setmetatable({ tmpl = text }, Template) end })

local function substitute(text, values, strict)
   local get = type(values) == 'function' and values or function(key) return values[key] end
   local function value(key)
      local v = get(key)
      if v ~= nil then return tostring(v) end
      if strict then error('not present in table ' .. key, 0) end
      return ''
   end
   return (gsub(text, '%$([%$%{%a_]?)([%w_]*)(%}?)', function(first, rest, close)
      if first == '$' then return '$' .. rest .. close end
      if first == '{' then return close == '}' and value(rest) or nil end
      if first == '' then return nil end
      return value(first .. rest) .. close
   end))
end
function Template:substitute(values) return substitute(self.tmpl, values, true) end
function Template:safe_substitute(values) return substitute(self.tmpl, values, false) end

-- as substitute, for a text of several lines in an indented place
function Template:indent_substitute(values)
   local get = type(values) == 'function' and values or function(key) return values[key] end
   return (gsub('\n' .. self.tmpl, '(\n[ \t]*)(%$%{?[%a_][%w_]*%}?)', function(before, name)
      local value = tostring(get(name:match '[%a_][%w_]*'))
      local space = before:match '[ \t]*$'
      return before .. gsub(value, '\n([^\n])', '\n' .. space .. '%1')
   end):gsub('^\n', ''):gsub('%$%b{}', function(name) return tostring(get(name:sub(3, -2))) end))
end

-- `'%d items' % 3`, `'%s and %s' % { 'a', 'b' }`, `'$name' % { name = 'x' }`
function stringx.format_operator()
   getmetatable('').__mod = function(a, b)
      if b == nil then return string.format(a) end
      if type(b) == 'table' and getmetatable(b) == nil then
         if #b == 0 then return substitute(a, b, true) end
         local values, n = {}, b.n or #b
         for i = 1, n do
            local v = b[i]
            values[i] = (type(v) == 'number' or type(v) == 'string') and v or tostring(v)
         end
         return string.format(a, unpack(values, 1, n))
      end
      if type(b) == 'function' then return substitute(a, b, true) end
      if type(b) ~= 'number' and type(b) ~= 'string' then b = tostring(b) end
      return string.format(a, b)
   end
end

-- makes these functions methods of texts
function stringx.import() utils.import(stringx, string) end

return stringx
