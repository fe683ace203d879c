-- Functions that look at their arguments before they begin:
--
--   takes(sys, 'sys.', { split = 'text:string separator:string?' })
--   takes(Node, ':', { bfs = 'visit:function' })
--
-- A prefix that ends in ':' is that of methods, whose object is not among the parameters; ':' alone stands for the class
-- of the object. A `?` lets nil through, `a|b` either kind; what is not named takes anything, and `...` stands for all
-- further arguments. It is for functions that are not called in loops.
local signatures = require 'rekindle.signatures'

local function class_of(name) return function(v) return torch.isTypeOf(v, name) end end
local function has(method) return function(v) return type(v) == 'table' and v[method] ~= nil end end
local function methods_of(metatable) return metatable and (metatable.__call__ or metatable.__call) end

local KINDS = {
   any = { 'a value', function() return true end },
   ['function'] = { 'a function', function(v) 
      return type(v) == 'function' or methods_of(debug.getmetatable(v)) ~= nil and not torch.isTensor(v) and not torch.isStorage(v)
   end },
   table = { 'a table', function(v) return torch.type(v) == 'table' end },
   list = { 'a table', function(v) return type(v) == 'table' end },
   number = { 'a number', function(v) return type(v) == 'number' end },
   numeric = { 'a number', function(v) return tonumber(v) ~= nil end },
   whole = { 'a whole number', function(v) return type(v) == 'number' and v % 1 == 0 end },
   string = { 'a string', function(v) return type(v) == 'string' end },
   text = { 'a string', function(v) return type(v) == 'string' or type(v) == 'number' end },
   boolean = { 'true or false', function(v) return type(v) == 'boolean' end },
   value = { 'a value', function(v) return v ~= nil end },
   tensor = { 'a tensor', function(v) return torch.isTensor(v) end },
   storage = { 'a storage', function(v) return torch.isStorage(v) end },
   stream = { 'a file', function(v) return io.type(v) == 'file' or type(v) == 'table' and (v.read or v.lines) ~= nil end },
   module = { 'a module', has 'updateOutput' },
   container = { 'a container', has 'modules' },
   object = { 'an object', function(v) return torch.typename(v) ~= nil end },
   file = { 'a file to write objects to', function(v)
      return (type(v) == 'userdata' or type(v) == 'table') and torch.isTypeOf(v, 'torch.File') or has 'writeObject'(v)
   end },
   reader = { 'a file to read objects from', function(v)
      return (type(v) == 'userdata' or type(v) == 'table') and torch.isTypeOf(v, 'torch.File') or has 'readObject'(v)
   end },
   graph = { 'a graph', class_of 'graph.Graph' },
   drawable = { 'a graph', has 'todot' },
   node = { 'a node', class_of 'graph.Node' },
   edge = { 'an edge', class_of 'graph.Edge' },
}

local function parsed(spec)
   local list = {}
   for name, kinds, optional in spec:gmatch '([%w_.]+):([%w|]+)(%??)' do
      local one = { name = name, optional = optional == '?', words = {} }
      for kind in kinds:gmatch '%w+' do
         local words, fits = unpack(KINDS[kind])
         one[#one + 1] = fits
         one.words[#one] = words
      end
      list[#list + 1] = one
   end
   return list
end

local function fits(one, value)
   if value == nil and one.optional then return true end
   for _, test in ipairs(one) do
      if test(value) then return true end
   end
   return false
end

local function refuse(where, one, name, value)
   error(string.format('%s: %s should be %s, got %s', where, name, table.concat(one.words, ' or '),
      require('nn.expect').brief(value)))
end
local function check(where, list, first, ...)
   for i, one in ipairs(list) do
      if one.name == '...' then
         for k = first + i, select('#', ...) do
            local value = select(k, ...)
            if not fits(one, value) then refuse(where, one, 'argument ' .. k - first, value) end
         end
         return
      end
      local value = select(first + i, ...)
      if not fits(one, value) then refuse(where, one, one.name, value) end
   end
end

return function(functions, prefix, specs)
   for name, spec in pairs(specs) do
      local f, list, method = functions[name], parsed(spec), prefix:sub(-1) == ':'
      local function checked(...)
         local where = prefix .. name
         if method then
            local self = ...
            if type(self) ~= 'table' and type(self) ~= 'userdata' or prefix == ':' and not torch.typename(self) then
               error(string.format("%s: expected an object as self, got %s (call it with ':')", name,
                  require('nn.expect').brief(self)))
            end
            if prefix == ':' then where = torch.type(self) .. where end
         end
         check(where, list, method and 1 or 0, ...)
         return f(...)
      end
      signatures.note(checked, signatures.of(f))
      functions[name] = checked
   end
end
