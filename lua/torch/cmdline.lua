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
   self.dateformat, self.silentio = false, false
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
   local value
   if word == nil then
      self:error('missing argument for option ' .. option.key)
   elseif read then
      value = read(word)
   end
   if value == nil then
      self:error(string.format('invalid type for option %s (should be %s)', option.key, option.type))
   end
   return value
end

local HELP = { ['-help'] = true, ['-h'] = true, ['--help'] = true }

-- Words from the first to the last: an option takes the next as its value, except a boolean one, which turns its
-- default around; everything else is an argument, in their order.
function CmdLine:parse(line)
   local params, words, rest = self:default(), line or {}, { unpack(self.arguments) }
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

-- a name made of the prefix and what differs from the defaults; ignore[key] true drops a key, false keeps it
function CmdLine:string(prefix, params, ignore)
   ignore = ignore or {}
   local known, defaults = {}, self:default()
   for _, entry in ipairs(self.arguments) do known[bare(entry.key)] = true end
   for key in pairs(self.options) do known[bare(key)] = true end
   local groups = { {}, {} }
   for _, key in ipairs(sortedKeys(params)) do
      local value = params[key]
      if known[key] and not ignore[key] and (ignore[key] == false or value ~= defaults[key]) then
         local group = groups[defaults[key] == nil and 1 or 2]
         group[#group + 1] = asText(key) .. self.keyseparator .. asText(value)
      end
   end
   -- arguments are followed by a separator even where no option follows
   local parts = {}
   if prefix then parts[1] = prefix end
   if #groups[1] > 0 then parts[#parts + 1] = table.concat(groups[1], self.argseparator) end
   if #groups[1] > 0 or #groups[2] > 0 then parts[#parts + 1] = table.concat(groups[2], self.argseparator) end
   return table.concat(parts, self.argseparator)
end

-- from here on print writes to the file as well; the parameters come first
function CmdLine:log(file, params)
   local f = file
   if type(file) == 'string' then f = assert(io.open(file, 'w'), 'cannot open ' .. file .. ' for writing') end
   local function write(...)
      if not self.silentio then io.write(...) end
      f:write(...)
   end
   rawset(_G, 'print', function(...)
      if self.dateformat then write(os.date(self.dateformat), ' ') end
      for i = 1, select('#', ...) do write(tostring((select(i, ...))), ' ') end
      write('\n')
      f:flush()
   end)
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
   io.stderr:write('\n' .. message .. '\n')
   self:help()
   os.exit(1)
end
