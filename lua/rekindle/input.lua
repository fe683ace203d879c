-- Standard input that somebody is asked for, line by line: io.read, io.lines, and the methods of io.stdin.
local plain_read, plain_lines = io.read, io.lines
local plain_input = io.input
local stdin = io.stdin
local methods = debug.getmetatable(stdin).__index
local file_read, file_lines = methods.read, methods.lines

-- Replaces them by functions that call `ask(prompt, hidden)`, which gives a line, or nil and why there is none. With `waits`,
-- which says whether there is a line to give, they read as they did before where there is none.
return function(ask, waits)
   -- what was given and is not read yet
   local held = ''

   local function fill(name)
      if held ~= '' then return end
      local line, why = ask('', false)
      if not line then error(name .. ': ' .. tostring(why)) end
      held = line .. '\n'
   end

   local function take(n)
      local text = held:sub(1, n)
      held = held:sub(n + 1)
      return text
   end

   -- whether there is nothing for these functions, and the input itself is to be read
   local function is_empty() return held == '' and waits and not waits() end

   local function kind_of(name, format)
      if type(format) == 'number' then return format end
      return type(format) == 'string' and format:match('^%*?([alLn])') or error(
         string.format('%s: expected *l, *L, *n, *a or a number of bytes, got %s', name, tostring(format)))
   end

   -- one value, as a format of Lua's says
   local function one(name, format)
      local kind = kind_of(name, format)
      if type(kind) == 'number' then
         if kind <= 0 then return '' end
         fill(name)
         return take(kind)
      end
      fill(name)
      if kind == 'a' then return take(#held) end
      if kind == 'n' then
         local blank, word = held:match('^(%s*)(%S*)')
         take(#blank + #word)
         -- the rest of the line is nothing that waits
         if held:match('^%s*$') then held = '' end
         return tonumber(word)
      end
      local line = held:match('^[^\n]*')
      local whole = take(#line + 1)
      return kind == 'L' and whole or line
   end

   local function read(name, ...)
      local n, formats, values = select('#', ...), { ... }, {}
      if n == 0 then n, formats[1] = 1, '*l' end
      for i = 1, n do
         if is_empty() then
            for j = i, n do kind_of(name, formats[j]) end
            local rest = table.pack(file_read(stdin, unpack(formats, i, n)))
            for j = 1, rest.n do values[i + j - 1] = rest[j] end
            return unpack(values, 1, i + rest.n - 1)
         end
         values[i] = one(name, formats[i])
         if values[i] == nil then return unpack(values, 1, i) end
      end
      return unpack(values, 1, n)
   end

   function io.read(...)
      if plain_input() ~= stdin then return plain_read(...) end
      return read('io.read', ...)
   end

   function io.lines(path, ...)
      if path ~= nil or plain_input() ~= stdin then return plain_lines(path, ...) end
      return function() return (read('io.lines')) end
   end

   function methods.read(file, ...)
      if file ~= stdin then return file_read(file, ...) end
      return read('io.stdin:read', ...)
   end

   function methods.lines(file, ...)
      if file ~= stdin then return file_lines(file, ...) end
      return function() return (read('io.stdin:lines')) end
   end

   local own = require('rekindle.native').own_functions
   for _, f in ipairs { io.read, io.lines, methods.read, methods.lines } do own[f] = true end
end
