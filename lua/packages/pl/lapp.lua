-- Penlight: command lines by the text of their usage.
local lapp = {}
local usage, open_files, types, parameters, aliases, by_place = nil, {}, {}, {}, {}, {}
local files = { stdin = { io.stdin, 'file-in' }, stdout = { io.stdout, 'file-out' }, stderr = { io.stderr, 'file-out' } }
local readers = { number = tonumber, ['file-in'] = true, ['file-out'] = true, string = true, boolean = true }

lapp.callback = false
-- flags of several letters may have one hyphen
lapp.slack = false
lapp.usage_text = nil

function lapp.quit(message, no_usage)
   if no_usage == 'throw' then error(message, 0) end
   if message then io.stderr:write(message, '\n\n') end
   if not no_usage then io.stderr:write(usage or '') end
   os.exit(1)
end

function lapp.error(message, no_usage)
   if not lapp.show_usage_error then no_usage = true
   elseif lapp.show_usage_error == 'throw' then no_usage = 'throw' end
   lapp.quit(((lapp.script or _G.arg and _G.arg[0]) or 'lapp') .. ': ' .. message, no_usage)
end
lapp.show_usage_error = true

function lapp.assert(condition, message)
   if not condition then lapp.error(message or 'assertion failed') end
end

function lapp.open(name, mode)
   local file, why = io.open(name, mode)
   if not file then lapp.error(why, true) end
   open_files[#open_files + 1] = file
   return file
end

-- a type of arguments: a function or the name of one, and a check
function lapp.add_type(name, converter, constraint)
   types[name] = { converter = converter, constraint = constraint }
end

local function force_short(name)
   lapp.assert(#name == 1 or lapp.slack, name .. ': short parameters should be one character')
end

-- a number in a range, one of some words, a type
local function type_of(text, default)
   local low, high = text:match '^%s*(%-?[%d.]+)%.%.(%-?[%d.]+)%s*$'
   if not low then
      low, high = text:match '^%s*(%-?%d+)%.%.(%-?%d+)%s*$'
   end
   if low then
      local least, most = tonumber((low:gsub('%.$', ''))), tonumber((high:gsub('^%.', '')))
      return { kind = 'number', check = function(value, name)
         if value < least or value > most then lapp.error(name .. ' out of range') end
      end }
   end
   if text:find('|', 1, true) then
      local allowed = {}
      for word in (text .. '|'):gmatch '([^|]*)|' do allowed[word:match '^%s*(.-)%s*$'] = true end
      return { kind = 'string', check = function(value)
         if not allowed[value] then lapp.error("value '" .. tostring(value) .. "' not in " .. text) end
      end }
   end
   local own = types[text]
   if own then
      local converter = own.converter
      return { kind = type(converter) == 'string' and converter or 'own', convert = type(converter) == 'function' and converter,
         check = own.constraint }
   end
   if not readers[text] then lapp.error('unknown type ' .. text) end
   return { kind = text, default = default }
end

local function describe(parameter, text)
   -- (type default value), (type), (default value)
   local inside = text:match '^%s*(%b())'
   if not inside then return end
   inside = inside:sub(2, -2):match '^%s*(.-)%s*$'
   local kind, default = inside:match '^(.-)%s*default%s+(.+)$'
   if inside == 'default' then kind, default = '', '' end
   if not kind then kind = inside end
   local optional = kind:match '^optional%s*(.*)$'
   if optional then
      parameter.optional = true
      kind = optional
   end
   if default then
      parameter.given_default = true
      if kind == '' then
         if tonumber(default) then kind = 'number'
         elseif default == 'true' or default == 'false' then kind = 'boolean'
         elseif files[default] then kind = files[default][2]
         else kind = 'string' end
      end
      local quoted = default:match '^"(.*)"$' or default:match "^'(.*)'$"
      parameter.default = quoted or default
   end
   parameter.type = type_of(kind == '' and 'boolean' or kind)
   parameter.required = default == nil and not parameter.optional and parameter.type.kind ~= 'boolean'
end

local function add(parameter, name)
   parameter.name = name:gsub('%-', '_'):gsub('^%d', '_')
   parameters[#parameters + 1] = parameter
   aliases[name] = parameter
   aliases[parameter.name] = parameter
end

local function read_usage(text)
   usage, parameters, aliases, by_place = text, {}, {}, {}
   for line in (text .. '\n'):gmatch '(.-)\n' do
      local parameter = { type = { kind = 'boolean' } }
      local short, long, rest = line:match '^%s*%-([%w_][%w_-]*)%s*,%s*%-%-([%w_][%w_-]*)(.*)$'
      if not short then long, rest = line:match '^%s*%-%-([%w_][%w_-]*)(.*)$' end
      if not long then short, rest = line:match '^%s*%-([%w_][%w_-]*)(.*)$' end
      local place
      if not short and not long then place, rest = line:match '^%s*<([^>]+)>(.*)$' end
      if short or long then
         if short then force_short(short) end
         if rest:find '^%.%.%.' then
            parameter.multiple = true
            rest = rest:sub(4)
         end
         describe(parameter, rest)
         add(parameter, long or short)
         if short then aliases[short] = parameter end
      elseif place then
         if place:find '%.%.%.$' then
            parameter.multiple = true
            place = place:gsub('%.%.%.$', '')
         end
         parameter.type = { kind = 'string' }
         parameter.required = true
         describe(parameter, rest)
         add(parameter, place)
         by_place[#by_place + 1] = parameter
      end
   end
end

local function converted(parameter, value)
   local t = parameter.type
   local kind = t.kind
   if t.convert then value = t.convert(value)
   elseif kind == 'number' then
      local n = tonumber(value)
      if not n then lapp.error(parameter.name .. ': unable to convert to number: ' .. tostring(value)) end
      value = n
   elseif kind == 'file-in' or kind == 'file-out' then
      local standard = files[value]
      local name = value
      value = standard and standard[1] or lapp.open(value, kind == 'file-in' and 'r' or 'w')
      return value, name
   elseif kind == 'boolean' and type(value) == 'string' then
      value = value == 'true'
   end
   if t.check then t.check(value, parameter.name) end
   return value
end

local function set(results, parameter, text, is_default)
   local name = parameter.name
   local value, file_name = converted(parameter, text)
   if parameter.multiple then
      if not parameter.seen or not results[name] then results[name] = {} end
      table.insert(results[name], value)
   else
      results[name] = value
      if file_name then results[name .. '_name'] = file_name end
   end
   if not is_default then
      parameter.seen = true
      if lapp.callback then lapp.callback(name, text, results) end
   end
end

local function process(text, args)
   read_usage(text)
   args = args or _G.arg or {}
   local results, place, i, ended = {}, 1, 1, false
   local function find(flag)
      local parameter = aliases[flag]
      if not parameter then lapp.error("unrecognized parameter '" .. flag .. "'") end
      return parameter
   end
   local function flag(parameter, value, word)
      if parameter.type.kind == 'boolean' then
         local on = true
         if parameter.given_default then on = parameter.default ~= 'true' end
         if value ~= nil then on = value == 'true' end
         if parameter.multiple then
            results[parameter.name] = parameter.seen and results[parameter.name] or {}
            table.insert(results[parameter.name], on)
         else
            results[parameter.name] = on
         end
         parameter.seen = true
         if lapp.callback then lapp.callback(parameter.name, word, results) end
         return
      end
      if value == nil then
         i = i + 1
         value = args[i]
         if value == nil then lapp.error(parameter.name .. ': expecting an argument') end
      end
      set(results, parameter, value)
   end
   while i <= #args do
      local a = args[i]
      local word = tostring(a)
      if ended or not word:find '^%-.' or tonumber(word) and not aliases[word:sub(2, 2)] then
         local parameter = by_place[place]
         if parameter then
            set(results, parameter, a)
            if not parameter.multiple then place = place + 1 end
         else
            results[#results + 1] = a
         end
      elseif word == '--' then
         ended = true
      elseif word == '--help' and not aliases.help or word == '-h' and not aliases.h then
         print(usage)
         os.exit(0)
      elseif word:find '^%-%-' then
         local name, value = word:match '^%-%-([^=:]+)[=:](.*)$'
         flag(find(name or word:sub(3)), value, word)
      else
         local name, value = word:match '^%-([^=:]+)[=:](.*)$'
         name = name or word:sub(2)
         if aliases[name] and (#name == 1 or lapp.slack) then
            flag(find(name), value, word)
         else
            local parameter = find(name:sub(1, 1))
            if parameter.type.kind ~= 'boolean' then
               flag(parameter, word:sub(3):gsub('^[=:]', ''), word)
            else
               for letter in name:gmatch '.' do flag(find(letter), nil, word) end
            end
         end
      end
      i = i + 1
   end
   for _, parameter in ipairs(parameters) do
      if not parameter.seen then
         if parameter.required then
            lapp.error("missing required parameter: '" .. parameter.name .. "'")
         elseif parameter.type.kind == 'boolean' then
            local off = parameter.default == 'true'
            results[parameter.name] = parameter.multiple and { off } or off
         elseif parameter.given_default then
            set(results, parameter, parameter.default, true)
         end
      end
   end
   return results
end

-- the arguments by name, and those that are left by number
function lapp.process_options_string(text, args) return process(text, args) end

require 'rekindle.takes'(lapp, 'lapp.', {
   add_type = 'name:string', open = 'name:text mode:string?', assert = 'condition:any message:text?',
   error = 'message:text', process_options_string = 'text:string args:list?',
})

return setmetatable(lapp, { __call = function(_, text, args) return lapp.process_options_string(text, args) end })
