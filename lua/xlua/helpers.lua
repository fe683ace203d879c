-- The rest of xlua's functions: printing, globals, logging, and what it adds to string and table.
local xlua = xlua

-- one line for a value inside a printed table
local function short(value)
   local s = tostring(value):gsub('\n', '\\n')
   if #s > 40 then s = s:sub(1, 40) .. '\27[0m ... ' end
   return s
end

local function shown(value)
   if type(value) ~= 'table' then return tostring(value) end
   local meta = getmetatable(value)
   if meta and rawget(meta, '__tostring__') then return meta.__tostring__(value) end
   local lines = {}
   for k, v in pairs(value) do lines[#lines + 1] = '[' .. tostring(k) .. '] = ' .. short(v) end
   local text = '{' .. table.concat(lines, '\n ') .. '}'
   if meta and rawget(meta, '__tostring') then text = tostring(value) .. ':\n' .. text end
   return text
end

function xlua.print(value, ...)
   local rest = {}
   for i = 1, select('#', ...) do rest[i] = shown((select(i, ...))) end
   print(shown(value) .. (#rest > 0 and '    ' .. table.concat(rest, '\t') or ''))
end

function xlua.require(name, fatal)
   local ok, result = pcall(require, name)
   if ok then return result end
   local text = '<' .. name .. '> could not be loaded (is it installed?)'
   if fatal then error(text .. '\n' .. tostring(result), 2) end
   print('warning: ' .. text)
   return false
end

-- Torch7's version fails on every name, and programs guard against that
function xlua.installed(name)
   error("attempt to concatenate field 'cpath' (a nil value) while looking for " .. tostring(name), 2)
end

function xlua.trycatch(try, catch)
   local ok, problem = pcall(try)
   if not ok then catch(problem) end
end

local standard = {}
for name in pairs(_G) do standard[name] = true end

function xlua.clear(...)
   for i = 1, select('#', ...) do
      local name = select(i, ...)
      package.loaded[name] = nil
      rawset(_G, name, nil)
   end
   collectgarbage()
end

function xlua.clearall()
   for name in pairs(_G) do
      if not standard[name] then xlua.clear(name) end
   end
   collectgarbage()
end

-- prints the globals that the program added
function xlua.who()
   local libraries, variables = {}, {}
   for name, value in pairs(_G) do
      if package.loaded[name] then
         libraries[#libraries + 1] = tostring(name)
      elseif not standard[name] then
         variables[#variables + 1] = tostring(name) .. ' (' .. type(value) .. ')'
      end
   end
   table.sort(libraries)
   table.sort(variables)
   print('Global Libs:\n  ' .. table.concat(libraries, '\n  ') .. '\n')
   print('Global Vars:\n  ' .. table.concat(variables, '\n  '))
end

-- from here on print and io.write go to a file as well
function xlua.log(file, append)
   os.execute('mkdir -p "' .. (file:match('^(.+)/[^/]*$') or '.') .. '"')
   local f = assert(io.open(file, append and 'a' or 'w'))
   io._write = io._write or io.write
   rawset(_G, '_print', rawget(_G, '_print') or print)
   io.write = function(...)
      io._write(...)
      for i = 1, select('#', ...) do f:write(tostring((select(i, ...)))) end
      f:flush()
   end
   rawset(_G, 'print', function(...)
      rawget(_G, '_print')(...)
      local parts = {}
      for i = 1, select('#', ...) do parts[i] = tostring((select(i, ...))) end
      f:write(table.concat(parts, '\t'), '\n')
      f:flush()
   end)
end

-- parameters take their values from environment variables of the same name
function xlua.envparams(params)
   for name, value in pairs(params) do
      local given = os.getenv(name)
      if given then
         if type(value) == 'number' then
            given = tonumber(given)
         elseif type(value) == 'boolean' then
            given = given == '1' or given == 'true'
         end
         params[name] = given
      end
   end
   return params
end

function string.split(s, separator)
   local parts, from = {}, 1
   local first, last = s:find(separator, from)
   while first and last >= first do
      if first > 1 then parts[#parts + 1] = s:sub(from, first - 1) end
      from = last + 1
      first, last = s:find(separator, from)
   end
   if from <= #s then parts[#parts + 1] = s:sub(from) end
   return parts
end

function string.tosymbol(s)
   local chunk = loadstring('return ' .. s)
   local ok, value = pcall(chunk or error)
   if not ok or value == nil then error('symbol "' .. s .. '" does not exist', 2) end
   return value
end

-- the table without `length` items from `start` on, and those items
function table.splice(t, start, length)
   start, length = start or 1, length or 1
   local kept, taken = {}, {}
   for i, v in ipairs(t) do
      local into = (i >= start and i < start + length) and taken or kept
      into[#into + 1] = v
   end
   return kept, taken
end

-- one item for each key: the last one, or what merge(new, old) makes
function table.prune(t, key, merge)
   key = key or function(v) return v end
   local kept = {}
   for _, v in ipairs(t) do
      local k = key(v)
      kept[k] = (merge and kept[k] ~= nil) and merge(v, kept[k]) or v
   end
   local out = {}
   for _, v in pairs(kept) do out[#out + 1] = v end
   return out
end

rawset(_G, 'xerror', xlua.error)
rawset(_G, 'xprint', xlua.print)
rawset(_G, 'xrequire', xlua.require)
return xlua
