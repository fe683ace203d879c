-- What is written, by format.
local models = require 'rekindle.export.model'
local files = {}

local function stem(path) return (path:gsub('%.%w+$', '')) end
local function name_of(path) return path:match('[^/\\]*$') end

-- A Python module's name can be anything that is no word of its own; what cannot stand in it becomes `_`.
local function python_of(path)
   return path:match('^(.-)[^/\\]*$') .. name_of(stem(path)):gsub('[^%w_]', '_'):gsub('^(%d)', '_%1') .. '.py'
end
files.python_of = python_of

local function write_text(path, text)
   local temporary = path .. '.part'
   local file, why = io.open(temporary, 'w')
   if not file then error('rekindle.export: ' .. why, 0) end
   local written, stopped = file:write(text)
   local closed, unwritten = file:close()
   if not written or not closed then
      os.remove(temporary)
      error(string.format('rekindle.export: cannot write %s: %s', path, tostring(stopped or unwritten)), 0)
   end
   local renamed, stopped_there = os.rename(temporary, path)
   if not renamed then
      os.remove(temporary)
      error(string.format('rekindle.export: cannot write %s', tostring(stopped_there)), 0)
   end
end
files.write_text = write_text

local function told(g, path, options)
   return { path = path, input = g.spec and require('rekindle.export.inputs').text(g.spec), guessed = g.guessed,
      batch = g.batches ~= nil, open = options.open, nodes = #g.nodes, tensors = #g.parameters, why_fixed = g.why_fixed }
end

function files.onnx(export, model, path, options)
   local g = export.graph(model, options)
   require('rekindle.export.onnx').write(g, path, { batches = g.batches, inline = options.external })
   return told(g, path, options)
end

-- A Python file of somebody else's is not written over.
local function demand_free(python)
   local file = io.open(python, 'r')
   if not file then return end
   local text = file:read(4096) or ''
   file:close()
   if not text:find('Written by Rekindle', 1, true) then
      error(string.format('rekindle.export: there is a %s already, which is not one of these; choose another name', python), 0)
   end
end

function files.pth(export, model, path, options)
   local python = python_of(path)
   demand_free(python)
   local g = export.graph(model, options)
   local title = 'The network of ' .. name_of(path) .. ' in PyTorch.'
   local text, why = require('rekindle.export.pytorch').text(g, title, name_of(path))
   if not text then
      error(string.format('rekindle.export: PyTorch\'s modules cannot express %s: %s: %s', why.place, why.class,
         why.why or 'it uses a value of another module'), 0)
   end
   local entries = {}
   for i, p in ipairs(g.parameters) do entries[i] = { p.name, p.tensor } end
   require('rekindle.models').save(path, entries)
   write_text(python, text)
   local result = told(g, path, options)
   result.python = python
   return result
end

local function rename(entries, names)
   if not names then return entries end
   if #names > 0 and #names ~= #entries then
      error(string.format('rekindle.export: there are %d new names for %d tensors', #names, #entries), 0)
   end
   local known = {}
   for _, entry in ipairs(entries) do known[entry[1]] = true end
   for name in pairs(names) do
      if type(name) == 'string' and not known[name] then
         error(string.format('rekindle.export: a new name is given for %q, which is no tensor of these', name), 0)
      end
   end
   for i, entry in ipairs(entries) do entries[i] = { names[entry[1]] or names[i] or entry[1], entry[2] } end
   return entries
end

-- Tensors in the type that is asked for.
local function retyped(entries, kind)
   if not kind then return entries end
   local new, floating = {}, { ['torch.FloatTensor'] = true, ['torch.DoubleTensor'] = true, ['torch.HalfTensor'] = true }
   local wanted = kind == 'double' and 'torch.DoubleTensor' or 'torch.FloatTensor'
   for _, entry in ipairs(entries) do
      local tensor = entry[2]
      if floating[torch.typename(tensor)] and torch.typename(tensor) ~= wanted then
         local key = torch.pointer(tensor:storage())
         -- what shares memory goes on doing so
         new[key] = new[key] or tensor.new(tensor:storage()):type(wanted):storage()
         entry[2] = torch.getconstructortable(wanted)():set(new[key], tensor:storageOffset(), tensor:size(), tensor:stride())
      end
   end
   return entries
end

function files.tensors(_, object, path, options)
   local entries = models.nested(object)
   if #entries == 0 then error('rekindle.export: there are no tensors to write', 0) end
   entries = rename(retyped(entries, options.type), options.names)
   require('rekindle.models').save(path, entries)
   return { path = path, tensors = #entries }
end

-- Takes functions out of what was read from a file: they are stand-ins. How many there were.
local function without_functions(root)
   local seen, waiting, count = {}, { root }, 0
   while #waiting > 0 do
      local object = table.remove(waiting)
      if type(object) == 'table' and not seen[object] then
         seen[object] = true
         for key, value in pairs(object) do
            if type(value) == 'function' then
               object[key] = nil
               count = count + 1
            else
               waiting[#waiting + 1] = value
            end
         end
      end
   end
   return count
end

-- The object in the layout of today, in one type, without what graphics processors have.
function files.t7(_, object, path, options)
   local functions = options.owned and without_functions(object) or 0
   if torch.isTypeOf(object, 'nn.Module') and options.type then
      object = options.owned and object or object:clone()
      object[options.type](object)
   elseif options.type then
      object = nn.utils.recursiveType(object, options.type == 'double' and 'torch.DoubleTensor' or 'torch.FloatTensor', {})
   end
   torch.save(path, object, options.ascii and 'ascii' or 'binary')
   return { path = path, functions = functions }
end

return files
