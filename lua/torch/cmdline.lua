-- torch.CmdLine: the options and arguments of a program, their help text, and a log of what it prints.
local torch = torch
local CmdLine = torch.class('torch.CmdLine')

local function bare(key) return (key:gsub('^%-+', '')) end

local function sortedKeys(t)
   local keys = {}
   for k in pairs(t) do keys[#keys + 1] = k end
   table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
   return keys
end

function CmdLine:__init(argseparator, keyseparator)
   self.argseparator = argseparator or ','
   self.keyseparator = keyseparator or '='
   self.options, self.arguments, self.helplines = {}, {}, {}
   self.silentio = false
end

function CmdLine:silent() self.silentio = true end

-- every line of the log starts with the time, and with `name` if given
function CmdLine:addTime(name, format)
   if format == nil then format = '%Y-%m-%d %H:%M:%S' end
   if type(format) ~= 'string' then error('date format: a string expected, got a ' .. type(format), 2) end
   self.dateformat = format .. (name and string.format('[%s]: ', name) or '')
end

function CmdLine:argument(key, help, kind)
   local entry = { key = key, help = help, type = kind }
   self.arguments[#self.arguments + 1] = entry
   self.helplines[#self.helplines + 1] = entry
end

function CmdLine:option(key, default, help, kind)
   local given = type(default)
   kind = kind or given
   if default == nil or given ~= kind then
      error(string.format('option %s: a default%s expected, got %s', key, kind == 'nil' and '' or ' of type ' .. kind,
         default == nil and 'none' or 'a ' .. given), 2)
   end
   local entry = { key = key, default = default, help = help, type = kind }
   self.options[key] = entry
   self.helplines[#self.helplines + 1] = entry
end

function CmdLine:text(line)
   if type(line or '') ~= 'string' then error('text of the help: a string expected, got a ' .. type(line), 2) end
   self.helplines[#self.helplines + 1] = line or ''
end

function CmdLine:default()
   local start = {}
   for _, entry in pairs(self.options) do start[bare(entry.key)] = entry.default end
   return start
end

-- What an option makes of the word after it, by its type.
local READ = {
   string = function(word) return word end,
   number = tonumber,
}

local function valueOf(self, option, word)
   local read = READ[option.type]
   if word == nil then self:error('missing argument for option ' .. option.key) end
   if not read then self:error('unknown required option type ' .. option.type) end
   local value = read(word)
   if value == nil then
      self:error(string.format('invalid type for option %s (should be %s)', option.key, option.type))
   end
   return value
end

local HELP = { ['-help'] = true, ['-h'] = true, ['--help'] = true }

-- Words from the first to the last: an option takes the next as its value, except a boolean one, which turns its
-- default around; everything else is an argument, in their order.
function CmdLine:parse(words)
   if type(words) ~= 'table' then
      error('CmdLine:parse: a table of words expected, usually arg, got ' .. (words == nil and 'nothing' or 'a ' .. type(words)), 2)
   end
   local params, rest = self:default(), { unpack(self.arguments) }
   local at = 0
   local function following()
      at = at + 1
      return words[at]
   end
   for word in following do
      local option = self.options[word]
      if HELP[word] then
         self:help(words)
         os.exit(0)
      elseif not option then
         local entry = table.remove(rest, 1) or self:error('invalid argument: ' .. tostring(word))
         if entry.type and entry.type ~= type(word) then
            self:error(string.format('invalid argument type for argument %s (should be %s)', entry.key, entry.type))
         end
         params[bare(entry.key)] = word
      elseif option.type == 'boolean' then
         params[bare(word)] = not option.default
      else
         params[bare(word)] = valueOf(self, option, following())
      end
   end
   if #rest > 0 then self:error('not enough arguments') end
   return params
end

local function asText(value)
   if type(value) == 'boolean' then return value and 't' or 'f' end
   if type(value) == 'table' then
      local parts = {}
      for i, k in ipairs(sortedKeys(value)) do parts[i] = tostring(value[k]) end
      return table.concat(parts, '_')
   end
   return tostring(value)
end

-- A name made of the prefix, the arguments, and the options that differ from their defaults. ignore[key] true drops a
-- key, false keeps it. Options of two dashes have no place in it, as in Torch7. Says what it takes and leaves.
function CmdLine:string(prefix, params, ignore)
   prefix, ignore = prefix or '', ignore or {}
   local place, arguments, options = {}, {}, {}
   for i, entry in ipairs(self.arguments) do place[bare(entry.key)] = i end
   for _, key in ipairs(sortedKeys(params)) do
      local value = params[key]
      local text, option = asText(key) .. self.keyseparator .. asText(value), self.options['-' .. tostring(key)]
      if ignore[key] then
         print('-- ignore option ' .. tostring(key))
      elseif option then
         if value ~= option.default or ignore[key] == false then
            options[#options + 1] = text
            print(key, type(value) == 'boolean' and asText(value) or value, option.default)
         end
      elseif place[key] then
         arguments[#arguments + 1] = { place[key], text }
      else
         print('WARNING: unknown option/argument: ' .. tostring(key) .. ' IGNORING for DIRECTORY NAME')
      end
   end
   table.sort(arguments, function(a, b) return a[1] < b[1] end)
   table.sort(options)
   if #arguments == 0 and #options == 0 then return prefix end
   local parts = { prefix }
   for _, argument in ipairs(arguments) do parts[#parts + 1] = argument[2] end
   -- arguments are followed by a separator even where no option follows
   if #arguments > 0 or #options > 0 then parts[#parts + 1] = table.concat(options, self.argseparator) end
   return table.concat(parts, self.argseparator)
end

require 'rekindle.takes'(CmdLine, ':', { string = 'prefix:text? params:list ignore:list?' })

-- print as it was before the first log, and the print that logs
local plain, logging

-- From here on print writes to the file as well, each line after the time where addTime says so; the parameters come
-- first.
function CmdLine:log(file, params)
   local f, name = file, 'the log'
   if io.type(file) ~= 'file' then
      if type(file) ~= 'string' then error('CmdLine:log: a file or the name of one expected, got ' .. torch.type(file)) end
      local why
      f, why = io.open(file, 'w')
      if not f then error('CmdLine:log: cannot open ' .. file .. ' for writing: ' .. tostring(why), 2) end
      name = file
   end
   if print ~= logging then plain = print end
   logging = function(...)
      if not self.silentio then plain(...) end
      local line = self.dateformat and { os.date(self.dateformat) } or {}
      for i = 1, select('#', ...) do line[#line + 1] = tostring((select(i, ...))) end
      line[#line + 1] = '\n'
      local ok, why = f:write(table.concat(line, ' '))
      if ok then ok, why = f:flush() end
      if not ok then error('print: cannot write ' .. name .. ': ' .. tostring(why), 2) end
   end
   rawset(_G, 'print', logging)
   print('[program started on ' .. os.date() .. ']')
   print('[command line arguments]')
   params = params or {}
   for _, key in ipairs(sortedKeys(params)) do print(key, params[key]) end
   print('[----------------------]')
end

function CmdLine:help(line)
   io.write('Usage: ')
   if line and line[0] then io.write(tostring(line[0]), ' ') end
   io.write('[options]')
   for _, entry in ipairs(self.arguments) do io.write(' <', bare(entry.key), '>') end
   io.write('\n')
   local function shownKey(entry)
      if entry.default ~= nil then return entry.key end
      return '<' .. bare(entry.key) .. '>'
   end
   local width = 0
   for _, entry in ipairs(self.helplines) do
      if type(entry) == 'table' then width = math.max(width, #shownKey(entry)) end
   end
   for _, entry in ipairs(self.helplines) do
      if type(entry) == 'string' then
         io.write(entry, '\n')
      else
         local key = shownKey(entry)
         io.write('  ', key, (' '):rep(width - #key))
         if entry.help then io.write(' ', entry.help) end
         if entry.default ~= nil then io.write(' [', tostring(entry.default), ']') end
         io.write('\n')
      end
   end
end

function CmdLine:error(message)
   print('')
   io.stderr:write(tostring(message))
   print('')
   self:help()
   os.exit(1)
end
