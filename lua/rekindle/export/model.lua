-- Models of files, as exports take them: read without running anything of the file, with what cuDNN and other packages
-- know of a layer as the layer of nn that computes it.
local layers = require 'rekindle.export.layers'
local model = {}

-- ---- files ----

-- Whether a file is a .t7 in text.
local function is_text(path)
   local file, why = io.open(path, 'rb')
   if not file then error(why, 0) end
   local head = file:read(16) or ''
   file:close()
   return head:find('^%d+\r?\n') ~= nil
end

function model.read(path)
   require 'nn'
   require 'nngraph'
   -- what tables of many entries are in
   require 'tds'
   return torch.load(path, is_text(path) and 'ascii' or 'binary', true, { functions = false, quiet = true })
end

function model.is_module(value)
   if torch.isTypeOf(value, 'nn.Module') then return true end
   -- a class that is not known: its objects have what modules have
   return type(value) == 'table' and torch.typename(value) ~= nil and not torch.isTypeOf(value, 'nn.Criterion')
      and (type(value.modules) == 'table' or rawget(value, 'gradInput') ~= nil)
end

-- The models in what a file holds: pairs of path and module.
function model.list(object)
   local found, seen = {}, {}
   -- not by calls: tables may be nested deeper than those go
   local waiting = { { '', object } }
   while #waiting > 0 do
      local path, value = unpack(table.remove(waiting))
      if type(value) == 'table' and not seen[value] then
         seen[value] = true
         if model.is_module(value) then
            found[#found + 1] = { path, value }
         elseif not torch.typename(value) then
            local keys = {}
            for key, entry in pairs(value) do if type(entry) == 'table' then keys[#keys + 1] = key end end
            table.sort(keys, function(a, b) return tostring(a) > tostring(b) end)
            for _, key in ipairs(keys) do
               waiting[#waiting + 1] = { path == '' and tostring(key) or path .. '.' .. tostring(key), value[key] }
            end
         end
      end
   end
   return found
end

-- The model of an object: the object, the one in it, or the one at a path.
function model.choose(object, at)
   local found, names = model.list(object), {}
   for i, pair in ipairs(found) do
      if pair[1] == at then return pair[2] end
      names[i] = pair[1]
   end
   if not at and #found == 1 then return found[1][2] end
   if #found == 0 then return nil, 'there is no model in it' end
   if names[1] == '' then return nil, string.format('there is no %s: the file is one model; leave -model out', at) end
   return nil, string.format('%s; the models in it are %s', at and 'there is no ' .. at or 'there are several: say -model PATH',
      table.concat(names, ', '))
end

-- ---- classes of other packages ----

-- A convolution in groups as one of all planes, with zeros where groups do not meet; exports know its groups.
local function grouped(old)
   local groups, weight = old.groups, old.weight
   local out, from = old.nOutputPlane, old.nInputPlane
   local new = nn.SpatialConvolution(1, 1, old.kW, old.kH, old.dW, old.dH, old.padW or 0, old.padH or 0)
   new.nInputPlane, new.nOutputPlane = from, out
   local parts = weight:view(groups, out / groups, from / groups, old.kH, old.kW)
   new.weight = weight.new(out, from, old.kH, old.kW):zero()
   for k = 1, groups do
      new.weight:narrow(1, (k - 1) * out / groups + 1, out / groups)
         :narrow(2, (k - 1) * from / groups + 1, from / groups):copy(parts[k])
   end
   new.gradWeight, new.gradBias = weight.new(), nil
   new.bias, new.grouped = old.bias, { count = groups, weight = weight }
   new.output, new.gradInput, new._type = weight.new(), weight.new(), torch.typename(weight)
   return new
end

local function renamed(name)
   return function(old)
      local class = torch.getmetatable('nn.' .. name)
      return class and setmetatable(old, class)
   end
end

local HOME = {
   ['cudnn.ClippedReLU'] = function(old)
      return nn.HardTanh(0, old.ceiling or old.max_val)
   end,
   ['cudnn.TemporalConvolution'] = renamed 'TemporalConvolution',
   ['nn.DataParallelTable'] = function(old) return old.modules and old.modules[1] end,
   ['inn.SpatialCrossResponseNormalization'] = renamed 'SpatialCrossMapLRN',
   -- a factor and a summand for each channel
   ['inn.ConstAffine'] = function(old)
      local n = old.a:nElement()
      local net = nn.Sequential():add(nn.CMul(1, n, 1, 1)):add(nn.CAdd(1, n, 1, 1)):type(torch.typename(old.a))
      net:get(1).weight:copy(old.a)
      net:get(2).bias:copy(old.b)
      return net
   end,
   -- of dpnn: a container around what it made of its options, and a layer of older versions
   ['nn.Inception'] = function(old) return type(old.modules) == 'table' and old.modules[1] or nil end,
   ['nn.LinearNoBias'] = function(old)
      old.bias = nil
      return setmetatable(old, torch.getmetatable 'nn.Linear')
   end,
   -- of char-rnn
   ['OneHot'] = function(old) return nn.OneHot(old.outputSize) end,
}
-- inn's poolings count windows that hang over the end
for _, name in ipairs { 'SpatialMaxPooling', 'SpatialAveragePooling' } do
   HOME['inn.' .. name] = function(old)
      if old.ceil_mode == nil then old.ceil_mode = true end
      return setmetatable(old, torch.getmetatable('nn.' .. name))
   end
end
for _, name in ipairs(require 'nn.cudnn') do HOME['cudnn.' .. name] = renamed(name) end

local function at_home(object)
   local name = torch.typename(object)
   if not name then return nil end
   if name:find('^cudnn%..*Convolution$') and (tonumber(rawget(object, 'groups')) or 1) > 1 then
      return name == 'cudnn.SpatialConvolution' and grouped(object) or nil
   end
   return HOME[name] and HOME[name](object)
end

-- Replaces what other packages have by what nn has, wherever it stands.
function model.home(root)
   local new, seen, waiting = {}, {}, { root }
   local first = at_home(root)
   if first then return model.home(first) end
   while #waiting > 0 do
      local object = table.remove(waiting)
      if type(object) == 'table' and not seen[object] then
         seen[object] = true
         for key, value in pairs(object) do
            if type(value) == 'table' then
               if new[value] == nil then new[value] = at_home(value) or false end
               if new[value] then
                  object[key] = new[value]
                  value = new[value]
               end
               waiting[#waiting + 1] = value
            end
         end
      end
   end
   return root
end

-- ---- what can be exported ----

-- Fields that hold tensors wherever they are set.
local TENSORS = { 'weight', 'bias', 'running_mean', 'running_var' }
-- Modules within modules: more than networks have, fewer than what walks through them takes.
local DEEPEST = 1000

-- Modules that are not as their classes make them, so that nothing can run them: { place, class, why } each.
function model.malformed(root)
   local found = {}
   local function visit(m, place, above, depth)
      local function complain(why) found[#found + 1] = { place = place, class = torch.type(m), why = why } end
      if above[m] then return complain('it contains itself') end
      if depth > DEEPEST then return complain(string.format('it is nested deeper than %d modules', DEEPEST)) end
      if type(m) ~= 'table' or not torch.typename(m) then return complain('a module expected') end
      for _, field in ipairs(TENSORS) do
         local value = rawget(m, field)
         if value and not torch.isTensor(value) then
            complain(string.format("its field '%s' is a %s, a tensor expected", field, torch.type(value)))
         end
      end
      if type(m.modules) ~= 'table' then
         if torch.isTypeOf(m, 'nn.Container') then complain('its table of modules is missing') end
         return
      end
      above[m] = true
      for i, child in ipairs(m.modules) do visit(child, (place ~= '' and place .. '.' or '') .. i, above, depth + 1) end
      above[m] = nil
   end
   visit(root, '', {}, 1)
   return found
end

-- The modules that no declaration expresses: { place, class, why } each.
function model.unknown(root)
   local found = model.malformed(root)
   if #found > 0 then return found end
   local function visit(m, place)
      local f, why = layers.find(m)
      if not f then found[#found + 1] = { place = place, class = torch.type(m), why = why } end
      if f or not torch.isTypeOf(m, 'nn.Module') then
         for i, child in ipairs(type(m.modules) == 'table' and m.modules or {}) do
            visit(child, (place ~= '' and place .. '.' or '') .. i)
         end
      end
   end
   visit(root, '')
   return found
end

-- The text of such a list.
function model.complaint(list)
   local lines = {}
   for i, f in ipairs(list) do
      lines[i] = string.format('   %s: %s: %s', f.place ~= '' and f.place or 'the model', f.class, f.why)
   end
   return table.concat(lines, '\n')
end

-- ---- tensors ----

-- The tensors in a nesting of tables, by the keys that lead to them.
function model.nested(object)
   local list, seen = {}, {}
   local function later(a, b)
      if type(a) == type(b) and (type(a) == 'number' or type(a) == 'string') then return a > b end
      return tostring(a) > tostring(b)
   end
   local waiting = { { '', object } }
   while #waiting > 0 do
      local name, value = unpack(table.remove(waiting))
      local prefix = name ~= '' and name .. '.' or ''
      if torch.isTensor(value) then
         if value:dim() > 0 then list[#list + 1] = { name == '' and 'tensor' or name, value } end
      elseif type(value) == 'table' and not seen[value] then
         seen[value] = true
         if model.is_module(value) then
            for _, pair in ipairs(nn.Module.stateDict(value)) do list[#list + 1] = { prefix .. pair[1], pair[2] } end
         else
            local keys = {}
            for key in pairs(value) do keys[#keys + 1] = key end
            table.sort(keys, later)
            for _, key in ipairs(keys) do waiting[#waiting + 1] = { prefix .. tostring(key), value[key] } end
         end
      end
   end
   return list
end

return model
