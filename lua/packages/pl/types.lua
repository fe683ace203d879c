-- Penlight: questions about values.
local types = {}
local huge, floor = math.huge, math.floor

local function has(value, event)
   local mt = debug.getmetatable(value)
   return type(mt) == 'table' and rawget(mt, event) ~= nil
end

-- a function, or an object that can be called
function types.is_callable(value)
   return type(value) == 'function' or has(value, '__call') and not torch.isTensor(value) and not torch.isStorage(value)
end

-- a name of type(), or a class or metatable
function types.is_type(value, kind)
   if type(kind) == 'string' then return type(value) == kind end
   return debug.getmetatable(value) == kind
end

local file_metatable = debug.getmetatable(io.stdout)

-- as type(), with 'file', and the names of classes
function types.type(value)
   local kind = type(value)
   if kind ~= 'table' and kind ~= 'userdata' then return kind end
   local mt = debug.getmetatable(value)
   if mt == file_metatable then return 'file' end
   if mt == nil then return kind end
   return type(mt) == 'table' and rawget(mt, '_name') or torch.typename(value) or 'unknown ' .. kind
end

function types.is_integer(x) return type(x) == 'number' and x == floor(x) and x ~= huge and x ~= -huge end

-- nil, a table without content, an empty text; what is neither table nor text counts as empty
function types.is_empty(value, ignore_spaces)
   if type(value) == 'table' then return next(value) == nil end
   if type(value) == 'string' then return value == '' or ignore_spaces and value:find('^%s+$') ~= nil or false end
   return true
end

local function table_or(event)
   return function(value)
      if type(value) == 'table' or type(value) ~= 'string' and has(value, event) then return true end
   end
end
local has_length, has_index = table_or('__len'), table_or('__index')
-- the `#` of a list is a number; that of a tensor is its sizes
function types.is_indexable(value) return has_length(value) and has_index(value) and type(#value) == 'number' or nil end
types.is_iterable = table_or('__pairs')
types.is_writeable = table_or('__newindex')

local yes = { yes = true, y = true, ['true'] = true, t = true, ['1'] = true }

-- The truth of texts ('yes', 'true', '1', and what `truths` has), of numbers other than 0, and of objects where asked.
function types.to_bool(value, truths, check_objects)
   local kind = type(value)
   if kind == 'string' then
      local text = value:lower()
      if yes[text] then return true end
      for _, word in ipairs(truths or {}) do
         if tostring(word):lower() == text then return true end
      end
      return false
   elseif kind == 'boolean' then return value
   elseif kind == 'number' then return value ~= 0
   elseif kind == 'nil' or not check_objects then return false end
   return kind ~= 'table' or next(value) ~= nil
end

return types
