-- The global print of `th`: tables are shown with their content, everything else as Lua's own print does.
local plain = print
local torch = torch

-- one value inside a table
local function brief(v)
   local name = torch.typename(v)
   if name and name:find('Tensor$') and torch.isTensor(v) then
      local sizes = {}
      for d = 1, v:dim() do sizes[d] = v:size(d) end
      local size = #sizes == 0 and 'empty' or 'size: ' .. table.concat(sizes, 'x')
      return string.format('%s - %s', name:match('[^.]+$'), size)
   elseif name and name:find('Storage$') and torch.isStorage(v) then
      return string.format('%s - size: %d', name:match('[^.]+$'), #v)
   elseif type(v) == 'string' then
      return '"' .. v .. '"'
   end
   return tostring(v)
end

local function by_kind(a, b)
   local ta, tb = type(a), type(b)
   if ta == tb and (ta == 'number' or ta == 'string') then return a < b end
   if ta ~= tb then return ta == 'number' or tb ~= 'number' and ta < tb end
   return tostring(a) < tostring(b)
end

local function is_plain(v)
   return type(v) == 'table' and debug.getmetatable(v) == nil
end

local function lines(t, indent, out, seen)
   if seen[t] or #indent > 40 then
      out[#out + 1] = indent .. '{...}'
      return
   end
   seen[t] = true
   out[#out + 1] = indent .. '{'
   local keys, width = {}, 0
   for k in pairs(t) do
      keys[#keys + 1] = k
      width = math.max(width, #tostring(k))
   end
   table.sort(keys, by_kind)
   for _, k in ipairs(keys) do
      local v, label = t[k], tostring(k)
      label = indent .. '  ' .. label .. string.rep(' ', width - #label) .. ' : '
      if is_plain(v) then
         out[#out + 1] = label
         lines(v, indent .. '    ', out, seen)
      else
         out[#out + 1] = label .. brief(v)
      end
   end
   out[#out + 1] = indent .. '}'
   seen[t] = nil
end

local content = {}

-- A table with its content.
function content.text(t)
   local out = {}
   lines(t, '', out, {})
   return table.concat(out, '\n')
end

-- bytes that are written at once: Ctrl-C is noticed in between
local PIECE = 2 ^ 16
local lua_print = plain

function plain(...)
   local first = ...
   if select('#', ...) ~= 1 or type(first) ~= 'string' or #first <= PIECE then return lua_print(...) end
   for at = 1, #first, PIECE do io.stdout:write(first:sub(at, at + PIECE - 1)) end
   io.stdout:write('\n')
end

-- From now on what cannot be written is an error at once.
function content.check()
   plain = function(...)
      local n, args = select('#', ...), { ... }
      for i = 1, n do args[i] = tostring(args[i]) end
      local ok, why = io.stdout:write(table.concat(args, '\t') .. '\n')
      if not ok then error('print: cannot write to the standard output: ' .. why, 3) end
   end
end

function print(...)
   local n = select('#', ...)
   local args = { ... }
   for i = 1, n do
      if is_plain(args[i]) then args[i] = content.text(args[i]) end
   end
   plain(unpack(args, 1, n))
end
require('rekindle.native').own_functions[print] = true

return content
