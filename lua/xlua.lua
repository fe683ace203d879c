-- The xlua package: progress bars, named arguments with usage texts, and helpers for strings and tables.
local xlua = rawget(_G, 'xlua') or {}
rawset(_G, 'xlua', xlua)

local RESET, RED, TITLE, TEXT, MARK, MODULE = '\27[0m', '\27[1;31m', '\27[1;35m', '\27[0;36m', '\27[0;34m', '\27[0;35m'
local RULE = ('+'):rep(69)
local floor = math.floor

-- at most two units, the largest first: 3661 is '1h1m'
function xlua.formatTime(seconds)
   local ms = floor(seconds * 1000)
   local parts = {}
   for _, unit in ipairs { { 'D', 86400000 }, { 'h', 3600000 }, { 'm', 60000 }, { 's', 1000 }, { 'ms', 1 } } do
      local count = floor(ms / unit[2])
      ms = ms - count * unit[2]
      if count > 0 and #parts < 2 then parts[#parts + 1] = count .. unit[1] end
   end
   return #parts > 0 and table.concat(parts) or '0ms'
end

-- Draws how far something is, as a bar on one line, with the time so far and the time of a step.
function xlua.progress(current, goal)
   current, goal = tonumber(current) or current, tonumber(goal) or goal
   if type(current) ~= 'number' or type(goal) ~= 'number' then
      error(string.format('xlua.progress: expected two numbers, got %s and %s', type(current), type(goal)), 2)
   end
   require('rekindle.progress').draw(current, goal, xlua.formatTime)
end

-- a Lua text for a value inside a table
local function literal(value)
   if type(value) == 'table' then return xlua.table2string(value) end
   if type(value) ~= 'string' then return tostring(value) end
   local s = value:gsub('\n', '\\n')
   if not s:find('"', 1, true) then return '"' .. s .. '"' end
   if not s:find("'", 1, true) then return "'" .. s .. "'" end
   return '"' .. s:gsub('"', '\\"') .. '"'
end

function xlua.table2string(t, newline)
   local out, listed = {}, {}
   for i, v in ipairs(t) do
      out[i], listed[i] = literal(v), true
   end
   for k, v in pairs(t) do
      if not listed[k] then
         local name = type(k) == 'string' and k:match('^[%a_][%w_]*$') or '[' .. literal(k) .. ']'
         out[#out + 1] = name .. (newline and ' : ' or '=') .. literal(v)
      end
   end
   if newline then return '{\n   ' .. table.concat(out, '\n   ') .. '\n}' end
   return '{' .. table.concat(out, ',') .. '}'
end

-- the usage text of a function; arguments are tables, '' starts another way to call
function xlua.usage(name, description, example, ...)
   local defs = { ... }
   if type(defs[1]) == 'table' and defs[1].tabled then defs = defs[1].tabled end
   local out = { RULE, '\n', TITLE, name, RESET, '\n\n' }
   local function put(...) for i = 1, select('#', ...) do out[#out + 1] = (select(i, ...)) end end
   if description then put(description, '\n\n') end
   put(MARK, '> ', RESET, 'usage:\n', TEXT)
   local named = type(defs[1]) == 'table' and defs[1].arg
   local open, close = name .. (named and '{\n' or '(\n'), (named and '}' or ')') .. '\n'
   put(open)
   for _, def in ipairs(defs) do
      if type(def) ~= 'table' then
         put(close, open)
      else
         local shown = (def.arg and def.arg .. ' = ' or '') .. def.type
         if not def.req then shown = '[' .. shown .. ']' end
         put('    ', shown, (' '):rep(36 - #shown), '-- ', def.help or '')
         if def.default ~= nil then
            put('  [default = ', type(def.default) == 'table' and xlua.table2string(def.default) or tostring(def.default), ']')
         elseif def.defaulta then
            put('  [default == ', def.defaulta, ']')
         end
         put('\n')
      end
   end
   put(close, RESET)
   if example then put('\n', TEXT, example, RESET, '\n') end
   put(RULE)
   return table.concat(out)
end

function xlua.usage_module(module, name, description)
   local about = description and '\nDESC:\n' .. description .. '\n' or ''
   local text = MODULE .. RULE .. '\nPACKAGE:\n' .. name .. '\n' .. about .. RULE .. '+' .. RESET
   local meta = getmetatable(module) or {}
   meta.__tostring = function() return text end
   setmetatable(module, meta)
   return text
end

function xlua.error(message, place, usage)
   local text = RED .. (place and '<' .. place .. '> ' or '') .. tostring(message) .. RESET
   error(usage and text .. '\n' .. usage or text, 2)
end

local function isTensor(x)
   local torch = rawget(_G, 'torch')
   return torch and torch.typename(x) ~= nil
end

-- Fills `into` with the arguments by position and by name. A call without arguments has all defaults where `bare` says
-- so, and is an error otherwise.
function xlua.fill(into, args, name, description, defs, fail, bare)
   local function usage()
      local example
      if #defs > 1 then
         local a, b = defs[1], defs[2]
         example = ('%s{%s=%s, %s=%s}\n%s(%s, ...)'):format(name, b.arg, b.type, a.arg, a.type, name, a.type)
      end
      return xlua.usage(name, description, example, { tabled = defs })
   end
   local only = args[1]
   if #args == 0 and not bare then
      print(usage())
      fail(name .. ': arguments expected, got none')
   end
   local named = #args == 1 and type(only) == 'table' and #only == 0 and not isTensor(only)
   local given = {}
   for i, def in ipairs(defs) do
      local value
      if named then value = only[def.arg] else value = args[i] end
      if value == nil and def.req then
         print(RED .. 'missing argument: ' .. def.arg .. RESET .. '\n' .. usage())
         fail(string.format('%s: the argument %s is missing', name, def.arg))
      end
      if value == nil then value = def.default end
      if value == nil and def.defaulta then value = given[def.defaulta] end
      given[i], given[def.arg] = value, value
   end
   for k, v in pairs(given) do into[k] = v end
   into.usage = setmetatable({}, { __tostring = usage, __call = usage })
   return into
end

function xlua.unpack(args, name, description, ...)
   local t = xlua.fill({}, args, name, description, { ... }, function(why) xlua.error('error: ' .. why) end)
   return t, unpack(t, 1, 64)
end

function xlua.unpack_class(object, args, name, description, ...)
   local t = xlua.fill({}, args, name, description, { ... }, function(why) xlua.error('error: ' .. why) end)
   for k, v in pairs(t) do
      if type(k) ~= 'number' then object[k] = v end
   end
end

require 'xlua.helpers'
require 'xlua.options'
require 'xlua.profiler'
return xlua
