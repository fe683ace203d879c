-- `th inspect FILE...`: what files of tensors and networks hold. Files are read as data; `-input` alone makes objects
-- of a .t7 file, without its functions, and runs its networks.
local native = require 'rekindle.native'
local plain = require 'rekindle.reason'
local read_options = require 'rekindle.options'
local natives = native.functions.models
local inspect = {}

-- deepest value that is shown
local DEEPEST = 12

local function bytes_text(n)
   if n < 1000 then return string.format(n == 1 and '%d byte' or '%d bytes', n) end
   for _, unit in ipairs { 'kB', 'MB', 'GB' } do
      n = n / 1000
      if n < 1000 or unit == 'GB' then return string.format(n < 10 and '%.1f %s' or '%.0f %s', n, unit) end
   end
end

-- 1,234,567
local function grouped(n)
   local text = string.format('%.0f', n)
   local out = text:reverse():gsub('(%d%d%d)', '%1,'):reverse():gsub('^,', '')
   return out
end

local function sizes_text(sizes) return #sizes > 0 and table.concat(sizes, 'x') or 'a number' end

---------------------------------------------------------------------------------------------------- values

local Printer = {}
Printer.__index = Printer

local function printer(found, all)
   local limit = all and math.huge or 20
   return setmetatable({ lines = {}, storages = found.storages, places = {}, limit = limit, all = all }, Printer)
end

function Printer:add(depth, text) self.lines[#self.lines + 1] = ('  '):rep(depth) .. text end

local function quoted(text)
   local shown = text:gsub('[%c]', function(c) return ('\\%d'):format(c:byte()) end)
   if #shown > 70 then shown = shown:sub(1, 67) .. '...' end
   return "'" .. shown .. "'"
end

function Printer:tensor(v)
   local empty = #v.sizes == 0 and v.class:find '^torch'
   local text = v.class .. ' ' .. (empty and 'without elements' or sizes_text(v.sizes))
   local storage = v.storage ~= native.null and self.storages[v.storage]
   if storage then
      text = text .. '  ' .. bytes_text(storage.bytes)
      if storage.tensors > 1 then text = text .. string.format(' in storage %d of %d tensors', v.storage, storage.tensors) end
   end
   return text
end

-- a value in one line; nothing for what needs more
function Printer:short(v)
   local kind = v.type
   if kind == 'nil' then return 'nil'
   elseif kind == 'boolean' then return tostring(v.value)
   elseif kind == 'number' then return string.format('%.14g', v.value)
   elseif kind == 'text' then return quoted(v.value) .. (v.bytes > #v.value and string.format(' (%d bytes)', v.bytes) or '')
   elseif kind == 'other' then return v.value
   elseif kind == 'tensor' then
      self.places[v.id] = self.places[v.id] or self.path
      return self:tensor(v)
   elseif kind == 'storage' then return string.format('%s of %s', v.class, grouped(v.length))
   elseif kind == 'reference' then
      if v.module and not self.all then return v.class .. ', a network: see below' end
      local what = type(v.class) == 'string' and v.class .. ', ' or ''
      return what .. (self.places[v.id] and 'as at ' .. self.places[v.id] or 'which stands elsewhere too')
   elseif kind == 'function' then return string.format('a function (%d bytes of bytecode, which nothing runs)', v.bytes)
   elseif kind == 'table' and v.count == 0 then return '{}'
   elseif kind == 'object' and v.module and not self.all then return v.class .. ', a network: see below'
   elseif kind == 'object' and v.fields.type ~= 'table' then return v.class .. ' ' .. (self:short(v.fields) or '') end
   if kind == 'table' then return self:list(v) end
end

-- a list of numbers and words, as far as a line goes
function Printer:list(v)
   local parts, length, first = {}, 0, v.entries[1][1]
   for i, entry in ipairs(v.entries) do
      local member = entry[2]
      local simple = member.type == 'number' or member.type == 'boolean' or member.type == 'text' and v.count <= 12
      if not simple or first ~= 0 and first ~= 1 or entry[1] ~= first + i - 1 then return nil end
      if length <= 60 then
         parts[i] = self:short(member)
         length = length + #parts[i] + 2
      end
   end
   if #parts < v.count then
      if self.all then return nil end
      parts[#parts + 1] = string.format('... %s more', grouped(v.count - #parts))
   end
   return '{ ' .. table.concat(parts, ', ') .. ' }'
end

local function key_text(key)
   if type(key) == 'table' then return '[' .. (type(key.class) == 'string' and key.class or key.type) .. ']' end
   return tostring(key)
end

function Printer:table(v, depth)
   local shown, tensors = 0, 0
   for _, entry in ipairs(v.entries) do if entry[2].type == 'tensor' then tensors = tensors + 1 end end
   -- a list of weights is what people look for
   local limit = tensors * 2 > #v.entries and 2000 or self.limit
   local width = 0
   for i, entry in ipairs(v.entries) do
      if i <= limit then width = math.max(width, math.min(#key_text(entry[1]), 40)) end
   end
   for _, entry in ipairs(v.entries) do
      if shown >= limit then break end
      shown = shown + 1
      local key = key_text(entry[1])
      self:entry(key, entry[2], depth, width)
   end
   if v.count > shown then self:add(depth, string.format('... %s more of %s', grouped(v.count - shown), grouped(v.count))) end
end

function Printer:entry(key, v, depth, width)
   local outer = self.path
   self.path = outer .. (key:find '^%d+$' and '[' .. key .. ']' or '.' .. key)
   if v.id and v.type ~= 'reference' then self.places[v.id] = self.path end
   local short = self:short(v)
   if short then
      self:add(depth, key .. (' '):rep(math.max(width - #key, 0)) .. '  ' .. short)
   else
      self:long(key, v, depth)
   end
   self.path = outer
end

function Printer:long(key, v, depth)
   local name = v.type == 'object' and v.class or string.format('a table of %s', grouped(v.count))
   if depth >= DEEPEST then name = name .. ' ...' end
   self:add(depth, (key and key .. '  ' or '') .. name)
   if depth >= DEEPEST then return end
   local fields = v.type == 'object' and v.fields or v
   if fields.type == 'table' then self:table(fields, depth + 1) end
end

---------------------------------------------------------------------------------------------------- networks

-- rows of texts as columns; numbers stand at their right
local function columns(rows, right)
   local widths = {}
   for _, row in ipairs(rows) do
      for i, text in ipairs(row) do widths[i] = math.max(widths[i] or 0, #text) end
   end
   local lines = {}
   for r, row in ipairs(rows) do
      local parts = {}
      for i, text in ipairs(row) do
         local blanks = (' '):rep(widths[i] - #text)
         parts[i] = right[i] and blanks .. text or text .. blanks
      end
      lines[r] = table.concat(parts, '  '):gsub('%s+$', '')
   end
   return lines
end

local function network_lines(network, results)
   local head = { 'module', 'options', 'parameters' }
   local right = { false, false, true }
   if results then
      head[4], head[5] = 'output', 'multiply-adds'
      right[5] = true
   end
   local rows, parameters, work = { head }, 0, 0
   for _, m in ipairs(network.modules) do
      local path = m.path:match '[^.]*$'
      local name = ('  '):rep(m.depth) .. (path ~= '' and path .. '  ' or '') .. m.class
      if type(m.name) == 'string' then name = name .. " '" .. m.name .. "'" end
      local row = { name, m.shared and 'the same module again' or m.options, m.parameters > 0 and grouped(m.parameters) or '' }
      if results then
         local found = results.by_path[m.path] or {}
         row[4], row[5] = found.output or '', found.work and found.work > 0 and grouped(found.work) or ''
         work = work + (found.work or 0)
      end
      parameters = parameters + m.parameters
      rows[#rows + 1] = row
   end
   local total = { 'total', '', grouped(parameters) }
   if results then total[4], total[5] = '', grouped(work) end
   rows[#rows + 1] = total
   return columns(rows, right)
end

---------------------------------------------------------------------------------------------------- runs

local function output_text(output)
   if torch.isTensor(output) then return output:dim() > 0 and table.concat(output:size():totable(), 'x') or 'none' end
   if type(output) ~= 'table' then return type(output) end
   local parts = {}
   for i, value in ipairs(output) do parts[i] = output_text(value) end
   return '{ ' .. table.concat(parts, ', ') .. ' }'
end

local function elements(x) return torch.isTensor(x) and x:nElement() or 0 end

-- multiplications with additions of one call
local function work_of(module, input, output)
   local class, weight = torch.typename(module) or '', rawget(module, 'weight')
   if not torch.isTensor(weight) or not torch.isTensor(output) then return 0 end
   if class:find 'FullConvolution' then
      local planes = input:dim() > 0 and module.nInputPlane or 1
      return weight:nElement() * elements(torch.isTensor(input) and input or nil) / planes
   elseif class:find 'Convolution' then
      local planes = module.nOutputPlane or module.outputFrameSize
      return planes and weight:nElement() * elements(output) / planes or 0
   elseif class:find 'Linear$' or class:find 'Bilinear' then
      return weight:nElement() * elements(output) / output:size(output:dim())
   elseif class:find 'BatchNormalization' or class:find 'CMul$' then
      return elements(output)
   end
   return 0
end

-- notes what each call of a module gives, by the module's path
local function watch(module, path, by_path, seen)
   if type(module) ~= 'table' or seen[module] then return end
   seen[module] = true
   local found = {}
   by_path[path] = found
   local plain = module.updateOutput
   if type(plain) == 'function' then
      rawset(module, 'updateOutput', function(self, input, ...)
         local output = plain(self, input, ...)
         found.output = output_text(output)
         found.work = (found.work or 0) + work_of(self, input, output)
         return output
      end)
   end
   local members = rawget(module, 'modules')
   for i, member in ipairs(type(members) == 'table' and members or {}) do
      watch(member, (path == '' and '' or path .. '.') .. i, by_path, seen)
   end
end

local function at(object, path)
   for dot, name in path:gmatch '([.%[])([^.%[%]]+)' do
      local key = dot == '[' and tonumber(name) or name
      object = type(object) == 'table' and object[key] or nil
   end
   return object
end

-- the class of a module, in a network, of a package that is not here
local function unknown(module, seen)
   if type(module) ~= 'table' or seen[module] then return nil end
   seen[module] = true
   if type(module.updateOutput) ~= 'function' then return torch.typename(module) or 'a table' end
   for _, member in ipairs(type(rawget(module, 'modules')) == 'table' and module.modules or {}) do
      local class = unknown(member, seen)
      if class then return class end
   end
end

-- An error in one line, with what containers say of where it came up; not where in our files.
local function reason(why)
   local text = tostring(why):gsub('\nstack traceback:.*', ''):gsub('%s*WARNING: If you see a stack trace.*', '')
   return (text:gsub('\n', ' '):gsub('%S+%.lua:%d+: ', ''))
end

-- Runs a network: what its modules gave, and why it stopped where it did.
local function run(network, spec)
   local inputs, models = require 'rekindle.export.inputs', require 'rekindle.export.model'
   local by_path = {}
   local function stopped(why) return { by_path = by_path, input = inputs.text(spec), failed = why } end
   local class = unknown(network, {})
   if class then return stopped(class .. ' is a class that is not known here') end
   local malformed = models.malformed(network)
   if #malformed > 0 then return stopped((models.complaint { malformed[1] }:gsub('^%s+', ''))) end
   local typename = type(network._type) == 'string' and network._type or 'torch.DoubleTensor'
   if not typename:find 'Tensor$' or typename:find 'Cuda' then typename = 'torch.FloatTensor' end
   local limit = inputs.limit(network)
   -- most networks were trained on batches
   local last
   for _, batch in ipairs { 1, false } do
      for _, found in pairs(by_path) do found.output, found.work = nil, nil end
      local text
      local ok, why = pcall(function()
         local input = inputs.sample(spec, batch or nil, typename, limit)
         text = output_text(input)
         if batch then
            network:evaluate()
            watch(network, '', by_path, {})
         end
         network:forward(input)
      end)
      if ok then return { by_path = by_path, input = text } end
      -- of pictures, what was wrong with the batch; of single numbers, with the sample
      if not last or not batch and spec.sizes and #spec.sizes == 1 then last = reason(why) end
   end
   return stopped(last)
end

local function load_model(path, kind)
   for _, name in ipairs { 'nn', 'nngraph' } do require(name) end
   local ok, object = pcall(torch.load, path, kind:find 'ascii' and 'ascii' or 'binary', { functions = false })
   if not ok then error('th inspect: ' .. path .. ' cannot be run: ' .. reason(object), 0) end
   return object
end

---------------------------------------------------------------------------------------------------- files

-- The lines about a file.
function inspect.lines(path, options)
   local found, kind, bytes = natives.describe(path, options.all and 1e9 or 2000)
   local p = printer(found, options.all)
   local data = 0
   local shared = 0
   for _, s in ipairs(found.storages) do
      data = data + s.bytes
      if s.tensors > 1 then shared = shared + 1 end
   end
   p:add(0, string.format('%s: %s, %s', path, kind, bytes_text(bytes)))
   if #found.storages > 0 then
      local many = #found.storages == 1 and '1 storage' or grouped(#found.storages) .. ' storages'
      p:add(0, string.format('%s, %s of elements%s', many, bytes_text(data),
         shared > 0 and string.format('; %s shared by several tensors', grouped(shared)) or ''))
   end
   p.path = ''
   local root = found.value
   if root.id then p.places[root.id] = 'the start' end
   if not (root.type == 'object' and root.module and not options.all) then
      local short = root.type ~= 'table' and p:short(root)
      if short then p:add(0, short) else p:long(nil, root, 0) end
   end
   local model = options.input and #found.networks > 0 and load_model(path, kind)
   for _, network in ipairs(found.networks) do
      p:add(0, '')
      local results = model and run(at(model, network.path), options.input)
      local place = network.path ~= '' and network.path:gsub('^%.', '') .. ': ' or ''
      local input = results and ', input ' .. results.input or ''
      local count = #network.modules == 1 and '1 module' or #network.modules .. ' modules'
      p:add(0, string.format('%snetwork of %s%s', place, count, input))
      for _, line in ipairs(network_lines(network, results)) do p:add(1, line) end
      if results and results.failed then p:add(0, 'it stopped: ' .. results.failed) end
   end
   return p.lines
end

-- The text of `-json`.
function inspect.json(path, options) return natives.describeJson(path, options.all and 1e9 or 2000) end

local USAGE = [[
th inspect [-json] [-all] [-input 3x32x32] FILE...

Shows what files hold: .t7, safetensors, .npy, .npz, .pth, ONNX, HDF5, MATLAB, .caffemodel. Nothing of a file is run.

   -json          a line of JSON for each file
   -all           whole tables, and the fields of modules
   -input SIZES   sizes of a sample, as for th convert: networks are run, and the sizes of outputs stand beside them]]

local KNOWN = { json = false, all = false, input = 'list' }

function inspect.main(args)
   local options, files = read_options('th inspect', args, KNOWN, USAGE)
   if not options then return end
   if options.input then
      local why
      options.input, why = require('rekindle.export.inputs').parse(options.input)
      if not options.input then error('th inspect: ' .. why, 0) end
   end
   if #files == 0 then error(USAGE, 0) end
   local failed = {}
   for n, path in ipairs(files) do
      local ok, result = pcall(options.json and inspect.json or inspect.lines, path, options)
      if not ok then
         -- without the place in this file and the function
         failed[#failed + 1] = plain(result):gsub('^th inspect: ', '')
      elseif options.json then
         print(result)
      else
         if n > 1 then print '' end
         print(table.concat(result, '\n'))
      end
   end
   if #failed > 0 then error('th inspect: ' .. table.concat(failed, '\nth inspect: '), 0) end
end

return inspect
