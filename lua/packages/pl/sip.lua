-- Penlight: simple patterns for lines, such as '$v{name} = $i{count}'.
local utils = require 'pl.utils'
local sip = {}

local function expect(name, position, value, kind)
   if type(value) ~= kind then
      error(('sip.%s: argument %d: expected a %s, got %s'):format(name, position, kind, type(value)), 3)
   end
end

-- patterns of the types; quoted texts have their own way below
local kinds = {
   v = '(' .. utils.patterns.IDEN .. ')', i = '(' .. utils.patterns.INTEGER .. ')',
   f = '(' .. utils.patterns.FLOAT .. ')', d = '(%d+)', r = '(.*)', q = '', p = '([%w_/\\:%.%-~]+)',
   ['('] = '(%b())', ['['] = '(%b[])', ['{'] = '(%b{})', ['<'] = '(%b<>)',
}
local converters = { i = tonumber, f = tonumber, d = tonumber }
for bracket in ('([{<'):gmatch '.' do converters[bracket] = function(text) return text:sub(2, -2) end end

-- types that match something an identifier could begin or end with
local wordlike = { v = true, i = true, f = true, d = true, a = true, w = true, l = true, u = true, x = true, S = true, p = true }

-- the parts of a pattern: a text, spaces, or a capture with a type and perhaps a name
local function parts_of(spec, fail)
   local parts, at = {}, 1
   while at <= #spec do
      local from, to = spec:find('^%s+', at)
      if from then
         parts[#parts + 1] = { space = true }
      elseif spec:sub(at, at) ~= '$' then
         from, to = spec:find('^[^%s$]+', at)
         parts[#parts + 1] = { text = spec:sub(from, to) }
      elseif at == #spec then
         to = at
         parts[#parts + 1] = { kind = 'r', to_end = true }
      else
         local kind = spec:sub(at + 1, at + 1)
         if not kinds[kind] and not kind:find '[acdlpsuwxACDLPSUWX]' then
            fail(("there is no type '$%s'"):format(kind))
         end
         local _, stop, name = spec:find('^{([^{}]*)}', at + 2)
         if name == '' then fail(("the name behind '$%s' is empty"):format(kind)) end
         to = stop or at + 1
         parts[#parts + 1] = { kind = kind, name = name }
      end
      at = to + 1
   end
   return parts
end

local function is_word(part, which)
   if not part then return false end
   if part.text then return part.text:find(which == 'last' and '[%w_]$' or '^[%w_]') ~= nil end
   return wordlike[part.kind] == true
end

-- one pattern of Lua, and the fields its captures fill
local function translate(spec, options, fail)
   local parts, out, fields, captures = parts_of(spec, fail), {}, {}, 0
   local named = false
   for _, part in ipairs(parts) do named = named or part.name ~= nil end
   if options and options.at_start then out[1] = '^' end
   for i, part in ipairs(parts) do
      if part.text then
         out[#out + 1] = utils.escape(part.text)
      elseif part.space then
         local apart = is_word(parts[i - 1], 'last') and is_word(parts[i + 1], 'first')
         out[#out + 1] = apart and '%s+' or '%s*'
      else
         local name = part.name
         if part.to_end then
            name = named and 'rest' or nil
            if not (parts[i - 1] and parts[i - 1].space) then out[#out + 1] = '%s*' end
         elseif named and not name then
            fail(("'$%s' has no name, others have one: name all captures or none"):format(part.kind))
         end
         captures = captures + 1
         local field = { key = name or #fields + 1, convert = converters[part.kind] }
         if part.kind == 'q' then
            out[#out + 1] = '(["\'])(.-)%' .. captures
            captures = captures + 1
         else
            out[#out + 1] = kinds[part.kind] or '(%' .. part.kind .. '+)'
         end
         field.capture = captures
         fields[#fields + 1] = field
      end
   end
   if captures > 32 then fail(('%d captures, where Lua takes 32'):format(captures)) end
   return table.concat(out), fields
end

-- a translation whose errors are those of the caller's line
local function translated(name, spec, options, level)
   local function fail(why) error(('sip.%s: %s in the pattern %q'):format(name, why, spec), 0) end
   local ok, pattern, fields = pcall(translate, spec, options, fail)
   if not ok then error(pattern, level or 3) end
   return pattern, fields
end

-- the pattern of Lua; the option at_start ties it to the start of the text
function sip.create_pattern(spec, options)
   expect('create_pattern', 1, spec, 'string')
   return (translated('create_pattern', spec, options))
end

local function matcher(pattern, fields)
   return function(line, result)
      if type(line) ~= 'string' then error('sip: expected a line (a string), got ' .. type(line), 2) end
      if result ~= nil and type(result) ~= 'table' then
         error('sip: expected a table for the results, got ' .. type(result), 2)
      end
      local found = { line:match(pattern) }
      if found[1] == nil then return false end
      for _, field in ipairs(fields) do
         local value = found[field.capture]
         if field.convert then value = field.convert(value) end
         if value == nil then return false end
         if result then result[field.key] = value end
      end
      return true
   end
end

-- A function of a line and a table: whether the line fits; the captures are put into the table.
function sip.compile(spec, options)
   expect('compile', 1, spec, 'string')
   return matcher(translated('compile', spec, options))
end

local known = { [false] = {}, [true] = {} }
local function cached(name, spec, at_start)
   local match = known[at_start][spec]
   if not match then
      match = matcher(translated(name, spec, { at_start = at_start }, 4))
      known[at_start][spec] = match
   end
   return match
end

function sip.match(spec, line, result, options)
   expect('match', 1, spec, 'string')
   expect('match', 2, line, 'string')
   return cached('match', spec, options and options.at_start and true or false)(line, result)
end

function sip.match_at_start(spec, line, result)
   expect('match_at_start', 1, spec, 'string')
   expect('match_at_start', 2, line, 'string')
   return cached('match_at_start', spec, true)(line, result)
end

-- the results of the lines of a file that fit: a table of named captures, unnamed ones as values
function sip.fields(spec, file)
   expect('fields', 1, spec, 'string')
   local match = matcher(translated('fields', spec))
   local lines = require('pl.input').create_getter(file)
   return function()
      for line in lines do
         local result = {}
         if match(line, result) then
            if #result > 0 then return unpack(result) end
            return result
         end
      end
   end
end

local registered = {}

-- sip.read calls the function with the captures of lines that fit
function sip.pattern(spec, f)
   expect('pattern', 1, spec, 'string')
   registered[#registered + 1] = { match = matcher(translated('pattern', spec)), call = utils.function_arg(2, f) }
end

-- Goes through the lines of a file (an object or a name); each calls the function of the first pattern it fits, of those
-- registered or of a list of { pattern, function }.
function sip.read(file, matches)
   local all = registered
   if matches ~= nil then
      expect('read', 2, matches, 'table')
      all = {}
      for i, pair in ipairs(matches) do
         if type(pair) ~= 'table' or type(pair[1]) ~= 'string' then
            error(('sip.read: expected a list of { pattern, function }, its element %d is none'):format(i), 2)
         end
         all[i] = { match = matcher(translated('read', pair[1])), call = utils.function_arg(2, pair[2]) }
      end
   end
   local opened
   if type(file) == 'string' then
      local why
      opened, why = io.open(file)
      if not opened then return nil, why end
      file = opened
   end
   for line in require('pl.input').create_getter(file) do
      for _, entry in ipairs(all) do
         local result = {}
         if entry.match(line, result) then
            -- captures without names come one by one
            if result[1] ~= nil then entry.call(unpack(result)) else entry.call(result) end
            break
         end
      end
   end
   if opened then opened:close() end
end

return sip
