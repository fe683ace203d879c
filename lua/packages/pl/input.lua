-- Penlight: words, numbers, fields and lines of texts and files.
local utils = require 'pl.utils'
local input = {}

function input.alltext(file)
   file = file or io.stdin
   return file:read '*a'
end

-- a function that gives lines, of a text, a file or a function
function input.create_getter(file)
   if file == nil then file = io.stdin end
   if type(file) == 'string' then
      local lines = require('pl.stringx').lines(file:gsub('\n$', ''))
      return function() return lines() end
   end
   if type(file) == 'function' then return file end
   if not file.read then error 'not a file-like object' end
   return function() return file:read() end
end

local function matches(pattern, convert, file)
   local lines = input.create_getter(file)
   local line, at = lines(), 1
   return function()
      while line do
         local from, to = line:find(pattern, at)
         if from then
            at = to + 1
            return convert(line:sub(from, to))
         end
         line, at = lines(), 1
      end
   end
end
function input.words(file) return matches('%S+', function(w) return w end, file) end
function input.numbers(file) return matches('[%+%-]?%d*%.?%d+[eE]?[%+%-]?%d*', tonumber, file) end
function input.lines(file) return input.create_getter(file) end

-- Some fields of each line; numbers as such unless told otherwise (`no_fail`).
function input.fields(ids, delimiter, file, options)
   local lines = input.create_getter(file)
   if type(ids) == 'number' then
      local all = {}
      for i = 1, ids do all[i] = i end
      ids = all
   end
   delimiter = delimiter or ' '
   local pattern, plain = delimiter, true
   if delimiter == ' ' then pattern, plain = nil, false end
   options = options or {}
   local n = 0
   return function()
      local line = lines()
      n = n + 1
      while line and line:find '^%s*$' do
         line = lines()
         n = n + 1
      end
      if not line then return nil end
      local parts, values = utils.split(line, pattern, plain), {}
      for i, id in ipairs(ids) do
         local text = parts[id]
         if text == nil then
            if options.no_fail then return nil end
            error(('line %d: not enough fields'):format(n), 2)
         end
         text = text:match '^%s*(.-)%s*$'
         values[i] = tonumber(text) or text
      end
      return unpack(values, 1, #ids)
   end
end

require 'rekindle.takes'(input, 'input.', require 'rekindle.named'(input, {
   file = 'string|function|stream?',
}, {
   alltext = 'file:stream?', fields = 'ids:list|number delimiter:string? file:string|function|stream? options:list?',
}))

return input
