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
   io.stderr:write(message, '\n')
   self:help()
   return os.exit(1)
end

-- the options in a table and the other words in a list
function Parser:parse(options)
   options = options or {}
   local line = rawget(_G, 'arg')
   local words = {}
   options.__main__ = line ~= nil
   for _, d in ipairs(self.option_descriptions) do
      if d.default ~= nil and options[d.dest] == nil then options[d.dest] = d.default end
   end
   local i = 1
   while line and line[i] ~= nil do
      local word = tostring(line[i])
      local flag, value = word:match('^(%-%-[^=]+)=(.*)$')
      local d = self.option_of[flag or word]
      if not d then
         if word:sub(1, 1) == '-' then self:fail('invalid option: ' .. word) end
         words[#words + 1] = word
      elseif d.action == 'store' then
         if value == nil then
            i = i + 1
            value = line[i]
         end
         if value == nil then self:fail('option ' .. word .. ' needs a value') end
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
      if d.req and options[d.dest] == nil then self:fail('missing option: ' .. d[1]) end
   end
   self.options = options
   return options, words
end

function Parser:flags(description)
   local shown = {}
   local meta = description.metavar or description.dest and description.dest:upper()
   for i, flag in ipairs(description) do
      if (description.action or 'store') ~= 'store' then
         shown[i] = flag
      else
         shown[i] = flag .. (flag:sub(1, 2) == '--' and '=' or ' ') .. meta
      end
   end
   return table.concat(shown, ', ')
end

function Parser:help()
   local line = rawget(_G, 'arg')
   local program = line and line[0] or 'prog'
   print('Usage: ' .. (self.usage:gsub('%%prog', function() return program end)) .. '\n\nOptions:')
   local width = 0
   for _, d in ipairs(self.option_descriptions) do width = math.max(width, #self:flags(d)) end
   for _, d in ipairs(self.option_descriptions) do
      local flags = self:flags(d)
      local default = d.default ~= nil and ' [default = ' .. tostring(d.default) .. ']' or ''
      print('  ' .. flags .. (' '):rep(width - #flags) .. '  ' .. (d.help or '') .. default)
   end
end

-- what the options are, fit for the name of a file
function Parser:tostring(short, only)
   local wanted
   if only and #only > 0 then
      wanted = {}
      for _, flag in ipairs(only) do wanted[flag] = true end
   end
   local parts = {}
   for _, d in ipairs(self.option_descriptions) do
      local value = self.options and self.options[d.dest]
      local chosen = not wanted
      for _, flag in ipairs(d) do chosen = chosen or wanted[flag] end
      if chosen and value ~= nil then
         local text = tostring(value):gsub('/', '|'):gsub(' ', '_')
         parts[#parts + 1] = (short and d[1] or d.dest) .. '=' .. text
      end
   end
   return table.concat(parts, ',')
end

function Parser:summarize(short) return self:tostring(short) end

function Parser:print()
   for _, d in ipairs(self.option_descriptions) do
      print(d.dest .. ' = ' .. tostring(self.options and self.options[d.dest]))
   end
end

local function new(usage)
   local self = setmetatable({ usage = usage, option_descriptions = {}, option_of = {} }, Parser)
   self:option { '-h', '--help', action = 'store_true', dest = 'help', help = 'show this help message and exit' }
   return self
end

xlua.OptionParser = new
rawset(_G, 'OptionParser', new)
return new
