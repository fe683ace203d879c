-- xlua.OptionParser: command-line options in the manner of Python's optparse.
local xlua = xlua
local Parser = {}
Parser.__index = Parser

function Parser:option(description)
   description.action = description.action or 'store'
   table.insert(self.option_descriptions, description)
   for _, flag in ipairs(description) do self.option_of[flag] = description end
end

function Parser:fail(message)
   io.stderr:write(tostring(message), '\n')
   self:help()
   return os.exit(1)
end

-- The words of the command line, with --name=value as two words.
local function words_of(line)
   local words = {}
   for _, word in ipairs(line) do
      word = tostring(word)
      local flag, value = word:match('^(%-%-[%w_-]+)=(.*)$')
      words[#words + 1] = flag or word
      if flag then words[#words + 1] = value end
   end
   return words
end

-- the options in a table and the other words in a list
function Parser:parse(options)
   options = options or {}
   local line = rawget(_G, 'arg')
   local others = {}
   options.__main__ = line ~= nil
   for _, d in ipairs(self.option_descriptions) do
      if d.default ~= nil and options[d.dest] == nil then options[d.dest] = d.default end
   end
   self.options = options
   if not line then return options, others end
   local words, i = words_of(line), 1
   while words[i] do
      local word = words[i]
      local d = self.option_of[word]
      if not d then
         if word:sub(1, 1) == '-' then self:fail('invalid option ' .. word) end
         others[#others + 1] = word
      elseif d.action == 'store' then
         i = i + 1
         -- without a word after it, the option keeps its default
         local value = words[i] or d.default
         if not value then self:fail('option requires an argument ' .. word) end
         options[d.dest] = value
      elseif d.action == 'store_true' then
         options[d.dest] = true
      elseif d.action == 'store_false' then
         options[d.dest] = false
      end
      i = i + 1
   end
   if options.help then
      self:help()
      os.exit()
   end
   for _, d in ipairs(self.option_descriptions) do
      if d.req and not options[d.dest] then self:fail('option ' .. d[1] .. ' requires an argument ') end
   end
   return options, others
end

function Parser:flags(description)
   local shown = {}
   local meta = description.metavar or description.dest and tostring(description.dest):upper() or ''
   for i, flag in ipairs(description) do
      flag = tostring(flag)
      if (description.action or 'store') ~= 'store' then
         shown[i] = flag
      else
         shown[i] = flag .. (#flag == 2 and ' ' or '=') .. meta
      end
   end
   return table.concat(shown, ', ')
end

function Parser:help()
   local line = rawget(_G, 'arg') or {}
   local program = line[0] and (line[-1] and line[-1] .. ' ' or '') .. line[0] or 'THISPROG'
   print('Usage: ' .. (self.usage:gsub('%%prog', function() return program end)) .. '\n\nOptions:')
   local width = 0
   for _, d in ipairs(self.option_descriptions) do width = math.max(width, #self:flags(d)) end
   for _, d in ipairs(self.option_descriptions) do
      local flags = self:flags(d)
      local default = d.req and ' [REQUIRED]' or d.default and ' [default = ' .. tostring(d.default) .. ']' or ''
      print('  ' .. flags .. (' '):rep(width - #flags) .. '  ' .. (d.help or '') .. default)
   end
end

-- What the options are: lines to read, or one word that is fit for the name of a file, of the flags in `only` alone
-- where it names some.
function Parser:tostring(filename, only)
   local values = self.options or {}
   if not filename then
      local lines = {}
      for name, value in pairs(values) do
         lines[#lines + 1] = ' + ' .. tostring(name) .. ' = ' .. tostring(value) .. '\n'
      end
      table.sort(lines)
      local line = rawget(_G, 'arg')
      local program = (line and line[0] or 'interpreted.lua'):gsub('.lua', '')
      return '<' .. program .. '> configuration:\n' .. table.concat(lines)
   end
   local wanted
   if only and #only > 0 then
      wanted = {}
      for _, flag in ipairs(only) do wanted[flag] = true end
   end
   local parts = {}
   for _, d in ipairs(self.option_descriptions) do
      local value = values[d.dest]
      if value and (not wanted or wanted[d[1]]) then parts[#parts + 1] = d[1] .. '=' .. tostring(value) end
   end
   return (table.concat(parts, ','):gsub('/', '|'):gsub(' ', '_'))
end

function Parser:summarize(filename) io.write(self:tostring(filename)) end

function Parser:print()
   for _, d in ipairs(self.option_descriptions) do
      print(d.dest .. ' = ' .. tostring(self.options and self.options[d.dest]))
   end
end

require 'rekindle.takes'(Parser, 'OptionParser:', {
   option = 'description:list', flags = 'description:list', parse = 'options:list?', tostring = 'filename:value? only:list?',
})

local function new(usage)
   local self = setmetatable({ usage = usage, option_descriptions = {}, option_of = {} }, Parser)
   self:option { '-h', '--help', action = 'store_true', dest = 'help', help = 'show this help message and exit' }
   return self
end

xlua.OptionParser = new
rawset(_G, 'OptionParser', new)
return new
