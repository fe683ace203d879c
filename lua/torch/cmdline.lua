-- torch.CmdLine: the options and arguments of a script, its help text, names made from options, and a log file.
local CmdLine = torch.class('torch.CmdLine')

local help_flags = { ['-h'] = true, ['-help'] = true, ['--help'] = true }

local function bare(key) return (key:gsub('^%-*', '')) end

-- argseparator and keyseparator: between options, and between name and value, in what :string() makes.
function CmdLine:__init(argseparator, keyseparator)
   self.argseparator = argseparator or ','
   self.keyseparator = keyseparator or '='
   self.options = {}
   self.arguments = {}
   self.helplines = {}
   self.dateformat = nil
   self.silentio = false
end

-- declaring -------------------------------------------------------------------------------------------------------

local function check_key(method, key)
   if type(key) ~= 'string' then
      error('CmdLine:' .. method .. ': expected a name as a string, got ' .. torch.type(key), 3)
   end
end

-- Declares a positional argument.
function CmdLine:argument(key, help, _type_)
   check_key('argument', key)
   local argument = { key = key, help = help, type = _type_ }
   table.insert(self.arguments, argument)
   table.insert(self.helplines, argument)
end

-- Declares an option with its default, whose type the value must have. A boolean option takes no value: naming it on
-- the command line turns the default round.
function CmdLine:option(key, default, help, _type_)
   check_key('option', key)
   if default == nil then error('CmdLine:option: option ' .. key .. ' has no default value', 2) end
   _type_ = _type_ or type(default)
   if type(default) ~= _type_ then
      error(string.format('CmdLine:option: option %s has wrong default type value: a %s, expected a %s', key,
         type(default), _type_), 2)
   end
   local option = { key = key, default = default, help = help, type = _type_ }
   self.options[key] = option
   table.insert(self.helplines, option)
end

-- Adds a line to the help text.
function CmdLine:text(line)
   line = line or ''
   if type(line) ~= 'string' then error('CmdLine:text: expected a string, got ' .. torch.type(line), 2) end
   table.insert(self.helplines, line)
end

-- parsing ---------------------------------------------------------------------------------------------------------

-- The options' defaults, under their names without dashes.
function CmdLine:default()
   local params = {}
   for key, option in pairs(self.options) do params[bare(key)] = option.default end
   return params
end

-- Says what is wrong with the command line, prints the help, and ends the program.
function CmdLine:error(message)
   io.stderr:write('\n', message, '\n')
   self:help()
   os.exit(1)
end

-- Reads positional argument number nArgument from position i; gives how many words that took.
function CmdLine:__readArgument__(params, arg, i, nArgument)
   local argument, value = self.arguments[nArgument], arg[i]
   if not argument then self:error('invalid argument: ' .. tostring(value)) end
   if argument.type and type(value) ~= argument.type then
      self:error('invalid type for argument ' .. argument.key .. ' (should be ' .. argument.type .. ')')
   end
   params[bare(argument.key)] = value
   return 1
end

-- Reads the option at position i; gives how many words that took.
function CmdLine:__readOption__(params, arg, i)
   local option = self.options[arg[i]]
   local name = bare(option.key)
   if option.type == 'boolean' then
      params[name] = not option.default
      return 1
   end
   local value = arg[i + 1]
   if value == nil then self:error('missing argument for option ' .. option.key) end
   if option.type == 'number' then value = tonumber(value) end
   if type(value) ~= option.type then
      self:error('invalid type for option ' .. option.key .. ' (should be ' .. option.type .. ')')
   end
   params[name] = value
   return 2
end

-- Gives the values of all options and arguments, under their names without dashes. A wrong command line, or one that
-- asks for help, ends the program.
function CmdLine:parse(arg)
   if type(arg) ~= 'table' then
      error('CmdLine:parse: expected the table of words, usually the global arg, got ' .. torch.type(arg), 2)
   end
   local params = self:default()
   local i, seen = 1, 0
   while i <= #arg do
      if self.options[arg[i]] then
         i = i + self:__readOption__(params, arg, i)
      elseif help_flags[arg[i]] then
         self:help(arg)
         os.exit(0)
      else
         seen = seen + 1
         i = i + self:__readArgument__(params, arg, i, seen)
      end
   end
   if seen < #self.arguments then self:error('not enough arguments') end
   return params
end

-- help ------------------------------------------------------------------------------------------------------------

-- how a declared line shows its name, and what it says
local function shown(self, line)
   if self.options[line.key] == line then
      local default = '[' .. tostring(line.default) .. ']'
      return line.key, line.help and line.help .. ' ' .. default or default
   end
   return '<' .. bare(line.key) .. '>', line.help or ''
end

-- Prints the help; arg gives the program's name.
function CmdLine:help(arg)
   io.write('Usage: ')
   if arg then io.write(tostring(arg[0]), ' ') end
   io.write('[options]')
   for _, argument in ipairs(self.arguments) do io.write(' <', bare(argument.key), '>') end
   io.write('\n')
   local width = 0
   for _, line in ipairs(self.helplines) do
      if type(line) == 'table' then width = math.max(width, #(shown(self, line))) end
   end
   for _, line in ipairs(self.helplines) do
      if type(line) == 'table' then
         local name, says = shown(self, line)
         line = '  ' .. name .. (' '):rep(width - #name) .. ' ' .. says
      end
      io.write(line, '\n')
   end
end

-- a name from options ---------------------------------------------------------------------------------------------

local function value_shown(value)
   if type(value) == 'boolean' then return value and 't' or 'f' end
   return tostring(value)
end

-- A text of the arguments and of the options that are not at their default, after the prefix; good for naming a
-- folder. ignore[name]: true leaves an option out, false puts it in even at its default.
function CmdLine:string(prefix, params, ignore)
   ignore = ignore or {}
   local defaults = self:default()
   local said, names = {}, {}
   if prefix then said[1] = prefix end
   local function say(name)
      said[#said + 1] = name .. self.keyseparator .. value_shown(params[name])
   end
   for _, argument in ipairs(self.arguments) do
      local name = bare(argument.key)
      if not ignore[name] and params[name] ~= nil then say(name) end
   end
   local before_options = #said
   for name in pairs(defaults) do names[#names + 1] = name end
   table.sort(names)
   for _, name in ipairs(names) do
      local changed = params[name] ~= nil and params[name] ~= defaults[name]
      if not ignore[name] and (changed or ignore[name] == false and params[name] ~= nil) then say(name) end
   end
   -- names made by Torch7 end in a separator when arguments are followed by no option
   if #said == before_options and before_options > (prefix and 1 or 0) then said[#said + 1] = '' end
   return table.concat(said, self.argseparator)
end

-- logging ---------------------------------------------------------------------------------------------------------

-- From :log() on, print writes to the file only.
function CmdLine:silent() self.silentio = true end

-- Every line of the log starts with the time, and with a name in brackets if one is given.
function CmdLine:addTime(name, format)
   format = format == nil and '%Y-%m-%d %H:%M:%S' or format
   if type(format) ~= 'string' then
      error('CmdLine:addTime: the format of the time should be a string as for os.date, got ' .. torch.type(format), 2)
   end
   if name ~= nil then format = format .. '[' .. tostring(name) .. ']: ' end
   self.dateformat = format
end

-- From here on print writes to a file (a name, or an open file) too. The log begins with the date and the params.
function CmdLine:log(file, params)
   local name = file
   if type(file) == 'string' then
      local why
      file, why = io.open(name, 'w')
      if not file then error('CmdLine:log: cannot write ' .. name .. ': ' .. tostring(why), 2) end
   elseif io.type(file) ~= 'file' then
      error('CmdLine:log: expected the name of a file or an open file, got ' .. torch.type(file), 2)
   end
   local say = rawget(_G, 'print')
   local silent, dateformat = self.silentio, self.dateformat
   rawset(_G, 'print', function(...)
      if not silent then say(...) end
      local words = {}
      if dateformat then words[1] = os.date(dateformat) .. ' ' end
      for i = 1, select('#', ...) do words[#words + 1] = tostring((select(i, ...))) .. ' ' end
      file:write(table.concat(words), '\n')
      file:flush()
   end)
   print('[program started on ' .. os.date() .. ']')
   print('[command line arguments]')
   local names = {}
   for key in pairs(params or {}) do names[#names + 1] = key end
   table.sort(names, function(a, b) return tostring(a) < tostring(b) end)
   for _, key in ipairs(names) do print(key, params[key]) end
   print('[----------------------]')
end
