-- Help texts of functions, and functions that take their arguments by position or by name. Packages of the Torch
-- family describe their functions with these.
require 'sys'
local text = require 'xlua.text'

local arguments = {}
local rule = ('+'):rep(69)

-- Raises a message in red, with the place and a usage if they are given.
function arguments.error(message, caller, usage)
   local c = sys.COLORS
   local where = caller and '<' .. caller .. '> ' or ''
   error(c.Red .. where .. tostring(message) .. c.none .. (usage and '\n' .. tostring(usage) or ''), 2)
end

-- one line of a usage: the argument in a column of 36, then what it is for
local function describe(def)
   local what = def.arg and def.arg .. ' = ' .. def.type or def.type
   if not def.req then what = '[' .. what .. ']' end
   local line = string.format('    %-36s-- %s', what, def.help or '')
   if def.default ~= nil then
      local value = type(def.default) == 'table' and text.table2string(def.default) or tostring(def.default)
      line = line .. '  [default = ' .. value .. ']'
   elseif def.defaulta then
      line = line .. '  [default == ' .. def.defaulta .. ']'
   end
   return line .. '\n'
end

-- The help text of a function. Each further argument describes one of its arguments: {arg =, type =, help =, req =,
-- default =, defaulta =}; a string in between starts another way of calling it.
function arguments.usage(funcname, description, example, ...)
   local c = sys.COLORS
   local defs = { ... }
   if type(defs[1]) == 'table' and defs[1].tabled then defs = defs[1].tabled end
   local named = type(defs[1]) == 'table' and defs[1].arg
   local open, close = named and '{\n' or '(\n', named and '}\n' or ')\n'
   local out = { rule, '\n', c.Magenta, funcname, c.none, '\n' }
   local function put(...)
      for i = 1, select('#', ...) do out[#out + 1] = (select(i, ...)) end
   end
   if description then put('\n', description, '\n') end
   put('\n', c.blue, '> ', c.none, 'usage:\n', c.cyan, funcname, open)
   for _, def in ipairs(defs) do
      if type(def) == 'string' then
         put(close, def ~= '' and def .. '\n' or '', funcname, open)
      else
         put(describe(def))
      end
   end
   put(close, c.none)
   if example then put('\n', c.cyan, example, c.none, '\n') end
   put(rule)
   return table.concat(out)
end

-- The usage of a function that takes arguments by name, made only when somebody looks at it.
local function lazy_usage(funcname, description, defs)
   return setmetatable({}, { __tostring = function()
      local first, second = defs[1], defs[2]
      local example
      if second then
         example = string.format('%s{%s=%s, %s=%s}\n%s(%s, ...)', funcname, second.arg, second.type, first.arg, first.type,
            funcname, first.type)
      end
      return arguments.usage(funcname, description, example, { tabled = defs })
   end })
end

-- Whether the arguments are one table of names. An object or a list is an argument like any other.
local function by_name(args)
   local only = args[1]
   return #args == 1 and type(only) == 'table' and #only == 0 and not torch.typename(only)
end

local function refuse(what, usage)
   local c = sys.COLORS
   if what then print(c.Red .. what .. c.none) end
   print(usage)
   arguments.error('error')
end

-- the values by name, with defaults filled in, in the order of the definitions
local function fill(args, defs, usage)
   local given = args[1]
   if not by_name(args) then
      given = {}
      for i, def in ipairs(defs) do given[def.arg] = args[i] end
   end
   local values = {}
   for i, def in ipairs(defs) do
      local value = given[def.arg]
      if value == nil and def.req then refuse('missing argument: ' .. def.arg, usage) end
      if value == nil then value = def.default end
      if value == nil and def.defaulta then value = values[def.defaulta] end
      values[def.arg] = value
      values[i] = value
   end
   return values
end

-- Unpacks the arguments `args` of a function by the definitions that follow. Gives a table with the values under their
-- names and positions (and the usage), then the values one by one; always 64 of them, so that a missing one at the
-- end is nil.
function arguments.unpack(args, funcname, description, ...)
   local defs = { ... }
   local usage = lazy_usage(funcname, description, defs)
   if #args == 0 or args.__printhelp__ then refuse(nil, usage) end
   local values = fill(args, defs, usage)
   values.usage = usage
   return values, unpack(values, 1, 64)
end

-- The same, but the values go into the fields of an object.
function arguments.unpack_class(object, args, funcname, description, ...)
   local values = arguments.unpack(args, funcname, description, ...)
   for key, value in pairs(values) do
      if type(key) == 'string' then object[key] = value end
   end
end

-- A help text for a package; it becomes what the package's table prints as.
function arguments.usage_module(module, name, description)
   local c = sys.COLORS
   local said = c.magenta .. rule .. '\nPACKAGE:\n' .. name .. '\n'
   if description then said = said .. '\nDESC:\n' .. description .. '\n' end
   said = said .. rule .. '+' .. c.none
   local meta = getmetatable(module) or {}
   meta.__tostring = function() return said end
   setmetatable(module, meta)
   return said
end

return arguments
