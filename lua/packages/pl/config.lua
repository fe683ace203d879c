-- Penlight: files of settings.
local utils = require 'pl.utils'
local stringx = require 'pl.stringx'
local config = {}

-- the lines of a file without comments; a backslash at the end goes on with the next
function config.lines(file)
   local opened, close
   if type(file) == 'string' then
      local f, why = io.open(file, 'r')
      if not f then return nil, why end
      file, close = f, true
   end
   opened = file:lines()
   return function()
      local whole = ''
      while true do
         local line = opened()
         if not line then
            if close then
               file:close()
               close = false
            end
            return whole ~= '' and whole or nil
         end
         if not line:find '^%s*$' and not line:find '^%s*[;#]' then
            local going_on = line:match '^(.*)\\%s*$'
            if not going_on then return whole .. line end
            whole = whole .. going_on
         end
      end
   end
end

local kinds = {
   -- tables of columns by their first, assignments with a colon, with spaces, with an equals sign
   { test = function(line) return line:find '^%S+%s+%S+%s+%S+%s+%S+%s+%d+%s+%d+%s*$' end,
      options = { keysep = '%s+', list_delim = '%s+' } },
   { test = function(line) return line:find '^[%w_]+:' end, options = { keysep = ':', list_delim = '@none@',
      convert_numbers = function(text) return tonumber((text:gsub(' kB$', ''))) end } },
   { test = function(line) return line:find '^%s*[%w_]+%s*=' end,
      options = { keysep = '=', list_delim = '@none@', trim_quotes = true, trim_space = true } },
   { test = function() return true end, options = { keysep = '%s+', list_delim = '@none@' } },
}

local function settings_of(options)
   local o = { variabilize = true, convert_numbers = tonumber, convert_boolean = false, trim_space = true,
      trim_quotes = false, ignore_assign = false, keysep = '=', list_delim = ',' }
   for k, v in pairs(options or {}) do o[k] = v end
   if o.variabilise ~= nil then o.variabilize = o.variabilise end
   if o.convert_numbers == true then o.convert_numbers = tonumber end
   return o
end

local function value_reader(o)
   local function single(text)
      if o.trim_space then text = stringx.strip(text) end
      if o.trim_quotes then text = text:match '^"(.*)"$' or text:match "^'(.*)'$" or text end
      if o.convert_numbers then
         local n = o.convert_numbers(text)
         if n ~= nil then return n end
      end
      if o.convert_boolean and (text == 'true' or text == 'false') then return text == 'true' end
      return text
   end
   return function(text)
      text = o.trim_space and stringx.strip(text) or text
      if text:find(o.list_delim) and not (o.trim_quotes and text:find '^["\']') then
         local parts = utils.split(text, o.list_delim)
         for i, part in ipairs(parts) do parts[i] = single(part) end
         return parts
      end
      return single(text)
   end
end

-- options: variabilize, convert_numbers, convert_boolean, trim_space, trim_quotes, list_delim, keysep, ignore_assign, smart
function config.read(file, options)
   local lines, why = config.lines(file)
   if not lines then return nil, why end
   local first = lines()
   if not first then return {} end
   if options and options.smart then
      for _, kind in ipairs(kinds) do
         if kind.test(first) then
            local merged = {}
            for k, v in pairs(kind.options) do merged[k] = v end
            for k, v in pairs(options) do merged[k] = v end
            options = merged
            break
         end
      end
   end
   local o = settings_of(options)
   local read_value = value_reader(o)
   local function name_of(text)
      text = stringx.strip(text)
      return o.variabilize and text:gsub('[^%w]', '_') or text
   end
   local top = {}
   local target = top
   for line in function()
      local next_line = first or lines()
      first = nil
      return next_line
   end do
      local section = line:match '^%s*%[([^%]]+)%]%s*$'
      if section then
         local name = name_of(section)
         target = {}
         top[name] = target
      else
         line = o.trim_space and stringx.strip(line) or line
         local from, to = line:find(o.keysep)
         if o.keysep == '=' then from, to = line:find('%s*=%s*') end
         if from and not o.ignore_assign then
            local key = name_of(line:sub(1, from - 1))
            if o.keysep == '%s+' then key = line:sub(1, from - 1) end
            target[tonumber(key) or key] = read_value(line:sub(to + 1))
         else
            target[#target + 1] = read_value(line)
         end
      end
   end
   return top
end

require 'rekindle.takes'(config, 'config.', require 'rekindle.named'(config, {
   file = 'string|stream',
}, {
   read = 'file:string|stream options:list?',
}))

return config
