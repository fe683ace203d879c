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
   format = format or '%Y-%m-%d %H:%M:%S'
   if type(format) ~= 'string' then error('a date format is a string', 2) end
   self.dateformat = name and format .. '[' .. name .. ']: ' or format
end

function CmdLine:argument(key, help, kind)
   local entry = { key = key, help = help, type = kind }
   self.arguments[#self.arguments + 1] = entry
   self.helplines[#self.helplines + 1] = entry
end

function CmdLine:option(key, default, help, kind)
   if default == nil then error('option ' .. key .. ' has no default value', 2) end
   kind = kind or type(default)
   if type(default) ~= kind then error('option ' .. key .. ' has wrong default type value', 2) end
   local entry = { key = key, default = default, help = help, type = kind }
   self.options[key] = entry
   self.helplines[#self.helplines + 1] = entry
end

function CmdLine:text(line)
   line = line or ''
   assert(type(line) == 'string')
   self.helplines[#self.helplines + 1] = line
end

function CmdLine:default()
   local params = {}
   for key, entry in pairs(self.options) do params[bare(key)] = entry.default end
   return params
end

-- takes line[i] as the next positional argument; how many words that was
function CmdLine:__readArgument__(params, line, i, count)
   local entry, value = self.arguments[count], line[i]
   if not entry then self:error('invalid argument: ' .. tostring(value)) end
   if entry.type and type(value) ~= entry.type then
      self:error('invalid argument type for argument ' .. entry.key .. ' (should be ' .. entry.type .. ')')
   end
   params[bare(entry.key)] = value
   return 1
end

-- takes the option line[i] and its value; how many words that was
function CmdLine:__readOption__(params, line, i)
   local key = line[i]
   local entry = self.options[key]
   if not entry then self:error('unknown option ' .. tostring(key)) end
   if entry.type == 'boolean' then
      params[bare(key)] = not entry.default
      return 1
   end
   local value = line[i + 1]
   if value == nil then self:error('missing argument for option ' .. key) end
   if entry.type == 'number' then
      value = tonumber(value)
   elseif entry.type ~= 'string' then
      value = nil
   end
   if value == nil then
      self:error('invalid type for option ' .. key .. ' (should be ' .. entry.type .. ')')
   end
   params[bare(key)] = value
   return 2
end

function CmdLine:parse(line)
   line = line or {}
   local params = self:default()
   local i, count = 1, 0
   while line[i] ~= nil do
      local word = line[i]
      if word == '-help' or word == '-h' or word == '--help' then
         self:help(line)
         os.exit(0)
      end
      if self.options[word] then
         i = i + self:__readOption__(params, line, i)
      else
         count = count + 1
         i = i + self:__readArgument__(params, line, i, count)
      end
   end
   if count < #self.arguments then self:error('not enough arguments') end
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
