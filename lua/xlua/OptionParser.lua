-- xlua.OptionParser: the options of a script, declared one by one, in the manner of Python's optparse.
local OptionParser = {}
OptionParser.__index = OptionParser

-- Declares an option: {flag, another flag, dest =, action = 'store' | 'store_true' | 'store_false', default =, help =,
-- metavar =, req =}.
function OptionParser:option(description)
   if type(description) ~= 'table' or not description[1] or not description.dest then
      error("OptionParser:option: expected a table such as {'-n', '--number', dest='number'}", 2)
   end
   description.action = description.action or 'store'
   table.insert(self.option_descriptions, description)
   for _, flag in ipairs(description) do self.option_of[flag] = description end
end

-- Prints a message and the help, and ends the program.
function OptionParser:fail(message)
   print('error: ' .. message)
   self:help()
   os.exit(1)
end

-- The flags of an option as the help shows them.
function OptionParser:flags(description)
   local value = (description.action or 'store') == 'store' and (description.metavar or description.dest:upper())
   local said = {}
   for i, flag in ipairs(description) do
      local joint = flag:sub(1, 2) == '--' and '=' or ' '
      said[i] = value and flag .. joint .. value or flag
   end
   return table.concat(said, ', ')
end

-- Prints the usage and a line per option.
function OptionParser:help()
   local program = arg and arg[0] or 'interpreted.lua'
   print('Usage: ' .. self.usage:gsub('%%prog', (program:gsub('%%', '%%%%'))))
   print('')
   print('Options:')
   local width = 0
   for _, description in ipairs(self.option_descriptions) do width = math.max(width, #self:flags(description)) end
   for _, description in ipairs(self.option_descriptions) do
      local default = description.default
      print(string.format('  %-' .. width .. 's  %s%s', self:flags(description), description.help or '',
         default ~= nil and ' [default = ' .. tostring(default) .. ']' or ''))
   end
end

-- the value of a flag that takes one: after its '=', else the next word
local function value_of(self, flag, inline, words, at)
   if inline then return inline, at end
   if words[at + 1] == nil then self:fail('option ' .. flag .. ' needs a value') end
   return words[at + 1], at + 1
end

-- Reads the words of a command line into `options`; gives the words that belong to no option.
local function read(self, words, options)
   local rest, at = {}, 1
   while words[at] ~= nil do
      local word = tostring(words[at])
      local flag, inline = word:match('^(%-%-[^=]+)=(.*)$')
      flag = flag or word
      local description = self.option_of[flag]
      if not description then
         if word:sub(1, 1) == '-' and #word > 1 and not tonumber(word) then self:fail('invalid option ' .. word) end
         rest[#rest + 1] = words[at]
      elseif description.action == 'store' then
         options[description.dest], at = value_of(self, flag, inline, words, at)
      else
         options[description.dest] = description.action == 'store_true'
      end
      at = at + 1
   end
   return rest
end

-- Gives the options, by dest, and the other words of the command line. `options` may hold values already. The field
-- __main__ tells whether there is a command line at all.
function OptionParser:parse(options)
   options = options or {}
   options.__main__ = arg ~= nil
   local rest = read(self, arg or {}, options)
   if options.help then
      self:help()
      os.exit(0)
   end
   for _, description in ipairs(self.option_descriptions) do
      if options[description.dest] == nil then
         if description.req then self:fail('missing option ' .. description[1]) end
         options[description.dest] = description.default
      end
   end
   self.options = options
   return options, rest
end

-- The options as text. With `generatefilename` it can be part of a file's name, and `params` may list the flags to
-- include.
function OptionParser:tostring(generatefilename, params)
   local options = self.options or {}
   local wanted = {}
   for _, flag in ipairs(params or {}) do wanted[flag] = true end
   local all = next(wanted) == nil
   local said = {}
   for _, description in ipairs(self.option_descriptions) do
      local value = options[description.dest]
      if value ~= nil and description.dest ~= 'help' then
         value = tostring(value)
         if not generatefilename then
            said[#said + 1] = ' + ' .. description.dest .. ' = ' .. value
         elseif all or wanted[description[1]] then
            said[#said + 1] = description[1] .. '=' .. value:gsub('/', '|'):gsub(' ', '_')
         end
      end
   end
   if generatefilename then return table.concat(said, ',') end
   local program = (arg and arg[0] or 'interpreted.lua'):gsub('%.lua$', '')
   return '<' .. program .. '> configuration:\n' .. table.concat(said, '\n')
end

-- Prints the options, in one line if `compact`.
function OptionParser:summarize(compact)
   local said = self:tostring()
   if compact then said = said:gsub('\n %+', ' |') end
   print(said)
end

return function(usage)
   local parser = setmetatable({ usage = usage or '%prog [options]', option_descriptions = {}, option_of = {} },
      OptionParser)
   parser:option { '-h', '--help', action = 'store_true', dest = 'help', help = 'show this help message and exit' }
   return parser
end
