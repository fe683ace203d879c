-- Penlight: texts with lines of Lua (#) and values ($(...)) in them.
local template = {}

-- the parts of a line: texts, and expressions in brackets behind the escape
local function inline(line, escape, open, close)
   local parts, at = {}, 1
   local pattern = '%' .. escape .. '(%b' .. open .. close .. ')'
   while true do
      local from, to, inside = line:find(pattern, at)
      if not from then break end
      if from > at then parts[#parts + 1] = ('%q'):format(line:sub(at, from - 1)) end
      parts[#parts + 1] = '__tostring(' .. inside:sub(2, -2) .. ')'
      at = to + 1
   end
   if at <= #line then parts[#parts + 1] = ('%q'):format(line:sub(at)) end
   return parts
end

local function generate(text, o)
   local open, close = o.brackets:sub(1, 1), o.brackets:sub(2, 2)
   local code, plain = {}, true
   local out = 0
   local function put(line) code[#code + 1] = line end
   for line, newline in text:gmatch '([^\n]*)(\n?)' do
      if line == '' and newline == '' then break end
      local statement = line:match('^%s*%' .. o.escape .. '(.*)$')
      if statement then
         plain = false
         put(' ' .. statement .. newline)
      else
         local parts = inline(line, o.inline_escape, open, close)
         if newline == '\n' and not o.newline then parts[#parts + 1] = '"\\n"' end
         for _, part in ipairs(parts) do
            if part:find '^__tostring' then plain = false end
            out = out + 1
            put(' __out[#__out + 1] = ' .. part .. ';')
         end
         put(newline)
      end
   end
   if plain then
      if not o.newline then return 'return ' .. ('%q'):format(text) .. ';' end
      -- lines of the code are those of the text
      local whole, n = text:gsub('\n', '')
      return 'return ' .. ('%q'):format(whole) .. ('\n'):rep(n) .. ';'
   end
   return 'return function(__tostring) local __out = {};' .. table.concat(code) .. ' return __out end'
end

local Compiled = {}
Compiled.__index = Compiled

-- fills in values; `parent` has those that `env` lacks
function Compiled:render(env, parent, debug)
   env = env or {}
   if parent then setmetatable(env, { __index = parent }) end
   setfenv(self.fn, env)
   local source = (self.code_kept or debug) and self.code or nil
   local ok, made = pcall(self.fn)
   if not ok then return nil, made, source end
   if type(made) == 'string' then return made, nil, source end
   setfenv(made, env)
   local done, parts = pcall(made, function(v) return tostring(v) end)
   if not done then return nil, parts, source end
   return table.concat(parts), nil, source
end

-- options: chunk_name, escape, inline_escape, inline_brackets, newline, debug
function template.compile(text, options)
   options = options or {}
   local code = generate(text, {
      escape = options.escape or '#', inline_escape = options.inline_escape or '$',
      brackets = options.inline_brackets or '()', newline = options.newline,
   })
   local f, why = loadstring(code, options.chunk_name or 'TMP')
   if not f then return nil, why, code end
   return setmetatable({ fn = f, code = code, code_kept = options.debug }, Compiled)
end

-- env: the values, and as _escape, _brackets, _parent ... the options
function template.substitute(text, env)
   env = env or {}
   local function option(name) return rawget(env, name) end
   local t, why, code = template.compile(text, {
      chunk_name = option '_chunk_name', escape = option '_escape', inline_escape = option '_inline_escape',
      inline_brackets = option '_brackets', debug = option '_debug',
   })
   if not t then return nil, why, code end
   return t:render(env, option '_parent', option '_debug')
end

require 'rekindle.takes'(template, 'template.', {
   compile = 'text:string options:list?', substitute = 'text:string env:list?',
})

return template
