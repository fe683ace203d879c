-- Package argcheck (2.0): functions that check, complete and hand on their arguments.
--
-- Made functions can be written to files: nothing they reach is a function of the host, so Lua's own functions are
-- taken from the globals.
local env = require 'argcheck.env'
local doc = require 'argcheck.doc'

-- made function -> its variants, oldest first; weak, so that it holds none
local made = setmetatable({}, { __mode = 'k' })

local function is_optional(rule)
   return rule.opt or rule.default ~= nil or rule.defaulta ~= nil or rule.defaultf ~= nil
end

-- ---- matching ----

local function fits(rule, value, istype)
   -- a program's own types may be nothing, as `*` and `!table` of torch-dataframe are
   if value == nil and not rule.type then return false end
   if rule.type and not istype(value, rule.type) then return false end
   return not rule.check or rule.check(value) and true or false
end

-- Assigns arguments from the j-th on to rules from the i-th on. A value that fits is taken before one is left out.
local function ordered(v, args, n, values, i, j)
   if j > n then
      for k = i, v.count do
         if not is_optional(v.rules[k]) then return false end
         values[k] = nil
      end
      return true
   end
   if i > v.count then return false end
   local rule, value = v.rules[i], args[j]
   if fits(rule, value, v.istype) then
      values[i] = value
      if ordered(v, args, n, values, i + 1, j + 1) then return true end
   end
   if not is_optional(rule) then return false end
   values[i] = nil
   -- nil in its place, or left out
   return value == nil and ordered(v, args, n, values, i + 1, j + 1) or ordered(v, args, n, values, i + 1, j)
end

-- arguments as fields of a table
local function named(v, fields, values, first)
   local count, given = 0, 0
   for _ in pairs(fields) do given = given + 1 end
   for i = first, v.count do
      local rule = v.rules[i]
      local value = fields[rule.name]
      if value ~= nil then
         if not fits(rule, value, v.istype) then return false end
         count = count + 1
      elseif not is_optional(rule) and not fits(rule, nil, v.istype) then
         return false
      end
      values[i] = value
   end
   return count == given
end

local function is_fields(value) return type(value) == 'table' and getmetatable(value) == nil end

-- whether a call is one of this variant; `values` gets its arguments
local function match(v, args, n, values)
   if not v.noordered and ordered(v, args, n, values, 1, 1) then return true end
   if v.nonamed then return false end
   if v.method then
      return n == 2 and is_fields(args[2]) and fits(v.rules[1], args[1], v.istype)
         and named(v, args[2], values, 2) and (rawset(values, 1, args[1]) and true)
   end
   return n == 1 and is_fields(args[1]) and named(v, args[1], values, 1)
end

local function complete(v, values)
   for i = 1, v.count do
      local rule = v.rules[i]
      if values[i] == nil then
         if rule.default ~= nil then values[i] = rule.default
         elseif rule.defaultf then values[i] = rule.defaultf() end
      end
   end
   for i = 1, v.count do
      local rule = v.rules[i]
      if values[i] == nil and rule.defaulta then values[i] = values[v.places[rule.defaulta]] end
   end
end

-- ---- what is told ----

local function describe(v)
   local width, kinds = 0, {}
   for i = 1, v.count do
      width = math.max(width, #v.rules[i].name)
      kinds[i] = v.rules[i].type or 'any'
   end
   local long = 0
   for i = 1, v.count do long = math.max(long, #kinds[i]) end
   local lines = {}
   for i = 1, v.count do
      local rule = v.rules[i]
      local optional = is_optional(rule)
      local value
      if rule.default ~= nil then value = tostring(rule.default)
      elseif rule.defaulta then value = rule.defaulta
      elseif rule.defaultf then value = 'function' end
      lines[i] = string.format('  %s%s%s = %s%s%s --%s%s', optional and '[' or ' ', rule.name,
         string.rep(' ', width - #rule.name), kinds[i], optional and ']' or ' ', string.rep(' ', long - #kinds[i]),
         (rule.help or rule.doc) and ' ' .. (rule.help or rule.doc) or ' ', value and ' [default=' .. value .. ']' or '')
   end
   return 'arguments:\n{\n' .. table.concat(lines, '\n') .. '\n}\n'
end

local function usage(variants)
   local texts = {}
   for i = 1, #variants do
      local v = variants[i]
      local help = v.help or ''
      if help:find '@ARG[PT]' then
         texts[i] = help:gsub('@ARG[PT]', function() return describe(v) end)
      else
         texts[i] = (help ~= '' and help .. '\n' or '') .. describe(v)
      end
   end
   return table.concat(texts, '\nor\n\n')
end

local function kinds_of(args, n)
   local kinds = {}
   for i = 1, n do kinds[i] = torch.type(args[i]) end
   return #kinds == 0 and 'nothing' or table.concat(kinds, ', ')
end

-- ---- making ----

-- the types of the calls that a variant answers, each as one text, so far as they can be counted
local function signatures(v)
   local found = {}
   local function walk(i, text)
      if i > v.count then
         found[text] = true
         return
      end
      local rule = v.rules[i]
      if is_optional(rule) and i <= 12 then walk(i + 1, text) end
      walk(i + 1, text .. '/' .. (rule.type or '*') .. (rule.check and tostring(rule.check) or ''))
   end
   if not v.noordered then walk(1, '') end
   return found
end

local function read_rules(rules)
   local v = { rules = {}, places = {}, count = #rules, istype = env.istype }
   for i, rule in ipairs(rules) do
      if type(rule) ~= 'table' or type(rule.name) ~= 'string' then error('rule must have a name field', 3) end
      if v.places[rule.name] then error('two rules have the same name: ' .. rule.name, 3) end
      if rule.check and type(rule.check) ~= 'function' then error('rule check must be a function', 3) end
      if rule.type and type(rule.type) ~= 'string' then error('rule type must be a string', 3) end
      local copy = {}
      for k, value in pairs(rule) do copy[k] = value end
      v.rules[i], v.places[rule.name] = copy, i
   end
   for _, rule in ipairs(v.rules) do
      if rule.defaulta and not v.places[rule.defaulta] then
         error('default argument ' .. rule.defaulta .. ' is not one of the rules', 3)
      end
   end
   v.method = v.count > 0 and v.rules[1].name == 'self'
   for _, option in ipairs { 'call', 'pack', 'quiet', 'nonamed', 'noordered' } do v[option] = rules[option] end
   v.help = rules.help or rules.doc
   return v
end

local function give(v, values)
   if v.pack then
      local packed = {}
      for i = 1, v.count do packed[v.rules[i].name] = values[i] end
      if v.call then return v.call(packed) end
      return packed
   end
   if v.call then return v.call(unpack(values, 1, v.count)) end
   return unpack(values, 1, v.count)
end

local function argcheck(rules)
   if type(rules) ~= 'table' then error('argcheck: expected a table of rules, got a ' .. type(rules), 2) end
   local v = read_rules(rules)
   local variants = {}
   local before = rules.overload or rules.chain
   if before then
      local old = made[before]
      if not old then error('argcheck: overload expects a function that argcheck made', 2) end
      for i, other in ipairs(old) do variants[i] = other end
      if not rules.force and rules.overload then
         local new = signatures(v)
         for _, other in ipairs(old) do
            for text in pairs(signatures(other)) do
               if new[text] then error('argcheck rules led to ambiguous situations', 2) end
            end
         end
      end
   end
   if rules.force then table.insert(variants, 1, v) else table.insert(variants, v) end
   if v.help then doc.doc(usage { v }) end
   local quiet = rules.quiet
   local function check(...)
      local args, n = { ... }, select('#', ...)
      for k = 1, #variants do
         local values = {}
         if match(variants[k], args, n, values) then
            complete(variants[k], values)
            if quiet then return true, give(variants[k], values) end
            return give(variants[k], values)
         end
      end
      if quiet then return false, usage(variants) end
      error(string.format('%s\ngot: %s\ninvalid arguments!', usage(variants), kinds_of(args, n)), 2)
   end
   made[check] = variants
   if rules.debug then
      local text = 'digraph ACN {\n'
      for i, rule in ipairs(v.rules) do text = text .. string.format('id%d [label="%s"];\n', i, rule.type or 'any') end
      for i = 2, v.count do text = text .. string.format('id%d -> id%d;\n', i - 1, i) end
      return check, text .. '}'
   end
   return check
end

return argcheck
