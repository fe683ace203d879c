-- Checks the manual against this program: `th tests/lua/manual.lua` in the repository's root. Every piece of a session
-- in the folders of docs must give exactly the lines that stand below it, every name must have a section, and every
-- section's name must exist. `-write` puts what the sessions give into the pages instead: read it before it is committed.
local native = require 'rekindle.native'
local manual = require 'rekindle.manual'
local run = require 'rekindle.run'
local is_incomplete = require('rekindle.session').is_incomplete
local write = arg[1] == '-write'
local only = arg[write and 2 or 1]
local complaints = {}
local function complain(...) complaints[#complaints + 1] = string.format(...) end

-- ---- pictures ----

-- the last picture that an example drew, and how it is compared with the file of the manual
local drawn
local function has_drawn(picture) drawn = picture end
require('rekindle.pictures').sink = has_drawn

-- numbers may differ in their last digit, as processors compute; so do pixels
local function same_numbers(a, b)
   local function parts(text)
      local numbers = {}
      local rest = text:gsub('%-?%d+%.?%d*', function(n)
         numbers[#numbers + 1] = tonumber(n)
         return '#'
      end)
      return rest, numbers
   end
   local rest_a, numbers_a = parts(a)
   local rest_b, numbers_b = parts(b)
   if rest_a ~= rest_b or #numbers_a ~= #numbers_b then return false end
   for i, v in ipairs(numbers_a) do
      if math.abs(v - numbers_b[i]) > 0.02 then return false end
   end
   return true
end
local function pixels(bytes) return image.decompressPNG(torch.ByteTensor(torch.ByteStorage():string(bytes)), 3, 'float') end
local function same_pixels(a, b)
   local x, y = pixels(a), pixels(b)
   return x:isSameSizeAs(y) and torch.abs(x - y):max() < 0.01
end
-- pictures within a picture are compared as such
local function same_svg(a, b)
   local function without(text, list)
      return (text:gsub('base64,([%w+/=]+)', function(data)
         list[#list + 1] = require('base64').decode(data)
         return ''
      end))
   end
   local in_a, in_b = {}, {}
   if not same_numbers(without(a, in_a), without(b, in_b)) or #in_a ~= #in_b then return false end
   for i in ipairs(in_a) do
      if not same_pixels(in_a[i], in_b[i]) then return false end
   end
   return true
end

local shown = {}
local function check_picture(path, heading, line)
   local file = line:match '%(%.%./(pictures/[%w_]+%.%w+)%)$'
   if not file then return complain('%s, %s: %s is no picture of docs/pictures', path, heading, line) end
   file = 'docs/' .. file
   if shown[file] then complain('%s, %s: %s is shown twice', path, heading, file) end
   shown[file] = true
   local kind = file:match '%w+$'
   local bytes = drawn and drawn[kind]
   drawn = nil
   if not bytes then return complain('%s, %s: nothing is drawn for %s', path, heading, file) end
   local old = io.open(file, 'rb')
   local before = old and old:read '*a'
   if old then old:close() end
   local equal = before and (kind == 'svg' and same_svg or same_pixels)(before, bytes)
   if equal then return end
   if not write then return complain('%s, %s: %s is not what the example draws', path, heading, file) end
   local to = assert(io.open(file, 'wb'))
   to:write(bytes)
   to:close()
end

-- ---- sessions ----

-- everything that is printed, also by the print that shows tables, whose own way out is an upvalue
local output = {}
local function put(...) for i = 1, select('#', ...) do output[#output + 1] = tostring((select(i, ...))) end end
local function plain(...)
   local n = select('#', ...)
   for i = 1, n do put((select(i, ...)), i < n and '\t' or '') end
   put('\n')
end
-- the print of a terminal, whatever reads this program's output
require('rekindle.print').checked = false
local say = print
for i = 1, 10 do
   local name, value = debug.getupvalue(print, i)
   if name == 'plain' then
      say = value
      debug.setupvalue(print, i, plain)
      break
   end
end
local shown_print, real_write = print, io.write
local function capture(f, ...)
   output = {}
   io.write = put
   f(...)
   io.write = real_write
   print = shown_print
   return table.concat(output)
end

-- what the session shows for a piece of code; of an error its first line
local function answer(code)
   local text = capture(run.interact, code, function(why) put(why:match('^[^\n]*')) end)
   local lines = {}
   for line in (text .. '\n'):gmatch('(.-)\n') do lines[#lines + 1] = (line:gsub('%s+$', '')) end
   while lines[#lines] == '' do lines[#lines] = nil end
   return lines
end

require 'nn'
require 'optim'
require 'image'
require 'gnuplot'
local known = {}
for k in pairs(_G) do known[k] = true end
local function fresh()
   for k in pairs(_G) do
      if not known[k] then rawset(_G, k, nil) end
   end
   torch.setdefaulttensortype('torch.DoubleTensor')
   gnuplot.closeall()
   torch.seed()   -- what is random and has no seed of its own does not repeat
end

-- a fenced block again, with what its inputs give
local function session(block)
   local out, pending = {}, nil
   for i, line in ipairs(block) do
      local code = line:match('^> ?(.*)$')
      if code then
         out[#out + 1] = line
         pending = pending and pending .. '\n' .. code or code
         if not is_incomplete(pending) then
            for _, given in ipairs(answer(pending)) do out[#out + 1] = given end
            -- a blank line parts what is typed after tensors of several planes; none is kept otherwise
            pending = nil
         end
      end
   end
   return out
end

local function same(a, b)
   local function tight(t) return (table.concat(t, '\n'):gsub('%s+\n', '\n'):gsub('\n+', '\n'):gsub('%s+$', '')) end
   return tight(a) == tight(b), tight(a)
end

local function check_page(path)
   local out, block, heading = {}, nil, path
   for line in io.lines(path) do
      if line:find('^```') and not block then
         block = {}
      elseif line:find('^```') then
         local given = session(block)
         if not write and not same(given, block) then
            complain('%s, %s: the session gives\n%s', path, heading, table.concat(given, '\n'))
         end
         for _, l in ipairs(given) do out[#out + 1] = l end
         block = nil
      elseif block then
         block[#block + 1] = line
      elseif line:find('^!%[') then
         check_picture(path, heading, line)
      end
      if line:find('^## ') then
         heading = line
         fresh()
      end
      if not block then out[#out + 1] = line elseif #block == 0 then out[#out + 1] = line end
   end
   if block then complain('%s: a fence is not closed', path) end
   if write then
      local file = assert(io.open(path, 'w'))
      file:write(table.concat(out, '\n'), '\n')
      file:close()
   end
end

-- ---- names ----

local sections = {}
local function collect(path)
   local file = assert(io.open(path))
   for _, section in ipairs(manual.parse(file:read('*a'), path)) do
      for _, name in ipairs(section.names) do
         if sections[name] then complain('%s: %s has a section in %s too', path, name, sections[name].page) end
         sections[name] = section
      end
      for _, block in ipairs(section.blocks) do
         for _, line in ipairs(block.lines) do
            local width = block.kind == 'calls' and 80 or block.kind == 'session' and line:find('^>') and 77 or math.huge
            if #line > width then complain('%s: too wide for the session: %s', path, line) end
         end
      end
      if #section.blocks == 0 then complain('%s: %s says nothing', path, section.names[1]) end
   end
   file:close()
end

local function each(classes, visit)
   for _, class in ipairs(classes) do
      for name in pairs(torch.getmetatable(class)) do visit(name) end
   end
end
local tensor_methods, storage_methods = {}, {}
each(torch.tensor_types, function(name) tensor_methods[name] = true end)
each(torch.storage_types, function(name) storage_methods[name] = true end)

local function exists(name)
   if torch.getmetatable(name) then return true end
   local value = _G
   for part in name:gmatch('[^.]+') do value = type(value) == 'table' and value[part] or nil end
   if value ~= nil then return true end
   local class, method = name:match('^(.*)%.([%w_]+)$')
   if class == 'Tensor' then return tensor_methods[method] end
   if class == 'Storage' then return storage_methods[method] end
   local mt = class and (torch.getmetatable('torch.' .. class) or torch.getmetatable(class))
   if class then return mt ~= nil and mt[method] ~= nil end
   return torch[name] ~= nil or tensor_methods[name] or type(_G[name]) == 'function'
end

local function wanted()
   local names = {}
   local function want(name) names[name] = true end
   for name in pairs(native.functions.torch) do want(name) end
   for _, methods in pairs(native.methods) do for name in pairs(methods) do want(name) end end
   for _, methods in pairs(native.storage_methods) do
      for name in pairs(methods) do want(name:find('^__') and 'Storage' or 'Storage.' .. name) end
   end
   -- of the list of Torch7's names those that are there, without metamethods and inner steps
   local section
   for line in io.lines('tests/data/torch_names.txt') do
      local head = line:match('^%[([%w%.]+)%]$')
      section = head or section
      if not head and line:sub(1, 1) ~= '#' and section then
         local short = section:match('%u%l+(Storage)$') or section:match('^torch%.(.*)$')
         for name in line:gmatch('%S+') do
            local owner = section == 'torch' and torch or torch.getmetatable(section)
            if owner[name] ~= nil then
               local tensor = section == 'torch' or section:find('Tensor$')
               if section == 'torch' and (name:find('Tensor$') or name:find('%u%l+Storage$')) then
                  want(name:match('Tensor$') or 'Storage')
               elseif name == 'torch' then
                  want('Tensor.torch')
               elseif tensor and (name:sub(1, 1) ~= '_' or section == 'torch') then
                  want(name)
               elseif not tensor and name:sub(1, 1) ~= '_' and name ~= 'new' then
                  want(short .. '.' .. name)
               end
            end
         end
      end
   end
   return names
end

local function check_names()
   local missing = {}
   for name in pairs(wanted()) do
      if not sections[name] then missing[#missing + 1] = name end
   end
   table.sort(missing)
   -- a class of nn may come without its text at first
   local untold = {}
   for name in pairs(nn) do
      if torch.getmetatable('nn.' .. name) and not sections['nn.' .. name] then untold[#untold + 1] = 'nn.' .. name end
   end
   table.sort(untold)
   if #untold > 0 then say(manual.wrap('classes without a section: ' .. table.concat(untold, ' '), '   ')) end
   if #missing > 0 then complain('without a section: %s', manual.wrap(table.concat(missing, ' '), '   ')) end
   for name, section in pairs(sections) do
      if not exists(name) then complain('%s: there is no %s', section.page, name) end
   end
end

-- pages that are not in the binary yet are checked too
for _, folder in ipairs { 'docs/torch/', 'docs/nn/', 'docs/optim/', 'docs/image/', 'docs/gnuplot/' } do
   for name in paths.files(folder, '%.md$') do
      local path = folder .. name
      if not only or path:find(only, 1, true) then
         check_page(path)
         collect(path)
      end
   end
end
if not only then
   check_names()
   for name in paths.files('docs/pictures/', '%.%w+$') do
      if not shown['docs/pictures/' .. name] then complain('docs/pictures/%s: no page shows it', name) end
   end
end
for _, text in ipairs(complaints) do say(text) end
local count = 0
for _ in pairs(sections) do count = count + 1 end
say(count .. ' sections, ' .. #complaints .. ' complaints')
os.exit(#complaints == 0 and 0 or 1)
